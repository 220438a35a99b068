"""The first people of an empty database: an administrator, and one person of each role with work to do."""

import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from hotline.locales import translate
from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.actors import Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person

FIRST_LOGIN = "admin"
DESK_ROLES = (Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR)  # one person of each


@dataclass(frozen=True, slots=True)
class FirstPerson:
    """Somebody who was just added. `password`: for one log-in, at which it is replaced."""

    login: str
    role: Role
    department: str | None
    password: str


def first_grants(directory: Directory) -> dict[str, Grant]:
    """Who is added, by login. The handler works for the department that most rows of the dispatch catalogue lead to."""
    grants = {FIRST_LOGIN: Grant(frozenset({Role.ADMIN}))}
    grants |= {str(role): Grant(frozenset({role})) for role in DESK_ROLES}
    active = {code for code, department in directory.departments.items() if department.active}
    led = Counter(route.lead for route in directory.routes.values() if route.active and route.lead in active)
    leads = sorted(led or active, key=lambda code: (-led[code], code))
    if leads:
        grants[str(Role.HANDLER)] = Grant(frozenset({Role.HANDLER}), leads[0])
    return grants


async def add_first_people(services: OrganisationServices, now: datetime) -> list[FirstPerson]:
    """Add them, each with a random password."""
    added = []
    for login, grant in first_grants(await services.directory.now(now)).items():
        (role,), password = grant.roles, secrets.token_urlsafe(12)
        name = translate(f"role.{role}", "zh-Hans")
        await add_person(services, NewPerson(login, name, password, grant, is_first=True), now)
        added.append(FirstPerson(login, role, grant.department, password))
    return added

"""Checks of the doctor on what lets people and machines in: keys, passwords, second factors, calendar tokens."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from hotline.oidc.store import load_linked_people
from hotline.operations.findings import SHOWN, Finding, build_finding, list_finding
from hotline.organisation.model.actors import Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.store import duty_feeds, people, second_factors
from hotline.tickets.context import Services

KEY_NOTICE = timedelta(days=30)  # a key that ends sooner is named
UNUSED = timedelta(days=90)  # what nobody used for longer is not needed
PROTECTED = (Role.ADMIN, Role.SUPERVISOR)  # who sees or changes most
MOST = SHOWN + 1  # one more than a finding shows: there are more


async def check_keys(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    """Keys of machines that end soon, or that nobody uses."""
    found: list[Finding] = []
    if ending := await people.load_ending_keys(services.db, now, now + KEY_NOTICE, MOST):
        found.append(list_finding("keys", "doctor.keys.ending", _key_names(ending), days=KEY_NOTICE.days))
    if unused := await people.load_unused_keys(services.db, now, now - UNUSED, MOST):
        found.append(list_finding("keys", "doctor.keys.unused", _key_names(unused), days=UNUSED.days))
    return found or [build_finding("keys", "doctor.keys.good")]


def _key_names(rows: Iterable[Any]) -> list[str]:
    return [f"{row.name} ({row.id})" for row in rows]


async def check_passwords(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    """People who never replaced the password that somebody else set, and can no longer log in with it."""
    if expired := await people.load_expired_first_passwords(services.db, now, MOST):
        return [list_finding("passwords", "doctor.passwords.expired", expired)]
    return [build_finding("passwords", "doctor.passwords.good")]


async def check_factors(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    """Administrators and supervisors, and whoever else needs one, without a second factor. Who logs in at an identity
    provider proves it there."""
    required = services.second_factor_required
    linked = await load_linked_people(services.db)

    async def lacking(roles: Iterable[Role]) -> list[str]:
        held: dict[str, str] = {}
        for role in sorted(roles):
            held |= await second_factors.load_unprotected(services.db, role)
        return sorted(login for person, login in held.items() if person not in linked)

    found: list[Finding] = []
    if named := await lacking(required):
        found.append(list_finding("factors", "doctor.factors.required", named, count=len(named)))
    if named := await lacking(frozenset(PROTECTED) - required):
        found.append(list_finding("factors", "doctor.factors.advised", named, count=len(named)))
    return found or [build_finding("factors", "doctor.factors.good")]


async def check_feeds(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    """Tokens of duty calendars that nobody uses."""
    if unused := await duty_feeds.load_unused_feeds(services.db, now - UNUSED, MOST):
        names = [f"{row.department}: {row.name}" for row in unused]
        return [list_finding("feeds", "doctor.feeds.unused", names, days=UNUSED.days)]
    return [build_finding("feeds", "doctor.feeds.good")]

"""Changes of people: name, roles, department, area, password, and whether the account is open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.actors import Actor, Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.account_events import person_changes
from hotline.organisation.service.accounts import ActorCache, check_grant, check_new_password, refuse_excess_grant
from hotline.organisation.service.administrators import refuse_without_administrator
from hotline.organisation.service.second_step import refuse_own_account
from hotline.organisation.service.sessions import end_sessions_of, load_managed_person
from hotline.organisation.store import people
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import record_deeds


@dataclass(frozen=True, slots=True)
class PersonUpdate:
    """The person of that id, at the version it was seen at, is to have these values."""

    id: str
    version: int
    values: Mapping[str, Any]


async def change_person(
    services: OrganisationServices,
    actor_cache: ActorCache,
    update: PersonUpdate,
    now: datetime,
    granter: Actor | None = None,
) -> dict[str, Any]:
    """Change name, roles, department, area, password or active of whoever has this id or login. Takes effect at once;
    a new password logs out everywhere. Raises Refused where the person is not the granter's to change, or would be
    given more than the granter holds, or is the last administrator, or where granters would set their own password."""
    row = await load_managed_person(services, granter, update.id)
    if "password" in update.values:
        refuse_own_account(granter, row.id)
    if row.version != update.version:
        raise Refused(Refusal(Code.STALE, "the person has changed since the version you saw"))
    changed = dict(update.values)
    roles = frozenset(map(Role, changed.get("roles", row.roles)))
    grant = Grant(roles, changed.get("department", row.department), changed.get("area", row.area))
    refuse_excess_grant(granter, grant)
    check_grant(await services.directory.now(now), grant, machine=False)
    if "password" in changed:
        await check_new_password(services, changed["password"], row.login, changed.get("name", row.name), now)
        changed["password"] = await services.hashing.hash(changed["password"])
        changed["first_password_until"] = now + services.account_rules.first_password_lifetime
    if "roles" in changed:
        changed["roles"] = sorted(grant.roles)

    events = person_changes(row._asdict(), changed, granter, now)

    def keep(c: sa.Connection) -> bool:
        done = people.change_person(c, row.id, update.version, changed)
        if done and ("password" in changed or changed.get("active") is False):
            end_sessions_of(c, services, row.id)
        if done:
            refuse_without_administrator(c, row._asdict(), changed)
            record_deeds(c, events)
        return done

    if not await services.db.transact(keep):
        raise Refused(Refusal(Code.STALE, "the person has changed since the version you saw"))
    actor_cache.forget()
    after = await people.load_person(services.db, row.id)
    if after is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such person"))
    return dict(after._asdict())

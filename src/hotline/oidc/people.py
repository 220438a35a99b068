"""The person that an identity provider's claims are about: added at the first log-in, brought up to date at each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from hotline.database.prepared import Row
from hotline.oidc import store
from hotline.oidc.model import IdentityClaims, IdentityProvider
from hotline.organisation.context import OrganisationServices
from hotline.organisation.service.account_events import person_changes
from hotline.organisation.service.accounts import check_grant
from hotline.organisation.service.administrators import refuse_without_administrator
from hotline.organisation.service.password_hashing import NO_PASSWORD
from hotline.organisation.store import people
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import Principal, SecurityEvent
from hotline.security_log.vocabulary import Deed


class NotProvisioned(Exception):
    """`reason`: a word of LogInFailure."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PersonProvision:
    """What a log-in changes about a person. `known`: the person there is; None: one is added."""

    issuer: str
    subject: str
    known: str | None
    before: Row | None
    values: Mapping[str, Any]
    now: datetime
    provider: Principal

    def write(self, c: sa.Connection) -> tuple[str, Sequence[SecurityEvent]]:
        """The person's id, and what the security log is to say. Raises IntegrityError where another log-in added them a
        moment ago; Refused where they were changed, or are the last administrator."""
        if self.before is None or self.known is None:
            people.add_person(c, self.values)
            person = str(self.values["id"])
            store.add_identity(c, self.issuer, self.subject, person, self.now)
            added = {name: self.values[name] for name in ("roles", "department", "area")}
            return person, [SecurityEvent(Deed.PERSON_ADDED, self.provider, self.now, ("person", person), added)]
        if self.values:
            if not people.change_person(c, self.known, self.before.version, self.values):
                raise Refused(Refusal(Code.STALE, "the person has changed a moment ago: log in again"))
            refuse_without_administrator(c, self.before._asdict(), self.values)
        store.note_log_in(c, self.issuer, self.subject, self.now)
        changes = person_changes(self.before._asdict(), self.values, None, self.now)
        return self.known, [replace(event, by=self.provider) for event in changes]


def _principal(provider: IdentityProvider) -> Principal:
    return Principal("system", f"oidc:{provider.code}", provider.name)


async def provision_person(
    services: OrganisationServices, provider: IdentityProvider, claimed: IdentityClaims, now: datetime
) -> PersonProvision:
    """What is to be written. Raises NotProvisioned."""
    try:
        check_grant(await services.directory.now(now), claimed.grant, machine=False)
    except Refused:  # a department or area that the directory does not have
        raise NotProvisioned("unmapped") from None
    known = await store.load_identity(services.db, provider.issuer, claimed.subject)
    if known is None:
        return await _new_person(services, provider, claimed, now)
    row = await people.load_person(services.db, known)
    if row is None or not row.active:
        raise NotProvisioned("closed")
    grant = claimed.grant
    claims = {
        "name": claimed.name, "roles": sorted(grant.roles), "department": grant.department, "area": grant.area,
    }  # fmt: skip
    changed = {name: value for name, value in claims.items() if value != getattr(row, name)}
    return PersonProvision(provider.issuer, claimed.subject, known, row, changed, now, _principal(provider))


async def _new_person(
    services: OrganisationServices, provider: IdentityProvider, claimed: IdentityClaims, now: datetime
) -> PersonProvision:
    if await people.load_person_by_login(services.db, claimed.login) is not None:
        raise NotProvisioned("login_taken")
    values = {
        "id": str(uuid4()),
        "login": claimed.login,
        "name": claimed.name,
        "password": NO_PASSWORD,
        "roles": sorted(claimed.grant.roles),
        "department": claimed.grant.department,
        "area": claimed.grant.area,
        "active": True,
        "version": 1,
        "created_at": now,
    }
    return PersonProvision(provider.issuer, claimed.subject, None, None, values, now, _principal(provider))

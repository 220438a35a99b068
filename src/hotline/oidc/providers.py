"""The identity providers of this process's database: kept for a moment, so that the log-in page asks nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from hotline.oidc import store
from hotline.oidc.model import IdentityProvider, is_subject
from hotline.oidc.tables import identity_provider
from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.actors import COMMAND_LINE
from hotline.organisation.service.account_events import person_event
from hotline.organisation.service.sessions import end_sessions_of
from hotline.organisation.store import people
from hotline.organisation.store.sessions import end_session
from hotline.secrets.secret_box import SealedColumn, seal, unseal
from hotline.security_log.store import SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed

if TYPE_CHECKING:
    from hotline.oidc.schemas import ProviderIn

CACHE_TTL = timedelta(seconds=10)  # until another process sees a change


def seal_context(code: str) -> str:
    """What a sealed secret is bound to."""
    return f"identity provider {code}"


SEALED = (SealedColumn(identity_provider, "secret", lambda row: seal_context(row["code"])),)


@dataclass(frozen=True, slots=True)
class StoredProvider:
    provider: IdentityProvider
    sealed: str | None

    def secret(self, services: OrganisationServices) -> str | None:
        """Our secret there; None: a public client."""
        if self.sealed is None:
            return None
        return str(unseal(services.secret, seal_context(self.provider.code), self.sealed))


class Providers:
    def __init__(self) -> None:
        self._known: tuple[StoredProvider, ...] = ()
        self._until: datetime | None = None
        self._lock = asyncio.Lock()

    def forget(self) -> None:
        self._until = None

    async def all(self, services: OrganisationServices) -> Sequence[StoredProvider]:
        now = services.clock()
        if self._until is None or not now < self._until:
            async with self._lock:
                if self._until is None or not now < self._until:
                    self._known, self._until = await load_providers(services), now + CACHE_TTL
        return self._known

    async def find(self, services: OrganisationServices, code: str) -> StoredProvider | None:
        return next((p for p in await self.all(services) if p.provider.code == code), None)


class StoredIdentities:
    """Who is somebody at an identity provider, by the database."""

    def __init__(self, services: OrganisationServices) -> None:
        self._services = services

    async def has_identity(self, person: str) -> bool:
        return await store.has_identity(self._services.db, person)

    def rename_session(self, connection: sa.Connection, old: str, new: str) -> None:
        store.rename_session(connection, old, new)


async def load_providers(services: OrganisationServices) -> tuple[StoredProvider, ...]:
    rows = await store.load_providers(services.db)
    if not rows:
        return ()
    from hotline.oidc.schemas import provider_from_body

    return tuple(StoredProvider(provider_from_body(row.code, row.body), row.secret) for row in rows)


async def set_provider(
    services: OrganisationServices, code: str, given: "ProviderIn", secret: str | None, now: datetime
) -> None:
    """Add a provider or put it in the place of the one of that code. `secret` None: the one there was stays."""
    before = next((p for p in await load_providers(services) if p.provider.code == code), None)
    sealed = seal(services.secret, seal_context(code), secret) if secret else before.sealed if before else None
    row = {"code": code, "body": given.model_dump(mode="json"), "secret": sealed, "changed_at": now}

    def keep(c: sa.Connection) -> None:
        store.store_provider(c, row)
        ended = 0 if given.active else _end_sessions(c, code)
        record_deed(c, _changed(code, now, ended))

    await services.db.transact(keep)
    services.part(Providers).forget()


def _changed(code: str, now: datetime, ended: int) -> SecurityEvent:
    about, details = ("provider", code), {"sessions_ended": ended}
    return SecurityEvent(Deed.IDENTITY_PROVIDER_CHANGED, COMMAND_LINE, now, about, details)


def _end_sessions(c: sa.Connection, code: str) -> int:
    """End all that began at a provider; how many."""
    return sum(end_session(c, hashed) for hashed in store.take_sessions(c, code, None, None))


async def remove_provider(services: OrganisationServices, code: str, now: datetime) -> bool:
    """False: there is none of that code. The sessions that began there end."""

    def remove(c: sa.Connection) -> bool:
        removed = store.delete_provider(c, code)
        if removed:
            record_deed(c, _changed(code, now, _end_sessions(c, code)))
        return removed

    removed = await services.db.transact(remove)
    services.part(Providers).forget()
    return removed


async def link_person(services: OrganisationServices, code: str, subject: str, login: str, now: datetime) -> str | None:
    """Somebody who has a log-in here is that subject there. What stands in the way; None: done."""
    issuer = await _issuer(services, code)
    row = await people.load_person_by_login(services.db, login.casefold())
    if issuer is None or row is None:
        return "no such provider" if issuer is None else "no such login"
    if not is_subject(subject):
        return "no subject of a provider"

    def link(c: sa.Connection) -> None:
        store.add_identity(c, issuer, subject, row.id, now)
        record_deed(c, person_event(Deed.PERSON_CHANGED, row.id, None, now, {"identity_provider": code}))

    try:
        await services.db.transact(link)
    except sa.exc.IntegrityError:
        return "this subject is linked already"
    return None


async def unlink_person(services: OrganisationServices, code: str, subject: str, now: datetime) -> str | None:
    """Forget who a subject is, and end the sessions of that person. What stands in the way; None: done. Whoever was
    added by the provider has no password, and gets in again once an administrator sets one."""
    issuer = await _issuer(services, code)
    if issuer is None:
        return "no such provider"

    def unlink(c: sa.Connection) -> str | None:
        person = store.delete_identity(c, issuer, subject)
        if person is None:
            return "no such subject"
        details = {"identity_provider_before": code, "sessions_ended": end_sessions_of(c, services, person)}
        record_deed(c, person_event(Deed.PERSON_CHANGED, person, None, now, details))
        return None

    return await services.db.transact(unlink)


async def _issuer(services: OrganisationServices, code: str) -> str | None:
    return next((p.provider.issuer for p in await load_providers(services) if p.provider.code == code), None)

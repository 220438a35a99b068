"""Sessions: the one way in for every kind of log-in, and the one way out.

A log-in that lacks a further step begins a session that is pending: `SessionStage` says of what. A pending session
opens nothing but that step, so no route can forget to ask for it."""

import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hotline.database.prepared import Row
from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.sessions import SessionStage, device_name
from hotline.organisation.service.account_events import logged_out, sessions_ended
from hotline.organisation.service.accounts import ActorCache, can_manage, is_hash_of, keyed_hash
from hotline.organisation.service.credentials import session_state
from hotline.organisation.store import people
from hotline.organisation.store import sessions as session_store
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import record_deed

NO_SESSION = Refusal(Code.NOT_FOUND, "no such session")


@dataclass(frozen=True, slots=True)
class LogInOrigin:
    """From where a log-in comes: the client's address, and the User-Agent it sent. `previous`: the session it had
    before, by the hash of its token, which ends."""

    address: str | None
    user_agent: str = ""
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class StartedSession:
    """A session of a person, and the token that proves it."""

    token: str
    expires_at: datetime
    stage: SessionStage = SessionStage.ACTIVE


async def stage_after_password(services: OrganisationServices, person: str, *, first_password: bool) -> SessionStage:
    """The stage of a log-in whose password was right: what it lacks first."""
    if await services.second_factors.is_required(person):
        return SessionStage.PENDING_FACTOR
    return SessionStage.PENDING_PASSWORD if first_password else SessionStage.ACTIVE


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to begin. `method`: how the person proved who they are; `stage`: what the log-in lacks; `proved_at`:
    when, where that was before now and elsewhere."""

    person: str
    origin: LogInOrigin
    method: str = "password"
    stage: SessionStage = SessionStage.ACTIVE
    proved_at: datetime | None = None


def start_session(c: sa.Connection, services: OrganisationServices, new: NewSession, now: datetime) -> StartedSession:
    """Begin a session of a person who has proved who they are, in the transaction of the proof. Every log-in, of
    whatever kind, comes through here: the session that the same client had before ends."""
    token = _new_token()
    hashed = keyed_hash(services, token)
    if new.origin.previous is not None:
        session_store.replace_session(c, new.origin.previous, hashed, new.person)
    expires_at = services.account_rules.expiry(new.stage, now)
    row = {
        "hash": hashed,
        "person": new.person,
        "created_at": min(now, new.proved_at or now),
        "expires_at": expires_at,
        "stage": new.stage,
        "method": new.method,
        "device": device_name(new.origin.user_agent),
        "address": new.origin.address,
        "seen_at": now,
    }
    session_store.add_session(c, row)
    return StartedSession(token, expires_at, new.stage)


def _new_token() -> str:
    return f"hs_{secrets.token_urlsafe(32)}"


def renew_session(
    c: sa.Connection, services: OrganisationServices, token: str, stage: SessionStage, now: datetime, method: str
) -> StartedSession | None:
    """The session goes on at this stage under a new token, in the transaction of the second proof; the old token opens
    nothing any more. `method`: how the person has proved who they are by now. None: it has ended meanwhile. Call
    `actor_cache.drop(token)` after COMMIT."""
    renewed = StartedSession(_new_token(), services.account_rules.expiry(stage, now), stage)
    old, new = keyed_hash(services, token), keyed_hash(services, renewed.token)
    if not session_store.rename_session(c, old, new, stage, renewed.expires_at, method):
        return None
    services.identities.rename_session(c, old, new)
    return renewed


def advance_session(
    c: sa.Connection,
    services: OrganisationServices,
    token: str,
    stage: SessionStage,
    now: datetime,
    method: str | None = None,
) -> bool:
    """The session has come to this stage, in the transaction of the proof; from ACTIVE on its whole lifetime begins.
    `method`: how the person has proved who they are by now. False: the session has ended meanwhile. Call
    `actor_cache.drop(token)` after COMMIT."""
    return session_store.set_stage(
        c, keyed_hash(services, token), stage, services.account_rules.expiry(stage, now), method
    )


def finish_password_step(c: sa.Connection, services: OrganisationServices, token: str, now: datetime) -> None:
    """The person has replaced the first password: where the session waited for that, it is active from now on."""
    expires_at = services.account_rules.expiry(SessionStage.ACTIVE, now)
    session_store.finish_stage(c, keyed_hash(services, token), SessionStage.PENDING_PASSWORD, expires_at)


def end_sessions_of(
    c: sa.Connection, services: OrganisationServices, person: str, keep_token: str | None = None
) -> int:
    """Log a person out everywhere, but for the session of `keep_token`; how many sessions ended. Streams end within a
    second, in every process. Call `actor_cache.forget()` after COMMIT."""
    return session_store.end_sessions_of(c, person, keyed_hash(services, keep_token) if keep_token else None)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as lists show it. `ends_at`: when it ends if it is not used again; `is_current`: the one that asks."""

    id: str
    device: str
    address: str | None
    method: str
    stage: SessionStage
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    is_current: bool


async def load_sessions(
    services: OrganisationServices, person: str, now: datetime, current_token: str | None = None
) -> list[OpenSession]:
    """The sessions of a person that have not ended, the newest first."""
    current = keyed_hash(services, current_token) if current_token else None
    found = []
    for row in await session_store.load_sessions_of(services.db, person, now):
        ends_at = services.account_rules.session_end(row.expires_at, row.created_at, row.seen_at)
        if ends_at > now:
            found.append(
                OpenSession(
                    row.hash[: session_store.ID_LENGTH],
                    row.device,
                    row.address,
                    row.method,
                    SessionStage(row.stage),
                    row.created_at,
                    row.seen_at or row.created_at,
                    ends_at,
                    current is not None and is_hash_of(row.hash, current),
                )
            )
    return found


async def load_managed_person(services: OrganisationServices, granter: Actor | None, person: str) -> Row:
    """The person of this id or login. Raises Refused where there is none, or none that is the granter's to manage."""
    row = await people.load_person(services.db, person)
    if row is None:
        found = await people.load_person_by_login(services.db, person.casefold())
        row = await people.load_person(services.db, found.id) if found is not None else None
    if row is None or not can_manage(granter, row):
        raise Refused(Refusal(Code.NOT_FOUND, "no such person"))
    return row


@dataclass(frozen=True, slots=True)
class SessionsToEnd:
    """Whose sessions, and who ends them. `only`: that one, as lists call it; `keep_token`: all but the one of this
    token."""

    person: str
    by: Actor
    only: str | None = None
    keep_token: str | None = None


async def end_sessions(
    services: OrganisationServices, actor_cache: ActorCache, which: SessionsToEnd, now: datetime
) -> int:
    """End sessions of a person; how many. Raises Refused where one is named that is not there."""

    def end(c: sa.Connection) -> int:
        devices = 0
        if which.only is not None:
            ended = session_store.end_session_of(c, which.person, which.only)
        else:
            keep = keyed_hash(services, which.keep_token) if which.keep_token else None
            devices = session_store.delete_devices_of(c, which.person, keep)
            ended = session_store.end_sessions_of(c, which.person, keep)
        if ended or devices:
            record_deed(c, sessions_ended(which.person, ended, which.by, now))
        return ended

    ended = await services.db.transact(end)
    if which.only is not None and not ended:
        raise Refused(NO_SESSION)
    actor_cache.forget()
    return ended


async def log_out(
    services: OrganisationServices, actor_cache: ActorCache, token: str, now: datetime, actor: Actor | None = None
) -> None:
    """End the session of this token. `actor`: whose it is, where that is known already."""
    hashed = keyed_hash(services, token)
    if actor is None and (row := await session_store.load_session_person(services.db, hashed)) is not None:
        actor = session_state(await services.directory.now(now), services.account_rules, row).actor
    event = logged_out(actor, now) if actor is not None else None

    def end(c: sa.Connection) -> None:
        session_store.end_session(c, hashed)
        if event is not None:
            record_deed(c, event)

    await services.db.transact(end)
    actor_cache.forget()

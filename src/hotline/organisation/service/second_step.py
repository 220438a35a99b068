"""The second step of a log-in, and which sessions may change second factors."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from hotline.database.prepared import Row
from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.second_factors import needs_second_factor
from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.service.account_events import factor_failed, own_event
from hotline.organisation.service.accounts import LACKING, ActorCache, keyed_hash
from hotline.organisation.service.passkeys import WRONG_PASSKEY, CheckedPasskey, PasskeyAnswer, check_passkey
from hotline.organisation.service.password_hashing import has_password
from hotline.organisation.service.second_factors import CheckedCode, check_code
from hotline.organisation.service.sessions import (
    LogInOrigin,
    NewSession,
    StartedSession,
    advance_session,
    renew_session,
    start_session,
)
from hotline.organisation.store import people, sessions
from hotline.organisation.store import second_factors as store
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import NOBODY, SecurityEvent, record_deed, record_deeds
from hotline.security_log.vocabulary import Deed, EventOutcome
from hotline.web.idempotency import ActionResult, Reply, load_earlier_answer, write_once

T = TypeVar("T")
RECENT = timedelta(minutes=15)  # a log-in that proves who changes accounts and factors
LOG_IN_AGAIN = Refusal(Code.UNAUTHENTICATED, "log in again: this needs a log-in that is not older than 15 minutes")
OWN_ACCOUNT = Refusal(
    Code.CONFLICT, "your own password and factors are changed under /v1/me, where the present ones are asked for"
)
SESSION_ENDED = Refusal(Code.UNAUTHENTICATED, "the session has ended: log in again")


class StoredFactors:
    """Who is asked for a second factor: whoever has one, and whoever needs one by their role."""

    def __init__(self, services: OrganisationServices) -> None:
        self._services = services

    async def is_required(self, person: str) -> bool:
        services = self._services
        if await store.load_factors(services.db, person):
            return True
        row = await people.load_person(services.db, person) if services.second_factor_required else None
        return row is not None and needs_second_factor(map(Role, row.roles), services.second_factor_required)


@dataclass(frozen=True, slots=True)
class AskingSession:
    """The session with which somebody asks: its token, and the row of the session and its person."""

    token: str
    row: Row

    @property
    def is_pending(self) -> bool:
        return bool(self.row.stage == SessionStage.PENDING_FACTOR)


async def load_asking_session(services: OrganisationServices, token: str | None) -> AskingSession:
    """Raises Refused where it is a key's, or has ended."""
    row = await sessions.load_session_person(services.db, keyed_hash(services, token)) if token else None
    if token is None or row is None:
        raise Refused(SESSION_ENDED)
    return AskingSession(token, row)


async def require_recent_log_in(services: OrganisationServices, session: AskingSession, now: datetime) -> None:
    """Raises Refused where the session may not change factors: it is old, or it waits for a factor that the person
    has."""
    if session.is_pending:
        if await store.load_factors(services.db, session.row.id):
            raise Refused(LACKING[SessionStage.PENDING_FACTOR])
    elif session.row.created_at < now - RECENT:
        raise Refused(LOG_IN_AGAIN)


async def require_recent_administrator(
    services: OrganisationServices, actor: Actor, token: str | None, now: datetime
) -> None:
    """Raises Refused where a person asks whose log-in is old. A key has no log-in: its secret comes with each
    request."""
    if actor.kind is ActorKind.PERSON:
        await require_recent_log_in(services, await load_asking_session(services, token), now)


def refuse_own_account(actor: Actor | None, person: str) -> None:
    """Raises Refused where administrators would change how they log in by what is there for others: their own way asks
    for what they have now."""
    if actor is not None and actor.kind is ActorKind.PERSON and actor.id == person:
        raise Refused(OWN_ACCOUNT)


def _next_stage(row: Row) -> SessionStage:
    return SessionStage.PENDING_PASSWORD if row.first_password_until is not None else SessionStage.ACTIVE


def _methods(row: Row, method: str) -> str:
    return f"{row.method}+{method}"[:40]


def advance_after_enrolment(
    c: sa.Connection, services: OrganisationServices, session: AskingSession, method: str, now: datetime
) -> None:
    """Whoever had to set a factor up has done so, and the session goes on under its token. Raises Refused where
    another was added meanwhile: that one is asked for."""
    if not session.is_pending:
        return
    if store.count_factors(c, session.row.id) != 1:
        raise Refused(LACKING[SessionStage.PENDING_FACTOR])
    stage = _next_stage(session.row)
    if not advance_session(c, services, session.token, stage, now, _methods(session.row, method)):
        raise Refused(SESSION_ENDED)


async def finish_log_in(
    services: OrganisationServices,
    actor_cache: ActorCache,
    session: AskingSession,
    proof: str | PasskeyAnswer,
    request: WriteRequest,
    render: Callable[[StartedSession], str],
) -> ActionResult:
    """A code or a passkey's answer ends the wait, and the session goes on under a new token. Wrong codes are counted by
    person. Raises Refused."""
    if earlier := await load_earlier_answer(services, request.key, secret=True):
        return earlier
    if not session.is_pending:
        raise Refused(Refusal(Code.CONFLICT, "this session waits for no second factor"))
    now, person = request.now, str(session.row.id)
    checked: CheckedCode | CheckedPasskey
    if isinstance(proof, str):
        checked = await _noting_failure(services, session.row, check_code(services, person, proof, now), now)
    else:
        checked = await _noting_failure(services, session.row, check_passkey(services, person, proof, now), now)

    def finish(c: sa.Connection) -> Reply:
        checked.use(c, now)
        method = _methods(session.row, checked.method)
        advanced = renew_session(c, services, session.token, _next_stage(session.row), now, method)
        if advanced is None:
            raise Refused(SESSION_ENDED)
        record_deeds(c, _events(session.row, checked.method, advanced.stage, now))
        return Reply(200, render(advanced))

    written = write_once(services, request.key, finish, now, secret=True)
    result = await _noting_failure(services, session.row, written, now)
    actor_cache.drop(session.token)
    return result


async def _noting_failure(services: OrganisationServices, row: Row, check: Awaitable[T], now: datetime) -> T:
    """What a check returns; where it refuses what was sent, the security log says so."""
    try:
        return await check
    except Refused as refused:
        if refused.refusal.code in (Code.INVALID, Code.TOO_MANY):
            services.security_log.note(factor_failed(row, now))
        raise


def _events(row: Row, method: str, stage: SessionStage, now: datetime) -> list[SecurityEvent]:
    used = [own_event(row, Deed.RECOVERY_CODE_USED, now)] if method == "recovery_code" else []
    return [*used, own_event(row, Deed.LOG_IN, now, method=f"{row.method}+{method}", stage=stage)]


async def log_in_by_passkey(
    services: OrganisationServices, answer: PasskeyAnswer, origin: LogInOrigin, now: datetime
) -> StartedSession:
    """A session of whoever the passkey names, without a password: the authenticator has verified its user, and is the
    first factor and the second. Not of whoever logs in at an identity provider, or came from one: a passkey would
    outlive the account there, so it is a second factor alone. Raises Refused."""
    why = "wrong passkey"
    try:
        checked = await check_passkey(services, None, answer, now)
        row = await people.load_person(services.db, checked.person)
        if row is None:
            raise Refused(SESSION_ENDED)
        local = await people.load_person_by_login(services.db, row.login)
        if local is None or not has_password(local.password) or await services.identities.has_identity(row.id):
            why = "identity provider"
            raise Refused(WRONG_PASSKEY)

        def begin(c: sa.Connection) -> StartedSession:
            checked.use(c, now)
            session = start_session(c, services, NewSession(checked.person, origin, "passkey"), now)
            record_deed(c, own_event(row, Deed.LOG_IN, now, method="passkey", stage=session.stage))
            return session

        return await services.db.transact(begin)
    except Refused as refused:
        if refused.refusal.code is Code.INVALID:
            services.security_log.note(
                SecurityEvent(Deed.LOG_IN_FAILED, NOBODY, now, details={"why": why}, outcome=EventOutcome.FAILED)
            )
        raise

"""Logging in: a password for a session, with wrong ones counted in the database."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.service.accounts import (
    LOGIN_PATTERN,
    MAX_LOGIN_LENGTH,
    throttle_subject,
    too_many_attempts,
)
from hotline.organisation.service.sessions import (
    LogInOrigin,
    NewSession,
    StartedSession,
    stage_after_password,
    start_session,
)
from hotline.organisation.store import people
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import NOBODY, Principal, SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed, EventOutcome
from hotline.web import throttle_store
from hotline.web.addresses import parse_address, rate_limit_key
from hotline.web.idempotency import ActionResult, Reply, RequestKey, write_once
from hotline.web.throttling import AttemptLimit, next_attempt_at

# Wrong passwords. A guesser has 8 in a quarter of an hour for one log-in from one place, and 60 from one address for
# all log-ins. After 100 in a day for one log-in, from all places where it was never right, such a place has 2 instead
# of 8: who attacks from everywhere is slowed down, and whoever the log-in belongs to still gets in from a new address.
# How many are checked at all is bounded by the hashing. None of it is counted against a device or an address where the
# log-in was right before.
PLACE_LIMIT = AttemptLimit(8, timedelta(minutes=15))
ADDRESS_LIMIT = AttemptLimit(60, timedelta(minutes=15))
NARROW_PLACE_LIMIT = AttemptLimit(2, timedelta(minutes=15))
UNKNOWN_PLACES = AttemptLimit(100, timedelta(days=1))  # counted for one log-in; beyond it, NARROW_PLACE_LIMIT
DEVICE_COOKIE = "hotline_device"  # marks a browser in which somebody logged in before; it is no credential
KNOWN_PLACE_TTL = timedelta(days=90)  # how long a device or an address is known after the last log-in
WRONG_CREDENTIALS = Refusal(Code.UNAUTHENTICATED, "wrong login or password")
FIRST_PASSWORD_EXPIRED = Refusal(
    Code.UNAUTHENTICATED, "the first password was not used in time: ask an administrator for another"
)


@dataclass(frozen=True, slots=True)
class LogInAttempt:
    """The login and password that were sent, and from where. `device`: the value of the cookie DEVICE_COOKIE;
    `user_agent`: as the client names itself; `previous`: the session it has, by its hash, which ends."""

    login: str
    password: str
    address: str | None
    device: str | None = None
    user_agent: str = ""
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedLogIn:
    """A right password: whose, where it was given (device and address), what was counted before it was checked, and
    what the log-in still lacks."""

    person: str
    name: str
    origin: LogInOrigin
    stage: SessionStage
    places: frozenset[str]
    places_to_clear: frozenset[str]
    counted: Mapping[str, AttemptLimit]


async def log_in(services: OrganisationServices, attempt: LogInAttempt, now: datetime) -> StartedSession:
    """A session of a person, pending where the log-in lacks a step. Wrong passwords are counted in the database by
    log-in and place. Raises Refused: wrong, too many, or too many at once."""
    checked = await _verify_log_in(services, attempt, now)
    return await services.db.transact(lambda c: _start_session(c, services, checked, now))


async def log_in_once(
    services: OrganisationServices,
    attempt: LogInAttempt,
    key: RequestKey,
    render: Callable[[StartedSession], str],
    now: datetime,
) -> ActionResult:
    """The same under an Idempotency-Key: a repeat proves the password again, and is given the same token."""
    checked = await _verify_log_in(services, attempt, now)

    def start(c: sa.Connection) -> Reply:
        return Reply(200, render(_start_session(c, services, checked, now)))

    def take_back(c: sa.Connection) -> None:
        throttle_store.undo_failure(c, checked.counted)

    try:
        result = await write_once(services, replace(key, owner=f"login:{checked.person}"), start, now, secret=True)
    except Refused as refused:
        if refused.refusal.code is Code.KEY_REUSED:
            await services.db.transact(take_back)
        raise
    if result.replayed:  # `start` has not run, and the password was right all the same
        await services.db.transact(take_back)
    return result


def _log_in_event(checked: CheckedLogIn, now: datetime) -> SecurityEvent:
    person = Principal("person", checked.person, checked.name)
    return SecurityEvent(Deed.LOG_IN, person, now, ("person", checked.person), {"stage": checked.stage})


def _start_session(
    c: sa.Connection, services: OrganisationServices, checked: CheckedLogIn, now: datetime
) -> StartedSession:
    throttle_store.undo_failure(c, checked.counted)
    throttle_store.clear_failures(c, checked.places_to_clear)
    throttle_store.store_known_places(c, checked.places, now)
    record_deed(c, _log_in_event(checked, now))
    return start_session(c, services, NewSession(checked.person, checked.origin, stage=checked.stage), now)


def _note_failure(services: OrganisationServices, person: str | None, why: str, now: datetime) -> None:
    """A log-in that was refused. What was sent as a login is not kept where nobody has it: it may be a password."""
    about = ("person", person) if person is not None else None
    services.security_log.note(SecurityEvent(Deed.LOG_IN_FAILED, NOBODY, now, about, {"why": why}, EventOutcome.FAILED))


async def _verify_log_in(services: OrganisationServices, attempt: LogInAttempt, now: datetime) -> CheckedLogIn:
    login, address, device = attempt.login.casefold(), attempt.address, attempt.device
    # no such log-in can exist: the database need not be asked
    if not re.fullmatch(LOGIN_PATTERN, login) or len(login) > MAX_LOGIN_LENGTH:
        _note_failure(services, None, "unknown_login", now)
        raise Refused(WRONG_CREDENTIALS)
    address_place = throttle_subject(services, "place", login, "address", rate_limit_key(address))
    device_place = throttle_subject(services, "place", login, "device", device) if device else address_place
    places = {address_place, device_place} if parse_address(address) else {device_place} - {address_place}
    address_subject = throttle_subject(services, "address", rate_limit_key(address))
    login_subject = throttle_subject(services, "login", login)

    def count(c: sa.Connection) -> tuple[bool, dict[str, AttemptLimit]]:
        """Counted before anything is checked, so that many at once are as many as one after the other."""
        known = throttle_store.load_known_places(c, places, now - KNOWN_PLACE_TTL)
        place = device_place if device_place in known else address_place
        refusing = {place: PLACE_LIMIT} if known else {place: PLACE_LIMIT, address_subject: ADDRESS_LIMIT}
        limits = refusing if known else {**refusing, login_subject: UNKNOWN_PLACES}
        held = throttle_store.lock_tallies(c, limits, now)
        total = held.get(login_subject)
        if total is not None and total.count >= UNKNOWN_PLACES.tries and total.within(UNKNOWN_PLACES.window, now):
            refusing[place] = NARROW_PLACE_LIMIT
        moment = max(next_attempt_at(limit, held[name], now) for name, limit in refusing.items())
        if moment > now:
            raise Refused(too_many_attempts(moment, now, "log-ins"))
        throttle_store.add_failure(c, limits, held, now)
        return bool(known), limits

    try:
        known, counted = await services.db.transact(count)
    except Refused as refused:
        if refused.refusal.code is Code.TOO_MANY:
            _note_failure(services, None, "too_many", now)
        raise
    try:
        row = await people.load_person_by_login(services.db, login)
        right = await services.hashing.verify(
            attempt.password, row.password if row is not None and row.active else None, known=known
        )
    except Refused:  # nothing was checked
        await services.db.transact(lambda c: throttle_store.undo_failure(c, counted))
        raise
    if row is None or not right:
        why = "unknown_login" if row is None else "wrong_password" if row.active else "closed"
        _note_failure(services, row.id if row is not None else None, why, now)
        raise Refused(WRONG_CREDENTIALS)
    first_until = row.first_password_until
    if first_until is not None and first_until <= now:
        _note_failure(services, row.id, "first_password_expired", now)
        raise Refused(FIRST_PASSWORD_EXPIRED)
    stage = await stage_after_password(services, row.id, first_password=first_until is not None)
    origin = LogInOrigin(address, attempt.user_agent, attempt.previous)
    places_to_clear = frozenset({address_place, device_place})
    return CheckedLogIn(row.id, row.name, origin, stage, frozenset(places), places_to_clear, counted)

"""Logging in: a password for a session, with wrong ones counted in the database."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.organisation.context import OrganisationServices
from hotline.organisation.service.accounts import (
    LOGIN,
    LONGEST_LOGIN,
    SESSION,
    Show,
    hashed,
    subject,
    too_many_attempts,
)
from hotline.organisation.store import people
from hotline.refusals import Code, Refusal, Refused
from hotline.web import throttle_store
from hotline.web.addresses import counted_as, read_address
from hotline.web.idempotency import ActionResult, Reply, RequestKey, write_once
from hotline.web.throttling import Limit, next_attempt_at

# Wrong passwords. A guesser has 8 in a quarter of an hour for one log-in from one place; 60 from one address for all
# log-ins; and for one log-in, from all places where it was never right, 100 in a day and then one each quarter of an
# hour: 200 a day. None of it is counted against a device or an address where the log-in was right before.
FROM_PLACE = Limit(8, timedelta(minutes=15))
FROM_ADDRESS = Limit(60, timedelta(minutes=15))
FROM_STRANGERS = Limit(100, timedelta(days=1), slowest=timedelta(minutes=15))
DEVICE = "hotline_device"  # a cookie that tells a browser in which somebody logged in before; it logs nobody in
KNOWN = timedelta(days=90)  # how long a device or an address is known after the last log-in
WRONG = Refusal(Code.UNAUTHENTICATED, "wrong login or password")


@dataclass(frozen=True, slots=True)
class LogInAttempt:
    """What somebody gave to log in, and from where; `device` is what a browser keeps under DEVICE."""

    login: str
    password: str
    address: str | None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedLogIn:
    """A right password: whose, where it was given (device and address), and what was counted before it was checked."""

    person: str
    places: frozenset[str]
    cleared: frozenset[str]
    counted: Mapping[str, Limit]


async def log_in(services: OrganisationServices, attempt: LogInAttempt, now: datetime) -> dict[str, Any]:
    """A session token for a person. Wrong passwords are counted in the database by log-in and place. Raises Refused:
    wrong, too many, or too many at once."""
    checked = await _checked_log_in(services, attempt, now)
    token = f"hs_{secrets.token_urlsafe(32)}"
    await services.db.transact(lambda c: _start_session(c, services, checked, token, now))
    return _session(token, now)


async def log_in_once(
    services: OrganisationServices, attempt: LogInAttempt, key: RequestKey, show: Show, now: datetime
) -> ActionResult:
    """The same under an Idempotency-Key: a repeat proves the password again, and is given the same token."""
    checked = await _checked_log_in(services, attempt, now)
    token = f"hs_{secrets.token_urlsafe(32)}"

    def start(c: sa.Connection) -> Reply:
        _start_session(c, services, checked, token, now)
        return Reply(200, show(_session(token, now)))

    def take_back(c: sa.Connection) -> None:
        throttle_store.take_back(c, checked.counted)

    try:
        done = await write_once(services, replace(key, owner=f"login:{checked.person}"), start, now, secret=True)
    except Refused as refused:
        if refused.refusal.code is Code.KEY_REUSED:
            await services.db.transact(take_back)
        raise
    if done.replayed:  # `start` has not run, and the password was right all the same
        await services.db.transact(take_back)
    return done


def _session(token: str, now: datetime) -> dict[str, Any]:
    return {"token": token, "token_type": "Bearer", "expires_at": now + SESSION}


def _start_session(
    c: sa.Connection, services: OrganisationServices, checked: CheckedLogIn, token: str, now: datetime
) -> None:
    throttle_store.take_back(c, checked.counted)
    throttle_store.clear(c, checked.cleared)
    throttle_store.note(c, checked.places, now)
    people.add_session(c, hashed(services, token), checked.person, now, now + SESSION)


async def _checked_log_in(services: OrganisationServices, attempt: LogInAttempt, now: datetime) -> CheckedLogIn:
    login, address, device = attempt.login.casefold(), attempt.address, attempt.device
    if not re.fullmatch(LOGIN, login) or len(login) > LONGEST_LOGIN:  # nobody's: no database need be asked
        raise Refused(WRONG)
    here = subject(services, "place", login, "address", counted_as(address))
    device_here = subject(services, "place", login, "device", device) if device else here
    places = {here, device_here} if read_address(address) else {device_here} - {here}
    whole = {
        subject(services, "address", counted_as(address)): FROM_ADDRESS,
        subject(services, "login", login): FROM_STRANGERS,
    }

    def count(c: sa.Connection) -> tuple[bool, dict[str, Limit]]:
        """Counted before anything is checked, so that many at once are as many as one after the other."""
        known = throttle_store.known(c, places, now - KNOWN)
        place = device_here if device_here in known else here
        limits = {place: FROM_PLACE} if known else {place: FROM_PLACE, **whole}
        held = throttle_store.tallies(c, limits, now)
        moment = max(next_attempt_at(limit, held[name], now) for name, limit in limits.items())
        if moment > now:
            raise Refused(too_many_attempts(moment, now, "log-ins"))
        throttle_store.count(c, limits, held, now)
        return bool(known), limits

    known, counted = await services.db.transact(count)
    try:
        row = await people.by_login(services.db, login)
        right = await services.hashing.verify(
            attempt.password, row.password if row is not None and row.active else None, known=known
        )
    except Refused:  # nothing was checked
        await services.db.transact(lambda c: throttle_store.take_back(c, counted))
        raise
    if row is None or not right:
        raise Refused(WRONG)
    return CheckedLogIn(row.id, frozenset(places), frozenset({here, device_here}), counted)

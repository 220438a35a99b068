"""Who may: people log in with passwords, machines carry keys. Only keyed hashes of secrets are kept."""

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from hotline.db import people
from hotline.domain.directory import Directory
from hotline.domain.grants import Grant, may_grant
from hotline.domain.ticket import Actor, Refusal, Refused
from hotline.domain.vocabulary import GRANTED, PEOPLE, ActorKind, Code, Role

from .act import Asked, Done
from .credentials import Credential, Standing, grant_of, standing_of
from .house import House
from .idempotency import Reply, earlier_answer, write_once

Show = Callable[[Mapping[str, Any]], str]  # renders a reply
COOKIE = "hotline_session"  # the console's; it holds the same token as a log-in over the API
LOGIN = r"^[A-Za-z0-9][A-Za-z0-9_.@-]*$"
SESSION = timedelta(hours=12)  # one shift
FRESH = timedelta(seconds=1)  # how long a checked credential is believed: a revoked one stops working within it
MOST_FAILURES = 8  # of one login within FORGIVEN
MOST_FROM_ADDRESS = 60
FORGIVEN = timedelta(minutes=15)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
_HASHER = PasswordHash((Argon2Hasher(),))
_NOBODY = _HASHER.hash("nobody's password")  # checked for unknown logins, so that timing tells nothing
WRONG = Refusal(Code.UNAUTHENTICATED, "wrong login or password")
NO_CREDENTIAL = Refusal(Code.UNAUTHENTICATED, "send Authorization: Bearer with a token or a key")


def refuse_wider(granter: Actor | None, grant: Grant) -> None:
    """Raises Refused where somebody would give more than they hold. None: the command line on the machine itself."""
    if granter is not None and (faults := may_grant(granter, grant)):
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "nobody gives more than they hold", errors=faults))


def manages(granter: Actor | None, row: Any) -> bool:
    """Whether a person or key is this administrator's to see and change: who holds more is not."""
    return granter is None or not may_grant(granter, grant_of(row))


def hashed(house: House, secret: str) -> str:
    """A keyed hash: a dump of the database holds nothing that logs in."""
    return hmac.new(house.secret, secret.encode(), hashlib.sha256).hexdigest()


def check_grant(directory: Directory, grant: Grant, *, machine: bool) -> None:
    """Raises Refused where a grant makes no sense."""
    errors: list[tuple[str, str]] = []
    if not grant.roles or not grant.roles <= (GRANTED if machine else PEOPLE):
        errors.append(("roles", "one or more of " + ", ".join(sorted(GRANTED if machine else PEOPLE))))
    if grant.department is not None and grant.department not in directory.departments:
        errors.append(("department", "unknown department"))
    if Role.HANDLER in grant.roles and grant.department is None:
        errors.append(("department", "a handler needs a department"))
    if grant.area is not None and grant.area not in directory.areas:
        errors.append(("area", "unknown area"))
    if errors:
        raise Refused(Refusal(Code.INVALID, "the grant is not right", errors=tuple(errors)))


class Believed:
    """Credentials checked a moment ago. In the process only, for a second, so that a hot path needs no look-up."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime, int, Standing]] = {}

    def get(self, credential: str, now: datetime, version: int) -> Actor | None:
        known = self._known.get(credential)
        if known is None or known[1] != version or not known[0] > now or not known[2].until > now:
            return None
        return known[2].actor

    def put(self, credential: str, now: datetime, version: int, standing: Standing) -> None:
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[credential] = (now + FRESH, version, standing)

    def lately(self, credential: str | None, now: datetime) -> Actor | None:
        """Who this was within the shift, when nobody can be asked: enough to take a call in for later, and no more."""
        known = self._known.get(credential or "")
        return known[2].actor if known and now - known[0] < SESSION and known[2].until > now else None

    def drop(self, credential: str) -> None:
        """It stands no more."""
        self._known.pop(credential, None)

    def forget(self) -> None:
        self._known.clear()


def credential_of(house: House, credential: str) -> Credential:
    """A token or key as the database knows it."""
    if credential.startswith("hl_"):
        return Credential(ActorKind.KEY, credential.split("_", 2)[1])
    return Credential(ActorKind.PERSON, hashed(house, credential))


async def who_is(house: House, believed: Believed, credential: str | None, now: datetime) -> Actor:
    """The actor behind a token or key. Raises Refused(UNAUTHENTICATED)."""
    if not credential or not credential.isascii() or len(credential) > 200:
        raise Refused(NO_CREDENTIAL)
    directory = await house.directory.now(now)
    actor = believed.get(credential, now, directory.version)
    if actor is None:
        try:
            standing = await (_of_key if credential.startswith("hl_") else _of_session)(
                house, directory, credential, now
            )
        except Refused as refused:
            if refused.refusal.code is Code.UNAUTHENTICATED:
                believed.drop(credential)
            raise
        believed.put(credential, now, directory.version, standing)
        actor = standing.actor
    return actor


async def _of_session(house: House, directory: Directory, token: str, now: datetime) -> Standing:
    row = await people.of_session(house.db, hashed(house, token))
    if row is None or row.expires_at <= now:
        raise Refused(Refusal(Code.UNAUTHENTICATED, "the token is unknown or has expired: log in again"))
    return standing_of(directory, ActorKind.PERSON, row)


async def _of_key(house: House, directory: Directory, credential: str, now: datetime) -> Standing:
    parts = credential.split("_", 2)
    row = await people.key(house.db, parts[1]) if len(parts) == 3 and parts[1].isalnum() else None
    right = row is not None and hmac.compare_digest(row.hash, hashed(house, credential))
    if row is None or not right or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise Refused(Refusal(Code.UNAUTHENTICATED, "the key is unknown, expired or revoked"))
    return standing_of(directory, ActorKind.KEY, row)


async def log_in(house: House, login: str, password: str, address: str, now: datetime) -> dict[str, Any]:
    """A session token for a person. Throttled by login and by address, counted in the database."""
    person, subjects = await _recognised(house, login, password, address, now)
    token = f"hs_{secrets.token_urlsafe(32)}"
    await house.db.transact(lambda c: _start_session(c, house, person, subjects, token, now))
    return _session(token, now)


async def log_in_once(
    house: House, login: str, password: str, address: str, asked: Asked, show: Show, now: datetime
) -> Done:
    """The same under an Idempotency-Key: a repeat proves the password again, and is given the same token."""
    person, subjects = await _recognised(house, login, password, address, now)
    token = f"hs_{secrets.token_urlsafe(32)}"

    def start(c: sa.Connection) -> Reply:
        _start_session(c, house, person, subjects, token, now)
        return Reply(200, show(_session(token, now)))

    return await write_once(house, replace(asked, owner=f"login:{person}"), start, now, secret=True)


def _session(token: str, now: datetime) -> dict[str, Any]:
    return {"token": token, "token_type": "Bearer", "expires_at": now + SESSION}


def _start_session(
    c: sa.Connection, house: House, person: str, subjects: Sequence[str], token: str, now: datetime
) -> None:
    for subject in subjects:
        people.forgive(c, subject)
    people.add_session(c, hashed(house, token), person, now, now + SESSION)


async def _recognised(
    house: House, login: str, password: str, address: str, now: datetime
) -> tuple[str, tuple[str, ...]]:
    """The person's id, and what their tries are counted under. Raises Refused."""
    if not re.fullmatch(LOGIN, login):  # nobody's: no database need be asked
        raise Refused(WRONG)
    subjects = ((f"login:{login.casefold()[:60]}", MOST_FAILURES), (f"address:{address[:60]}", MOST_FROM_ADDRESS))

    def count(c: sa.Connection) -> bool:
        """Counted before anything is checked, so that many at once are as many as one after the other."""
        return all([people.count_try(c, subject, now, now - FORGIVEN) <= most for subject, most in subjects])

    if not await house.db.transact(count):
        minutes = int(FORGIVEN.total_seconds() // 60)
        raise Refused(Refusal(Code.TOO_MANY, f"too many log-ins; try again in {minutes} minutes"))
    row = await people.by_login(house.db, login.casefold())
    async with house.hashing:  # argon2 is meant to be slow: never on the loop, never more than two at once
        right = await asyncio.to_thread(
            _HASHER.verify, password, row.password if row is not None and row.active else _NOBODY
        )
    if row is None or not row.active or not right:
        raise Refused(WRONG)
    return row.id, tuple(subject for subject, _ in subjects)


async def log_out(house: House, believed: Believed, token: str) -> None:
    await house.db.transact(lambda c: people.end_session(c, hashed(house, token)))
    believed.forget()


def check_password(password: str, login: str) -> None:
    """Long enough, and not the login itself."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or login.casefold() in password.casefold():
        rule = f"{SHORTEST_PASSWORD}-{LONGEST_PASSWORD} characters, without the login in it"
        raise Refused(Refusal(Code.INVALID, "the password will not do", errors=(("password", rule),)))


async def hash_password(house: House, password: str) -> str:
    async with house.hashing:
        return await asyncio.to_thread(_HASHER.hash, password)


async def add_person(
    house: House,
    login: str,
    name: str,
    password: str,
    grant: Grant,
    asked: Asked | None,
    show: Any,
    now: datetime,
    granter: Actor | None = None,
) -> Done | dict[str, Any]:
    """Give a person a log-in. Raises Refused where login, password or grant will not do, or is not the granter's to
    give."""
    if asked is not None and (earlier := await earlier_answer(house, asked)):
        return earlier
    refuse_wider(granter, grant)
    check_grant(await house.directory.now(now), grant, machine=False)
    check_password(password, login)
    row = {
        "id": str(uuid4()),
        "login": login.casefold(),
        "name": name,
        "password": await hash_password(house, password),
        "roles": sorted(grant.roles),
        "department": grant.department,
        "area": grant.area,
        "active": True,
        "version": 1,
        "created_at": now,
    }
    shown = {k: v for k, v in row.items() if k != "password"}

    def add(c: sa.Connection) -> Reply:
        people.add_person(c, row)
        return Reply(201, show(shown), "1") if show is not None else Reply(201)

    try:
        if asked is not None:
            return await write_once(house, asked, add, now)
        await house.db.transact(add)
    except sa.exc.IntegrityError as fault:
        taken = Refusal(Code.CONFLICT, "this login is taken", errors=(("login", "taken"),))
        raise Refused(taken) from fault
    return shown


async def change_person(
    house: House,
    believed: Believed,
    person: str,
    version: int,
    values: Mapping[str, Any],
    now: datetime,
    granter: Actor | None = None,
) -> dict[str, Any]:
    """Change name, roles, department, area, password or active. Takes effect at once; a new password logs out
    everywhere. Raises Refused where the person is not the granter's to change, or would be given more than the granter
    holds."""
    row = await people.by_id(house.db, person)
    if row is None or not manages(granter, row):
        raise Refused(Refusal(Code.NOT_FOUND, "no such person"))
    if row.version != version:
        raise Refused(Refusal(Code.STALE, "the person has changed since the version you saw"))
    changed = dict(values)
    roles = frozenset(map(Role, changed.get("roles", row.roles)))
    grant = Grant(roles, changed.get("department", row.department), changed.get("area", row.area))
    refuse_wider(granter, grant)
    check_grant(await house.directory.now(now), grant, machine=False)
    if "password" in changed:
        check_password(changed["password"], row.login)
        changed["password"] = await hash_password(house, changed["password"])
    if "roles" in changed:
        changed["roles"] = sorted(grant.roles)

    def keep(c: sa.Connection) -> bool:
        done = people.change_person(c, person, version, changed)
        if done and ("password" in changed or changed.get("active") is False):
            people.end_sessions(c, person)
        return done

    if not await house.db.transact(keep):
        raise Refused(Refusal(Code.STALE, "the person has changed since the version you saw"))
    believed.forget()
    after = await people.by_id(house.db, person)
    if after is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such person"))
    return dict(after._asdict())


async def add_key(
    house: House,
    name: str,
    grant: Grant,
    by: str,
    expires_at: datetime | None,
    now: datetime,
    granter: Actor | None = None,
) -> dict[str, Any]:
    """A new key; the secret is in this answer and nowhere else. Raises Refused where the grant is not the granter's to
    give."""
    row, secret = await _made_key(house, name, grant, by, expires_at, now, granter)
    await house.db.transact(lambda c: people.add_key(c, row))
    return _key_shown(row, secret)


async def add_key_once(
    house: House,
    name: str,
    grant: Grant,
    by: str,
    expires_at: datetime | None,
    asked: Asked,
    show: Show,
    now: datetime,
    granter: Actor | None = None,
) -> Done:
    """The same under an Idempotency-Key: a repeat is told the same secret."""
    if earlier := await earlier_answer(house, asked, secret=True):
        return earlier
    row, secret = await _made_key(house, name, grant, by, expires_at, now, granter)

    def add(c: sa.Connection) -> Reply:
        people.add_key(c, row)
        return Reply(201, show(_key_shown(row, secret)))

    return await write_once(house, asked, add, now, secret=True)


def _key_shown(row: Mapping[str, Any], secret: str) -> dict[str, Any]:
    return {**{k: v for k, v in row.items() if k != "hash"}, "secret": secret}


async def _made_key(
    house: House,
    name: str,
    grant: Grant,
    by: str,
    expires_at: datetime | None,
    now: datetime,
    granter: Actor | None = None,
) -> tuple[dict[str, Any], str]:
    """The row of a new key, and its secret. Raises Refused where the grant will not do, or is not the granter's to
    give."""
    refuse_wider(granter, grant)
    check_grant(await house.directory.now(now), grant, machine=True)
    if expires_at is not None and expires_at <= now:
        raise Refused(
            Refusal(
                Code.INVALID, "the key would have expired already", errors=(("expires_at", "must be later than now"),)
            )
        )
    key_id = secrets.token_hex(8)
    secret = f"hl_{key_id}_{secrets.token_urlsafe(32)}"
    row = {
        "id": key_id,
        "name": name,
        "hash": hashed(house, secret),
        "roles": sorted(grant.roles),
        "department": grant.department,
        "area": grant.area,
        "created_at": now,
        "created_by": by,
        "expires_at": expires_at,
        "revoked_at": None,
    }
    return row, secret


async def revoke_key(
    house: House, believed: Believed, key_id: str, now: datetime, granter: Actor | None = None
) -> None:
    """Raises Refused where there is no such live key, or none that is the granter's to revoke."""
    row = await people.key(house.db, key_id)
    if (
        row is None
        or not manages(granter, row)
        or not await house.db.transact(lambda c: people.revoke_key(c, key_id, now))
    ):
        raise Refused(Refusal(Code.NOT_FOUND, "no such live key"))
    believed.forget()

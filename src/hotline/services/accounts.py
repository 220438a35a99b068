"""Who may: people log in with passwords, machines carry keys. Only keyed hashes of secrets are kept."""

import hashlib
import hmac
import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from hotline.db import answers, people, throttles
from hotline.db.database import Answer
from hotline.domain.addresses import counted_as, read_address
from hotline.domain.directory import Directory
from hotline.domain.throttling import Limit, heard_from
from hotline.domain.ticket import Actor, Refusal, Refused
from hotline.domain.vocabulary import GRANTED, PEOPLE, ActorKind, Code, DepartmentKind, Role

from .act import Asked, Done, kept_or_refused
from .house import House

COOKIE = "hotline_session"  # the console's; it holds the same token as a log-in over the API
LOGIN = r"^[A-Za-z0-9][A-Za-z0-9_.@-]*$"
SESSION = timedelta(hours=12)  # one shift
FRESH = timedelta(seconds=5)  # how long a checked credential is believed: a revoked one stops working within it
# Wrong passwords. A guesser has 8 in a quarter of an hour for one log-in from one place; 60 from one address for all
# log-ins; and for one log-in, from all places where it was never right, 100 in a day and then one each quarter of an
# hour: 200 a day. None of it is counted against a device or an address where the log-in was right before.
FROM_PLACE = Limit(8, timedelta(minutes=15))
FROM_ADDRESS = Limit(60, timedelta(minutes=15))
FROM_STRANGERS = Limit(100, timedelta(days=1), slowest=timedelta(minutes=15))
DEVICE = "hotline_device"  # a cookie that tells a browser in which somebody logged in before; it logs nobody in
KNOWN = timedelta(days=90)  # how long a device or an address is known after the last log-in
SHORTEST_PASSWORD, LONGEST_PASSWORD, LONGEST_LOGIN = 10, 200, 60
WRONG = Refusal(Code.UNAUTHENTICATED, "wrong login or password")
NO_CREDENTIAL = Refusal(Code.UNAUTHENTICATED, "send Authorization: Bearer with a token or a key")


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody is given: roles, a department whose subtree they act for, an area their view is limited to."""

    roles: frozenset[Role]
    department: str | None = None
    area: str | None = None


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


def actor_of(directory: Directory, kind: ActorKind, id: str, name: str, grant: Grant) -> Actor:  # noqa: A002
    """The actor a grant makes, with department and area spread to all below them."""
    department = directory.departments.get(grant.department or "")
    return Actor(
        kind=kind,
        id=id,
        name=name,
        roles=grant.roles,
        departments=directory.below.get(grant.department, frozenset({grant.department}))
        if grant.department
        else frozenset(),
        areas=directory.areas_below.get(grant.area, frozenset({grant.area})) if grant.area else None,
        home_area=grant.area or (directory.home.area if directory.home else None),
        contractor=department is not None and department.kind is DepartmentKind.CONTRACTOR,
    )


class Believed:
    """Credentials checked a moment ago. In the process only, a few seconds, so that a hot path needs no look-up."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime, int, Actor]] = {}

    def get(self, credential: str, now: datetime, version: int) -> Actor | None:
        known = self._known.get(credential)
        return known[2] if known and known[0] > now and known[1] == version else None

    def put(self, credential: str, now: datetime, version: int, actor: Actor) -> None:
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[credential] = (now + FRESH, version, actor)

    def lately(self, credential: str | None, now: datetime) -> Actor | None:
        """Who this was within the shift, when nobody can be asked: enough to take a call in for later, and no more."""
        known = self._known.get(credential or "")
        return known[2] if known and now - known[0] < SESSION else None

    def forget(self) -> None:
        self._known.clear()


async def who_is(house: House, believed: Believed, credential: str | None, now: datetime) -> Actor:
    """The actor behind a token or key. Raises Refused(UNAUTHENTICATED)."""
    if not credential or not credential.isascii() or len(credential) > 200:
        raise Refused(NO_CREDENTIAL)
    directory = await house.directory.now(now)
    actor = believed.get(credential, now, directory.version)
    if actor is None:
        actor = await (_of_key if credential.startswith("hl_") else _of_session)(house, directory, credential, now)
        believed.put(credential, now, directory.version, actor)
    return actor


async def _of_session(house: House, directory: Directory, token: str, now: datetime) -> Actor:
    row = await people.of_session(house.db, hashed(house, token))
    if row is None or row.expires_at <= now:
        raise Refused(Refusal(Code.UNAUTHENTICATED, "the token is unknown or has expired: log in again"))
    return actor_of(
        directory, ActorKind.PERSON, row.id, row.name, Grant(frozenset(map(Role, row.roles)), row.department, row.area)
    )


async def _of_key(house: House, directory: Directory, credential: str, now: datetime) -> Actor:
    parts = credential.split("_", 2)
    row = await people.key(house.db, parts[1]) if len(parts) == 3 and parts[1].isalnum() else None
    right = row is not None and hmac.compare_digest(row.hash, hashed(house, credential))
    if row is None or not right or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise Refused(Refusal(Code.UNAUTHENTICATED, "the key is unknown, expired or revoked"))
    return actor_of(
        directory, ActorKind.KEY, row.id, row.name, Grant(frozenset(map(Role, row.roles)), row.department, row.area)
    )


def subject(house: House, kind: str, *words: str) -> str:
    """Under which name something is counted: of one length, and telling nobody what it is about."""
    return f"{kind}:{hashed(house, chr(0).join(words))[:48]}"


def heard_at(moment: datetime, now: datetime, what: str) -> Refusal:
    """Too many wrong ones: when the next is heard."""
    seconds = max(1, math.ceil((moment - now).total_seconds()))
    wait = f"{math.ceil(seconds / 60)} minutes" if seconds > 60 else f"{seconds} seconds"
    return Refusal(Code.TOO_MANY, f"too many wrong {what}; try again in {wait}", retry_after=seconds)


async def log_in(
    house: House, login: str, password: str, address: str | None, now: datetime, device: str | None = None
) -> dict[str, Any]:
    """A session token for a person. Wrong passwords are counted in the database by log-in and place; `device` is what
    a browser keeps under DEVICE. Raises Refused: wrong, too many, or too many at once."""
    login = login.casefold()
    if not re.fullmatch(LOGIN, login) or len(login) > LONGEST_LOGIN:  # nobody's: no database need be asked
        raise Refused(WRONG)
    here = subject(house, "place", login, "address", counted_as(address))
    device_here = subject(house, "place", login, "device", device) if device else here
    places = {here, device_here} if read_address(address) else {device_here} - {here}
    whole = {
        subject(house, "address", counted_as(address)): FROM_ADDRESS,
        subject(house, "login", login): FROM_STRANGERS,
    }

    def count(c: sa.Connection) -> tuple[bool, dict[str, Limit]]:
        """Counted before anything is checked, so that many at once are as many as one after the other."""
        known = throttles.known(c, places, now - KNOWN)
        place = device_here if device_here in known else here
        limits = {place: FROM_PLACE} if known else {place: FROM_PLACE, **whole}
        held = throttles.tallies(c, limits, now)
        moment = max(heard_from(limit, held[name], now) for name, limit in limits.items())
        if moment > now:
            raise Refused(heard_at(moment, now, "log-ins"))
        throttles.count(c, limits, held, now)
        return bool(known), limits

    known, counted = await house.db.transact(count)
    try:
        row = await people.by_login(house.db, login)
        right = await house.hashing.verify(
            password, row.password if row is not None and row.active else None, known=known
        )
    except Refused:  # nothing was checked
        await house.db.transact(lambda c: throttles.take_back(c, counted))
        raise
    if row is None or not right:
        raise Refused(WRONG)
    token = f"hs_{secrets.token_urlsafe(32)}"

    def start(c: sa.Connection) -> None:
        throttles.take_back(c, counted)
        throttles.clear(c, {here, device_here})
        throttles.note(c, places, now)
        people.add_session(c, hashed(house, token), row.id, now, now + SESSION)

    await house.db.transact(start)
    return {"token": token, "token_type": "Bearer", "expires_at": now + SESSION}


async def log_out(house: House, believed: Believed, token: str) -> None:
    await house.db.transact(lambda c: people.end_session(c, hashed(house, token)))
    believed.forget()


def check_password(password: str, login: str) -> None:
    """Long enough, and not the login itself."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or login.casefold() in password.casefold():
        rule = f"{SHORTEST_PASSWORD}-{LONGEST_PASSWORD} characters, without the login in it"
        raise Refused(Refusal(Code.INVALID, "the password will not do", errors=(("password", rule),)))


async def add_person(
    house: House, login: str, name: str, password: str, grant: Grant, asked: Asked | None, show: Any, now: datetime
) -> Done | dict[str, Any]:
    """Give a person a log-in. Raises Refused where login, password or grant will not do."""
    check_grant(await house.directory.now(now), grant, machine=False)
    check_password(password, login)
    row = {
        "id": str(uuid4()),
        "login": login.casefold(),
        "name": name,
        "password": await house.hashing.hash(password),
        "roles": sorted(grant.roles),
        "department": grant.department,
        "area": grant.area,
        "active": True,
        "version": 1,
        "created_at": now,
    }
    shown = {k: v for k, v in row.items() if k != "password"}
    answer = Answer(asked.owner, asked.key, asked.fingerprint, 201, show(shown), now, "1") if asked else None

    def add(c: sa.Connection) -> None:
        people.add_person(c, row)
        if answer is not None:
            answers.keep(c, answer)

    try:
        await house.db.transact(add)
    except sa.exc.IntegrityError as fault:
        taken = Refusal(Code.CONFLICT, "this login is taken", errors=(("login", "taken"),))
        if asked is None:
            raise Refused(taken) from fault
        return await kept_or_refused(house, asked, fault, taken)
    return Done(answer, replayed=False) if answer is not None else shown


async def change_person(
    house: House, believed: Believed, person: str, version: int, values: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Change name, roles, department, area, password or active. Takes effect at once; a new password logs out
    everywhere."""
    row = await people.by_id(house.db, person)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such person"))
    changed = dict(values)
    roles = frozenset(map(Role, changed.get("roles", row.roles)))
    grant = Grant(roles, changed.get("department", row.department), changed.get("area", row.area))
    check_grant(await house.directory.now(now), grant, machine=False)
    if "password" in changed:
        check_password(changed["password"], row.login)
        changed["password"] = await house.hashing.hash(changed["password"])
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
    house: House, name: str, grant: Grant, by: str, expires_at: datetime | None, now: datetime
) -> dict[str, Any]:
    """A new key; the secret is in this answer and nowhere else."""
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
    await house.db.transact(lambda c: people.add_key(c, row))
    return {**{k: v for k, v in row.items() if k != "hash"}, "secret": secret}


async def revoke_key(house: House, believed: Believed, key_id: str, now: datetime) -> None:
    if not await house.db.transact(lambda c: people.revoke_key(c, key_id, now)):
        raise Refused(Refusal(Code.NOT_FOUND, "no such live key"))
    believed.forget()

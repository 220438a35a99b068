"""Authentication and accounts: people log in with passwords, machines send keys. Only keyed hashes of secrets are
stored."""

import contextlib
import hashlib
import hmac
import math
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from hotline.database.engine import Database
from hotline.database.outages import OUTAGES
from hotline.database.prepared import Row
from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.actors import GRANTABLE_ROLES, PERSON_ROLES, Actor, ActorKind, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.grants import Grant, grant_errors
from hotline.organisation.model.passwords import check_password
from hotline.organisation.model.sessions import ONLY_ACTIVE, SessionStage
from hotline.organisation.service.account_events import key_made, key_refused, key_revoked, person_added
from hotline.organisation.service.credentials import Credential, CredentialState, grant_of, key_state, session_state
from hotline.organisation.service.password_strength import context_words
from hotline.organisation.store import people, sessions
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import NO_CREDENTIAL, Code, Refusal, Refused
from hotline.security_log.store import record_deed
from hotline.server_secret import LookupDigest, lookup_key_id, lookup_keys, lookup_variants, moves_lookups
from hotline.web.idempotency import ActionResult, Reply, load_earlier_answer, write_once

Render = Callable[[Mapping[str, Any]], str]  # renders a reply
SESSION_COOKIE = "hotline_session"  # the console's; it holds the same token as a log-in over the API
LOGIN_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.@-]*$"
RECALL_LIFETIME = timedelta(hours=12)  # one shift: how long an actor is recalled while the database is unavailable
CACHE_TTL = timedelta(seconds=1)  # how long a checked credential is believed: a revoked one stops working within it
HASH_LENGTH = 64  # of a keyed hash
_READ_BATCH = 200  # at once, where only some of them are an administrator's to see
MAX_LOGIN_LENGTH = 60
MAX_CREDENTIAL_LENGTH = 200
LACKING = {
    SessionStage.PENDING_FACTOR: Refusal(Code.SECOND_FACTOR_REQUIRED, "the log-in waits for its second step"),
    SessionStage.PENDING_PASSWORD: Refusal(
        Code.PASSWORD_CHANGE_REQUIRED, "replace the password that was given to you: POST /v1/me/password"
    ),
}
LOGIN_TAKEN = Refusal(Code.CONFLICT, "this login is taken", errors=(("login", "taken"),))


def refuse_excess_grant(granter: Actor | None, grant: Grant) -> None:
    """Raises Refused where somebody would give more than they hold. None: the command line on the machine itself."""
    if granter is not None and (faults := grant_errors(granter, grant)):
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "nobody gives more than they hold", errors=faults))


def can_manage(granter: Actor | None, row: Any) -> bool:
    """Whether a person or key is this administrator's to see and change: who holds more is not."""
    return granter is None or not grant_errors(granter, grant_of(row))


async def load_managed_page(
    services: OrganisationServices,
    granter: Actor,
    load_page: Callable[[Database, str, int], Awaitable[Sequence[Row]]],
    cursor_column: str,
    after: str,
    limit: int,
) -> tuple[list[Row], str | None]:
    """The next `limit` people or keys behind `after` that this administrator manages, and where the page after begins
    (None: nowhere). `load_page` asks for all of them, in the order of the column `cursor_column`. A page ends with one
    of theirs: the reply names where it ended."""
    found: list[Row] = []
    while True:
        rows = await load_page(services.db, after, max(limit, _READ_BATCH))
        found += [row for row in rows if can_manage(granter, row)]
        if len(found) >= limit:
            return found[:limit], str(getattr(found[limit - 1], cursor_column))
        if len(rows) < max(limit, _READ_BATCH):
            return found, None
        after = str(getattr(rows[-1], cursor_column))


def keyed_hash(services: OrganisationServices, secret: str) -> LookupDigest:
    """A keyed hash: a dump of the database holds nothing that logs in."""
    return LookupDigest([_keyed_hash(key, secret) for key in lookup_keys(services.secret)])


def _keyed_hash(key: bytes, secret: str) -> str:
    """It ends with the id of its key, where that is not the first one of the database: so that what another key hashed
    can be counted."""
    hashed = hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()
    key_id = lookup_key_id(key)
    return f"{hashed[: HASH_LENGTH - len(key_id) - 1]}.{key_id}" if key_id else hashed


def check_grant(directory: Directory, grant: Grant, *, machine: bool) -> None:
    """Raises Refused where a grant makes no sense."""
    errors: list[tuple[str, str]] = []
    if not grant.roles or not grant.roles <= (GRANTABLE_ROLES if machine else PERSON_ROLES):
        errors.append(("roles", "one or more of " + ", ".join(sorted(GRANTABLE_ROLES if machine else PERSON_ROLES))))
    if grant.department is not None and grant.department not in directory.departments:
        errors.append(("department", "unknown department"))
    if Role.HANDLER in grant.roles and grant.department is None:
        errors.append(("department", "a handler needs a department"))
    if grant.area is not None and grant.area not in directory.areas:
        errors.append(("area", "unknown area"))
    if errors:
        raise Refused(Refusal(Code.INVALID, "the grant is not right", errors=tuple(errors)))


def session_hash(services: OrganisationServices, credential: str | None) -> LookupDigest | None:
    """A session by the hash of its token. None: nothing was sent, or a key."""
    is_token = credential is not None and credential.startswith("hs_") and len(credential) <= MAX_CREDENTIAL_LENGTH
    return keyed_hash(services, credential) if credential is not None and is_token else None


class ActorCache:
    """Credentials checked a moment ago. In the process only, for a second, so that a hot path needs no look-up."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime, int, CredentialState]] = {}

    def get(self, credential: str, now: datetime, version: int) -> Actor | None:
        known = self._known.get(credential)
        if known is None or known[1] != version or not known[0] > now or not known[2].until > now:
            return None
        return known[2].actor if known[2].stage is SessionStage.ACTIVE else None

    def put(self, credential: str, now: datetime, version: int, state: CredentialState) -> None:
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[credential] = (now + CACHE_TTL, version, state)

    def recent(self, credential: str | None, now: datetime) -> Actor | None:
        """The actor of a credential that was checked within RECALL_LIFETIME, for when the database is unavailable. Use
        it only to take a call in for later. None: not known."""
        known = self._known.get(credential or "")
        if known is None or not now - known[0] < RECALL_LIFETIME or not known[2].until > now:
            return None
        return known[2].actor if known[2].stage is SessionStage.ACTIVE else None

    def drop(self, credential: str) -> None:
        """Remove a credential that is no longer valid."""
        self._known.pop(credential, None)

    def forget(self) -> None:
        self._known.clear()


def identify_credential(services: OrganisationServices, credential: str) -> Credential:
    """A token or key as stored."""
    if credential.startswith("hl_"):
        return Credential(ActorKind.KEY, credential.split("_", 2)[1])
    return Credential(ActorKind.PERSON, keyed_hash(services, credential))


def recently_authenticated(
    services: OrganisationServices, actor_cache: ActorCache, credential: str | None, now: datetime
) -> Actor | None:
    """The actor behind a token or key that was checked within CACHE_TTL, without a look at the database, so that no
    deadline is needed. None: ask by `authenticate`."""
    directory = services.directory.fresh(now)
    return actor_cache.get(credential, now, directory.version) if directory is not None and credential else None


async def authenticate(
    services: OrganisationServices,
    actor_cache: ActorCache,
    credential: str | None,
    now: datetime,
    stages: frozenset[SessionStage] = ONLY_ACTIVE,
    *,
    is_use: bool = True,
) -> Actor:
    """The actor behind a token or key. `is_use`: it counts as a use of the session, which ends where it is not used.
    Raises Refused: UNAUTHENTICATED, or the step that a log-in lacks where its session is in none of these stages."""
    if not credential or not credential.isascii() or len(credential) > MAX_CREDENTIAL_LENGTH:
        raise Refused(NO_CREDENTIAL)
    directory = await services.directory.now(now)
    actor = actor_cache.get(credential, now, directory.version)
    if actor is None:
        try:
            if credential.startswith("hl_"):
                standing = await _key_state(services, directory, credential, now)
            else:
                standing = await _session_state(services, directory, credential, now, is_use=is_use)
        except Refused as refused:
            if refused.refusal.code is Code.UNAUTHENTICATED:
                actor_cache.drop(credential)
            raise
        actor_cache.put(credential, now, directory.version, standing)
        if standing.stage not in stages:
            raise Refused(LACKING[standing.stage])
        actor = standing.actor
    return actor


async def _session_state(
    services: OrganisationServices, directory: Directory, token: str, now: datetime, *, is_use: bool
) -> CredentialState:
    hashed = keyed_hash(services, token)
    row = await sessions.load_session_person(services.db, hashed)
    state = session_state(directory, services.account_rules, row) if row is not None else None
    if row is None or state is None or state.until <= now:
        raise Refused(Refusal(Code.UNAUTHENTICATED, "the token is unknown or has expired: log in again"))
    if is_use:
        services.last_use.note(Credential(ActorKind.PERSON, hashed), row.seen_at, now)
    return state


async def _key_state(
    services: OrganisationServices, directory: Directory, credential: str, now: datetime
) -> CredentialState:
    parts = credential.split("_", 2)
    row = await people.load_key(services.db, parts[1]) if len(parts) == 3 and parts[1].isalnum() else None
    hashed = keyed_hash(services, credential)
    right = row is not None and is_hash_of(row.hash, hashed)
    if row is None or not right or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        services.security_log.note(key_refused(row, now, is_right=right))
        raise Refused(Refusal(Code.UNAUTHENTICATED, "the key is unknown, expired or revoked"))
    if moves_lookups(services.secret) and not hmac.compare_digest(row.hash.encode(), hashed.encode()):
        await _hash_anew(services, row, hashed)
    services.last_use.note(Credential(ActorKind.KEY, row.id), row.last_used_at, now)
    return key_state(directory, row)


def is_hash_of(kept: str, digest: LookupDigest) -> bool:
    """Whether this is the hash that is kept, under any look-up key that is accepted."""
    found = False
    for each in lookup_variants(digest):
        found |= hmac.compare_digest(kept.encode(), each.encode())
    return found


async def _hash_anew(services: OrganisationServices, row: Row, hashed: LookupDigest) -> None:
    """A key that is used while the look-up key is replaced is found by the new one from now on."""
    with contextlib.suppress(*OUTAGES):
        await services.db.transact(lambda c: people.replace_key_hash(c, row.id, row.hash, hashed))


def throttle_subject(services: OrganisationServices, kind: str, *parts: str) -> str:
    """The name under which tries are counted: a keyed hash of fixed length, from which the input cannot be read."""
    return f"{kind}:{keyed_hash(services, chr(0).join(parts))[:48]}"


def too_many_attempts(next_at: datetime, now: datetime, what: str) -> Refusal:
    """The refusal after too many wrong ones, with the seconds until the next one is accepted."""
    seconds = max(1, math.ceil((next_at - now).total_seconds()))
    wait = f"{math.ceil(seconds / 60)} minutes" if seconds > 60 else f"{seconds} seconds"
    return Refusal(Code.TOO_MANY, f"too many wrong {what}; try again in {wait}", retry_after=seconds)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person to be given a log-in, with the password they begin with. `is_first`: it is replaced at the first log-in,
    as it was not their own choice."""

    login: str
    name: str
    password: str
    grant: Grant
    is_first: bool = False


async def add_person(
    services: OrganisationServices, new: NewPerson, now: datetime, granter: Actor | None = None
) -> dict[str, Any]:
    """Give a person a log-in. Raises Refused where login, password or grant will not do, or is not the granter's to
    give."""
    row = await _person_row(services, new, now, granter)
    event = person_added(row, granter, now)

    def add(c: sa.Connection) -> None:
        people.add_person(c, row)
        record_deed(c, event)

    try:
        await services.db.transact(add)
    except sa.exc.IntegrityError as fault:
        raise Refused(LOGIN_TAKEN) from fault
    return _person_shown(row)


async def add_person_once(
    services: OrganisationServices, new: NewPerson, request: WriteRequest, show: Render
) -> ActionResult:
    """The same under an Idempotency-Key; who asks is the granter."""
    if earlier := await load_earlier_answer(services, request.key):
        return earlier
    row = await _person_row(services, new, request.now, request.actor)
    event = person_added(row, request.actor, request.now)

    def add(c: sa.Connection) -> Reply:
        people.add_person(c, row)
        record_deed(c, event)
        return Reply(201, show(_person_shown(row)), "1")

    try:
        return await write_once(services, request.key, add, request.now)
    except sa.exc.IntegrityError as fault:
        raise Refused(LOGIN_TAKEN) from fault


def _person_shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k != "password"}


async def check_new_password(
    services: OrganisationServices, password: str, login: str, name: str, now: datetime, *, field: str = "password"
) -> None:
    """Raises Refused where the password is too short, holds the login, or is easy to guess."""
    check_password(password, login, field)
    words = context_words(await services.directory.now(now), login, name)
    if await services.hashing.is_guessable(password, words):
        rule = "too easy to guess: common words, names, repetitions and runs of keys are tried first"
        raise Refused(Refusal(Code.INVALID, "the password will not do", errors=((field, rule),)))


async def _person_row(
    services: OrganisationServices, new: NewPerson, now: datetime, granter: Actor | None
) -> dict[str, Any]:
    grant = new.grant
    refuse_excess_grant(granter, grant)
    check_grant(await services.directory.now(now), grant, machine=False)
    await check_new_password(services, new.password, new.login, new.name, now)
    return {
        "id": str(uuid4()),
        "login": new.login.casefold(),
        "name": new.name,
        "password": await services.hashing.hash(new.password),
        "roles": sorted(grant.roles),
        "department": grant.department,
        "area": grant.area,
        "active": True,
        "version": 1,
        "created_at": now,
        "first_password_until": now + services.account_rules.first_password_lifetime if new.is_first else None,
    }


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made for a machine; `expires_at` None: it does not expire."""

    name: str
    grant: Grant
    expires_at: datetime | None = None


async def add_key(services: OrganisationServices, new: NewKey, created_by: str, now: datetime) -> dict[str, Any]:
    """A new key, made on the machine itself by whoever `created_by` names; the secret is in this answer and nowhere
    else. Raises Refused where the grant is not valid."""
    row, secret = await new_key(services, new, created_by, now, None)
    event = key_made(row, None, now)

    def add(c: sa.Connection) -> None:
        people.add_key(c, row)
        record_deed(c, event)

    await services.db.transact(add)
    return key_values(row, secret)


async def add_key_once(
    services: OrganisationServices, new: NewKey, request: WriteRequest, render: Render
) -> ActionResult:
    """The same under an Idempotency-Key: a repeat gets the same secret. Raises Refused where the grant is not the
    asker's to give."""
    if earlier := await load_earlier_answer(services, request.key, secret=True):
        return earlier
    row, secret = await new_key(services, new, request.actor.id, request.now, request.actor)
    event = key_made(row, request.actor, request.now)

    def add(c: sa.Connection) -> Reply:
        people.add_key(c, row)
        record_deed(c, event)
        return Reply(201, render(key_values(row, secret)))

    return await write_once(services, request.key, add, request.now, secret=True)


def key_values(row: Mapping[str, Any], secret: str) -> dict[str, Any]:
    """A key that was just made, as it is answered: with its secret."""
    return {**{k: v for k, v in row.items() if k != "hash"}, "secret": secret}


async def new_key(
    services: OrganisationServices, new: NewKey, created_by: str, now: datetime, granter: Actor | None
) -> tuple[dict[str, Any], str]:
    """The row of a new key, and its secret. Raises Refused where the grant will not do, or is not the granter's to
    give."""
    grant, expires_at = new.grant, new.expires_at
    refuse_excess_grant(granter, grant)
    check_grant(await services.directory.now(now), grant, machine=True)
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
        "name": new.name,
        "hash": keyed_hash(services, secret),
        "roles": sorted(grant.roles),
        "department": grant.department,
        "area": grant.area,
        "created_at": now,
        "created_by": created_by,
        "expires_at": expires_at,
        "revoked_at": None,
        "last_used_at": None,
        "replaces": None,
    }
    return row, secret


async def revoke_key(
    services: OrganisationServices, actor_cache: ActorCache, key_id: str, now: datetime, granter: Actor | None = None
) -> None:
    """Raises Refused where there is no such live key, or none that is the granter's to revoke."""
    row = await people.load_key(services.db, key_id)
    event = key_revoked(key_id, granter, now)

    def revoke(c: sa.Connection) -> bool:
        done = people.revoke_key(c, key_id, now)
        if done:
            record_deed(c, event)
        return done

    if row is None or not can_manage(granter, row) or not await services.db.transact(revoke):
        raise Refused(Refusal(Code.NOT_FOUND, "no such live key"))
    actor_cache.forget()

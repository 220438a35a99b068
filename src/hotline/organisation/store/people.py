"""People, their log-ins, and the keys of machines. Secrets are kept as hashes only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, ListContains
from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery, Row
from hotline.database.tables import sequence
from hotline.organisation.model.actors import AREA_WIDE_ROLES, Role
from hotline.organisation.tables import api_key as k
from hotline.organisation.tables import person as p

_PUBLIC_COLUMNS = (
    p.c.id,
    p.c.login,
    p.c.name,
    p.c.roles,
    p.c.department,
    p.c.area,
    p.c.active,
    p.c.version,
    p.c.created_at,
    p.c.first_password_until,
)
_BY_LOGIN = PreparedQuery(sa.select(*p.c).where(p.c.login == sa.bindparam("login", type_=sa.String)))
_BY_ID = PreparedQuery(sa.select(*_PUBLIC_COLUMNS).where(p.c.id == sa.bindparam("id", type_=sa.String)))
_LISTED = PreparedQuery(
    sa.select(*_PUBLIC_COLUMNS)
    .where(p.c.login > sa.bindparam("after", type_=sa.String))
    .order_by(p.c.login)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ANYBODY = PreparedQuery(sa.select(sa.func.count().label("n")).select_from(p))
_LIVE_KEYS = PreparedQuery(
    sa.select(k.c.id.label("credential"), k.c.id, k.c.name, k.c.roles, k.c.department, k.c.area, k.c.expires_at).where(
        InCodes(k.c.id, "ids"), k.c.revoked_at.is_(None)
    )
)
_ACCESS = "access"  # the row that counts changes of anybody's rights
_ACCESS_VERSION = PreparedQuery(sa.select(sequence.c.next).where(sequence.c.name == _ACCESS))
_KEY = PreparedQuery(sa.select(*k.c).where(k.c.id == sa.bindparam("id", type_=sa.String)))
_KEYS = PreparedQuery(
    sa.select(
        k.c.id,
        k.c.name,
        k.c.roles,
        k.c.department,
        k.c.area,
        k.c.created_at,
        k.c.created_by,
        k.c.expires_at,
        k.c.revoked_at,
        k.c.last_used_at,
        k.c.replaces,
    )
    .where(k.c.id > sa.bindparam("after", type_=sa.String))
    .order_by(k.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def load_person_by_login(db: Database, login: str) -> Row | None:
    """A person with the password hash, for logging in."""
    return await fetch_first(db, _BY_LOGIN, login=login)


async def load_person(db: Database, person: str) -> Row | None:
    """A person without the password hash."""
    return await fetch_first(db, _BY_ID, id=person)


async def load_people(db: Database, after: str, limit: int) -> Sequence[Row]:
    """People in order of login behind `after`."""
    return await db.rows(_LISTED, after=after, limit=limit)


_HANDLERS = PreparedQuery(
    sa.union_all(
        sa.select(p.c.id, p.c.department, p.c.roles).where(InCodes(p.c.id, "ids"), ListContains(p.c.roles, "role")),
        sa.select(k.c.id, k.c.department, k.c.roles).where(InCodes(k.c.id, "ids"), ListContains(k.c.roles, "role")),
    )
)


async def load_handler_departments(db: Database, ids: Iterable[str]) -> dict[str, str]:
    """Who of these people and keys acts for a department and not for the desk: id -> department."""
    rows = await db.rows(_HANDLERS, ids=sorted(set(ids)), role=Role.HANDLER)
    return {r.id: r.department or "" for r in rows if not AREA_WIDE_ROLES & frozenset(map(Role, r.roles))}


_KEY_IS_LIVE = sa.and_(
    k.c.revoked_at.is_(None),
    sa.or_(k.c.expires_at.is_(None), k.c.expires_at > sa.bindparam("now", type_=Instant)),
)
_CLOSED_LOGINS = PreparedQuery(sa.select(p.c.login).where(InCodes(p.c.login, "logins"), p.c.active.is_(False)))


async def load_closed_logins(db: Database, logins: Iterable[str]) -> set[str]:
    """Which of these log-ins belong to an account that is closed."""
    return {row.login for row in await db.rows(_CLOSED_LOGINS, logins=list(logins))}


_ACCOUNTS_OF = PreparedQuery(
    sa.union_all(
        sa.select(p.c.name).where(InCodes(p.c.department, "departments"), p.c.active.is_(True)),
        sa.select(k.c.name).where(InCodes(k.c.department, "departments"), _KEY_IS_LIVE),
    )
)


async def load_account_names(db: Database, departments: Iterable[str], now: datetime) -> list[str]:
    """The names of the people and keys that work for these departments and can log in."""
    codes = list(departments)
    return sorted(row.name for row in await db.rows(_ACCOUNTS_OF, departments=codes, now=now)) if codes else []


_HANDLER_ACCOUNTS = PreparedQuery(
    sa.union_all(
        sa.select(p.c.department, p.c.active.label("active")).where(ListContains(p.c.roles, "role")),
        sa.select(k.c.department, _KEY_IS_LIVE.label("active")).where(ListContains(k.c.roles, "role")),
    )
)


async def load_handler_accounts(db: Database, now: datetime) -> dict[str, bool]:
    """The departments that handlers' accounts and keys were made for, and whether any of these can still log in."""
    found: dict[str, bool] = {}
    for row in await db.rows(_HANDLER_ACCOUNTS, role=Role.HANDLER, now=now):
        if row.department is not None:
            found[row.department] = found.get(row.department, False) or bool(row.active)
    return found


_MOST = sa.bindparam("most", type_=sa.Integer)
_SUCCESSOR = k.alias()
_ENDING_KEYS = PreparedQuery(
    sa.select(k.c.id, k.c.name)
    .where(
        _KEY_IS_LIVE,
        k.c.expires_at <= sa.bindparam("before", type_=Instant),
        ~sa.exists().where(_SUCCESSOR.c.replaces == k.c.id),
    )
    .order_by(k.c.expires_at, k.c.id)
    .limit(_MOST)
)
_UNUSED_KEYS = PreparedQuery(
    sa.select(k.c.id, k.c.name)
    .where(_KEY_IS_LIVE, sa.func.coalesce(k.c.last_used_at, k.c.created_at) < sa.bindparam("since", type_=Instant))
    .order_by(k.c.id)
    .limit(_MOST)
)
_EXPIRED_FIRST_PASSWORDS = PreparedQuery(
    sa.select(p.c.login)
    .where(p.c.active.is_(True), p.c.first_password_until <= sa.bindparam("now", type_=Instant))
    .order_by(p.c.login)
    .limit(_MOST)
)


async def load_ending_keys(db: Database, now: datetime, before: datetime, most: int) -> Sequence[Row]:
    """Live keys that end before a moment and that no other has replaced: id and name, `most` at most."""
    return await db.rows(_ENDING_KEYS, now=now, before=before, most=most)


async def load_unused_keys(db: Database, now: datetime, since: datetime, most: int) -> Sequence[Row]:
    """Live keys that nobody has used since, or since they were made: id and name."""
    return await db.rows(_UNUSED_KEYS, now=now, since=since, most=most)


async def load_expired_first_passwords(db: Database, now: datetime, most: int) -> list[str]:
    """The log-ins of open accounts whose password somebody else set and which nobody replaced in time."""
    return [row.login for row in await db.rows(_EXPIRED_FIRST_PASSWORDS, now=now, most=most)]


async def has_people(db: Database) -> bool:
    """Whether there is a first login yet."""
    row = await fetch_first(db, _ANYBODY)
    return bool(row and row.n)


async def load_live_keys(db: Database, ids: Sequence[str]) -> Sequence[Row]:
    """Those of these keys that are not revoked, `credential` being the key's id."""
    return await db.rows(_LIVE_KEYS, ids=list(ids))


async def load_access_version(db: Database) -> int:
    """How often somebody's rights were changed or taken away: by log-out, a new password, a change of a person, a
    revoked key."""
    row = await fetch_first(db, _ACCESS_VERSION)
    return int(row.next) if row else 0


_ACCOUNT_CHANGES = PreparedQuery(
    sa.select(
        sa.select(sa.func.coalesce(sa.func.sum(p.c.version), 0)).scalar_subquery().label("people"),
        sa.select(sa.func.count()).select_from(k).where(k.c.revoked_at.is_(None)).scalar_subquery().label("keys"),
    )
)


async def load_account_changes(db: Database) -> tuple[int, int]:
    """Two numbers that move when a person is added or changed, and when a key is made or revoked. Unlike the access
    version they stay when somebody logs out."""
    row = await fetch_first(db, _ACCOUNT_CHANGES)
    return (int(row.people), int(row.keys)) if row else (0, 0)


def bump_access_version(connection: sa.Connection) -> None:
    """In the transaction of the change itself: the new count is never seen before the change."""
    insert_ignoring_duplicates(connection, sequence, [{"name": _ACCESS, "next": 0}])
    connection.execute(sa.update(sequence).where(sequence.c.name == _ACCESS).values(next=sequence.c.next + 1))


async def load_key(db: Database, key_id: str) -> Row | None:
    """A machine's key."""
    return await fetch_first(db, _KEY, id=key_id)


def replace_key_hash(connection: sa.Connection, key_id: str, kept: str, hashed: str) -> None:
    """A machine's key has another hash, if it has this one still."""
    connection.execute(sa.update(k).where(k.c.id == key_id, k.c.hash == kept).values(hash=str(hashed)))


async def load_keys(db: Database, after: str, limit: int) -> Sequence[Row]:
    """Keys in order of id behind `after`, without their hashes."""
    return await db.rows(_KEYS, after=after, limit=limit)


def add_person(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """A login taken already raises IntegrityError."""
    connection.execute(sa.insert(p).values(**row))


def change_person(connection: sa.Connection, person: str, version: int, values: Mapping[str, Any]) -> bool:
    """True: the person stood at that version and is changed."""
    done = connection.execute(
        sa.update(p).where(p.c.id == person, p.c.version == version).values(**values, version=version + 1)
    )
    if done.rowcount == 1:
        bump_access_version(connection)
    return bool(done.rowcount == 1)


_ADMINISTRATORS = sa.select(p.c.id).where(
    p.c.active.is_(True), p.c.department.is_(None), p.c.area.is_(None), ListContains(p.c.roles, "role")
)


def has_administrator(connection: sa.Connection) -> bool:
    """Whether anybody who can log in is an administrator of the whole organisation, seen from this transaction."""
    return connection.execute(_ADMINISTRATORS.limit(1), {"role": Role.ADMIN}).first() is not None


def add_key(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    connection.execute(sa.insert(k).values(**row))


def end_key_at(connection: sa.Connection, key_id: str, end: datetime) -> bool:
    """True: the key was live, and ends then at the latest."""
    earlier = sa.case(
        (k.c.expires_at < sa.bindparam("end", end, type_=Instant), k.c.expires_at),
        else_=sa.bindparam("end", end, type_=Instant),
    )
    done = connection.execute(sa.update(k).where(k.c.id == key_id, k.c.revoked_at.is_(None)).values(expires_at=earlier))
    if done.rowcount == 1:
        bump_access_version(connection)
    return bool(done.rowcount == 1)


def revoke_key(connection: sa.Connection, key_id: str, now: datetime) -> bool:
    """True: it was live and is revoked now."""
    done = connection.execute(sa.update(k).where(k.c.id == key_id, k.c.revoked_at.is_(None)).values(revoked_at=now))
    if done.rowcount == 1:
        bump_access_version(connection)
    return bool(done.rowcount == 1)

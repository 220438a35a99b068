"""Tokens of departments' duty calendars: the shared one of each department, and named ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.tables import duty_feed as d
from hotline.organisation.tables import feed_token as f

SHARED = "shared"  # what lists call the token that a department has from the beginning
_SYSTEM = "system"  # whose change a row is that was made by a first use
_DEPARTMENT = sa.bindparam("department", type_=sa.String)
_LIVE = PreparedQuery(
    sa.select(*f.c).where(f.c.department == _DEPARTMENT, f.c.revoked_at.is_(None)).order_by(f.c.created_at, f.c.id)
)
_SHARED = PreparedQuery(sa.select(*d.c).where(d.c.department == _DEPARTMENT))
_UNUSED = PreparedQuery(
    sa.select(f.c.department, f.c.name)
    .where(
        f.c.revoked_at.is_(None),
        sa.func.coalesce(f.c.last_used_at, f.c.created_at) < sa.bindparam("since", type_=Instant),
    )
    .order_by(f.c.department, f.c.name)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


@dataclass(frozen=True, slots=True)
class FeedName:
    """A token by its department and id."""

    department: str
    id: str


@dataclass(frozen=True, slots=True)
class SharedFeed:
    """The shared token of a department, as it stands."""

    generation: int = 0
    active: bool = True
    changed_at: datetime | None = None
    changed_by: str | None = None
    last_used_at: datetime | None = None


async def load_feeds(db: Database, department: str) -> Sequence[Row]:
    """The named tokens of a department that are not revoked, the oldest first."""
    return await db.rows(_LIVE, department=department)


async def load_shared_feed(db: Database, department: str) -> SharedFeed:
    row = await fetch_first(db, _SHARED, department=department)
    if row is None:
        return SharedFeed()
    return SharedFeed(row.generation, row.active, row.changed_at, row.changed_by, row.last_used_at)


async def load_unused_feeds(db: Database, since: datetime, limit: int) -> Sequence[Row]:
    """Named tokens that nobody has used since, or since they were made: department and name, `limit` at most."""
    return await db.rows(_UNUSED, since=since, limit=limit)


def count_feeds(connection: sa.Connection, department: str) -> int:
    live = sa.select(sa.func.count()).select_from(f).where(f.c.department == department, f.c.revoked_at.is_(None))
    return int(connection.execute(live).scalar_one())


def add_feed(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    connection.execute(sa.insert(f).values(**row))


def renew_feed(connection: sa.Connection, feed: FeedName, hashed: str) -> bool:
    """True: it was live, and has another token from now on."""
    live = sa.update(f).where(f.c.id == feed.id, f.c.department == feed.department, f.c.revoked_at.is_(None))
    return connection.execute(live.values(hash=hashed, last_used_at=None)).rowcount == 1


def revoke_feed(connection: sa.Connection, feed: FeedName, now: datetime) -> bool:
    """True: it was live and is revoked now."""
    live = sa.update(f).where(f.c.id == feed.id, f.c.department == feed.department, f.c.revoked_at.is_(None))
    return connection.execute(live.values(revoked_at=now)).rowcount == 1


def is_revoked_before(before: datetime) -> sa.ColumnElement[bool]:
    """The WHERE of named tokens that were revoked by then."""
    return f.c.revoked_at < before


def delete_revoked_feeds(connection: sa.Connection, before: datetime, limit: int) -> int:
    """Delete named tokens that were revoked by then, `limit` at most; how many."""
    gone = sa.select(f.c.id).where(is_revoked_before(before)).limit(limit)
    return connection.execute(sa.delete(f).where(f.c.id.in_(gone))).rowcount


def _keep_shared(connection: sa.Connection, departments: Sequence[str], now: datetime) -> None:
    rows = [
        {"department": each, "generation": 0, "active": True, "changed_at": now, "changed_by": _SYSTEM}
        for each in departments
    ]
    insert_ignoring_duplicates(connection, d, rows)


def renew_shared_feed(connection: sa.Connection, department: str, by: str, now: datetime) -> int:
    """Replace the shared token of a department, or open it anew; the generation of the new one."""
    _keep_shared(connection, [department], now)
    renewed = sa.update(d).where(d.c.department == department)
    values = {"active": True, "changed_at": now, "changed_by": by, "last_used_at": None}
    statement = renewed.values(generation=d.c.generation + 1, **values).returning(d.c.generation)
    return int(connection.execute(statement).scalar_one())


def revoke_shared_feed(connection: sa.Connection, department: str, by: str, now: datetime) -> bool:
    """True: it was open and is closed now."""
    _keep_shared(connection, [department], now)
    live = sa.update(d).where(d.c.department == department, d.c.active.is_(True))
    return connection.execute(live.values(active=False, changed_at=now, changed_by=by)).rowcount == 1


def write_last_use(connection: sa.Connection, feeds: Mapping[FeedName, datetime]) -> None:
    """When these tokens were used last."""
    shared = sorted((feed.department, at) for feed, at in feeds.items() if feed.id == SHARED)
    if shared:
        _keep_shared(connection, [department for department, _ in shared], shared[0][1])
    for department, at in shared:
        connection.execute(sa.update(d).where(d.c.department == department).values(last_used_at=at))
    for feed, at in sorted((feed.id, at) for feed, at in feeds.items() if feed.id != SHARED):
        connection.execute(sa.update(f).where(f.c.id == feed).values(last_used_at=at))

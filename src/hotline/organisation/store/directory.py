"""Queries of the directory: its items by noun, and a log of every change."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.tables import directory as d
from hotline.organisation.tables import directory_log as log

_ITEMS = PreparedQuery(sa.select(d.c.noun, d.c.code, d.c.body, d.c.version))
_VERSION = PreparedQuery(sa.select(sa.func.coalesce(sa.func.max(log.c.version), 0).label("version")))
_LOG = PreparedQuery(
    sa.select(*log.c)
    .where(log.c.version > sa.bindparam("after", type_=sa.Integer))
    .order_by(log.c.version, log.c.place)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def load_version(db: Database) -> int:
    """The directory's version: it grows by one with every change."""
    row = await fetch_first(db, _VERSION)
    return int(row.version) if row else 0


async def load_items(db: Database) -> Sequence[Row]:
    """Every item: noun, code, body, version."""
    return await db.rows(_ITEMS)


async def load_log(db: Database, after: int, limit: int) -> Sequence[Row]:
    """The log behind version `after`."""
    return await db.rows(_LOG, after=after, limit=limit)


_NEWEST = PreparedQuery(
    sa.select(*log.c).order_by(log.c.version.desc(), log.c.place).limit(sa.bindparam("limit", type_=sa.Integer))
)


async def load_newest_changes(db: Database, limit: int) -> Sequence[Row]:
    """The changes that were made last, the newest first."""
    return await db.rows(_NEWEST, limit=limit)


def write_changes(
    connection: sa.Connection,
    version: int,
    changes: Sequence[tuple[str, str, Mapping[str, Any] | None, Mapping[str, Any] | None]],
    at: datetime,
    by_id: str,
    by_name: str,
) -> None:
    """Write (noun, code, before, after) items as `version`. Another writer in between hits the log's key:
    IntegrityError."""
    connection.execute(
        sa.insert(log),
        [
            {
                "version": version,
                "place": place,
                "noun": noun,
                "code": code,
                "before": before,
                "after": after,
                "at": at,
                "by_id": by_id,
                "by_name": by_name,
            }
            for place, (noun, code, before, after) in enumerate(changes)
        ],
    )
    for noun, code, _, _ in changes:
        connection.execute(sa.delete(d).where(d.c.noun == noun, d.c.code == code))
    kept = [
        {"noun": n, "code": c, "body": after, "version": version} for n, c, _, after in changes if after is not None
    ]
    if kept:
        connection.execute(sa.insert(d), kept)

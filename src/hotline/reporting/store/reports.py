"""Queries of stored reports."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery, Row
from hotline.reporting.tables import report as r
from hotline.reporting.vocabulary import Period

_LIST = PreparedQuery(
    sa.select(r.c.period, r.c.first, r.c.made_at)
    .order_by(r.c.first.desc(), r.c.period)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ONE = PreparedQuery(
    sa.select(*r.c).where(
        r.c.period == sa.bindparam("period", type_=sa.String), r.c.first == sa.bindparam("first", type_=sa.String)
    )
)


async def load_reports(db: Database, limit: int) -> Sequence[Row]:
    """period, first, made_at; newest first."""
    return await db.rows(_LIST, limit=limit)


_NEWEST = PreparedQuery(
    sa.select(sa.func.max(r.c.first).label("first")).where(r.c.period == sa.bindparam("period", type_=sa.String))
)


async def load_newest_report_day(db: Database, period: Period) -> str | None:
    """The first day of the last period reported; None: none was."""
    row = await fetch_first(db, _NEWEST, period=period)
    return row.first if row else None


async def load_report(db: Database, period: Period, first: str) -> Row | None:
    return await fetch_first(db, _ONE, period=period, first=first)


def store_report(c: sa.Connection, period: Period, first: str, body: Any, now: datetime) -> None:
    """Store a report unless there is one: a report is never made twice."""
    insert_ignoring_duplicates(c, r, [{"period": period, "first": first, "body": body, "made_at": now}])

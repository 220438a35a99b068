"""Exports: claimed by a worker under a lease, updated only with its token."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, in_words
from hotline.database.engine import Database, fetch_first
from hotline.database.leases import database_time, is_free
from hotline.database.prepared import PreparedQuery, Row
from hotline.reporting.tables import export as x
from hotline.reporting.vocabulary import ExportStatus as S
from hotline.tickets.model.vocabulary import HELD, Part
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import call, timeline

LEASE = timedelta(minutes=2)  # renewed with each page
CLOSING = timedelta(minutes=20)  # a spreadsheet of a million rows is packed at its end
_OPEN = (S.WAITING, S.MAKING)
_OWN = sa.bindparam("owner", type_=sa.String)
_LIST = PreparedQuery(sa.select(*x.c).where(x.c.owner == _OWN).order_by(x.c.created_at.desc()).limit(50))
_EVERY = PreparedQuery(sa.select(*x.c).order_by(x.c.created_at.desc()).limit(sa.bindparam("limit", type_=sa.Integer)))
_ONE = PreparedQuery(sa.select(*x.c).where(x.c.id == sa.bindparam("id", type_=sa.String), x.c.owner == _OWN))
_RUNNING = PreparedQuery(sa.select(sa.func.count().label("n")).where(x.c.owner == _OWN, in_words(x.c.status, _OPEN)))
_LINES = PreparedQuery(
    sa.select(*timeline.c).where(InCodes(timeline.c.number, "numbers")).order_by(timeline.c.number, timeline.c.seq)
)


_HOLDERS = PreparedQuery(
    sa.select(a.c.number, a.c.department)
    .where(InCodes(a.c.number, "numbers"), in_words(a.c.part, (Part.LEAD,)), in_words(a.c.status, HELD))
    .order_by(a.c.issued_at, a.c.id)
)


async def load_holders(db: Database, numbers: Sequence[str]) -> dict[str, str]:
    """The department each ticket is counted under, also closed ones: number -> code."""
    return {row.number: row.department for row in await db.rows(_HOLDERS, numbers=list(numbers))}


_CALLS_TAKEN = PreparedQuery(
    sa.select(call.c.number, sa.func.count().label("n"))
    .where(InCodes(call.c.number, "numbers"))
    .group_by(call.c.number)
)


async def count_calls_taken(db: Database, numbers: Sequence[str]) -> dict[str, int]:
    """How many calls, texts and visits each ticket had of its own, without those of tickets merged into it."""
    return {row.number: int(row.n) for row in await db.rows(_CALLS_TAKEN, numbers=list(numbers))}


def insert_export(c: sa.Connection, row: Mapping[str, Any]) -> None:
    c.execute(sa.insert(x).values(**row))


async def load_exports_of_owner(db: Database, owner: str) -> Sequence[Row]:
    """The exports of one owner, newest first."""
    return await db.rows(_LIST, owner=owner)


async def load_all_exports(db: Database, limit: int) -> Sequence[Row]:
    """Everybody's exports, newest first."""
    return await db.rows(_EVERY, limit=limit)


async def load_own_export(db: Database, owner: str, id: str) -> Row | None:  # noqa: A002
    return await fetch_first(db, _ONE, owner=owner, id=id)


async def count_open_exports(db: Database, owner: str) -> int:
    row = await fetch_first(db, _RUNNING, owner=owner)
    return int(row.n) if row else 0


async def load_timelines(db: Database, numbers: Sequence[str]) -> Sequence[Row]:
    """The timelines of these tickets. The caller must have read the tickets within the actor's scope."""
    return await db.rows(_LINES, numbers=list(numbers))


def claim_export(c: sa.Connection, token: str) -> Row | None:
    """Claim the next export for LEASE, by the database's clock; one whose lease has ended starts again."""
    at = database_time(c)
    free = sa.or_(x.c.status == S.WAITING, is_free(x.c.lease_until, at, CLOSING))
    due = (
        sa.select(x.c.id)
        .where(in_words(x.c.status, _OPEN), free)
        .order_by(x.c.created_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    take = sa.update(x).where(x.c.id.in_(due.scalar_subquery())).values(
        status=S.MAKING, rows=0, lease_token=token, lease_until=at + LEASE, attempts=x.c.attempts + 1
    )  # fmt: skip
    return c.execute(take.returning(*x.c)).first()


def update_claimed_export(c: sa.Connection, id: str, token: str, values: Mapping[str, Any]) -> bool:  # noqa: A002
    """Write progress or outcome. False: another worker holds the lease."""
    return c.execute(sa.update(x).where(x.c.id == id, x.c.lease_token == token).values(**values)).rowcount == 1


def renew_lease(c: sa.Connection, id: str, token: str, lease: timedelta, rows: int) -> bool:  # noqa: A002
    """Renew the lease and write the number of rows. False: another worker holds the lease."""
    return update_claimed_export(c, id, token, {"rows": rows, "lease_until": database_time(c) + lease})


def count_download(c: sa.Connection, id: str) -> None:  # noqa: A002
    c.execute(sa.update(x).where(x.c.id == id).values(downloads=x.c.downloads + 1))


def expire_exports(c: sa.Connection, before: datetime, limit: int) -> Sequence[str]:
    """Mark expired exports as gone; their ids."""
    old = sa.select(x.c.id).where(x.c.status == S.READY, x.c.ended_at < before).limit(limit)
    gone = sa.update(x).where(x.c.id.in_(old.scalar_subquery())).values(status=S.GONE)
    return list(c.execute(gone.returning(x.c.id)).scalars())

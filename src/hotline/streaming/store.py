"""Queries of the stream of events: positions are given in commit order, and events are read by position."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery, Row
from hotline.database.tables import sequence
from hotline.tickets.tables import event as e

EVENTS_PER_READ = 1000
_TURN = "stream"  # the row whose lock lets one process place events at a time

_WAITING = PreparedQuery(sa.select(e.c.id).where(e.c.position.is_(None)).limit(1))
_LAST = PreparedQuery(sa.select(sa.func.coalesce(sa.func.max(e.c.position), 0).label("n")))
_FIRST = PreparedQuery(sa.select(sa.func.coalesce(sa.func.min(e.c.position), 0).label("n")))
_AFTER = PreparedQuery(
    sa.select(e.c.position, e.c.area, e.c.holders, e.c.body)
    .where(e.c.position > sa.bindparam("position", type_=sa.BigInteger))
    .order_by(e.c.position)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def assign_positions(db: Database) -> int:
    """Give every committed event its place in the stream; how many. A place is given to what is committed already,
    by one process at a time: so a reader who has seen a place has seen every place before it."""
    placed = 0
    if db.has_single_writer:
        return placed
    while await fetch_first(db, _WAITING) is not None:
        count = await db.transact(assign_next_positions)
        placed += count
        if count < EVENTS_PER_READ:
            break
    return placed


def assign_next_positions(c: sa.Connection) -> int:
    """The next AT_ONCE of them. In order of insertion: what followed from an event comes after it."""
    insert_ignoring_duplicates(c, sequence, [{"name": _TURN, "next": 0}])
    c.execute(sa.select(sequence.c.next).where(sequence.c.name == _TURN).with_for_update())
    last = c.execute(sa.select(sa.func.coalesce(sa.func.max(e.c.position), 0))).scalar_one()
    waiting = (
        sa.select(e.c.id, sa.func.row_number().over(order_by=e.c.id).label("n"))
        .where(e.c.position.is_(None))
        .order_by(e.c.id)
        .limit(EVENTS_PER_READ)
        .subquery()
    )
    done = c.execute(sa.update(e).where(e.c.id == waiting.c.id).values(position=last + waiting.c.n))
    return done.rowcount


async def load_last_position(db: Database) -> int:
    """The newest place; 0: nothing has happened yet."""
    row = await fetch_first(db, _LAST)
    return int(row.n) if row else 0


async def load_first_position(db: Database) -> int:
    """The oldest place still kept; 0: none."""
    row = await fetch_first(db, _FIRST)
    return int(row.n) if row else 0


_UNFOLDED = PreparedQuery(
    sa.select(e.c.id)
    .where(sa.or_(e.c.position > sa.bindparam("position", type_=sa.BigInteger), e.c.position.is_(None)))
    .where(e.c.at < sa.bindparam("end", type_=Instant))
    .limit(1)
)


async def has_unfolded_events(db: Database, position: int, end: datetime) -> bool:
    """Whether something that happened before `end` lies behind the place the figures were folded to."""
    return await fetch_first(db, _UNFOLDED, position=position, end=end) is not None


async def load_events_after(db: Database, position: int, limit: int = EVENTS_PER_READ) -> Sequence[Row]:
    """Events behind a place, in order: position, area, holders, body."""
    return await db.rows(_AFTER, position=position, limit=limit)


def delete_old_events(c: sa.Connection, before: datetime, folded: int, limit: int) -> int:
    """Delete the oldest places that are all past their time and folded into the figures. The beginning of the stream
    alone, so that no hole is left in it; the newest stays, so that places never begin again."""
    oldest = c.execute(
        sa.select(e.c.position, e.c.at).where(e.c.position <= folded).order_by(e.c.position).limit(limit + 1)
    ).all()
    last = 0
    for row, _ in pairwise(oldest):
        if row.at >= before:
            break
        last = row.position
    return c.execute(sa.delete(e).where(e.c.position <= last)).rowcount

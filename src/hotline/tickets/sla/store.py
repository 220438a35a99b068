"""Queries of clocks: those whose next step is due, claimed under a lease; those to be counted anew; and what `hotline
doctor` checks."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from hotline.database.columns import Instant, in_words, parse_instant
from hotline.database.engine import Database, fetch_first
from hotline.database.leases import database_time, is_free
from hotline.database.prepared import PreparedQuery, Row
from hotline.tickets.model.vocabulary import OPEN
from hotline.tickets.tables import clock as c
from hotline.tickets.tables import ticket as t
from hotline.tickets.tables import timeline

LEASE = timedelta(seconds=10)  # many times what a batch takes; after it another worker tries
MAX_POSTPONEMENT = timedelta(
    minutes=1
)  # a clock that could not be acted on is put off by its lease, for so long at most


def claim_due_clocks(db: sa.Connection, now: datetime, token: str, limit: int) -> Sequence[Row]:
    """The clocks longest due by `now`, ours for LEASE by the database's clock: number, id, next_level, next_at."""
    at = database_time(db)
    free = is_free(c.c.lease_until, at, MAX_POSTPONEMENT)
    due = (
        sa.select(c.c.number, c.c.id)
        .where(c.c.next_at.is_not(None), c.c.next_at <= now, free)
        .order_by(c.c.next_at, c.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    take = sa.update(c).where(sa.tuple_(c.c.number, c.c.id).in_(due)).values(lease_token=token, lease_until=at + LEASE)
    claimed_rows = db.execute(take.returning(c.c.number, c.c.id, c.c.next_level, c.c.next_at)).all()
    return sorted(claimed_rows, key=lambda r: (r.next_at, r.id))


def postpone_clock(db: sa.Connection, clock: str, number: str, token: str, wait: timedelta) -> None:
    """Skip this clock for `wait`, MAX_POSTPONEMENT at most, so that one faulty ticket does not delay the others."""
    until = database_time(db) + min(wait, MAX_POSTPONEMENT)
    db.execute(
        sa.update(c).where(c.c.number == number, c.c.id == clock, c.c.lease_token == token).values(lease_until=until)
    )


_BEHIND = PreparedQuery(
    sa.select(c.c.number)
    .where(
        c.c.stopped_at.is_(None),
        c.c.calendar == sa.bindparam("calendar", type_=sa.String),
        c.c.calendar_version < sa.bindparam("version", type_=sa.Integer),  # a range: nothing to find costs nothing
    )
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def load_outdated_tickets(db: Database, calendar: str, version: int, limit: int) -> list[str]:
    """Tickets with a running clock that was counted with an older version of this calendar."""
    return list(
        dict.fromkeys(r.number for r in await db.rows(_BEHIND, calendar=calendar, version=version, limit=limit))
    )


def mark_recalculated(db: sa.Connection, unchanged: Sequence[tuple[str, int]], calendars: Mapping[str, int]) -> int:
    """The running clocks of these tickets (number, version) stand as they would by these versions of their calendars;
    how many tickets were marked. Not one that has moved on: it is looked at again."""
    marked: set[str] = set()
    for number, version in unchanged:
        stands = sa.select(sa.literal(1)).where(t.c.number == number, t.c.version == version).exists()
        for code, counted in calendars.items():
            old = sa.and_(c.c.calendar == code, c.c.calendar_version < counted, c.c.stopped_at.is_(None))
            mark = sa.update(c).where(c.c.number == number, old, stands).values(calendar_version=counted)
            marked |= {number} if db.execute(mark).rowcount else set()
    return len(marked)


_WITHOUT = PreparedQuery(
    sa.select(t.c.number)
    .where(
        in_words(t.c.status, OPEN),
        ~sa.select(sa.literal(1)).where(c.c.number == t.c.number, c.c.stopped_at.is_(None)).correlate(t).exists(),
    )
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def load_tickets_without_clock(db: Database, limit: int) -> list[str]:
    """Open tickets that no clock runs on: time has lost them."""
    return [r.number for r in await db.rows(_WITHOUT, limit=limit)]


_OVERDUE = PreparedQuery(
    sa.select(sa.func.count().label("n"), sa.func.min(c.c.next_at).label("oldest")).where(
        c.c.next_at.is_not(None), c.c.next_at <= sa.bindparam("before", type_=Instant)
    )
)


async def load_overdue_steps(db: Database, before: datetime) -> tuple[int, datetime | None]:
    """How many steps were due before that moment and have not fired; when the oldest was."""
    row = await fetch_first(db, _OVERDUE, before=before)
    return (int(row.n), parse_instant(row.oldest)) if row else (0, None)


_STUCK = PreparedQuery(
    sa.select(c.c.number, c.c.id)
    .where(c.c.next_at.is_(None), c.c.stopped_at.is_(None), c.c.paused_at.is_(None))
    .where(c.c.metric != sa.literal_column("'report'"))  # written out, so that the partial index serves it
    .limit(20)
)


async def load_stuck_clocks(db: Database) -> Sequence[Row]:
    """Running clocks without a next step, which would never escalate. At most twenty."""
    return await db.rows(_STUCK)


_NEWEST_ENTRY = PreparedQuery(sa.select(timeline.c.at).order_by(timeline.c.at.desc()).limit(1))


async def load_newest_entry_time(db: Database) -> datetime | None:
    """When the newest line of any timeline was written, by the clock of the process that wrote it."""
    row = await fetch_first(db, _NEWEST_ENTRY)
    return parse_instant(row.at) if row else None

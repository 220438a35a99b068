"""Messages on their way out: claimed under a lease, let go only with its token, counted before they are tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hotline.domain.ticket import Message
from hotline.domain.vocabulary import MessageStatus as M

from .columns import Instant, is_one_of, read_instant
from .database import Database, one
from .once import insert_once
from .question import Question, Row
from .tables import outbox as o

LEASE = timedelta(seconds=45)  # three times the longest send
MOST_TRIES = 8  # unless its way gives it more


@dataclass(frozen=True, slots=True)
class Reach:
    """What this worker can hand over: texts by SMS gateways, messages to the notice address, events to subscribers."""

    texts: bool = False
    notices: bool = False
    hooks: bool = False


_HOOKED = ("event", "webhook")


def _kind(*words: str) -> sa.ColumnElement[bool]:
    return o.c.kind.in_([sa.literal_column(f"'{word}'") for word in words])


def within(reach: Reach) -> sa.ColumnElement[bool]:
    """The messages that have a way out. A text has the SMS gateways where there are any, else the notice address."""
    officers = sa.and_(_kind("duty", "escalation"), o.c.partition.like("duty:%"))
    texts = sa.or_(_kind("resident", "text"), officers)
    ways: list[sa.ColumnElement[bool]] = []
    if reach.texts:
        ways.append(texts)
    if reach.notices:
        ways.append(sa.not_(_kind(*_HOOKED, "text")))
    if reach.hooks:
        ways.append(_kind(*_HOOKED))
    return sa.or_(*ways) if ways else sa.false()


EVERYWHERE = Reach(texts=True, notices=True, hooks=True)


@lru_cache(maxsize=8)
def _oldest(reach: Reach) -> Question:
    due = sa.and_(is_one_of(o.c.status, (M.QUEUED, M.LEASED)), o.c.next_at <= sa.bindparam("now", type_=Instant))
    return Question(sa.select(sa.func.min(o.c.next_at).label("at")).where(due, within(reach)))


async def oldest_due(db: Database, now: datetime, reach: Reach = EVERYWHERE) -> datetime | None:
    """When the oldest unsent message that can be handed over was due."""
    row = await one(db, _oldest(reach), now=now)
    return read_instant(row.at) if row else None


_LISTED = Question(
    sa.select(*o.c)
    .where(o.c.status == sa.bindparam("status", type_=sa.String), o.c.id > sa.bindparam("after", type_=sa.String))
    .order_by(o.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def listed(db: Database, status: str, after: str, limit: int) -> Sequence[Row]:
    """Messages in a state, in order of id."""
    return await db.rows(_LISTED, status=status, after=after, limit=limit)


def add_once(db: sa.Connection, messages: Sequence[Message]) -> int:
    """Messages of the house itself, each once by its id; how many were new."""
    ids = [m.id for m in messages]
    known = set(db.execute(sa.select(o.c.id).where(o.c.id.in_(ids))).scalars())
    fresh = {m.id: m for m in messages if m.id not in known}
    rows = [
        {
            "id": m.id, "kind": m.kind, "number": m.number, "partition": m.partition, "payload": m.payload,
            "status": M.QUEUED, "attempts": 0, "max_attempts": MOST_TRIES, "created_at": m.next_at,
            "next_at": m.next_at,
        }
        for m in fresh.values()
    ]  # fmt: skip
    if rows:
        insert_once(db, o, rows)  # another worker may have added one since we looked
    return len(rows)


def claim(db: sa.Connection, now: datetime, token: str, limit: int, reach: Reach = EVERYWHERE) -> Sequence[Row]:
    """The next messages due that can be handed over, ours for LEASE; one at a time for each receiver. The try is
    counted now: a message that kills its worker runs out of tries."""
    running = (M.QUEUED, M.LEASED)
    orphaned = sa.and_(o.c.lease_until <= now, o.c.attempts < o.c.max_attempts)
    earlier = o.alias("earlier")
    first = ~(
        sa.select(sa.literal(1))
        .select_from(earlier)
        .where(earlier.c.partition == o.c.partition, is_one_of(earlier.c.status, running))
        .where(sa.tuple_(earlier.c.created_at, earlier.c.id) < sa.tuple_(o.c.created_at, o.c.id))
        .exists()
    )
    # written so that both partial indexes serve it: a claim costs the same behind ten messages and behind a million
    due = (
        sa.select(o.c.id)
        .where(is_one_of(o.c.status, running), o.c.next_at <= now, sa.or_(o.c.status == M.QUEUED, orphaned), first)
        .where(within(reach))
        .order_by(o.c.next_at, o.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    take = (
        sa.update(o)
        .where(o.c.id.in_(due.scalar_subquery()))
        .values(status=M.LEASED, lease_token=token, lease_until=now + LEASE, attempts=o.c.attempts + 1)
    )
    return db.execute(take.returning(*o.c)).all()


def bury(db: sa.Connection, now: datetime) -> int:
    """Messages whose worker died at their last try; how many are dead now."""
    last = sa.and_(o.c.status == M.LEASED, o.c.lease_until <= now, o.c.attempts >= o.c.max_attempts)
    return db.execute(
        sa.update(o).where(last).values(status=M.DEAD, last_error="its worker died at the last try")
    ).rowcount


def _mine(id: str, token: str) -> sa.Update:  # noqa: A002
    return sa.update(o).where(o.c.id == id, o.c.lease_token == token, o.c.status == M.LEASED)


def mark_sent(db: sa.Connection, id: str, token: str) -> bool:  # noqa: A002
    """False: another worker holds it now."""
    return (
        db.execute(_mine(id, token).values(status=M.SENT, lease_token=None, lease_until=None, last_error=None)).rowcount
        == 1
    )


def put_back(
    db: sa.Connection,
    id: str,  # noqa: A002
    token: str,
    next_at: datetime | None,
    error: str | None,
    *,
    most: int | None = None,
    uncounted: bool = False,
) -> bool:
    """Try again at `next_at`, or never (None). `most`: how many tries it has; `uncounted`: this was none. False:
    another worker holds it now."""
    values: dict[str, Any] = {"status": M.QUEUED if next_at else M.DEAD, "lease_token": None, "lease_until": None}
    values["last_error"] = error[:500] if error else None
    if next_at is not None:
        values["next_at"] = next_at
    if most is not None:
        values["max_attempts"] = sa.case((o.c.max_attempts < most, most), else_=o.c.max_attempts)
    if uncounted:
        values["attempts"] = o.c.attempts - 1
    return db.execute(_mine(id, token).values(**values)).rowcount == 1


def expire(db: sa.Connection, before: datetime) -> int:
    """Give up what nobody was there to send since `before`; how many, alarms apart. A delivery to a subscriber may have
    to wait behind one that is tried for three days."""
    old = sa.update(o).where(o.c.status == M.QUEUED, o.c.next_at < before, sa.not_(_kind(*_HOOKED)))
    old = old.values(status=M.EXPIRED, last_error="no gateway took it in time")
    db.execute(old.where(o.c.kind == "alarm"))
    return db.execute(old).rowcount


def requeue(db: sa.Connection, id: str, now: datetime, *, sent_too: bool = False) -> bool:  # noqa: A002
    """Send a dead, expired or dropped message once more, with all its tries."""
    ended = [M.DEAD, M.EXPIRED, M.DROPPED, *([M.SENT] if sent_too else [])]
    again = sa.update(o).where(o.c.id == id, o.c.status.in_(ended))
    values = {"status": M.QUEUED, "max_attempts": o.c.attempts + MOST_TRIES, "next_at": now, "last_error": None}
    return db.execute(again.values(**values)).rowcount == 1


def drop(db: sa.Connection, id: str, why: str) -> bool:  # noqa: A002
    """Give a message up by hand: one that waits, or one that is dead already. Its reason is kept."""
    there = sa.update(o).where(o.c.id == id, o.c.status.in_([M.QUEUED, M.DEAD, M.EXPIRED]))
    return db.execute(there.values(status=M.DROPPED, last_error=why[:500])).rowcount == 1


_ONE = Question(sa.select(*o.c).where(o.c.id == sa.bindparam("id", type_=sa.String)))
_IN_LINE = Question(
    sa.select(*o.c)
    .where(o.c.partition == sa.bindparam("partition", type_=sa.String), o.c.kind == sa.literal_column("'webhook'"))
    .where(o.c.id > sa.bindparam("after", type_=sa.String))
    .order_by(o.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def by_id(db: Database, id: str) -> Row | None:  # noqa: A002
    return await one(db, _ONE, id=id)


async def in_line(db: Database, partition: str, after: str, limit: int) -> Sequence[Row]:
    """The deliveries of one subscription, in order of id."""
    return await db.rows(_IN_LINE, partition=partition, after=after, limit=limit)

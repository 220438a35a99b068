"""Messages on their way out: claimed under a lease, let go only with its token, counted before they are tried."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, in_words, parse_instant
from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.leases import MAX_CLOCK_AHEAD, database_time, is_free
from hotline.database.prepared import PreparedQuery, Row
from hotline.delivery.model import HOLD, Message, Way, WayOf, everywhere
from hotline.delivery.model import MessageStatus as M
from hotline.delivery.tables import outbox as o

LEASE = timedelta(seconds=45)  # three times the longest send
MAX_TRIES = 8  # unless its way gives it more
_UNFINISHED = (M.QUEUED, M.LEASED)
TO_OFFICER = sa.literal_column("substr(outbox.partition, 1, 5) = 'duty:'", sa.Boolean)  # as the partial index has it
MAX_COUNTED = 1000  # messages of a kind, at most


def _waiting_kinds_cte() -> sa.CTE:
    """The kinds of what waits, each found by one look into the index, however much of it there is."""
    known = sa.select(sa.func.min(o.c.kind).label("kind")).where(in_words(o.c.status, _UNFINISHED)).cte("kinds", True)
    other = o.alias("other")
    further = sa.select(sa.func.min(other.c.kind)).where(in_words(other.c.status, _UNFINISHED))
    further = further.where(other.c.kind > known.c.kind)
    return known.union_all(sa.select(further.scalar_subquery()).where(known.c.kind.is_not(None)))


_WAITING_KINDS_QUERY = sa.select((_WAITING_KINDS := _waiting_kinds_cte()).c.kind).where(
    _WAITING_KINDS.c.kind.is_not(None)
)


@dataclass(frozen=True, slots=True)
class WaitingMessages:
    """The waiting messages of a kind: how many, MAX_COUNTED at most; when the first was due (UTC); whether a gateway or
    an address takes them."""

    kind: str
    count: int
    oldest: datetime
    sendable: bool


def _select_kind(*columns: Any, way: Way) -> sa.Select[Any]:
    found = sa.select(*columns).select_from(o).where(in_words(o.c.status, _UNFINISHED))
    found = found.where(o.c.kind == sa.bindparam("kind", type_=sa.String))
    return found.where(TO_OFFICER) if way is Way.TO_OFFICERS else found


_WAITING_KINDS_PREPARED = PreparedQuery(_WAITING_KINDS_QUERY)
_OLDEST = {
    way: PreparedQuery(_select_kind(o.c.next_at, way=way).order_by(o.c.next_at, o.c.id).limit(1))
    for way in (Way.ALL, Way.TO_OFFICERS)
}
_COUNT = {
    way: PreparedQuery(
        sa.select(sa.func.count().label("n")).select_from(_select_kind(o.c.id, way=way).limit(MAX_COUNTED).subquery())
    )
    for way in (Way.ALL, Way.TO_OFFICERS)
}


async def load_waiting_messages(db: Database, way_of: WayOf) -> list[WaitingMessages]:
    """The waiting messages by kind, those that can be handed over and those without a gateway or address. Counts stop
    at MAX_COUNTED."""
    found: list[WaitingMessages] = []
    for row in await db.rows(_WAITING_KINDS_PREPARED):
        way = way_of(row.kind)
        counts: dict[Way, tuple[int, datetime]] = {}
        for part in {Way.ALL, way} - {Way.NONE}:
            count, first = (
                await fetch_first(db, _COUNT[part], kind=row.kind),
                await fetch_first(db, _OLDEST[part], kind=row.kind),
            )
            oldest = parse_instant(first.next_at) if first else None
            if count is not None and oldest is not None:
                counts[part] = (int(count.n), oldest)
        if way in counts:
            found.append(WaitingMessages(row.kind, *counts[way], sendable=True))
        if way is not Way.ALL and Way.ALL in counts:
            left = counts[Way.ALL][0] - counts.get(way, (0, None))[0]
            if left:
                found.append(WaitingMessages(row.kind, left, counts[Way.ALL][1], sendable=False))
    return found


async def load_oldest_due_at(db: Database, now: datetime, way_of: WayOf = everywhere) -> datetime | None:
    """When the oldest unsent message that can be handed over was due."""
    found = []
    for row in await db.rows(_WAITING_KINDS_PREPARED):
        if (way := way_of(row.kind)) is not Way.NONE and (due := await fetch_first(db, _OLDEST[way], kind=row.kind)):
            found.append(parse_instant(due.next_at))
    return min((at for at in found if at is not None and at <= now), default=None)


_LISTED = PreparedQuery(
    sa.select(*o.c)
    .where(o.c.status == sa.bindparam("status", type_=sa.String), o.c.id > sa.bindparam("after", type_=sa.String))
    .order_by(o.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def load_messages(db: Database, status: str, after: str, limit: int) -> Sequence[Row]:
    """Messages in a state, in order of id."""
    return await db.rows(_LISTED, status=status, after=after, limit=limit)


def add_messages(db: sa.Connection, messages: Sequence[Message]) -> int:
    """Messages of the system itself, each once by its id; how many were new."""
    ids = [m.id for m in messages]
    known = set(db.execute(sa.select(o.c.id).where(o.c.id.in_(ids))).scalars())
    fresh = {m.id: m for m in messages if m.id not in known}
    rows = [
        {
            "id": m.id, "kind": m.kind, "number": m.number, "partition": m.partition, "payload": m.payload,
            "status": M.QUEUED, "attempts": 0, "max_attempts": MAX_TRIES, "created_at": m.next_at,
            "next_at": m.next_at,
        }
        for m in fresh.values()
    ]  # fmt: skip
    if rows:
        insert_ignoring_duplicates(db, o, rows)  # another worker may have added one since we looked
    return len(rows)


CLAIM_WINDOW = 500  # due messages of a kind that one claim looks at
MAX_DEFERRAL = timedelta(minutes=10)  # how long at most a message behind others is not looked at


def _claim_window(kind: str, way: Way, at: datetime, by: datetime, sending: Collection[str]) -> sa.Subquery:
    """The first due messages of a kind, with whether they are the first of their receiver's (`first`)."""
    earlier = o.alias("earlier")
    # one look into the index for each row: it is the order that keeps PostgreSQL from walking the table instead, where
    # it expects most rows to be of one receiver
    ahead = (
        sa.select(sa.literal(1))
        .select_from(earlier)
        .where(earlier.c.partition == o.c.partition, in_words(earlier.c.status, _UNFINISHED))
        .where(sa.tuple_(earlier.c.created_at, earlier.c.id) < sa.tuple_(o.c.created_at, o.c.id))
        .order_by(earlier.c.created_at, earlier.c.id)
        .limit(1)
        .scalar_subquery()
    )
    return (
        sa.select(o.c.id, o.c.next_at, o.c.partition, ahead.is_(None).label("first"))
        .where(in_words(o.c.status, _UNFINISHED), o.c.kind == kind, _claimable(at, by), o.c.id.not_in(list(sending)))
        .where(*([TO_OFFICER] if way is Way.TO_OFFICERS else []))
        .order_by(o.c.next_at, o.c.id)
        .limit(CLAIM_WINDOW)
        .subquery()
    )


def _claimable(at: datetime, by: datetime) -> sa.ColumnElement[bool]:
    orphaned = sa.and_(is_free(o.c.lease_until, at, LEASE), o.c.attempts < o.c.max_attempts)
    return sa.and_(o.c.next_at <= by, sa.or_(o.c.status == M.QUEUED, orphaned))


def claim(
    db: sa.Connection,
    now: datetime,
    token: str,
    limit: int,
    way_of: WayOf = everywhere,
    sending_ids: Collection[str] = (),
) -> Sequence[Row]:
    """The next messages due that can be handed over, ours for LEASE; one at a time for each receiver. The try is
    counted now: a message that crashes its worker runs out of tries. `sending_ids`: ids that this worker has under way,
    whatever the clock says. Costs the same behind ten messages and behind a million: each kind is looked up by itself,
    and what waits behind others of its receiver is put aside."""
    database_now = database_time(db)
    by = max(now, database_now)
    ways = {kind: way_of(kind) for kind in db.execute(_WAITING_KINDS_QUERY).scalars()}
    windows = {
        k: _claim_window(k, way, database_now, by, sending_ids) for k, way in ways.items() if way is not Way.NONE
    }
    if not windows:
        return []
    firsts = [sa.select(w.c.id, w.c.next_at).where(w.c.first).limit(limit).subquery() for w in windows.values()]
    found = sa.union_all(*(sa.select(f.c.id, f.c.next_at) for f in firsts)).subquery()
    due = (
        sa.select(o.c.id)
        .where(o.c.id.in_(sa.select(found.c.id).order_by(found.c.next_at, found.c.id).limit(limit)))
        .where(
            in_words(o.c.status, _UNFINISHED), _claimable(database_now, by)
        )  # looked at again once the row is locked
        .with_for_update(skip_locked=True)
    )
    take = (
        sa.update(o)
        .where(o.c.id.in_(due.scalar_subquery()))
        .values(status=M.LEASED, lease_token=token, lease_until=database_now + LEASE, attempts=o.c.attempts + 1)
    )
    taken = db.execute(take.returning(*o.c)).all()
    if len(taken) < limit:
        for window in windows.values():
            _defer_blocked(db, window, database_now)
    return taken


def _defer_blocked(db: sa.Connection, window: sa.Subquery, at: datetime) -> None:
    """Where at least half of a window waits behind other messages, make the next claim skip those. When the first of a
    receiver ends, `_release_next` makes the next one due."""
    blocked_rows = db.execute(sa.select(window.c.id, window.c.partition).where(sa.not_(window.c.first))).all()
    if len(blocked_rows) < CLAIM_WINDOW // 2:
        return
    for partition in {row.partition for row in blocked_rows}:
        head = db.execute(_FIRST_OF_RECEIVER.with_for_update(skip_locked=True), {"receiver": partition}).first()
        if head is None:  # another transaction ends it at this moment
            continue
        until = max(at + MAX_DEFERRAL, parse_instant(head.next_at) or at)
        ids = [row.id for row in blocked_rows if row.partition == partition and row.id != head.id]
        untried = sa.and_(o.c.status == M.QUEUED, o.c.attempts == 0, o.c.next_at < until)
        db.execute(sa.update(o).where(o.c.id.in_(ids), untried).values(next_at=until))


_RECEIVERS = o.alias("receivers")
_FIRST_OF_RECEIVER = (
    sa.select(_RECEIVERS.c.id, _RECEIVERS.c.next_at)
    .where(_RECEIVERS.c.partition == sa.bindparam("receiver", type_=sa.String))
    .where(in_words(_RECEIVERS.c.status, _UNFINISHED))
    .order_by(_RECEIVERS.c.created_at, _RECEIVERS.c.id)
    .limit(1)
)


def _release_next(db: sa.Connection, partition: str) -> None:
    """The next of this receiver is due now, if it was put aside. What is held back was made to be due later."""
    at = database_time(db)
    is_deferred = sa.and_(o.c.status == M.QUEUED, o.c.attempts == 0, o.c.next_at > at, o.c.created_at <= at)
    head = _FIRST_OF_RECEIVER.with_only_columns(_RECEIVERS.c.id).scalar_subquery()
    db.execute(sa.update(o).where(o.c.id == head, is_deferred).values(next_at=at), {"receiver": partition})


def correct_future_due(db: sa.Connection) -> int:
    """Messages written by a process whose clock is ahead are due now, not when the true time gets there; how many."""
    at = database_time(db)
    ahead = sa.and_(
        o.c.status == M.QUEUED,
        o.c.attempts == 0,
        o.c.next_at > at + MAX_CLOCK_AHEAD + HOLD,  # what is held back was made so far ahead on purpose
        o.c.created_at > at + MAX_CLOCK_AHEAD + HOLD,
    )
    return db.execute(sa.update(o).where(ahead).values(next_at=at)).rowcount


def mark_abandoned_dead(db: sa.Connection) -> int:
    """Messages whose worker died at their last try; how many are dead now."""
    ended = is_free(o.c.lease_until, database_time(db), LEASE)
    last = sa.and_(o.c.status == M.LEASED, ended, o.c.attempts >= o.c.max_attempts)
    dead = sa.update(o).where(last).values(status=M.DEAD, last_error="its worker died at the last try")
    receivers = db.execute(dead.returning(o.c.partition)).scalars().all()
    for partition in sorted(set(receivers)):
        _release_next(db, partition)
    return len(receivers)


def _leased_update(id: str, token: str) -> sa.Update:  # noqa: A002
    return sa.update(o).where(o.c.id == id, o.c.lease_token == token, o.c.status == M.LEASED)


def mark_sent(db: sa.Connection, id: str, token: str) -> bool:  # noqa: A002
    """False: another worker holds it now."""
    sent = _leased_update(id, token).values(status=M.SENT, lease_token=None, lease_until=None, last_error=None)
    return _end_message(db, sent)


def _end_message(db: sa.Connection, change: sa.Update) -> bool:
    """Run what ends one message, and call the next of its receiver. False: it changed nothing."""
    partition = db.execute(change.returning(o.c.partition)).scalar()
    if partition is None:
        return False
    _release_next(db, partition)
    return True


def reschedule(
    db: sa.Connection,
    id: str,  # noqa: A002
    token: str,
    next_at: datetime | None,
    error: str | None,
    *,
    max_tries: int | None = None,
) -> bool:
    """Try again at `next_at`, or never (None). `max_tries`: how many tries it has. False: another worker holds it
    now."""
    values: dict[str, Any] = {"status": M.QUEUED if next_at else M.DEAD, "lease_token": None, "lease_until": None}
    values["last_error"] = error[:500] if error else None
    if next_at is not None:
        values["next_at"] = next_at
    if max_tries is not None:
        values["max_attempts"] = sa.case((o.c.max_attempts < max_tries, max_tries), else_=o.c.max_attempts)
    change = _leased_update(id, token).values(**values)
    return _end_message(db, change) if next_at is None else db.execute(change).rowcount == 1


def postpone(
    db: sa.Connection,
    id: str,  # noqa: A002
    token: str,
    next_at: datetime,
    reason: str,
    partition: str,
) -> bool:
    """Leave it until `next_at`, in this partition: nothing was tried, and no try is counted. False: another worker
    holds it now."""
    values = {"status": M.QUEUED, "lease_token": None, "lease_until": None, "last_error": reason, "next_at": next_at,
              "partition": partition, "attempts": o.c.attempts - 1}  # fmt: skip
    return db.execute(_leased_update(id, token).values(**values)).rowcount == 1


def expire(db: sa.Connection, before: datetime, lasting: Collection[str]) -> int:
    """Give up what could not be handed over since `before`, but for the `lasting` kinds; how many, alarms apart."""
    old = sa.update(o).where(o.c.status == M.QUEUED, o.c.next_at < before, o.c.kind.not_in(list(lasting)))
    old = old.values(status=M.EXPIRED, last_error="no gateway took it in time")
    db.execute(old.where(o.c.kind == "alarm"))
    return db.execute(old).rowcount


def requeue(db: sa.Connection, id: str, now: datetime, *, include_sent: bool = False) -> bool:  # noqa: A002
    """Send a dead, expired or dropped message once more, with all its tries. Due at once, even if
    this process's clock is ahead."""
    ended = [M.DEAD, M.EXPIRED, M.DROPPED, *([M.SENT] if include_sent else [])]
    again = sa.update(o).where(o.c.id == id, o.c.status.in_(ended))
    due = min(now, database_time(db))
    values = {"status": M.QUEUED, "max_attempts": o.c.attempts + MAX_TRIES, "next_at": due, "last_error": None}
    return db.execute(again.values(**values)).rowcount == 1


def drop(db: sa.Connection, id: str, reason: str) -> bool:  # noqa: A002
    """Give a message up by hand: one that waits, or one that is dead already. Its reason is kept."""
    there = sa.update(o).where(o.c.id == id, o.c.status.in_([M.QUEUED, M.DEAD, M.EXPIRED]))
    return _end_message(db, there.values(status=M.DROPPED, last_error=reason[:500]))


_OF_STEP = PreparedQuery(
    sa.select(o.c.id, o.c.kind, o.c.number, o.c.partition, o.c.next_at, o.c.status)
    .where(InCodes(o.c.id, "ids"))
    .order_by(o.c.id)
)
_PLACES_AT_ONCE = 8  # most steps send fewer messages: one to each department that takes part, and to its caller


async def load_messages_of_step(db: Database, *prefixes: str) -> Sequence[Row]:
    """The messages whose ids begin so and end with their place, which are counted from 0 without a gap: id, kind,
    number, partition, next_at, status."""
    found: list[Row] = []
    first, asked = 0, prefixes
    while asked:
        places = range(first, first := first + _PLACES_AT_ONCE)
        rows = await db.rows(_OF_STEP, ids=[f"{prefix}{place}" for prefix in asked for place in places])
        found += rows
        known = {row.id for row in rows}
        asked = tuple(prefix for prefix in asked if f"{prefix}{first - 1}" in known)
    return found


_ONE = PreparedQuery(sa.select(*o.c).where(o.c.id == sa.bindparam("id", type_=sa.String)))


async def load_message(db: Database, id: str) -> Row | None:  # noqa: A002
    return await fetch_first(db, _ONE, id=id)

"""Calls on the exchange, their events, and the people who are to be called back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.telephony.model import NO_END_REPORTED
from hotline.telephony.tables import return_call as r
from hotline.telephony.tables import voice_call as v
from hotline.telephony.tables import voice_event as e
from hotline.telephony.tables import voice_ring as ring
from hotline.telephony.vocabulary import Direction, ReturnCall, VoiceOutcome, VoiceState
from hotline.tickets.store.channel_log import load_log_row, load_log_rows
from hotline.tickets.store.scope import (
    confidential_column,
    desk_scope,
    scope_form,
    scope_parameters,
    ticket_scope_condition,
)

AUTOMATIC_OUTCOMES = ("rang again", "reached")  # how a promise ends that no operator ended


def insert_event(c: sa.Connection, row: Mapping[str, Any]) -> None:
    """An event, once."""
    insert_ignoring_duplicates(c, e, [row])


def put_newer_event(c: sa.Connection, row: Mapping[str, Any], is_newer: Callable[[Mapping[str, Any]], bool]) -> None:
    """An event of which only the newest is kept. `is_newer`: whether this one is, than the body of the one there."""
    insert_ignoring_duplicates(c, e, [row])
    same = (e.c.pbx == row["pbx"], e.c.key == row["key"])
    if is_newer(c.execute(sa.select(e.c.body).where(*same).with_for_update()).scalar_one()):
        c.execute(sa.update(e).where(*same).values(body=row["body"], at=row["at"]))


def load_events(c: sa.Connection, pbx: str, reference: str) -> Sequence[Row]:
    """All events of a call that have come."""
    return c.execute(sa.select(*e.c).where(e.c.pbx == pbx, e.c.reference == reference)).all()


def lock_call(c: sa.Connection, pbx: str, reference: str) -> Row | None:
    """The call as it stands, held until the transaction ends."""
    return c.execute(sa.select(*v.c).where(v.c.pbx == pbx, v.c.reference == reference).with_for_update()).first()


def insert_call(c: sa.Connection, row: Mapping[str, Any]) -> None:
    insert_ignoring_duplicates(c, v, [row])


def load_silent_calls(c: sa.Connection, now: datetime, limit: int) -> Sequence[Row]:
    """Open calls of which nothing was heard for too long, or whose time is not known yet: id, pbx, reference,
    raw_phone."""
    still_open = sa.text("state <> 'ended'")  # word for word as in the index: SQLite uses it for nothing else
    due = sa.or_(v.c.end_due_at.is_(None), v.c.end_due_at <= now)
    which = sa.select(v.c.id, v.c.pbx, v.c.reference, v.c.raw_phone).where(still_open, due)
    return c.execute(which.order_by(v.c.end_due_at, v.c.id).limit(limit)).all()


def update_call(c: sa.Connection, id: str, values: Mapping[str, Any]) -> None:  # noqa: A002
    c.execute(sa.update(v).where(v.c.id == id).values(**values))


def end_without_events(c: sa.Connection, id: str, now: datetime) -> None:  # noqa: A002
    """End a call whose events are gone, by what its row says: nothing is known of its end."""
    spoken = v.c.answered_at.is_not(None)
    ended = {
        "state": VoiceState.ENDED, "cause": NO_END_REPORTED, "end_due_at": None, "moved_at": now,
        "outcome": sa.case((spoken, VoiceOutcome.ANSWERED), else_=VoiceOutcome.MISSED),
        "ended_at": sa.case((spoken, sa.null()), else_=v.c.offered_at),
    }  # fmt: skip
    c.execute(sa.update(v).where(v.c.id == id, v.c.state != VoiceState.ENDED).values(**ended))


def update_return_call(
    c: sa.Connection, phone: str, new_id: str, at: datetime, since: datetime, *, read: bool = True
) -> None:
    """Whether this number is to be called back, from its calls alone: it is, if it rang in vain after it was
    last spoken to, and after the last call whose matter an operator ended; all by the exchange's time, whose
    clock is its own. One promise for each number, a new one by the id `new_id`. `read` False: the number could
    not be read, and `phone` is what the exchange gave."""
    if c.dialect.name == "postgresql":
        c.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(phone, 24365))))
    return_call = c.execute(sa.select(*r.c).where(r.c.phone == phone, r.c.status == ReturnCall.OPEN)).first()
    if return_call is not None:
        since = min(since, return_call.at - timedelta(microseconds=1))  # an old promise is not forgotten
    last_answered = c.execute(
        sa.select(v.c.answered_at, v.c.agent, v.c.direction)
        .where(_has_phone(phone, read), v.c.answered_at > since)
        .order_by(v.c.answered_at.desc(), v.c.id)
        .limit(1)
    ).first()
    ended_by_hand = c.execute(
        sa.select(sa.func.max(r.c.last_at, type_=Instant)).where(
            r.c.phone == phone, r.c.status == ReturnCall.DONE, r.c.outcome.not_in(AUTOMATIC_OUTCOMES)
        )
    ).scalar()
    settled = max(
        [since, *([last_answered.answered_at] if last_answered else []), *([ended_by_hand] if ended_by_hand else [])]
    )
    first, last = (sa.func.min(v.c.ended_at, type_=Instant), sa.func.max(v.c.ended_at, type_=Instant))
    missed_calls = c.execute(
        sa.select(sa.func.count().label("n"), first.label("at"), last.label("last_at"))
        .where(*_is_unanswered(phone, read), v.c.ended_at > settled)
    ).one()  # fmt: skip
    if missed_calls.n:
        queue = sa.select(v.c.queue).where(*_is_unanswered(phone, read), v.c.ended_at == missed_calls.last_at).limit(1)
        columns = {
            "queue": c.execute(queue).scalar(),
            "missed": missed_calls.n,
            "at": missed_calls.at,
            "last_at": missed_calls.last_at,
        }
        if return_call is not None:
            c.execute(sa.update(r).where(r.c.id == return_call.id).values(**columns))
            return
        none = dict.fromkeys(("done_at", "done_by", "outcome", "number"))
        insert_ignoring_duplicates(
            c, r, [{"id": new_id, "phone": phone, "status": ReturnCall.OPEN, "tries": 0, **columns, **none}]
        )
    elif return_call is not None:
        still = sa.select(v.c.id).where(*_is_unanswered(phone, read), v.c.ended_at >= return_call.at).limit(1)
        if return_call.tries == 0 and c.execute(still).first() is None:
            c.execute(sa.delete(r).where(r.c.id == return_call.id))  # the call was answered after all
            return
        outcome = AUTOMATIC_OUTCOMES[last_answered is not None and last_answered.direction == Direction.OUT]
        values = {"status": ReturnCall.DONE, "done_at": at, "done_by": last_answered.agent if last_answered else None}
        c.execute(sa.update(r).where(r.c.id == return_call.id).values(**values, outcome=outcome))


def _has_phone(phone: str, read: bool) -> sa.ColumnElement[bool]:
    return v.c.phone == phone if read else sa.and_(v.c.phone.is_(None), v.c.raw_phone == phone)


def _is_unanswered(phone: str, read: bool) -> tuple[sa.ColumnElement[bool], ...]:
    unanswered = v.c.outcome.in_((VoiceOutcome.MISSED, VoiceOutcome.ABANDONED))
    return _has_phone(phone, read), v.c.direction == Direction.IN, unanswered


def record_return_attempt(c: sa.Connection, id: str, values: Mapping[str, Any]) -> int | None:  # noqa: A002
    """One try of a promise; how many there are now. None: it is no longer open."""
    one_more = sa.update(r).where(r.c.id == id, r.c.status == ReturnCall.OPEN)
    tries: int | None = c.execute(one_more.values(**values, tries=r.c.tries + 1).returning(r.c.tries)).scalar()
    return tries


@lru_cache(maxsize=2)
def _calls_query(by_area: bool) -> PreparedQuery:
    return PreparedQuery(
        sa.select(*v.c, confidential_column(v.c.number))
        .where(ticket_scope_condition(v.c.number, desk_scope(by_area)))
        .where(
            v.c.offered_at >= sa.bindparam("start", type_=Instant), v.c.offered_at < sa.bindparam("end", type_=Instant)
        )
        .where(v.c.id > sa.bindparam("after", type_=sa.String))
        .order_by(v.c.id)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


_OF_AGENT = PreparedQuery(
    sa.select(*v.c, confidential_column(v.c.number))
    .where(v.c.agent == sa.bindparam("agent", type_=sa.String), v.c.moved_at > sa.bindparam("since", type_=Instant))
    .order_by(v.c.moved_at, v.c.id)
    .limit(20)
)


_RUNG = PreparedQuery(
    sa.select(*v.c, confidential_column(v.c.number))
    .select_from(ring.join(v, v.c.id == ring.c.call))
    .where(ring.c.agent == sa.bindparam("agent", type_=sa.String))
    .where(ring.c.rang_at > sa.bindparam("rang_after", type_=Instant))
    .where(v.c.direction == sa.literal_column(f"'{Direction.IN}'"))
    .where(
        sa.or_(
            sa.and_(
                v.c.state == sa.literal_column(f"'{VoiceState.OFFERED}'"),
                v.c.moved_at > sa.bindparam("ringing_moved_after", type_=Instant),
            ),
            v.c.moved_at > sa.bindparam("moved_after", type_=Instant),
        )
    )
    .order_by(v.c.moved_at, v.c.id)
)


@dataclass(frozen=True, slots=True)
class RingSpan:
    """Of which time rung calls are asked for: rung since, and moved since, where they ring still and where not."""

    rang_after: datetime
    ringing_moved_after: datetime
    moved_after: datetime


async def load_rung_calls(db: Database, agent: str, span: RingSpan) -> Sequence[Row]:
    """Calls in that rang at the agent's telephone, oldest move first."""
    return await db.rows(
        _RUNG,
        agent=agent,
        rang_after=span.rang_after,
        ringing_moved_after=span.ringing_moved_after,
        moved_after=span.moved_after,
    )


RINGS_AT_MOST = timedelta(minutes=15)  # since the exchange last said that it rings there
_MOVED_WITHIN, _OFFERED_WITHIN = timedelta(minutes=2), timedelta(hours=2)  # of the calls that are worth a look
_MOVED = PreparedQuery(
    sa.union_all(
        sa.select(v.c.agent, v.c.moved_at)
        .where(v.c.agent.is_not(None), v.c.moved_at > sa.bindparam("moved_after", type_=Instant))
        .where(v.c.offered_at > sa.bindparam("offered_after", type_=Instant)),
        sa.select(ring.c.agent, v.c.moved_at)
        .select_from(ring.join(v, v.c.id == ring.c.call))
        .where(ring.c.rang_at > sa.bindparam("rang_after", type_=Instant)),
    )
)


async def load_last_moves(db: Database, now: datetime) -> dict[str, datetime]:
    """When a call last moved on each line, or one that rings there, in one statement for all lines."""
    rows = await db.rows(
        _MOVED, moved_after=now - _MOVED_WITHIN, offered_after=now - _OFFERED_WITHIN, rang_after=now - RINGS_AT_MOST
    )
    found: dict[str, datetime] = {}
    for row in rows:
        found[row.agent] = max(found.get(row.agent, row.moved_at), row.moved_at)
    return found


def replace_rings(c: sa.Connection, call: str, agents: Mapping[str, datetime]) -> None:
    """At whose telephones a call rings, and since when; what was known of it before is gone."""
    c.execute(sa.delete(ring).where(ring.c.call == call))
    if agents:
        c.execute(sa.insert(ring), [{"call": call, "agent": agent, "rang_at": at} for agent, at in agents.items()])


def delete_old_rings(c: sa.Connection, before: datetime) -> int:
    """Forget what rang before then; how many."""
    return c.execute(sa.delete(ring).where(ring.c.rang_at < before)).rowcount


async def load_return_calls(db: Database, scope: Scope, status: str, after: str, limit: int) -> Sequence[Row]:
    """Promises in a state, oldest first. A call without a ticket is no area's: it is for who sees every area."""
    return await load_log_rows(db, r, scope, status, after, limit)


async def load_return_call(db: Database, scope: Scope, id: str) -> Row | None:  # noqa: A002
    return await load_log_row(db, r, scope, id)


async def load_calls(
    db: Database, scope: Scope, start: datetime, end: datetime, after: str, limit: int
) -> Sequence[Row]:
    """Calls offered within a window, in order of id; `confidential` beside each."""
    query = _calls_query(scope.areas is not None)
    return await db.rows(query, start=start, end=end, after=after, limit=limit, **scope_parameters(scope))


@lru_cache(maxsize=16)
def _call_query(form: Scope) -> PreparedQuery:
    theirs = sa.or_(v.c.number.is_(None), ticket_scope_condition(v.c.number, form))
    return PreparedQuery(sa.select(*v.c).where(v.c.id == sa.bindparam("id", type_=sa.String), theirs))


async def load_call(db: Database, scope: Scope, id: str) -> Row | None:  # noqa: A002
    """A call that led to no ticket yet, or to one within the scope. None: not there, or not theirs to see."""
    return await fetch_first(db, _call_query(scope_form(scope)), id=id, **scope_parameters(scope))


async def load_agent_calls(db: Database, agent: str, since: datetime) -> Sequence[Row]:
    """The agent's calls that moved since then, oldest move first."""
    return await db.rows(_OF_AGENT, agent=agent, since=since)


@lru_cache(maxsize=4)
def _call_counts_query(by_queue: bool) -> PreparedQuery:
    def count(*when: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*when), 1), else_=0)), 0)

    def add(column: sa.ColumnElement[Any], *when: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*when), column), else_=0)), 0)

    answered = sa.or_(v.c.answered_at.is_not(None), v.c.outcome == sa.literal_column(f"'{VoiceOutcome.ANSWERED}'"))
    gave_up = v.c.outcome == sa.literal_column(f"'{VoiceOutcome.ABANDONED}'")
    missed = v.c.outcome == sa.literal_column(f"'{VoiceOutcome.MISSED}'")
    ended = v.c.state == sa.literal_column(f"'{VoiceState.ENDED}'")
    talked = sa.and_(answered, ended, v.c.talk_ms.is_not(None))
    no_end = sa.and_(ended, v.c.cause == sa.literal_column(f"'{NO_END_REPORTED}'"))
    query = sa.select(
        sa.func.count().label("offered"), count(answered).label("answered"), count(gave_up).label("abandoned"),
        count(missed).label("missed"),
        count(answered, v.c.wait_ms <= sa.bindparam("threshold", type_=sa.BigInteger)).label("in_time"),
        count(gave_up, v.c.wait_ms < sa.bindparam("short", type_=sa.BigInteger)).label("short_abandons"),
        add(v.c.wait_ms, answered).label("wait_ms"), add(v.c.wait_ms, gave_up).label("abandoned_ms"),
        add(v.c.talk_ms, talked).label("talk_ms"), count(talked).label("talked"),
        count(answered, v.c.wait_ms.is_not(None)).label("answered_waits_known"),
        count(gave_up, v.c.wait_ms.is_not(None)).label("abandoned_waits_known"),
        count(no_end).label("no_end_reported"), count(v.c.time_unknown.is_(True)).label("time_unknown"),
    ).where(
        v.c.offered_at >= sa.bindparam("start", type_=Instant), v.c.offered_at < sa.bindparam("end", type_=Instant),
        v.c.direction == sa.literal_column(f"'{Direction.IN}'"),
    )  # fmt: skip
    return PreparedQuery(query.where(v.c.queue == sa.bindparam("queue", type_=sa.String)) if by_queue else query)


async def load_call_counts(
    db: Database, start: datetime, end: datetime, queue: str | None, threshold_ms: int, short_ms: int
) -> dict[str, int]:
    """What the figures are made of: counts, and sums of milliseconds, of calls in within a window."""
    values: dict[str, Any] = {"start": start, "end": end, "threshold": threshold_ms, "short": short_ms}
    if queue is not None:
        values["queue"] = queue
    row = await fetch_first(db, _call_counts_query(queue is not None), **values)
    return {name: int(value) for name, value in row._asdict().items()} if row else {}


def delete_expired_recordings(c: sa.Connection, now: datetime, limit: int) -> int:
    """References of recordings whose time is over; how many."""
    over = sa.select(v.c.id).where(v.c.recording_expires_at <= now).order_by(v.c.recording_expires_at).limit(limit)
    gone = sa.update(v).where(v.c.id.in_(over)).values(recording=None, recording_expires_at=None)
    return c.execute(gone).rowcount


def _old_callers(before: datetime) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """Calls and return calls of then that still hold a number."""
    over = sa.and_(v.c.offered_at < before, sa.or_(v.c.phone.is_not(None), v.c.raw_phone.is_not(None)))
    returned = sa.and_(r.c.last_at < before, r.c.phone != "")
    return sa.select(v.c.id).where(over), sa.select(r.c.id).where(returned)


def count_old_callers(c: sa.Connection, before: datetime) -> int:
    """How many calls and return calls of before then still hold a number."""
    counts = (sa.select(sa.func.count()).select_from(query.subquery()) for query in _old_callers(before))
    return sum(int(c.execute(count).scalar_one()) for count in counts)


def erase_old_callers(c: sa.Connection, before: datetime, limit: int) -> int:
    """Take the numbers out of calls that came before then, and of return calls, which nobody can make any more; how
    many."""
    calls, returned = _old_callers(before)
    gone = sa.update(v).where(v.c.id.in_(calls.limit(limit))).values(phone=None, raw_phone=None)
    done = (
        sa.update(r)
        .where(r.c.id.in_(returned.limit(limit)))
        .values(phone="", status=ReturnCall.DONE, done_at=sa.func.coalesce(r.c.done_at, r.c.last_at))
    )
    return c.execute(gone).rowcount + c.execute(done).rowcount


def delete_old_events(c: sa.Connection, before: datetime, limit: int) -> int:
    """Events that were kept before then; how many."""
    old = sa.select(e.c.pbx, e.c.key).where(e.c.at < before).order_by(e.c.at).limit(limit)
    rows = c.execute(old).all()
    for row in rows:
        c.execute(sa.delete(e).where(e.c.pbx == row.pbx, e.c.key == row.key))
    return len(rows)

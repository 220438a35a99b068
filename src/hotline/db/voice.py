"""Calls on the exchange, their events, and the people who are to be rung back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hotline.domain.vocabulary import Direction, ReturnCall, VoiceOutcome, VoiceState

from .columns import Instant
from .database import Database, one
from .once import insert_once
from .question import Question, Row
from .tables import return_call as r
from .tables import voice_call as v
from .tables import voice_event as e


def keep_event(c: sa.Connection, row: Mapping[str, Any]) -> None:
    """An event, once."""
    insert_once(c, e, [row])


def events_of(c: sa.Connection, pbx: str, reference: str) -> Sequence[Row]:
    """All events of a call that have come."""
    return c.execute(sa.select(*e.c).where(e.c.pbx == pbx, e.c.reference == reference)).all()


def call_of(c: sa.Connection, pbx: str, reference: str) -> Row | None:
    """The call as it stands, held until the transaction ends."""
    return c.execute(sa.select(*v.c).where(v.c.pbx == pbx, v.c.reference == reference).with_for_update()).first()


def begin_call(c: sa.Connection, row: Mapping[str, Any]) -> None:
    insert_once(c, v, [row])


def set_call(c: sa.Connection, id: str, values: Mapping[str, Any]) -> None:  # noqa: A002
    c.execute(sa.update(v).where(v.c.id == id).values(**values))


def owe(c: sa.Connection, id: str, phone: str, queue: str | None, at: datetime) -> bool:  # noqa: A002
    """Somebody is to be rung back: one promise for each number, however often they tried. True: it is a new one."""
    counted = sa.update(r).where(r.c.phone == phone, r.c.status == ReturnCall.OPEN)
    if c.execute(counted.values(missed=r.c.missed + 1, last_at=at)).rowcount:
        return False
    row = {
        "id": id, "phone": phone, "queue": queue, "missed": 1, "status": ReturnCall.OPEN, "at": at, "last_at": at,
        "tries": 0, "done_at": None, "done_by": None, "outcome": None, "number": None,
    }  # fmt: skip
    insert_once(c, r, [row])
    return True


def owe_no_more(c: sa.Connection, id: str) -> None:  # noqa: A002
    """The call was answered after all: its own promise is taken back."""
    c.execute(sa.delete(r).where(r.c.id == id, r.c.status == ReturnCall.OPEN, r.c.missed == 1, r.c.tries == 0))


def settle(c: sa.Connection, phone: str, spoken_at: datetime, at: datetime, by: str | None, outcome: str) -> bool:
    """The promise to this number is kept, if they have not tried in vain since they were spoken to."""
    kept = sa.update(r).where(r.c.phone == phone, r.c.status == ReturnCall.OPEN, r.c.last_at <= spoken_at)
    values = {"status": ReturnCall.DONE, "done_at": at, "done_by": by, "outcome": outcome}
    return c.execute(kept.values(**values)).rowcount > 0


def tried(c: sa.Connection, id: str, values: Mapping[str, Any]) -> bool:  # noqa: A002
    """One try of a promise. False: it is no longer open."""
    one_more = sa.update(r).where(r.c.id == id, r.c.status == ReturnCall.OPEN)
    return c.execute(one_more.values(**values, tries=r.c.tries + 1)).rowcount == 1


_RETURNS = Question(
    sa.select(*r.c)
    .where(r.c.status == sa.bindparam("status", type_=sa.String), r.c.id > sa.bindparam("after", type_=sa.String))
    .order_by(r.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_RETURN = Question(sa.select(*r.c).where(r.c.id == sa.bindparam("id", type_=sa.String)))
_CALLS = Question(
    sa.select(*v.c)
    .where(v.c.offered_at >= sa.bindparam("start", type_=Instant), v.c.offered_at < sa.bindparam("end", type_=Instant))
    .where(v.c.id > sa.bindparam("after", type_=sa.String))
    .order_by(v.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_CALL = Question(sa.select(*v.c).where(v.c.id == sa.bindparam("id", type_=sa.String)))
_OF_AGENT = Question(
    sa.select(*v.c)
    .where(v.c.agent == sa.bindparam("agent", type_=sa.String), v.c.moved_at > sa.bindparam("since", type_=Instant))
    .order_by(v.c.moved_at, v.c.id)
    .limit(20)
)


async def returns(db: Database, status: str, after: str, limit: int) -> Sequence[Row]:
    """Promises in a state, oldest first."""
    return await db.rows(_RETURNS, status=status, after=after, limit=limit)


async def a_return(db: Database, id: str) -> Row | None:  # noqa: A002
    return await one(db, _RETURN, id=id)


async def calls(db: Database, start: datetime, end: datetime, after: str, limit: int) -> Sequence[Row]:
    """Calls offered within a window, in order of id."""
    return await db.rows(_CALLS, start=start, end=end, after=after, limit=limit)


async def a_call(db: Database, id: str) -> Row | None:  # noqa: A002
    return await one(db, _CALL, id=id)


async def of_agent(db: Database, agent: str, since: datetime) -> Sequence[Row]:
    """The agent's calls that moved since then, oldest move first."""
    return await db.rows(_OF_AGENT, agent=agent, since=since)


@lru_cache(maxsize=4)
def _counted(by_queue: bool) -> Question:
    def count(*when: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*when), 1), else_=0)), 0)

    def add(column: sa.ColumnElement[Any], *when: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*when), column), else_=0)), 0)

    answered = v.c.answered_at.is_not(None)
    gave_up = v.c.outcome == sa.literal_column(f"'{VoiceOutcome.ABANDONED}'")
    missed = v.c.outcome == sa.literal_column(f"'{VoiceOutcome.MISSED}'")
    talked = sa.and_(answered, v.c.state == sa.literal_column(f"'{VoiceState.ENDED}'"))
    question = sa.select(
        sa.func.count().label("offered"), count(answered).label("answered"), count(gave_up).label("abandoned"),
        count(missed).label("missed"),
        count(answered, v.c.wait_ms <= sa.bindparam("threshold", type_=sa.BigInteger)).label("in_time"),
        count(gave_up, v.c.wait_ms < sa.bindparam("short", type_=sa.BigInteger)).label("short_abandons"),
        add(v.c.wait_ms, answered).label("wait_ms"), add(v.c.wait_ms, gave_up).label("abandoned_ms"),
        add(v.c.talk_ms, talked).label("talk_ms"), count(talked).label("talked"),
    ).where(
        v.c.offered_at >= sa.bindparam("start", type_=Instant), v.c.offered_at < sa.bindparam("end", type_=Instant),
        v.c.direction == sa.literal_column(f"'{Direction.IN}'"),
    )  # fmt: skip
    return Question(question.where(v.c.queue == sa.bindparam("queue", type_=sa.String)) if by_queue else question)


async def counted(
    db: Database, start: datetime, end: datetime, queue: str | None, threshold_ms: int, short_ms: int
) -> dict[str, int]:
    """What the figures are made of: counts, and sums of milliseconds, of calls in within a window."""
    values: dict[str, Any] = {"start": start, "end": end, "threshold": threshold_ms, "short": short_ms}
    if queue is not None:
        values["queue"] = queue
    row = await one(db, _counted(queue is not None), **values)
    return {name: int(value) for name, value in row._asdict().items()} if row else {}


def forget_recordings(c: sa.Connection, now: datetime, limit: int) -> int:
    """References of recordings whose time is over; how many."""
    rows = c.execute(
        sa.select(v.c.id, v.c.recording).where(v.c.recording.is_not(None)).order_by(v.c.offered_at).limit(limit)
    ).all()
    gone = [row.id for row in rows if str((row.recording or {}).get("expires_at") or "9") <= now.isoformat()]
    if gone:
        c.execute(sa.update(v).where(v.c.id.in_(gone)).values(recording=sa.null()))
    return len(gone)

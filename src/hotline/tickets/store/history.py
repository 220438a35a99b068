"""Queries of a ticket's history: timeline, calls, files, clocks, and the tickets merged into it."""

from collections.abc import Sequence

import sqlalchemy as sa

from hotline.database.columns import in_words
from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.actors import ActorKind
from hotline.tickets.model.ticket import Clock
from hotline.tickets.model.vocabulary import Action
from hotline.tickets.store.facts import CLOCK_COLUMNS, clock_from_row
from hotline.tickets.tables import attachment, call, clock, escalation, timeline
from hotline.tickets.tables import ticket as t

_STEPS = PreparedQuery(
    sa.select(timeline.c.at, timeline.c.action, timeline.c.status_to)
    .where(timeline.c.number == sa.bindparam("number", type_=sa.String))
    .order_by(timeline.c.seq)
    .limit(200)
)


async def load_public_steps(db: Database, number: str) -> Sequence[Row]:
    """When what was done to a ticket, oldest first: at, action, status_to. Actor and reason are left out."""
    return await db.rows(_STEPS, number=number)


_REOPENING = PreparedQuery(
    sa.select(timeline.c.reason)
    .where(timeline.c.number == sa.bindparam("number", type_=sa.String), in_words(timeline.c.action, (Action.REOPEN,)))
    .where(in_words(timeline.c.by_kind, (ActorKind.RESIDENT,)))
    .order_by(timeline.c.seq.desc())
    .limit(1)
)


async def load_words_of_reopening(db: Database, number: str) -> str | None:
    """What its resident wrote when they last said that it is not fixed."""
    row = await fetch_first(db, _REOPENING, number=number)
    return None if row is None else row.reason


_CHILDREN = PreparedQuery(
    sa.select(t.c.number)
    .where(t.c.parent == sa.bindparam("number", type_=sa.String), t.c.caller.is_not(None))
    .order_by(t.c.number)
    .limit(2000)
)


async def load_child_numbers(db: Database, number: str) -> Sequence[Row]:
    """The numbers of the tickets merged into this one whose callers can be notified."""
    return await db.rows(_CHILDREN, number=number)


_CHILD = PreparedQuery(
    sa.select(t.c.number, t.c.phone, t.c.caller, t.c.narrative, t.c.confidential, t.c.reply_wanted).where(
        t.c.number == sa.bindparam("child", type_=sa.String), t.c.parent == sa.bindparam("parent", type_=sa.String)
    )
)


async def load_child(db: Database, child: str, parent: str) -> Row | None:
    """One of them, as its caller's message needs it: number, phone, caller, narrative, confidential, reply_wanted."""
    return await fetch_first(db, _CHILD, child=child, parent=parent)


_TIMELINE = PreparedQuery(
    sa.select(*timeline.c)
    .where(
        timeline.c.number == sa.bindparam("number", type_=sa.String),
        timeline.c.seq > sa.bindparam("after", type_=sa.Integer),
    )
    .order_by(timeline.c.seq)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_MERGED_NUMBERS = (
    sa.select(t.c.number).where(t.c.parent == sa.bindparam("number", type_=sa.String)).cte("below", recursive=True)
)
_MERGED_NUMBERS = _MERGED_NUMBERS.union(sa.select(t.c.number).where(t.c.parent == _MERGED_NUMBERS.c.number))
_CALLS = PreparedQuery(
    sa.select(*call.c, t.c.confidential.label("of_confidential"))
    .select_from(call.join(t, t.c.number == call.c.number))
    .where(
        sa.or_(
            call.c.number == sa.bindparam("number", type_=sa.String),
            call.c.number.in_(sa.select(_MERGED_NUMBERS.c.number)),
        )
    )
    .order_by(call.c.at, call.c.number, call.c.id)
)
_FILES = PreparedQuery(
    sa.select(*attachment.c)
    .where(attachment.c.number == sa.bindparam("number", type_=sa.String))
    .order_by(attachment.c.at, attachment.c.id)
)


_CLOCKS = PreparedQuery(
    sa.select(*CLOCK_COLUMNS)
    .where(clock.c.number == sa.bindparam("number", type_=sa.String))
    .order_by(clock.c.started_at, clock.c.id)
)
_ESCALATIONS = PreparedQuery(
    sa.select(*escalation.c)
    .where(escalation.c.number == sa.bindparam("number", type_=sa.String))
    .order_by(escalation.c.at, escalation.c.clock, escalation.c.level)
)


async def load_clocks(db: Database, number: str) -> list[Clock]:
    """Every clock a ticket ever had, in order of start. Checks no scope: call `load_facts` first."""
    return [clock_from_row(tuple(row)) for row in await db.rows(_CLOCKS, number=number)]


async def load_escalations(db: Database, number: str) -> Sequence[Row]:
    """Every escalation of a ticket, in order. Checks no scope: call `load_facts` first."""
    return await db.rows(_ESCALATIONS, number=number)


async def load_timeline(db: Database, number: str, after: int, limit: int) -> Sequence[Row]:
    """The timeline behind entry `after`. Checks no scope: call `load_facts` first."""
    return await db.rows(_TIMELINE, number=number, after=after, limit=limit)


async def load_calls(db: Database, number: str) -> Sequence[Row]:
    """All calls about a ticket and about those merged into it, oldest first. Checks no scope: call `load_facts`
    first."""
    return await db.rows(_CALLS, number=number)


async def load_attachments(db: Database, number: str) -> Sequence[Row]:
    """The attachments of a ticket. Checks no scope: call `load_facts` first."""
    return await db.rows(_FILES, number=number)


_FILE_AUTHORS = PreparedQuery(
    sa.select(timeline.c.by_id, timeline.c.by_kind, timeline.c.by_name)
    .where(timeline.c.number == sa.bindparam("number", type_=sa.String), in_words(timeline.c.action, [Action.ATTACH]))
    .order_by(timeline.c.seq)
)


async def load_file_authors(db: Database, number: str) -> dict[str, tuple[str, str]]:
    """Who attached the files of a ticket: id -> kind and name, as its history has them. Checks no scope."""
    return {row.by_id: (row.by_kind, row.by_name) for row in await db.rows(_FILE_AUTHORS, number=number)}

"""Queries of a ticket's last change, for whoever may undo it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from hotline.database.columns import parse_instant
from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery, Row
from hotline.delivery.model import Message, MessageStatus
from hotline.delivery.store import load_messages_of_step
from hotline.organisation.model.actors import ActorKind
from hotline.organisation.model.vocabulary import Channel
from hotline.text.numbering import TicketNumber
from hotline.tickets.model.ticket import Call, Entry, Facts, LastChange, Ticket
from hotline.tickets.model.undo import UNDO_WITHIN, message_prefix, sorted_with, undone_line
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, TicketStatus
from hotline.tickets.sla import timers
from hotline.tickets.store.history import load_clocks
from hotline.tickets.tables import call, timeline
from hotline.value_objects import replace

_MOST_LINES = 60  # of one change: a step, and an order recalled for each department
_LAST_LINES = PreparedQuery(
    sa.select(*timeline.c)
    .where(timeline.c.number == sa.bindparam("number", type_=sa.String))
    .order_by(timeline.c.seq.desc())
    .limit(_MOST_LINES)
)
_SENT = frozenset({MessageStatus.LEASED, MessageStatus.SENT, MessageStatus.DEAD})


def may_be_undone(facts: Facts, now: datetime) -> bool:
    """Whether the last change is so fresh that it is worth a look."""
    return now - facts.ticket.updated_at <= UNDO_WITHIN


async def with_last_change(db: Database, facts: Facts, now: datetime) -> Facts:
    """The ticket with its last change, where that lies within the time for undoing it. Of a ticket that was sorted and
    sent by one gesture, and of which the sending was undone: the sorting."""
    if not may_be_undone(facts, now):
        return facts
    changes = _changes([_entry(row) for row in await db.rows(_LAST_LINES, number=facts.ticket.number)])
    lines, version = (changes[0] if changes else []), None
    if len(changes) > 2 and lines[0].action is Action.UNDO and sorted_with(changes[2], changes[1]):
        lines, version = changes[2], facts.ticket.version - 2
    if not lines or (line := undone_line(lines)) is None:
        return facts
    clocks = await load_clocks(db, facts.ticket.number)
    # by the event, not by the moment it was stopped at: of a report that is approved that is when it was reported
    stopped = tuple(
        each for each in clocks if each.stopped_at and timers.parse_instant(each.marks[-1][1]) == lines[-1].at
    )
    sent = any(m.status in _SENT for m in await load_messages_of_step(db, message_prefix(line)))
    return replace(facts, last=LastChange(tuple(lines), stopped, told=sent, version=version))


def _changes(newest_first: Sequence[Entry]) -> list[list[Entry]]:
    """The lines of each change in order, the last change first."""
    changes: list[list[Entry]] = []
    for entry in newest_first:
        # the last line of each change carries the hash of the ticket's image
        if not changes or entry.image is not None or entry.at != changes[-1][0].at:
            changes.append([])
        changes[-1].insert(0, entry)
    return changes


def _entry(row: Row) -> Entry:
    at = parse_instant(row.at)
    if at is None:
        raise ValueError("a line without its moment")
    return Entry(
        TicketNumber(row.number),
        row.seq,
        at,
        ActorKind(row.by_kind),
        row.by_id,
        row.by_name,
        Action(row.action),
        _status(row.status_from),
        _status(row.status_to),
        row.assignment,
        row.reason,
        row.changes,
        row.image,
        row.hash,
    )


def _status(word: str | None) -> TicketStatus | AssignmentStatus | None:
    if word is None:
        return None
    return TicketStatus(word) if word in TicketStatus.__members__.values() else AssignmentStatus(word)


_CALL = PreparedQuery(
    sa.select(*call.c)
    .where(
        call.c.number == sa.bindparam("number", type_=sa.String),
        call.c.taken_by == sa.bindparam("by", type_=sa.String),
        call.c.at == sa.bindparam("at", type_=call.c.at.type),
    )
    .limit(1)
)


async def load_joined_call(db: Database, line: Entry) -> Call | None:
    """The call that this line joined to its ticket."""
    row = await fetch_first(db, _CALL, number=line.number, by=line.by_id, at=line.at)
    if row is None:
        return None
    values = {column.name: getattr(row, column.name) for column in call.columns}
    return Call(**{**values, "number": TicketNumber(row.number), "at": line.at, "channel": Channel(row.channel)})


_RELEASED_LINES = 3  # of a ticket, its last: a step, and what the rules or its orders did after it


async def load_released(db: Database, ticket: Ticket, now: datetime, hold: timedelta) -> tuple[Message, ...]:
    """The messages of this ticket's last steps that still wait for an undoing, due as of the moment of their step: a
    further step ends the waiting, and what it tells itself comes after them."""
    if not hold or now - ticket.updated_at >= hold:
        return ()
    last = ticket.entries
    prefixes = [f"{ticket.number}.{seq}." for seq in range(max(1, last - _RELEASED_LINES + 1), last + 1)]
    held = [(row, parse_instant(row.next_at)) for row in await load_messages_of_step(db, *prefixes)]
    return tuple(
        Message(row.id, row.kind, TicketNumber(row.number), row.partition, {}, due - hold)
        for row, due in held
        if row.status == MessageStatus.QUEUED and due is not None and due > now
    )


async def load_cancelled(db: Database, last: LastChange) -> tuple[Message, ...]:
    """The messages of the step to undo that nobody has sent yet."""
    line = undone_line(last.entries)
    rows = await load_messages_of_step(db, message_prefix(line)) if line is not None else ()
    return tuple(
        Message(row.id, row.kind, TicketNumber(row.number), row.partition, {}, parse_instant(row.next_at) or last.at)
        for row in rows
        if row.status == MessageStatus.QUEUED
    )

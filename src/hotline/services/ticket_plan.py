"""What becomes of a ticket as a write plan: for each table how its rows are written, and which rows a change has."""

import sqlalchemy as sa

from hotline.db import tables
from hotline.db.write_plan import Answer, Guard, SearchEntry, TableWrite, WritePlan
from hotline.domain.numbering import serial_of
from hotline.domain.stream import Event, events_of
from hotline.domain.ticket import (
    Assignment,
    Attachment,
    Call,
    Caller,
    Change,
    Clock,
    Entry,
    Escalation,
    Message,
    Ticket,
)


def _all_but_key(table: sa.Table) -> tuple[str, ...]:
    return tuple(c.name for c in table.columns if not c.primary_key)


_NUMBER = "number"  # of the ticket a row belongs to
# a call without a name does not take the caller's known name away
CALLERS = TableWrite(tables.caller, Caller, belongs_to=None, replace=("name", "seen_at"), keep=("name",))
TICKETS = TableWrite(tables.ticket, Ticket, _NUMBER, replace=_all_but_key(tables.ticket))
ASSIGNMENTS = TableWrite(
    tables.assignment,
    Assignment,
    _NUMBER,
    replace=_all_but_key(tables.assignment),
    derived={
        "rank": "CASE {r}priority WHEN 'emergency' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END",
        "sort_at": "coalesce({r}due_at, {r}issued_at)",
    },
)
ENTRIES = TableWrite(tables.timeline, Entry, _NUMBER)
CALLS = TableWrite(tables.call, Call, _NUMBER)
MESSAGES = TableWrite(
    tables.outbox,
    Message,
    _NUMBER,
    derived={"status": "'queued'", "attempts": "0", "max_attempts": "8", "created_at": "{r}next_at"},
)
ATTACHMENTS = TableWrite(tables.attachment, Attachment, _NUMBER)
CLOCKS = TableWrite(
    tables.clock,
    Clock,
    _NUMBER,
    replace=_all_but_key(tables.clock),
    derived={"lease_until": "NULL", "lease_token": "NULL"},  # whoever held the clock it replaces holds it no longer
)
ESCALATIONS = TableWrite(tables.escalation, Escalation, _NUMBER)
EVENTS = TableWrite(tables.event, Event, _NUMBER, ordered="position")
TICKET_WRITES = (
    CALLERS, TICKETS, ASSIGNMENTS, ENTRIES, CALLS, MESSAGES, ATTACHMENTS, CLOCKS, ESCALATIONS, EVENTS,
)  # fmt: skip


def plan_of(change: Change, answer: Answer) -> WritePlan:
    """The plan that makes this change true and keeps this answer. Its guards are the tickets it writes, each at the
    version that was decided on."""
    return WritePlan(
        answer,
        guards=tuple(Guard(tables.ticket, w.ticket.number, w.expected) for w in change.tickets),
        rows={
            CALLERS: change.callers,
            TICKETS: [w.ticket for w in change.tickets],
            ASSIGNMENTS: change.assignments,
            ENTRIES: change.entries,
            CALLS: change.calls,
            MESSAGES: change.messages,
            ATTACHMENTS: change.attachments,
            CLOCKS: change.clocks,
            ESCALATIONS: change.escalations,
            EVENTS: events_of(change),
        },
        tallies=change.tallies,
        search=tuple(
            SearchEntry(tables.TICKET_WORDS, t.number, serial_of(t.number), (t.title, t.narrative, t.address))
            for t in change.texts
        ),
    )

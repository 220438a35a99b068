"""Turns a change of a ticket into a write plan: the rows of each table, and how they are written."""

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa

from hotline.database.write_plan import SearchEntry, StoredAnswer, TableWrite, VersionGuard, WritePlan
from hotline.delivery import tables as outbox_tables
from hotline.delivery.model import Message
from hotline.text.numbering import serial_from_number
from hotline.tickets import tables as ticket_tables
from hotline.tickets.model.address import ticket_parts
from hotline.tickets.model.stream_events import Event, change_events
from hotline.tickets.model.ticket import (
    Assignment,
    Attachment,
    Call,
    Caller,
    Change,
    Clock,
    Entry,
    Escalation,
    Ticket,
    TicketWrite,
)
from hotline.tickets.store.chain import chain_write
from hotline.triage.model.places.parts import spoken_parts


def _all_but_key(table: sa.Table) -> tuple[str, ...]:
    return tuple(c.name for c in table.columns if not c.primary_key)


_NUMBER = "number"  # of the ticket a row belongs to
# a call without a name does not take the caller's known name away
CALLERS = TableWrite(ticket_tables.caller, Caller, belongs_to=None, replace=("name", "seen_at"), keep=("name",))
TICKETS = TableWrite(ticket_tables.ticket, Ticket, _NUMBER, replace=_all_but_key(ticket_tables.ticket))
ASSIGNMENTS = TableWrite(
    ticket_tables.assignment,
    Assignment,
    _NUMBER,
    replace=_all_but_key(ticket_tables.assignment),
    derived={
        "rank": "CASE {r}priority WHEN 'emergency' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END",
    },
)
ENTRIES = TableWrite(ticket_tables.timeline, Entry, _NUMBER)
# a call whose joining is undone moves to a ticket of its own
CALLS = TableWrite(ticket_tables.call, Call, _NUMBER, replace=("number", "area", "category"))
MESSAGES = TableWrite(
    outbox_tables.outbox,
    Message,
    _NUMBER,
    derived={"status": "'queued'", "attempts": "0", "max_attempts": "8", "created_at": "{r}next_at"},
)
CANCELLED = TableWrite(
    outbox_tables.outbox,
    Message,
    _NUMBER,
    replace=("status", "last_error"),
    replace_where="outbox.status = 'queued'",
    derived={**MESSAGES.derived, "status": "'dropped'", "last_error": "'undone before it was sent'"},
)
RELEASED = TableWrite(
    outbox_tables.outbox,
    Message,
    _NUMBER,
    replace=("next_at", "created_at"),
    replace_where="outbox.status = 'queued'",
    derived=MESSAGES.derived,
)
ATTACHMENTS = TableWrite(ticket_tables.attachment, Attachment, _NUMBER)
CLOCKS = TableWrite(
    ticket_tables.clock,
    Clock,
    _NUMBER,
    replace=_all_but_key(ticket_tables.clock),
    derived={"lease_until": "NULL", "lease_token": "NULL"},  # whoever held the clock it replaces holds it no longer
)
ESCALATIONS = TableWrite(ticket_tables.escalation, Escalation, _NUMBER)
EVENTS = TableWrite(ticket_tables.event, Event, _NUMBER, sequence_column="position")
TICKET_WRITES = (
    CALLERS, TICKETS, ASSIGNMENTS, ENTRIES, CALLS, MESSAGES, CANCELLED, RELEASED, ATTACHMENTS, CLOCKS, ESCALATIONS,
    EVENTS,
)  # fmt: skip


def build_write_plan(change: Change, answer: StoredAnswer, key: bytes) -> WritePlan:
    """The plan that makes this change true and keeps this answer. `key`: of the hashes of its lines. Its guards are
    the tickets it writes, each at the version that was decided on."""
    tickets, entries = _chain(change, key)
    return WritePlan(
        answer,
        guards=tuple(VersionGuard(ticket_tables.ticket, w.ticket.number, w.expected) for w in tickets),
        rows={
            CALLERS: change.callers,
            TICKETS: [w.ticket for w in tickets],
            ASSIGNMENTS: change.assignments,
            ENTRIES: entries,
            CALLS: change.calls,
            MESSAGES: change.messages,
            CANCELLED: change.cancelled,
            RELEASED: change.released,
            ATTACHMENTS: change.attachments,
            CLOCKS: change.clocks,
            ESCALATIONS: change.escalations,
            EVENTS: change_events(change),
        },
        tallies=change.tallies,
        search=tuple(
            SearchEntry(
                *(ticket_tables.TICKET_WORDS, t.number, serial_from_number(t.number), _searched_texts(t)),
                names=(t.phone, t.caller_name, t.contact),
                names_are_found=not t.confidential,
                by_sound=(t.title, t.address),
            )
            for t in change.texts
        ),
    )


def _chain(change: Change, key: bytes) -> tuple[Sequence[TicketWrite], Sequence[Entry]]:
    """The tickets and lines of a change with their hashes."""
    if len(change.tickets) == 1:
        write, lines = chain_write(key, change.tickets[0], change.entries)
        return (write,), lines
    tickets, entries = [], list[Entry]()
    for each in change.tickets:
        write, lines = chain_write(key, each, [e for e in change.entries if e.number == each.ticket.number])
        tickets.append(write)
        entries += lines
    return tickets, entries


def build_split_plan(change: Change, split_off: Sequence[Change], answer: StoredAnswer, key: bytes) -> WritePlan:
    """The plan that makes a split true: the ticket with what is left to it, and the new ones, all or none."""
    plans = [build_write_plan(each, answer, key) for each in (change, *split_off)]
    tallies: Counter[tuple[str, str, str]] = Counter()
    for plan in plans:
        tallies.update(plan.tallies)
    return WritePlan(
        answer,
        guards=tuple(guard for plan in plans for guard in plan.guards),
        rows={write: [row for plan in plans for row in plan.rows[write]] for write in TICKET_WRITES},
        tallies=tallies,
        search=tuple(entry for plan in plans for entry in plan.search),
    )


def _searched_texts(ticket: Ticket) -> tuple[str | None, ...]:
    """What a ticket is found by."""
    return ticket.title, ticket.narrative, ticket.address, spoken_parts(ticket_parts(ticket))

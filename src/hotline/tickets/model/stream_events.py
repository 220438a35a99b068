"""The live stream: one event for each line of a timeline, who may see it, and what it moves in the figures.

It holds no caller's name, number or words: a client looks the ticket up within its own scope.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.organisation.model.scopes import Scope
from hotline.organisation.model.vocabulary import Priority
from hotline.replies import reply_from_values, reply_type
from hotline.tickets.model.measures import call_deltas, measure_changes
from hotline.tickets.model.ticket import Assignment, Change, Entry, Ticket
from hotline.tickets.model.visibility import entry_parties
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, Part, TicketStatus


@reply_type()
class TicketEventOrder:
    """The order an event is about."""

    id: str
    department: str
    performer: str | None
    part: Part
    status: AssignmentStatus
    due_at: datetime | None


@reply_type(from_="from")
class TicketEvent:
    """What happened to a ticket, and how it stands after it. No caller's name, number or words are in it."""

    number: str
    seq: int
    at: datetime
    action: Action
    from_: TicketStatus | AssignmentStatus | None
    to: TicketStatus | AssignmentStatus | None
    status: TicketStatus
    priority: Priority
    category: str | None
    area: str | None
    version: int
    order: TicketEventOrder | None


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the stream. `holders`: departments and performers it concerns. `figures`: how the measures move, with
    the change's first event alone."""

    number: str
    seq: int
    at: datetime
    area: str | None
    holders: tuple[str, ...]
    body: TicketEvent
    figures: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamFilter:
    """What one client asked for, within what it may see. None: everything."""

    scope: Scope
    departments: frozenset[str] | None = None


def is_visible_to_listener(stream_filter: StreamFilter, area: str | None, holders: frozenset[str]) -> bool:
    """Whether an event is for this listener: the desk by area, a department by the orders it holds or performs."""
    scope = stream_filter.scope
    if scope.areas is not None and area not in scope.areas:
        return False
    if not scope.whole and not holders & scope.departments:
        return False
    return stream_filter.departments is None or bool(holders & stream_filter.departments)


def change_events(change: Change) -> list[Event]:
    """One event for each entry of the change, in order."""
    events: list[Event] = []
    for entry in change.entries:
        if entry.number == change.after.ticket.number:
            figures: tuple[Any, ...] = ()
            if not events:
                figures = (*measure_changes(change.before, change.after), *call_deltas(change.calls, change.moved_from))
            events.append(_event(entry, change, figures))
        else:  # the ticket another was merged into
            parent = next(w.ticket for w in change.tickets if w.ticket.number == entry.number)
            events.append(Event(parent.number, entry.seq, entry.at, parent.area, change.parent_holders,
                                _ticket_event(entry, parent, None)))  # fmt: skip
    return events


def _event(entry: Entry, change: Change, figures: tuple[Any, ...]) -> Event:
    facts = change.after
    order = facts.order(entry.assignment) if entry.assignment else None
    holders = tuple(sorted(entry_parties(entry, facts, change.author_departments)))
    data = _ticket_event(entry, facts.ticket, order)
    return Event(entry.number, entry.seq, entry.at, facts.ticket.area, holders, data, figures)


def _ticket_event(entry: Entry, ticket: Ticket, order: Assignment | None) -> TicketEvent:
    """Made as rows of long lists are: every change of a ticket makes one."""
    values = {
        "number": entry.number,
        "seq": entry.seq,
        "at": entry.at,
        "action": entry.action,
        "from": entry.status_from,
        "to": entry.status_to,
        "status": ticket.status,
        "priority": ticket.priority,
        "category": ticket.category,
        "area": ticket.area,
        "version": ticket.version,
        "order": None
        if order is None
        else TicketEventOrder(order.id, order.department, order.performer, order.part, order.status, order.due_at),
    }
    return reply_from_values(TicketEvent, values)

"""The live stream: one event for each line of a timeline, who may see it, and what it moves in the figures.

No caller's name, number or words go out with it: whoever is told looks the ticket up within their own scope.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.organisation.model.scopes import Scope
from hotline.tickets.model.measures import difference
from hotline.tickets.model.ticket import Assignment, Change, Entry, Facts, Ticket
from hotline.tickets.model.visibility import parties_to


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, as everybody who may see it is told. `holders`: departments and performers it concerns.
    `figures`: how the measures move, told with the change's first event alone."""

    number: str
    seq: int
    at: datetime
    area: str | None
    holders: tuple[str, ...]
    body: Mapping[str, Any]
    figures: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamFilter:
    """What one listener wants to hear, within what they may see. None: everything."""

    scope: Scope
    departments: frozenset[str] | None = None


def hears(watching: StreamFilter, area: str | None, holders: frozenset[str]) -> bool:
    """Whether an event is for this listener: the desk by area, a department by the orders it holds or performs."""
    scope = watching.scope
    if scope.areas is not None and area not in scope.areas:
        return False
    if not scope.whole and not holders & scope.departments:
        return False
    return watching.departments is None or bool(holders & watching.departments)


def events_of(change: Change) -> list[Event]:
    """One event for each entry of the change, in order."""
    events: list[Event] = []
    for entry in change.entries:
        if entry.number == change.after.ticket.number:
            figures = () if events else tuple(difference(change.before, change.after))
            events.append(_event(entry, change.after, figures))
        else:  # the ticket another was merged into
            parent = next(w.ticket for w in change.tickets if w.ticket.number == entry.number)
            events.append(Event(parent.number, entry.seq, entry.at, parent.area, change.parent_holders,
                                _body(entry, parent, None)))  # fmt: skip
    return events


def _event(entry: Entry, facts: Facts, figures: tuple[Any, ...]) -> Event:
    order = facts.order(entry.assignment) if entry.assignment else None
    holders = tuple(sorted(parties_to(entry, facts)))
    return Event(
        entry.number, entry.seq, entry.at, facts.ticket.area, holders, _body(entry, facts.ticket, order), figures
    )


def _body(entry: Entry, ticket: Ticket, order: Assignment | None) -> dict[str, Any]:
    return {
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
        "order": None if order is None else {
            "id": order.id, "department": order.department, "performer": order.performer, "part": order.part,
            "status": order.status, "due_at": order.due_at,
        },
    }  # fmt: skip

"""Events of webhooks: their types, and who may receive them. They hold no caller's name, number or words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.delivery.model import Message, RetryPolicy
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.replies import reply_from_values, reply_type
from hotline.tickets.model.ticket import Assignment, Change, Entry, Ticket, is_unsigned
from hotline.tickets.model.visibility import entry_parties
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, Part, Satisfaction, TicketStatus

A = Action
EVENT_TYPE_BY_ACTION: Mapping[Action, str] = {
    A.RECEIVE: "ticket.received",
    A.TRIAGE: "ticket.triaged",
    A.DISPATCH: "ticket.dispatched",
    A.REQUEST_INFO: "ticket.info_requested",
    A.PROVIDE_INFO: "ticket.info_provided",
    A.ANSWER: "ticket.answered",
    A.DECLINE: "ticket.declined",
    A.VOID: "ticket.voided",
    A.WITHDRAW: "ticket.withdrawn",
    A.MERGE: "ticket.merged",
    A.ACCEPT_REPORT: "ticket.resolved",
    A.CONFIRM: "ticket.closed",
    A.EXPLAIN: "ticket.closed",
    A.REOPEN: "ticket.reopened",
    A.SHELVE: "ticket.shelved",
    A.UNSHELVE: "ticket.unshelved",
    A.URGE: "ticket.urged",
    A.SUPERVISE: "ticket.supervised",
    A.ESCALATE: "ticket.escalated",
    A.ACCEPT: "order.accepted",
    A.AUTO_ACCEPT: "order.accepted",
    A.REQUEST_RETURN: "order.return_requested",
    A.APPROVE_RETURN: "order.returned",
    A.REPORT: "order.reported",
    A.REJECT_REPORT: "order.rejected",
    A.APPROVE_EXTENSION: "order.extended",
    A.RECALL: "order.recalled",
    A.UNDO: "ticket.undone",
}
EVENT_TYPES = tuple(sorted(set(EVENT_TYPE_BY_ACTION.values())))
TEST_TYPE = "webhook.test"  # of a delivery that an administrator asked for to try an address
# About 75 hours (Standard Webhooks). A subscriber's 404 may be a deployment: only 410 says never.
WEBHOOK_RETRIES = RetryPolicy(10, (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400), final=False)


@reply_type()
class WebhookOuter:
    """Its number in the system it came from."""

    system: str | None
    number: str


@reply_type()
class WebhookTicket:
    """How a ticket stands after an event."""

    number: str
    status: TicketStatus
    kind: Kind
    category: str | None
    priority: Priority
    area: str | None
    channel: Channel
    department: str | None
    outer: WebhookOuter | None
    promised_at: datetime | None
    created_at: datetime
    closed_at: datetime | None
    public_reply: str | None
    reason_code: str | None
    channel_told: str | None
    satisfaction: Satisfaction | None
    parent: str | None
    version: int


@reply_type()
class WebhookOrder:
    """The order an event is about. `unsigned`: nobody of the department has shown that they have it; the clock alone
    may have accepted it."""

    id: str
    department: str
    part: Part
    status: AssignmentStatus
    unsigned: bool
    due_at: datetime | None


@reply_type(from_="from")
class WebhookData:
    """What happened, and how the ticket stands after it."""

    action: Action
    from_: TicketStatus | AssignmentStatus | None
    to: TicketStatus | AssignmentStatus | None
    ticket: WebhookTicket
    order: WebhookOrder | None


@reply_type()
class WebhookEvent:
    """An event as subscribers get it. `id`: the same for every subscriber and every try. Fields may be added, never
    renamed. No name, number or word of a caller is in it."""

    id: str
    type: str
    timestamp: datetime
    data: WebhookData


@reply_type()
class WebhookTest:
    """What a test delivery holds: no ticket. `subscription`: its name."""

    subscription: str


@reply_type()
class WebhookTestEvent:
    """A test delivery as subscribers get it: signed and tried as every other."""

    id: str
    type: str
    timestamp: datetime
    data: WebhookTest


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a subscriber wants: types ("*" or none: every one), of which departments', areas' or outer system's
    tickets."""

    events: tuple[str, ...] = ()
    departments: frozenset[str] | None = None
    areas: frozenset[str] | None = None
    outer_system: str | None = None


def matches_filter(event_filter: EventFilter, event: Mapping[str, Any]) -> bool:
    """Whether an event goes there. A confidential matter goes only to the hotline it came from."""
    if event_filter.events and "*" not in event_filter.events and event["type"] not in event_filter.events:
        return False
    if event_filter.outer_system is not None and event.get("outer_system") != event_filter.outer_system:
        return False
    if event.get("confidential") and event_filter.outer_system is None:
        return False
    if event_filter.departments is not None and not event_filter.departments & set(event.get("departments") or ()):
        return False
    return event_filter.areas is None or event.get("area") in event_filter.areas


def event_messages(change: Change, now: datetime) -> tuple[Message, ...]:
    """One message for each entry that others may be told of: what happened, and how the ticket stands after it."""
    after = change.after
    found: list[Message] = []
    for entry in change.entries:
        kind = EVENT_TYPE_BY_ACTION.get(entry.action)
        if kind is not None and entry.number == after.ticket.number:
            found.append(
                Message(
                    f"ev.{entry.number}.{entry.seq}", "event", entry.number, f"event:{entry.number}",
                    _stored(kind, entry, change), now,
                )
            )  # fmt: skip
    return tuple(found)


def _stored(kind: str, entry: Entry, change: Change) -> dict[str, Any]:
    after, ticket = change.after, change.after.ticket
    order = after.order(entry.assignment) if entry.assignment else None
    return {
        "type": kind,
        "action": entry.action,
        "at": entry.at,
        "from": entry.status_from,
        "to": entry.status_to,
        "departments": sorted(entry_parties(entry, after, change.author_departments)),
        "area": ticket.area,
        "confidential": ticket.confidential,
        "outer_system": ticket.outer_system,
        "ticket": _ticket(ticket),
        "order": None if order is None else _order(order),
    }


def _order(order: Assignment) -> WebhookOrder:
    unsigned = is_unsigned(order.status, order.signed_at)
    return WebhookOrder(order.id, order.department, order.part, order.status, unsigned, order.due_at)


def _ticket(ticket: Ticket) -> WebhookTicket:
    answered = ticket.status in (TicketStatus.RESOLVED, TicketStatus.CLOSED)
    outer = None if ticket.outer_number is None else WebhookOuter(ticket.outer_system, ticket.outer_number)
    return WebhookTicket(
        number=ticket.number,
        status=ticket.status,
        kind=ticket.kind,
        category=ticket.category,
        priority=ticket.priority,
        area=ticket.area,
        channel=ticket.channel,
        department=ticket.department,
        outer=outer,
        promised_at=ticket.promised_at,
        created_at=ticket.created_at,
        closed_at=ticket.closed_at,
        public_reply=ticket.public_reply if answered else None,
        reason_code=ticket.reason_code,
        channel_told=ticket.channel_told,
        satisfaction=ticket.satisfaction_final if ticket.status is TicketStatus.CLOSED else None,
        parent=ticket.parent,
        version=ticket.version,
    )


def webhook_event(id: str, stored: Mapping[str, Any]) -> WebhookEvent | WebhookTestEvent:  # noqa: A002
    """The event as subscribers get it, of what was stored with its message. `id`: of the message, where the event has
    none of its own yet."""
    if stored["type"] == TEST_TYPE:
        return WebhookTestEvent(id, TEST_TYPE, stored["at"], WebhookTest(stored["subscription"]))
    parts = {name: stored.get(name) for name in ("action", "from", "to", "ticket", "order")}
    return WebhookEvent(stored.get("event", id), stored["type"], stored["at"], reply_from_values(WebhookData, parts))

"""Builders: a ticket, an order, a command that is complete in every respect a story does not mention."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.vocabulary import Channel, Kind, Level, Priority
from hotline.text.numbering import FIRST, number_from_serial
from hotline.tickets.model.ticket import Assignment, Command, Facts, Ticket
from hotline.tickets.model.vocabulary import (
    Action,
    AssignmentStatus,
    DeclineReason,
    Fault,
    Field,
    Funding,
    Part,
    Reached,
    Satisfaction,
    TicketStatus,
)
from tests.conftest import NOON

NUMBER, OTHER = number_from_serial(FIRST), number_from_serial(FIRST + 1)
F = Field
FIELDS: dict[Field, Any] = {
    F.CATEGORY: "dt-fault",
    F.KIND: Kind.REQUEST,
    F.PRIORITY: Priority.NORMAL,
    F.TEXT: "text",
    F.REASON: "because",
    F.REASON_CODE: DeclineReason.UNLAWFUL,
    F.CHANNEL_TOLD: "110",
    F.ANSWER: "answer",
    F.DEPARTMENT: "water",
    F.BASIS: "row 12",
    F.FAULT: Fault.EVASIVE,
    F.TARGET: OTHER,
    F.INCIDENT: "100002",
    F.LEVEL: Level.RED,
    F.CONFIDENTIAL: True,
    F.SATISFACTION: Satisfaction.SATISFIED,
    F.REACHED: Reached.BUSY,
    F.SOLVED: True,
    F.PUBLIC_REPLY: "done",
    F.PUBLIC_TEXT: "the lift is being mended",
    F.INTERNAL_RESULT: "belt changed",
    F.CONTACTED: "phone",
    F.PHOTOS: ["00000000-0000-4000-8000-000000000001"],
    F.COST: 3.5,
    F.FUNDING: Funding.REPAIR_FUND,
    F.DUE_AT: NOON + timedelta(days=20),
    F.REVIEW_AT: NOON + timedelta(days=20),
    F.TITLE: "title",
    F.NARRATIVE: "words",
    F.MATTERS: ["other words"],
    F.AREA: "rq-b3",
    F.ADDRESS: "3",
    F.LAT: 1.0,
    F.LON: 1.0,
    F.CALLER_NAME: "x",
    F.PHONE: "+8613800138001",
    F.CONTACT: "y",
    F.FLAGS: ["difficult"],
    F.ASSISTS: [],
    F.PERFORMER: "lifts",
    F.ASSIGNEE: "p2",
}


def an_order(status: str = "accepted", part: Part = Part.LEAD, place: int = 1, **over: Any) -> Assignment:
    made = Assignment(
        id=f"{NUMBER}-{place}",
        number=NUMBER,
        department="lifts-dept",
        part=part,
        status=AssignmentStatus(status),
        issued_at=NOON,
        performer="crew",
        due_at=NOON + timedelta(days=7),
    )
    return replace(made, **over)


def a_ticket(at: str = "received", number: Any = NUMBER, **over: Any) -> Ticket:
    made = Ticket(
        number=number,
        status=TicketStatus(at),
        kind=Kind.REQUEST,
        channel=Channel.PHONE,
        title="lift",
        narrative="the lift is broken",
        created_at=NOON,
        updated_at=NOON,
        phone="+8613800138000",
        entries=1,
        closed_at=NOON if at == "closed" else None,
    )
    return replace(made, **over)


def facts(at: str = "received", *orders: Assignment, **over: Any) -> Facts:
    """A ticket at rest; in hand or shelved, its lead order is accepted."""
    if not orders and at in ("dispatched", "shelved"):
        orders = (an_order(),)
    triaged = {} if at in ("received", "awaiting_info") else {"triaged_at": NOON}
    return Facts(a_ticket(at, **{**triaged, **over}), orders, target=a_ticket(number=OTHER, department="lifts-dept"))


def complete(action: Action, facts: Facts, assignment: str | None = None, **over: Any) -> Command:
    return Command(action, facts.ticket.version, FIELDS | {Field(k): v for k, v in over.items()}, assignment)


def as_role(role: str, **over: Any) -> Actor:
    """Somebody with this role; a handler belongs to the lead's department, a performer to its contractor."""
    granted, homes = {Role(role)}, frozenset[str]()
    if role == Role.HANDLER:
        homes = frozenset({"lifts-dept"})
    return replace(Actor(ActorKind.PERSON, "p1", "somebody", frozenset(granted), homes), **over)

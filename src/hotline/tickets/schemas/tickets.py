"""Tickets and their assignments as replies show them: the caller masked by role, and what this actor may do now."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hotline.locales.labels import Label, label, label_pair
from hotline.organisation.model.actors import Actor, Role
from hotline.organisation.model.directory import Directory, Named
from hotline.organisation.model.vocabulary import Channel, Kind, Level, Metric, Priority
from hotline.replies import ABSENT, reply_from_values, reply_type
from hotline.tickets.lifecycle import Move, allowed_moves, allowed_order_moves
from hotline.tickets.model.publication import is_publishable
from hotline.tickets.model.queues import current_wait
from hotline.tickets.model.ticket import Assignment, Facts, Ticket, is_lead_unsigned, is_unsigned
from hotline.tickets.model.undo import undo_until
from hotline.tickets.model.visibility import VisibleCaller, can_see_order, visible_caller
from hotline.tickets.model.vocabulary import (
    LIVE,
    NAMES,
    OPENED,
    Action,
    AssignmentStatus,
    DeclineReason,
    Funding,
    Part,
    Queue,
    ReturnReason,
    Satisfaction,
    TicketStatus,
    VoidReason,
)
from hotline.tickets.next_step import NextStep, next_step
from hotline.tickets.schemas.advice import TicketAdvice, render_advice
from hotline.tickets.schemas.moves import MoveOut, NextStepOut, render_move, render_next_step
from hotline.tickets.schemas.sla import ClockOut, NextClockOut, render_clock, render_next_clock, visible_clocks
from hotline.tickets.sla.colours import has_breached
from hotline.tickets.sla.next_clock import next_clock, next_of_order, running_clocks
from hotline.value_objects import replace
from hotline.web.schemas import ErrorOut, render_error


@reply_type()
class ReturnOut:
    """A requested return: reason, basis, and the department that should act instead."""

    reason_code: ReturnReason
    basis: str | None
    suggested: str | None


@reply_type()
class OrderResult:
    """The result a department submitted, as sent: what it did not send is absent."""

    internal_result: str | None = ABSENT
    public_reply: str | None = ABSENT
    solved: bool | None = ABSENT
    photos: list[str] | None = ABSENT
    cost: float | None = ABSENT
    funding: Funding | None = ABSENT
    contacted: str | None = ABSENT


@reply_type(return_="return")
class AssignmentOut:
    """One department's assignment."""

    id: str
    department: Named
    performer: Named | None
    assignee: str | None
    assignee_name: str | None
    part: Part
    status: AssignmentStatus
    route: str | None
    issued_at: datetime
    accept_by: datetime | None
    due_at: datetime | None
    first_due_at: datetime | None
    overdue: bool
    accepted_at: datetime | None
    signed_at: datetime | None
    unsigned: bool
    contacted_at: datetime | None
    reported_at: datetime | None
    closed_at: datetime | None
    ruled: bool
    return_: ReturnOut | None
    asked_due_at: datetime | None
    extensions: int
    redos: int
    result: OrderResult | None
    next_clock: NextClockOut | None
    allowed_actions: tuple[MoveOut, ...]


@reply_type()
class LocationOut:
    """Where the matter is; building, unit, floor and room as written on doors."""

    area: str | None
    address: str | None
    building: str | None
    unit: str | None
    floor: str | None
    room: str | None
    lat: float | None
    lon: float | None


@reply_type()
class OuterOut:
    """The other hotline this order came from: its system, its number, its own deadline."""

    system: str | None
    number: str
    due_at: datetime | None


@reply_type()
class TicketCounters:
    """How often each of these happened to the ticket."""

    calls: int
    urges: int
    returns: int
    extensions: int
    call_backs: int
    reopens: int
    attachments: int
    merged: int


@reply_type()
class TicketClocks:
    """The ticket's running clocks. `GET /v1/tickets/{number}/clocks` has all clocks, also stopped ones."""

    due_at: datetime | None
    overdue: bool
    review_at: datetime | None
    provisional: bool
    next: NextClockOut | None
    running: tuple[ClockOut, ...]


@reply_type()
class CodedRole:
    code: Role
    zh: str
    en: str


@reply_type()
class WaitingOut:
    """The queue an open ticket waits in, and who must act next."""

    queue: Queue
    role: CodedRole | None
    department: Named | None
    person: str | None
    until: datetime | None


@reply_type()
class SatisfactionOut:
    first: Satisfaction | None
    final: Satisfaction | None


@reply_type()
class TicketResult:
    """The result of a ticket."""

    public_reply: str | None
    internal_result: str | None
    cost: float | None
    funding: Funding | None
    reason_code: DeclineReason | VoidReason | None
    channel_told: str | None
    satisfaction: SatisfactionOut


@reply_type()
class PublicationOut:
    """What anybody may read of a ticket. `public`: it is listed, by its category and channel; `text`: what was written
    for it."""

    public: bool
    text: str | None


@reply_type()
class TicketOut:
    """A ticket as you may see it."""

    number: str
    status: TicketStatus
    status_label: Label
    unsigned: Annotated[bool, Field(description="Its lead's order is signed for by nobody, or by the clock alone")]
    kind: Kind
    category: Named | None
    priority: Priority
    title: str
    narrative: str
    channel: Channel
    caller: VisibleCaller | None
    reply_wanted: bool
    location: LocationOut
    area: Named | None
    department: Named | None
    assignments: tuple[AssignmentOut, ...]
    flags: tuple[str, ...]
    supervised: Level | None
    escalated: Level | None
    parent: Annotated[str | None, Field(description="The ticket this one was merged into")]
    incident: Annotated[str | None, Field(description="The code of the incident it belongs to")]
    outer: OuterOut | None
    counters: TicketCounters
    clocks: TicketClocks
    waits_for: WaitingOut | None
    advice: TicketAdvice | None
    unread: Annotated[
        tuple[ErrorOut, ...], Field(description="What could not be read when it was taken in, for the desk")
    ]
    result: TicketResult
    publication: PublicationOut
    promised_at: datetime | None
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    version: int
    undo_until: Annotated[
        datetime | None, Field(description="Until when you may take the last step back, by the action `undo`")
    ]
    opened: Annotated[str | None, Field(description="After an undo: the ticket that the call became which had joined")]
    next_step: NextStepOut | None
    allowed_actions: tuple[MoveOut, ...]


def render_ticket(
    facts: Facts, actor: Actor, directory: Directory, now: datetime, *, revealed: bool = False
) -> TicketOut:
    """A ticket for this actor: the caller masked by role, actions as the tables allow them now."""
    t = facts.ticket
    facts = replace(facts, directory=directory)
    moves = allowed_moves(facts, actor, now)
    order_moves = {a.id: allowed_order_moves(facts, a, actor, now) for a in facts.assignments}
    step = next_step(facts, actor, moves, order_moves, now)
    may_undo = any(move.action is Action.UNDO for move in moves)
    is_staff = actor.roles != frozenset({Role.GATEWAY})
    caller = visible_caller(t, actor, revealed=revealed)
    return TicketOut(
        number=t.number,
        status=t.status,
        status_label=label(t.status),
        unsigned=is_lead_unsigned(facts),
        kind=t.kind,
        category=directory.optional_item_name("categories", t.category),
        priority=t.priority,
        title=t.title,
        narrative=t.narrative,
        channel=t.channel,
        caller=caller,
        reply_wanted=t.reply_wanted,
        location=LocationOut(t.area, t.address, t.building, t.unit, t.floor, t.room, t.lat, t.lon),
        area=directory.optional_item_name("areas", t.area),
        department=directory.optional_item_name("departments", t.department),
        assignments=tuple(
            _render_order(facts, a, order_moves[a.id], step, now)
            for a in facts.assignments
            if is_staff and can_see_order(a, actor)
        ),
        flags=t.flags if is_staff else tuple(flag for flag in t.flags if not flag.startswith(f"{NAMES}:")),
        supervised=t.supervised,
        escalated=t.escalated,
        parent=t.parent,
        incident=t.incident,
        outer=OuterOut(t.outer_system, t.outer_number, t.outer_due_at) if t.outer_number else None,
        counters=TicketCounters(
            t.calls, t.urges, t.returns, t.extensions, t.call_backs, t.reopens, t.attachments, facts.children
        ),
        clocks=_render_clocks(facts, actor, now, inside=is_staff),
        waits_for=render_waiting(facts, directory) if is_staff else None,
        advice=render_advice(facts, directory, now, is_caller_hidden=caller is None or caller.masked)
        if is_staff
        else None,
        unread=render_unread(t.advice.get("unread") or ()) if is_staff else (),
        result=_render_result(facts, actor, inside=is_staff),
        publication=_render_publication(t, directory),
        promised_at=t.promised_at,
        created_at=t.created_at,
        updated_at=t.updated_at,
        closed_at=t.closed_at,
        version=t.version,
        undo_until=undo_until(facts.last) if may_undo and facts.last is not None else None,
        opened=_opened_by_undo(facts),
        next_step=render_next_step(step),
        allowed_actions=_render_moves(moves, step if step is not None and step.assignment is None else None),
    )


def _render_moves(moves: Iterable[Move[Any]], step: NextStep | None) -> tuple[MoveOut, ...]:
    return tuple(render_move(move, primary=step is not None and move.action is step.action) for move in moves)


def _opened_by_undo(facts: Facts) -> str | None:
    change = facts.last.entries[0].changes.get(OPENED) if facts.last is not None else None
    return change[1] if change else None


def _render_publication(t: Ticket, directory: Directory) -> PublicationOut:
    shown = not t.unpublished and is_publishable(t, directory.categories)
    return PublicationOut(shown, t.public_text if shown else None)


def _render_clocks(facts: Facts, actor: Actor, now: datetime, *, inside: bool) -> TicketClocks:
    seen = visible_clocks(facts.clocks, facts, actor) if inside else []
    return TicketClocks(
        due_at=facts.ticket.due_at,
        overdue=any(_is_overdue(facts, a, now) for a in facts.assignments if a.part is Part.LEAD),
        review_at=facts.ticket.review_at,
        provisional=any(c.provisional for c in facts.clocks),
        next=render_next_clock(next_clock(running_clocks(seen, now))),
        running=tuple(render_clock(c, now) for c in seen),
    )


def _render_result(facts: Facts, actor: Actor, *, inside: bool) -> TicketResult:
    """A contractor answers for its own order: what came of another's is not told to it."""
    t = facts.ticket
    lead = next((a for a in reversed(facts.assignments) if a.part is Part.LEAD), None)
    answers = inside and (lead is None or can_see_order(lead, actor))
    return TicketResult(
        public_reply=t.public_reply,
        internal_result=t.internal_result if answers else None,
        cost=t.cost if answers or not inside else None,
        funding=t.funding if answers or not inside else None,  # type: ignore[arg-type]
        reason_code=_reason_code(t),
        channel_told=t.channel_told,
        satisfaction=SatisfactionOut(t.satisfaction_first, t.satisfaction_final),
    )


def _reason_code(t: Ticket) -> Any:
    """The word as it was kept: of declining or of voiding."""
    return t.reason_code


def render_waiting(facts: Facts, directory: Directory) -> WaitingOut | None:
    """The queue the matter stands in and who owns it; None where it has ended."""
    waiting = current_wait(facts)
    if waiting is None:
        return None
    return WaitingOut(
        queue=waiting.queue,
        role=CodedRole(waiting.role, *label_pair(waiting.role)) if waiting.role else None,
        department=directory.optional_item_name("departments", waiting.department),
        person=waiting.person,
        until=waiting.until,
    )


def _is_overdue(facts: Facts, a: Assignment, now: datetime) -> bool:
    """Whether a running order is past its limit, by its clock: one that waits for us is not late."""
    if a.closed_at is not None:
        return False
    clock = next((c for c in facts.clocks if c.metric is Metric.REPORT and c.assignment == a.id), None)
    return has_breached(clock, now) if clock else a.due_at is not None and now > a.due_at


def _render_order(
    facts: Facts, a: Assignment, moves: Iterable[Move[Any]], step: NextStep | None, now: datetime
) -> AssignmentOut:
    """An order with what this actor may do to it now: `moves`, and the next step if it is taken on this order. The
    directory is that of the facts."""
    directory = facts.directory
    if directory is None:
        raise ValueError("an order is shown with the names of the directory")
    return AssignmentOut(
        id=a.id,
        department=directory.named("departments", a.department),
        performer=directory.optional_item_name("departments", a.performer),
        assignee=a.assignee,
        assignee_name=a.assignee_name if a.assignee else None,
        part=a.part,
        status=a.status,
        route=a.route,
        issued_at=a.issued_at,
        accept_by=a.accept_by,
        due_at=a.due_at,
        first_due_at=a.first_due_at,
        overdue=a.overdue or _is_overdue(facts, a, now),
        accepted_at=a.accepted_at,
        signed_at=a.signed_at,
        unsigned=is_unsigned(a.status, a.signed_at),
        contacted_at=a.contacted_at,
        reported_at=a.reported_at,
        closed_at=a.closed_at,
        ruled=a.ruled,
        return_=ReturnOut(a.return_reason, a.return_basis, a.suggested) if a.return_reason else None,  # type: ignore[arg-type]
        asked_due_at=a.asked_due_at,
        extensions=a.extensions,
        redos=a.redos,
        result=reply_from_values(OrderResult, dict(a.result)) if a.result else None,
        next_clock=render_next_clock(next_of_order(running_clocks(facts.clocks, now), a.id))
        if a.status in LIVE
        else None,
        allowed_actions=_render_moves(moves, step if step is not None and step.assignment == a.id else None),
    )


def render_unread(unread: Iterable[Sequence[str]]) -> tuple[ErrorOut, ...]:
    """(field, rule) pairs, each rule in English and both written forms of Chinese."""
    return tuple(render_error(field, rule) for field, rule in unread)

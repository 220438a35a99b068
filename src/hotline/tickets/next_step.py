"""The next step of a matter for whoever looks at it: of what the tables allow now, what brings it on, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hotline.organisation.model.actors import Actor, Role
from hotline.tickets.lifecycle import Move
from hotline.tickets.model.ticket import Assignment, Facts
from hotline.tickets.model.undo import was_taken_back
from hotline.tickets.model.vocabulary import LIVE, Action, AssignmentStatus, Colour, Part, TicketStatus
from hotline.tickets.sla.next_clock import next_clock, running_clocks

A, D, T = Action, AssignmentStatus, TicketStatus


class StepReason(StrEnum):
    """Why a step is the next one."""

    NOT_SORTED = "not_sorted"
    NO_DEPARTMENT = "no_department"
    TAKEN_BACK = "taken_back"
    INFORMATION_MISSING = "information_missing"
    NOT_ACCEPTED = "not_accepted"
    NOT_CONTACTED = "not_contacted"
    WORK_TO_REPORT = "work_to_report"
    RETURN_TO_DECIDE = "return_to_decide"
    EXTENSION_TO_DECIDE = "extension_to_decide"
    RESULT_TO_REVIEW = "result_to_review"
    DEPARTMENT_LATE = "department_late"
    RESIDENT_TO_ASK = "resident_to_ask"
    REVIEW_DUE = "review_due"


@dataclass(frozen=True, slots=True)
class NextStep:
    """The step, and the order it is taken on (None: on the ticket)."""

    action: Action
    assignment: str | None
    reason: StepReason


OrderMoves = Mapping[str, Sequence[Move[Any]]]
_OF_TICKET: Mapping[TicketStatus, tuple[tuple[Action, StepReason], ...]] = {
    T.RECEIVED: ((A.TRIAGE, StepReason.NOT_SORTED),),
    T.TRIAGED: ((A.DISPATCH, StepReason.NO_DEPARTMENT),),
    T.AWAITING_INFO: ((A.PROVIDE_INFO, StepReason.INFORMATION_MISSING),),
    T.RESOLVED: ((A.CONFIRM, StepReason.RESIDENT_TO_ASK), (A.CALL_BACK, StepReason.RESIDENT_TO_ASK)),
}
_OF_ORDER: Mapping[AssignmentStatus, tuple[tuple[Action, StepReason], ...]] = {
    D.ISSUED: ((A.ACCEPT, StepReason.NOT_ACCEPTED),),
    D.RETURN_REQUESTED: ((A.APPROVE_RETURN, StepReason.RETURN_TO_DECIDE),),
    D.REPORTED: ((A.ACCEPT_REPORT, StepReason.RESULT_TO_REVIEW),),
}


def next_step(
    facts: Facts, actor: Actor, moves: Iterable[Move[Any]], order_moves: OrderMoves, now: datetime
) -> NextStep | None:
    """The next step of this actor, the lead's order first. None: others must act, and there is no need to urge them.
    `moves`, `order_moves`: what the tables allow this actor now, of the ticket and by order."""
    ticket, allowed = facts.ticket, {move.action for move in moves}
    if ticket.status is T.DISPATCHED:
        live = [order for order in facts.assignments if order.status in LIVE]
        for order in sorted(live, key=lambda each: each.part is not Part.LEAD):
            step = _of_order(facts, order, {move.action for move in order_moves.get(order.id, ())})
            if step is not None:
                return step
        late = next_clock(running_clocks(facts.clocks, now))
        if A.URGE in allowed and late is not None and late.colour in (Colour.YELLOW, Colour.RED):
            return NextStep(A.URGE, None, StepReason.DEPARTMENT_LATE)
        return None
    if ticket.status is T.SHELVED and A.UNSHELVE in allowed and ticket.review_at is not None:
        return NextStep(A.UNSHELVE, None, StepReason.REVIEW_DUE) if ticket.review_at <= now else None
    if ticket.status is T.RESOLVED and not actor.roles & {Role.OPERATOR, Role.DISPATCHER}:
        return None
    if ticket.status is T.TRIAGED and A.DISPATCH in allowed and _was_taken_back(facts):
        return NextStep(A.DISPATCH, None, StepReason.TAKEN_BACK)
    found = ((action, why) for action, why in _OF_TICKET.get(ticket.status, ()) if action in allowed)
    return next((NextStep(action, None, why) for action, why in found), None)


def _was_taken_back(facts: Facts) -> bool:
    """Whether the lead's last order ended by an undo."""
    leads = [order for order in facts.assignments if order.part is Part.LEAD]
    return bool(leads) and was_taken_back(max(leads, key=lambda order: order.issued_at))


def _of_order(facts: Facts, order: Assignment, allowed: set[Action]) -> NextStep | None:
    for action, why in _OF_ORDER.get(order.status, ()):
        if action in allowed:
            return NextStep(action, order.id, why)
    if A.APPROVE_EXTENSION in allowed:
        return NextStep(A.APPROVE_EXTENSION, order.id, StepReason.EXTENSION_TO_DECIDE)
    waits_for_word = facts.ticket.phone is not None and not facts.ticket.confidential and order.contacted_at is None
    if A.CONTACT_CALLER in allowed and waits_for_word:
        return NextStep(A.CONTACT_CALLER, order.id, StepReason.NOT_CONTACTED)
    return NextStep(A.REPORT, order.id, StepReason.WORK_TO_REPORT) if A.REPORT in allowed else None

"""Which messages a change sends: to the resident, to departments, to those who escalate."""

from datetime import datetime
from typing import Any

from hotline.delivery.model import Message
from hotline.organisation.model.vocabulary import Metric
from hotline.tickets.model.entries import reason_given
from hotline.tickets.model.ticket import Command, Facts
from hotline.tickets.model.vocabulary import LIVE, Action, AssignmentStatus, Field, TicketStatus

A, F, T, D, M = Action, Field, TicketStatus, AssignmentStatus, Metric
# the caller, and the callers of every ticket merged into this one, hear of these
_TOLD = frozenset(
    {
        A.ANSWER,
        A.DECLINE,
        A.DISPATCH,
        A.ACCEPT_REPORT,
        A.CONFIRM,
        A.EXPLAIN,
        A.REOPEN,
        A.SHELVE,
        A.MERGE,
        A.APPROVE_EXTENSION,
        A.REQUEST_INFO,
    }
)
_SAID_WHY = frozenset({A.REQUEST_INFO, A.SHELVE, A.APPROVE_EXTENSION})  # and these tell them why


def messages_for(facts: Facts, after: Facts, command: Command, seq: int, now: datetime) -> list[Message]:
    """Messages for the outbox: to the resident where the matter moved, to each department where its order moved."""
    number, action = after.ticket.number, command.action
    messages: list[Message] = []

    def tell(kind: str, receiver: str, **payload: Any) -> None:
        place = len(messages)
        messages.append(Message(f"{number}.{seq}.{place}", kind, number, receiver, {"action": action, **payload}, now))

    if action in _TOLD:
        why = reason_given(command.fields) if action in _SAID_WHY and not after.ticket.confidential else None
        said = {"reason": why} if why else {}
        tell("resident", f"ticket:{number}", status=after.ticket.status, merged=facts.children, **said)
    known = {a.id: a for a in facts.assignments}
    for order in after.assignments:
        was = known.get(order.id)
        if (
            was is None
            or (was.status is not order.status and action not in (A.ACCEPT, A.AUTO_ACCEPT))
            or action in (A.URGE, A.SUPERVISE)
        ):
            if was is not None and was.status not in LIVE:
                continue
            tell(
                "department",
                f"department:{order.department}",
                department=order.department,
                assignment=order.id,
                status=order.status,
            )
        elif action is A.RECKON and order.due_at != was.due_at:  # a calendar moved its limit
            tell(
                "department",
                f"department:{order.department}",
                department=order.department,
                assignment=order.id,
                due_at=order.due_at,
            )
    return messages

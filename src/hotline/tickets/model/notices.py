"""Which messages a change sends: to the resident, to departments, to those who escalate."""

from datetime import datetime
from typing import Any

from hotline.delivery.model import Message
from hotline.tickets.model.entries import entry_reason
from hotline.tickets.model.ticket import Command, Facts
from hotline.tickets.model.vocabulary import CALLER_KNOWS, DEPARTED, LIVE, Action

A = Action
# the caller, and the callers of every ticket merged into this one, hear of these
_NOTIFIED_ACTIONS = frozenset(
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
_ACTIONS_WITH_REASON = frozenset({A.REQUEST_INFO, A.SHELVE, A.APPROVE_EXTENSION})  # and these tell them why


def messages_for(facts: Facts, after: Facts, command: Command, seq: int, now: datetime) -> list[Message]:
    """Messages for the outbox: to the resident where the matter moved, to each department where its order moved, to
    whoever must assign an order anew."""
    number, action = after.ticket.number, command.action
    messages: list[Message] = []
    if action is A.UNDO and not (facts.last is not None and facts.last.told):
        return []  # nobody has heard of the step that is taken back

    def add_message(kind: str, receiver: str, **payload: Any) -> None:
        place = len(messages)
        messages.append(Message(f"{number}.{seq}.{place}", kind, number, receiver, {"action": action, **payload}, now))

    if action in _NOTIFIED_ACTIONS and CALLER_KNOWS not in command.fields:
        why = entry_reason(command.fields) if action in _ACTIONS_WITH_REASON and not after.ticket.confidential else None
        details = {"reason": why} if why else {}
        # what happens to the parent of an incident is not told to its callers step by step: the incident tells them
        merged = 0 if after.ticket.incident else facts.children
        if action is A.MERGE and after.ticket.incident:
            details["incident"] = after.ticket.incident
        add_message("resident", f"ticket:{number}", status=after.ticket.status, merged=merged, **details)
    departed = facts.order(command.assignment or "") if DEPARTED in command.fields else None
    if departed is not None:  # a department that is retired reads no messages: the dispatcher has the ticket again
        back_at = f"department:{departed.department}" if action is A.RELEASE else "role:dispatcher"
        add_message(
            "reassignment",
            back_at,
            department=departed.department,
            assignment=departed.id,
            status=after.ticket.status,
            reason=entry_reason(command.fields),
        )
    known = {a.id: a for a in facts.assignments}
    for order in after.assignments:
        order_before = known.get(order.id)
        if (
            order_before is None
            or (order_before.status is not order.status and action not in (A.ACCEPT, A.AUTO_ACCEPT))
            or action in (A.URGE, A.SUPERVISE)
        ):
            if order_before is not None and order_before.status not in LIVE and action is not A.UNDO:
                continue
            add_message(
                "department",
                f"department:{order.department}",
                department=order.department,
                assignment=order.id,
                status=order.status,
            )
        elif action is A.RECKON and order.due_at != order_before.due_at:  # a calendar moved its limit
            add_message(
                "department",
                f"department:{order.department}",
                department=order.department,
                assignment=order.id,
                due_at=order.due_at,
            )
    return messages

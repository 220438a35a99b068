"""Undoing the last step: which steps can be taken back, what stood before them, and which messages wait until then."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import NoneType
from typing import Any, Protocol, TypeVar, get_args, get_origin, get_type_hints

from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.vocabulary import Priority
from hotline.tickets.model.ticket import Assignment, Change, Entry, Facts, LastChange, Ticket
from hotline.tickets.model.vocabulary import DANGER_FLAG, Action, AssignmentStatus, TicketStatus
from hotline.value_objects import replace

A = Action
_TICKET_STATES = frozenset(TicketStatus)
UNDO_WITHIN = timedelta(seconds=10)
STEPS_APART = timedelta(microseconds=1)  # the steps of one request: what the databases tell apart
MAY_UNDO = frozenset({Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR})
MAY_UNDO_REPORT = frozenset({Role.HANDLER, Role.PERFORMER})
# the steps that can be undone, and who may
UNDOABLE: Mapping[Action, frozenset[Role]] = {
    A.REPORT: MAY_UNDO_REPORT,
    **dict.fromkeys((A.TRIAGE, A.DISPATCH, A.MERGE, A.ADD_CALL, A.ANSWER, A.DECLINE, A.VOID, A.WITHDRAW), MAY_UNDO),
    **dict.fromkeys((A.ACCEPT_REPORT, A.CONFIRM, A.EXPLAIN), MAY_UNDO),
}


def undone_line(entries: Sequence[Entry]) -> Entry | None:
    """Of the lines of one change, the step that an undo takes back: the last one, with the orders recalled by it. None:
    it cannot be taken back. What the rules sorted nobody has to take back: it is sorted anew."""
    steps = [line for line in entries if not (line.action is A.RECALL and line.assignment is not None)]
    if not steps or steps[-1].action not in UNDOABLE:
        return None
    by_rules = steps[-1].action is A.TRIAGE and steps[-1].by_kind is ActorKind.RULES
    return None if by_rules else steps[-1]


def sorted_with(sorting: Sequence[Entry], sending: Sequence[Entry]) -> bool:
    """Whether these two changes, the earlier first, were one gesture: a ticket sorted and sent by one request."""
    sent, was = undone_line(sending), undone_line(sorting)
    if sent is None or was is None or (sent.action, was.action) != (A.DISPATCH, A.TRIAGE):
        return False
    return sent.at - was.at == STEPS_APART and (sent.by_kind, sent.by_id) == (was.by_kind, was.by_id)


def is_held(ticket: Ticket) -> bool:
    """Whether messages about this ticket wait until a step can be undone no longer. A danger never waits."""
    return not _is_dangerous(ticket.priority, ticket.flags)


def _is_dangerous(priority: Priority, flags: Iterable[str]) -> bool:
    return priority is Priority.EMERGENCY or any(flag.startswith(DANGER_FLAG) for flag in flags)


def is_arriving(priority: Priority, flags: Iterable[str], issued_at: datetime, now: datetime) -> bool:
    """Whether an order may be taken back by whoever sent it, and is no danger: a board shows it, and rings later."""
    return now <= issued_at + UNDO_WITHIN and not _is_dangerous(priority, flags)


def was_taken_back(order: Assignment) -> bool:
    """Whether an order ended by an undo, as if nobody had sent it: it says nothing about where the ticket belongs. One
    that was recalled by hand does."""
    return (
        order.status is AssignmentStatus.RECALLED
        and order.issued_by is None
        and order.accepted_at is None
        and order.closed_at is not None
        and order.closed_at <= order.issued_at + UNDO_WITHIN
    )


def hold_messages(change: Change, actor: Actor, span: timedelta) -> Change:
    """The change with the messages of a step that `actor` may undo held back for so long."""
    line = undone_line(change.after.last.entries) if change.after.last is not None else None
    if line is None or not actor.roles & UNDOABLE[line.action] or not is_held(change.after.ticket):
        return change
    begins = message_prefix(line)
    return replace(
        change,
        messages=tuple(replace(m, next_at=m.next_at + span) if m.id.startswith(begins) else m for m in change.messages),
    )


def message_prefix(line: Entry) -> str:
    """How the ids of the messages begin that this step sends."""
    return f"{line.number}.{line.seq}."


def undo_until(last: LastChange) -> datetime:
    """Until when the last change can be undone."""
    return last.at + UNDO_WITHIN


class Step(Protocol):
    """A line of the timeline as residents' pages read it."""

    @property
    def action(self) -> str: ...
    @property
    def status_to(self) -> str | None: ...


S = TypeVar("S", bound=Step)


def standing_steps(steps: Sequence[S]) -> list[S]:
    """The steps without those that were undone, in order."""
    kept: list[S] = []
    for step in steps:
        if step.action == A.UNDO and step.status_to in _TICKET_STATES:  # else of an order, beside it
            undone = max((n for n, each in enumerate(kept) if each.action in UNDOABLE), default=len(kept))
            del kept[undone:]
        elif step.action != A.UNDO:
            kept.append(step)
    return kept


def columns_before(line: Entry) -> dict[str, Any]:
    """The columns of the ticket as they were before this step."""
    pairs = ((name, pair[0]) for name, pair in line.changes.items() if name in _READERS)
    return {name: None if value is None else _READERS[name](value) for name, value in pairs}


def orders_before(facts: Facts, last: LastChange, line: Entry, now: datetime) -> list[Assignment]:
    """The orders, without those that the step issued, and with those that it moved or recalled as they were."""
    _, issued = line.changes.get("issued") or (None, ())
    new = {text.split(":", 1)[0] for text in issued or ()}
    recalled = {each.assignment: each for each in last.entries if each.seq > line.seq and each.action is A.RECALL}
    orders = []
    for order in facts.assignments:
        if order.id in new:
            order = replace(order, status=AssignmentStatus.RECALLED, closed_at=now, overdue=False, issued_by=None)
        elif order.id == line.assignment:
            order = replace(order, **_columns_of_order(line))
        elif (ended := recalled.get(order.id)) is not None and ended.status_from is not None:
            asked = ended.changes.get("assignment.asked_due_at") or (None, None)
            order = replace(
                order,
                status=AssignmentStatus(ended.status_from),
                closed_at=None,
                overdue=False,
                asked_due_at=asked[0] and _read_moment(asked[0]),
            )
        orders.append(order)
    return orders


def _columns_of_order(line: Entry) -> dict[str, Any]:
    """The columns of the order that a step moved as they were before it."""
    pairs = ((name, line.changes.get(f"assignment.{name}")) for name in _ORDER_READERS)
    return {
        name: None if pair[0] is None else _ORDER_READERS[name](pair[0]) for name, pair in pairs if pair is not None
    }


def leads_back(line: Entry, status: TicketStatus) -> bool:
    """Whether undoing this step leads the ticket to `status`: where the step began. One that moved an order alone has
    left the ticket where it was."""
    if line.status_from in _TICKET_STATES:
        return line.status_from == status
    return status is TicketStatus.DISPATCHED  # an order is reported on while its ticket is in hand


def _read_moment(value: Any) -> Any:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _reader(hint: Any) -> Callable[[Any], Any]:
    """How a value of the timeline becomes one of the ticket again: there a moment is text, and a tuple a list."""
    if get_origin(hint) is tuple:
        return tuple
    kind = next((k for k in get_args(hint) if k is not NoneType), hint)
    if kind is datetime:
        return _read_moment
    return kind if isinstance(kind, type) and issubclass(kind, StrEnum) else lambda value: value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    name: _reader(hint) for name, hint in get_type_hints(Ticket).items() if name not in ("status", "advice")
}
_ORDER_READERS: Mapping[str, Callable[[Any], Any]] = {
    name: _reader(hint) for name, hint in get_type_hints(Assignment).items()
}

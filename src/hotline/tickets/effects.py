"""What an allowed action writes: new images, timeline entries, messages, counts. `lifecycle.decide` has allowed it
before."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.organisation.model.actors import Actor, ActorKind
from hotline.organisation.model.vocabulary import Kind, Level
from hotline.tickets.model.address import part_columns
from hotline.tickets.model.clock_effects import DraftChange, build_change, is_late
from hotline.tickets.model.entries import EntryLine, entry_reason
from hotline.tickets.model.ticket import Assignment, Change, Command, Entry, Facts, Ticket, TicketWrite
from hotline.tickets.model.undo import columns_before, orders_before, undone_line
from hotline.tickets.model.vocabulary import (
    ASSIGNEE_NAME,
    DEPARTED,
    ERASED,
    LIVE,
    OFFERED,
    OPEN,
    READ_ANEW,
    SIGNS,
    SPLIT_INTO,
    UNDONE,
    Action,
    AssignmentStatus,
    Field,
    Outcome,
    Part,
    Reached,
    TicketStatus,
    left_flag,
    link_flags,
    split_into_flag,
)
from hotline.value_objects import replace

A, F, T, D = Action, Field, TicketStatus, AssignmentStatus

_OUTCOME_BY_ACTION = {
    A.ANSWER: Outcome.ANSWERED,
    A.CONFIRM: Outcome.CONFIRMED,
    A.EXPLAIN: Outcome.EXPLAINED,
    A.DECLINE: Outcome.DECLINED,
    A.MERGE: Outcome.MERGED,
    A.WITHDRAW: Outcome.WITHDRAWN,
    A.VOID: Outcome.VOID,
}
_LEVELS_ASCENDING = (Level.BLUE, Level.YELLOW, Level.RED)
_OWN_FLAGS = frozenset({"repeat", "imported", "odd"})
_AMENDS = (
    F.TITLE,
    F.NARRATIVE,
    F.CATEGORY,
    F.KIND,
    F.PRIORITY,
    F.AREA,
    F.ADDRESS,
    F.LAT,
    F.LON,
    F.CALLER_NAME,
    F.CONTACT,
)


def ticket_change(
    facts: Facts, to: TicketStatus, command: Command, actor: Actor, now: datetime, *, keeps_orders: bool
) -> Change:
    """A ticket's own action. Where `keeps_orders` is false, every live order is recalled with it."""
    before, fields = facts.ticket, command.fields
    columns = {"status": to, **_ticket_columns(before, command, now)}
    if command.action in (A.TRIAGE, A.AMEND, A.ADD_CALL, A.PROVIDE_INFO):
        columns |= part_columns(before, fields, facts.directory)
    if to is T.CLOSED and before.status is not T.CLOSED:  # a later word on it closes nothing
        columns["closed_at"] = now
    if before.status in OPEN and to not in OPEN:
        silent = command.action is A.CONFIRM and actor.kind is ActorKind.CLOCK
        columns |= {"ended_at": now, "outcome": Outcome.SILENT if silent else _OUTCOME_BY_ACTION[command.action]}
    orders = list(facts.assignments)
    if command.action is A.DISPATCH:
        orders += new_orders(before, fields, actor, now, len(orders))
    recalled = [] if keeps_orders else [a for a in orders if a.status in LIVE]
    if recalled:
        orders = [_recalled(a, now) for a in orders]
    if columns.get("priority", before.priority) is not before.priority:
        orders = [replace(a, priority=columns["priority"]) if a.status in LIVE else a for a in orders]
    lines: list[EntryLine] = [(command.action, before.status, to, None, entry_reason(fields))]
    lines += [(A.RECALL, a.status, D.RECALLED, a.id, entry_reason(fields)) for a in recalled]
    change = build_change(facts, DraftChange(columns, tuple(orders), lines), command, actor, now)
    if command.action in (A.MERGE, A.UNMERGE):
        return add_parent_effects(change, facts, command.action, actor, now)
    return change


def undo_change(facts: Facts, to: TicketStatus, command: Command, actor: Actor, now: datetime) -> Change:
    """The last step taken back: columns, orders and clocks as they were before it. An order that it issued is
    recalled."""
    before, last = facts.ticket, facts.last
    line = undone_line(last.entries) if last is not None else None
    if last is None or line is None:
        raise ValueError("nothing to undo: the guards of the table have let it through")
    columns = {**columns_before(line), "status": to}
    incident = columns.get("incident", before.incident)
    if before.incident is not None and incident is None:
        columns |= _without_incident(before)
    orders = orders_before(facts, last, line, now)
    lines: list[EntryLine] = [(A.UNDO, before.status, to, None, None)]
    for was, order in zip(facts.assignments, orders, strict=True):
        if was.status is not order.status:
            lines.append((A.UNDO, was.status, order.status, order.id, None))
    command = replace(command, fields={**command.fields, UNDONE: line.action})
    change = build_change(facts, DraftChange(columns, tuple(orders), lines), command, actor, now)
    return add_parent_effects(change, facts, A.UNDO, actor, now) if line.action is A.MERGE else change


@dataclass(frozen=True, slots=True)
class OrderMove:
    """An assignment goes to a new state, and the ticket with it where it follows the lead (None: it stays)."""

    order: Assignment
    to: AssignmentStatus
    ticket_to: TicketStatus | None = None


def order_change(facts: Facts, move: OrderMove, command: Command, actor: Actor, now: datetime) -> Change:
    """An assignment's action."""
    order, to = move.order, move.to
    before, given = facts.ticket, command.fields
    moved = replace(order, status=to, **_order_columns(order, command, actor, now))
    if command.action in SIGNS and actor.kind in (ActorKind.PERSON, ActorKind.KEY):
        moved = replace(moved, signed_at=order.signed_at or now)
    if to not in LIVE:
        moved = replace(moved, closed_at=now, overdue=is_late(order, now), asked_due_at=None)
    orders = [moved if a.id == order.id else a for a in facts.assignments]
    if command.action is A.ASSIST:
        orders += new_orders(
            before, {F.ASSISTS: [given[F.DEPARTMENT]], "assist_due_at": given.get(F.DUE_AT)}, actor, now, len(orders)
        )
    status = move.ticket_to or before.status
    lines: list[EntryLine] = [(command.action, order.status, to, order.id, entry_reason(given))]
    if order.part is Part.LEAD and command.action in (A.APPROVE_RETURN, A.RECALL):
        lines += [(A.RECALL, a.status, D.RECALLED, a.id, "the lead's order ended") for a in orders if a.status in LIVE]
        orders = [_recalled(a, now) for a in orders]
    if status is not before.status:
        lines[0] = (command.action, before.status, status, order.id, entry_reason(given))
    columns = {"status": status, **_ticket_columns_by_order(before, order, command)}
    return build_change(facts, DraftChange(columns, tuple(orders), lines), command, actor, now)


def _recalled(order: Assignment, now: datetime) -> Assignment:
    """A live order ends with its ticket or its lead; an ended one stays as it was."""
    if order.status not in LIVE:
        return order
    return replace(order, status=D.RECALLED, closed_at=now, overdue=is_late(order, now), asked_due_at=None)


def _ticket_columns(before: Ticket, command: Command, now: datetime) -> dict[str, Any]:
    """The columns this action sets, beside status, version and times."""
    fields = command.fields
    match command.action:
        case A.TRIAGE:
            return {
                **_present_fields(fields, _AMENDS),
                **fields.get(READ_ANEW, {}),
                **_confidentiality_columns(before, fields),
                "triaged_at": before.triaged_at or now,
            }
        case A.AMEND:
            anew = dict(fields.get(READ_ANEW, {}))
            if fields.get(F.FLAGS) is not None:
                anew["flags"] = _replace_manual_flags(anew.get("flags", before.flags), fields[F.FLAGS])
            number = {"phone": fields[F.PHONE], "caller": fields.get("caller")} if fields.get(F.PHONE) else {}
            return {**_present_fields(fields, _AMENDS), **number, **anew, **_confidentiality_columns(before, fields)}
        case A.ANSWER:
            satisfaction = fields.get(F.SATISFACTION)
            first = before.satisfaction_first or satisfaction  # of a reopened matter, what was said at first stays
            rated = {"satisfaction_first": first, "satisfaction_final": satisfaction} if satisfaction else {}
            return {"public_reply": fields[F.ANSWER], **_present_fields(fields, (F.CATEGORY, F.KIND)), **rated}
        case A.DECLINE:
            return {"reason_code": str(fields[F.REASON_CODE]), "channel_told": fields[F.CHANNEL_TOLD]}
        case A.VOID:
            return {"reason_code": str(fields[F.REASON_CODE])}
        case A.MERGE:
            return {"parent": fields[F.TARGET], "incident": fields.get(F.INCIDENT) or before.incident}
        case A.UNMERGE:
            return {
                **_without_incident(before),
                "parent": None,
                "ended_at": None,
                "outcome": None,
                "promised_at": None,  # told anew with the next dispatch
            }
        case A.SPLIT:
            new = map(split_into_flag, fields.get(SPLIT_INTO, ()))
            return {**_present_fields(fields, (F.TITLE, F.NARRATIVE)), "flags": (*before.flags, *new)} | dict(
                fields.get(READ_ANEW, {})
            )
        case A.LINK:
            code = fields[F.INCIDENT]
            return {"incident": code, "flags": link_flags(before.flags, code, offered=OFFERED in fields)}
        case A.UNLINK:
            return _without_incident(before)
        case A.SHELVE:
            return {"review_at": fields[F.REVIEW_AT]}
        case A.UNSHELVE:
            return {"review_at": None}
        case A.CONFIRM | A.EXPLAIN:
            satisfaction = fields.get(F.SATISFACTION)
            reply = fields.get(F.PUBLIC_REPLY)
            return {
                "satisfaction_first": before.satisfaction_first or satisfaction,
                "satisfaction_final": satisfaction,
                "public_reply": reply or before.public_reply,
                "review_at": None,
            }
        case A.CALL_BACK:
            missed = fields[F.REACHED] is not Reached.CONNECTED  # only tries that reached nobody count as such
            return {"call_backs": before.call_backs + missed}
        case A.REOPEN:
            satisfaction = fields.get(F.SATISFACTION) or before.satisfaction_first
            return {
                "reopens": before.reopens + 1,
                "satisfaction_first": satisfaction,
                "satisfaction_final": None,
                "call_backs": 0,
                "closed_at": None,
                "ended_at": None,
                "outcome": None,
                "promised_at": None,  # told anew with the next dispatch
            }
        case A.URGE:
            return {"urges": before.urges + 1}
        case A.PROVIDE_INFO:
            return {**_number_left(before, fields), **_place_left(fields)}
        case A.ADD_CALL:
            repeat = _append_unique(before.flags, "repeat")
            return {"calls": before.calls + 1, "flags": repeat, **_number_left(before, fields), **_place_left(fields)}
        case A.ABSORB:
            return {"calls": before.calls + int(fields.get("calls", 1))}
        case A.ATTACH:
            return {"attachments": before.attachments + 1}
        case A.SUPERVISE:
            return {"supervised": fields[F.LEVEL]}
        case A.ESCALATE:
            return {"escalated": max((before.escalated or Level.BLUE, fields[F.LEVEL]), key=_LEVELS_ASCENDING.index)}
        case A.PUBLISH:
            return {"public_text": fields[F.PUBLIC_TEXT], "unpublished": False}
        case A.UNPUBLISH:
            return {"public_text": None, "unpublished": True}
        case A.ERASE:
            return dict(fields.get(ERASED, {}))
        case A.SET_CONFIDENTIAL:
            return {"confidential": fields[F.CONFIDENTIAL]}
        case _:
            return {}


def _number_left(before: Ticket, fields: Mapping[Any, Any]) -> dict[str, Any]:
    """The number that the caller left later: the ticket's, where it has none."""
    if before.phone is not None or not fields.get(F.PHONE):
        return {}
    return {"phone": fields[F.PHONE], "caller": fields.get("caller")}


def _place_left(fields: Mapping[Any, Any]) -> dict[str, Any]:
    """The place that the caller told later, where it stands for the ticket's (`told_place_fields`)."""
    return {**_present_fields(fields, (F.AREA, F.ADDRESS)), **fields.get(READ_ANEW, {})}


def _order_columns(order: Assignment, command: Command, actor: Actor, now: datetime) -> dict[str, Any]:
    fields = command.fields
    match command.action:
        case A.ACCEPT:  # whom somebody chose by hand it stays with
            mine = {} if order.assignee else {"assignee": actor.id, "assignee_name": actor.name}
            return {"accepted_at": now, **mine}
        case A.AUTO_ACCEPT:
            return {"accepted_at": now, "assignee": order.assignee or fields.get(F.ASSIGNEE)}
        case A.CLAIM:
            return {"assignee": actor.id, "assignee_name": actor.name}
        case A.ASSIGN:
            return {"assignee": fields[F.ASSIGNEE], "assignee_name": fields.get(ASSIGNEE_NAME)}
        case A.RELEASE:
            return dict.fromkeys(fields.get(DEPARTED, ("assignee",)))
        case A.CONTACT_CALLER:
            return {"contacted_at": order.contacted_at or now}
        case A.REQUEST_RETURN:
            return {
                "return_reason": str(fields[F.REASON_CODE]),
                "return_basis": fields[F.BASIS],
                "suggested": fields[F.DEPARTMENT],
                "accepted_at": order.accepted_at,
            }
        case A.REFUSE_RETURN:
            return {"ruled": True, "accepted_at": order.accepted_at or now, "refused": order.refused + 1}
        case A.REQUEST_EXTENSION:
            return {"asked_due_at": fields[F.DUE_AT]}
        case A.APPROVE_EXTENSION:
            return {
                "due_at": fields.get(F.DUE_AT) or order.asked_due_at,
                "first_due_at": order.first_due_at or order.due_at,
                "asked_due_at": None,
                "extensions": order.extensions + 1,
            }
        case A.REFUSE_EXTENSION:
            return {"asked_due_at": None}
        case A.REPORT:
            result_fields = (
                F.INTERNAL_RESULT, F.PUBLIC_REPLY, F.SOLVED, F.PHOTOS, F.REASON, F.CONTACTED, F.COST, F.FUNDING,
            )  # fmt: skip
            contact = {"contacted_at": order.contacted_at or now} if fields.get(F.CONTACTED) else {}
            return {
                "result": {str(f): fields[f] for f in result_fields if fields.get(f) is not None},
                "reported_at": now,
                **contact,
            }
        case A.REJECT_REPORT:
            return {"redos": order.redos + 1, "reported_at": None}
        case _:
            return {}


def _ticket_columns_by_order(before: Ticket, order: Assignment, command: Command) -> dict[str, Any]:
    """What an order's action changes on its ticket."""
    fields = command.fields
    lead = order.part is Part.LEAD
    match command.action:
        case A.APPROVE_RETURN:  # charged to the dispatcher; a refused one to the department
            return {"returns": before.returns + 1, "returned_by": _append_unique(before.returned_by, order.department)}
        case A.REFUSE_RETURN:
            return {"ruled": _append_unique(before.ruled, order.department)}
        case A.APPROVE_EXTENSION:
            due = fields.get(F.DUE_AT) or order.asked_due_at
            promised = {"promised_at": due} if lead else {}
            return {"extensions": before.extensions + 1, **promised}
        case A.ACCEPT_REPORT if lead and order.result:
            result = order.result
            return {
                "internal_result": result.get("internal_result"),
                "public_reply": fields.get(F.PUBLIC_REPLY) or result.get("public_reply"),
                "cost": result.get("cost"),
                "funding": result.get("funding"),
            }
        case _:
            return {}


def new_orders(
    ticket: Ticket, given: Mapping[Any, Any], actor: Actor, now: datetime, existing_count: int
) -> list[Assignment]:
    """The lead's order (where a department is given) and one for each assisting department, numbered behind
    `existing_count`."""
    wanted = [(str(given[F.DEPARTMENT]), Part.LEAD)] if given.get(F.DEPARTMENT) else []
    lead = wanted[0][0] if wanted else None
    wanted += [(d, Part.ASSIST) for d in dict.fromkeys(given.get(F.ASSISTS) or ()) if d != lead]
    return [
        Assignment(
            id=f"{ticket.number}-{existing_count + place}",
            number=ticket.number,
            department=department,
            part=part,
            status=D.ISSUED,
            issued_at=now,
            performer=given.get(F.PERFORMER) if part is Part.LEAD else None,
            route=given.get("route"),
            due_at=given.get(F.DUE_AT) if part is Part.LEAD else given.get("assist_due_at") or given.get(F.DUE_AT),
            accept_by=given.get("accept_by"),
            issued_by=actor.id,
            ruled=department in ticket.ruled,
            priority=ticket.priority,
            sort_at=now,
        )
        for place, (department, part) in enumerate(wanted, start=1)
    ]


def add_parent_effects(change: Change, facts: Facts, action: Action, actor: Actor, now: datetime) -> Change:
    """The same merge seen from its target: one entry there, the child's calls counted, its version moved. Where the
    child is taken out again, its calls are no longer counted."""
    child, parent = change.after.ticket, facts.target
    if parent is None:
        return change
    taken_out = action in (A.UNMERGE, A.UNDO)
    calls = max(1, parent.calls - child.calls) if taken_out else parent.calls + child.calls
    updated_parent = replace(
        parent,
        calls=calls,
        flags=_parent_flags(parent, action, calls),
        updated_at=now,
        version=parent.version + 1,
        entries=parent.entries + 1,
    )
    entry = Entry(
        parent.number,
        updated_parent.entries,
        now,
        actor.kind,
        actor.id,
        actor.name,
        A.UNMERGE if taken_out else A.ABSORB,
        parent.status,
        parent.status,
        reason=None if child.confidential else child.narrative,  # words too can give somebody away
        changes={
            "child": [child.number, None] if taken_out else [None, child.number],
            "calls": [parent.calls, updated_parent.calls],
        },
    )
    tallies = Counter(change.tallies)
    holders = facts.target_holders
    for holder in holders:  # the parent shows in their queues, and has changed
        tallies[("queue", holder, "stamp")] += 1
    return replace(
        change,
        tickets=(*change.tickets, TicketWrite(updated_parent, parent.version)),
        entries=(*change.entries, entry),
        tallies=tallies,
        parent_holders=holders,
    )


def _parent_flags(parent: Ticket, action: Action, calls: int) -> tuple[str, ...]:
    if action is A.MERGE:
        return _append_unique(parent.flags, "repeat")
    return tuple(f for f in parent.flags if f != "repeat") if action is A.UNDO and calls == 1 else parent.flags


def _present_fields(given: Mapping[Any, Any], names: Iterable[Field]) -> dict[str, Any]:
    return {str(name): given[name] for name in names if given.get(name) is not None}


def _confidentiality_columns(before: Ticket, given: Mapping[Any, Any]) -> dict[str, Any]:
    """A matter that becomes a report of wrongdoing, or of a confidential category, becomes confidential with it."""
    becomes = given.get(F.KIND) is Kind.REPORT and before.kind is not Kind.REPORT
    moved = given.get("confidential_category") and given.get(F.CATEGORY) != before.category
    return {"confidential": True} if becomes or moved else {}


def _without_incident(before: Ticket) -> dict[str, Any]:
    """Out of its incident, and not to be taken for one of its calls again."""
    if before.incident is None:
        return {}
    return {"incident": None, "flags": _append_unique(before.flags, left_flag(before.incident))}


def _replace_manual_flags(before: tuple[str, ...], given: Iterable[str]) -> tuple[str, ...]:
    """Flags set by hand are replaced; those the system itself set (danger:…, repeat, imported, odd) stay."""
    own = [f for f in before if ":" in f or f in _OWN_FLAGS]
    return tuple(dict.fromkeys([*own, *given]))


def _append_unique(words: tuple[str, ...], word: str) -> tuple[str, ...]:
    return words if word in words else (*words, word)

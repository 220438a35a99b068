"""The effects of a change on clocks, limits and promises, and of an escalation step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.delivery.model import Message
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.vocabulary import Metric, Priority
from hotline.tickets.model.address import INDEXED_COLUMNS
from hotline.tickets.model.counter_deltas import counter_deltas, return_charges
from hotline.tickets.model.entries import EntryLine, entry_only_fields, order_changes
from hotline.tickets.model.notices import messages_for
from hotline.tickets.model.ticket import Assignment, Change, Command, Entry, Escalation, Facts, LastChange, TicketWrite
from hotline.tickets.model.undo import is_held
from hotline.tickets.model.vocabulary import ERASED, ESCALATION_LEVEL, LIVE, Action, Part, TicketStatus
from hotline.tickets.sla.clock_updates import ClockChanges, update_clocks
from hotline.tickets.sla.escalation import duty_lines, next_step, receivers
from hotline.tickets.sla.next_clock import order_ends_at
from hotline.tickets.sla.policies import working_time_of
from hotline.tickets.sla.timers import LATE_AFTER
from hotline.value_objects import replace

A, T, M = Action, TicketStatus, Metric


@dataclass(frozen=True, slots=True)
class DraftChange:
    """What an action does, before clocks and counts follow it: the ticket's new columns, its orders as they are then,
    and the lines of the timeline."""

    columns: Mapping[str, Any]
    orders: tuple[Assignment, ...]
    lines: Sequence[EntryLine]


def build_change(facts: Facts, draft: DraftChange, command: Command, actor: Actor, now: datetime) -> Change:
    """The whole change: the ticket with its new columns; one entry for each line, the first with the differences;
    counts; who is told."""
    before, columns, lines = facts.ticket, dict(draft.columns), draft.lines
    clock_changes = update_clocks(facts, replace(before, **columns), draft.orders, command, now)
    orders = tuple(_with_clock_limits(a, clock_changes) for a in draft.orders)
    lead = next((a for a in orders if a.part is Part.LEAD and a.status in LIVE), None)
    # what a ticket shows of its orders: the live lead's department and limit
    columns |= {"department": lead.department if lead else None, "due_at": lead.due_at if lead else None}
    columns |= _promised_at_column(facts, columns, lead, clock_changes)
    column_changes = {name: [was, value] for name, value in columns.items() if (was := getattr(before, name)) != value}
    known = {a.id: a for a in facts.assignments}
    changed_orders = tuple(a for a in orders if a is not known.get(a.id))
    entries = []
    for place, (action, at, to, assignment, reason) in enumerate(lines, start=1):
        changes: dict[str, Any] = {}
        if action is A.ERASE:  # what was taken out stands nowhere any more
            changes = {ERASED: [None, sorted(column_changes)]}
        elif place == 1:
            changes = {
                name: pair for name, pair in column_changes.items() if name not in ("status", "advice")
            } | entry_only_fields(command)
            changes |= {f"assignment.{a.id}.due_at": [w.due_at, a.due_at] for a in orders
                        if (w := known.get(a.id)) and a.id != assignment and w.due_at != a.due_at}  # fmt: skip
            if assignment in known:
                changes |= order_changes(known[assignment], next(a for a in orders if a.id == assignment))
            if action in (A.DISPATCH, A.ASSIST):
                changes["issued"] = [None, [f"{a.id}:{a.department}:{a.part}" for a in orders if a.id not in known]]
        elif assignment in known and known[assignment].asked_due_at is not None:  # recalled with the ticket
            changes = {"assignment.asked_due_at": [known[assignment].asked_due_at, None]}
        entries.append(
            Entry(
                before.number,
                before.entries + place,
                now,
                actor.kind,
                actor.id,
                actor.name,
                action,
                at,
                to,
                assignment,
                reason,
                changes,
            )
        )
    ticket = replace(
        before, **columns, updated_at=now, version=before.version + 1, entries=before.entries + len(entries)
    )
    stopped = tuple(c for c in clock_changes.touched if c.stopped_at is not None)
    last = LastChange(tuple(entries), stopped, told=not is_held(ticket))
    after = replace(facts, ticket=ticket, assignments=orders, clocks=clock_changes.running, last=last)
    escalation, calls = escalation_effects(facts, after, command, now)
    messages = messages_for(facts, after, command, entries[0].seq, now)
    calls += [("duty", line, more) for line, more in emergency_duty_lines(facts, after, command.action, now)]
    for kind, line, more in calls:
        place = len(messages)
        messages.append(Message(f"{before.number}.{entries[0].seq}.{place}", kind, before.number, line, more, now))
    return Change(
        after=after,
        tickets=(TicketWrite(ticket, before.version),),
        before=facts,
        assignments=changed_orders,
        entries=tuple(entries),
        messages=tuple(messages),
        tallies=counter_deltas(facts, after) | return_charges(facts, command),
        clocks=clock_changes.touched,
        escalations=(escalation,) if escalation else (),
        texts=(ticket,) if column_changes.keys() & INDEXED_COLUMNS else (),
        author_departments=actor.handler_departments,
    )


def _with_clock_limits(order: Assignment, clock_changes: ClockChanges) -> Assignment:
    """A running order shows the limits its clocks have."""
    if order.status not in LIVE:  # late is what its clock says: neither a wait of ours nor a review is charged to it
        ended = next((c for c in clock_changes.touched if c.metric is M.REPORT and c.assignment == order.id), None)
        return order if ended is None else replace(order, overdue=ended.breached_at is not None)
    report, accept = clock_changes.of(M.REPORT, order.id), clock_changes.of(M.ACCEPT, order.id)
    if report is None:
        return order if order.sort_at == (ends := order.due_at or order.issued_at) else replace(order, sort_at=ends)
    accept_by = accept.due_at if accept else order.accept_by
    sort_at = order_ends_at(clock_changes.running, order.id) or report.due_at or order.issued_at
    if (report.due_at, accept_by, sort_at) == (order.due_at, order.accept_by, order.sort_at):
        return order
    return replace(order, due_at=report.due_at, accept_by=accept_by, sort_at=sort_at)


def _promised_at_column(
    facts: Facts, columns: Mapping[str, Any], lead: Assignment | None, clock_changes: ClockChanges
) -> dict[str, Any]:
    """What the resident is told: the lead's first limit; it moves with the resident's clock, and by an extension."""
    promised = columns.get("promised_at", facts.ticket.promised_at)
    if promised is None:
        return {"promised_at": lead.due_at if lead else None}
    was = next((c for c in facts.clocks if c.metric is M.RESOLVE), None)
    now_is = clock_changes.of(M.RESOLVE)
    if was and now_is and promised in (was.due_at, was.limit_at) and now_is.paused_at is None:
        return {"promised_at": now_is.limit_at}
    return {}


def escalation_effects(
    facts: Facts, after: Facts, command: Command, now: datetime
) -> tuple[Escalation | None, list[tuple[str, str, dict[str, Any]]]]:
    """The step of escalation that this change carries out, and its messages: kind, line and payload of each."""
    clock = next((c for c in facts.clocks if c.id == command.fields.get("clock")), None)
    if clock is None or clock.next_at is None:
        return None, []
    step, level = next_step(clock), int(command.fields[ESCALATION_LEVEL])
    order = after.order(clock.assignment) if clock.assignment else after.lead()
    late = now - clock.next_at > LATE_AFTER
    payload = {
        "metric": clock.metric,
        "level": level,
        "colour": step.level,
        "assignment": order.id if order else None,
        "department": order.department if order else None,
        "priority": facts.ticket.priority,
        "limit_at": clock.due_at,
        "late": late,
    }
    lines = receivers(step, after, order, now)
    escalation = Escalation(
        clock.id, level, clock.number, clock.assignment, clock.metric, step.level, tuple(line for line, _ in lines),
        clock.next_at, now, late,
    )  # fmt: skip
    return escalation, [("escalation", line, {**payload, **more}) for line, more in lines]


def emergency_duty_lines(facts: Facts, after: Facts, action: Action, now: datetime) -> list[tuple[str, dict[str, Any]]]:
    """An emergency is told at once to the officer on duty of each department it is given to, by day and by night; one
    that no department has, to the officer of the whole organisation outside office hours."""
    directory, emergency = after.directory, Priority.EMERGENCY
    if directory is None or after.ticket.priority is not emergency:
        return []
    raised = facts.ticket.priority is not emergency
    known = set() if raised else {a.id for a in facts.assignments}
    lines: list[tuple[str, dict[str, Any]]] = []
    for order in after.assignments:
        if order.id not in known and order.status in LIVE:
            shown = {"assignment": order.id, "department": order.department, "accept_by": order.accept_by}
            duties = duty_lines(directory, order.performer or order.department, now)
            lines += [(line, {**shown, **more}) for line, more in duties.items()]
    comes_in = raised or action is A.RECEIVE or (action is A.TRIAGE and facts.ticket.updated_at == now)
    unsent = after.ticket.status in (T.RECEIVED, T.TRIAGED) and directory.home is not None
    counts = working_time_of(directory, None)
    if comes_in and unsent and directory.home is not None and counts is not None and not counts.is_working(now):
        shown = {"assignment": None, "department": None, "accept_by": None}
        lines += [
            (line, {**shown, **more}) for line, more in duty_lines(directory, directory.home.fallback, now).items()
        ]
    return list(dict(reversed(lines)).items())[::-1]  # once for each officer: of the first of the orders


def is_late(order: Assignment, now: datetime) -> bool:
    return order.due_at is not None and now > order.due_at

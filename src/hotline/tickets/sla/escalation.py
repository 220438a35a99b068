"""Escalation: the next step of a clock, the commands it gives, and who is notified."""

from datetime import datetime
from typing import Any

from hotline.organisation.model import duty
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import EscalationStep, parse_step
from hotline.organisation.model.vocabulary import Metric, Priority, Receiver
from hotline.tickets.model.ticket import Assignment, Clock, Command, Facts
from hotline.tickets.model.vocabulary import ESCALATION_LEVEL, Action, Field, Satisfaction, VoidReason

M, A, F = Metric, Action, Field
# --- what time itself does


def next_step(clock: Clock) -> EscalationStep:
    """The step that is due next on this clock; past the last one it is repeated."""
    steps = [parse_step(text) for text in clock.terms["steps"]]
    return steps[min(clock.next_step or 1, len(steps)) - 1]


def step_commands(clock: Clock, facts: Facts) -> list[Command]:
    """What the clock does when its next step is due: the first of these that the tables allow.

    An order that nobody accepts is accepted, a ticket whose missing information never came is voided or goes on without
    it, a resolved ticket without an answer is closed; everything else notifies the policy's receivers."""
    step = next_step(clock)
    step_fields = {"clock": clock.id, ESCALATION_LEVEL: clock.next_level}
    version, commands = facts.ticket.version, []
    why = f"{clock.metric} limit of policy {clock.terms['policy']}"
    if step.share == 1:
        match clock.metric:
            case M.ACCEPT:
                commands.append(Command(A.AUTO_ACCEPT, version, {F.REASON: why, **step_fields}, clock.assignment))
            case M.INFO:
                if facts.ticket.priority is Priority.NORMAL:
                    given = {F.REASON_CODE: VoidReason.NO_INFO_GIVEN, F.REASON: why, **step_fields}
                    commands.append(Command(A.VOID, version, given))
                commands.append(Command(A.RESUME, version, {F.REASON: why, **step_fields}))
            case M.SILENCE:
                commands.append(
                    Command(A.CONFIRM, version, {F.SATISFACTION: Satisfaction.NO_ANSWER, F.TEXT: why, **step_fields})
                )
            case _:
                pass
    commands.append(Command(A.ESCALATE, version, {F.LEVEL: step.level, F.REASON: why, **step_fields}))
    return commands


def receivers(
    step: EscalationStep, facts: Facts, order: Assignment | None, now: datetime
) -> list[tuple[str, dict[str, Any]]]:
    """Whom a step notifies: (partition of the outbox, details for them). Never empty: where a named receiver has no
    person, the supervisors are notified, with the note that there was none."""
    d = facts.directory
    if d is None:
        return []
    department = order.department if order else None
    receivers_by_line: dict[str, dict[str, Any]] = {}
    for receiver in step.tell:
        match receiver:
            case Receiver.HANDLER if department:
                receivers_by_line[f"department:{department}"] = {"assignee": order.assignee if order else None}
                if order and order.performer:
                    receivers_by_line[f"department:{order.performer}"] = {}
            case Receiver.HEAD if department:
                item = d.departments.get(department)
                receivers_by_line[f"head:{department}"] = {"person": item.head if item else None}
                if item is None or item.head is None:  # nobody is named: somebody must hear it all the same
                    receivers_by_line.setdefault("role:supervisor", {"no_head": department})
            case Receiver.DUTY:
                receivers_by_line |= duty_lines(d, department, now)
            case Receiver.HANDLER | Receiver.HEAD | Receiver.DISPATCHER:
                receivers_by_line["role:dispatcher"] = {}
                if duty.has_no_duty_officer(d, d.home.fallback if d.home else None, now):
                    receivers_by_line["role:supervisor"] = {"nobody_on_duty": True}
            case Receiver.DESK:
                receivers_by_line["role:operator"] = {}
            case Receiver.COMMITTEE if d.home and d.home.committee:
                receivers_by_line[f"department:{d.home.committee}"] = {}
            case _:
                receivers_by_line.setdefault("role:supervisor", {})
    return list(receivers_by_line.items())


def duty_lines(directory: Directory, department: str | None, now: datetime) -> dict[str, dict[str, Any]]:
    """The officers to call now, each on a line of their own; with nobody there, the supervisors."""
    called = duty.officers_to_call(directory, department, now)
    if not called:
        return {"role:supervisor": {"nobody_on_duty": True}}
    return {
        f"duty:{t.roster}:{t.member.code}"[:60]: {
            "person": t.member.code,
            "name": t.member.name,
            "phone": t.member.phone,
        }
        for t in called
    }

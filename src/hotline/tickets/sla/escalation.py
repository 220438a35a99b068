"""Escalation: the next step of a clock, the commands it gives, and who is told."""

from datetime import datetime
from typing import Any

from hotline.organisation.model import duty
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import EscalationStep, step_of
from hotline.organisation.model.vocabulary import Metric, Priority, Receiver
from hotline.tickets.model.ticket import Assignment, Clock, Command, Facts
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, Field, Satisfaction, TicketStatus, VoidReason

T, D, M, A, F = TicketStatus, AssignmentStatus, Metric, Action, Field
# --- what time itself does


def next_step(clock: Clock) -> EscalationStep:
    """The step that is due next on this clock; past the last one it is repeated."""
    steps = [step_of(text) for text in clock.terms["steps"]]
    return steps[min(clock.next_step or 1, len(steps)) - 1]


def commands_of(clock: Clock, facts: Facts) -> list[Command]:
    """What the clock does when its next step is due: the first of these that the tables allow.

    An unsigned order is accepted, what was never told is done without or given up, a matter nobody says a word about
    is closed; everything else is told to whom the ladder names."""
    step = next_step(clock)
    rung = {"clock": clock.id, "rung": clock.next_level}
    version, found = facts.ticket.version, []
    why = f"{clock.metric} limit of policy {clock.terms['policy']}"
    if step.share == 1:
        match clock.metric:
            case M.ACCEPT:
                found.append(Command(A.AUTO_ACCEPT, version, {F.REASON: why, **rung}, clock.assignment))
            case M.INFO:
                if facts.ticket.priority is Priority.NORMAL:
                    given = {F.REASON_CODE: VoidReason.NO_INFO_GIVEN, F.REASON: why, **rung}
                    found.append(Command(A.VOID, version, given))
                found.append(Command(A.RESUME, version, {F.REASON: why, **rung}))
            case M.SILENCE:
                found.append(Command(A.CONFIRM, version, {F.SATISFACTION: Satisfaction.NO_ANSWER, F.TEXT: why, **rung}))
            case _:
                pass
    found.append(Command(A.ESCALATE, version, {F.LEVEL: step.level, F.REASON: why, **rung}))
    return found


def receivers(
    step: EscalationStep, facts: Facts, order: Assignment | None, now: datetime
) -> list[tuple[str, dict[str, Any]]]:
    """Whom a step tells: (whose line in the outbox, what else they must know). Never empty: where a named receiver has
    nobody, the supervisors are told, and that nobody was there."""
    d = facts.directory
    if d is None:
        return []
    department = order.department if order else None
    found: dict[str, dict[str, Any]] = {}
    for receiver in step.tell:
        match receiver:
            case Receiver.HANDLER if department:
                found[f"department:{department}"] = {"assignee": order.assignee if order else None}
                if order and order.performer:
                    found[f"department:{order.performer}"] = {}
            case Receiver.HEAD if department:
                item = d.departments.get(department)
                found[f"head:{department}"] = {"person": item.head if item else None}
                if item is None or item.head is None:  # nobody is named: somebody must hear it all the same
                    found.setdefault("role:supervisor", {"no_head": department})
            case Receiver.DUTY:
                found |= duty_lines(d, department, now)
            case Receiver.HANDLER | Receiver.HEAD | Receiver.DISPATCHER:
                found["role:dispatcher"] = {}
                if duty.nobody(d, d.home.fallback if d.home else None, now):
                    found["role:supervisor"] = {"nobody_on_duty": True}
            case Receiver.DESK:
                found["role:operator"] = {}
            case Receiver.COMMITTEE if d.home and d.home.committee:
                found[f"department:{d.home.committee}"] = {}
            case _:
                found.setdefault("role:supervisor", {})
    return list(found.items())


def duty_lines(d: Directory, department: str | None, now: datetime) -> dict[str, dict[str, Any]]:
    """The officers to call now, each on a line of their own; with nobody there, the supervisors."""
    called = duty.called(d, department, now)
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

"""Clocks after a change: begun, stopped, paused, given new limits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.organisation.model import duty
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import SlaPolicy, parse_span
from hotline.organisation.model.vocabulary import Metric, Outer, Priority, Unit
from hotline.organisation.model.working_time import WorkingTime, calculate_limit, is_working_unit
from hotline.tickets.model.dangers import case_of
from hotline.tickets.model.ticket import Assignment, Clock, Command, Facts, Ticket
from hotline.tickets.model.vocabulary import ESCALATION_LEVEL, LIVE, SIGNS, Action, AssignmentStatus, Part
from hotline.tickets.sla.escalation import next_step
from hotline.tickets.sla.policies import (
    ORDER_CLOCKS,
    RECLASSIFIED,
    RESTARTED_BY_CALL_BACK,
    STARTING_WITH_SUBJECT,
    TICKET_CLOCKS,
    Phase,
    is_accepted_by_clock,
    outer_limit,
    phase_of_order,
    phase_of_ticket,
    policy_of_case,
    span_for,
    terms_of,
    working_time_of,
)
from hotline.tickets.sla.timers import marks_before, replay, timer_event
from hotline.value_objects import replace

M, A, D = Metric, Action, AssignmentStatus
# --- what a change does to the clocks


@dataclass(frozen=True, slots=True)
class ClockChanges:
    """The clocks after a change: those that have not stopped, and those that were touched."""

    running: tuple[Clock, ...]
    touched: tuple[Clock, ...]

    def of(self, metric: Metric, assignment: str | None = None) -> Clock | None:
        """The running clock of that metric."""
        return next((c for c in self.running if c.metric is metric and c.assignment == assignment), None)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What new clocks run under: the policy that fits the ticket, and the working time of its calendar."""

    directory: Directory
    policy: SlaPolicy
    working_time: WorkingTime


class _ClockUpdate:
    """Applies one change to every clock."""

    def __init__(
        self,
        before: Facts,
        ticket: Ticket,
        orders: Iterable[Assignment],
        command: Command,
        now: datetime,
        terms: _Terms,
    ) -> None:
        self.before, self.ticket, self.orders, self.command, self.now = before, ticket, tuple(orders), command, now
        self.d, self.policy, self.working_time = terms.directory, terms.policy, terms.working_time
        self.clocks = {(c.metric, c.assignment): c for c in before.clocks}
        self.touched: dict[str, Clock] = {}
        self.known = {a.id: a for a in before.assignments}
        was = before.ticket
        # a command that no clock depends on (a comment, an urge, an escalation) leaves them all unchanged
        self.has_moved = (
            was.status is not ticket.status
            or command.action in (A.RECEIVE, A.RECKON, A.CALL_BACK, *SIGNS)
            or any(self.known.get(a.id) is not a for a in self.orders)
        )
        self.reclassified = case_of(was) != case_of(ticket)

    def working_time_for(self, clock: Clock) -> WorkingTime:
        return working_time_of(self.d, clock.calendar) or self.working_time

    def record_events(self, clock: Clock, *events: tuple[Any, ...]) -> Clock:
        counts = self.working_time_for(clock)
        replayed = replay(clock, counts, self.version(counts), (*clock.marks, *events))
        self.clocks[(replayed.metric, replayed.assignment)] = replayed
        self.touched[replayed.id] = replayed
        return replayed

    def version(self, counts: WorkingTime) -> int:
        return self.d.versions.get(("calendars", counts.calendar.code), self.d.version)

    def begin(self, metric: Metric, order: Assignment | None, *events: tuple[Any, ...]) -> None:
        subject = order.id if order else self.ticket.number
        fresh = Clock(
            id=f"{subject}-{metric}-{self.before.ticket.version + 1}",
            number=self.ticket.number,
            assignment=order.id if order else None,
            metric=metric,
            terms=terms_of(self.d, metric, self.policy, self.ticket.priority),
            marks=(),
            calendar=self.working_time.calendar.code,
            calendar_version=0,
            started_at=self.now,
        )
        self.record_events(fresh, *events)

    def bring_to_phase(self, metric: Metric, order: Assignment | None, phase: Phase) -> None:
        """Bring one clock to the phase its state asks for."""
        clock = self.clocks.get((metric, order.id if order else None))
        if clock is None:
            if phase is Phase.RUN:
                self.begin(metric, order, *self.opening(metric, order, missing=self.is_missing(metric, order)))
            return
        is_held = clock.next_at is None and clock.paused_at is None
        if phase is Phase.NONE:  # it has begun, and runs on whatever the state would not begin
            phase = Phase.RUN
        if phase is Phase.STOP:
            self.record_events(
                clock, *([timer_event("resume", self.now)] if clock.paused_at else []), timer_event("stop", self.now)
            )
            del self.clocks[(metric, clock.assignment)]
        elif phase is Phase.PAUSE and clock.paused_at is None:
            self.record_events(clock, timer_event("pause", self.now))
        elif phase is Phase.HOLD and not is_held:
            self.record_events(clock, timer_event("hold", self.now))
        elif phase is Phase.RUN and clock.paused_at is not None:
            self.record_events(clock, timer_event("resume", self.now))
        elif phase is Phase.RUN and is_held:
            self.record_events(clock, timer_event("run_on", self.now))

    def is_missing(self, metric: Metric, order: Assignment | None) -> bool:
        """Whether a clock that is not there should have run before this change."""
        if self.command.action is A.RECEIVE:  # of a ticket that is split off, the caller has waited since the call
            return self.ticket.created_at < self.now
        was = self.before.ticket
        if order is not None:
            known = self.known.get(order.id)
            return known is not None and phase_of_order(metric, known, was) is Phase.RUN
        restarted = metric in RESTARTED_BY_CALL_BACK and self.command.action is A.CALL_BACK
        return not restarted and phase_of_ticket(metric, was, self.policy) is Phase.RUN

    def opening(self, metric: Metric, order: Assignment | None, *, missing: bool) -> tuple[tuple[Any, ...], ...]:
        """The first timer events of a clock."""
        since: dict[str, Any] = {}
        begun = order.issued_at if order else self.ticket.created_at
        # it should have run from the beginning; an imported ticket's begins now, and nobody is notified
        taken_over = missing and "imported" in self.ticket.flags
        if missing and begun < self.now and not taken_over and self.starts_with_subject(metric):
            since = {"from": begun}
        span = str(span_for(metric, self.policy, self.ticket)) if metric is not M.REVIEW else ""
        if metric is M.REVIEW:
            return (timer_event("start", self.now, due=self.ticket.review_at or self.now),)
        if metric is M.RESOLVE and self.ticket.outer_due_at is not None:
            ours = outer_limit(self.policy, self.working_time, self.ticket.outer_due_at, self.now)
            if self.policy.outer is Outer.GOVERNS and ours > self.now:
                return (timer_event("start", self.now, due=ours, rigid=True, **since),)
            if ours > self.now:
                return (timer_event("start", self.now, span=span, cap=ours, **since),)
        if metric is M.REPORT and order is not None:
            return self.initial_report_events(order, missing=missing)
        if metric is M.EXTENSION and order is not None and order.due_at is not None and order.due_at > self.now:
            # decided before it is too late
            return (timer_event("start", self.now, span=span, cap=order.due_at, **since),)
        if metric is M.ACCEPT and order is not None:
            report = self.clocks.get((M.REPORT, order.id))
            if report is not None and report.due_at is not None and report.due_at > self.now:
                return (timer_event("start", self.now, span=span, cap=report.due_at, **since),)
        begins = timer_event("start", self.now, span=span, **since)
        if taken_over:
            return (begins,)
        if metric is M.DISPATCH and self.is_unattended(self.d.home.fallback if self.d.home else None):
            return begins, timer_event("hurry", self.now)
        if metric is M.ACCEPT and order is not None and order.priority is Priority.EMERGENCY:
            return (begins, timer_event("hurry", self.now)) if self.is_unattended(order.department) else (begins,)
        return (begins,)

    def starts_with_subject(self, metric: Metric) -> bool:
        """Whether the clock begins with its ticket or order, and for the first time."""
        again = self.ticket.reopens or (metric is M.DISPATCH and self.orders)
        return metric in STARTING_WITH_SUBJECT and not again

    def is_unattended(self, department: str | None) -> bool:
        """Nobody on duty and the offices shut: what comes in now must not wait for the morning."""
        return not self.working_time.is_working(self.now) and duty.has_no_duty_officer(self.d, department, self.now)

    def initial_report_events(self, order: Assignment, *, missing: bool) -> tuple[tuple[Any, ...], ...]:
        """An order is due with the resident's clock; by hand it may be given another limit. Where the resident's has
        run out, it is due as soon as it must be signed for."""
        resolve = self.clocks.get((M.RESOLVE, None))
        unit = Unit.WORKING_HOURS if is_working_unit(parse_span(self.policy.resolve).unit) else Unit.CALENDAR_HOURS
        taken_over = missing and "imported" in self.ticket.flags  # its deadlines begin with the import
        if order.due_at is not None and not taken_over:
            return (timer_event("start", order.issued_at if missing else self.now, due=order.due_at, unit=unit),)
        lead = next((a for a in self.orders if a.part is Part.LEAD and a.status in LIVE), None)
        leads = self.clocks.get((M.REPORT, lead.id)) if lead is not None and lead.id != order.id else None
        if leads is not None and leads.due_at is not None and leads.due_at > self.now:
            return (timer_event("start", self.now, due=leads.due_at, unit=unit),)
        if (
            resolve is not None
            and resolve.paused_at is None
            and resolve.due_at is not None
            and resolve.due_at > self.now
        ):
            ours = tuple(m for m in resolve.marks if m[0] not in ("ring", "hurry", "promise"))
            return (*ours, timer_event("issue", self.now))
        accept = calculate_limit(self.working_time, self.now, parse_span(self.policy.accept))
        return (timer_event("start", self.now, due=accept.due_at, unit=unit),)

    def all(self) -> ClockChanges:
        given = self.command.fields
        if self.command.action is A.UNDO:
            self.restore()
        # every attempt begins the wait for a word, and for the next attempt, anew
        if self.command.action is A.CALL_BACK:
            for metric in RESTARTED_BY_CALL_BACK & {m for m, _ in self.clocks}:
                self.record_events(self.clocks[(metric, None)], timer_event("stop", self.now))
                del self.clocks[(metric, None)]
        if self.reclassified:
            self.reclassify()
        if self.has_moved:
            self.move_all_to_phase()
        if self.command.action is A.APPROVE_EXTENSION:
            self.extend()
        if self.command.action is A.URGE:
            self.bring_step_forward()
        if self.command.action is A.RECKON:
            for clock in [c for c in self.clocks.values() if c.id not in self.touched]:
                if self.record_events(clock) == clock:
                    del self.touched[clock.id]
        if clock_id := given.get("clock"):
            escalated = next((c for c in (*self.clocks.values(), *self.touched.values()) if c.id == clock_id), None)
            if escalated is not None:
                self.escalate(escalated, int(given[ESCALATION_LEVEL]))
        return ClockChanges(tuple(self.clocks.values()), tuple(self.touched.values()))

    def restore(self) -> None:
        """Take back what the last change did to the clocks that were there before it."""
        last = self.before.last
        if last is None:
            return
        version = self.before.ticket.version if last.version is None else last.version
        at, begun = last.at, f"-{version}"  # as `begin` names what the change began
        for clock in (*self.clocks.values(), *last.stopped):
            kept = marks_before(clock.marks, at)
            if len(kept) < len(clock.marks) and not clock.id.endswith(begun):
                self.record_events(replace(clock, marks=kept))

    def move_all_to_phase(self) -> None:
        """Bring every clock to the phase its state asks for; the lead's before those that follow it."""
        for metric in TICKET_CLOCKS:
            self.bring_to_phase(metric, None, phase_of_ticket(metric, self.ticket, self.policy))
        for order in sorted(self.orders, key=lambda a: a.part is not Part.LEAD):
            known = self.known.get(order.id)
            if order.status not in LIVE and (known is None or known.status not in LIVE):
                continue
            unsigned = is_accepted_by_clock(order)
            for metric in ORDER_CLOCKS:
                # nobody of the department has an emergency that the clock accepted: it waits as one not yet accepted
                seen = replace(order, status=D.ISSUED) if unsigned and metric is M.ACCEPT else order
                self.bring_to_phase(metric, order, phase_of_order(metric, seen, self.ticket))

    def escalate(self, clock: Clock, level: int) -> None:
        """Note an escalation. Only the last one stays in the events; how many came before follows from its level."""
        place = min(clock.next_step or 1, len(clock.terms["steps"]))
        escalation = timer_event("ring", self.now, level=level, place=place, end=not next_step(clock).is_warning)
        events = tuple(m for m in clock.marks if m[0] != "ring")
        ended = events[-1][0] == "stop"  # stopped by the escalation itself, as an order that is accepted automatically
        events = (*events[:-1], escalation, events[-1]) if ended else (*events, escalation)
        counts = self.working_time_for(clock)
        replayed = replay(clock, counts, self.version(counts), events)
        self.touched[replayed.id] = replayed
        if not ended:
            self.clocks[(replayed.metric, replayed.assignment)] = replayed

    def extend(self) -> None:
        order = next((a for a in self.orders if a.id == self.command.assignment), None)
        if order is None or order.due_at is None:
            return
        if clock := self.clocks.get((M.REPORT, order.id)):
            self.record_events(clock, timer_event("extend", self.now, due=order.due_at))
        if order.part is Part.LEAD and (resolve := self.clocks.get((M.RESOLVE, None))):
            self.record_events(resolve, timer_event("promise", self.now, due=order.due_at))

    def bring_step_forward(self) -> None:
        """An urge speeds what the resident waits for: the lead's order, else the dispatch, else the call back."""
        lead = next((a for a in self.orders if a.part is Part.LEAD and a.status in LIVE), None)
        for clock in (
            self.clocks.get((M.REPORT, lead.id)) if lead else None,
            self.clocks.get((M.DISPATCH, None)),
            self.clocks.get((M.CALL_BACK, None)),
            self.clocks.get((M.RESOLVE, None)),
        ):
            if clock is not None and clock.next_at is not None:
                others = tuple(m for m in clock.marks if m[0] != "hurry")
                self.record_events(replace(clock, marks=others), timer_event("hurry", self.now))
                return

    def reclassify(self) -> None:
        was = self.before.ticket
        old = policy_of_case(self.d, case_of(was)) or self.policy
        for clock in [c for c in self.clocks.values() if c.metric in RECLASSIFIED]:
            terms = terms_of(self.d, clock.metric, self.policy, self.ticket.priority)
            span = str(span_for(clock.metric, self.policy, self.ticket))
            before = str(span_for(clock.metric, old, was))
            same = terms["policy"] == clock.terms["policy"] and span == before  # a danger may shorten one limit alone
            if same and terms["ladder"] == clock.terms["ladder"]:
                continue
            events = (timer_event("policy", self.now, span=span, was=before, policy=self.policy.code),)
            if same:
                self.record_events(replace(clock, terms=terms))
            else:  # span and calendar go together
                self.record_events(replace(clock, terms=terms, calendar=self.working_time.calendar.code), *events)


def update_clocks(
    before: Facts, ticket: Ticket, orders: Iterable[Assignment], command: Command, now: datetime
) -> ClockChanges:
    """The clocks after a change from `before` to this ticket with these orders. Without a directory none are
    replayed."""
    d = before.directory
    policy = policy_of_case(d, case_of(ticket)) if d else None
    working_time = working_time_of(d, policy.calendar) if d and policy else None
    if d is None or policy is None or working_time is None:
        return ClockChanges((), ())
    return _ClockUpdate(before, ticket, orders, command, now, _Terms(d, policy, working_time)).all()


def has_clock_changes(facts: Facts, now: datetime) -> bool:
    """Whether counting this ticket's clocks anew, by the calendars as they are, would change more than the version
    they were counted with: a date that moves, or a clock that was missing."""
    after = update_clocks(facts, facts.ticket, facts.assignments, Command(A.RECKON, facts.ticket.version), now)
    known = {c.id: c for c in facts.clocks}
    return any(
        c.id not in known or replace(c, calendar_version=known[c.id].calendar_version) != known[c.id]
        for c in after.touched
    )

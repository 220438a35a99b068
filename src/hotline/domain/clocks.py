"""The clocks of a ticket and of its assignments: when each runs, what it runs under, when its next step is due.

A clock is its marks: what happened to it, in order. `fold` makes the row of them, always whole and never in place, so
that every stored row equals its fold. `settle` compares a ticket before and after a change and says which clocks
start, stand still, go on, move or stop with it. `DUE` are the actions that time itself takes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import Any

from . import duty
from .calendar_rules import Measure, Reckoner, because, first_day, is_working_unit, reckon
from .directory import ANY, Directory, Ladder, Policy, Span, Step, span_of, step_of
from .reasons import Because
from .ticket import Assignment, Clock, Command, Facts, Ticket
from .vocabulary import (
    LIVE,
    Action,
    AssignmentStatus,
    Field,
    Kind,
    Level,
    Metric,
    Outer,
    Part,
    Priority,
    Receiver,
    Satisfaction,
    Starts,
    TicketStatus,
    Unit,
    VoidReason,
)

T, D, M, A, F = TicketStatus, AssignmentStatus, Metric, Action, Field
LATE = timedelta(seconds=60)  # a step told later than this is marked late
PLAIN = Ladder(  # where no ladder says otherwise
    code="plain", metrics=(), steps=("100% supervisor red",), repeat="1 working_days"
)


class Phase(StrEnum):
    """What a clock does at a state."""

    NONE = "none"  # does not run, and does not stop: it has not begun
    RUN = "run"
    PAUSE = "pause"  # time is given back
    HOLD = "hold"  # its end is reached unless the work is sent back: then it runs on as if it had never stood
    STOP = "stop"


# Where a ticket's clock runs and where it stands still; anywhere else it stops.
TICKET_CLOCKS: Mapping[Metric, Mapping[TicketStatus, Phase]] = {
    M.DISPATCH: {T.RECEIVED: Phase.RUN, T.TRIAGED: Phase.RUN, T.AWAITING_INFO: Phase.PAUSE, T.SHELVED: Phase.PAUSE},
    M.RESOLVE: {
        T.RECEIVED: Phase.RUN,
        T.TRIAGED: Phase.RUN,
        T.DISPATCHED: Phase.RUN,
        T.AWAITING_INFO: Phase.PAUSE,
        T.SHELVED: Phase.PAUSE,
    },
    M.INFO: {T.AWAITING_INFO: Phase.RUN},
    M.REVIEW: {T.SHELVED: Phase.RUN},
    M.CALL_BACK: {T.RESOLVED: Phase.RUN},
    M.SILENCE: {T.RESOLVED: Phase.RUN},
}
# The same for an assignment's clocks; all of them stand still while its ticket waits or is shelved.
ORDER_CLOCKS: Mapping[Metric, Mapping[AssignmentStatus, Phase]] = {
    M.REPORT: {D.ISSUED: Phase.RUN, D.ACCEPTED: Phase.RUN, D.RETURN_REQUESTED: Phase.RUN, D.REPORTED: Phase.HOLD},
    M.ACCEPT: {D.ISSUED: Phase.RUN},
    M.CONTACT: {D.ISSUED: Phase.RUN, D.ACCEPTED: Phase.RUN, D.RETURN_REQUESTED: Phase.RUN},
    M.RULING: {D.RETURN_REQUESTED: Phase.RUN},
    M.EXTENSION: {D.ISSUED: Phase.RUN, D.ACCEPTED: Phase.RUN, D.RETURN_REQUESTED: Phase.RUN},
    M.AUDIT: {D.REPORTED: Phase.RUN},
}
_STANDING_STILL = frozenset({T.AWAITING_INFO, T.SHELVED})
_BY_ATTEMPT = frozenset({M.CALL_BACK, M.SILENCE})
_SINCE_BEGUN = frozenset({M.DISPATCH, M.RESOLVE, M.ACCEPT, M.CONTACT})  # found missing, they began with ticket or order
_RECLASSIFIED = frozenset({M.DISPATCH, M.RESOLVE, M.REPORT, M.ACCEPT, M.CONTACT})  # follow a new priority or category


def phase_of_ticket(metric: Metric, ticket: Ticket, policy: Policy) -> Phase:
    """What a ticket's clock does now."""
    phase = TICKET_CLOCKS[metric].get(ticket.status, Phase.STOP)
    before_dispatch = ticket.status in (T.RECEIVED, T.TRIAGED)
    if metric is M.RESOLVE and policy.starts is Starts.DISPATCHED and before_dispatch:
        return Phase.NONE  # begins with the first dispatch; one that runs already runs on
    return phase


def phase_of_order(metric: Metric, order: Assignment, ticket: Ticket) -> Phase:
    """What an assignment's clock does now."""
    phase = ORDER_CLOCKS[metric].get(order.status, Phase.STOP)
    if metric is M.CONTACT and (order.part is not Part.LEAD or order.contacted_at is not None):
        return Phase.STOP
    if metric is M.EXTENSION and order.asked_due_at is None:
        return Phase.STOP
    if phase is Phase.RUN and ticket.status in _STANDING_STILL:
        return Phase.PAUSE
    return phase


# --- what a clock runs under


def policy_for(d: Directory, kind: Kind, priority: Priority, category: str | None, area: str | None) -> Policy | None:
    """The most specific policy: priority before category before area before kind. None: the directory has no house."""
    known: dict[Any, Policy | None] = d.__dict__.setdefault("_policies", {})
    case = (kind, priority, category, area)
    if case in known:
        return known[case]
    categories, areas = d.category_path(category), d.area_path(area)

    def rank(p: Policy) -> tuple[bool, int, int, bool]:
        by_category = len(categories) - categories.index(p.category) if p.category in categories else 0
        by_area = len(areas) - areas.index(p.area) if p.area in areas else 0
        return p.priority != ANY, by_category, by_area, p.kind != ANY

    fitting = [
        p
        for p in d.policies.values()
        if p.kind in (ANY, kind)
        and p.priority in (ANY, priority)
        and p.category in (ANY, *categories)
        and p.area in (ANY, *areas)
    ]
    known[case] = max(fitting, key=rank, default=None)
    return known[case]


def reckoner_of(d: Directory, calendar: str | None) -> Reckoner | None:
    """That calendar ready to count with, else the house's. None: there is none."""
    known: dict[str, Reckoner] = d.__dict__.setdefault("_reckoners", {})
    code = calendar if calendar in d.calendars else d.home.calendar if d.home else None
    if code is None or code not in d.calendars:
        return None
    if code not in known:
        known[code] = Reckoner(d.calendars[code])
    return known[code]


def ladder_for(d: Directory, metric: Metric, priority: Priority) -> Ladder:
    """The ladder of that metric, one for the priority before one for any."""
    fitting = [x for x in d.ladders.values() if metric in x.metrics and x.priority in (ANY, priority)]
    return max(fitting, key=lambda x: x.priority != ANY, default=PLAIN)


def terms_of(d: Directory, metric: Metric, policy: Policy, priority: Priority) -> Mapping[str, Any]:
    """What a clock started now runs under; kept with it, so that a later edit changes no promise already made."""
    known: dict[Any, Mapping[str, Any]] = d.__dict__.setdefault("_terms", {})
    case = (metric, policy.code, priority)
    if case not in known:
        ladder = ladder_for(d, metric, priority)
        known[case] = {
            "policy": policy.code,
            "version": d.versions.get(("policies", policy.code), d.version),
            "source": policy.source,
            "ladder": ladder.code,
            "ladder_version": d.versions.get(("ladders", ladder.code), d.version),
            "steps": list(ladder.steps),
            "repeat": ladder.repeat,
        }
    return known[case]


def span_for(metric: Metric, policy: Policy, ticket: Ticket) -> Span:
    """The limit a clock of this metric gets: a reopened matter has the policy's `redo`, else half the first limit."""
    if metric in (M.RESOLVE, M.REPORT):
        if ticket.reopens and policy.redo is not None:
            return span_of(policy.redo)
        span = span_of(policy.resolve)
        if not ticket.reopens:
            return span
        half = span.amount / 2  # whole days, or whole minutes
        if span.unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS):
            return Span(Fraction(ceil(half)), span.unit)
        return Span(Fraction(ceil(half * 60), 60), span.unit)
    return span_of(getattr(policy, metric))


@dataclass(frozen=True, slots=True)
class Limits:
    """What an order issued now would get, and the policy that says so."""

    accept_by: datetime
    due_at: datetime
    policy: str
    provisional: bool


def limits_for(
    d: Directory, kind: Kind, priority: Priority, category: str | None, area: str | None, now: datetime
) -> Limits | None:
    """The limits of a matter taken in and dispatched now. None: the directory has no house yet."""
    policy = policy_for(d, kind, priority, category, area)
    reckoner = reckoner_of(d, policy.calendar) if policy else None
    if policy is None or reckoner is None:
        return None
    closes = reckon(reckoner, now, span_of(policy.resolve))
    accept = reckon(reckoner, now, span_of(policy.accept))
    return Limits(min(accept.due_at, closes.due_at), closes.due_at, policy.code, closes.provisional)


def outer_limit(policy: Policy, reckoner: Reckoner, outer_due_at: datetime, now: datetime) -> datetime:
    """Ours ends the policy's margin before another hotline's deadline; where that has passed, with it."""
    ours = reckoner.earlier(outer_due_at, policy.outer_margin)
    return ours if ours > now else outer_due_at


# --- from marks to a row


class _Limit:
    """One limit as it runs: so much of a span from an anchor on, or a moment that was set."""

    def __init__(self, r: Reckoner, unit: Unit, anchor: datetime, whole: int, due: datetime | None = None,
                 *, rigid: bool = False, cap: datetime | None = None) -> None:  # fmt: skip
        self.measure: Measure = r.measures[unit]
        self.unit, self.origin, self.anchor = unit, anchor, anchor
        self.first = first_day(r, anchor) if due is None else date.min  # the first date that may be counted
        self.whole, self.consumed, self.rigid, self.cap = whole, 0, rigid, cap
        self.is_set = due is not None
        self.due = due or self._reached()

    def _reached(self) -> datetime:
        reached = self.measure.after(self.anchor, max(self.whole - self.consumed, 1), self.first)
        return reached if self.cap is None else min(reached, self.cap)

    def pause(self, at: datetime) -> None:
        if not self.rigid:
            self.consumed = min(self.whole, self.consumed + self.measure.between(self.anchor, at, self.first))

    def resume(self, at: datetime) -> None:
        """What is left runs on from here. One that was reached stays where it was; a pause never takes time away."""
        if self.rigid or self.consumed >= self.whole:
            return
        self.anchor = at
        self.due = max(self.due, self._reached()) if self.is_set else self._reached()


class _Run:
    """A clock as its marks are read, one after the other."""

    def __init__(self, reckoner: Reckoner) -> None:
        self.r = reckoner
        self.started = self.since = self.born = datetime.min.replace(tzinfo=UTC)
        self.span: Span | None = None
        self.set: _Limit | None = None  # by hand, by an extension, from outside
        self.counted: _Limit | None = None  # by a policy; beside a set one only while it is sooner
        self.cap: datetime | None = None
        self.first_due: datetime | None = None
        self.promised: datetime | None = None
        self.shortened = False  # a shorter limit than the one that was set or promised counts just now
        self.own: Span | None = None  # the policy's span under which it was
        self.raised: datetime | None = None
        self.paused: datetime | None = None
        self.held: datetime | None = None
        self.stopped: datetime | None = None
        self.hurried: datetime | None = None
        self.rung: datetime | None = None
        self.level = 0  # how often somebody was told
        self.place = 0  # the rung of the ladder that was reached
        self.end_told = False
        self.pauses: list[tuple[datetime, datetime]] = []

    @property
    def active(self) -> _Limit:
        """The limit that counts now."""
        if self.set is None or (self.counted is not None and self.counted.due < self.set.due):
            if self.counted is None:
                raise ValueError("a clock begins with a start")
            return self.counted
        return self.set

    @property
    def due(self) -> datetime:
        return self.active.due

    def start(self, at: datetime, told: Mapping[str, Any]) -> None:
        self.since = at
        self.started = self.born = _read(told["from"]) if told.get("from") else at  # a missing one: when it should have
        self.cap = _read(told["cap"]) if told.get("cap") else None
        if "due" in told:
            unit = Unit(told.get("unit", Unit.CALENDAR_HOURS))
            self.set = self._set(self.born, _read(told["due"]), unit, rigid=bool(told.get("rigid")))
        else:
            self.span = span_of(told["span"])
            self.counted = self._count(self.span, self.born)

    def _set(self, anchor: datetime, due: datetime, unit: Unit, *, rigid: bool = False) -> _Limit:
        return _Limit(self.r, unit, anchor, self.r.measures[unit].between(anchor, due, date.min), due, rigid=rigid)

    def _count(self, span: Span, anchor: datetime) -> _Limit:
        """That span counted from there, the pauses since then given back."""
        limit = _Limit(self.r, span.unit, anchor, self.r.measures[span.unit].whole(span), cap=self.cap)
        for begun, ended in self.pauses:
            if ended > anchor:
                limit.pause(begun)
                limit.resume(ended)
        if self.paused is not None:
            limit.pause(self.paused)
        return limit

    def _limits(self) -> list[_Limit]:
        return [limit for limit in (self.set, self.counted) if limit is not None]

    def pause(self, at: datetime, told: Mapping[str, Any]) -> None:
        if self.paused is None:
            self.paused = at
            for limit in self._limits():
                limit.pause(at)

    def resume(self, at: datetime, told: Mapping[str, Any]) -> None:
        if self.paused is None:
            return
        self.pauses.append((self.paused, at))
        self.paused, self.since = None, at
        for limit in self._limits():
            limit.resume(at)

    def hold(self, at: datetime, told: Mapping[str, Any]) -> None:
        self.held = at

    def run_on(self, at: datetime, told: Mapping[str, Any]) -> None:
        self.held, self.since = None, at

    def stop(self, at: datetime, told: Mapping[str, Any]) -> None:
        self.stopped = at if self.held is None else self.held

    def issue(self, at: datetime, told: Mapping[str, Any]) -> None:
        """An order takes over the resident's clock as it stands: shuffling gives nobody new time."""
        self.started = self.since = at

    def extend(self, at: datetime, told: Mapping[str, Any]) -> None:
        self.first_due = self.first_due or self.due
        unit = Unit.WORKING_HOURS if is_working_unit(self.active.unit) else Unit.CALENDAR_HOURS
        self.set, self.counted = self._set(at, _read(told["due"]), unit), None
        self.shortened, self.own, self.raised, self.since = False, None, None, at

    def promise(self, at: datetime, told: Mapping[str, Any]) -> None:
        self.promised, self.since = _read(told["due"]), at
        self.shortened, self.own = False, None

    def policy(self, at: datetime, told: Mapping[str, Any]) -> None:
        """Another limit. A longer one counts from the start; a shorter one from this moment, and only where it ends
        sooner than the old one: nobody gains time by a raise, and nobody has failed at the moment of it. A limit set
        by hand, by an extension or from outside, and a promise, give way to a shorter policy than the one they were
        made under, and come back with it."""
        new, was, old = span_of(told["span"]), span_of(told["was"]), self.limit
        self.own = self.own or was
        if not self._shorter(new, self.own, at):  # back under what it was made under, or a longer one
            if self.set is not None:
                self.counted = None
            elif (whole := self._count(new, self.born)).due >= old or self.shortened:
                self.counted = whole
            self.own, self.raised, self.shortened = None, None, False
        else:
            self.raised = self.raised or at
            self._shorten(new, self.own, at, sooner=self._shorter(new, was, at))
        self.span = new
        if self.limit != old:  # the ladder of the new limit begins at its beginning
            self.place, self.end_told, self.since = 0, False, at

    def _shorten(self, new: Span, own: Span, at: datetime, *, sooner: bool) -> None:
        """A limit shorter than its own: counted from this moment, if it ends sooner than what counts; or, where it has
        become longer again, from the raise, and never beyond its own."""
        if sooner:
            fresh = self._count(new, at)
            if fresh.due < self.limit:
                self.counted, self.shortened = fresh, True
        elif self.shortened:
            fresh = self._count(new, at if self.raised is None else self.raised)
            whole = self._count(own, self.born)
            beyond = self.set is None and self.promised is None and fresh.due > whole.due
            self.counted = whole if beyond else fresh

    def _shorter(self, one: Span, other: Span, at: datetime) -> bool:
        """Whether a limit is the shorter of two, both counted from this moment."""
        ends = [self.r.measures[s.unit].after(at, self.r.measures[s.unit].whole(s), first_day(self.r, at))
                for s in (one, other)]  # fmt: skip
        return ends[0] < ends[1]

    def hurry(self, at: datetime, told: Mapping[str, Any]) -> None:
        self.hurried = at

    def ring(self, at: datetime, told: Mapping[str, Any]) -> None:
        self.rung, self.level, self.hurried = at, int(told["level"]), None
        self.place, self.end_told = int(told["place"]), bool(told["end"])

    # --- what follows

    @property
    def limit(self) -> datetime:
        """What the ladder and a breach go by: the promised date where an extension was approved, else the end."""
        return self.due if self.promised is None or self.shortened else max(self.due, self.promised)

    def reached(self, steps: list[Step]) -> int:
        """The rung that counts, on this ladder: what was told before the limit, as it lies now, was no telling of its
        end; and once its end was told, another ladder does not tell it anew."""
        warnings = sum(step.is_warning for step in steps)
        if self.end_told and self.rung is not None and self.rung >= self.limit:
            return min(max(self.place, warnings + 1), len(steps))
        return min(self.place, warnings)

    def breached(self, steps: list[Step]) -> datetime | None:
        ended, limit = self.held or self.stopped, self.limit
        if ended is not None:
            return limit if ended > limit else None
        return limit if self.reached(steps) > sum(step.is_warning for step in steps) else None

    def next_step(self, steps: list[Step], repeat: Span) -> tuple[int, datetime] | None:
        """The next rung (behind the last: repeated) and its moment. None while the clock stands still or has stopped;
        a deadline from outside does not stand still, whatever we do."""
        limit, reached = self.limit, self.reached(steps)
        if self.stopped or self.held or (self.paused and not self.active.rigid):
            return None
        for place in range(reached, len(steps)):
            step = steps[place]
            at = self._moment(step, limit)
            if at is None:
                continue  # a warning that lay before this clock's own time
            if self.hurried is not None and (step.is_warning or limit <= self.hurried):
                at = min(at, max(self.hurried, self.since))
            return place + 1, max(at, self.since)  # what fell due while it stood is due as soon as it runs again
        again = self.hurried or self._later(max(self.rung or limit, limit), repeat)
        return len(steps) + 1, max(again, self.since)

    def _moment(self, step: Step, limit: datetime) -> datetime | None:
        if step.later is not None:
            return self._later(limit, step.later)
        if step.share is None or step.share == 1:
            return limit
        active = self.active
        gone = Fraction(active.consumed, active.whole) if active.whole else Fraction(0)
        if step.share <= gone:
            return None
        at = self.r.share(active.anchor, active.due, (step.share - gone) / (1 - gone), active.unit)
        return at if at > self.since else None

    def _later(self, base: datetime, by: Span) -> datetime:
        """Working days later means when the offices open then: nobody is told at midnight."""
        if by.unit is Unit.WORKING_DAYS:
            return max(self.r.opening(base, int(by.amount)), base)
        measure = self.r.measures[by.unit]
        return measure.after(base, measure.whole(by), date.min)


_READ: Mapping[str, Callable[[_Run, datetime, Mapping[str, Any]], None]] = {
    "start": _Run.start,
    "issue": _Run.issue,
    "pause": _Run.pause,
    "resume": _Run.resume,
    "hold": _Run.hold,
    "run_on": _Run.run_on,
    "stop": _Run.stop,
    "extend": _Run.extend,
    "promise": _Run.promise,
    "policy": _Run.policy,
    "hurry": _Run.hurry,
    "ring": _Run.ring,
}


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)


def mark(what: str, at: datetime, **told: Any) -> tuple[Any, ...]:
    """One mark of a clock; moments among the details as text."""
    plain = {k: v.astimezone(UTC).isoformat() if isinstance(v, datetime) else v for k, v in told.items()}
    return (what, at.astimezone(UTC).isoformat(), plain)


def fold(clock: Clock, reckoner: Reckoner, version: int, marks: tuple[Any, ...] | None = None) -> Clock:
    """The clock's row, whole, of its marks (or of these) and this calendar (of this version)."""
    marks = clock.marks if marks is None else marks
    run = _read_marks(marks, reckoner)
    steps = [step_of(text) for text in clock.terms["steps"]]
    coming = run.next_step(steps, span_of(clock.terms["repeat"]))
    active = run.active
    provisional = not active.is_set and reckoner.is_provisional(active.due, active.unit)
    return replace(
        clock,
        marks=marks,
        calendar=reckoner.calendar.code,
        calendar_version=version,
        started_at=run.started,
        due_at=active.due,
        first_due_at=run.first_due,
        limit_at=run.limit,
        paused_at=run.paused,
        consumed=active.consumed,
        stopped_at=run.stopped,
        breached_at=run.breached(steps),
        provisional=provisional,
        level=run.level,
        next_level=run.level + 1 if coming else None,
        next_step=coming[0] if coming else None,
        next_at=coming[1] if coming else None,
    )


def _read_marks(marks: Iterable[Any], reckoner: Reckoner) -> _Run:
    run = _Run(reckoner)
    for what, at, told in marks:
        _READ[what](run, _read(at), told)
    return run


# --- what a change does to the clocks


@dataclass(frozen=True, slots=True)
class Settled:
    """The clocks after a change: those that have not stopped, and those that were touched."""

    running: tuple[Clock, ...]
    touched: tuple[Clock, ...]

    def of(self, metric: Metric, assignment: str | None = None) -> Clock | None:
        """The running clock of that metric."""
        return next((c for c in self.running if c.metric is metric and c.assignment == assignment), None)


class _Settling:
    """One change, seen by every clock in turn."""

    def __init__(self, before: Facts, ticket: Ticket, orders: Iterable[Assignment], command: Command, now: datetime,
                 directory: Directory, policy: Policy, reckoner: Reckoner) -> None:  # fmt: skip
        self.before, self.ticket, self.orders, self.command, self.now = before, ticket, tuple(orders), command, now
        self.d, self.policy, self.reckoner = directory, policy, reckoner
        self.clocks = {(c.metric, c.assignment): c for c in before.clocks}
        self.touched: dict[str, Clock] = {}
        self.known = {a.id: a for a in before.assignments}
        was = before.ticket
        # what no clock goes by (a comment, an urge, a step of a ladder) leaves them all as they run
        self.moved = (
            was.status is not ticket.status
            or command.action in (A.RECEIVE, A.RECKON, A.CALL_BACK)
            or any(self.known.get(a.id) is not a for a in self.orders)
        )
        self.reclassified = (was.priority, was.kind, was.category, was.area) != (
            ticket.priority, ticket.kind, ticket.category, ticket.area)  # fmt: skip

    def counting(self, clock: Clock) -> Reckoner:
        return reckoner_of(self.d, clock.calendar) or self.reckoner

    def keep(self, clock: Clock, *marks: tuple[Any, ...]) -> Clock:
        counts = self.counting(clock)
        kept = fold(clock, counts, self.version(counts), (*clock.marks, *marks))
        self.clocks[(kept.metric, kept.assignment)] = kept
        self.touched[kept.id] = kept
        return kept

    def version(self, counts: Reckoner) -> int:
        return self.d.versions.get(("calendars", counts.calendar.code), self.d.version)

    def begin(self, metric: Metric, order: Assignment | None, *marks: tuple[Any, ...]) -> None:
        subject = order.id if order else self.ticket.number
        fresh = Clock(
            id=f"{subject}-{metric}-{self.before.ticket.version + 1}",
            number=self.ticket.number,
            assignment=order.id if order else None,
            metric=metric,
            terms=terms_of(self.d, metric, self.policy, self.ticket.priority),
            marks=(),
            calendar=self.reckoner.calendar.code,
            calendar_version=0,
            started_at=self.now,
        )
        self.keep(fresh, *marks)

    def turn(self, metric: Metric, order: Assignment | None, was: Phase | None, phase: Phase) -> None:
        """Bring one clock to the phase its state asks for. `was`: its phase before the change; None: it is new."""
        clock = self.clocks.get((metric, order.id if order else None))
        if clock is None:
            if phase is Phase.RUN:
                missing = was is Phase.RUN and self.command.action is not A.RECEIVE
                self.begin(metric, order, *self.opening(metric, order, missing=missing))
            return
        held = clock.next_at is None and clock.paused_at is None
        if phase is Phase.NONE:  # it has begun, and runs on whatever the state would not begin
            phase = Phase.RUN
        if phase is Phase.STOP:
            self.keep(clock, *([mark("resume", self.now)] if clock.paused_at else []), mark("stop", self.now))
            del self.clocks[(metric, clock.assignment)]
        elif phase is Phase.PAUSE and clock.paused_at is None:
            self.keep(clock, mark("pause", self.now))
        elif phase is Phase.HOLD and not held:
            self.keep(clock, mark("hold", self.now))
        elif phase is Phase.RUN and clock.paused_at is not None:
            self.keep(clock, mark("resume", self.now))
        elif phase is Phase.RUN and held:
            self.keep(clock, mark("run_on", self.now))

    def opening(self, metric: Metric, order: Assignment | None, *, missing: bool) -> tuple[tuple[Any, ...], ...]:
        """The first marks of a clock."""
        since: dict[str, Any] = {}
        begun = order.issued_at if order else self.ticket.created_at
        first = metric in _SINCE_BEGUN and not (self.ticket.reopens or (metric is M.DISPATCH and self.orders))
        # it should have run all along, but for a matter this house took over: that begins now, and is no news
        taken_over = missing and "imported" in self.ticket.flags
        if missing and first and begun < self.now and not taken_over:
            since = {"from": begun}
        span = str(span_for(metric, self.policy, self.ticket)) if metric is not M.REVIEW else ""
        if metric is M.REVIEW:
            return (mark("start", self.now, due=self.ticket.review_at or self.now),)
        if metric is M.RESOLVE and self.ticket.outer_due_at is not None:
            ours = outer_limit(self.policy, self.reckoner, self.ticket.outer_due_at, self.now)
            if self.policy.outer is Outer.GOVERNS and ours > self.now:
                return (mark("start", self.now, due=ours, rigid=True, **since),)
            if ours > self.now:
                return (mark("start", self.now, span=span, cap=ours, **since),)
        if metric is M.REPORT and order is not None:
            return self.opening_report(order, missing=missing)
        if metric is M.EXTENSION and order is not None and order.due_at is not None and order.due_at > self.now:
            return (mark("start", self.now, span=span, cap=order.due_at, **since),)  # decided before it is too late
        if metric is M.ACCEPT and order is not None:
            report = self.clocks.get((M.REPORT, order.id))
            if report is not None and report.due_at is not None and report.due_at > self.now:
                return (mark("start", self.now, span=span, cap=report.due_at, **since),)
        begins = mark("start", self.now, span=span, **since)
        if taken_over:
            return (begins,)
        if metric is M.DISPATCH and self.unattended(self.d.home.fallback if self.d.home else None):
            return begins, mark("hurry", self.now)
        if metric is M.ACCEPT and order is not None and order.priority is Priority.EMERGENCY:
            return (begins, mark("hurry", self.now)) if self.unattended(order.department) else (begins,)
        return (begins,)

    def unattended(self, department: str | None) -> bool:
        """Nobody on duty and the offices shut: what comes in now must not wait for the morning."""
        return not self.reckoner.is_working(self.now) and duty.nobody(self.d, department, self.now)

    def opening_report(self, order: Assignment, *, missing: bool) -> tuple[tuple[Any, ...], ...]:
        """An order is due with the resident's clock; by hand it may be given another limit. Where the resident's has
        run out, it is due as soon as it must be signed for."""
        resolve = self.clocks.get((M.RESOLVE, None))
        unit = Unit.WORKING_HOURS if is_working_unit(span_of(self.policy.resolve).unit) else Unit.CALENDAR_HOURS
        taken_over = missing and "imported" in self.ticket.flags  # its limits begin when this house takes it over
        if order.due_at is not None and not taken_over:
            return (mark("start", order.issued_at if missing else self.now, due=order.due_at, unit=unit),)
        lead = next((a for a in self.orders if a.part is Part.LEAD and a.status in LIVE), None)
        leads = self.clocks.get((M.REPORT, lead.id)) if lead is not None and lead.id != order.id else None
        if leads is not None and leads.due_at is not None and leads.due_at > self.now:
            return (mark("start", self.now, due=leads.due_at, unit=unit),)
        if (
            resolve is not None
            and resolve.paused_at is None
            and resolve.due_at is not None
            and resolve.due_at > self.now
        ):
            ours = tuple(m for m in resolve.marks if m[0] not in ("ring", "hurry", "promise"))
            return (*ours, mark("issue", self.now))
        accept = reckon(self.reckoner, self.now, span_of(self.policy.accept))
        return (mark("start", self.now, due=accept.due_at, unit=unit),)

    def all(self) -> Settled:
        given = self.command.fields
        # every attempt begins the wait for a word, and for the next attempt, anew
        if self.command.action is A.CALL_BACK:
            for metric in _BY_ATTEMPT & {m for m, _ in self.clocks}:
                self.keep(self.clocks[(metric, None)], mark("stop", self.now))
                del self.clocks[(metric, None)]
        if self.reclassified:
            self.reclassify()
        if self.moved:
            self.turn_all()
        if self.command.action is A.APPROVE_EXTENSION:
            self.extend()
        if self.command.action is A.URGE:
            self.hurry()
        if self.command.action is A.RECKON:
            for clock in [c for c in self.clocks.values() if c.id not in self.touched]:
                if self.keep(clock) == clock:
                    del self.touched[clock.id]
        if rung := given.get("clock"):
            told = next((c for c in (*self.clocks.values(), *self.touched.values()) if c.id == rung), None)
            if told is not None:
                self.ring(told, int(given["rung"]))
        return Settled(tuple(self.clocks.values()), tuple(self.touched.values()))

    def turn_all(self) -> None:
        """Bring every clock to the phase its state asks for; the lead's before those that follow it."""
        was, began = self.before.ticket, self.command.action is A.RECEIVE
        for metric in TICKET_CLOCKS:
            before = None if began else phase_of_ticket(metric, was, self.policy)
            phase = phase_of_ticket(metric, self.ticket, self.policy)
            if metric in _BY_ATTEMPT and self.command.action is A.CALL_BACK:
                before = None
            self.turn(metric, None, before, phase)
        for order in sorted(self.orders, key=lambda a: a.part is not Part.LEAD):
            known = self.known.get(order.id)
            if order.status not in LIVE and (known is None or known.status not in LIVE):
                continue
            for metric in ORDER_CLOCKS:
                before = phase_of_order(metric, known, was) if known is not None else None
                self.turn(metric, order, before, phase_of_order(metric, order, self.ticket))

    def ring(self, clock: Clock, level: int) -> None:
        """The last ring alone is kept as a mark: how often it rang before follows from its level."""
        place = min(clock.next_step or 1, len(clock.terms["steps"]))
        fired = mark("ring", self.now, level=level, place=place, end=not at_hand(clock).is_warning)
        marks = tuple(m for m in clock.marks if m[0] != "ring")
        ended = marks[-1][0] == "stop"  # stopped by what it rang for, as an unsigned order that is accepted now
        marks = (*marks[:-1], fired, marks[-1]) if ended else (*marks, fired)
        counts = self.counting(clock)
        kept = fold(clock, counts, self.version(counts), marks)
        self.touched[kept.id] = kept
        if not ended:
            self.clocks[(kept.metric, kept.assignment)] = kept

    def extend(self) -> None:
        order = next((a for a in self.orders if a.id == self.command.assignment), None)
        if order is None or order.due_at is None:
            return
        if clock := self.clocks.get((M.REPORT, order.id)):
            self.keep(clock, mark("extend", self.now, due=order.due_at))
        if order.part is Part.LEAD and (resolve := self.clocks.get((M.RESOLVE, None))):
            self.keep(resolve, mark("promise", self.now, due=order.due_at))

    def hurry(self) -> None:
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
                self.keep(replace(clock, marks=others), mark("hurry", self.now))
                return

    def reclassify(self) -> None:
        was = self.before.ticket
        old = policy_for(self.d, was.kind, was.priority, was.category, was.area) or self.policy
        for clock in [c for c in self.clocks.values() if c.metric in _RECLASSIFIED]:
            terms = terms_of(self.d, clock.metric, self.policy, self.ticket.priority)
            if terms["policy"] == clock.terms["policy"] and terms["ladder"] == clock.terms["ladder"]:
                continue
            span = str(span_for(clock.metric, self.policy, self.ticket))
            before = str(span_for(clock.metric, old, was))
            marks = (mark("policy", self.now, span=span, was=before, policy=self.policy.code),)
            if terms["policy"] == clock.terms["policy"]:
                self.keep(replace(clock, terms=terms))
            else:  # span and calendar go together
                self.keep(replace(clock, terms=terms, calendar=self.reckoner.calendar.code), *marks)


def settle(before: Facts, ticket: Ticket, orders: Iterable[Assignment], command: Command, now: datetime) -> Settled:
    """The clocks after a change from `before` to this ticket with these orders. Without a directory none are kept."""
    d = before.directory
    policy = policy_for(d, ticket.kind, ticket.priority, ticket.category, ticket.area) if d else None
    reckoner = reckoner_of(d, policy.calendar) if d and policy else None
    if d is None or policy is None or reckoner is None:
        return Settled((), ())
    return _Settling(before, ticket, orders, command, now, d, policy, reckoner).all()


def recounted(facts: Facts, now: datetime) -> bool:
    """Whether counting this ticket's clocks anew, by the calendars as they are, would change more than the version
    they were counted with: a date that moves, or a clock that was missing."""
    after = settle(facts, facts.ticket, facts.assignments, Command(A.RECKON, facts.ticket.version), now)
    known = {c.id: c for c in facts.clocks}
    return any(
        c.id not in known or replace(c, calendar_version=known[c.id].calendar_version) != known[c.id]
        for c in after.touched
    )


# --- what time itself does


def at_hand(clock: Clock) -> Step:
    """The step that is due next on this clock; past the last one it is repeated."""
    steps = [step_of(text) for text in clock.terms["steps"]]
    return steps[min(clock.next_step or 1, len(steps)) - 1]


def commands_of(clock: Clock, facts: Facts) -> list[Command]:
    """What the clock does when its next step is due: the first of these that the tables allow.

    An unsigned order is accepted, what was never told is done without or given up, a matter nobody says a word about
    is closed; everything else is told to whom the ladder names."""
    step = at_hand(clock)
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


def receivers(step: Step, facts: Facts, order: Assignment | None, now: datetime) -> list[tuple[str, dict[str, Any]]]:
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


def has_breached(clock: Clock, now: datetime) -> bool:
    """Whether its limit was missed, or is being missed now."""
    if clock.breached_at is not None or clock.next_level is None or clock.limit_at is None:
        return clock.breached_at is not None
    return now > clock.limit_at


def colour_of(clock: Clock, now: datetime) -> str:
    """How a clock looks on a board: grey while it stands still or has stopped, red behind its end, else the colour of
    the last step told."""
    if has_breached(clock, now):
        return "red"
    if clock.stopped_at is not None or clock.paused_at is not None:
        return "grey"
    rung = next((told["place"] for what, _, told in clock.marks if what == "ring"), 0)
    steps = clock.terms["steps"]
    return step_of(steps[min(rung, len(steps)) - 1]).level if rung else "green"


LOOKS = ("grey", "green", *Level)  # from the least to the worst
OWN = (Metric.ACCEPT, Metric.CONTACT, Metric.REPORT)  # what a department owes; a ruling or an audit is owed to it


def looks_of(clocks: Iterable[Clock], now: datetime) -> str:
    """How an order looks: as the worst of its OWN clocks that have not stopped. An order nobody signs for in time is
    late, however much time is left to solve it."""
    running = (c for c in clocks if c.metric in OWN and c.stopped_at is None)
    return max((colour_of(c, now) for c in running), key=LOOKS.index, default="grey")


_SAID = {
    "start": "started",
    "issue": "the order was issued: it is due with the resident's clock, which no shuffling resets",
    "pause": "stood still",
    "resume": "went on; what had passed stays counted",
    "hold": "reported: its end is reached unless the report is sent back",
    "run_on": "sent back: it runs on as if it had never stood",
    "stop": "stopped",
    "extend": "an approved extension moved this order's clock and the promised date; the resident's own end stays",
    "promise": "an approved extension moved the promised date; this clock's own end stays",
    "policy": "another policy applied: a longer limit counts from the start, a shorter one from that moment",
    "hurry": "urged: the next step of its ladder was brought forward",
    "ring": "a step of its ladder was told",
}


def explained(clock: Clock, reckoner: Reckoner) -> list[Because]:
    """Why this clock is due when it is: its policy, what happened to it, and how the days were counted."""
    run = _read_marks(clock.marks, reckoner)
    said = [
        Because(f"policy {clock.terms['policy']} (version {clock.terms['version']})", (str(clock.terms["source"]),))
    ]
    for what, at, told in clock.marks:
        moments = (f"{k}={v}" for k, v in told.items() if v not in (None, ""))
        said.append(Because(_SAID[what], (_local(reckoner, _read(at)), *moments)))
    active = run.active
    if active.is_set or run.span is None:
        return [*said, Because("due", (_local(reckoner, active.due),))]
    if active.consumed:
        days = active.whole == int(run.span.amount)
        used = f"{active.consumed} days" if days else f"{active.consumed / 3_600_000_000:.4g} hours"
        said.append(Because("used up before the present run", (used, f"of {run.span}")))
        left = max(0, active.whole - active.consumed)
        rest = Fraction(left) if days else Fraction(left, active.whole) * run.span.amount
        return [*said, *because(reckoner, active.anchor, active.due, Span(rest, run.span.unit), begun=True)]
    said += because(reckoner, active.origin, active.due, run.span)
    if run.cap is not None and active.due == run.cap:
        said.append(Because("not later than the limit above it", (_local(reckoner, run.cap),)))
    return said


def _local(reckoner: Reckoner, moment: datetime) -> str:
    return reckoner.local(moment).isoformat(timespec="seconds")

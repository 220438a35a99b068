"""One clock as its events: started, paused, resumed, extended, stopped. A clock row follows from them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from hotline.organisation.model.items import EscalationStep, Span, parse_span, parse_step
from hotline.organisation.model.vocabulary import Unit
from hotline.organisation.model.working_time import SpanCounter, WorkingTime, first_countable_day, is_working_unit
from hotline.tickets.model.ticket import Clock
from hotline.value_objects import replace

LATE_AFTER = timedelta(seconds=60)  # an escalation later than this is flagged late


# --- from timer events to a row


class _Limit:
    """One limit as it runs. `first`: the first date that may be counted; `whole`: how much it counts in all."""

    due: datetime
    is_set = rigid = False

    def __init__(self, r: WorkingTime, unit: Unit, anchor: datetime, first: date, whole: int) -> None:
        self.measure: SpanCounter = r.measures[unit]
        self.unit, self.origin, self.anchor = unit, anchor, anchor
        self.first, self.whole, self.consumed = first, whole, 0

    def _calculate_due(self) -> datetime:
        return self.measure.after(self.anchor, max(self.whole - self.consumed, 1), self.first)

    def pause(self, at: datetime) -> None:
        if not self.rigid:
            self.consumed = min(self.whole, self.consumed + self.measure.elapsed(self.anchor, at, self.first))

    def resume(self, at: datetime) -> None:
        """What is left runs on from here. One that was reached stays where it was; a pause never takes time away."""
        if self.rigid or self.consumed >= self.whole:
            return
        self.anchor = at
        self.due = self._calculate_due()


class _CountedLimit(_Limit):
    """So much of a span from an anchor on, and at most until `cap`."""

    def __init__(self, r: WorkingTime, span: Span, anchor: datetime, cap: datetime | None) -> None:
        super().__init__(r, span.unit, anchor, first_countable_day(r, anchor), r.measures[span.unit].whole(span))
        self.cap = cap
        self.due = self._calculate_due()

    def _calculate_due(self) -> datetime:
        reached = super()._calculate_due()
        return reached if self.cap is None else min(reached, self.cap)


class _SetLimit(_Limit):
    """A moment that was set. `rigid`: no pause moves it."""

    is_set = True

    def __init__(self, r: WorkingTime, unit: Unit, anchor: datetime, due: datetime, *, rigid: bool) -> None:
        super().__init__(r, unit, anchor, date.min, r.measures[unit].elapsed(anchor, due, date.min))
        self.due, self.rigid = due, rigid

    def _calculate_due(self) -> datetime:
        return max(self.due, super()._calculate_due())


class _ClockState:
    """The state of a clock while its timer events are replayed in order."""

    def __init__(self, working_time: WorkingTime) -> None:
        self.r = working_time
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
        self.escalated_at: datetime | None = None
        self.level = 0  # escalations so far
        self.place = 0  # the step of the escalation policy that was reached
        self.is_end_escalated = False
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

    def start(self, at: datetime, details: Mapping[str, Any]) -> None:
        self.since = at
        # a missing one: when it should have
        self.started = self.born = parse_instant(details["from"]) if details.get("from") else at
        self.cap = parse_instant(details["cap"]) if details.get("cap") else None
        if "due" in details:
            unit = Unit(details.get("unit", Unit.CALENDAR_HOURS))
            self.set = self._fixed_limit_from(
                self.born, parse_instant(details["due"]), unit, rigid=bool(details.get("rigid"))
            )
        else:
            self.span = parse_span(details["span"])
            self.counted = self._count(self.span, self.born)

    def _fixed_limit_from(self, anchor: datetime, due: datetime, unit: Unit, *, rigid: bool = False) -> _Limit:
        return _SetLimit(self.r, unit, anchor, due, rigid=rigid)

    def _count(self, span: Span, anchor: datetime) -> _Limit:
        """That span counted from there, the pauses since then given back."""
        limit = _CountedLimit(self.r, span, anchor, self.cap)
        for begun, ended in self.pauses:
            if ended > anchor:
                limit.pause(begun)
                limit.resume(ended)
        if self.paused is not None:
            limit.pause(self.paused)
        return limit

    def _limits(self) -> list[_Limit]:
        return [limit for limit in (self.set, self.counted) if limit is not None]

    def pause(self, at: datetime, details: Mapping[str, Any]) -> None:
        if self.paused is None:
            self.paused = at
            for limit in self._limits():
                limit.pause(at)

    def resume(self, at: datetime, details: Mapping[str, Any]) -> None:
        if self.paused is None:
            return
        self.pauses.append((self.paused, at))
        self.paused, self.since = None, at
        for limit in self._limits():
            limit.resume(at)

    def hold(self, at: datetime, details: Mapping[str, Any]) -> None:
        self.held = at

    def run_on(self, at: datetime, details: Mapping[str, Any]) -> None:
        self.held, self.since = None, at

    def stop(self, at: datetime, details: Mapping[str, Any]) -> None:
        self.stopped = at if self.held is None else self.held

    def issue(self, at: datetime, details: Mapping[str, Any]) -> None:
        """An order takes over the resident's clock as it stands: a transfer adds no time."""
        self.started = self.since = at

    def extend(self, at: datetime, details: Mapping[str, Any]) -> None:
        self.first_due = self.first_due or self.due
        unit = Unit.WORKING_HOURS if is_working_unit(self.active.unit) else Unit.CALENDAR_HOURS
        self.set, self.counted = self._fixed_limit_from(at, parse_instant(details["due"]), unit), None
        self.shortened, self.own, self.raised, self.since = False, None, None, at

    def promise(self, at: datetime, details: Mapping[str, Any]) -> None:
        self.promised, self.since = parse_instant(details["due"]), at
        self.shortened, self.own = False, None

    def policy(self, at: datetime, details: Mapping[str, Any]) -> None:
        """Another limit. A longer one counts from the start; a shorter one from this moment, and only where it ends
        sooner than the old one: nobody gains time by a raise, and nobody has failed at the moment of it. A limit set
        by hand, by an extension or from outside, and a promise, give way to a shorter policy than the one they were
        made under, and come back with it."""
        new, was, old = parse_span(details["span"]), parse_span(details["was"]), self.limit
        self.own = self.own or was
        if not self._is_shorter(new, self.own, at):  # back under what it was made under, or a longer one
            if self.set is not None:
                self.counted = None
            elif (full_limit := self._count(new, self.born)).due >= old or self.shortened:
                self.counted = full_limit
            self.own, self.raised, self.shortened = None, None, False
        else:
            self.raised = self.raised or at
            self._shorten_limit(new, self.own, at, sooner=self._is_shorter(new, was, at))
        self.span = new
        if self.limit != old:  # the escalation policy starts over with the new limit
            self.place, self.is_end_escalated, self.since = 0, False, at

    def _shorten_limit(self, new: Span, own: Span, at: datetime, *, sooner: bool) -> None:
        """A limit shorter than its own: counted from this moment, if it ends sooner than what counts; or, where it has
        become longer again, from the raise, and never beyond its own."""
        if sooner:
            fresh = self._count(new, at)
            if fresh.due < self.limit:
                self.counted, self.shortened = fresh, True
        elif self.shortened:
            fresh = self._count(new, at if self.raised is None else self.raised)
            full_limit = self._count(own, self.born)
            beyond = self.set is None and self.promised is None and fresh.due > full_limit.due
            self.counted = full_limit if beyond else fresh

    def _is_shorter(self, one: Span, other: Span, at: datetime) -> bool:
        """Whether a limit is the shorter of two, both counted from this moment."""
        ends = [self.r.measures[s.unit].after(at, self.r.measures[s.unit].whole(s), first_countable_day(self.r, at))
                for s in (one, other)]  # fmt: skip
        return ends[0] < ends[1]

    def hurry(self, at: datetime, details: Mapping[str, Any]) -> None:
        self.hurried = at

    def escalate(self, at: datetime, details: Mapping[str, Any]) -> None:
        self.escalated_at, self.level, self.hurried = at, int(details["level"]), None
        self.place, self.is_end_escalated = int(details["place"]), bool(details["end"])

    # --- what follows

    @property
    def limit(self) -> datetime:
        """The time that escalation and breach are measured from: the promised date where an extension was approved,
        else the end."""
        return self.due if self.promised is None or self.shortened else max(self.due, self.promised)

    def reached_step(self, steps: list[EscalationStep]) -> int:
        """The step reached in these steps. An escalation before the present limit was a warning; once a missed limit
        was escalated, another policy does not escalate it again."""
        if not self.place and not self.is_end_escalated:
            return 0  # nothing was escalated yet
        warnings = sum(step.is_warning for step in steps)
        if self.is_end_escalated and self.escalated_at is not None and self.escalated_at >= self.limit:
            return min(max(self.place, warnings + 1), len(steps))
        return min(self.place, warnings)

    def breached_at(self, steps: list[EscalationStep]) -> datetime | None:
        ended, limit = self.held or self.stopped, self.limit
        if ended is not None:
            return limit if ended > limit else None
        reached = self.reached_step(steps)
        return limit if reached and reached > sum(step.is_warning for step in steps) else None

    def next_step(self, steps: list[EscalationStep], repeat: Span) -> tuple[int, datetime] | None:
        """The next step (after the last: repeated) and its time. None while the clock is paused or has stopped;
        a deadline set from outside is not paused."""
        limit, reached = self.limit, self.reached_step(steps)
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
        again = self.hurried or self._add_span(max(self.escalated_at or limit, limit), repeat)
        return len(steps) + 1, max(again, self.since)

    def _moment(self, step: EscalationStep, limit: datetime) -> datetime | None:
        if step.later is not None:
            return self._add_span(limit, step.later)
        if step.share is None or not step.is_warning:
            return limit
        active, left = self.active, step.share
        if active.consumed:
            gone = Fraction(active.consumed, active.whole)
            if step.share <= gone:
                return None
            left = (step.share - gone) / (1 - gone)
        at = self.r.share(active.anchor, active.due, left, active.unit)
        return at if at > self.since else None

    def _add_span(self, base: datetime, by: Span) -> datetime:
        """`base` plus a span. A span of working days ends when the offices open that day, not at midnight."""
        if by.unit is Unit.WORKING_DAYS:
            return max(self.r.opening(base, int(by.amount)), base)
        measure = self.r.measures[by.unit]
        return measure.after(base, measure.whole(by), date.min)


_EVENT_HANDLERS: Mapping[str, Callable[[_ClockState, datetime, Mapping[str, Any]], None]] = {
    "start": _ClockState.start,
    "issue": _ClockState.issue,
    "pause": _ClockState.pause,
    "resume": _ClockState.resume,
    "hold": _ClockState.hold,
    "run_on": _ClockState.run_on,
    "stop": _ClockState.stop,
    "extend": _ClockState.extend,
    "promise": _ClockState.promise,
    "policy": _ClockState.policy,
    "hurry": _ClockState.hurry,
    "ring": _ClockState.escalate,
}


def parse_instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def timer_event(what: str, at: datetime, **details: Any) -> tuple[Any, ...]:
    """A timer event as stored in `clock.marks`; times among the details become text."""
    plain = {k: v.astimezone(UTC).isoformat() if isinstance(v, datetime) else v for k, v in details.items()}
    return (what, at.astimezone(UTC).isoformat(), plain)


def marks_before(marks: tuple[Any, ...], at: datetime) -> tuple[Any, ...]:
    """The timer events before that moment. The first one began the clock, and stays."""
    return marks[:1] + tuple(mark for mark in marks[1:] if parse_instant(mark[1]) < at)


def replay(clock: Clock, working_time: WorkingTime, version: int, events: tuple[Any, ...] | None = None) -> Clock:
    """The complete row of the clock from its timer events (or these) and this version of its calendar."""
    events = clock.marks if events is None else events
    run = replay_events(events, working_time)
    steps = [parse_step(text) for text in clock.terms["steps"]]
    next_step = run.next_step(steps, parse_span(clock.terms["repeat"]))
    active = run.active
    provisional = not active.is_set and working_time.is_provisional(active.due, active.unit)
    return replace(
        clock,
        marks=events,
        calendar=working_time.calendar.code,
        calendar_version=version,
        started_at=run.started,
        due_at=active.due,
        first_due_at=run.first_due,
        limit_at=run.limit,
        paused_at=run.paused,
        consumed=active.consumed,
        stopped_at=run.stopped,
        breached_at=run.breached_at(steps),
        provisional=provisional,
        level=run.level,
        next_level=run.level + 1 if next_step else None,
        next_step=next_step[0] if next_step else None,
        next_at=next_step[1] if next_step else None,
    )


def replay_events(events: Iterable[Any], working_time: WorkingTime) -> _ClockState:
    run = _ClockState(working_time)
    for what, at, details in events:
        _EVENT_HANDLERS[what](run, parse_instant(at), details)
    return run

"""Working time: which days and hours count, and how far a limit reaches. Pure; the calendar is data.

Days are counted as the Civil Code counts them (art. 201, 203): from the next day on, to 24:00 of the last one (or the
close of business); a last day that is no working day moves to the next one. Hours count at once. A calendar may count
`elapsed` instead: a day is then 24 hours of working dates, and also counts at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Protocol
from zoneinfo import ZoneInfo

from hotline.organisation.model.hours import hours_of_day, parse_hours
from hotline.organisation.model.items import Calendar, Span
from hotline.organisation.model.vocabulary import Counting, DayEnd, Unit
from hotline.text.reasons import Because

_MAX_DAYS_AHEAD = 3660 * 4  # days looked at before giving up: a calendar without working time is refused on write
_DAY, _MICRO = timedelta(days=1), timedelta(microseconds=1)
_WORKING_UNITS = frozenset({Unit.WORKING_HOURS, Unit.WORKING_DAYS})
Interval = tuple[datetime, datetime]  # in UTC


class SpanCounter(Protocol):
    """One way to count time. Amounts are whole: microseconds for hours, days for days. `first` is the first date that
    may be counted (days only)."""

    def whole(self, span: Span) -> int: ...

    def after(self, start: datetime, amount: int, first: date) -> datetime:
        """The earliest moment at which `amount` (above 0) has passed since `start`."""

    def elapsed(self, start: datetime, end: datetime, first: date) -> int:
        """How much passes from `start` to `end`. 0 where `end` is not later."""


class WorkingTime:
    """One calendar, ready to count with. Days once worked out are kept."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self.zone = ZoneInfo(calendar.zone)
        self._days: dict[date, tuple[Interval, ...]] = {}
        self._ends: dict[date, datetime] = {}
        civil = calendar.counting is Counting.CIVIL
        self.measures: dict[Unit, SpanCounter] = {
            Unit.CALENDAR_HOURS: _CalendarHours(),
            Unit.WORKING_HOURS: _WorkingHours(self),
            Unit.WORKING_DAYS: _CivilDays(self, self.is_workday) if civil else _ElapsedDays(self, self.is_workday),
            Unit.CALENDAR_DAYS: _CivilDays(self, lambda day: True) if civil else _ElapsedDays(self, lambda day: True),
        }

    def to_local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def format_local(self, moment: datetime) -> str:
        """The moment as people there read it, to the second, with its offset."""
        return self.to_local(moment).isoformat(timespec="seconds")

    def is_workday(self, day: date) -> bool:
        """Whether people work on that day: a worked weekend (调休) is true, a holiday false."""
        return bool(self.intervals(day))

    def intervals(self, day: date) -> tuple[Interval, ...]:
        """The working time that begins on that day, in UTC; a night shift ends on the next one."""
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = tuple(
                self._interval(day, a, b) for a, b in parse_hours(hours_of_day(self.calendar, day))
            )
        return known

    def _interval(self, day: date, opens: time, closes: time | None) -> Interval:
        """`closes` None: 24:00. Measured in UTC, so that an hour skipped or repeated by summer time is neither lost
        nor counted twice."""
        last = day + _DAY if closes is None or closes <= opens else day
        return self._at(day, opens), self._at(last, closes or time.min)

    def _at(self, day: date, moment: time) -> datetime:
        return datetime.combine(day, moment, self.zone).astimezone(UTC)

    def day_ends(self, day: date) -> datetime:
        """When a counted day is over: 24:00, or the close of business."""
        known = self._ends.get(day)
        if known is None:
            hours = self.intervals(day)
            closes = self.calendar.day_ends is DayEnd.CLOSE and hours
            known = self._ends[day] = hours[-1][1] if closes else self._at(day + _DAY, time.min)
        return known

    def is_working(self, moment: datetime) -> bool:
        """Whether the offices are open at this moment."""
        day = self.to_local(moment).date()
        return any(a <= moment < b for d in (day - _DAY, day) for a, b in self.intervals(d))

    def next_workday(self, day: date) -> date:
        """That day, or the next working day."""
        for _ in range(_MAX_DAYS_AHEAD):
            if self.is_workday(day):
                return day
            day += _DAY
        raise ValueError("the calendar has no working day")

    def opening(self, moment: datetime, working_days: int) -> datetime:
        """When the offices open on the n-th working day after the day that `moment` ends: when people can be
        notified."""
        day = self.to_local(moment - _MICRO).date()
        for _ in range(working_days):
            day = self.next_workday(day + _DAY)
        return self.intervals(day)[0][0] if working_days else moment

    def workdays_before(self, moment: datetime, working_days: int) -> datetime:
        """The same time of day `working_days` before: an outer deadline less our margin."""
        last = self.to_local(moment - _MICRO)
        day = last.date()
        for _ in range(working_days):
            day -= _DAY
            while not self.is_workday(day):
                day -= _DAY
        apart = last.date() - day
        return (self.to_local(moment).replace(tzinfo=None) - apart).replace(tzinfo=self.zone).astimezone(UTC)

    def is_provisional(self, due: datetime, unit: Unit) -> bool:
        """Whether the deadline rests on days that no published notice covers yet."""
        if unit is Unit.CALENDAR_HOURS or self.calendar.always:
            return False
        last = self.to_local(due - _MICRO if unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS) else due).date()
        return last.isoformat() > self.calendar.confirmed_to

    def share(self, start: datetime, due: datetime, share: Fraction, unit: Unit) -> datetime:
        """The moment at which that share of the way is gone: in office hours where the limit is a working one."""
        part, parts = share.numerator, share.denominator  # a Fraction's own arithmetic takes ten times as long
        if part <= 0 or due <= start:
            return start
        if part >= parts:
            return due
        counts = self.measures[Unit.WORKING_HOURS if is_working_unit(unit) else Unit.CALENDAR_HOURS]
        total = counts.elapsed(start, due, date.min)
        if total == 0:  # a whole way outside office hours
            counts = self.measures[Unit.CALENDAR_HOURS]
            total = counts.elapsed(start, due, date.min)
        return min(counts.after(start, max(1, total * part // parts), date.min), due)


class _CalendarHours:
    def whole(self, span: Span) -> int:
        return span.amount.numerator * 3_600_000_000 // span.amount.denominator

    def after(self, start: datetime, amount: int, first: date) -> datetime:
        return (start + timedelta(microseconds=amount)).astimezone(UTC)

    def elapsed(self, start: datetime, end: datetime, first: date) -> int:
        return max(0, (end - start) // _MICRO)


class _WorkingHours:
    def __init__(self, working_time: WorkingTime) -> None:
        self._r = working_time

    def whole(self, span: Span) -> int:
        return span.amount.numerator * 3_600_000_000 // span.amount.denominator

    def _intervals_from(self, start: datetime) -> Iterator[Interval]:
        day = self._r.to_local(start).date() - _DAY  # last night's shift may still run
        for _ in range(_MAX_DAYS_AHEAD):
            for opens, closes in self._r.intervals(day):
                if closes > start:
                    yield max(opens, start), closes
            day += _DAY

    def after(self, start: datetime, amount: int, first: date) -> datetime:
        left = timedelta(microseconds=amount)
        for opens, closes in self._intervals_from(start):
            if closes - opens >= left:
                return (opens + left).astimezone(UTC)
            left -= closes - opens
        raise ValueError("the calendar has no working time")

    def elapsed(self, start: datetime, end: datetime, first: date) -> int:
        if end <= start:
            return 0
        gone = timedelta()
        for opens, closes in self._intervals_from(start):
            if opens >= end:
                break
            gone += min(closes, end) - opens
        return gone // _MICRO


class _CivilDays:
    """Whole days, the Civil Code's way: a day is used up when it ends while the clock runs."""

    def __init__(self, working_time: WorkingTime, is_counted: Callable[[date], bool]) -> None:
        self._r, self._counts = working_time, is_counted

    def whole(self, span: Span) -> int:
        return int(span.amount)

    def after(self, start: datetime, amount: int, first: date) -> datetime:
        day = max(first, self._r.to_local(start).date()) - _DAY
        for _ in range(_MAX_DAYS_AHEAD):
            day += _DAY
            if self._counts(day) and self._r.day_ends(day) > start:
                amount -= 1
                if amount <= 0:
                    return self._r.day_ends(self._r.next_workday(day))
        raise ValueError("the calendar has no working day")

    def elapsed(self, start: datetime, end: datetime, first: date) -> int:
        day, days = max(first, self._r.to_local(start).date()), 0
        while (over := self._r.day_ends(day)) <= end:
            days += self._counts(day) and over > start
            day += _DAY
        return days


class _ElapsedDays:
    """A day is 24 hours in local time, of the dates that count."""

    def __init__(self, working_time: WorkingTime, is_counted: Callable[[date], bool]) -> None:
        self._r, self._counts = working_time, is_counted

    def whole(self, span: Span) -> int:
        return span.amount.numerator * 86_400_000_000 // span.amount.denominator

    def _to_naive_local(self, moment: datetime) -> datetime:
        return self._r.to_local(moment).replace(tzinfo=None)

    def after(self, start: datetime, amount: int, first: date) -> datetime:
        at, left = self._to_naive_local(start), timedelta(microseconds=amount)
        for _ in range(_MAX_DAYS_AHEAD):
            midnight = datetime.combine(at.date() + _DAY, time.min)
            if self._counts(at.date()):
                if midnight - at >= left:
                    return (at + left).replace(tzinfo=self._r.zone).astimezone(UTC)
                left -= midnight - at
            at = midnight
        raise ValueError("the calendar has no working day")

    def elapsed(self, start: datetime, end: datetime, first: date) -> int:
        at, until, gone = self._to_naive_local(start), self._to_naive_local(end), timedelta()
        while at < until:
            midnight = datetime.combine(at.date() + _DAY, time.min)
            if self._counts(at.date()):
                gone += min(midnight, until) - at
            at = midnight
        return gone // _MICRO


def is_working_unit(unit: Unit) -> bool:
    """Whether the unit counts working time alone."""
    return unit in _WORKING_UNITS


def first_countable_day(working_time: WorkingTime, start: datetime) -> date:
    """The first date a period of days may count: the day after it began."""
    return working_time.to_local(start).date() + _DAY


@dataclass(frozen=True, slots=True)
class CalculatedLimit:
    """A deadline: the moment in UTC, and whether it rests on days not announced yet."""

    due_at: datetime
    provisional: bool


def calculate_limit(working_time: WorkingTime, start: datetime, span: Span) -> CalculatedLimit:
    """When a limit that starts at `start` ends."""
    measure = working_time.measures[span.unit]
    due = measure.after(start, measure.whole(span), first_countable_day(working_time, start))
    return CalculatedLimit(due, working_time.is_provisional(due, span.unit))


def explain_limit(
    working_time: WorkingTime, start: datetime, due: datetime, span: Span, *, first_day_counted: bool = False
) -> list[Because]:
    """How a limit came to its end, step by step: what counted, what was passed over, where it rolled to.
    `first_day_counted`: its first day was counted before; the day it goes on counts too."""
    calendar = working_time.calendar
    from_day, to_day = working_time.to_local(start).date(), working_time.to_local(due - _MICRO).date()
    reasons = [
        Because("starts", (working_time.format_local(start), calendar.zone)),
        Because("limit", (f"{span}", f"calendar {calendar.code}")),
    ]
    if span.unit is Unit.CALENDAR_HOURS:
        return [*reasons, Because("hours count at once, day and night", ()), _due_reason(working_time, due)]
    days = [from_day + timedelta(days=n) for n in range((to_day - from_day).days + 1)]
    civil = calendar.counting is Counting.CIVIL and span.unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS)
    if civil and not first_day_counted:
        reasons.append(Because("a period of days starts on the next day (民法典 201)", (days[0].isoformat(),)))
    elif span.unit is Unit.WORKING_HOURS:
        every = calendar.always
        reasons.append(
            Because("every hour counts, at once" if every else "only office hours count, at once", calendar.hours)
        )
        if not working_time.is_working(start):
            reasons.append(Because("began outside office hours", (working_time.format_local(start),)))
    else:
        reasons.append(Because("a day is 24 hours of a date that counts, at once", ()))
    if span.unit is not Unit.CALENDAR_DAYS:
        holidays = [d for d in days if not working_time.is_workday(d) and d.isoformat() in calendar.days]
        rest = [d for d in days if not working_time.is_workday(d) and d.isoformat() not in calendar.days]
        if holidays:
            reasons.append(Because("holidays passed over", tuple(_format_day(calendar, d) for d in holidays)))
        if rest:
            reasons.append(Because("days of rest passed over", tuple(d.isoformat() for d in rest)))
    made_up = [d for d in days if calendar.days.get(d.isoformat()) and d.weekday() not in calendar.workdays]
    if made_up:
        reasons.append(Because("worked days off (调休)", tuple(_format_day(calendar, d) for d in made_up)))
    own = [d.isoformat() for d in days if d.isoformat() in calendar.exceptions]
    if own:
        reasons.append(Because("local exceptions", tuple(own)))
    if civil and span.unit is Unit.CALENDAR_DAYS:
        last = from_day + timedelta(days=int(span.amount) - first_day_counted)
        if last != to_day:
            moved = (_format_day(calendar, last), to_day.isoformat())
            reasons.append(Because("a last day off moves to the next working day (民法典 203)", moved))
    if civil:
        ends = "24:00" if calendar.day_ends is DayEnd.MIDNIGHT else "close of business"
        reasons.append(Because("the last day ends", (ends,)))
    if working_time.is_provisional(due, span.unit):
        announced = f"announced to {calendar.confirmed_to or '-'}"
        reasons.append(Because("provisional: no notice covers the last day yet", (announced,)))
    return [*reasons, _due_reason(working_time, due)]


def _due_reason(working_time: WorkingTime, due: datetime) -> Because:
    return Because("due", (working_time.format_local(due),))


def _format_day(calendar: Calendar, day: date) -> str:
    name = calendar.names.get(day.isoformat())
    return f"{day.isoformat()} {name}" if name else day.isoformat()

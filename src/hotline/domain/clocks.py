"""When something is due: limits counted in calendar or working time. Pure; the calendar is data.

Days are counted as the Civil Code counts them (art. 201, 203): from the next day on, to 24:00 of the last one;
a last day that is no working day moves to the next one. Hours count at once.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from .directory import ANY, Calendar, Directory, Limit, intervals
from .vocabulary import Kind, Priority, Unit

_FURTHEST = 3660 * 2  # days looked at before giving up: a calendar without working days is refused on write


def is_workday(calendar: Calendar, day: date) -> bool:
    """Whether people work on that day: a worked weekend (调休) is true, a holiday false."""
    return calendar.days.get(day.isoformat(), day.weekday() in calendar.workdays)


def is_working(calendar: Calendar, now: datetime) -> bool:
    """Whether the offices are open at this moment."""
    local = now.astimezone(ZoneInfo(calendar.zone))
    return is_workday(calendar, local.date()) and any(a <= local.time() < b for a, b in _hours(calendar))


def is_confirmed(calendar: Calendar, day: date) -> bool:
    """Whether a published notice covers that day; beyond it a deadline is provisional."""
    return day.isoformat() <= calendar.confirmed_to


def due(start: datetime, amount: float, unit: Unit, calendar: Calendar) -> datetime:
    """The moment `amount` of `unit` after `start` ends, in UTC."""
    zone = ZoneInfo(calendar.zone)
    local = start.astimezone(zone)
    match unit:
        case Unit.CALENDAR_HOURS:
            return (start + timedelta(hours=amount)).astimezone(UTC)
        case Unit.WORKING_HOURS:
            return _working_hours(local, amount, calendar, zone)
        case Unit.CALENDAR_DAYS:
            last = local.date() + timedelta(days=int(amount))
            return _midnight_after(_roll(last, calendar), zone)
        case Unit.WORKING_DAYS:
            day, left = local.date(), int(amount)
            for _ in range(_FURTHEST):
                day += timedelta(days=1)
                left -= is_workday(calendar, day)
                if left <= 0:
                    break
            return _midnight_after(day, zone)


@dataclass(frozen=True, slots=True)
class Due:
    """What an order gets: accept by, close by, and the limit row that says so."""

    accept_by: datetime
    due_at: datetime
    limit: str
    provisional: bool


def limits_for(directory: Directory, kind: Kind, priority: Priority, category: str | None, now: datetime) -> Due | None:
    """The limits of an order issued now. None: the directory has no house yet."""
    calendar = directory.calendar
    limit = limit_row(directory, kind, priority, category)
    if calendar is None or limit is None:
        return None
    due_at = due(now, limit.close, limit.close_unit, calendar)
    return Due(
        accept_by=due(now, limit.accept, limit.accept_unit, calendar),
        due_at=due_at,
        limit=limit.code,
        provisional=not is_confirmed(
            calendar, (due_at - timedelta(seconds=1)).astimezone(ZoneInfo(calendar.zone)).date()
        ),
    )


def limit_row(directory: Directory, kind: Kind, priority: Priority, category: str | None) -> Limit | None:
    """The most specific row: category before priority before kind."""
    path = directory.category_path(category)

    def rank(limit: Limit) -> tuple[int, bool, bool]:
        depth = len(path) - path.index(limit.category) if limit.category in path else 0
        return depth, limit.priority != ANY, limit.kind != ANY

    fitting = [
        limit
        for limit in directory.limits.values()
        if limit.category in (ANY, *path) and limit.kind in (ANY, kind) and limit.priority in (ANY, priority)
    ]
    return max(fitting, key=rank, default=None)


def _working_hours(local: datetime, amount: float, calendar: Calendar, zone: ZoneInfo) -> datetime:
    left, day = timedelta(hours=amount), local.date()
    for _ in range(_FURTHEST):
        if is_workday(calendar, day):
            for opens, closes in _hours(calendar):
                # measured in UTC, so that an hour skipped or repeated by summer time is neither lost nor counted twice
                start = max(datetime.combine(day, opens, zone), local).astimezone(UTC)
                end = (
                    _midnight_after(day, zone) if closes == time.max else datetime.combine(day, closes, zone)
                ).astimezone(UTC)
                if start >= end:
                    continue
                if end - start >= left:
                    return start + left
                left -= end - start
        day += timedelta(days=1)
    raise ValueError("the calendar has no working time")


def _roll(day: date, calendar: Calendar) -> date:
    for _ in range(_FURTHEST):
        if is_workday(calendar, day):
            return day
        day += timedelta(days=1)
    raise ValueError("the calendar has no working day")


def _midnight_after(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)


@lru_cache(maxsize=64)
def _cut(hours: tuple[str, ...], calendar_code: str) -> tuple[tuple[time, time], ...]:
    return intervals(Calendar(code=calendar_code, name="x", name_en="x", zone="UTC", hours=hours))


def _hours(calendar: Calendar) -> tuple[tuple[time, time], ...]:
    return _cut(calendar.hours, calendar.code)

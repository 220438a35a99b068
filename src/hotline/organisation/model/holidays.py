"""A year's holiday notice, read and put into a calendar: all of it or nothing. The form is holiday-cn's, one file a
year."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from hotline.organisation.model.items import Calendar
from hotline.refusals import Code, Refusal, Refused

MIN_NOTICE_DAYS = 20  # a whole year's notice has more days: 33 to 39 in 2023-2026
_TOP, _ITEM = frozenset({"year", "papers", "days"}), frozenset({"name", "date", "isOffDay"})


@dataclass(frozen=True, slots=True)
class HolidayNotice:
    """Which days of a year differ from the week's pattern; late December days may stand in the next year's notice.
    `papers`: the addresses it was published at."""

    year: int
    days: Mapping[str, bool]  # date -> worked
    names: Mapping[str, str]
    papers: tuple[str, ...] = ()


def parse_notice(data: Any, file_name: str, expected_year: int | None = None) -> HolidayNotice:
    """The notice in this file's data. Raises Refused with every fault: place and rule."""
    year = data.get("year") if isinstance(data, dict) else None
    raw_days = data.get("days") if isinstance(data, dict) else None
    if not isinstance(year, int) or isinstance(year, bool) or not isinstance(raw_days, list):
        raise notice_refusal([("year", "a number, and `days` a list: the form of holiday-cn")])
    if not 1990 <= year <= 2190:
        raise notice_refusal([("year", "a year from 1990 to 2190")])
    errors: list[tuple[str, str]] = []
    for place, name in enumerate(data):  # "$schema" and its like describe the file; a field's name is not repeated
        if name not in _TOP and not str(name).startswith("$"):
            errors.append((f"field {place + 1}", "only year, papers and days"))
    papers = data.get("papers", [])
    if not isinstance(papers, list) or not all(isinstance(p, str) and 1 <= len(p) <= 500 for p in papers):
        errors.append(("papers", "a list of addresses, 500 characters each at most"))
        papers = []
    named = re.findall(r"(?<![0-9])(?:19|20|21)[0-9]{2}(?![0-9])", file_name)
    if expected_year is not None and expected_year != year:
        errors.append(("year", f"the file is of {year}, not of {expected_year}"))
    elif named and str(year) not in named:
        errors.append(("year", f"the file is named for {named[0]}, and says {year}"))
    if not raw_days:
        errors.append(("days", f"none: the notice of {year} is not announced yet"))
    days: dict[str, bool] = {}
    names: dict[str, str] = {}
    for place, item in enumerate(raw_days):
        day, off, name = _parse_day(item)
        if day is None or name is None:
            errors.append((f"days.{place}", "a date YYYY-MM-DD, `isOffDay` and a name"))
        elif not item.keys() <= _ITEM:
            errors.append((f"days.{place}", "only date, isOffDay and name"))
        elif not isinstance(off, bool):
            errors.append((f"days.{place}.isOffDay", "true or false"))
        elif day.year != year and (day.year, day.month) != (year - 1, 12):
            errors.append((f"days.{place}.date", f"lies neither in {year} nor in the December before"))
        elif day.isoformat() in days:
            errors.append((f"days.{place}.date", "stands there twice"))
        else:
            days[day.isoformat()], names[day.isoformat()] = not off, name
    if errors:
        raise notice_refusal(errors[:50])
    return HolidayNotice(year, days, names, tuple(papers))


def _parse_day(item: Any) -> tuple[date | None, Any, str | None]:
    """(date, isOffDay, name) of a day as the file has it; None where one is not what it should be."""
    if not isinstance(item, dict) or "isOffDay" not in item:
        return None, None, None
    text, name = item.get("date"), item.get("name", "")
    try:
        day = date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        day = None
    if day is not None and day.isoformat() != text:  # fromisoformat reads weeks and dates without dashes too
        day = None
    readable = isinstance(name, str) and len(name) <= 60 and (not name or name.isprintable())
    return day, item["isOffDay"], name if readable else None


def days_of_notice(calendar: Calendar, year: int) -> frozenset[str]:
    """The days of the calendar that the notice of this year gave.

    A day kept before notices were recorded belongs to the notice of its own year; one in December to the next year's
    where that is announced, since no notice but the next year's says anything of December."""
    own = set(calendar.notices.get(str(year), ()))
    recorded = {day for days in calendar.notices.values() for day in days}
    for day in calendar.days.keys() - recorded:
        written = int(day[:4])
        december_of_next = day[5:7] == "12" and calendar.confirmed_to[:4] > day[:4]
        if (written + december_of_next) == year:
            own.add(day)
    return frozenset(own & calendar.days.keys())


def with_notice(calendar: Calendar, notice: HolidayNotice) -> Calendar:
    """The calendar with this notice in it, in place of the days that the notice of the same year gave; a day that the
    notice of a later year gave stays. Raises Refused where a year before it is missing: a deadline must not run over
    days nobody announced."""
    if calendar.always:
        raise notice_refusal([("calendar", f"{calendar.code} is worked day and night: no notice changes it")])
    if calendar.confirmed_to and notice.year > int(calendar.confirmed_to[:4]) + 1:
        missing = int(calendar.confirmed_to[:4]) + 1
        raise notice_refusal([("year", f"{missing} is missing: import it first")])
    gone, later = days_of_notice(calendar, notice.year), _days_of_next_notice(calendar, notice.year)
    new_days = {d: worked for d, worked in notice.days.items() if d not in later}
    year_key = str(notice.year)
    # whose days are kept apart from now on
    years = {
        str(notice.year - 1),
        str(notice.year + 1),
        year_key,
        *calendar.notices,
    }
    given = {y: days_of_notice(calendar, int(y)) - new_days.keys() for y in years if y != year_key} | {
        year_key: new_days.keys()
    }
    return replace(
        calendar,
        days=dict(sorted(({d: v for d, v in calendar.days.items() if d not in gone} | new_days).items())),
        names=dict(sorted(({d: v for d, v in calendar.names.items() if d not in gone}
                           | {d: notice.names[d] for d in new_days}).items())),
        notices={y: tuple(sorted(days)) for y, days in sorted(given.items()) if days},
        papers={**calendar.papers, year_key: notice.papers} if notice.papers else dict(calendar.papers),
        confirmed_to=max(calendar.confirmed_to, f"{notice.year}-12-31"),
    )  # fmt: skip


def _days_of_next_notice(calendar: Calendar, year: int) -> frozenset[str]:
    """The days before the end of this year that the next year's notice gave."""
    return frozenset(d for d in days_of_notice(calendar, year + 1) if d[:4] == str(year))


def with_notices_of(calendar: Calendar, source: Calendar) -> Calendar:
    """The calendar with the notices of those years that only the other one has. What is announced here stays: a
    correction imported since counts more than what a seed was shipped with. No day is lost."""
    if not calendar.confirmed_to:  # it followed no notices: where both name a day, the other one's word counts
        return replace(
            calendar,
            days={**calendar.days, **source.days},
            names={**calendar.names, **source.names},
            notices=source.notices,
            papers=source.papers,
            confirmed_to=source.confirmed_to,
        )
    for year in range(int(calendar.confirmed_to[:4]) + 1, int(source.confirmed_to[:4] or "0") + 1):
        days = sorted(days_of_notice(source, year))
        calendar = with_notice(
            calendar,
            HolidayNotice(
                year,
                {d: source.days[d] for d in days},
                {d: source.names.get(d, "") for d in days},
                source.papers.get(str(year), ()),
            ),
        )
    return calendar


@dataclass(frozen=True, slots=True)
class CalendarChange:
    """What an import would do to a calendar, as (date, what it was, what it would be); None: an ordinary day."""

    added: tuple[tuple[str, bool | None, bool | None], ...]
    removed: tuple[tuple[str, bool | None, bool | None], ...]
    changed: tuple[tuple[str, bool | None, bool | None], ...]
    kept: tuple[str, ...]  # days on which the next year's notice says otherwise, and stays

    @property
    def has_replacements(self) -> bool:
        """Whether something that was announced would no longer hold."""
        return bool(self.removed or self.changed)


def calendar_change(before: Calendar, after: Calendar, notice: HolidayNotice) -> CalendarChange:
    """What would change between the two, day by day, in order."""
    dates = sorted(before.days.keys() | after.days.keys())
    moved = [(d, before.days.get(d), after.days.get(d)) for d in dates if before.days.get(d) != after.days.get(d)]
    return CalendarChange(
        added=tuple(m for m in moved if m[1] is None),
        removed=tuple(m for m in moved if m[2] is None),
        changed=tuple(m for m in moved if m[1] is not None and m[2] is not None),
        kept=tuple(sorted(d for d, worked in notice.days.items() if after.days.get(d) != worked)),
    )


def partial_notice_warning(calendar: Calendar, notice: HolidayNotice) -> str | None:
    """What makes the notice look like a part of one: a year has about thirty days that differ. None: nothing does."""
    before = len(days_of_notice(calendar, notice.year))
    if before > len(notice.days):
        return f"the calendar had {before} days of {notice.year}, the notice has {len(notice.days)}"
    if len(notice.days) < MIN_NOTICE_DAYS:
        return f"the notice has {len(notice.days)} days; a whole year's has about thirty"
    return None


def missing_notice_year(calendar: Calendar, today: date) -> int | None:
    """The year whose notice is missing: this one, or from November on the next. None: nothing is missing."""
    if calendar.always or (calendar.days == {} and not calendar.confirmed_to):
        return None  # a calendar that follows no notices
    known = int(calendar.confirmed_to[:4]) if calendar.confirmed_to else 0
    if known < today.year:
        return today.year
    return today.year + 1 if today.month >= 11 and known < today.year + 1 else None


def notice_refusal(errors: list[tuple[str, str]]) -> Refused:
    """What is raised where a notice cannot be imported, with its faults."""
    return Refused(Refusal(Code.INVALID, "the calendar cannot be imported; nothing is changed", errors=tuple(errors)))

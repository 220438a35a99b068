"""A year's holiday notice, read and put into a calendar: all of it or nothing. The form is holiday-cn's, one file a
year."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from .directory import Calendar
from .ticket import Refusal, Refused
from .vocabulary import Code

FEWEST = 20  # a whole year's notice has more days: 33 to 39 in 2023-2026


@dataclass(frozen=True, slots=True)
class Announcement:
    """Which days of a year differ from the week's pattern; late December days may stand in the next year's notice."""

    year: int
    days: Mapping[str, bool]  # date -> worked
    names: Mapping[str, str]


def read_announcement(data: Any, file_name: str, wanted: int | None = None) -> Announcement:
    """The notice in this file's data. Raises Refused with every fault: place and rule."""
    year = data.get("year") if isinstance(data, dict) else None
    listed = data.get("days") if isinstance(data, dict) else None
    if not isinstance(year, int) or isinstance(year, bool) or not isinstance(listed, list):
        raise _wrong([("year", "a number, and `days` a list: the form of holiday-cn")])
    errors: list[tuple[str, str]] = []
    named = re.findall(r"(?<![0-9])(?:19|20|21)[0-9]{2}(?![0-9])", file_name)
    if wanted is not None and wanted != year:
        errors.append(("year", f"the file is of {year}, not of {wanted}"))
    elif named and str(year) not in named:
        errors.append(("year", f"the file is named for {named[0]}, and says {year}"))
    if not listed:
        errors.append(("days", f"none: the notice of {year} is not announced yet"))
    days: dict[str, bool] = {}
    names: dict[str, str] = {}
    for place, item in enumerate(listed):
        try:
            day, off, name = date.fromisoformat(item["date"]), item["isOffDay"], str(item.get("name", ""))
        except (KeyError, TypeError, ValueError, AttributeError):
            errors.append((f"days.{place}", "a date YYYY-MM-DD, `isOffDay` and a name"))
            continue
        if not isinstance(off, bool):
            errors.append((f"days.{place}.isOffDay", "true or false"))
        elif day.year != year and (day.year, day.month) != (year - 1, 12):
            errors.append((f"days.{place}.date", f"lies neither in {year} nor in the December before"))
        elif day.isoformat() in days:
            errors.append((f"days.{place}.date", "stands there twice"))
        else:
            days[day.isoformat()], names[day.isoformat()] = not off, name[:60]
    if errors:
        raise _wrong(errors[:50])
    return Announcement(year, days, names)


def announced(calendar: Calendar, notice: Announcement) -> Calendar:
    """The calendar with this notice in it, in place of what it said of that year. Raises Refused where a year before
    it is missing: a deadline must not run over days nobody announced."""
    if calendar.always:
        raise _wrong([("calendar", f"{calendar.code} is worked day and night: no notice changes it")])
    if calendar.confirmed_to and notice.year > int(calendar.confirmed_to[:4]) + 1:
        missing = int(calendar.confirmed_to[:4]) + 1
        raise _wrong([("year", f"{missing} is missing: import it first")])
    days = {d: v for d, v in calendar.days.items() if d[:4] != str(notice.year)} | dict(notice.days)
    names = {d: v for d, v in calendar.names.items() if d[:4] != str(notice.year)} | dict(notice.names)
    return replace(
        calendar,
        days=dict(sorted(days.items())),
        names=dict(sorted(names.items())),
        confirmed_to=max(calendar.confirmed_to, f"{notice.year}-12-31"),
    )


def doubt_about(calendar: Calendar, notice: Announcement) -> str | None:
    """What makes the notice look like a part of one: a year has about thirty days that differ. None: nothing does."""
    before = sum(1 for day in calendar.days if day[:4] == str(notice.year))
    if before > len(notice.days):
        return f"the calendar had {before} days of {notice.year}, the notice has {len(notice.days)}"
    if len(notice.days) < FEWEST:
        return f"the notice has {len(notice.days)} days; a whole year's has about thirty"
    return None


def unannounced(calendar: Calendar, today: date) -> int | None:
    """The year whose notice is missing: this one, or from November on the next. None: nothing is missing."""
    if calendar.always or (calendar.days == {} and not calendar.confirmed_to):
        return None  # a calendar that follows no notices
    known = int(calendar.confirmed_to[:4]) if calendar.confirmed_to else 0
    if known < today.year:
        return today.year
    return today.year + 1 if today.month >= 11 and known < today.year + 1 else None


def _wrong(errors: list[tuple[str, str]]) -> Refused:
    return Refused(Refusal(Code.INVALID, "the calendar cannot be imported; nothing is changed", errors=tuple(errors)))

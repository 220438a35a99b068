"""Hours of a day as a calendar writes them."""

import re
from collections.abc import Iterable
from datetime import date, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from hotline.organisation.model.items import Calendar

DayIntervals = tuple[tuple[time, time | None], ...]  # the intervals of a day; an end of None is 24:00


@lru_cache(maxsize=256)
def parse_hours(hours: tuple[str, ...]) -> DayIntervals:
    """The intervals of a day, in order; an end of None is 24:00. Raises ValueError where one is no interval, or where
    two overlap."""
    found: list[tuple[time, time | None]] = []
    for place, text in enumerate(hours):
        if not re.fullmatch(r"[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]", text):
            raise ValueError(text)
        opens, _, closes = text.partition("-")
        pair = (time.fromisoformat(opens), None if closes == "24:00" else time.fromisoformat(closes))
        over_night = pair[1] is not None and pair[1] <= pair[0]
        if over_night and place != len(hours) - 1:
            raise ValueError(text)
        if found and (found[-1][1] is None or pair[0] < found[-1][1]):
            raise ValueError(text)
        found.append(pair)
    return tuple(found)


def is_zone(name: str) -> bool:
    """Whether the time zone is known."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def are_iso_dates(texts: Iterable[str]) -> bool:
    try:
        return all(date.fromisoformat(text).isoformat() == text for text in texts)
    except ValueError:
        return False


INTERVALS_RULE = "intervals HH:MM-HH:MM, in order, without overlap; one over midnight stands last"


def hours_of_day(calendar: Calendar, day: date) -> tuple[str, ...]:
    """The hours worked on that date. Empty: nobody works."""
    if calendar.always:
        return ("00:00-24:00",)
    iso = day.isoformat()
    if iso in calendar.exceptions:
        return calendar.exceptions[iso]
    worked = calendar.days.get(iso, day.weekday() in calendar.workdays)
    return calendar.weekday_hours.get(str(day.weekday()), calendar.hours) if worked else ()

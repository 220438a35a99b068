"""Reading a time that another system wrote. A time that cannot be read for certain is None: it never becomes another
time, and never now."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Any

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # a clock that shows less was never set
AHEAD = timedelta(days=1)  # how far ahead of ours a clock may be
LONGEST = 64  # characters


class DateOrder(StrEnum):
    """In which order a system writes day (d), month (m) and year (y)."""

    MDY = "mdy"
    DMY = "dmy"
    YMD = "ymd"


_PER_SECOND = {10: 1, 13: 1_000, 16: 1_000_000, 19: 1_000_000_000}  # digits of an epoch since 2001: its unit
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# day periods as the Unicode CLDR lists them for English, Chinese, Japanese, Korean, Greek and Spanish
_BEFORE_NOON = frozenset({"am", "上午", "凌晨", "早上", "清晨", "午前", "오전", "πμ"})
_AFTER_NOON = frozenset({"pm", "下午", "午後", "오후", "μμ"})
_EVENING = "晚上"  # 晚上12 is said of midnight and of noon's other side: not for certain

_EPOCH = re.compile(r"([0-9]{9,19})(?:\.([0-9]{1,9}))?")
_COMPACT = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})[T ]?([0-9]{2})([0-9]{2})([0-9]{2})(?:[.,]?([0-9]{1,9}))?\s?(Z|[+-][0-9:]{2,6})?",
    re.IGNORECASE,
)
_PERIOD = r"(?P<{0}>[ap]\.?\s?m\.?|[πμ]\.?μ\.?|上午|凌晨|早上|清晨|下午|晚上|午前|午後|오전|오후)"
_CLOCK = (
    rf"(?:{_PERIOD.format('before')}\s?)?"
    r"(?P<hour>[0-9]{1,2})[:.时時](?P<minute>[0-9]{2})分?(?:(?:[:.]|(?<=分))(?P<second>[0-9]{2})秒?(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    rf"(?:\s?{_PERIOD.format('after')})?"
    r"(?:\s?(?P<zone>Z|(?:UTC|GMT|UT)?\s?[+-][0-9]{1,2}:?(?:[0-9]{2})?|UTC|GMT|UT))?"
)
_NAME = r"(?P<name>[a-z]{3,9})\.?"
_DAYS = (  # each spelling of a date; they differ by what tells the parts apart
    r"(?P<y>[0-9]{4})(?P<sep>[-/.])(?P<m>[0-9]{1,2})(?P=sep)(?P<d>[0-9]{1,2})",
    r"(?P<y>[0-9]{4})\s?[年년]\s?(?P<m>[0-9]{1,2})\s?[月월]\s?(?P<d>[0-9]{1,2})\s?[日일]",
    r"(?P<one>[0-9]{1,2})(?P<sep>[-/.])(?P<two>[0-9]{1,2})(?P=sep)(?P<y>[0-9]{4})",
    r"(?P<one>[0-9]{1,2})(?P<sep>[-/.])(?P<two>[0-9]{1,2})(?P=sep)(?P<three>[0-9]{1,2})",
    rf"(?P<d>[0-9]{{1,2}})[- ]{_NAME}[- ](?P<y>[0-9]{{4}})",
    rf"{_NAME} (?P<d>[0-9]{{1,2}}),? (?P<y>[0-9]{{4}})",
)
_WRITTEN = tuple(
    re.compile(rf"(?:(?P<weekday>[a-z]{{3,9}}),? )?{day}(?:T|,? |\s?)(?<=[T ,日일]){_CLOCK}", re.IGNORECASE)
    for day in _DAYS
)
_ASCTIME = re.compile(rf"(?P<weekday>[a-z]{{3}}) {_NAME} (?P<d>[0-9]{{1,2}}) {_CLOCK} (?P<y>[0-9]{{4}})", re.IGNORECASE)


def parse_timestamp(value: Any, zone: tzinfo, now: datetime, order: DateOrder | None = None) -> datetime | None:
    """The moment that was written, in UTC; None where it cannot be read for certain.

    Read are seconds, milliseconds, microseconds and nanoseconds since 1970, RFC 3339 and its kin, RFC 2822, C's
    asctime, 14 digits in a row, and dates with a 24-hour or a 12-hour clock. `zone` is of times without one. `order`
    is that of the sender's dates: without it `03/04/2026` is None, and with it a date that contradicts it. None, too:
    a date without a clock or a year, a named zone other than UTC (CST is four of them), a local time that the clocks
    skipped or passed twice, a weekday that is not that day's, and anything before 2000 or more than a day ahead of
    `now`.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if (isinstance(value, int) and value.bit_length() > LONGEST) or (isinstance(value, str) and len(value) > LONGEST):
        return None
    text = _plain(str(value))
    found = _epoch(text) or _written(text, zone, order)
    return found if found is not None and EARLIEST <= found <= now + AHEAD else None


def is_too_far_ahead(timestamp: Any, now: datetime) -> bool:
    """Whether it can be read, and only lies further ahead than a clock may be."""
    ever = datetime(9990, 1, 1, tzinfo=UTC)
    found = (parse_timestamp(timestamp, UTC, ever, order) for order in (None, *DateOrder))
    return any(moment is not None and moment > now + AHEAD / 2 for moment in found)


def _plain(text: str) -> str:
    """Blanks of any kind as one, marks of direction gone: both stand in what localised clocks write."""
    shown = "".join(" " if c.isspace() else c for c in text if unicodedata.category(c) != "Cf")
    return " ".join(shown.split())


def _epoch(text: str) -> datetime | None:
    found = _EPOCH.fullmatch(text)
    if found is None:
        return None
    seconds, fraction = found.groups()
    unit = _PER_SECOND.get(len(seconds), 1 if len(seconds) == 9 else 0)
    if not unit:
        return None
    micros = int(seconds) * 1_000_000 // unit
    if fraction and unit == 1:
        micros += int(fraction[:6].ljust(6, "0"))
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def _written(text: str, zone: tzinfo, order: DateOrder | None) -> datetime | None:
    compact = _COMPACT.fullmatch(text)
    if compact is not None:
        year, month, day, hour, minute, second, fraction, offset = compact.groups()
        return _moment((int(year), int(month), int(day)), (int(hour), int(minute), int(second)), fraction, offset, zone)
    for form in (*_WRITTEN, _ASCTIME):
        found = form.fullmatch(text)
        if found is not None:
            return _moment_from_parts(found.groupdict(), zone, order)
    return None


def _moment_from_parts(parts: dict[str, str | None], zone: tzinfo, order: DateOrder | None) -> datetime | None:
    day, hour = _day(parts, order), _hour(parts)
    if day is None or hour is None:
        return None
    clock = (hour, int(parts["minute"] or 0), int(parts["second"] or 0))
    found = _moment(day, clock, parts["fraction"], parts["zone"], zone)
    weekday = (parts.get("weekday") or "")[:3].casefold()
    if found is not None and weekday and (weekday not in _WEEKDAYS or _weekday(day) != weekday):
        return None
    return found


def _weekday(day: tuple[int, int, int]) -> str:
    return _WEEKDAYS[datetime(*day, tzinfo=UTC).weekday()]


def _day(parts: dict[str, str | None], order: DateOrder | None) -> tuple[int, int, int] | None:
    """Year, month, day; None where their order is not certain."""
    if parts.get("three"):  # a year of two digits: only a setting says which it is
        if order is None:
            return None
        by = dict(zip(order, (parts[p] or "" for p in ("one", "two", "three")), strict=True))
        return (2000 + int(by["y"]), int(by["m"]), int(by["d"])) if len(by["y"]) == 2 else None
    year = int(parts["y"] or 0)
    if parts.get("name"):
        name = (parts["name"] or "").casefold()
        month = next((n for n, known in enumerate(_MONTHS, 1) if name in (known, known[:3])), None)
        return None if month is None else (year, month, int(parts["d"] or 0))
    if parts.get("one"):
        one, two = int(parts["one"] or 0), int(parts["two"] or 0)
        if order is DateOrder.YMD:
            return None
        if order is DateOrder.DMY or (order is None and one > 12):
            return year, two, one
        if order is DateOrder.MDY or two > 12 or one == two:
            return year, one, two
        return None
    return year, int(parts["m"] or 0), int(parts["d"] or 0)


def _hour(parts: dict[str, str | None]) -> int | None:
    """The hour of the day, 0 to 23; None where the half of the day contradicts it."""
    hour, words = int(parts["hour"] or 0), [w for w in (parts["before"], parts["after"]) if w]
    if len(words) > 1:
        return None
    if not words:
        return hour
    word = words[0].replace(".", "").replace(" ", "").casefold()
    if word == _EVENING:
        return None if hour in (0, 12) else hour + 12 if hour < 12 else hour
    if word in _BEFORE_NOON:
        return None if hour > 12 else hour % 12
    if word in _AFTER_NOON:
        return None if hour == 0 else hour if hour >= 12 else hour + 12
    return None


def _moment(
    day: tuple[int, int, int], clock: tuple[int, int, int], fraction: str | None, offset: str | None, zone: tzinfo
) -> datetime | None:
    hour, minute, second = clock
    leap = second == 60  # RFC 3339 lets a minute have 61 seconds
    try:
        micros = int((fraction or "")[:6].ljust(6, "0"))
        local = datetime(*day, hour, minute, 59 if leap else second, micros)  # noqa: DTZ001 (its zone follows)
        if offset is not None:
            found = local.replace(tzinfo=_offset(offset)).astimezone(UTC)
        else:
            early, late = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
            if early != late:
                return None  # the clocks were turned then: this hour was skipped, or passed twice
            found = early
    except (ValueError, OverflowError):
        return None
    return found + timedelta(seconds=1) if leap else found


def _offset(written: str) -> timezone:
    """Raises ValueError for what is none."""
    digits = written.upper().removeprefix("UTC").removeprefix("GMT").removeprefix("UT").strip()
    if digits in ("", "Z"):
        return UTC
    sign, figures = digits[0], digits[1:]
    hours, _, minutes = figures.partition(":") if ":" in figures else (figures[:-2] or figures, "", figures[-2:])
    if len(figures) <= 2:
        hours, minutes = figures, "0"
    apart = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if int(minutes or 0) > 59 or apart > timedelta(hours=14):
        raise ValueError("no offset from UTC")
    return timezone(-apart if sign == "-" else apart)

"""Files of a year's holiday notice: the JSON of holiday-cn, iCalendar, and tables as CSV. Each becomes the
notice's days; nothing is taken that the file does not say."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from hotline.organisation.model.holidays import HolidayNotice, notice_refusal, parse_notice
from hotline.text.charsets import decode_text
from hotline.text.strict_json import parse_strict_json

LARGEST_NOTICE = 180_000  # bytes: ten times the largest of 2023-2026
MOST_ROWS = 5_000
LONGEST_EVENT = 60  # days of one entry of a calendar
_HEADINGS: Mapping[str, str] = {
    "date": "date", "day": "date", "日期": "date",
    "name": "name", "holiday": "name", "名称": "name", "节日": "name", "假期": "name", "節日": "name", "名稱": "name",
    "isoffday": "kind", "kind": "kind", "type": "kind", "类型": "kind", "類型": "kind", "安排": "kind",
}  # fmt: skip
_OFF = frozenset(
    {
        "true",
        "yes",
        "1",
        "off",
        "rest",
        "holiday",
        "休",
        "休息",
        "放假",
        "假期",
        "假日",
        "节假日",
        "節假日",
        "法定节假日",
    }
)
_WORKED = frozenset(
    {"false", "no", "0", "work", "working", "workday", "班", "上班", "补班", "補班", "调休上班", "調休上班", "工作日"}
)
_DATE = re.compile(r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))")
_MARKED_WORKED = re.compile("补班|補班|上班|[(（\\[]班[)）\\]]|(?:^|\\s)班(?:\\s|$)")
_MARKED_OFF = re.compile("假期|放假|休息|[(（\\[]休[)）\\]]|(?:^|\\s)休(?:\\s|$)")
_NUMBERED = re.compile("第\\s?[0-9]{1,2}\\s?天.{0,12}$")


class UnreadableNoticeError(ValueError):
    """The file is no notice; its message is a rule that has its words in the catalogues."""


class _Day(NamedTuple):
    """A day of a file. `place`: where it stands."""

    place: str
    date: date
    is_off: bool
    name: str


def read_notice(content: bytes, file_name: str, expected_year: int | None = None) -> HolidayNotice:
    """The notice that a file holds. Raises ValueError where it is none of these kinds, and Refused with every fault of
    one that is."""
    if not content.strip():
        raise UnreadableNoticeError("it is empty")
    start, suffix = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:20].upper(), file_name.lower().rpartition(".")[2]
    if start.startswith(b"BEGIN:VCALENDAR") or suffix == "ics":
        return _notice_of(list(_days_of_events(content)), file_name, expected_year)
    if start[:1] in (b"{", b"[") or suffix == "json":
        return parse_notice(parse_strict_json(content), file_name, expected_year)
    return _notice_of(_days_of_table(content), file_name, expected_year)


def _notice_of(days: Sequence[_Day], file_name: str, expected_year: int | None) -> HolidayNotice:
    """The notice that these days make. The year is the one that was asked for, else the only one they can be of."""
    year = expected_year or _year_of(days)
    if expected_year is not None:  # a calendar to subscribe to holds several years
        own = [day for day in days if day.date.year == year or (day.date.year, day.date.month) == (year - 1, 12)]
        days = own if any(day.date.year == year for day in own) else []
    listed: list[dict[str, Any]] = [
        {"date": day.date.isoformat(), "isOffDay": day.is_off, "name": day.name} for day in days
    ]
    return parse_notice({"year": year, "days": listed}, file_name, expected_year)


def _year_of(days: Sequence[_Day]) -> int:
    if not days:
        raise notice_refusal([("days", "none: the file names no day")])
    last = max(day.date.year for day in days)
    if any(day.date.year != last and (day.date.year, day.date.month) != (last - 1, 12) for day in days):
        raise notice_refusal([("year", "the file has several years: say which one")])
    return last


def _days_of_table(content: bytes) -> list[_Day]:
    decoded = decode_text(content)
    if decoded is None or "\x00" in decoded.text:
        raise UnreadableNoticeError("it is neither JSON nor iCalendar nor a table as CSV")
    text = decoded.text.lstrip("\ufeff")
    first = text.partition("\n")[0]
    delimiter = max(",;\t，", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error:
        raise UnreadableNoticeError("it is neither JSON nor iCalendar nor a table as CSV") from None
    columns = [_HEADINGS.get(cell.strip().lower()) for cell in rows[0]] if rows else []
    if "date" not in columns or "kind" not in columns:
        raise UnreadableNoticeError("its first line is no heading: date, name and kind (rest or work)")
    if len(rows) > MOST_ROWS:
        raise UnreadableNoticeError(f"it has more than {MOST_ROWS} lines")
    found: list[_Day] = []
    errors: list[tuple[str, str]] = []
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        cells = {column: cell.strip() for column, cell in zip(columns, row, strict=False) if column}
        day, kind = _written_date(cells.get("date", "")), cells.get("kind", "").lower()
        if day is None:
            errors.append((f"row {number}", "a date as 2027-01-01"))
        elif kind not in _OFF and kind not in _WORKED:
            errors.append((f"row {number}", "rest or work"))
        else:
            found.append(_Day(f"row {number}", day, kind in _OFF, cells.get("name", "")))
    if errors:
        raise notice_refusal(errors[:50])
    return found


def _written_date(text: str) -> date | None:
    """A date as spreadsheets write it: 2027-01-01, 2027/1/1, 2027年1月1日, 20270101."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2] or found[4]), int(found[3] or found[5]))
    except ValueError:
        return None


def _days_of_events(content: bytes) -> Iterator[_Day]:
    """The days of a calendar's entries. Where entries say that they are free or worked, as published Chinese calendars
    do (春节（休）, 国庆节 补班), the others are festivals without a day off; where none does, every day is free."""
    from icalendar import Calendar  # 2.5 MB that a server to which nobody sends such a file need not hold

    try:
        events = list(Calendar.from_ical(content).walk("VEVENT"))
        read = [(str(event.get("SUMMARY", "")), *_span_of(event)) for event in events[:MOST_ROWS]]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise UnreadableNoticeError("it is no iCalendar that can be read") from None
    is_marked = any(_MARKED_OFF.search(title) or _MARKED_WORKED.search(title) for title, _, _ in read)
    for number, (title, start, length) in enumerate(read, 1):
        is_worked = _MARKED_WORKED.search(title) is not None
        if is_marked and not is_worked and not _MARKED_OFF.search(title):
            continue
        name = _MARKED_OFF.sub(" ", _MARKED_WORKED.sub(" ", _NUMBERED.sub("", title)))
        for place in range(length):
            yield _Day(f"event {number}", start + timedelta(days=place), not is_worked, " ".join(name.split())[:60])


def _span_of(event: Any) -> tuple[date, int]:
    """The first day of an entry, and how many it covers. The end of an entry of whole days is the day behind it."""
    start = event["DTSTART"].dt
    first = date(start.year, start.month, start.day)
    end = event["DTEND"].dt if "DTEND" in event else None
    length = (date(end.year, end.month, end.day) - first).days if end is not None else 1
    if not 0 <= length <= LONGEST_EVENT:
        raise ValueError
    return first, max(1, length)

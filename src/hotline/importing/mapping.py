"""The mapping of another system's export: which column holds what, and which of its words is which of ours. Everything
that can be wrong with a mapping is found before the first row is read. docs/importing.md describes the file."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.hours import is_zone
from hotline.organisation.model.items import CODE_PATTERN
from hotline.organisation.model.vocabulary import Channel, DepartmentKind, Kind, Priority
from hotline.refusals import Code, Refusal, Refused
from hotline.text.strict_json import parse_strict_json
from hotline.tickets.model.vocabulary import DeclineReason, TicketStatus, VoidReason
from hotline.web.rule_texts import rule_of_error

EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)  # dates that stand for "none" lie before it: 1900, 1899-12-30, 1970-01-01
_STRICT = {"extra": "forbid"}
S = TicketStatus
# Where a row may end, and the ticket's state there. The two words of orders say how far the department was.
STATUSES: Mapping[str, TicketStatus] = {
    "received": S.RECEIVED,
    "triaged": S.TRIAGED,
    "dispatched": S.DISPATCHED,
    "issued": S.DISPATCHED,
    "accepted": S.DISPATCHED,
    "awaiting_info": S.AWAITING_INFO,
    "resolved": S.RESOLVED,
    "shelved": S.SHELVED,
    "closed": S.CLOSED,
    "declined": S.DECLINED,
    "withdrawn": S.WITHDRAWN,
    "void": S.VOID,
}
NEEDS_DEPARTMENT = frozenset({"dispatched", "issued", "accepted", "resolved"})
_SINGLE = ("id", "created_at", "closed_at", "due_at", "phone", "name", "lat", "lon")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnTranslation:
    """How a column's words become ours. `other`: for words not listed; None refuses the row. `prefix`: made from the
    word itself."""

    __pydantic_config__ = _STRICT
    column: str
    values: Mapping[str, str] = field(default_factory=dict)
    other: str | None = None
    prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMapping:
    """What stands where in a file. Columns are named as its heading names them."""

    __pydantic_config__ = _STRICT
    about: str
    source: str
    format: Literal["csv", "json", "jsonl"]
    id: str
    zone: str  # of times without a written offset
    time_format: str | tuple[str, ...]  # strptime's, `iso8601` or `unix`; the first that fits counts
    created_at: str
    closed_at: str | None = None
    closed_before_created: Literal["refuse", "at_creation"] = "refuse"
    updated_at: str | None = None
    due_at: str | None = None  # the other hotline's deadline
    title: tuple[str, ...]
    narrative: tuple[str, ...]
    address: tuple[str, ...] = ()
    lat: str | None = None
    lon: str | None = None
    phone: str | None = None
    name: str | None = None  # the caller's
    contact: tuple[str, ...] = ()  # other ways to reach the caller
    reply: str | None = None
    default_reply: str
    status: ColumnTranslation
    department: ColumnTranslation | None = None
    area: ColumnTranslation | None = None
    channel: ColumnTranslation | None = None
    category: ColumnTranslation
    priority: ColumnTranslation | None = None
    kind: ColumnTranslation | None = None
    confidential: ColumnTranslation | None = None  # yes or no
    reply_wanted: ColumnTranslation | None = None  # yes or no
    decline_reason: DeclineReason | None = None
    void_reason: VoidReason | None = None
    odd: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def formats(self) -> tuple[str, ...]:
        return (self.time_format,) if isinstance(self.time_format, str) else self.time_format

    def words(self) -> Iterator[tuple[str, ColumnTranslation]]:
        """(name, words) of every column that is translated."""
        for name in ("status", "department", "area", "channel", "category", "priority", "kind", "confidential",
                     "reply_wanted"):  # fmt: skip
            words = getattr(self, name)
            if words is not None:
                yield name, words

    def columns(self) -> Iterator[tuple[str, str]]:
        """(where the mapping names it, column) of every column the file must have."""
        for name in ("id", "created_at", "closed_at", "updated_at", "due_at", "lat", "lon", "phone", "name", "reply"):
            column = getattr(self, name)
            if column is not None:
                yield name, column
        for name in ("title", "narrative", "address", "contact"):
            yield from ((f"{name}.{place}", column) for place, column in enumerate(getattr(self, name)))
        yield from ((f"{name}.column", words.column) for name, words in self.words())
        yield from ((f"odd.{column}", column) for column in self.odd)


@dataclass(frozen=True, slots=True)
class ParsedMapping:
    """A mapping as far as it can be read: `faults` says what is not well formed as (path, rule), and `mapping` has
    something in the place of each, so that all else can be checked."""

    mapping: ImportMapping
    faults: tuple[tuple[str, str], ...] = ()

    def is_malformed_at(self, where: str) -> bool:
        """Whether what was found at this path comes of something that is not well formed there."""
        name = where.split(".")[0]
        return any(path.split(".")[0] == name for path, _ in self.faults)


_IN_PLACE: Mapping[str, Any] = {
    "about": "-", "source": "-", "format": "csv", "id": "-", "zone": "UTC", "time_format": "iso8601", "created_at": "-",
    "title": (), "narrative": ("-",), "default_reply": "-",
    "status": ColumnTranslation(column="-"), "category": ColumnTranslation(column="-"),
}  # fmt: skip


def load_mapping(folder: Path) -> ImportMapping:
    """The mapping of a folder. Raises Refused where it is not there or not right."""
    read = load_partial_mapping(folder)
    if read.faults:
        raise Refused(Refusal(Code.INVALID, "the mapping is not well formed", errors=read.faults))
    return read.mapping


def load_partial_mapping(folder: Path) -> ParsedMapping:
    """The mapping of a folder and what is not well formed in it. Raises Refused where it is not there, or no JSON
    object."""
    path = folder / "mapping.json"
    if not path.is_file():
        raise Refused(
            Refusal(
                Code.NOT_FOUND, f"no mapping at {folder.name}", errors=(("mapping", "a folder with a mapping.json"),)
            )
        )
    try:
        data = parse_strict_json(path.read_bytes())
        if not isinstance(data, dict):
            rule = "an object of names and values"
            raise Refused(Refusal(Code.INVALID, "the mapping is not well formed", errors=(("mapping", rule),)))
        return _read(data)
    except ValueError as fault:
        raise Refused(
            Refusal(Code.INVALID, f"the mapping is not well formed: {fault}", errors=(("mapping.json", str(fault)),))
        ) from None
    except OSError as fault:
        why = fault.strerror or type(fault).__name__
        raise Refused(Refusal(Code.INVALID, f"the mapping cannot be read: {why}")) from None


def _read(data: dict[str, Any]) -> ParsedMapping:
    check = TypeAdapter(ImportMapping)
    try:
        return ParsedMapping(check.validate_python(data))
    except ValidationError as wrong:
        found = wrong.errors(include_input=False, include_url=False)
    faults = tuple((".".join(map(str, e["loc"])), rule_of_error(e["type"], e["msg"])) for e in found)
    bad = {str(e["loc"][0]) for e in found}
    sound = {name: value for name, value in data.items() if name not in bad}
    return ParsedMapping(check.validate_python({**{n: v for n, v in _IN_PLACE.items() if n in bad}, **sound}), faults)


def mapping_errors(mapping: ImportMapping, directory: Directory) -> list[tuple[str, str]]:
    """Everything that is wrong with the mapping by itself, or with this directory: (path in the file, rule)."""
    faults = list(_structure_errors(mapping))
    for name, words in mapping.words():
        faults += _translation_errors(name, words, directory)
    return faults


def _structure_errors(mapping: ImportMapping) -> Iterator[tuple[str, str]]:
    if not CODE_PATTERN.fullmatch(mapping.source):
        yield "source", "1-40 of a-z 0-9 _ . -, beginning with a letter or digit"
    if not is_zone(mapping.zone):
        yield "zone", "unknown time zone"
    elif not mapping.formats:
        yield "time_format", "at least one"
    for place, text in enumerate(mapping.formats):
        where = "time_format" if isinstance(mapping.time_format, str) else f"time_format.{place}"
        if rule := time_format_error(text):
            yield where, rule
    if (
        not mapping.default_reply.strip()
        or len(mapping.default_reply) > 4_000
        or not mapping.default_reply.isprintable()
    ):
        yield "default_reply", "1-4000 printable characters"
    if not mapping.narrative:
        yield "narrative", "at least one column"
    if (mapping.lat is None) != (mapping.lon is None):
        yield ("lat" if mapping.lat is None else "lon"), "left out together with the other one"
    seen: dict[str, str] = {}
    for name in _SINGLE:
        column = getattr(mapping, name)
        if column is not None and column in seen:
            yield name, f"the same column as {seen[column]}"
        seen.setdefault(column, name)
    for name, column in mapping.columns():
        if column != column.strip() or not column:
            yield name, "a column's name, without blanks around it"
    ends = {*mapping.status.values.values(), mapping.status.other or ""}
    if "declined" in ends and mapping.decline_reason is None:
        yield "decline_reason", f"needed where a status is declined: one of {', '.join(DeclineReason)}"
    if "void" in ends and mapping.void_reason is None:
        yield "void_reason", f"needed where a status is void: one of {', '.join(VoidReason)}"
    if mapping.department is None and ends & NEEDS_DEPARTMENT:
        yield "department", f"needed where a status is {', '.join(sorted(ends & NEEDS_DEPARTMENT))}"


def _translation_errors(name: str, words: ColumnTranslation, directory: Directory) -> Iterator[tuple[str, str]]:
    allowed = allowed_targets(name, directory)
    if words.prefix is not None:
        if name not in _NOUNS:
            yield f"{name}.prefix", "only for department, area and category"
        elif words.values or words.other is not None:
            yield f"{name}.prefix", "a prefix, or values and other, not both"
        elif not any(code.startswith(words.prefix) for code in allowed):
            yield f"{name}.prefix", f"no code of the directory's {_NOUNS[name]} begins with it"
        return
    if not words.values and words.other is None:
        yield name, "values, other or prefix"
    given = [(f"{name}.values.{word}", target) for word, target in words.values.items()]
    for where, target in [*given, *([(f"{name}.other", words.other)] if words.other is not None else [])]:
        if target not in allowed:
            yield where, _unknown(name, target, directory)


_NOUNS = {"department": "departments", "area": "areas", "category": "categories"}
YES_OR_NO = ("yes", "no")
_ENUMS: Mapping[str, tuple[str, ...]] = {
    "status": tuple(STATUSES),
    "channel": tuple(Channel),
    "priority": tuple(Priority),
    "kind": tuple(Kind),
    "confidential": YES_OR_NO,
    "reply_wanted": YES_OR_NO,
}


def allowed_targets(name: str, directory: Directory) -> frozenset[str]:
    """What a word of this column may become: our words, or codes of the directory that can be chosen."""
    if name not in _NOUNS:
        return frozenset(_ENUMS[name])
    items = directory.noun(_NOUNS[name]).values()
    return frozenset(i.code for i in items if i.active and getattr(i, "kind", None) is not DepartmentKind.COMMITTEE)


def _unknown(name: str, target: str, directory: Directory) -> str:
    if target == S.MERGED:
        return "cannot be imported: into which ticket is not known; take closed or withdrawn"
    if name in _NOUNS:
        item = directory.noun(_NOUNS[name]).get(target)
        if item is not None and item.active:
            return "a committee oversees; it takes no orders"
        return f"unknown or retired: not in the directory's {_NOUNS[name]}"
    return f"one of {', '.join(_ENUMS[name])}"


# --- times

_WRITTEN_ZONE = re.compile(
    r"(?<=[0-9Mm])[ \t]*(?:(?P<utc>Z|z|UTC|GMT)|(?P<sign>[+-])(?P<h>[0-9]{2}):?(?P<m>[0-9]{2}))\Z"
)
_ZONE_OF_FORMAT = re.compile(r"[ \t]{0,3}(?:%z|%Z|Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})\Z")
_EXAMPLE = datetime(2021, 11, 23, 17, 42, 36, tzinfo=UTC)
_HOURS = re.compile(r"%[HIcXTR]")


def time_format_error(text: str) -> str | None:
    """What is wrong with a time format: it cannot be read, or loses a part of the time. None: nothing."""
    if text in _SPECIAL:
        return None
    if not text.strip():
        return "not empty"
    base = _ZONE_OF_FORMAT.sub("", text)
    if "%Z" in base:
        return "%Z stands at the end, or not at all: names of zones are no offsets"
    try:
        read = datetime.strptime(_EXAMPLE.strftime(base), base)  # noqa: DTZ007 - only its parts are looked at
    except (ValueError, re.error) as fault:
        directive = "bad directive" in str(fault) or "stray %" in str(fault)
        return "not a format of strptime" if directive else "cannot read what it writes"
    if read.date() != _EXAMPLE.date():
        return "reads no whole date: year, month and day are needed"
    if _HOURS.search(base) and read.hour != _EXAMPLE.hour:
        return "reads no hour of the day: %H, or %I with %p"
    return None


class TimeParser:
    """Reads the times of a file. An offset that is written in a time always counts; the zone is for those without."""

    def __init__(self, zone: str, formats: tuple[str, ...]) -> None:
        self._zone = ZoneInfo(zone)
        self._formats = [(text, _ZONE_OF_FORMAT.sub("", text), _ZONE_OF_FORMAT.search(text) is not None)
                         for text in formats]  # fmt: skip

    def read(self, text: str) -> tuple[datetime, str | None]:
        """(moment in UTC, what was odd about it). Raises ValueError where it is no time in these formats, or lies
        before `EARLIEST` or beyond what can be counted."""
        text = text.strip()
        for written, base, has_zone in self._formats:
            local = self._parsed(text, written, base, has_zone)
            if local is None:
                continue
            try:
                moment, error = self._in_utc(local)
            except OverflowError:
                raise ValueError("lies outside the years that can be counted") from None
            if moment < EARLIEST:
                raise ValueError(f"lies before {EARLIEST.year}")
            return moment, error
        raise ValueError(f"not a moment as {' or '.join(written for written, _, _ in self._formats)}")

    def _parsed(self, text: str, written: str, base: str, has_zone: bool) -> datetime | None:
        if written in _SPECIAL:
            special: datetime | None = _SPECIAL[written](text)
            return special
        if not has_zone:
            try:
                return datetime.strptime(text, base)  # noqa: DTZ007 - `_in_utc` gives it the file's zone
            except ValueError:
                pass
        zone = _WRITTEN_ZONE.search(text)
        if zone is None:
            return None
        try:
            local = datetime.strptime(text[: zone.start()], base)  # noqa: DTZ007 - its own offset follows
            offset = "+0000" if zone["utc"] else f"{zone['sign']}{zone['h']}{zone['m']}"
            return local.replace(tzinfo=datetime.strptime(offset, "%z").tzinfo)
        except ValueError:
            return None

    def _in_utc(self, local: datetime) -> tuple[datetime, str | None]:
        if local.tzinfo is not None:
            return local.astimezone(UTC), None
        first = local.replace(tzinfo=self._zone).astimezone(UTC)
        if first == local.replace(tzinfo=self._zone, fold=1).astimezone(UTC):
            return first, None
        if first.astimezone(self._zone).replace(tzinfo=None) == local:
            return first, "an hour that came twice when clocks were set back: taken as the first"
        return first, "an hour that was skipped when clocks were set forward: taken as the hour after"


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _unix(text: str) -> datetime | None:
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
        return None
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (OverflowError, OSError, ValueError):
        return None


_SPECIAL: Mapping[str, Callable[[str], Any]] = {"iso8601": _iso, "unix": _unix}

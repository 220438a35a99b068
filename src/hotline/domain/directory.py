"""The organisation as data: departments, categories, areas, routes, words, limits, calendars. One immutable snapshot.

`faults_of` says what is wrong with a candidate snapshot; REST and `hotline seed` both ask it before anything is kept.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from .vocabulary import (
    AreaLevel,
    AttributeType,
    Counting,
    Danger,
    DayEnd,
    DepartmentKind,
    Hours,
    Intake,
    Kind,
    Level,
    Metric,
    Outer,
    Priority,
    Receiver,
    Starts,
    Unit,
)

_STRICT = {"extra": "forbid"}
CODE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
ANY = "*"
NOUNS = (
    "house",
    "calendars",
    "departments",
    "areas",
    "categories",
    "policies",
    "ladders",
    "rosters",
    "words",
    "routes",
)  # in the order they are seeded


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The hotline itself: its name, time zone, calendar, and the dispatcher of last resort. One item, code `house`."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    name: str
    name_en: str
    calendar: str
    fallback: str  # department of the dispatcher of last resort: routing is never empty
    sure_at: float = 0.75  # from this confidence on, rules dispatch by themselves; below it a dispatcher decides
    area: str | None = None  # the root of all areas
    committee: str | None = None  # the committee that the last steps of a ladder tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Working hours as "09:00-12:00" intervals (an end not after its start lies on the next day), and the days that
    differ: true = a working day. `always`: day and night, every day; nothing else then counts."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    name: str
    name_en: str
    zone: str
    hours: tuple[str, ...] = ()
    workdays: tuple[int, ...] = (0, 1, 2, 3, 4)  # 0 = Monday
    weekday_hours: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # "5": ["09:00-12:00"] on Saturdays
    days: Mapping[str, bool] = field(default_factory=dict)  # as the year's notice has it
    names: Mapping[str, str] = field(default_factory=dict)  # of those days
    notices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # year of a notice -> the days it gave
    papers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # year of a notice -> where it was published
    exceptions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # our own: that day's hours, none = closed
    confirmed_to: str = ""  # the last day a published notice covers
    always: bool = False
    counting: Counting = Counting.CIVIL
    day_ends: DayEnd = DayEnd.MIDNIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A unit that acts. `parent` makes the tree a handler's view follows."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    name: str
    name_en: str
    kind: DepartmentKind
    parent: str | None = None
    phone: str | None = None
    areas: tuple[str, ...] = ()  # where it works; empty: everywhere
    head: str | None = None  # the login of the one who answers for it
    auto_assign: bool = False  # an unsigned order goes to whoever is on duty with the least work
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A place, from city to building. `aliases` are what residents call it."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    name: str
    name_en: str
    level: AreaLevel
    parent: str | None = None
    aliases: tuple[str, ...] = ()
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer of a list."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """What Open311 clients are asked with a category, in order. `variable` false: shown only, not answered."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    description: str
    datatype: AttributeType = AttributeType.STRING
    required: bool = False
    variable: bool = True
    datatype_description: str = ""
    values: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """What a matter is about: it routes. `scheme` is the code in the outer code book; `words` hint at it. `attributes`
    and `intake` are for Open311 clients: what they are asked, and whether they get a number at once."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    name: str
    name_en: str
    parent: str | None = None
    scheme: str | None = None
    kind: Kind = Kind.REQUEST
    priority: Priority = Priority.NORMAL
    confidential: bool = False
    words: tuple[str, ...] = ()
    active: bool = True
    attributes: tuple[Attribute, ...] = ()
    intake: Intake = Intake.REALTIME


@dataclass(frozen=True, slots=True)
class Span:
    """How long: an amount of a unit, as "7 working_days", "1.5 calendar_hours" or "0:05 calendar_hours" (5 minutes)."""

    amount: Fraction
    unit: Unit

    def __str__(self) -> str:
        if self.amount.denominator == 1:
            return f"{self.amount} {self.unit}"
        if (self.amount * 10_000).denominator == 1:
            return f"{float(self.amount)} {self.unit}"
        hours, minutes = divmod(round(self.amount * 60), 60)  # what was written in minutes stays exact
        return f"{hours}:{minutes:02d} {self.unit}"


@lru_cache(maxsize=1024)
def span_of(text: str) -> Span:
    """A span from its text. Raises ValueError, naming the rule."""
    number, _, unit = text.strip().partition(" ")
    if unit not in set(Unit):
        raise ValueError(f"an amount and one of {', '.join(Unit)}, as 7 working_days or 0:05 calendar_hours")
    hours, colon, minutes = number.partition(":")
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,4})?" if not colon else r"[0-9]{1,5}:[0-5][0-9]", number):
        raise ValueError("an amount above 0, as 7, 1.5 or 0:05")
    amount = Fraction(int(hours)) + Fraction(int(minutes), 60) if colon else Fraction(number)
    if not 0 < amount <= 10_000:
        raise ValueError("an amount above 0, at most 10000")
    if unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS) and amount.denominator != 1:
        raise ValueError("whole days: take hours for less")
    return Span(amount, Unit(unit))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long each part may take, for a case: kind, priority, category and area. The most specific row counts:
    priority before category before area before kind. Limits are spans, as "2 working_hours"."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    source: str
    dispatch: str
    accept: str
    contact: str
    resolve: str
    kind: str = ANY
    priority: str = ANY
    category: str = ANY
    area: str = ANY
    redo: str | None = None  # after a reopening; absent: half of `resolve`
    call_back: str = "1 working_days"
    silence: str = "7 calendar_days"  # a resolved matter nobody says a word about is closed after it
    info: str = "24 calendar_hours"  # how long we wait for the caller to tell what is missing
    ruling: str = "1 working_days"
    extension: str = "1 working_days"
    audit: str = "1 working_days"
    starts: Starts = Starts.RECEIVED
    outer: Outer = Outer.GOVERNS
    outer_margin: int = 1  # working days by which ours ends before an outer deadline
    calendar: str | None = None  # absent: the house's


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a ladder: when, who is told, which colour. `share` of the limit (1 = when it ends), or `later`
    behind its end."""

    share: Fraction | None
    later: Span | None
    tell: tuple[Receiver, ...]
    level: Level

    @property
    def is_warning(self) -> bool:
        """Before the limit ends."""
        return self.share is not None and self.share < 1


@lru_cache(maxsize=1024)
def step_of(text: str) -> Step:
    """A step from its text: "80% head yellow", "+1 working_days supervisor+committee red". Raises ValueError."""
    words = text.split()
    if not words or (words[0].startswith("+") and len(words) < 3) or len(words) < 2:
        raise ValueError('a step as "80% head yellow" or "+1 working_days supervisor+committee red"')
    share, later = None, None
    if words[0].endswith("%"):
        if not re.fullmatch(r"[0-9]{1,3}%", words[0]) or not 0 < int(words[0][:-1]) <= 100:
            raise ValueError("a share of the limit from 1% to 100%")
        share, rest = Fraction(int(words[0][:-1]), 100), words[1:]
    elif words[0].startswith("+"):
        later, rest = span_of(f"{words[0][1:]} {words[1]}"), words[2:]
        if later.unit is Unit.CALENDAR_DAYS:
            raise ValueError("later by hours or by working days")
    else:
        raise ValueError("begins with a share as 80%, or with a delay as +1 working_days")
    if not 1 <= len(rest) <= 2 or not set(rest[0].split("+")) <= set(Receiver):
        raise ValueError(f"who is told: one or more of {', '.join(Receiver)}, joined by +")
    if len(rest) == 2 and rest[1] not in set(Level):
        raise ValueError(f"a colour: one of {', '.join(Level)}")
    return Step(
        share, later, tuple(map(Receiver, rest[0].split("+"))), Level(rest[1]) if len(rest) == 2 else Level.BLUE
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Who is told when, as a clock runs towards its limit and past it; the last words are repeated until somebody
    acts. For these metrics, at this priority."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    metrics: tuple[Metric, ...]
    steps: tuple[str, ...]
    repeat: str  # between one repetition of the last step and the next
    priority: str = ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody who takes turns. `code` is their login where they have one."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    name: str
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Hours that somebody is on duty, on these weekdays. The turn passes on every `every` days from `since` on."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    hours: str  # "20:00-08:00": an end not after its start lies on the next day
    turns: tuple[str, ...]
    since: str  # the date the first turn began
    every: int = 1
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    until: str | None = None  # the last date


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody else for a while, local time "2026-12-31T20:00". `instead_of` None: whoever it would be."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    start: str
    end: str
    member: str | None  # None: nobody
    instead_of: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Who is on duty for a department, day and night."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    name: str
    name_en: str
    department: str
    zone: str
    members: tuple[Member, ...]
    shifts: tuple[Shift, ...]
    overrides: tuple[Override, ...] = ()
    whole: bool = True  # 24 × 365 is promised: a gap is a fault in the plan
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Words that mean something. Exactly one of danger, kind, priority, ignore, past says what.

    `near`: counts only if one of these also stands in the text. `ignore`: phrases blotted out before anything is
    looked for.
    `past`: told as over; a danger in the same sentence becomes a mere flag."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    words: tuple[str, ...]
    danger: Danger | None = None
    kind: Kind | None = None
    priority: Priority | None = None
    ignore: bool = False
    past: bool = False
    near: tuple[str, ...] = ()
    category: str | None = None  # of a danger: what the matter is about where no category's own words say so
    tell: str | None = None  # what the operator says at once
    tell_en: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A row of the dispatch catalogue (派单目录). `*` is any; a category or an area stands for all below it too."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    lead: str
    category: str = ANY
    kind: str = ANY
    area: str = ANY
    hours: Hours = Hours.ALWAYS
    assists: tuple[str, ...] = ()
    performer: str | None = None
    basis: str | None = None  # the duty-list row that makes the lead responsible
    active: bool = True


SHAPES: Mapping[str, type] = {
    "house": House,
    "calendars": Calendar,
    "departments": Department,
    "areas": Area,
    "categories": Category,
    "policies": Policy,
    "ladders": Ladder,
    "rosters": Roster,
    "words": Words,
    "routes": Route,
}
# which fields name items of another noun; the checks below hold each of them
REFERS: Mapping[str, Mapping[str, str]] = {
    "house": {"calendar": "calendars", "fallback": "departments", "committee": "departments", "area": "areas"},
    "departments": {"parent": "departments", "areas": "areas"},
    "areas": {"parent": "areas"},
    "categories": {"parent": "categories"},
    "policies": {"category": "categories", "area": "areas", "calendar": "calendars"},
    "rosters": {"department": "departments"},
    "words": {"category": "categories"},
    "routes": {
        "lead": "departments",
        "assists": "departments",
        "performer": "departments",
        "category": "categories",
        "area": "areas",
    },
}
# which fields are one word of a vocabulary, or any
ANY_OF: Mapping[str, Mapping[str, type[StrEnum]]] = {
    "policies": {"kind": Kind, "priority": Priority},
    "ladders": {"priority": Priority},
    "routes": {"kind": Kind},
}


@dataclass(frozen=True)
class Directory:
    """Everything at one version. Maps go from code to item."""

    version: int
    house: Mapping[str, House] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    departments: Mapping[str, Department] = field(default_factory=dict)
    areas: Mapping[str, Area] = field(default_factory=dict)
    categories: Mapping[str, Category] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    rosters: Mapping[str, Roster] = field(default_factory=dict)
    words: Mapping[str, Words] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    versions: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (noun, code) -> when it last changed

    @property
    def home(self) -> House | None:
        return next(iter(self.house.values()), None)

    def noun(self, noun: str) -> Mapping[str, Any]:
        return getattr(self, noun)  # type: ignore[no-any-return]

    @cached_property
    def below(self) -> Mapping[str, frozenset[str]]:
        """Department -> itself and all below it."""
        return _subtrees({d.code: d.parent for d in self.departments.values()})

    @cached_property
    def areas_below(self) -> Mapping[str, frozenset[str]]:
        """Area -> itself and all below it."""
        return _subtrees({a.code: a.parent for a in self.areas.values()})

    @cached_property
    def categories_below(self) -> Mapping[str, frozenset[str]]:
        return _subtrees({c.code: c.parent for c in self.categories.values()})

    def area_path(self, code: str | None) -> tuple[str, ...]:
        """The area and those it lies in, smallest first."""
        return _path(self.areas, code)

    def category_path(self, code: str | None) -> tuple[str, ...]:
        return _path(self.categories, code)

    def name_of(self, noun: str, code: str | None) -> dict[str, str] | None:
        """{code, name, name_en} as replies show it; an unknown code shows itself."""
        if code is None:
            return None
        return self._shown(noun).get(code) or {"code": code, "name": code, "name_en": code}

    def _shown(self, noun: str) -> dict[str, dict[str, str]]:
        known = self.__dict__.setdefault("_names", {})
        if noun not in known:
            items = self.noun(noun).values()
            known[noun] = {i.code: {"code": i.code, "name": i.name, "name_en": i.name_en} for i in items}
        return known[noun]  # type: ignore[no-any-return]


def _subtrees(parents: Mapping[str, str | None]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {code: {code} for code in parents}
    for code in parents:
        seen, above = {code}, parents.get(code)
        while above is not None and above in parents and above not in seen:
            found[above].add(code)
            seen.add(above)
            above = parents[above]
    return {code: frozenset(members) for code, members in found.items()}


def _path(items: Mapping[str, Any], code: str | None) -> tuple[str, ...]:
    path: list[str] = []
    while code is not None and code in items and code not in path:
        path.append(code)
        code = items[code].parent
    return tuple(path)


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing wrong with the directory: where (noun/code), which field, which rule."""

    noun: str
    code: str
    field: str
    rule: str


def faults_of(directory: Directory) -> list[Wrong]:
    """Everything wrong with this candidate. Empty: it may be kept."""
    return list(_faults(directory))


_LISTS = frozenset({AttributeType.SINGLE, AttributeType.MULTI})
_OURS = "fixmystreet_id"  # stands in every definition by itself


def _attribute_faults(category: Category) -> Iterable[Wrong]:
    codes = [a.code for a in category.attributes]
    for place, asked in enumerate(category.attributes):
        where = f"attributes.{place}"
        if not CODE.fullmatch(asked.code) or asked.code == _OURS:
            yield Wrong("categories", category.code, f"{where}.code", f"a-z 0-9 _ . -, and not {_OURS}")
        if codes.count(asked.code) > 1:
            yield Wrong("categories", category.code, f"{where}.code", "stands there twice")
        keys = [v.key for v in asked.values]
        if (asked.datatype in _LISTS) != bool(keys) or len(set(keys)) != len(keys):
            yield Wrong(
                "categories", category.code, f"{where}.values", "a list has values, each once; others have none"
            )
        if not asked.variable and asked.required:
            yield Wrong("categories", category.code, f"{where}.required", "what is shown only cannot be required")


def _faults(d: Directory) -> Iterable[Wrong]:
    for noun in NOUNS:
        for item in d.noun(noun).values():
            if not CODE.fullmatch(item.code):
                yield Wrong(noun, item.code, "code", "1-40 of a-z 0-9 _ . -, beginning with a letter or digit")
            for name in ("name", "name_en"):
                if hasattr(item, name) and not 1 <= len(getattr(item, name).strip()) <= 120:
                    yield Wrong(noun, item.code, name, "1-120 characters")
    for noun in ("departments", "areas", "categories"):
        items = d.noun(noun)
        for item in items.values():
            if item.parent is not None and item.parent not in items:
                yield Wrong(noun, item.code, "parent", f"unknown: {item.parent}")
            elif item.parent is not None and len(_path(items, item.code)) and _circular(items, item.code):
                yield Wrong(noun, item.code, "parent", "stands above itself")
            elif item.parent is not None and item.active and not items[item.parent].active:
                yield Wrong(noun, item.code, "parent", f"retired: {item.parent}")
    for department in d.departments.values():
        for code in department.areas:
            if code not in d.areas:
                yield Wrong("departments", department.code, "areas", f"unknown area: {code}")
    for category in d.categories.values():
        yield from _attribute_faults(category)
    yield from _house_faults(d)
    yield from _calendar_faults(d)
    yield from _policy_faults(d)
    yield from _ladder_faults(d)
    yield from _roster_faults(d)
    yield from _word_faults(d)
    yield from _route_faults(d)


def _circular(items: Mapping[str, Any], code: str) -> bool:
    seen, above = set(), items[code].parent
    while above is not None and above in items and above not in seen:
        if above == code:
            return True
        seen.add(above)
        above = items[above].parent
    return False


def _house_faults(d: Directory) -> Iterable[Wrong]:
    if len(d.house) > 1:
        yield Wrong("house", next(reversed(list(d.house))), "code", "only one house")
    if d.home is None:
        if d.routes or d.policies:
            yield Wrong("house", "house", "code", "missing: routing needs a fallback department")
        return
    if d.home.fallback not in d.departments or not d.departments[d.home.fallback].active:
        yield Wrong("house", d.home.code, "fallback", f"unknown or retired department: {d.home.fallback}")
    if d.home.calendar not in d.calendars:
        yield Wrong("house", d.home.code, "calendar", f"unknown calendar: {d.home.calendar}")
    if d.home.committee is not None and d.home.committee not in d.departments:
        yield Wrong("house", d.home.code, "committee", f"unknown department: {d.home.committee}")
    if d.home.area is not None and d.home.area not in d.areas:
        yield Wrong("house", d.home.code, "area", f"unknown area: {d.home.area}")
    if not 0 < d.home.sure_at <= 1:
        yield Wrong("house", d.home.code, "sure_at", "above 0, at most 1")


Hourly = tuple[tuple[time, time | None], ...]  # the intervals of a day; an end of None is 24:00


@lru_cache(maxsize=256)
def hours_in(hours: tuple[str, ...]) -> Hourly:
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


def _dates(texts: Iterable[str]) -> bool:
    try:
        return all(date.fromisoformat(text).isoformat() == text for text in texts)
    except ValueError:
        return False


_INTERVALS = "intervals HH:MM-HH:MM, in order, without overlap; one over midnight stands last"


def _calendar_faults(d: Directory) -> Iterable[Wrong]:
    for c in d.calendars.values():
        if not is_zone(c.zone):
            yield Wrong("calendars", c.code, "zone", "unknown time zone")
        for name, texts in (("days", c.days), ("names", c.names), ("exceptions", c.exceptions)):
            if not _dates(texts):
                yield Wrong("calendars", c.code, name, "dates YYYY-MM-DD")
        for name, by_year in (("notices", c.notices), ("papers", c.papers)):
            if not all(re.fullmatch(r"[0-9]{4}", year) for year in by_year):
                yield Wrong("calendars", c.code, name, "keys are years YYYY")
        given = [day for days in c.notices.values() for day in days]
        if not _dates(given):
            yield Wrong("calendars", c.code, "notices", "dates YYYY-MM-DD")
        elif len(set(given)) != len(given):
            yield Wrong("calendars", c.code, "notices", "each day in one notice alone")
        if c.confirmed_to and not _dates([c.confirmed_to]):
            yield Wrong("calendars", c.code, "confirmed_to", "a date YYYY-MM-DD")
        if c.always:
            continue
        if not set(c.weekday_hours) <= set("0123456"):
            yield Wrong("calendars", c.code, "weekday_hours", "keys are 0 (Monday) to 6")
            continue
        if not set(c.workdays) <= set(range(7)) or len(set(c.workdays)) != len(c.workdays):
            yield Wrong("calendars", c.code, "workdays", "each of 0-6 at most once")
            continue
        week = [c.weekday_hours.get(str(n), c.hours) if n in c.workdays else () for n in range(7)]
        if not any(week):
            yield Wrong("calendars", c.code, "hours", "a calendar needs working time")
        for name, several in (("hours", (c.hours,)), ("weekday_hours", c.weekday_hours.values()),
                              ("exceptions", c.exceptions.values())):  # fmt: skip
            try:
                for hours in several:
                    hours_in(tuple(hours))
            except ValueError:
                yield Wrong("calendars", c.code, name, _INTERVALS)
                break
        else:
            yield from _nights(c, week)


def hours_on(calendar: Calendar, day: date) -> tuple[str, ...]:
    """The hours worked on that date. Empty: nobody works."""
    if calendar.always:
        return ("00:00-24:00",)
    iso = day.isoformat()
    if iso in calendar.exceptions:
        return calendar.exceptions[iso]
    worked = calendar.days.get(iso, day.weekday() in calendar.workdays)
    return calendar.weekday_hours.get(str(day.weekday()), calendar.hours) if worked else ()


def _nights(c: Calendar, week: list[tuple[str, ...]]) -> Iterable[Wrong]:
    """A night shift may not run into the next day's first hours."""
    days = [hours_in(tuple(hours)) for hours in (*week, c.hours)]
    if any(_runs_into(one, other) for one in days for other in days):
        yield Wrong("calendars", c.code, "hours", "a night shift runs into the next day's hours")
    for text in c.exceptions:
        if not _dates([text]) or text in ("0001-01-01", "9999-12-31"):
            continue
        day = date.fromisoformat(text)
        before, own, after = (hours_in(tuple(hours_on(c, day + timedelta(days=n)))) for n in (-1, 0, 1))
        if _runs_into(before, own) or _runs_into(own, after):
            yield Wrong(
                "calendars", c.code, "exceptions", f"around {text} a night shift runs into the next day's hours"
            )


def _runs_into(one: Hourly, other: Hourly) -> bool:
    """Whether the last hours of one day reach into the first of the next."""
    if not one or not other:
        return False
    opens, closes = one[-1]
    return closes is not None and closes <= opens and other[0][0] < closes


_SPANS = (
    "dispatch",
    "accept",
    "contact",
    "resolve",
    "redo",
    "call_back",
    "silence",
    "info",
    "ruling",
    "extension",
    "audit",
)


def _policy_faults(d: Directory) -> Iterable[Wrong]:
    seen: dict[tuple[str, str, str, str], str] = {}
    for p in d.policies.values():
        yield from _selector_faults(d, "policies", p)
        if p.priority != ANY and p.priority not in set(Priority):
            yield Wrong("policies", p.code, "priority", "unknown priority")
        if p.area != ANY and p.area not in d.areas:
            yield Wrong("policies", p.code, "area", f"unknown area: {p.area}")
        if p.calendar is not None and p.calendar not in d.calendars:
            yield Wrong("policies", p.code, "calendar", f"unknown calendar: {p.calendar}")
        if not p.source.strip():
            yield Wrong("policies", p.code, "source", "which rule says so")
        if not 0 <= p.outer_margin <= 30:
            yield Wrong("policies", p.code, "outer_margin", "0-30 working days")
        for name in _SPANS:
            text = getattr(p, name)
            try:
                if text is not None:
                    span_of(text)
            except ValueError as fault:
                yield Wrong("policies", p.code, name, str(fault))
        key = (p.kind, p.priority, p.category, p.area)
        if key in seen:
            yield Wrong(
                "policies", p.code, "kind", f"overlaps with {seen[key]}: the same kind, priority, category and area"
            )
        seen[key] = p.code
    if d.home and (ANY, ANY, ANY, ANY) not in seen:
        yield Wrong("policies", "*", "kind", "one row for every case (*, *, *, *) is needed")


def _ladder_faults(d: Directory) -> Iterable[Wrong]:
    seen: dict[tuple[str, str], str] = {}
    for ladder in d.ladders.values():
        if ladder.priority != ANY and ladder.priority not in set(Priority):
            yield Wrong("ladders", ladder.code, "priority", "unknown priority")
        if not ladder.metrics:
            yield Wrong("ladders", ladder.code, "metrics", "at least one")
        for metric in ladder.metrics:
            if (metric, ladder.priority) in seen:
                yield Wrong(
                    "ladders", ladder.code, "metrics", f"{metric}: overlaps with {seen[(metric, ladder.priority)]}"
                )
            seen[(metric, ladder.priority)] = ladder.code
        try:
            if span_of(ladder.repeat).unit is Unit.CALENDAR_DAYS:
                raise ValueError("by hours or by working days")
        except ValueError as fault:
            yield Wrong("ladders", ladder.code, "repeat", str(fault))
        steps: list[Step] = []
        for place, text in enumerate(ladder.steps):
            try:
                steps.append(step_of(text))
            except ValueError as fault:
                yield Wrong("ladders", ladder.code, f"steps.{place}", str(fault))
        if len(steps) != len(ladder.steps):
            continue
        shares = [s.share for s in steps if s.share is not None]
        if 1 not in shares:
            yield Wrong("ladders", ladder.code, "steps", "one step at 100% is needed: a missed limit is always told")
        if shares != sorted(set(shares)) or any(s.share is None for s in steps[: len(shares)]):
            yield Wrong("ladders", ladder.code, "steps", "in order: shares first, each once, then what comes later")


def _roster_faults(d: Directory) -> Iterable[Wrong]:
    for r in d.rosters.values():
        if r.department not in d.departments:
            yield Wrong("rosters", r.code, "department", f"unknown department: {r.department}")
        if not is_zone(r.zone):
            yield Wrong("rosters", r.code, "zone", "unknown time zone")
        members = [m.code for m in r.members]
        if not members or len(set(members)) != len(members):
            yield Wrong("rosters", r.code, "members", "at least one, each code once")
        if not r.shifts or len({s.code for s in r.shifts}) != len(r.shifts):
            yield Wrong("rosters", r.code, "shifts", "at least one, each code once")
        right = True
        for place, shift in enumerate(r.shifts):
            for wrong, rule in _shift_faults(shift, set(members)):
                right = False
                yield Wrong("rosters", r.code, f"shifts.{place}.{wrong}", rule)
        for what, codes in (("members", members), ("shifts", [s.code for s in r.shifts])):
            for place, named in enumerate(codes):
                if not named.strip():
                    right = False
                    yield Wrong("rosters", r.code, f"{what}.{place}.code", "not empty")
        for place, member in enumerate(r.members):
            if not member.name.strip():
                yield Wrong("rosters", r.code, f"members.{place}.name", "not empty")
        for place, o in enumerate(r.overrides):
            for name, code in (("member", o.member), ("instead_of", o.instead_of)):
                if code is not None and code not in members:
                    yield Wrong("rosters", r.code, f"overrides.{place}.{name}", f"unknown member: {code}")
            try:
                start, end = datetime.fromisoformat(o.start), datetime.fromisoformat(o.end)
                if start.tzinfo or end.tzinfo or not start < end or end - start > timedelta(days=62):
                    raise ValueError
                if not (start.year >= 1990 and end.year <= 2190):
                    raise ValueError
            except ValueError:
                yield Wrong(
                    "rosters",
                    r.code,
                    f"overrides.{place}.start",
                    "local times YYYY-MM-DDTHH:MM, start before end, at most 62 days",
                )
        if right and is_zone(r.zone):
            yield from _week_faults(r)


def _shift_faults(shift: Shift, members: set[str]) -> Iterable[tuple[str, str]]:
    try:
        hours_in((shift.hours,))
    except ValueError:
        yield "hours", "HH:MM-HH:MM; an end not after its start lies on the next day"
    if not shift.turns or not set(shift.turns) <= members:
        yield "turns", "members of this roster, at least one"
    days = [shift.since, *([shift.until] if shift.until is not None else [])]
    if not _dates(days) or not all(1990 <= int(day[:4]) <= 2190 for day in days):
        yield "since", "dates YYYY-MM-DD, from 1990 to 2190"
    if not 1 <= shift.every <= 366:
        yield "every", "1-366 days"
    if not shift.weekdays or not set(shift.weekdays) <= set(range(7)):
        yield "weekdays", "at least one of 0-6"


def _week_faults(r: Roster) -> Iterable[Wrong]:
    """Holes and overlaps of an ordinary week, by the minute."""
    week = 7 * 1440
    spans: list[tuple[int, int, str]] = []
    for shift in (s for s in r.shifts if s.until is None):
        ((opens, closes),) = hours_in((shift.hours,))
        start, end = opens.hour * 60 + opens.minute, 1440 if closes is None else closes.hour * 60 + closes.minute
        end += 1440 if end <= start else 0
        spans += [(d * 1440 + start, d * 1440 + end, shift.code) for d in shift.weekdays]
    spans += [(a - week, b - week, code) for a, b, code in spans if b > week]
    spans = sorted((max(a, 0), min(b, week), code) for a, b, code in spans)
    reached, last = 0, ""
    for a, b, code in spans:
        if a < reached:
            yield Wrong("rosters", r.code, "shifts", f"{last} and {code} overlap on {_weekday(a)}")
            return
        if r.whole and a > reached:
            yield Wrong(
                "rosters",
                r.code,
                "shifts",
                f"nobody on duty {_weekday(reached)} to {_weekday(a)}: a hole in a 24-hour roster",
            )
            return
        reached, last = b, code
    if r.whole and reached < week and any(s.until is None for s in r.shifts):
        yield Wrong("rosters", r.code, "shifts", f"nobody on duty from {_weekday(reached)}: a hole in a 24-hour roster")


def _weekday(minute: int) -> str:
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return f"{names[minute // 1440 % 7]} {minute % 1440 // 60:02d}:{minute % 60:02d}"


def _word_faults(d: Directory) -> Iterable[Wrong]:
    for w in d.words.values():
        meant = [w.danger is not None, w.kind is not None, w.priority is not None, w.ignore, w.past]
        if sum(meant) != 1:
            yield Wrong("words", w.code, "danger", "exactly one of danger, kind, priority, ignore, past")
        if w.category is not None and (w.danger is None or w.category not in d.categories):
            yield Wrong("words", w.code, "category", "a known category, and only with a danger")
        if not w.words or any(not word.strip() for word in w.words):
            yield Wrong("words", w.code, "words", "at least one, none empty")


def _selector_faults(d: Directory, noun: str, item: Any) -> Iterable[Wrong]:
    if item.category != ANY and item.category not in d.categories:
        yield Wrong(noun, item.code, "category", f"unknown category: {item.category}")
    if item.kind != ANY and item.kind not in set(Kind):
        yield Wrong(noun, item.code, "kind", "unknown kind")


def _route_faults(d: Directory) -> Iterable[Wrong]:
    rows = [r for r in d.routes.values() if r.active]
    for r in rows:
        yield from _selector_faults(d, "routes", r)
        if r.area != ANY and r.area not in d.areas:
            yield Wrong("routes", r.code, "area", f"unknown area: {r.area}")
        for name, codes in (
            ("lead", (r.lead,)),
            ("assists", r.assists),
            ("performer", (r.performer,) if r.performer else ()),
        ):
            for code in codes:
                if code not in d.departments:
                    yield Wrong("routes", r.code, name, f"unknown department: {code}")
                elif not d.departments[code].active:
                    yield Wrong("routes", r.code, name, f"retired department: {code}")
        if r.lead in r.assists:
            yield Wrong("routes", r.code, "assists", "the lead does not assist itself")
        if (r.category in d.categories and not d.categories[r.category].active) or (
            r.area in d.areas and not d.areas[r.area].active
        ):
            yield Wrong("routes", r.code, "category", "unreachable: its category or area is retired")
    cases: dict[tuple[str, str, str], dict[Hours, str]] = {}
    for r in rows:
        held = cases.setdefault((r.category, r.kind, r.area), {})
        if r.hours in held:
            yield Wrong(
                "routes", r.code, "category", f"overlaps with {held[r.hours]}: the same category, kind, area and hours"
            )
        held[r.hours] = r.code
    for (category, kind, area), held in cases.items():
        split = {Hours.DUTY, Hours.WORKING} <= held.keys()
        if Hours.ALWAYS in held and split:
            yield Wrong(
                "routes", held[Hours.ALWAYS], "hours", "unreachable: the rows for working and duty hours cover it"
            )
        if kind == ANY and all(_covered(cases.get((category, k, area), {})) for k in Kind):
            for code in held.values():
                yield Wrong("routes", code, "kind", "unreachable: rows for every kind cover it")


def _covered(held: Mapping[Hours, str]) -> bool:
    return Hours.ALWAYS in held or {Hours.DUTY, Hours.WORKING} <= held.keys()

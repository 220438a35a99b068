"""The organisation as data: departments, categories, areas, routes, words, limits, calendars. One immutable snapshot.

`faults_of` says what is wrong with a candidate snapshot; REST and `hotline seed` both ask it before anything is kept.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from functools import cached_property
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from .vocabulary import AreaLevel, Danger, DepartmentKind, Hours, Kind, Priority, Unit

_STRICT = {"extra": "forbid"}
CODE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
ANY = "*"
NOUNS = (
    "house",
    "calendars",
    "departments",
    "areas",
    "categories",
    "limits",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Working hours by weekday (0 = Monday) as "09:00-12:00" intervals, and the days that differ: true = a working
    day."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    name: str
    name_en: str
    zone: str
    hours: tuple[str, ...]
    workdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    days: Mapping[str, bool] = field(default_factory=dict)
    confirmed_to: str = ""  # the last day a published notice covers


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
class Category:
    """What a matter is about: it routes. `scheme` is the code in the outer code book; `words` hint at it."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How long: to accept and to close, by kind and priority; the most specific row counts. Amounts in `unit`."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str
    accept: float
    accept_unit: Unit
    close: float
    close_unit: Unit
    source: str
    kind: str = ANY
    priority: str = ANY
    category: str = ANY


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
    "limits": Limit,
    "words": Words,
    "routes": Route,
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
    limits: Mapping[str, Limit] = field(default_factory=dict)
    words: Mapping[str, Words] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)

    @property
    def home(self) -> House | None:
        return next(iter(self.house.values()), None)

    @property
    def calendar(self) -> Calendar | None:
        return self.calendars.get(self.home.calendar) if self.home else None

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
    yield from _house_faults(d)
    yield from _calendar_faults(d)
    yield from _limit_faults(d)
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
        if d.routes or d.limits:
            yield Wrong("house", "house", "code", "missing: routing needs a fallback department")
        return
    if d.home.fallback not in d.departments or not d.departments[d.home.fallback].active:
        yield Wrong("house", d.home.code, "fallback", f"unknown or retired department: {d.home.fallback}")
    if d.home.calendar not in d.calendars:
        yield Wrong("house", d.home.code, "calendar", f"unknown calendar: {d.home.calendar}")
    if d.home.area is not None and d.home.area not in d.areas:
        yield Wrong("house", d.home.code, "area", f"unknown area: {d.home.area}")
    if not 0 < d.home.sure_at <= 1:
        yield Wrong("house", d.home.code, "sure_at", "above 0, at most 1")


def intervals(calendar: Calendar) -> tuple[tuple[time, time], ...]:
    """The working intervals of a day. Raises ValueError where one is no interval."""
    found: list[tuple[time, time]] = []
    for text in calendar.hours:
        start, _, end = text.partition("-")
        pair = (time.fromisoformat(start), time.max if end == "24:00" else time.fromisoformat(end))
        if pair[0] >= pair[1] or (found and pair[0] < found[-1][1]):
            raise ValueError(text)
        found.append(pair)
    return tuple(found)


def _calendar_faults(d: Directory) -> Iterable[Wrong]:
    for c in d.calendars.values():
        try:
            ZoneInfo(c.zone)
        except (KeyError, ValueError, OSError):
            yield Wrong("calendars", c.code, "zone", "unknown time zone")
        try:
            if not intervals(c):
                yield Wrong("calendars", c.code, "hours", "a calendar needs working time")
        except ValueError:
            yield Wrong("calendars", c.code, "hours", "intervals HH:MM-HH:MM, in order, without overlap")
        if not c.workdays or not set(c.workdays) <= set(range(7)):
            yield Wrong("calendars", c.code, "workdays", "at least one of 0-6")
        for day in c.days:
            try:
                date.fromisoformat(day)
            except ValueError:
                yield Wrong("calendars", c.code, "days", "dates YYYY-MM-DD")
                break


def _limit_faults(d: Directory) -> Iterable[Wrong]:
    seen: dict[tuple[str, str, str], str] = {}
    for limit in d.limits.values():
        yield from _selector_faults(d, "limits", limit)
        if limit.priority != ANY and limit.priority not in set(Priority):
            yield Wrong("limits", limit.code, "priority", "unknown priority")
        for name in ("accept", "close"):
            if not 0 < getattr(limit, name) <= 3660:
                yield Wrong("limits", limit.code, name, "above 0, at most 3660")
        key = (limit.kind, limit.priority, limit.category)
        if key in seen:
            yield Wrong("limits", limit.code, "kind", f"the same case as {seen[key]}")
        seen[key] = limit.code
    if d.home and (ANY, ANY, ANY) not in seen:
        yield Wrong("limits", "*", "kind", "one row for every case (*, *, *) is needed")


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

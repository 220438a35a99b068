"""The organisation as data: departments, categories, areas, routes, words, limits, calendars. One immutable snapshot.

`directory_errors` of `organisation/model/validation` checks a new snapshot; the API and `hotline seed` both call it
before they store anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from hotline.organisation.model.items import (
    Area,
    Calendar,
    Category,
    DangerFrame,
    Department,
    EscalationPolicy,
    Hazard,
    IncidentRule,
    NamedItem,
    Organisation,
    Roster,
    Route,
    SlaPolicy,
    Symptom,
    WordList,
    Words,
)
from hotline.organisation.model.vocabulary import Kind, Metric, Priority
from hotline.organisation.model.working_time import WorkingTime

APART = "apart"  # begins the codes of word lists whose words two calls may tell apart
# in the order they are seeded
SEED_ORDER_NOUNS = (
    "house",
    "calendars",
    "departments",
    "areas",
    "categories",
    "policies",
    "ladders",
    "rosters",
    "words",
    "word_lists",
    "symptoms",
    "hazards",
    "danger_frames",
    "incident_rules",
    "routes",
)


ITEM_TYPES: Mapping[str, type] = {
    "house": Organisation,
    "calendars": Calendar,
    "departments": Department,
    "areas": Area,
    "categories": Category,
    "policies": SlaPolicy,
    "ladders": EscalationPolicy,
    "rosters": Roster,
    "words": Words,
    "word_lists": WordList,
    "symptoms": Symptom,
    "hazards": Hazard,
    "danger_frames": DangerFrame,
    "incident_rules": IncidentRule,
    "routes": Route,
}
# which fields name items of another noun; the checks below hold each of them
REFERENCES: Mapping[str, Mapping[str, str]] = {
    "house": {"calendar": "calendars", "fallback": "departments", "committee": "departments", "area": "areas"},
    "departments": {"parent": "departments", "areas": "areas", "successor": "departments"},
    "areas": {"parent": "areas"},
    "categories": {"parent": "categories"},
    "policies": {"category": "categories", "area": "areas", "calendar": "calendars"},
    "rosters": {"department": "departments"},
    "words": {"category": "categories"},
    "symptoms": {"category": "categories", "effect_of": "symptoms"},
    "hazards": {"category": "categories"},
    "danger_frames": {"category": "categories"},
    "incident_rules": {"category": "categories", "also": "categories"},
    "routes": {
        "lead": "departments",
        "assists": "departments",
        "performer": "departments",
        "category": "categories",
        "area": "areas",
    },
}
# which fields are one word of a vocabulary, or any
VOCABULARY_FIELDS: Mapping[str, Mapping[str, type[StrEnum]]] = {
    "policies": {"kind": Kind, "priority": Priority},
    "ladders": {"priority": Priority},
    "routes": {"kind": Kind},
}


@dataclass(frozen=True)  # rendered in every line of every list: without slots that is twice as fast
class Named:
    """An item of the directory by its code and names."""

    code: str
    name: str
    name_en: str


@dataclass(frozen=True)
class Directory:
    """Everything at one version. Maps go from code to item."""

    version: int
    house: Mapping[str, Organisation] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    departments: Mapping[str, Department] = field(default_factory=dict)
    areas: Mapping[str, Area] = field(default_factory=dict)
    categories: Mapping[str, Category] = field(default_factory=dict)
    policies: Mapping[str, SlaPolicy] = field(default_factory=dict)
    ladders: Mapping[str, EscalationPolicy] = field(default_factory=dict)
    rosters: Mapping[str, Roster] = field(default_factory=dict)
    words: Mapping[str, Words] = field(default_factory=dict)
    word_lists: Mapping[str, WordList] = field(default_factory=dict)
    symptoms: Mapping[str, Symptom] = field(default_factory=dict)
    hazards: Mapping[str, Hazard] = field(default_factory=dict)
    danger_frames: Mapping[str, DangerFrame] = field(default_factory=dict)
    incident_rules: Mapping[str, IncidentRule] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    versions: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (noun, code) -> when it last changed

    @property
    def home(self) -> Organisation | None:
        return next(iter(self.house.values()), None)

    def noun(self, noun: str) -> Mapping[str, Any]:
        return getattr(self, noun)  # type: ignore[no-any-return]

    @cached_property
    def department_subtrees(self) -> Mapping[str, frozenset[str]]:
        """Department -> itself and all below it."""
        return _subtrees({d.code: d.parent for d in self.departments.values()})

    @cached_property
    def area_subtrees(self) -> Mapping[str, frozenset[str]]:
        """Area -> itself and all below it."""
        return _subtrees({a.code: a.parent for a in self.areas.values()})

    @cached_property
    def category_subtrees(self) -> Mapping[str, frozenset[str]]:
        return _subtrees({c.code: c.parent for c in self.categories.values()})

    def area_path(self, code: str | None) -> tuple[str, ...]:
        """The area and those it lies in, smallest first."""
        return path_to_root(self.areas, code)

    def category_path(self, code: str | None) -> tuple[str, ...]:
        return path_to_root(self.categories, code)

    def optional_item_name(self, noun: str, code: str | None) -> Named | None:
        """An item's code and names as replies show them; an unknown code shows itself. None where there is no code."""
        if code is None:
            return None
        return self.named(noun, code)

    def named(self, noun: str, code: str) -> Named:
        """An item's code and names; an unknown code shows itself."""
        return self._names[noun].get(code) or Named(code, code, code)

    @cached_property
    def _names(self) -> Mapping[str, Mapping[str, Named]]:
        return {
            noun: {i.code: Named(i.code, i.name, i.name_en) for i in self.noun(noun).values()}
            for noun, shape in ITEM_TYPES.items()
            if issubclass(shape, NamedItem)
        }

    @cached_property
    def working_times(self) -> Mapping[str, WorkingTime]:
        """Calendar -> the same, ready to count with."""
        return {code: WorkingTime(calendar) for code, calendar in self.calendars.items()}

    @cached_property
    def routes_by_category(self) -> Mapping[str, Sequence[Route]]:
        """A category or ANY -> the active rows of the dispatch catalogue that name it, in the catalogue's order."""
        found: dict[str, list[Route]] = {}
        for row in self.routes.values():
            if row.active:
                found.setdefault(row.category, []).append(row)
        return found

    @cached_property
    def words_told_apart(self) -> Sequence[tuple[str, str, Sequence[str]]]:
        """(group, kind, words) of each word list `apart-GROUP-KIND`."""
        found = [(code.split("-", 2), listed.words) for code, listed in self.word_lists.items()]
        return [(parts[1], parts[2], words) for parts, words in found if parts[0] == APART and len(parts) == 3]

    @cached_property
    def incident_rules_by_category(self) -> Mapping[str, IncidentRule]:
        return {rule.category: rule for rule in self.incident_rules.values()}

    @cached_property
    def policies_by_case(self) -> Mapping[tuple[str, str, str, str], SlaPolicy]:
        """(priority, category, area, kind), each a word or ANY -> the first policy that says so."""
        items = reversed(list(self.policies.values()))
        return {(item.priority, item.category, item.area, item.kind): item for item in items}

    @cached_property
    def escalation_policies_by_case(self) -> Mapping[tuple[Metric, str], EscalationPolicy]:
        """(metric, priority or ANY) -> the first escalation policy of that case."""
        items = reversed(list(self.ladders.values()))
        return {(metric, item.priority): item for item in items for metric in item.metrics}


def zone_of(directory: Directory) -> ZoneInfo:
    """The organisation's time zone: its days are counted there."""
    calendar = directory.calendars.get(directory.home.calendar) if directory.home else None
    return ZoneInfo(calendar.zone if calendar else "Asia/Shanghai")


def _subtrees(parents: Mapping[str, str | None]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {code: {code} for code in parents}
    for code in parents:
        seen, above = {code}, parents.get(code)
        while above is not None and above in parents and above not in seen:
            found[above].add(code)
            seen.add(above)
            above = parents[above]
    return {code: frozenset(members) for code, members in found.items()}


def path_to_root(items: Mapping[str, Any], code: str | None) -> tuple[str, ...]:
    path: list[str] = []
    while code is not None and code in items and code not in path:
        path.append(code)
        code = items[code].parent
    return tuple(path)


def is_circular(items: Mapping[str, Any], code: str) -> bool:
    seen, above = set(), items[code].parent
    while above is not None and above in items and above not in seen:
        if above == code:
            return True
        seen.add(above)
        above = items[above].parent
    return False

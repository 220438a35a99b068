"""What is wrong with a directory is said, all of it, before anything is kept."""

from dataclasses import replace
from typing import Any

import pytest

from hotline.organisation.model.directory import REFERENCES, SEED_ORDER_NOUNS, VOCABULARY_FIELDS, Directory
from hotline.organisation.model.validation import directory_errors
from hotline.organisation.service.directory import parse_item
from hotline.organisation.service.seeding import read_seed_items
from hotline.packaged_files import packaged_folder


def loaded(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {noun: {} for noun in SEED_ORDER_NOUNS}
    for noun, code, item in read_seed_items(packaged_folder("seeds") / name, packaged_folder("seeds")):
        found[noun][code] = item
    return found


@pytest.mark.parametrize("name", ["ruiquan", "liucheng"])
def test_the_seeds_are_right(name: str) -> None:
    assert directory_errors(Directory(1, **loaded(name))) == []


def test_the_first_home_has_what_the_paper_says() -> None:
    d = Directory(1, **loaded("ruiquan"))
    assert len([c for c in d.categories.values() if c.parent is None]) == 12
    assert len(d.routes) >= 60
    assert sum(x.kind == "committee" for x in d.departments.values()) == 4
    assert sum(a.level == "grid" for a in d.areas.values()) == 7


def test_the_second_home_has_fifteen_communities() -> None:
    d = Directory(1, **loaded("liucheng"))
    assert sum(a.level == "community" for a in d.areas.values()) == 15
    assert {r.area for r in d.routes.values()} >= {a.code for a in d.areas.values() if a.level == "community"}


CALENDAR = {"name": "x", "name_en": "x", "zone": "Asia/Shanghai", "hours": ["09:00-12:00"]}
POLICY = {"source": "x", **dict.fromkeys(("dispatch", "accept", "contact", "resolve"), "1 working_days")}
LADDER = {"metrics": ["report"], "steps": ["100% head"], "repeat": "1 working_days"}


def roster(hours: tuple[str, ...], **over: Any) -> dict[str, Any]:
    """A 24-hour roster of these shifts, all by one member."""
    shift = {"turns": ["a"], "since": "2026-01-01", **over}
    shifts = [{"code": f"s{n}", "hours": h, **shift} for n, h in enumerate(hours)]
    members = [{"code": "a", "name": "A"}]
    return {
        "name": "x",
        "name_en": "x",
        "department": "water",
        "zone": "Asia/Shanghai",
        "members": members,
        "shifts": shifts,
    }


ROSTER = roster(("00:00-24:00",))
CHANGES: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("routes", "x", {"lead": "nobody", "category": "tc-road"}, "lead", "unknown department"),
    ("routes", "x", {"lead": "water", "category": "nothing"}, "category", "unknown category"),
    ("routes", "x", {"lead": "water", "area": "nowhere"}, "area", "unknown area"),
    ("routes", "x", {"lead": "water", "kind": "wish"}, "kind", "unknown kind"),
    ("routes", "x", {"lead": "water", "category": "sdq-water"}, "category", "overlaps with r-sdq-water"),
    ("routes", "x", {"lead": "water", "category": "za", "assists": ["water"]}, "assists", "does not assist itself"),
    ("departments", "x", {"name": "x", "name_en": "x", "kind": "office", "parent": "nobody"}, "parent", "unknown"),
    (
        "departments",
        "yongquan-street",
        {"name": "x", "name_en": "x", "kind": "street", "parent": "residents-affairs"},
        "parent",
        "above itself",
    ),
    (
        "departments",
        "water",
        {"name": "x", "name_en": "x", "kind": "utility", "active": False},
        "lead",
        "retired department",
    ),
    ("areas", "x", {"name": " ", "name_en": "x", "level": "grid"}, "name", "1-120"),
    (
        "policies",
        "x",
        {**POLICY, "kind": "praise", "priority": "urgent", "accept": "-1 working_days"},
        "accept",
        "above 0",
    ),
    ("policies", "x", {**POLICY, "kind": "praise", "area": "rq", "resolve": "0 working_days"}, "resolve", "above 0"),
    (
        "policies",
        "x",
        {**POLICY, "kind": "praise", "area": "rq", "resolve": "2.5 working_days"},
        "resolve",
        "whole days",
    ),
    (
        "policies",
        "x",
        {**POLICY, "kind": "praise", "area": "rq", "resolve": "7 weeks"},
        "resolve",
        "one of calendar_hours",
    ),
    ("policies", "x", {**POLICY, "area": "nowhere"}, "area", "unknown area"),
    ("policies", "x", {**POLICY, "calendar": "mars", "area": "rq"}, "calendar", "unknown calendar"),
    ("policies", "x", {**POLICY, "source": " ", "area": "rq"}, "source", "which rule"),
    ("policies", "x", POLICY, "kind", "overlaps with otherwise"),
    ("ladders", "x", {**LADDER, "metrics": ["report"]}, "metrics", "overlaps with report"),
    ("ladders", "x", {**LADDER, "steps": ["50% handler"]}, "steps", "one step at 100%"),
    ("ladders", "x", {**LADDER, "steps": ["100% handler", "50% head"]}, "steps", "in order"),
    ("ladders", "x", {**LADDER, "steps": ["100% mayor"]}, "steps.0", "the receivers"),
    ("ladders", "x", {**LADDER, "steps": ["100% head purple"]}, "steps.0", "a colour"),
    ("ladders", "x", {**LADDER, "steps": ["200% head"]}, "steps.0", "from 1% to 100%"),
    ("ladders", "x", {**LADDER, "steps": ["later head"]}, "steps.0", "begins with a share"),
    ("ladders", "x", {**LADDER, "repeat": "soon"}, "repeat", "one of calendar_hours"),
    ("rosters", "x", {**ROSTER, "department": "nobody"}, "department", "unknown department"),
    ("rosters", "x", {**ROSTER, "zone": "Mars/Base"}, "zone", "unknown time zone"),
    ("rosters", "x", {**ROSTER, "members": []}, "members", "at least one"),
    ("rosters", "x", roster(("08:00-20:00",)), "shifts", "a hole in a 24-hour roster"),
    ("rosters", "x", roster(("08:00-20:00", "20:00-07:00")), "shifts", "nobody on duty Monday 07:00 to Monday 08:00"),
    ("rosters", "x", roster(("08:00-21:00", "20:00-08:00")), "shifts", "overlap on Monday 20:00"),
    ("rosters", "x", roster(("08:00-20:00", "20:00-08:00"), weekdays=[0, 1, 2, 3, 4]), "shifts", "nobody on duty"),
    ("rosters", "x", roster(("25:00-26:00",)), "shifts.0.hours", "HH:MM"),
    (
        "rosters",
        "x",
        roster(("00:00-24:00",)) | {"members": [{"code": "a", "name": "A"}, {"code": " ", "name": "B"}]},
        "members.1.code",
        "not empty",
    ),
    (
        "rosters",
        "x",
        roster(("00:00-24:00",)) | {"members": [{"code": "a", "name": " "}]},
        "members.0.name",
        "not empty",
    ),
    ("rosters", "x", roster(("00:00-24:00",), turns=["ghost"]), "shifts.0.turns", "members of this roster"),
    ("rosters", "x", roster(("00:00-24:00",), since="2026-13-01"), "shifts.0.since", "dates"),
    ("rosters", "x", roster(("00:00-24:00",), every=0), "shifts.0.every", "1-366"),
    (
        "rosters",
        "x",
        {
            **roster(("00:00-24:00",)),
            "overrides": [{"start": "2026-01-02T08:00", "end": "2026-01-02T07:00", "member": "a"}],
        },
        "overrides.0.start",
        "start before end",
    ),
    (
        "rosters",
        "x",
        {
            **roster(("00:00-24:00",)),
            "overrides": [{"start": "2026-01-02T08:00", "end": "2026-01-02T09:00", "member": "z"}],
        },
        "overrides.0.member",
        "unknown member",
    ),
    ("words", "x", {"words": ["a"]}, "danger", "exactly one"),
    ("words", "x", {"words": [], "past": True}, "words", "at least one"),
    (
        "calendars",
        "x",
        {"name": "x", "name_en": "x", "zone": "Mars/Base", "hours": ["09:00-12:00"]},
        "zone",
        "unknown time zone",
    ),
    (
        "calendars",
        "x",
        {"name": "x", "name_en": "x", "zone": "Asia/Shanghai", "hours": []},
        "hours",
        "needs working time",
    ),
    (
        "calendars",
        "x",
        {"name": "x", "name_en": "x", "zone": "Asia/Shanghai", "hours": ["13:00-17:00", "09:00-14:00"]},
        "hours",
        "intervals",
    ),
    ("calendars", "x", {**CALENDAR, "hours": ["22:00-06:00", "08:00-09:00"]}, "hours", "over midnight stands last"),
    ("calendars", "x", {**CALENDAR, "hours": ["05:00-09:00", "22:00-06:00"]}, "hours", "runs into the next day"),
    ("calendars", "x", {**CALENDAR, "days": {"2026-02-30": True}}, "days", "dates"),
    ("calendars", "x", {**CALENDAR, "exceptions": {"2026-02-03": ["9-12"]}}, "exceptions", "intervals"),
    ("calendars", "x", {**CALENDAR, "workdays": []}, "hours", "needs working time"),
    ("calendars", "x", {**CALENDAR, "workdays": [7]}, "workdays", "each of 0-6"),
    ("calendars", "x", {**CALENDAR, "confirmed_to": "next year"}, "confirmed_to", "a date"),
    (
        "house",
        "house",
        {"name": "x", "name_en": "x", "calendar": "cn", "fallback": "water", "committee": "x"},
        "committee",
        "unknown department",
    ),
    (
        "house",
        "house",
        {"name": "x", "name_en": "x", "calendar": "cn", "fallback": "nobody"},
        "fallback",
        "unknown or retired",
    ),
    (
        "house",
        "second",
        {"name": "x", "name_en": "x", "calendar": "cn", "fallback": "water"},
        "code",
        "only one organisation",
    ),
]


@pytest.mark.parametrize(
    ("noun", "code", "body", "field", "rule"), CHANGES, ids=[f"{c[0]}-{c[3]}-{c[4]}" for c in CHANGES]
)
def test_a_wrong_item_is_named_with_its_field_and_rule(
    noun: str, code: str, body: dict[str, Any], field: str, rule: str
) -> None:
    items = loaded("ruiquan")
    items[noun][code] = parse_item(noun, {**body, "code": code})
    found = directory_errors(Directory(1, **items))
    assert any(w.field == field and rule in w.rule for w in found), found


@pytest.mark.parametrize(
    ("noun", "field"), [(n, f) for table in (REFERENCES, VOCABULARY_FIELDS) for n, fs in table.items() for f in fs]
)
def test_what_a_form_offers_is_what_the_checks_hold(noun: str, field: str) -> None:
    items = loaded("ruiquan")
    items["words"]["x"] = parse_item("words", {"code": "x", "words": ["x"], "danger": "fire", "category": "dt-fire"})
    code, item = next((c, i) for c, i in items[noun].items() if not (noun == "words" and i.danger is None))
    nowhere = ("nowhere",) if isinstance(getattr(item, field), tuple) else "nowhere"
    items[noun][code] = replace(item, **{field: nowhere})
    assert any((w.noun, w.code, w.field) == (noun, code, field) for w in directory_errors(Directory(1, **items)))


def test_a_row_that_can_never_be_reached_is_refused() -> None:
    items = loaded("ruiquan")
    for hours in ("duty", "working"):
        items["routes"][f"x-{hours}"] = parse_item(
            "routes", {"code": f"x-{hours}", "lead": "water", "category": "sdq-water", "hours": hours}
        )
    assert any("unreachable" in w.rule and w.code == "r-sdq-water" for w in directory_errors(Directory(1, **items)))
    items = loaded("ruiquan")
    for kind in ("enquiry", "request", "complaint", "report", "suggestion", "praise"):
        items["routes"][f"x-{kind}"] = parse_item(
            "routes", {"code": f"x-{kind}", "lead": "water", "category": "sdq-water", "kind": kind}
        )
    assert any("rows for every kind" in w.rule for w in directory_errors(Directory(1, **items)))

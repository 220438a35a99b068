"""What is wrong with a directory is said, all of it, before anything is kept."""

from typing import Any

import pytest

from hotline.domain.directory import NOUNS, Directory, faults_of
from hotline.services.directory import read_item
from hotline.services.seeding import items_in
from hotline.shipped import shipped


def loaded(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {noun: {} for noun in NOUNS}
    for noun, code, item in items_in(shipped("seeds") / name, shipped("seeds")):
        found[noun][code] = item
    return found


@pytest.mark.parametrize("name", ["ruiquan", "liucheng"])
def test_the_seeds_are_right(name: str) -> None:
    assert faults_of(Directory(1, **loaded(name))) == []


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
        "limits",
        "x",
        {
            "accept": -1,
            "accept_unit": "working_days",
            "close": 1,
            "close_unit": "working_days",
            "source": "x",
            "kind": "praise",
            "priority": "urgent",
        },
        "accept",
        "above 0",
    ),
    (
        "limits",
        "x",
        {"accept": 1, "accept_unit": "working_days", "close": 1, "close_unit": "working_days", "source": "x"},
        "kind",
        "the same case",
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
        {"name": "x", "name_en": "x", "zone": "Asia/Shanghai", "hours": ["12:00-09:00"]},
        "hours",
        "intervals",
    ),
    (
        "house",
        "house",
        {"name": "x", "name_en": "x", "calendar": "cn", "fallback": "nobody"},
        "fallback",
        "unknown or retired",
    ),
    ("house", "second", {"name": "x", "name_en": "x", "calendar": "cn", "fallback": "water"}, "code", "only one house"),
]


@pytest.mark.parametrize(
    ("noun", "code", "body", "field", "rule"), CHANGES, ids=[f"{c[0]}-{c[3]}-{c[4]}" for c in CHANGES]
)
def test_a_wrong_item_is_named_with_its_field_and_rule(
    noun: str, code: str, body: dict[str, Any], field: str, rule: str
) -> None:
    items = loaded("ruiquan")
    items[noun][code] = read_item(noun, {**body, "code": code})
    found = faults_of(Directory(1, **items))
    assert any(w.field == field and rule in w.rule for w in found), found


def test_a_row_that_can_never_be_reached_is_refused() -> None:
    items = loaded("ruiquan")
    for hours in ("duty", "working"):
        items["routes"][f"x-{hours}"] = read_item(
            "routes", {"code": f"x-{hours}", "lead": "water", "category": "sdq-water", "hours": hours}
        )
    assert any("unreachable" in w.rule and w.code == "r-sdq-water" for w in faults_of(Directory(1, **items)))
    items = loaded("ruiquan")
    for kind in ("enquiry", "request", "complaint", "report", "suggestion", "praise"):
        items["routes"][f"x-{kind}"] = read_item(
            "routes", {"code": f"x-{kind}", "lead": "water", "category": "sdq-water", "kind": kind}
        )
    assert any("rows for every kind" in w.rule for w in faults_of(Directory(1, **items)))

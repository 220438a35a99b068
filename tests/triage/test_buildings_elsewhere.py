"""A building of an estate that the directory does not know is not filed as ours of the same number."""

from itertools import product

import pytest

from hotline.organisation.model.vocabulary import Priority
from hotline.triage.model.advice import Advice
from hotline.triage.model.advising import advise
from hotline.triage.model.places.parts import AddressParts
from tests.triage.seeded import seeded_lexicon

LEXICON = seeded_lexicon("ruiquan")
ELSEWHERE = (
    "阳光花园",
    "翠湖小区",
    "龙湖公寓",
    "金色家园",
    "恒大名都",
    "翡翠城",
    "江南府",
    "锦绣苑",
    "陽光花園",
    "翠湖屋苑",
)
THEIRS = (
    "我妈住在{}3栋，她摔倒了起不来", "{}3栋着火了", "{}3号楼2单元有人摔倒起不来了", "{}那边3栋漏煤气，味道很大", "{}，3栋着火了",
    "我在{}三栋，屋头着火了", "瑞泉馨城对面的{}3栋着火了",
)  # fmt: skip
OURS = (
    ("瑞泉馨城3栋着火了", "rq-b3"), ("馨城3栋着火了", "rq-b3"), ("瑞泉社区3栋着火了", "rq-b3"), ("瑞泉小区3栋着火了", "rq-b3"),
    ("我们小区3栋着火了", "rq-b3"), ("小区花园旁边3栋着火了", "rq-b3"), ("Ruiquan building 3 is on fire", "rq-b3"),
    ("不是阳光花园3栋，是瑞泉馨城5栋着火了", "rq-b5"), ("3栋着火了，隔壁阳光花园4栋没事", "rq-b3"),
)  # fmt: skip


def read(text: str, **more: str) -> Advice:
    return advise(LEXICON, text, **more)


@pytest.mark.parametrize("frame", THEIRS)
def test_an_emergency_in_another_estates_building_is_asked_where_it_is(frame: str) -> None:
    told = {estate: read(frame.format(estate)) for estate in ELSEWHERE}
    assert {estate: (advice.area, advice.priority) for estate, advice in told.items()} == dict.fromkeys(
        ELSEWHERE, (None, Priority.EMERGENCY)
    )
    assert all(advice.asks_place for advice in told.values())


def test_what_was_told_of_the_other_estate_is_kept_for_whoever_decides() -> None:
    advice = read("我妈住在阳光花园3栋2单元，她摔倒了起不来")
    assert advice.location == AddressParts("3", "2", None, None)
    assert [(place.code, place.words) for place in advice.places] == [(None, "阳光花园3栋2单元")]
    assert ("area:not_in_directory", ("阳光花园3栋2单元",)) in [(b.rule, b.matched) for b in advice.because]


def test_neither_an_address_nor_the_place_of_the_call_makes_it_ours() -> None:
    assert read("着火了", address="阳光花园3栋").area is None
    assert read("阳光花园3栋着火了", near="rq-b3").area is None


def test_the_same_in_english() -> None:
    frames = (
        "fire in building 3 of {}",
        "{} building 3 is on fire",
        "my mother fell at {}, block 3, she is unconscious",
    )
    names = ("Sunshine Gardens", "Riverside Mansion", "Green Lake Villas")
    assert [t for t in (f.format(n) for f, n in product(frames, names)) if read(t).area is not None] == []


@pytest.mark.parametrize(("text", "area"), OURS)
def test_our_own_estate_by_all_its_names_is_found_still(text: str, area: str) -> None:
    assert read(text).area == area

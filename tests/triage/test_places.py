"""How places are resolved in the tree of areas, where their words stand, and what is offered where nothing is certain."""

from dataclasses import replace

import pytest

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Area
from hotline.organisation.model.vocabulary import AreaLevel
from hotline.triage.model.places.grammar import MOST_ELEMENTS, find_elements, read_part
from hotline.triage.model.places.index import PlaceIndex, build_place_index
from hotline.triage.model.places.mentions import MOST_NAMES, find_mentions
from hotline.triage.model.places.numerals import read_digits, spell_number
from hotline.triage.model.places.parts import AddressParts, spoken_parts
from hotline.triage.model.places.reader import MOST_PLACES, read_places
from tests.triage.seeded import seeded_directory


def index(name: str) -> PlaceIndex:
    return build_place_index(seeded_directory(name))


def area(code: str, name: str, level: AreaLevel, parent: str | None, *aliases: str) -> Area:
    return Area(code=code, name=name, name_en=code, level=level, parent=parent, aliases=aliases)


def estate(*areas: Area) -> PlaceIndex:
    street = area("s", "银杏街道", AreaLevel.STREET, None)
    communities = [area(code, name, AreaLevel.COMMUNITY, "s") for code, name in (("a", "青羊社区"), ("b", "金牛社区"))]
    return build_place_index(Directory(1, areas={one.code: one for one in (street, *communities, *areas)}))


@pytest.mark.parametrize(
    ("near", "found"),
    [("xijie", "xijie-b3"), ("xijie-g1", "xijie-b3"), ("xijie-b3", "xijie-b3"), ("liucheng", None), (None, None)],
)
def test_a_number_is_a_building_of_the_community_that_the_call_is_about(near: str | None, found: str | None) -> None:
    reading = read_places(index("liucheng"), "3栋停水了", near=near)
    assert (reading.area, reading.parts.building) == (found, "3")


def test_a_community_that_is_named_goes_before_the_one_that_calls() -> None:
    assert read_places(index("liucheng"), "北街社区3栋停水了", near="xijie").area == "beijie-b3"


def test_a_building_of_every_community_is_offered_with_its_names() -> None:
    reading = read_places(index("liucheng"), "3栋2单元停水了")
    assert reading.area is None and 2 < len(reading.places) <= MOST_PLACES
    assert {(place.words, place.at, place.parts.unit) for place in reading.places} == {("3栋2单元", (0, 5), "2")}
    assert ("xijie-b3", "西街社区3栋") in [(place.code, place.name) for place in reading.places]


def test_a_name_that_two_areas_bear_is_offered_and_not_guessed() -> None:
    found = estate(
        area("a-p", "青羊公园", AreaLevel.ESTATE, "a", "老公园"),
        area("b-p", "金牛公园", AreaLevel.ESTATE, "b", "老公园"),
    )
    asked = read_places(found, "老公园的凳子坏了")
    assert asked.area is None and [place.code for place in asked.places] == ["a-p", "b-p"]
    assert read_places(found, "老公园的凳子坏了", near="b").area == "b-p"


def test_of_names_inside_each_other_the_longer_one_is_meant() -> None:
    found = estate(area("x", "南街", AreaLevel.ESTATE, "a"), area("y", "大南街", AreaLevel.ESTATE, "b"))
    assert read_places(found, "大南街的灯坏了").area == "y"
    assert read_places(found, "南街的灯坏了").area == "x"


def test_a_name_is_found_in_either_script_of_its_number() -> None:
    found = estate(area("x", "三期花园", AreaLevel.ESTATE, "a"), area("y", "东4路", AreaLevel.ESTATE, "b"))
    assert [read_places(found, text).area for text in ("3期花园", "三期花园", "东四路", "东4路")] == [
        "x",
        "x",
        "y",
        "y",
    ]


def test_a_word_for_a_kind_of_place_means_the_only_one_there_is() -> None:
    one = area("m", "便民菜市", AreaLevel.ESTATE, "a")
    two = area("n", "早市菜市场", AreaLevel.ESTATE, "b")
    assert read_places(estate(one), "农贸市场太脏了").area == "m"
    both = read_places(estate(one, two), "农贸市场太脏了")
    assert both.area is None and [place.code for place in both.places] == ["m", "n"]


def test_the_whole_estate_is_the_one_that_calls() -> None:
    asked = read_places(index("liucheng"), "整个小区都停水了", near="xijie-g2")
    assert asked.area == "xijie" and [(b.rule, b.matched) for b in asked.because] == [("area:xijie", ("整个小区",))]
    assert read_places(index("liucheng"), "整个小区都停水了").area is None
    assert read_places(index("ruiquan"), "不光3栋，整个小区都停水了").because[0].matched == ("整个小区",)


def test_a_range_is_told_with_both_its_ends() -> None:
    reading = read_places(index("ruiquan"), "我们这里1栋到5栋全部停电")
    assert {(place.words, place.at) for place in reading.places} == {("1栋到5栋", (4, 9))}
    assert [place.code for place in reading.places] == [f"rq-b{n}" for n in range(1, 6)]


def test_a_call_about_a_building_has_its_number_without_a_word_of_it() -> None:
    reading = read_places(index("ruiquan"), "停水了", near="rq-b12")
    assert (reading.area, reading.parts.building, reading.places) == (None, "12", ())


def test_a_closed_area_is_no_place() -> None:
    directory = seeded_directory("ruiquan")
    closed = replace(directory.areas["rq-b3"], active=False)
    found = build_place_index(replace(directory, areas={**directory.areas, "rq-b3": closed}))
    assert read_places(found, "3栋停水").area is None


@pytest.mark.parametrize(
    ("narrative", "words"),
    [
        ("我们這邊 １２ 棟 停水", "１２ 棟"),
        ("9\u200b栋\n停水", "9\u200b栋"),
        ("  请问  12栋停水吗", "12栋"),
        ("麻煩睇下，十二座冇水", "十二座"),
        ("Hello,  Building  12  please", "Building  12"),
        ("🔥🔥 3栋着火", "3栋"),
    ],
)
def test_words_are_told_where_they_stand_in_what_was_written(narrative: str, words: str) -> None:
    [place] = read_places(index("ruiquan"), narrative).places
    assert place.words == words
    assert place.at is not None and narrative[slice(*place.at)] == words


def test_the_address_given_with_a_call_wins_over_its_words() -> None:
    reading = read_places(index("ruiquan"), "9栋停水了", "12栋2单元")
    assert (reading.area, reading.parts) == ("rq-b12", AddressParts("12", "2"))
    assert [(place.code, place.at is None) for place in reading.places] == [("rq-b12", True), ("rq-b9", False)]
    assert read_places(index("ruiquan"), "9栋停水了", "瑞泉馨城").area == "rq-b9"  # made precise


def test_the_reasons_name_the_words_and_what_they_were_taken_for() -> None:
    because = read_places(index("ruiquan"), "我住6栋，不是菜市，是广场的灯坏了").because
    assert [(b.rule, b.matched) for b in because] == [
        ("area:rq-square", ("广场",)), ("place:speaker", ("6栋",)), ("place:excluded", ("菜市",)),
    ]  # fmt: skip


def test_a_text_full_of_places_is_read_to_a_limit() -> None:
    text = "3栋2单元，" * 500 + "菜市，" * 500
    assert len(list(find_elements(text))) <= 2 * MOST_ELEMENTS
    names = index("ruiquan").finder.find(text).names
    assert len(find_mentions(index("ruiquan"), text, names)) <= 2 * MOST_ELEMENTS + MOST_NAMES
    assert read_places(index("ruiquan"), text).area == "rq"


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("十二", "12"), ("廿一", "21"), ("卅", "30"), ("一零", "10"), ("幺二", "12"), ("二〇一", "201"), ("一百零三", "103"),
        ("一千二百零三", "1203"), ("贰拾捌", "28"), ("twenty-one", "21"), ("third", "3"), ("22nd", "22"), ("0904", "0904"),
        ("苹果", None), ("apple", None),
    ],
)  # fmt: skip
def test_numbers_are_read_as_they_are_said(words: str, digits: str | None) -> None:
    assert read_digits(words) == digits


def test_a_number_that_was_spelt_is_read_back() -> None:
    assert [read_digits(spell_number(n)) for n in range(1, 100)] == [str(n) for n in range(1, 100)]


@pytest.mark.parametrize(
    ("kind", "words", "part"),
    [
        ("building", "12栋", "12"), ("building", "十二", "12"), ("building", "Building 7", "7"), ("building", "A", "A"),
        ("unit", "二单元", "2"), ("floor", "负一楼", "-1"), ("floor", "5", "5"), ("room", "三零一室", "301"),
        ("room", "12b", "12B"), ("room", "传达室", "传达室"), ("unit", " ", None), ("unit", "x" * 21, None),
    ],
)  # fmt: skip
def test_a_part_that_is_filled_in_is_kept_as_on_the_door(kind: str, words: str, part: str | None) -> None:
    assert read_part(kind, words) == part


def test_parts_are_told_as_people_say_them() -> None:
    assert spoken_parts(AddressParts("12", "2", "-1", "301")) == "12栋2单元负1楼301室"
    assert spoken_parts(AddressParts(None, None, "顶", "传达室")) == "顶楼传达室"
    assert read_places(index("ruiquan"), spoken_parts(AddressParts("12", "2", "5", "501"))).parts == AddressParts(
        "12", "2", "5", "501"
    )

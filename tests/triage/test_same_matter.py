"""Whether two calls are about one matter, by the rules alone: pairs of sentences, and what each part of them decides.

`repeat_pairs.tsv` was written before the rules were: same (1 or 0), two texts, and what makes them a pair.
`repeat_wordings.tsv` has the shipped matters in several wordings each, with the same things to tell apart."""

import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hotline.learning.model.evaluation import Pair, evaluate_pairs
from hotline.triage.meaning import load_encoder
from hotline.triage.model.advice import Advice
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import Lexicon
from hotline.triage.model.same_matter import (
    JOIN_FROM,
    OFFER_FROM,
    MatterProfile,
    compare_matters,
    is_other_place,
    is_same_matter,
    profile_of_advice,
    profile_of_ticket,
    repeat_window,
)
from tests.triage.seeded import seeded_directory, seeded_lexicon

PAIRS = Path(__file__).with_name("repeat_pairs.tsv")
WORDINGS = Path(__file__).with_name("repeat_wordings.tsv")
DIRECTORY = seeded_directory("ruiquan")


def lexicon() -> Lexicon:
    return seeded_lexicon("ruiquan")


def advised(text: str) -> Advice:
    return advise(lexicon(), text)


def likeness(first: str, second: str, *, same_caller: bool = False) -> float:
    profiles = [profile_of_advice(advised(text), text) for text in (first, second)]
    return compare_matters(*profiles, DIRECTORY, same_caller=same_caller).score


def pairs(path: Path = PAIRS) -> list[Pair]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [Pair(row["a"], row["b"], row["same"] == "1", row["kind"]) for row in rows]


def test_of_pairs_in_five_ways_of_speaking_enough_are_found_and_nearly_none_wrongly() -> None:
    found = evaluate_pairs(pairs(), lexicon())
    assert len(pairs()) == 150
    assert (found.share("repeats found") or 0) >= 0.60, found.misses
    assert (found.share("repeats suggested rightly") or 0) >= 0.97, found.misses


def test_the_shipped_matters_are_found_again_in_other_words_and_no_other_matter_is() -> None:
    found = evaluate_pairs(pairs(WORDINGS), lexicon())
    assert (found.share("repeats found") or 0) >= 0.95, found.misses
    assert found.share("repeats suggested rightly") == 1.0, found.misses


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("6栋停电了", "power is out in building 6"),
        ("六栋冇電", "6号楼跳闸了，没电"),
        ("the square dancing keeps us awake at building 9", "9栋楼下坝坝舞闹麻了"),
    ],
)
def test_the_same_matter_in_other_words(first: str, second: str) -> None:
    assert is_same_matter(advised(first), advised(second)) and is_same_matter(advised(second), advised(first))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("6栋停电了", "8栋停电了"),
        ("6栋停电了", "6栋垃圾没人收"),
        ("6栋1单元电梯坏了", "6栋2单元电梯坏了"),
        ("the square dancing keeps us awake at building 9", "the square dancing keeps us awake at building 12"),
        ("停电了", "停电了"),  # of no place
        ("有件事情", "有件事情"),
    ],
)
def test_what_is_not_the_same_matter(first: str, second: str) -> None:
    assert not is_same_matter(advised(first), advised(second))


def test_a_ticket_is_compared_as_it_stands_and_not_as_it_was_first_read() -> None:
    read = advised("6栋停电了")
    kept, narrative = read.as_dict(), "6栋停电了"
    as_read = profile_of_ticket(kept, narrative, read.area, None, read.location)
    assert as_read == profile_of_advice(read, narrative)
    corrected = profile_of_ticket(kept, narrative, "rq-b8", "wx-light", replace(read.location, building="8"))
    assert (corrected.area, corrected.category, corrected.symptoms) == ("rq-b8", "wx-light", frozenset())
    assert compare_matters(as_read, corrected).score == 0.0


def test_the_wider_area_is_offered_and_no_text_is_added_to_it_by_itself() -> None:
    score = likeness("瑞泉馨城停电了", "瑞泉馨城6栋停电了")
    assert OFFER_FROM <= score < JOIN_FROM


def test_only_the_same_caller_may_leave_out_the_place() -> None:
    assert likeness("6栋停电了", "还是没电") < OFFER_FROM
    assert likeness("6栋停电了", "还是没电", same_caller=True) >= JOIN_FROM


def test_one_room_and_another_are_offered_but_not_joined_without_a_symptom_in_common() -> None:
    first = MatterProfile(area="rq-b6", category="sdq-power", parts=replace(advised("6栋301停电").location))
    second = replace(first, parts=replace(first.parts, room="502"))
    score = compare_matters(first, second).score
    assert OFFER_FROM <= score < JOIN_FROM


def test_the_window_is_the_categorys_its_parents_or_the_organisations() -> None:
    assert repeat_window(DIRECTORY, "za-violence") == timedelta(hours=3)
    assert repeat_window(DIRECTORY, "wx-light") == timedelta(days=30)  # its parent says so
    assert repeat_window(DIRECTORY, "wy-fee") == repeat_window(DIRECTORY, None) == timedelta(days=7)


@pytest.mark.skipif(load_encoder() is None, reason="the extra `meaning` is not installed")
def test_meaning_finds_more_of_the_same_pairs_and_few_wrong_ones() -> None:
    found = {figure.name: figure.share or 0.0 for figure in evaluate_pairs(pairs(), lexicon(), load_encoder()).figures}
    assert found["repeats found by meaning too"] >= 0.85, found
    assert found["repeats right by meaning too"] >= 0.93, found


def test_a_building_that_the_directory_does_not_have_is_a_place_all_the_same() -> None:
    texts = ("98栋2单元电梯坏了", "97栋1单元电梯坏了", "98栋2单元电梯坏了，还是没人来")
    first, other, again = (profile_of_advice(advised(text), text) for text in texts)
    assert first.area is None and first.parts.building == "98"
    assert compare_matters(first, other, DIRECTORY, same_caller=True).score == 0
    assert is_other_place(first, other, DIRECTORY) and not is_other_place(first, again, DIRECTORY)
    assert compare_matters(first, again, DIRECTORY, same_caller=True).score >= JOIN_FROM


def test_a_kind_of_pest_is_a_word_of_its_own() -> None:
    """Rats are none in "vibrating", and cockroaches are cockroaches."""

    def offered(first: str, second: str) -> bool:
        one, other = (profile_of_advice(advised(text), text) for text in (first, second))
        return compare_matters(one, other, DIRECTORY).score >= OFFER_FROM

    assert offered("cockroaches in block 3, the pump is vibrating too", "block 3 has cockroaches everywhere")
    assert not offered("rats in block 3 bin room", "block 3 has cockroaches everywhere")
    assert offered("block 3 cockroaches while the generator is vibrating", "cockroach in the stairs of block 3")
    assert offered("pests in block 3, walls vibrating, 有老鼠也有蟑螂", "3栋有蟑螂")
    assert offered("3栋有蟑螂，generator is vibrating", "3栋好多蟑螂")

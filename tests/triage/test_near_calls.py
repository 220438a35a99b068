"""Calls that stand close to each other: a lamp that does not light and a fire, two outages told in one breath, a lift
that stands still with and without somebody in it.

`near_calls.tsv`: what they ask for, the category where no danger decides it, and the matters they are parted into."""

from pathlib import Path

import pytest

from hotline.triage.model.advice import Advice
from hotline.triage.model.advising import advise
from tests.triage.seeded import seeded_lexicon

LEXICON = seeded_lexicon("ruiquan")


def calls() -> list[list[str]]:
    lines = Path(__file__).with_name("near_calls.tsv").read_text("utf-8").splitlines()[1:]
    return [line.split("\t") for line in lines]


def grade_of(advice: Advice) -> str:
    if advice.dangers:
        return "act"
    return "ask" if advice.ask else "none"


@pytest.mark.parametrize(("grade", "category", "matters", "text"), calls())
def test_close_calls_are_told_apart(grade: str, category: str, matters: str, text: str) -> None:
    advice = advise(LEXICON, text)
    assert grade_of(advice) == grade, advice.because
    assert category in ("", advice.category or ""), advice.because
    assert "+".join(matter.category for matter in advice.matters) == matters


@pytest.mark.parametrize("text", ["煤气费咋个交", "燃气费在哪里缴", "电费怎么交"])
def test_who_asks_how_to_pay_reports_no_fault(text: str) -> None:
    advice = advise(LEXICON, text)
    assert (advice.category or "").endswith("-bill")
    assert (advice.kind, advice.priority) == ("enquiry", "normal")


def test_a_cry_for_help_leaves_nothing_to_ask_where_the_danger_is_told() -> None:
    assert advise(LEXICON, "老公打我，救命").ask == ()
    assert [asked.danger for asked in advise(LEXICON, "救命啊").ask] == ["medical"]


def test_an_open_manhole_asks_whether_somebody_fell_in() -> None:
    (asked,) = advise(LEXICON, "井盖不见了").ask
    assert "掉下去" in asked.zh and "fallen in" in asked.en

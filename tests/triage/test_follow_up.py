"""Who asks how a danger of some past time goes on, and tells that it goes on still, has help sent or is asked; the
question alone rings nowhere: follow_up_calls.tsv, in every dialect and in English."""

from pathlib import Path

import pytest

from hotline.organisation.model.vocabulary import Kind, Priority
from hotline.triage.model.advising import advise
from tests.triage.seeded import seeded_lexicon

LEXICON = seeded_lexicon("ruiquan")
NOT_PAST = [
    "昨晚我报了垃圾没清。车棚烧起来了，处理了没",
    "昨夜楼下吵得很，今天有人在楼道拿刀追人，有进展没",
    "尋晚打過嚟話冇水。而家廚房火燭，有冇結果",
    "I called last night about the noise. The garage is on fire, any update",
    "昨晚停水。电梯关了两个人，处理没有",
]
NO_QUESTION = ["昨晚楼上打架，处理没有人来，他还在砸门拿着斧头", "昨晚为了赶进度，工地烧起来了"]


def calls(right: str) -> list[str]:
    lines = Path(__file__).with_name("follow_up_calls.tsv").read_text("utf-8").splitlines()[1:]
    return [text for text, wanted in (line.split("\t") for line in lines) if wanted == right]


@pytest.mark.parametrize("text", [*calls("act"), *NOT_PAST, *NO_QUESTION])
def test_what_goes_on_still_raises_an_alarm_whatever_is_asked(text: str) -> None:
    assert advise(LEXICON, text).priority is Priority.EMERGENCY


@pytest.mark.parametrize("text", calls("ask"))
def test_a_past_danger_that_may_go_on_still_is_asked_about(text: str) -> None:
    advice = advise(LEXICON, text)
    assert advice.dangers or advice.ask
    assert advice.kind is not Kind.ENQUIRY


@pytest.mark.parametrize("text", calls("question"))
def test_a_danger_of_last_night_is_asked_about_and_is_an_enquiry(text: str) -> None:
    advice = advise(LEXICON, text)
    assert (advice.kind, advice.dangers, advice.priority) == (Kind.ENQUIRY, (), Priority.NORMAL)
    assert advice.ask


@pytest.mark.parametrize("text", calls("none"))
def test_the_question_alone_is_an_enquiry(text: str) -> None:
    advice = advise(LEXICON, text)
    assert (advice.kind, advice.dangers, advice.priority) == (Kind.ENQUIRY, (), Priority.NORMAL)

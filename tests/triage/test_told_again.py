"""What is told of the past first and then as going on rings; and what its category is."""

import pytest

from hotline.organisation.model.vocabulary import Danger, Priority
from hotline.triage.model.advising import advise
from tests.triage.seeded import seeded_lexicon

LEXICON = seeded_lexicon("ruiquan")
GOING_ON = (
    "Last night my ex came to my flat and he is kicking the door again",
    "Yesterday the pipe leaked gas, and it is leaking again",
    "last night he beat me and he is hitting me again now",
    "two days ago he beat me, now he's hitting me again",
    "昨天晚上有人砸门，今天又来砸了",
    "昨天晚上有人砸门，今天又来了",
    "昨天晚上他打我，现在又在打我",
    "琴晚前夫嚟過，而家又喺度踢門",
    "昨日老公打我，而家又打緊",
)
OVER = (
    "last night a man was kicking my door",
    "last week the kitchen was burning",
    "yesterday he was hitting me, what should I do about the insurance",
    "昨天有人砸门，已经报警",
    "上个月漏气修好了，今天来问发票",
    "昨天楼上打架，今天还在说这事",
)


@pytest.mark.parametrize("text", GOING_ON)
def test_what_was_and_goes_on_again_rings(text: str) -> None:
    assert advise(LEXICON, text).dangers


@pytest.mark.parametrize("text", OVER)
def test_what_was_and_is_over_does_not(text: str) -> None:
    assert not advise(LEXICON, text).dangers


@pytest.mark.parametrize(
    "text",
    ["有人溺水了", "小孩掉水塘里了", "氯气跑出来了，大家咳个不停", "there is a chlorine leak, people are coughing",
     "两岁娃儿把自己反锁在屋头，灶上还炖着汤"],
)  # fmt: skip
def test_who_must_be_rescued_is_sent_the_fire_brigade(text: str) -> None:
    advice = advise(LEXICON, text)
    assert (advice.category, advice.priority) == ("dt-rescue", Priority.EMERGENCY)
    route = next(r for r in LEXICON.directory.routes.values() if r.category == advice.category)
    assert route.lead == "fire-watch"


@pytest.mark.parametrize("text", ["气得跳楼", "物业太差了，气得我想跳楼", "婆婆氣得跳樓"])
def test_a_turn_of_speech_about_ones_death_is_asked_about_and_not_filed_as_self_harm(text: str) -> None:
    advice = advise(LEXICON, text)
    assert advice.category != "za-selfharm" and not advice.dangers
    assert [asked.danger for asked in advice.ask] == [Danger.SELF_HARM]
    assert advise(LEXICON, f"{text}，他现在站在天台边上要跳楼").category == "za-selfharm"


@pytest.mark.parametrize(
    "text",
    ["灯坏了，顺便问下物业费怎么交", "灯坏了，顺便问下物业费多少钱", "路燈壞咗，順便問下物業費點樣交",
     "The light is broken, and how do I pay the management fee?"],
)  # fmt: skip
def test_a_question_beside_a_fault_is_no_second_matter(text: str) -> None:
    advice = advise(LEXICON, text)
    assert advice.matters == () and "light-out" in advice.symptoms


def test_two_faults_and_a_question_alone_are_what_they_were() -> None:
    assert [m.category for m in advise(LEXICON, "灯坏了，还有垃圾没人收").matters] == ["wx-light", "hj-rubbish"]
    assert advise(LEXICON, "物业费怎么交").category == "wy-fee"

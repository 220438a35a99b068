"""What is wrong, read from thing and fault; titles made of it; and several matters told in one call."""

import pytest

from hotline.organisation.model.items import Symptom
from hotline.text.normalisation import fold_text
from hotline.triage.model.advising import advise
from hotline.triage.model.matching import Reading
from hotline.triage.model.symptoms import find_symptoms
from hotline.triage.model.titles import TITLE_LENGTH, make_title
from tests.triage.seeded import seeded_lexicon

LEXICON = seeded_lexicon("ruiquan")
SYMPTOMS = list(LEXICON.directory.symptoms.values())


def symptoms_of(text: str) -> list[str]:
    return [found.symptom.code for found in find_symptoms(Reading(LEXICON.patterns, fold_text(text)))]


def title_of(text: str, address: str | None = None) -> str:
    return make_title(LEXICON.directory, advise(LEXICON, text, address), text, address)


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda symptom: symptom.code)
def test_a_symptom_is_found_in_its_examples_and_decides_the_category(symptom: Symptom) -> None:
    assert symptom.examples
    for text in symptom.examples:
        assert symptom.code in symptoms_of(text), text
        category = advise(LEXICON, text).category
        assert category is not None
        paths = LEXICON.directory.category_path(category), LEXICON.directory.category_path(symptom.category)
        assert category == symptom.category or paths[0][-1] == paths[1][-1], (text, category)


def test_a_symptom_is_not_found_in_its_counterexamples() -> None:
    told = [(symptom.code, text) for symptom in SYMPTOMS for text in symptom.counterexamples]
    assert len(told) > 3
    assert [(code, text) for code, text in told if code in symptoms_of(text)] == []


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("路灯都亮着，没有灯坏", "light-out"),
        ("路灯坏了", "road-broken"),  # the road of a road lamp is no road
        ("红绿灯坏了", "light-out"),
        ("没有停水，我只是问水费", "no-water"),
    ],
)
def test_what_is_denied_or_part_of_another_word_is_no_symptom(text: str, absent: str) -> None:
    assert absent not in symptoms_of(text)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("12棟電梯壞了", "瑞泉馨城12棟 · 電梯故障"),
        ("你好，我想反映一下，12栋的路灯坏了好几天", "瑞泉馨城12栋 · 灯不亮"),
        ("the lift in building 5 shakes", "Building 5 · lift out of order"),
        ("喂，你好，请问那件事情怎么样了", "那件事情怎么样了"),
        ("额，就是那个，那个，恼火得很说不清楚", "恼火得很说不清楚"),  # fillers, where a pause or another follows
        ("那个人天天来这里骂", "那个人天天来这里骂"),
        ("老师您好，额头上的事情怎么说", "额头上的事情怎么说"),
        ("3栋电梯关到人了", "瑞泉馨城3栋 · 电梯困人"),
    ],
)
def test_a_title_names_place_and_matter_and_does_not_greet(text: str, title: str) -> None:
    assert title_of(text) == title


def test_a_title_is_short_and_never_empty() -> None:
    assert len(title_of("说" * 500)) == TITLE_LENGTH
    assert title_of("你好") == "你好"


def test_an_address_stands_in_the_title_where_the_directory_does_not_know_the_place() -> None:
    assert title_of("路灯坏了", "星光路88号") == "星光路88号 · 灯不亮"


def test_one_call_about_three_matters_is_offered_in_three_parts() -> None:
    text = "我家在9栋，楼上漏水，天花板都泡坏了。另外楼下的垃圾三天没人收了，臭得很，还有楼道灯不亮"
    parts = advise(LEXICON, text).matters
    assert [(part.text, part.symptom) for part in parts] == [
        ("我家在9栋，楼上漏水，天花板都泡坏了。", "leak-from-upstairs"),
        ("另外楼下的垃圾三天没人收了，臭得很，", "rubbish"),
        ("还有楼道灯不亮", "light-out"),
    ]
    assert "".join(part.text for part in parts) == text


def test_one_matter_told_at_length_is_not_parted() -> None:
    assert advise(LEXICON, "9栋停水了，水龙头放不出水，洗不了澡。找了物业几次，一直没人来。").matters == ()

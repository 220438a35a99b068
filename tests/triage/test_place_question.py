"""An emergency that does not say where it is: the operator asks that before all else."""

import pytest

from hotline.organisation.model.vocabulary import Danger
from hotline.triage.model.advising import advise
from tests.conftest import Player
from tests.triage.test_danger_frames import LEXICON

WORDS = ("在哪里？", "Where?")
WITHOUT_PLACE = ("我家着火了", "电梯困人", "有人被困在电梯里出不来", "our kitchen is on fire", "我家著火了")


@pytest.mark.parametrize("text", WITHOUT_PLACE)
def test_an_emergency_without_a_place_is_asked_for_it_first(text: str) -> None:
    advice = advise(LEXICON, text).with_place_question(WORDS, known=False)
    assert advice.asks_place and advice.questions()[0] == (None, "在哪里？", "Where?")
    assert len([danger for danger, _, _ in advice.questions() if danger is None]) == 1
    assert advice.as_dict()["ask"][0] == {"danger": None, "zh": "在哪里？", "en": "Where?"}


@pytest.mark.parametrize("text", WITHOUT_PLACE)
def test_nobody_is_asked_who_gave_a_place_or_is_not_there(text: str) -> None:
    for advice in (
        advise(LEXICON, text, "人民路88号"),
        advise(LEXICON, f"菜市门口，{text}"),
        advise(LEXICON, text, written=True),
    ):
        assert not advice.asks_place
        assert None not in [danger for danger, _, _ in advice.with_place_question(WORDS, known=False).questions()]


@pytest.mark.parametrize("text", ["路灯不亮了", "想问一下停车证怎么办", "下水道堵了"])
def test_what_is_no_emergency_is_not_asked_for_its_place(text: str) -> None:
    assert not advise(LEXICON, text).asks_place


def test_what_the_text_leaves_open_is_asked_beside_it() -> None:
    advice = advise(LEXICON, "我家着火了，邻居说要跳楼").with_place_question(WORDS, known=False)
    assert [danger for danger, _, _ in advice.questions()][:1] == [None]
    assert {danger for danger, _, _ in advice.questions()[1:]} == {asked.danger for asked in advice.ask}
    assert Danger.FIRE in advice.dangers


async def test_the_ticket_and_the_page_of_the_desk_hold_the_question(desk: Player) -> None:
    dry = (await desk.post("/v1/explain/triage", {"narrative": "我家着火了"})).json()["result"]["ask"]
    assert [asked["danger"] for asked in dry] == [None]
    assert "具体在什么地方" in dry[0]["zh"] and "Where exactly" in dry[0]["en"]
    ticket = await desk.call("我家着火了")
    assert (await desk.see(ticket))["advice"]["triage"]["ask"] == dry
    body = {"narrative": "我家着火了", "area": "rq-b3"}
    assert (await desk.post("/v1/explain/triage", body)).json()["result"]["ask"] == []
    placed = await desk.call("电梯困人", location={"area": "rq-b3"})
    assert (await desk.see(placed))["advice"]["triage"]["ask"] == []
    written = (await desk.post("/v1/explain/triage", {"narrative": "我家着火了", "channel": "sms"})).json()["result"]
    assert (written["priority"], written["ask"]) == ("emergency", [])

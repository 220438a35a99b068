"""Automatic replies are written in the language of whoever gets them, whatever the keyword."""

import re

import pytest

from hotline.sms.model.requests import parse_text
from tests.conftest import Player
from tests.sms.town import LI, WANG, Town

CHINESE = re.compile("[\u3400-\u9fff]")
ASKED_BY = ("TD", "T", "stop", "UNSUBSCRIBE", "退订", "START", "恢复", "help", "帮助", "hi", "status", "查进度", "???")


def is_chinese(text: str) -> bool:
    return bool(CHINESE.search(text))


@pytest.mark.parametrize("keyword", ASKED_BY)
async def test_a_keyword_is_answered_in_the_language_of_its_sender(keyword: str, town: Town, desk: Player) -> None:
    await town.writes("3栋电梯坏了，麻烦来看一下", WANG)
    await town.writes("the street light outside block 5 is off", LI)
    await town.send()
    await town.writes(keyword, WANG)
    await town.writes(keyword, LI)
    got = await town.send()
    to = {text["to"]: text["text"] for text in town.handset.got[-2:]}
    assert len(got) == 2 and is_chinese(to[WANG]) and not is_chinese(to[LI])


async def test_who_called_is_answered_in_the_language_of_the_call(town: Town, desk: Player) -> None:
    await desk.call("9栋停水了，从早上到现在", caller={"phone": "13800138000"})
    await town.send()
    await town.writes("UNSUBSCRIBE", WANG)
    assert [is_chinese(text) for text in await town.send()] == [True]


@pytest.mark.parametrize(
    ("keyword", "chinese"),
    [
        ("TD", True),
        ("T", True),
        ("R", True),
        ("退订", True),
        ("STOP", False),
        ("HELP", False),
        ("hello", False),
        ("你好", True),
    ],
)
async def test_of_a_stranger_the_keyword_alone_says_it_and_initials_say_nothing(
    keyword: str, chinese: bool, town: Town
) -> None:
    await town.writes(keyword)
    assert [is_chinese(text) for text in await town.send()] == [chinese]


async def test_words_of_ones_own_are_answered_in_their_language(town: Town, desk: Player) -> None:
    await town.writes("the lift in building 3 is broken", WANG)
    await town.send()
    await town.writes("3栋的电梯还是没有人来修", WANG)
    [joined] = await town.send()
    assert is_chinese(joined)


async def test_progress_of_anothers_ticket_is_told_in_the_language_of_who_asks(town: Town, desk: Player) -> None:
    await town.writes("the lift in building 3 is broken", LI)
    number = re.search(r"[0-9]{9}", (await town.send())[0])
    assert number is not None
    code = (await desk.get(f"/v1/tickets/{number[0]}/query-code")).json()["query_code"]
    await town.writes("9栋楼道的路灯坏了", WANG)
    await town.send()
    await town.writes(f"{number[0]} {code}", WANG)
    assert [is_chinese(text) for text in await town.send()] == [True]


def test_initials_are_of_no_language() -> None:
    assert [parse_text(text).language for text in ("TD", "t", "TD退订", "STOP", "退订")] == [
        None,
        None,
        "zh",
        "en",
        "zh",
    ]

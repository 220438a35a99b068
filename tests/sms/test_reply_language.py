"""Automatic replies are written in the language of whoever gets them, whatever the keyword."""

import re

import pytest
import sqlalchemy as sa

from hotline.sms.model.requests import detect_language, parse_text, settle_language
from hotline.sms.tables import text_out
from hotline.text.simplified import has_traditional, written_in_traditional
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


async def test_who_writes_traditional_characters_is_answered_in_them(town: Town, desk: Player) -> None:
    """Also where what they write next is written alike in both forms."""
    for words, phone in (("3棟的電梯壞了，麻煩來看一下", WANG), ("3栋的电梯坏了，麻烦来看一下", LI)):
        await town.writes(words, phone)
    await town.send()
    for words in ("查進度", "又停水了", "help", "T"):
        for phone in (WANG, LI):
            await town.writes(words, phone)
        await town.send()
    for phone, form in ((WANG, True), (LI, False)):
        to = [text["text"] for text in town.handset.got if text["to"] == phone]
        assert len(to) >= 4 and {written_in_traditional(text) for text in to} == {form}, to
        known = [has_traditional(text) for text in to]
        assert all(known) if form else not any(known), to
    query = sa.select(text_out.c.language).distinct()
    assert set(await town.services.db.transact(lambda c: c.execute(query).scalars().all())) == {"zh", "zh-Hant"}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("3棟的電梯壞了", True),
        ("3栋的电梯坏了", False),
        ("又停水了，3-2-501", None),
        ("台后里干只了乾著於覆", None),  # characters that both forms have
        ("我叫陶喆，楼上漏水", False),  # a rare name is of no form
        ("樓上漏水，请尽快来看看", False),  # more of one than of the other
        ("樓楼", None),
        ("我哋呢度停咗電", True),
        ("the lift is broken", None),
    ],
)
def test_characters_of_one_form_alone_decide(text: str, form: bool | None) -> None:
    assert written_in_traditional(text) is form
    assert detect_language(text) == ("en" if text.isascii() else {True: "zh-Hant", False: "zh", None: "zh-Hani"}[form])


def test_a_text_of_either_form_is_answered_in_the_next_form_that_is_known() -> None:
    assert settle_language(["zh-Hani", None, "en", "zh-Hant", "zh"]) == "zh-Hant"
    assert settle_language([None, "en", "zh-Hant"]) == "en"
    assert settle_language(["zh-Hani", "en", None]) == settle_language([]) == "zh"


def test_initials_are_of_no_language() -> None:
    assert [parse_text(text).language for text in ("TD", "t", "TD退订", "STOP", "退订")] == [
        None,
        None,
        "zh",
        "en",
        "zh",
    ]

"""Ordinary matters as residents tell them go to the department that must act, and what is no matter stays with the desk.

`routed_calls.tsv` holds sentences that were written before the patterns that find them, by the lead they belong to."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hotline.learning.model.evaluation import Case, evaluate_cases
from hotline.triage.model.advising import advise
from tests.triage.seeded import seeded_lexicon

LEXICON = seeded_lexicon("ruiquan")
TUESDAY_MORNING = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)  # ten o'clock there


def calls() -> list[Case]:
    lines = Path(__file__).with_name("routed_calls.tsv").read_text("utf-8").splitlines()[1:]
    rows = [line.partition("\t") for line in lines]
    return [Case(text, "ruiquan", lead=lead) for lead, _, text in rows]


def test_nearly_every_ordinary_call_is_dispatched_at_once_and_rightly() -> None:
    found = evaluate_cases(calls(), {"ruiquan": LEXICON}, TUESDAY_MORNING, TUESDAY_MORNING)
    assert (found.share("dispatched at once") or 0) >= 0.95, found.misses
    assert (found.share("dispatched rightly") or 0) >= 0.98, found.misses


@pytest.mark.parametrize(
    "text",
    [
        "你好，我想问个事情",
        "上次说的那个事怎么还没处理",
        "请帮我转一下李主任",
        "水已经来了，不用派人",
        "手机没电了，等会再打",
        "我家的灯泡坏了，能不能帮换",
        "我家门锁坏了，想找个开锁的",
        "网络断了，宽带打不开",
        "身份证丢了补办",
        "电梯广告上那个牛奶怎么订",
        "我们家水管是铜的还是铁的",
        "停车场有多少个位子",
        "快递柜满了",
        "my neighbour is very kind",
        "I lost my keys somewhere",
        "thank you, nothing else",
        # two matters, of two departments: the desk parts them
        "物业费太贵了，电梯还老是坏",
        "垃圾没人收，路灯也不亮",
        "下水道堵了，顺便问哈医保怎么交",
    ],
)
def test_what_has_no_matter_or_two_stays_with_the_desk(text: str) -> None:
    advice = advise(LEXICON, text)
    assert LEXICON.directory.home is not None
    assert advice.category is None or not advice.is_sure(LEXICON.directory.home.sure_at), advice.because


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("屋面漏水，物业一直没来修", "wx-roof"),  # whose business it is, is no second matter
        ("公交站旁边的路灯坏了", "wx-light"),
        ("水管爆了，旁边就是充电桩", "sdq-burst"),
    ],
)
def test_a_thing_that_is_only_named_does_not_rival_one_with_its_fault(text: str, category: str) -> None:
    advice = advise(LEXICON, text)
    assert LEXICON.directory.home is not None
    assert advice.category == category and advice.is_sure(LEXICON.directory.home.sure_at), advice.because

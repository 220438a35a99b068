"""Ordinary calls: what is wrong is told from nearly every wording (ordinary_faults.tsv), their neighbours that are
dangers are told from them (neighbour_calls.tsv), and no place, thing and fault put together sound like a danger."""

from itertools import product
from pathlib import Path

from hotline.organisation.model.vocabulary import Danger, Grade
from hotline.triage.model.advising import advise
from tests.triage.test_danger_frames import LEXICON, grades

HERE = Path(__file__)
PLACES = ("6号楼", "3栋", "五楼", "二单元", "楼上", "车库", "幼儿园门口", "我家", "涌泉街", "健身室")
THINGS = (
    "电梯", "电瓶车", "电灯", "电表箱", "电子门", "气表", "水泵", "声控灯", "门禁", "充电桩", "井盖", "下水道", "热水器",
    "消防栓", "滑梯", "栏杆", "墙皮", "广告牌", "狗", "货车",
)  # fmt: skip
FAULTS = ("又坏了", "现在还没人管", "漏起在", "掉了一块", "刚才又响，麻烦来人看一下", "好几个业主都在反映")


def rows(name: str) -> list[tuple[str, str]]:
    lines = HERE.with_name(name).read_text("utf-8").splitlines()[1:]
    return [(text, right) for text, _, right in (line.partition("\t") for line in lines)]


def raises_alarm(text: str) -> bool:
    return any(Grade.ACT in grades(text, danger) for danger in Danger if danger is not Danger.UNREST)


def test_dangers_and_their_neighbours_are_told_apart() -> None:
    calls = rows("neighbour_calls.tsv")
    emergencies = [text for text, right in calls if right == "act"]
    others = [text for text, right in calls if right == "none"]
    missed = [text for text in emergencies if not raises_alarm(text)]
    false = [text for text in others if raises_alarm(text)]
    assert len(missed) <= 0.02 * len(emergencies), missed
    assert len(false) <= 0.03 * len(others), false


def test_what_is_wrong_is_told_from_nearly_every_wording() -> None:
    calls = rows("ordinary_faults.tsv")
    told = [(text, right, advise(LEXICON, text)) for text, right in calls]
    wrong = [text for text, right, advice in told if not (advice.category or "").startswith(right)]
    assert len(wrong) <= 0.04 * len(calls), wrong
    sure_at = LEXICON.directory.home.sure_at
    sure = [text for text, right, advice in told if advice.category and advice.confidence >= sure_at]
    assert len(sure) >= 0.85 * len(calls)
    assert len(set(sure) & set(wrong)) <= 0.02 * len(calls)


def test_an_ordinary_fault_at_any_place_raises_nothing() -> None:
    texts = ["".join(parts) for parts in product(PLACES, THINGS, FAULTS)]
    assert [text for text in texts if raises_alarm(text)] == []

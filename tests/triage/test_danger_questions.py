"""Somebody who tells what is there and asks what to do is in danger; somebody who asks in general is not."""

import pytest

from hotline.organisation.model.vocabulary import Danger, Grade
from tests.triage.test_danger_frames import grades


@pytest.mark.parametrize(
    ("text", "danger"),
    [
        ("灶台边的管子断了嗤嗤响咋个办嘛", Danger.GAS),
        ("阳台上的纸箱烧起来了，怎么办", Danger.FIRE),
        ("货梯卡在半中间，里面有两个人，该打哪个电话", Danger.LIFT),
        ("車房成屋都係煙，點算", Danger.FIRE),
    ],
)
def test_what_to_do_about_what_is_there_is_an_alarm(text: str, danger: Danger) -> None:
    assert Grade.ACT in grades(text, danger)


@pytest.mark.parametrize(
    ("text", "danger"),
    [
        ("着火怎么办", Danger.FIRE),
        ("请问煤气泄漏怎么处理", Danger.GAS),
        ("电梯困人打哪个电话", Danger.LIFT),
        ("如果触电了怎么办", Danger.ELECTRIC),
    ],
)
def test_what_to_do_in_general_is_none(text: str, danger: Danger) -> None:
    assert Grade.ACT not in grades(text, danger)


def test_somebody_who_crosses_a_road_is_not_in_the_past() -> None:
    assert Grade.ACT in grades("一辆货车把过马路的学生撞倒了", Danger.TRAFFIC)
    assert Grade.ACT not in grades("我家以前着过火", Danger.FIRE)

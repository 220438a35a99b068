"""A ticket whose words or whose triage change has the title and the flags of danger of what it is about now."""

from typing import Any

from tests.conftest import Player

FIRE = "3栋2单元厨房着火了，火好大"


def dangers(ticket: dict[str, Any]) -> list[str]:
    return [flag for flag in ticket["flags"] if flag.startswith("danger:")]


async def test_what_a_person_finds_to_be_a_lamp_is_no_fire_any_more(desk: Player, switch: Player) -> None:
    ticket = await desk.call(FIRE)
    assert dangers(ticket) == ["danger:fire"] and ticket["priority"] == "emergency"
    after = await switch.act(ticket, "amend", category="wx-light", priority="normal", reason="误报")
    assert dangers(after) == [] and "火" not in after["title"] and "灯" in after["title"]
    back = await switch.act(after, "amend", category="dt-fire", priority="emergency", reason="真的")
    assert dangers(back) == ["danger:fire"] and "灯" not in back["title"]


async def test_an_emergency_stays_one_in_whatever_category(desk: Player, switch: Player) -> None:
    ticket = await desk.call(FIRE)
    after = await switch.act(ticket, "amend", category="wx-light", reason="补充")
    assert dangers(after) == ["danger:fire"] and after["priority"] == "emergency"


async def test_amended_words_are_read_again(desk: Player, switch: Player) -> None:
    ticket = await desk.call("5栋楼道灯不亮")
    assert dangers(ticket) == []
    after = await switch.act(ticket, "amend", narrative="3栋2单元电梯里困了人，快来救", reason="听错了")
    assert dangers(after) == ["danger:lift"] and after["priority"] == "emergency"
    assert "灯" not in after["title"] and "电梯" in after["title"] and "3栋" in after["title"]
    again = await switch.act(after, "amend", narrative="5栋楼道灯不亮", reason="原来没听错")
    assert dangers(again) == [] and "灯" in again["title"]
    assert again["priority"] == "emergency", "a person lowers a priority, no text does"


async def test_a_title_that_somebody_chose_stays(desk: Player, switch: Player) -> None:
    ticket = await desk.call("5栋楼道灯不亮")
    named = await switch.act(ticket, "amend", title="五栋的灯", reason="简明")
    after = await switch.act(named, "amend", narrative="5栋楼道灯不亮，开关也坏了", reason="补充")
    assert after["title"] == "五栋的灯"

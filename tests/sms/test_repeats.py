"""Residents who write again: the same matter is added to their open ticket, another one opens its own."""

from typing import Any

import sqlalchemy as sa

from hotline.delivery.tables import outbox
from tests.conftest import Clock, Player
from tests.sms.town import LI, WANG, Town


async def tickets(desk: Player) -> list[dict[str, Any]]:
    """Oldest first."""
    return list(reversed((await desk.get("/v1/tickets?limit=50")).json()["items"]))


async def calls(desk: Player) -> list[int]:
    return [ticket["calls"] for ticket in await tickets(desk)]


async def test_who_called_and_then_writes_the_same_is_told_the_number_they_have(town: Town, desk: Player) -> None:
    called = await desk.call("3栋2单元电梯坏了，不动了", caller={"phone": WANG})
    await town.send()
    await town.writes("3栋电梯还是不走，啥时候来修")
    (ticket,) = await tickets(desk)
    assert (ticket["number"], ticket["calls"]) == (called["number"], 2)
    (text,) = await town.send()
    assert called["number"] in text and "已记入" in text


async def test_of_two_open_matters_the_text_goes_to_its_own_and_not_to_the_last(town: Town, desk: Player) -> None:
    await town.writes("3栋楼道灯不亮")
    await town.writes("3栋垃圾好几天没人收")
    assert await calls(desk) == [1, 1]
    await town.writes("3栋的楼道灯还是黑的")
    assert await calls(desk) == [2, 1]
    await town.writes("the stair lamp in building 3 is still broken")
    assert await calls(desk) == [3, 1]


async def test_the_same_wrong_in_another_building_or_unit_is_a_matter_of_its_own(town: Town, desk: Player) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    await town.writes("5栋电梯坏了，不动了")
    await town.writes("3栋1单元电梯也坏了")
    assert await calls(desk) == [1, 1, 1]
    await town.writes("5栋电梯又坏了")
    assert await calls(desk) == [1, 2, 1]


async def test_what_a_neighbour_writes_opens_a_ticket_of_their_own(town: Town, desk: Player) -> None:
    await town.writes("3栋楼道灯不亮", WANG)
    await town.writes("3栋楼道灯不亮", LI)
    assert await calls(desk) == [1, 1]


async def test_after_the_window_the_same_is_a_new_matter(town: Town, desk: Player, clock: Clock) -> None:
    fight = await desk.call("3栋楼下广场舞太吵", caller={"phone": WANG})
    await town.writes("3栋楼下跳广场舞太吵了")
    assert (await desk.see(fight))["counters"]["calls"] == 2
    clock.forward(days=3)
    await desk.call("3栋垃圾好几天没人收", caller={"phone": LI})
    await town.writes("9栋垃圾没人收")  # the line speaks of something else since
    await town.writes("3栋楼下跳广场舞太吵了")
    assert (await desk.see(fight))["counters"]["calls"] == 2


async def test_a_new_danger_in_a_repeated_matter_opens_and_rings(town: Town, desk: Player) -> None:
    await desk.call("3栋2单元电梯坏了，不动了", caller={"phone": WANG})
    await town.writes("3栋2单元电梯坏了，里面关到人了")
    first, second = await tickets(desk)
    assert (first["calls"], second["priority"]) == (1, "emergency")
    assert "danger:lift" in second["flags"]


async def test_a_known_danger_said_again_is_added_and_rings_all_the_same(town: Town, desk: Player, db: Any) -> None:
    await town.writes("3栋2单元电梯关到人了")
    (ticket,) = await tickets(desk)
    before = await alarms(db)
    await town.writes("3栋2单元电梯头还关到人的，快来")
    assert await calls(desk) == [2]
    new = [alarm for alarm in await alarms(db) if alarm not in before]
    assert [number for number, _ in new] == [ticket["number"]]
    assert ticket["number"] in new[0][1]["text_zh"]


async def test_a_text_of_two_matters_is_not_swallowed_by_the_one_that_is_known(town: Town, desk: Player) -> None:
    await desk.call("3栋楼道灯不亮", caller={"phone": WANG})
    await town.writes("3栋楼道灯还是不亮，另外下水道堵了污水往外冒")
    assert await calls(desk) == [1, 1]
    await town.writes("3栋下水道还是堵的，另外垃圾好几天没人收")  # nor by the one last spoken of
    assert await calls(desk) == [1, 1, 1]


async def test_no_word_of_what_is_added_is_lost(town: Town, desk: Player) -> None:
    called = await desk.call("3栋2单元电梯坏了，不动了", caller={"phone": WANG})
    said = "3栋2单元的电梯还是坏的，上次说要换主板"
    await town.writes(said)
    kept = (await desk.get(f"/v1/tickets/{called['number']}/calls")).json()["items"]
    assert said in [call["narrative"] for call in kept]


async def alarms(db: Any) -> list[tuple[str, dict[str, Any]]]:
    def read(c: Any) -> list[tuple[str, dict[str, Any]]]:
        rows = c.execute(sa.select(outbox.c.number, outbox.c.payload).where(outbox.c.kind == "alarm"))
        return [(row.number, row.payload) for row in rows]

    return list(await db.transact(read))


async def test_a_danger_is_answered_with_what_to_do_and_told_again_alarms_once(
    town: Town, desk: Player, switch: Player, db: Any
) -> None:
    """Each danger's own words and number; and a text that reopens the matter rings once for it, not twice."""
    await town.writes("3栋2单元电梯关到人了，里面的老人心脏病犯了")
    told = await town.send()
    assert any("119/120" in text and "不要扒门" in text and "不要随意移动病人" in text for text in told), told
    (ticket,) = await tickets(desk)
    seen = await switch.act(await desk.see(ticket["number"]), "recall", reason="已救出")
    await desk.act(seen, "answer", answer="人已救出，电梯已恢复")
    before = await alarms(db)
    await town.writes(f"{ticket['number']} 没有解决，电梯头又关到人了")
    assert (await desk.see(ticket["number"]))["counters"]["reopens"] == 1
    fresh = [number for number, payload in await alarms(db) if (number, payload) not in before]
    assert fresh == [ticket["number"]]

"""Texts above the cap wait; what became untrue meanwhile is not sent when the number may get texts again."""

from typing import Any

import httpx
import pytest

from tests.conftest import Player
from tests.sms.town import WANG, Town

CALLER = {"phone": "13800138000"}


async def fill_share(town: Town, desk: Player) -> None:
    """All the texts that the number may get in ten minutes."""
    for block in range(11, 15):
        await desk.call(f"{block}栋楼下的路灯坏了，很黑", caller=CALLER)
    assert len(await town.send()) == 4


async def texts_of(desk: Player, ticket: dict[str, Any]) -> list[dict[str, Any]]:
    return list((await desk.get(f"/v1/tickets/{ticket['number']}/texts")).json()["items"])


async def after_the_wait(town: Town, ticket: dict[str, Any]) -> list[str]:
    town.clock.forward(minutes=11)
    return [text for text in await town.send() if ticket["number"] in text]


async def answered(desk: Player, words: str = "没有此事") -> dict[str, Any]:
    ticket = await desk.call("说不清楚的一件事情", caller=CALLER)
    return await desk.act(ticket, "answer", answer=words)


async def test_an_answer_that_waited_is_not_told_of_a_ticket_that_was_reopened(town: Town, desk: Player) -> None:
    await fill_share(town, desk)
    ticket = await answered(desk)
    assert await town.send() == []
    await desk.act(ticket, "reopen", reason="还是那样")
    told = await town.send()
    assert len(told) == 1 and "重新办理" in told[0]
    assert await after_the_wait(town, ticket) == []
    by_template = {text["template"]: text for text in await texts_of(desk, ticket)}
    assert by_template["answered"]["status"] == "capped" and by_template["answered"]["waits_for"] is None


async def test_an_answer_that_waited_and_is_still_true_follows(town: Town, desk: Player) -> None:
    await fill_share(town, desk)
    ticket = await answered(desk)
    assert await town.send() == []
    assert [("没有此事" in text) for text in await after_the_wait(town, ticket)] == [True]


async def test_of_two_answers_that_waited_the_newer_follows(town: Town, desk: Player, switch: Player) -> None:
    await fill_share(town, desk)
    ticket = await answered(desk)
    await town.send()
    ticket = await desk.act(ticket, "reopen", reason="还是那样")
    await town.send()
    await desk.act(ticket, "answer", answer="已请物业复查")
    assert await town.send() == []
    late = await after_the_wait(town, ticket)
    assert len(late) == 1 and "已请物业复查" in late[0]


async def test_a_receipt_that_waited_is_not_told_after_what_came_later(town: Town, desk: Player) -> None:
    await fill_share(town, desk)
    ticket = await desk.call("说不清楚的一件事情", caller=CALLER)
    assert await town.send() == []
    await desk.act(ticket, "request_info", text="请问在哪一栋？")
    assert len(await town.send()) == 1
    assert await after_the_wait(town, ticket) == []


async def test_an_explanation_that_waited_is_not_told_of_a_ticket_that_was_reopened(
    town: Town, desk: Player, switch: Player, lifts: Player, watch: Player
) -> None:
    lift = await desk.call("3栋2单元电梯坏了，不动了", caller=CALLER)
    await town.send()
    town.clock.forward(minutes=11)
    await fill_share(town, desk)
    lift = await lifts.order(await desk.see(lift), "accept")
    lift = await lifts.order(lift, "report", internal_result="等配件", public_reply="配件未到", solved=False)
    lift = await switch.act(lift, "accept_report")
    lift = await switch.act(lift, "explain", reason="厂家停产", public_reply="此部件已停产", satisfaction="no_answer")
    await town.send()
    await watch.act(lift, "reopen", reason="找到了配件")
    await town.send()
    assert not any("停产" in text for text in await after_the_wait(town, lift))


@pytest.mark.parametrize("reopens", [True, False])
async def test_a_gateway_that_fails_does_not_make_a_text_true_again(reopens: bool, town: Town, desk: Player) -> None:
    await fill_share(town, desk)
    ticket = await answered(desk)
    assert await town.send() == []
    town.handset.say = lambda text: httpx.Response(500) if text["to"] == WANG else None
    town.clock.forward(minutes=11)
    await town.send()
    if reopens:
        await desk.act(ticket, "reopen", reason="还是那样")
    town.handset.say = lambda text: None
    town.handset.got.clear()
    town.clock.forward(hours=1)
    told = [text for text in await town.send() if "没有此事" in text]
    assert len(told) == (0 if reopens else 1)
    kept = [text for text in await texts_of(desk, ticket) if text["template"] == "answered"]
    assert [text["status"] for text in kept] == ["capped" if reopens else "sent"]

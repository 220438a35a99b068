"""Automatic replies to one number have a limit: what a number sends beyond it within an hour is not answered."""

import httpx
import pytest

from hotline.sms.model.requests import MAX_TEXTS_PER_HOUR
from tests.conftest import Player
from tests.sms.providers import FAR
from tests.sms.town import LI, WANG, Town


async def write_often(town: Town, words: list[str], who: str = WANG) -> None:
    pushes = [(f"often-{n}-{who}", who, "12345", text, town.clock()) for n, text in enumerate(words)]
    push = FAR["generic"].texts(pushes)
    reply: httpx.Response = await town.http.request(push.method, push.path, headers=push.headers, content=push.body)
    assert reply.status_code == 200
    await town.work()


@pytest.mark.parametrize("said", ["您好", "help"])
async def test_greetings_are_answered_up_to_the_hourly_limit(said: str, town: Town, desk: Player) -> None:
    await write_often(town, [said] * (2 * MAX_TEXTS_PER_HOUR))
    assert len(await town.send()) == MAX_TEXTS_PER_HOUR
    assert (await desk.get("/v1/inbound")).json()["items"] == []  # a greeting needs nobody
    await town.writes(said, LI)
    assert len(await town.send()) == 1
    town.clock.forward(hours=1, minutes=1)
    await town.writes(said)
    assert len(await town.send()) == 1


async def test_who_wrote_too_often_may_still_opt_out_and_is_told_so_once(town: Town, desk: Player) -> None:
    await write_often(town, ["您好"] * (MAX_TEXTS_PER_HOUR + 1))
    await town.send()
    await town.writes("退订")
    assert ["已退订" in text for text in await town.send()] == [True]
    for _ in range(3):
        await town.writes("恢复")
        assert (await desk.get("/v1/stop-list")).json()["items"] == []
        await town.writes("退订")
        assert [stop["phone"] for stop in (await desk.get("/v1/stop-list")).json()["items"]] == [WANG]
    assert await town.send() == []


async def test_a_danger_is_heard_however_often_somebody_wrote(town: Town, desk: Player) -> None:
    await write_often(town, ["您好"] * (MAX_TEXTS_PER_HOUR + 1))
    await town.send()
    await town.writes("3栋着火了")
    assert any("求助已收到" in text for text in await town.send())

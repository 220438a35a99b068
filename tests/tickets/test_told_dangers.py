"""A danger told as the answer to a question, or with any other step, alarms the operators whoever writes it down."""

from typing import Any

import sqlalchemy as sa

from hotline.delivery.tables import outbox
from hotline.tickets.context import Services
from tests.conftest import Cast, Player

FIRE = "3栋2单元楼道着火了，有老人困在五楼"


async def alarms(services: Services) -> list[str]:
    told = sa.select(outbox.c.number).where(outbox.c.kind == "alarm")
    return list(await services.db.transact(lambda c: c.scalars(told).all()))


async def test_a_danger_that_an_operator_writes_down_as_the_answer_alarms(
    desk: Player, watch: Player, services: Services
) -> None:
    async def asked(narrative: str) -> dict[str, Any]:
        return await desk.act(await desk.call(narrative), "request_info", text="在哪里？")

    calm = await desk.act(await asked("有点事情想问问"), "provide_info", text="3栋门口，没有着火，就是路灯不亮")
    calm = await desk.act(calm, "urge", reason="居民再次来电催办")
    assert await alarms(services) == []
    told = await desk.act(await asked("还有件事"), "provide_info", text=FIRE)
    assert await alarms(services) == [told["number"]]
    urged = await desk.act(calm, "urge", reason="居民说现在着火了，有人被困")
    assert sorted(await alarms(services)) == sorted([told["number"], urged["number"]])
    known = await desk.call(FIRE)
    before = await alarms(services)
    await desk.act(known, "urge", reason="火还在烧，有人被困")
    assert await alarms(services) == before  # the ticket rang as one of this danger


async def test_a_danger_told_once_the_first_was_found_to_be_none_alarms(
    desk: Player, watch: Player, cast: Cast, services: Services
) -> None:
    """The flag of a danger stays on a ticket that was found to be no emergency: nobody acts on it any more."""
    smoke = await desk.call(FIRE)
    calm = await desk.act(smoke, "amend", priority="normal", reason="烧烤的烟，不是火情")
    assert "danger:fire" in calm["flags"] and await alarms(services) == []
    urged = await desk.act(calm, "urge", reason="居民说真的起火了，三楼在烧，有人被困")
    assert await alarms(services) == [calm["number"]]
    await desk.call("真的着火了，有老人困在五楼", attach_to=urged["number"])
    assert await alarms(services) == [calm["number"]] * 2
    # by a machine it is a ticket of its own, which rings
    gate = await cast("gate")
    mine = await gate.call(FIRE)
    await desk.act(await desk.see(mine["number"]), "amend", priority="normal", reason="烧烤的烟，不是火情")
    apart = await gate.call("真的着火了，有老人困在五楼", attach_to=mine["number"])
    assert apart["number"] != mine["number"] and (await desk.see(apart["number"]))["priority"] == "emergency"

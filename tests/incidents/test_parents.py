"""The parent of an incident, as other hands move it: the incident goes on, and so do the others."""

import pytest

from hotline.incidents.model.incident import Incident
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.incidents.test_stories import BURST, FURTHER, call_all, only_incident, phone, settled, storm_of_five


async def test_a_parent_that_was_merged_elsewhere_by_mistake_carries_its_incident_again(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    other = await desk.call("3栋电梯坏了，不动了", caller=phone(90), category="dt-fault")
    merged = await switch.act(await switch.see(incident["parent"]), "merge", target=other["number"])
    assert (await switch.act(merged, "unmerge", reason="点错了"))["incident"] is None
    clock.forward(seconds=2)
    further = await desk.call(FURTHER, caller=phone(20))
    assert further["parent"] == incident["parent"]
    await settled(watch)
    parent = await desk.see(incident["parent"])
    assert (parent["incident"], parent["status"]) == (incident["code"], "dispatched")
    assert (await only_incident(desk))["callers"] == 6


async def test_an_incident_whose_parent_was_merged_elsewhere_takes_no_calls(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    other = await desk.call("3栋电梯坏了，不动了", caller=phone(90), category="dt-fault")
    await switch.act(await switch.see(incident["parent"]), "merge", target=other["number"])
    clock.forward(seconds=5)
    await settled(watch)
    new = await call_all(desk, BURST, first=200)
    await settled(watch)
    codes = {(await desk.see(ticket))["incident"] for ticket in new}
    assert len(codes) == 1
    assert codes.isdisjoint({incident["code"], None})


async def test_an_open_ticket_of_the_incident_takes_the_place_of_a_parent_that_is_gone(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    hurt = await desk.call("5栋门口水管爆了，有个老人被水冲倒了，爬不起来，头在流血", caller=phone(40))
    other = await desk.call("3栋电梯坏了，不动了", caller=phone(90), category="dt-fault")
    await switch.act(await switch.see(incident["parent"]), "merge", target=other["number"])
    await settled(watch)
    assert (await only_incident(desk))["parent"] == hurt["number"]
    clock.forward(seconds=2)
    assert (await desk.call(FURTHER, caller=phone(20)))["parent"] == hurt["number"]


async def test_one_faulty_incident_does_not_stop_the_others(
    desk: Player, switch: Player, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    lifts = await call_all(desk, [f"3栋电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 7)], first=100)

    async def fails(services: Services, faulty: Incident) -> None:
        assert faulty.code != incident["code"], "a fault in one incident"

    monkeypatch.setattr("hotline.incidents.watch.dispatch_parent", fails)
    await settled(watch)
    assert None not in {(await desk.see(ticket))["incident"] for ticket in lifts}

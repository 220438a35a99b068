"""The parent of an incident, as other hands move it: the incident goes on, and so do the others."""

import pytest

from hotline.incidents.model.incident import Incident
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.incidents.test_stories import (
    BURST,
    FURTHER,
    act,
    call_all,
    messages,
    only_incident,
    phone,
    settled,
    storm_of_five,
)


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


async def test_what_was_asked_for_before_the_end_is_done_all_the_same(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    tickets, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=30)
    apart, split, *_ = [t for t in tickets if t["number"] != incident["parent"]]
    other = await desk.call("我家地下室泡水了，请来看看", caller=phone(50), category="wx-road")
    asked = await act(switch, incident, "leave", ticket=apart["number"], reason="家里的水管")
    asked = await act(switch, asked, "join", ticket=other["number"])
    asked = await act(switch, asked, "split", tickets=[split["number"]], reason="另一根管子")
    clock.forward(seconds=1)
    await act(switch, asked, "end", text="已修复")
    await settled(watch)
    alone = await desk.see(apart)
    assert (alone["parent"], alone["incident"]) == (None, None)
    joined = await desk.see(other)
    assert (joined["status"], joined["incident"]) == ("merged", incident["code"])
    assert (await desk.see(split))["incident"] not in (incident["code"], None)
    told = {m.number for m in await messages(services, "resident") if m.payload.get("final_word")}
    assert other["number"] in told
    assert told.isdisjoint({apart["number"], split["number"]})


async def test_an_order_that_a_dispatcher_takes_back_is_not_given_again(
    desk: Player, switch: Player, services: Services
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    parent = await switch.see(incident["parent"])
    lead = next(n for n, a in enumerate(parent["assignments"]) if a["part"] == "lead" and a["status"] == "issued")
    await switch.order(parent, "recall", place=lead, reason="派错了")
    await settled(watch)
    after = await switch.see(incident["parent"])
    assert after["status"] == "triaged"
    assert {a["status"] for a in after["assignments"]} == {"recalled"}


async def test_a_call_filed_under_the_street_does_not_move_the_incident_there(
    desk: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    wide = await desk.call(FURTHER, caller=phone(20), location={"area": "yq"})
    await settled(watch)
    after = await only_incident(desk)
    assert wide["incident"] == incident["code"]
    assert (after["area"]["code"], after["callers"]) == ("rq", 6)

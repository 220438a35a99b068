"""Merging never costs the one order that runs."""

from hotline.tickets.context import Services
from tests.conftest import Clock, Player, broken
from tests.incidents.test_stories import act, only_incident, phone, settled, storm_of_five

UNSORTED, SORTED = "楼下那个东西又那样了", "3栋2单元电梯坏了，不动了"


async def test_a_ticket_that_is_worked_on_is_not_merged_into_one_that_nobody_works_on(
    desk: Player, switch: Player
) -> None:
    first = await desk.call(UNSORTED, caller=phone(1))
    repeat = await desk.call(SORTED, caller=phone(1))
    assert (first["status"], repeat["status"]) == ("received", "dispatched")
    refused = await switch.act(repeat, "merge", expect=409, target=first["number"])
    assert broken(refused)[0][0] == "target" and "merge the target into this one" in refused["detail"]
    assert (await desk.see(repeat["number"]))["assignments"] == repeat["assignments"]
    # the other way round, and once both are worked on
    assert (await switch.act(first, "merge", target=repeat["number"]))["status"] == "merged"
    again = await desk.call(SORTED, caller=phone(1))
    assert (await switch.act(again, "merge", target=repeat["number"]))["status"] == "merged"


async def test_what_waits_for_its_caller_keeps_its_order_too(desk: Player, switch: Player) -> None:
    first = await desk.call(UNSORTED, caller=phone(1))
    asked = await switch.act(await desk.call(SORTED, caller=phone(1)), "request_info", text="哪一部？")
    await switch.act(asked, "merge", expect=409, target=first["number"])


async def test_while_the_order_of_an_incident_was_taken_back_those_of_its_calls_run(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    other = await desk.call("3栋电梯坏了，不动了", caller=phone(90), category="dt-fault")
    parent = await switch.see(incident["parent"])
    lead = next(n for n, a in enumerate(parent["assignments"]) if a["part"] == "lead" and a["status"] == "issued")
    await switch.order(parent, "recall", place=lead, reason="派错了")
    await act(switch, await only_incident(switch), "join", ticket=other["number"])
    clock.forward(seconds=2)
    await settled(watch)
    kept = await desk.see(other["number"])
    assert (kept["incident"], kept["status"]) == (incident["code"], "dispatched")
    parent = await switch.see(incident["parent"])
    await switch.act(parent, "dispatch", department=parent["assignments"][lead]["department"]["code"])
    await settled(watch)
    assert (await desk.see(other["number"]))["status"] == "merged"

"""A call that tells of more than an open incident is offered to it, and never merged by itself."""

import pytest

from hotline.incidents.watch import IncidentWatch
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.incidents.test_stories import act, call_all, messages, only_incident, phone, settled, storm_of_five

MORE = (
    "没得水了，水正往9栋的配电间流",
    "no water here, and there are cracks in the pavement",
    "停水了，屋头有个病人离不得水",
    "水管爆了，水淌进地下车库的电梯坑里了",
    "water is off and smoke comes out of the fuse box",
)
OVER = "水已经来了，谢谢你们"
PLAIN = ("9栋停水了，饭都煮不成", "10栋没得水，几点能来水", "no water in building 8, when will it be back?")


@pytest.mark.parametrize("text", MORE)
async def test_a_call_that_tells_of_more_keeps_its_own_ticket(
    desk: Player, services: Services, clock: Clock, text: str
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    ticket = await desk.call(text, caller=phone(20))
    clock.forward(seconds=2)
    await settled(watch)
    seen = await desk.see(ticket["number"])
    assert seen["parent"] is None and seen["status"] != "merged"
    if not any(flag.startswith("danger:") for flag in seen["flags"]):
        said = ticket["advice"]["incident"]
        assert (said["code"], said["merged"], said["offered"]) == (incident["code"], False, True)
        assert "decide" in said["say"]["en"] and f"offered:{incident['code']}" in seen["flags"]


async def test_a_call_as_much_about_something_else_stays_apart_and_asks(desk: Player, services: Services) -> None:
    await storm_of_five(desk, services)
    ticket = await desk.call("停水了，6栋门口的地面塌下去一块", caller=phone(20))
    assert ticket["parent"] is None
    assert [question["danger"] for question in ticket["advice"]["triage"]["ask"]] == ["collapse"]


async def test_a_person_joins_it_after_all(desk: Player, services: Services, clock: Clock) -> None:
    _, watch, _ = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    ticket = await desk.call(MORE[0], caller=phone(20))
    incident = await only_incident(desk)
    await act(desk, incident, "join", ticket=ticket["number"])
    await settled(watch)
    assert (await desk.see(ticket["number"]))["parent"] == incident["parent"]


async def test_plain_calls_join_as_before(desk: Player, services: Services, clock: Clock) -> None:
    _, _, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    for n, text in enumerate(PLAIN, start=30):
        assert (await desk.call(text, caller=phone(n)))["parent"] == incident["parent"], text


async def test_that_it_is_over_is_no_further_call_about_it(desk: Player, services: Services, clock: Clock) -> None:
    _, watch, _ = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    ticket = await desk.call(OVER, caller=phone(20))
    await settled(watch)
    assert (await desk.see(ticket["number"]))["parent"] is None


PLAIN_BURST = (
    "5栋门口自来水管爆了，满街都是水",
    "水管爆裂，水喷得有两层楼高",
    "6栋那边水管子爆了，水流得到处都是",
    "爆水管呀，成條街都係水",
)
AMONG_THE_FIRST = (
    "7栋旁边自来水管爆了，水正往配电间流",
    "水管爆了，6栋门口的地面塌下去一块",
    "7栋自来水管爆了，路灯也不亮了",
)


@pytest.mark.parametrize("text", AMONG_THE_FIRST)
async def test_a_call_that_tells_of_more_among_the_first_five_keeps_its_own_ticket(
    desk: Player, services: Services, clock: Clock, text: str
) -> None:
    """It counts as a call of the incident and belongs to it; a person may have it merged."""
    told = await desk.call(text, caller=phone(10))
    await call_all(desk, PLAIN_BURST)
    watch = IncidentWatch(services)
    await settled(watch)
    incident = await only_incident(desk)
    assert (incident["state"], incident["callers"]) == ("open", 5)
    seen = await desk.see(told["number"])
    assert (seen["incident"], seen["parent"], seen["status"]) == (incident["code"], None, told["status"])
    assert f"offered:{incident['code']}" in seen["flags"]
    assert incident["parent"] != told["number"]
    history = (await desk.get(f"/v1/tickets/{told['number']}/timeline")).json()["items"]
    assert history[-1]["reason"] == "it tells of more than the incident"
    clock.forward(minutes=1)
    await act(desk, await only_incident(desk), "join", ticket=told["number"])
    await settled(watch)
    seen = await desk.see(told["number"])
    assert (seen["parent"], seen["flags"]) == (incident["parent"], told["flags"])


async def test_what_stays_apart_has_an_end_of_its_own(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    told = await desk.call(AMONG_THE_FIRST[0], caller=phone(10))
    await call_all(desk, PLAIN_BURST)
    watch = IncidentWatch(services)
    await settled(watch)
    await act(switch, await only_incident(switch), "end", text="已修好")
    await settled(watch)
    ended = {m.number for m in await messages(services, "resident") if m.payload.get("final_word")}
    assert len(ended) == 4 and told["number"] not in ended

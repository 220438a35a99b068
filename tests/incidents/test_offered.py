"""A call that tells of more than an open incident is offered to it, and never merged by itself."""

import pytest

from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.incidents.test_stories import act, only_incident, phone, settled, storm_of_five

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

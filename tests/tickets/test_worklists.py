"""What the hotline itself must do next: nobody who waits for a word from it is overlooked."""

from typing import Any

import pytest

from hotline.tickets.context import Services
from tests.conftest import LIFT, Cast, Clock, Player, broken

DONE = {"internal_result": "换了主板", "public_reply": "电梯已修好", "solved": True}


async def solved(desk: Player, lifts: Player, watch: Player, **more: Any) -> dict[str, Any]:
    ticket = await desk.call(LIFT, category="dt-fault", **more)
    place = next(n for n, a in enumerate(ticket["assignments"]) if a["department"]["code"] == "property-works")
    ticket = await lifts.order(ticket, "accept", place=place)
    ticket = await lifts.order(ticket, "report", place=place, **DONE)
    return await watch.order(ticket, "accept_report", place=place)


async def items(player: Player, queue: str) -> list[dict[str, Any]]:
    return (await player.get(f"/v1/worklists/{queue}")).json()["items"]  # type: ignore[no-any-return]


async def test_whoever_must_be_called_back_stands_by_when_that_must_be_done(
    desk: Player, lifts: Player, watch: Player, clock: Clock
) -> None:
    first = await solved(desk, lifts, watch)
    clock.forward(hours=1)
    second = await solved(desk, lifts, watch, location={"area": "rq-b9"})
    assert first["status"] == second["status"] == "resolved"
    found = await items(desk, "call_back")
    assert [x["number"] for x in found] == [first["number"], second["number"]]
    assert {x["department"]["code"] for x in found} == {"property-works"}  # who did it
    for item, ticket in zip(found, (first, second), strict=True):
        waits = (await desk.see(ticket))["waits_for"]
        assert (waits["queue"], waits["until"]) == ("call_back", item["until"])
    second = await desk.act(await desk.see(second), "call_back", reached="no_reply")
    assert [(x["number"], x["call_backs"]) for x in await items(desk, "call_back")] == [
        (first["number"], 0), (second["number"], 1),
    ]  # fmt: skip
    await desk.act(await desk.see(first), "confirm", satisfaction="satisfied")
    assert [x["number"] for x in await items(desk, "call_back")] == [second["number"]]
    closed = (await desk.get("/v1/tickets?status=closed")).json()["items"]
    assert [(x["number"], x["department"]["code"]) for x in closed] == [(first["number"], "property-works")]
    reopened = await desk.act(await desk.see(first), "reopen", reason="又坏了")
    (again,) = (await desk.get("/v1/queue")).json()["items"]
    assert (again["number"], again["department"]) == (reopened["number"], None)  # nobody has it now


async def test_a_list_goes_on_where_it_ended(desk: Player, lifts: Player, watch: Player, clock: Clock) -> None:
    numbers = []
    for _ in range(5):
        numbers.append((await solved(desk, lifts, watch))["number"])
        clock.forward(minutes=1)
    found, cursor = [], ""
    for _ in range(9):
        page = (await desk.get(f"/v1/worklists/call_back?limit=2{cursor}")).json()
        found += [x["number"] for x in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == numbers


async def test_what_waits_for_the_caller_and_what_lies_on_the_shelf_have_lists_of_their_own(
    desk: Player, watch: Player, cast: Cast
) -> None:
    switch = await cast("switch")
    vague = await desk.call("有个东西坏了，你们来看看嘛")
    vague = await switch.act(await switch.see(vague), "request_info", text="什么坏了，在哪里？")
    assert [x["number"] for x in await items(desk, "information")] == [vague["number"]]
    lamp = await desk.call("5栋路灯坏了", category="wx-light")
    later = "2026-12-20T00:00:00Z"
    lamp = await watch.act(await watch.see(lamp), "shelve", reason="等表决", review_at=later)
    (on_the_shelf,) = await items(watch, "shelf")
    assert (on_the_shelf["number"], on_the_shelf["until"][:10]) == (lamp["number"], "2026-12-20")
    assert await items(desk, "call_back") == []


@pytest.mark.parametrize("queue", ["call_back", "information", "shelf"])
async def test_a_department_and_another_part_of_the_community_see_none_of_it(
    desk: Player, lifts: Player, watch: Player, cast: Cast, queue: str, services: Services
) -> None:
    ticket = await solved(desk, lifts, watch, location={"area": "rq-b9"})
    if queue == "information":
        switch = await cast("switch")
        ticket = await desk.call("有个东西坏了，你们来看看嘛", location={"area": "rq-b9"})
        ticket = await switch.act(await switch.see(ticket), "request_info", text="什么坏了？")
    elif queue == "shelf":
        ticket = await desk.call("9栋路灯坏了", category="wx-light", location={"area": "rq-b9"})
        await watch.act(await watch.see(ticket), "shelve", reason="等表决", review_at="2026-12-20T00:00:00Z")
    assert ticket["number"] in [x["number"] for x in await items(watch, queue)]
    assert (await lifts.get(f"/v1/worklists/{queue}")).status_code == 403
    block = await cast("block3")
    assert await items(block, queue) == []


async def test_there_is_no_list_of_anything_else(desk: Player) -> None:
    reply = await desk.get("/v1/worklists/department")
    assert (reply.status_code, broken(reply.json())) == (
        422, [("queue", "one of information, call_back, shelf")],
    )  # fmt: skip

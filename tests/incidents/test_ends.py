"""The end of an incident, as its parent and the people who called are told of it."""

from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from hotline.database import idempotency
from hotline.incidents.cache import IncidentCache
from hotline.incidents.watch import IncidentWatch
from hotline.tickets.context import Services
from hotline.tickets.lookup import query_code
from hotline.web.idempotency import ANSWER_RETENTION
from tests.conftest import Clock, Player
from tests.incidents.test_stories import (
    FURTHER,
    act,
    call_all,
    messages,
    only_incident,
    phone,
    settled,
    solve,
    storm_of_five,
)

LAST_WORD = "水管已修复，18:30恢复供水"


async def incident_lines(player: Player, number: str) -> list[tuple[str, str | None]]:
    """What the timeline of a ticket tells of its incident: (its state, why)."""
    lines = (await player.get(f"/v1/tickets/{number}/timeline")).json()["items"]
    return [(x["changes"]["incident_state"][1], x["reason"]) for x in lines if x["action"] == "update_incident"]


async def test_the_timeline_of_the_parent_tells_what_becomes_of_its_incident(
    desk: Player, switch: Player, services: Services
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    assert await incident_lines(switch, incident["parent"]) == []
    contained = await act(switch, incident, "contain", text="阀门已关")
    await settled(watch)
    again = await act(switch, contained, "reopen", reason="又冲开了")
    await settled(watch)
    await settled(IncidentWatch(services))  # another worker says nothing twice
    await act(switch, again, "end", text=LAST_WORD)
    await settled(watch)
    assert await incident_lines(switch, incident["parent"]) == [
        ("contained", "阀门已关"), ("open", "又冲开了"), ("over", LAST_WORD),
    ]  # fmt: skip
    lines = (await switch.get(f"/v1/tickets/{incident['parent']}/timeline")).json()["items"]
    line = next(x for x in lines if x["action"] == "update_incident")
    assert (line["by"]["kind"], line["changes"]["incident"]) == ("rules", [None, incident["code"]])


async def test_each_change_is_noted_once_however_many_there_are_between_two_looks_and_however_late(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    contained = await act(switch, incident, "contain", text="阀门已关")
    again = await act(switch, contained, "reopen", reason="又冲开了")
    told = await act(switch, again, "comment", text="再去一趟")
    await settled(watch)
    expected = [("contained", "阀门已关"), ("open", "又冲开了")]
    assert await incident_lines(switch, incident["parent"]) == expected
    await act(switch, told, "contain", text="换了阀门")
    await settled(watch)
    clock.forward(hours=80)  # what was asked for is forgotten by then
    await services.db.transact(lambda c: idempotency.delete_old_answers(c, clock.now - ANSWER_RETENTION, 1000))
    await settled(IncidentWatch(services))
    assert await incident_lines(switch, incident["parent"]) == [*expected, ("contained", "换了阀门")]


async def look_up(app: FastAPI, services: Services, number: str) -> dict[str, Any]:
    """What somebody reads who has the ticket's number and code."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as http:
        body = {"number": number, "code": query_code(services.secret, number)}
        return dict((await http.post("/v1/lookup", json=body)).json())


async def test_who_looks_up_a_ticket_of_an_incident_reads_how_that_stands(
    desk: Player, switch: Player, services: Services, app: FastAPI, clock: Clock
) -> None:
    tickets, watch, incident = await storm_of_five(desk, services)
    joined = next(t["number"] for t in tickets if t["number"] != incident["parent"])
    seen = await look_up(app, services, joined)
    assert (seen["incident"]["code"], seen["incident"]["state"]) == (incident["code"], "open")
    assert seen["incident"]["label"]["zh"]
    assert (seen["incident"]["final_word"], seen["reply"]) == (None, None)
    clock.forward(minutes=30)
    await act(switch, incident, "end", text=LAST_WORD)
    await settled(watch)
    seen = await look_up(app, services, joined)
    assert (seen["incident"]["state"], seen["incident"]["final_word"], seen["reply"]) == ("over", LAST_WORD, LAST_WORD)


async def test_of_a_proposal_nobody_outside_is_told(desk: Player, services: Services, app: FastAPI) -> None:
    tickets = await call_all(desk, [f"3栋电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 7)])
    await settled(IncidentWatch(services))
    assert (await only_incident(desk))["state"] == "proposed"
    assert (await look_up(app, services, tickets[0]["number"]))["incident"] is None


async def test_calls_after_the_end_are_told_nothing_of_it(
    desk: Player, switch: Player, services: Services, app: FastAPI, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    await act(switch, incident, "end", text=LAST_WORD)
    await settled(watch)
    clock.forward(seconds=2)
    later = await desk.call("5栋电梯坏了", caller={"phone": "13900000099"})
    assert (await look_up(app, services, later["number"]))["incident"] is None


async def test_the_caller_of_the_parent_reads_the_final_word_until_the_matter_is_reopened(
    desk: Player, switch: Player, pipes: Player, watch: Player, services: Services, app: FastAPI, clock: Clock
) -> None:
    tickets, worker, incident = await storm_of_five(desk, services)
    parent = incident["parent"]
    member = next(t["number"] for t in tickets if t["number"] != parent)
    clock.forward(minutes=30)
    await act(switch, incident, "end", text=LAST_WORD)
    await settled(worker)
    assert (await desk.see(parent))["status"] == "dispatched"  # the order runs on: somebody paves the road again
    assert [(await look_up(app, services, n))["reply"] for n in (parent, member)] == [LAST_WORD] * 2
    solved = await solve(switch, pipes, parent, "路面已修复")
    await desk.act(solved, "confirm", satisfaction="satisfied")
    assert [(await look_up(app, services, n))["reply"] for n in (parent, member)] == ["路面已修复"] * 2
    clock.forward(minutes=10)
    await watch.act(await watch.see(parent), "reopen", reason="又爆了")
    await settled(worker)
    assert [(await look_up(app, services, n))["reply"] for n in (parent, member)] == [None] * 2


async def test_a_danger_within_an_incident_has_an_end_of_its_own(
    desk: Player, switch: Player, services: Services, app: FastAPI, clock: Clock
) -> None:
    _, worker, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    danger = await desk.call("5栋水管爆了，有人被水冲倒了，流了好多血", caller={"phone": "13900000070"})
    assert (danger["incident"], danger["parent"]) == (incident["code"], None)
    both = await desk.call("5栋水管爆了，有人触电了", caller={"phone": "13900000071"})
    again = await desk.call("5栋门口自来水管爆了，满街都是水", caller={"phone": "13900000071"})
    assert (both["parent"], again["parent"]) == (None, incident["parent"])
    clock.forward(minutes=30)
    await act(switch, await only_incident(switch), "end", text=LAST_WORD)
    await settled(worker)
    told = {m.number for m in await messages(services, "resident") if m.payload.get("final_word")}
    assert {danger["number"], both["number"]}.isdisjoint(told)
    assert again["number"] in told  # about the main they called, too
    assert len(told) == 6
    seen = await look_up(app, services, danger["number"])
    assert (seen["reply"], seen["incident"]["state"], seen["incident"]["final_word"]) == (None, "over", None)


async def test_an_incident_that_was_ended_too_early_is_reopened_and_its_next_end_is_told_again(
    desk: Player, switch: Player, services: Services, app: FastAPI, clock: Clock
) -> None:
    tickets, worker, incident = await storm_of_five(desk, services)
    member = next(t["number"] for t in tickets if t["number"] != incident["parent"])
    clock.forward(minutes=30)
    over = await act(switch, incident, "end", text=LAST_WORD)
    await settled(worker)
    assert [a["action"] for a in over["allowed_actions"]] == ["reopen", "comment"]
    again = await act(switch, over, "reopen", reason="又冲开了")
    assert (again["state"], again["final_word"], again["ended_at"]) == ("open", None, None)
    await settled(worker)
    assert [state for state, _ in await incident_lines(switch, incident["parent"])] == ["over", "open"]
    assert (await look_up(app, services, member))["reply"] is None
    clock.forward(seconds=5)
    later = await desk.call("5栋门口自来水管爆了，满街都是水", caller={"phone": "13900000080"})
    assert later["incident"] == incident["code"]
    clock.forward(hours=1)
    await act(switch, await only_incident(switch), "end", text="已换新管")
    await settled(worker)
    told = [m.payload["final_word"] for m in await messages(services, "resident") if m.payload.get("final_word")]
    assert sorted(told) == sorted([LAST_WORD] * 5 + ["已换新管"] * 6)
    assert (await look_up(app, services, member))["reply"] == "已换新管"


async def test_an_incident_follows_its_parent_when_that_is_reopened(
    desk: Player, switch: Player, pipes: Player, watch: Player, services: Services, clock: Clock
) -> None:
    _, worker, incident = await storm_of_five(desk, services)
    clock.forward(minutes=30)
    await solve(switch, pipes, incident["parent"], "水管已修好")
    await settled(worker)
    over = await only_incident(switch)
    assert over["state"] == "over"
    assert [a["action"] for a in over["allowed_actions"]] == ["comment"]
    seen = (await switch.get(f"/v1/incidents/{over['code']}")).json()
    assert seen["allowed_actions"] == over["allowed_actions"]
    refused = await act(switch, over, "reopen", 409, reason="又爆了")
    assert refused["allowed_actions"] == over["allowed_actions"]
    clock.forward(hours=2)
    await watch.act(await watch.see(incident["parent"]), "reopen", reason="又爆了")
    await settled(worker)
    assert (await only_incident(switch))["state"] == "open"
    await settled(IncidentWatch(services))
    clock.forward(hours=1)
    again = await only_incident(switch)
    await act(switch, again, "end", text="已换新管")
    await settled(worker)
    assert (await only_incident(switch))["state"] == "over"  # what was reopened before the end reopens it no more
    told = [m.payload["final_word"] for m in await messages(services, "resident") if m.payload.get("final_word")]
    assert sorted(told) == sorted(["水管已修好"] * 5 + ["已换新管"] * 5)


async def test_a_merged_caller_reads_the_stage_of_the_ticket_that_carries_the_matter(
    desk: Player, services: Services, app: FastAPI
) -> None:
    tickets, _, incident = await storm_of_five(desk, services)
    joined = next(t["number"] for t in tickets if t["number"] != incident["parent"])
    seen, parent = await look_up(app, services, joined), await look_up(app, services, incident["parent"])
    assert seen["status"] == "merged" and parent["department"] is not None
    for name in ("label", "department", "promised_at"):
        assert seen[name] == parent[name], name


async def test_a_ticket_merged_elsewhere_is_not_answered_by_the_incident(
    desk: Player, switch: Player, services: Services, app: FastAPI, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    ringing = await desk.call("6栋水管爆了，有人被水冲倒，头在流血", caller={"phone": "13900000098"})
    other = await desk.call("9栋电梯里困了人", caller={"phone": "13900000097"})
    assert ringing["incident"] == incident["code"] and ringing["status"] == "dispatched"
    await switch.act(ringing, "merge", target=other["number"])
    await act(switch, await only_incident(desk), "end", text=LAST_WORD)
    await settled(watch)
    assert (await look_up(app, services, ringing["number"]))["reply"] is None


async def test_what_is_told_as_it_is_contained_reaches_later_callers_and_those_who_look_up(
    desk: Player, switch: Player, services: Services, app: FastAPI, clock: Clock
) -> None:
    tickets, _, incident = await storm_of_five(desk, services)
    told = "总阀已关，预计18点来水"
    contained = await act(switch, incident, "contain", text=told)
    clock.forward(seconds=2)
    later = await desk.call("9栋停水了", caller={"phone": "13900000096"})
    assert told in later["advice"]["incident"]["say"]["zh"] and told in later["advice"]["incident"]["say"]["en"]
    joined = next(t["number"] for t in tickets if t["number"] != incident["parent"])
    assert (await look_up(app, services, joined))["incident"]["told"] == told
    await act(switch, contained, "reopen", reason="又漏了")
    assert (await look_up(app, services, joined))["incident"]["told"] is None


async def test_who_joins_at_the_instant_of_the_end_is_neither_lost_nor_left_in_it(
    desk: Player, switch: Player, pipes: Player, services: Services, clock: Clock
) -> None:
    """One call was being committed while the others were told; one ticket was asked for as the parent was closed."""
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=30)
    other = await desk.call("我家地下室泡水了，请来看看", caller=phone(50), category="wx-road")
    await act(switch, incident, "join", ticket=other["number"])
    cache = services.part(IncidentCache)
    seen = await cache.now(clock.now)
    clock.forward(seconds=2)
    await solve(switch, pipes, incident["parent"], "水管已修好")
    parent = await desk.see({"number": incident["parent"]})
    await desk.act(parent, "confirm", satisfaction="satisfied")
    await settled(watch)
    assert (await only_incident(switch))["state"] == "over"
    told = {m.number for m in await messages(services, "resident") if m.payload.get("final_word")}
    clock.now -= timedelta(seconds=1)
    cache._found, cache._looked = seen, clock.now  # as the process has it that takes the call
    late = await desk.call(FURTHER, caller=phone(70))
    assert late["status"] == "merged"
    cache.forget()
    for _ in range(3):
        clock.forward(minutes=1)
        await settled(watch)
    words = [m.number for m in await messages(services, "resident") if m.payload.get("final_word")]
    assert sorted(words) == sorted([*told, late["number"]])
    alone = await desk.see(other)
    assert (alone["status"], alone["incident"], alone["parent"]) == (other["status"], None, None)

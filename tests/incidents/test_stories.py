"""Incidents over HTTP, on both databases: many calls about one matter become one."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hotline.delivery.tables import outbox
from hotline.incidents.cache import IncidentCache
from hotline.incidents.watch import IncidentWatch
from hotline.tickets.context import Services
from hotline.tickets.jobs import check_counters
from tests.conftest import Cast, Clock, Player

BURST = (
    "5栋门口自来水管爆了，满街都是水",
    "水管爆裂，水喷得有两层楼高",
    "the water main broke in front of building 6",
    "6栋那边水管子爆了，水流得到处都是",
    "爆水管呀，成條街都係水",
)
FURTHER = "7栋旁边的自来水管炸开了，路都淹了"


def phone(n: int) -> dict[str, Any]:
    return {"phone": f"1390000{n:04d}"}


async def call_all(desk: Player, narratives: Sequence[str], first: int = 0) -> list[dict[str, Any]]:
    return [await desk.call(text, caller=phone(first + n)) for n, text in enumerate(narratives)]


async def settled(watch: IncidentWatch) -> None:
    """As many steps as the worker needs until nothing is left to do at once, and one more."""
    for _ in range(20):
        if not await watch.step():
            break
    await watch.step()


async def only_incident(player: Player) -> dict[str, Any]:
    (found,) = (await player.get("/v1/incidents")).json()["items"]
    return dict(found)


async def act(
    player: Player, incident: dict[str, Any], action: str, expect: int = 200, **fields: Any
) -> dict[str, Any]:
    reply = await player.post(
        f"/v1/incidents/{incident['code']}/actions/{action}", fields, headers={"If-Match": f'"{incident["version"]}"'}
    )
    assert reply.status_code == expect, reply.text
    return dict(reply.json())


async def messages(services: Services, kind: str) -> list[Any]:
    def read(c: sa.Connection) -> list[Any]:
        return list(c.execute(sa.select(outbox).where(outbox.c.kind == kind).order_by(outbox.c.id)))

    return await services.db.transact(read)


async def storm_of_five(desk: Player, services: Services) -> tuple[list[dict[str, Any]], IncidentWatch, dict[str, Any]]:
    """Five callers about one burst main, and the incident they became."""
    tickets = await call_all(desk, BURST)
    watch = IncidentWatch(services)
    await settled(watch)
    return tickets, watch, await only_incident(desk)


async def test_five_callers_about_one_main_become_an_incident_with_one_order(desk: Player, services: Services) -> None:
    tickets, _, incident = await storm_of_five(desk, services)
    assert (incident["state"], incident["category"]["code"], incident["area"]["code"]) == ("open", "sdq-burst", "rq")
    assert (incident["callers"], incident["ticket_count"]) == (5, 5)
    detail = (await desk.get(f"/v1/incidents/{incident['code']}")).json()
    assert [order["part"] for order in detail["orders"] if order["part"] == "lead"] == ["lead"]
    assert sorted(m["status"] for m in detail["tickets"]) == ["dispatched", *["merged"] * 4]
    assert {m["number"] for m in detail["tickets"]} == {t["number"] for t in tickets}
    parent = await desk.see(incident["parent"])
    assert parent["counters"]["calls"] == 5
    assert len(await messages(services, "duty")) == 1
    assert await check_counters(services) == 0


async def test_four_callers_or_five_calls_of_one_caller_are_no_incident(desk: Player, services: Services) -> None:
    await call_all(desk, BURST[:4])
    await desk.call(BURST[4], caller=phone(0))
    await settled(IncidentWatch(services))
    assert (await desk.get("/v1/incidents")).json()["items"] == []


async def test_five_calls_in_an_hour_are_no_incident(desk: Player, services: Services, clock: Clock) -> None:
    watch = IncidentWatch(services)
    for n, text in enumerate(BURST):
        await desk.call(text, caller=phone(n))
        await settled(watch)
        clock.forward(minutes=12)
    assert (await desk.get("/v1/incidents")).json()["items"] == []


async def test_a_later_call_joins_as_it_comes_in_and_its_caller_is_told(
    desk: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    ticket = await desk.call(FURTHER, caller=phone(20))
    assert (ticket["status"], ticket["parent"], ticket["incident"]) == ("merged", incident["parent"], incident["code"])
    assert ticket["assignments"] == []
    said = ticket["advice"]["incident"]
    assert (said["merged"], said["state"]) == (True, "open")
    assert said["say"]["zh"]
    assert said["say"]["en"]
    told = [m for m in await messages(services, "resident") if m.number == ticket["number"]]
    assert [m.payload.get("incident") for m in told if m.payload["action"] == "merge"] == [incident["code"]]
    before = await desk.see(incident["parent"])
    await settled(watch)
    assert (await desk.see(incident["parent"]))["version"] == before["version"]  # counted once a minute
    clock.forward(minutes=1)
    await settled(watch)
    assert (await desk.see(incident["parent"]))["counters"]["calls"] == 6
    assert (await only_incident(desk))["callers"] == 6


async def test_a_call_about_another_matter_in_the_same_place_does_not_join(
    desk: Player, services: Services, clock: Clock
) -> None:
    await storm_of_five(desk, services)
    clock.forward(seconds=2)
    for n, text in enumerate(
        (
            "5栋电梯坏了，一直停在一楼",
            "6栋楼下有人打麻将，吵得睡不着",
            "物业费是怎么收的",
            "5栋楼上漏水，天花板都泡坏了",
        )
    ):
        ticket = await desk.call(text, caller=phone(30 + n))
        assert ticket["incident"] is None, text


async def test_somebody_in_danger_rings_within_an_incident_too(desk: Player, services: Services, clock: Clock) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    before = len(await messages(services, "duty"))
    ticket = await desk.call("5栋门口水管爆了，有个老人被水冲倒了，爬不起来，头在流血", caller=phone(40))
    assert (ticket["priority"], ticket["incident"]) == ("emergency", incident["code"])
    assert ticket["status"] == "dispatched"
    assert "单独派单" in ticket["advice"]["incident"]["say"]["zh"]
    assert len(await messages(services, "duty")) > before
    await settled(watch)
    assert (await desk.see(ticket))["status"] == "dispatched"


async def test_what_the_operator_files_as_another_matter_keeps_its_own_orders(
    desk: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    electric = await desk.call("7栋门口的水管爆了，水漫到配电箱边上", caller=phone(41), category="sdq-electric")
    despair = await desk.call("8栋门口的水管爆了，有人说不想活了", caller=phone(42), category="za-selfharm")
    light = await desk.call("7栋旁边的水管炸开了，路灯灭了", caller=phone(43), category="wx-light")
    await settled(watch)
    members = (await desk.get(f"/v1/incidents/{incident['code']}")).json()["tickets"]
    for ticket in (electric, despair, light):
        seen = await desk.see(ticket)
        assert (seen["status"], seen["parent"]) != ("merged", incident["parent"]), seen["narrative"]
        assert seen["incident"] is None
        assert ticket["number"] not in {m["number"] for m in members}
    assert [order["status"] for order in electric["assignments"] if order["part"] == "lead"] == ["issued"]


async def test_a_dispatcher_confirms_what_no_rule_confirms(desk: Player, switch: Player, services: Services) -> None:
    await call_all(desk, [f"3栋电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 7)])
    watch = IncidentWatch(services)
    await settled(watch)
    incident = await only_incident(switch)
    assert (incident["state"], incident["parent"], incident["area"]["code"]) == ("proposed", None, "rq-b3")
    assert {m["action"] for m in incident["allowed_actions"]} == {
        "confirm",
        "dismiss",
        "merge",
        "split",
        "join",
        "leave",
        "comment",
    }
    detail = (await switch.get(f"/v1/incidents/{incident['code']}")).json()
    assert all(m["status"] == "dispatched" for m in detail["tickets"])
    assert (await act(desk, incident, "confirm", expect=403))["type"].endswith("not-your-role")
    confirmed = await act(switch, incident, "confirm")
    assert confirmed["state"] == "open"
    await settled(watch)
    detail = (await switch.get(f"/v1/incidents/{incident['code']}")).json()
    assert sorted(m["status"] for m in detail["tickets"]) == ["dispatched", *["merged"] * 4]
    assert len([o for o in detail["orders"] if o["part"] == "lead"]) == 1


async def test_what_is_no_incident_lets_its_tickets_go(desk: Player, switch: Player, services: Services) -> None:
    tickets = await call_all(desk, [f"3栋电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 7)])
    watch = IncidentWatch(services)
    await settled(watch)
    await act(switch, await only_incident(switch), "dismiss", reason="两部不同的电梯")
    await settled(watch)
    assert [(await desk.see(ticket))["incident"] for ticket in tickets] == [None] * 5
    assert len((await switch.get("/v1/incidents")).json()["items"]) == 1


async def test_a_ticket_that_leaves_has_its_own_life_again(desk: Player, switch: Player, services: Services) -> None:
    tickets, watch, incident = await storm_of_five(desk, services)
    child = next(t for t in tickets if t["number"] != incident["parent"] and t["status"] == "dispatched")
    await act(switch, incident, "leave", ticket=child["number"], reason="家里的水管，不是路上的")
    await settled(watch)
    after = await switch.see(child)
    assert (after["status"], after["parent"], after["incident"]) == ("triaged", None, None)
    assert (await switch.see(incident["parent"]))["counters"]["calls"] == 4
    assert {m["action"] for m in after["allowed_actions"]} >= {"dispatch", "merge"}
    timeline = (await switch.get(f"/v1/tickets/{child['number']}/timeline")).json()["items"]
    assert "家里的水管" in timeline[-1]["reason"]
    await settled(watch)
    assert (await switch.see(child))["incident"] is None
    refused = await act(switch, await only_incident(switch), "leave", expect=422, ticket=incident["parent"], reason="x")
    assert refused["errors"][0]["field"] == "ticket"


async def test_a_part_that_is_another_matter_is_split_off(desk: Player, switch: Player, services: Services) -> None:
    tickets, watch, incident = await storm_of_five(desk, services)
    apart = [t["number"] for t in tickets if t["number"] != incident["parent"]][:2]
    await act(switch, incident, "split", tickets=apart, reason="另一根管子")
    await settled(watch)
    found = (await switch.get("/v1/incidents")).json()["items"]
    assert {i["code"] for i in found} > {incident["code"]}
    (other,) = [i for i in found if i["code"] != incident["code"]]
    detail = (await switch.get(f"/v1/incidents/{other['code']}")).json()
    assert {m["number"] for m in detail["tickets"]} == set(apart)
    assert sorted(m["status"] for m in detail["tickets"]) == ["dispatched", "merged"]
    left = (await switch.get(f"/v1/incidents/{incident['code']}")).json()
    assert len(left["tickets"]) == 3


async def test_a_ticket_joins_by_hand(desk: Player, switch: Player, services: Services) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    other = await desk.call("我家地下室泡水了，请来看看", caller=phone(50), category="wx-road")
    assert other["incident"] is None
    await act(desk, incident, "join", ticket=other["number"])
    await settled(watch)
    after = await desk.see(other)
    assert (after["status"], after["incident"]) == ("merged", incident["code"])


async def test_when_it_is_over_every_phone_has_one_final_word(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    _, watch, _ = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    await desk.call(FURTHER, caller=phone(0))  # one of the five calls again
    await settled(watch)
    contained = await act(switch, await only_incident(switch), "contain")
    ended = await act(switch, contained, "end", text="水管已修复，18:30恢复供水")
    assert (ended["state"], ended["final_word"]) == ("over", "水管已修复，18:30恢复供水")
    await settled(watch)
    words = [m for m in await messages(services, "resident") if m.payload.get("final_word")]
    assert len(words) == 5
    assert len({m.number for m in words}) == 5
    await settled(watch)
    assert len([m for m in await messages(services, "resident") if m.payload.get("final_word")]) == 5
    assert (await act(switch, ended, "comment", text="复盘周一"))["state"] == "over"
    clock.forward(seconds=2)
    assert (await desk.call(FURTHER, caller=phone(60)))["incident"] is None


async def solve(switch: Player, pipes: Player, number: str, reply: str) -> dict[str, Any]:
    """The lead of a ticket reports that it is done, and the report is accepted."""
    parent = await pipes.see(number)
    lead = next(n for n, a in enumerate(parent["assignments"]) if a["part"] == "lead" and a["status"] == "issued")
    parent = await pipes.order(parent, "accept", place=lead)
    for n, assignment in enumerate(parent["assignments"]):
        if assignment["part"] == "assist":
            parent = await switch.order(parent, "recall", place=n, reason="not needed")
    parent = await pipes.order(parent, "report", place=lead, internal_result="换管", public_reply=reply, solved=True)
    return await switch.order(parent, "accept_report", place=lead)


async def test_the_answer_of_the_parent_is_the_end_of_the_incident(
    desk: Player, switch: Player, pipes: Player, services: Services
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    await solve(switch, pipes, incident["parent"], "水管已修好")
    await settled(watch)
    ended = await only_incident(switch)
    assert (ended["state"], ended["final_word"]) == ("over", "水管已修好")
    words = [m for m in await messages(services, "resident") if m.payload.get("final_word")]
    assert len(words) == 5


async def test_a_department_sees_the_incidents_whose_order_is_its_own(
    desk: Player, pipes: Player, lifts: Player, cast: Cast, services: Services
) -> None:
    _, _, incident = await storm_of_five(desk, services)
    path = f"/v1/incidents/{incident['code']}"
    assert (await pipes.get(path)).status_code == 200
    firemen = await cast("firemen")
    assert (await firemen.get("/v1/incidents")).json()["items"] == []
    assert (await firemen.get(path)).status_code == 404
    assert (await firemen.get(f"{path}/timeline")).status_code == 404
    assert (await firemen.get("/v1/incidents/100000")).status_code == 404
    gate = await cast("gate")
    assert (await gate.get("/v1/incidents")).status_code == 403
    entries = (await pipes.get(f"{path}/timeline")).json()["items"]
    assert [e["action"] for e in entries] == ["propose", "confirm"]
    assert entries[0]["changes"]["tickets"] == [None, [incident["parent"]]]  # of the five the one that is theirs
    theirs = (await desk.get(f"{path}/timeline")).json()["items"]
    assert len(theirs[0]["changes"]["tickets"][1]) == 5


async def test_a_contractor_reads_no_note_of_the_desk_in_the_history_of_an_incident(
    desk: Player, switch: Player, lifts: Player, cast: Cast, services: Services
) -> None:
    calls = await call_all(desk, [f"3栋电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 7)], first=100)
    await settled(IncidentWatch(services))
    code = (await desk.see(calls[0]))["incident"]
    path = f"/v1/incidents/{code}"
    await act(switch, (await switch.get(path)).json(), "confirm")
    await settled(IncidentWatch(services))
    incident = await act(switch, (await switch.get(path)).json(), "comment", text="维保单位报价偏高")
    incident = await act(switch, incident, "contain", text="电梯已停用，人已救出")
    incident = await act(switch, incident, "reopen", reason="值班员说又坏了")
    whole, of_works = [(await who.get(f"{path}/timeline")).json()["items"] for who in (desk, lifts)]
    assert [e["reason"] for e in whole] == [e["reason"] for e in of_works] and "报价偏高" in str(whole)
    theirs = (await (await cast("liftmen")).get(f"{path}/timeline")).json()["items"]
    assert [e["action"] for e in theirs] == [e["action"] for e in whole if e["action"] != "comment"]
    assert "已停用" in str(theirs) and "值班员" not in str(theirs)


async def test_an_action_needs_the_version_and_a_repeat_is_answered_once(
    desk: Player, switch: Player, services: Services
) -> None:
    _, _, incident = await storm_of_five(desk, services)
    path = f"/v1/incidents/{incident['code']}/actions/contain"
    assert (await switch.post(path)).status_code == 428
    seen = {"If-Match": f'"{incident["version"]}"', "Idempotency-Key": "contain-1"}
    first = await switch.post(path, headers=seen)
    again = await switch.post(path, headers=seen)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    late = await switch.post(path, headers={"If-Match": seen["If-Match"]})
    assert late.status_code == 412
    refused = await act(switch, first.json(), "confirm", expect=409)
    assert {m["action"] for m in refused["allowed_actions"]} >= {"reopen", "end"}
    unknown = await switch.post(f"/v1/incidents/{incident['code']}/actions/burn", headers={"If-Match": '"1"'})
    assert unknown.status_code == 404


async def test_a_worker_that_dies_between_proposal_and_merging_loses_nothing(desk: Player, services: Services) -> None:
    tickets = await call_all(desk, BURST)
    await IncidentWatch(services).step()  # proposed; no ticket is touched yet
    assert (await only_incident(desk))["state"] == "proposed"
    await settled(IncidentWatch(services))
    incident = await only_incident(desk)
    assert incident["state"] == "open"
    statuses = sorted([(await desk.see(ticket))["status"] for ticket in tickets])
    assert statuses == ["dispatched", *["merged"] * 4]
    await settled(IncidentWatch(services))
    assert (await desk.see(incident["parent"]))["counters"]["calls"] == 5
    assert len(await messages(services, "duty")) == 1


async def test_a_call_that_joins_at_the_moment_of_the_end_has_its_own_life_again(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    """The process that takes the call looks at the open incidents once a second, and has not seen the end yet."""
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    cache = services.part(IncidentCache)
    seen = await cache.now(clock.now)
    await act(switch, incident, "end", text="已修复")
    cache._found, cache._looked = seen, clock.now  # as another process has it
    late = await desk.call(FURTHER, caller=phone(70))
    assert late["status"] == "merged"
    await settled(watch)
    after = await desk.see(late)
    assert (after["status"], after["parent"], after["incident"]) == ("triaged", None, None)


async def test_a_ticket_that_was_merged_by_mistake_is_taken_out_again(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    parent = await desk.call("3栋2单元电梯坏了，不动了", caller=phone(80), category="dt-fault")
    child = await desk.call("3栋门口的路灯坏了", caller=phone(81), category="wx-light")
    promised = child["promised_at"]
    merged = await switch.act(child, "merge", target=parent["number"])
    assert [a["status"] for a in merged["assignments"]] == ["recalled"]
    assert [m["action"] for m in merged["allowed_actions"]] == ["unmerge", "reveal", "undo"]
    assert (await switch.see(parent))["counters"]["calls"] == 2
    clock.forward(days=1)
    await switch.act(merged, "unmerge", expect=422)
    alone = await switch.act(merged, "unmerge", reason="不是同一件事")
    assert (alone["status"], alone["parent"]) == ("triaged", None)
    assert {c["metric"] for c in alone["clocks"]["running"]} >= {"dispatch", "resolve"}
    seen = await switch.see(parent)
    assert (seen["counters"]["calls"], seen["counters"]["merged"]) == (1, 0)
    told = (await switch.get(f"/v1/tickets/{parent['number']}/timeline")).json()["items"][-1]
    assert (told["action"], told["changes"]["child"]) == ("unmerge", [child["number"], None])
    again = await switch.act(alone, "dispatch", department="property-works")
    assert again["status"] == "dispatched"
    assert again["promised_at"] > promised
    assert await check_counters(services) == 0


async def test_what_was_contained_is_worse_again_and_calls_still_join(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    contained = await act(switch, incident, "contain")
    refused = await act(switch, contained, "reopen", expect=422)
    assert [error["field"] for error in refused["errors"]] == ["reason"]
    again = await act(switch, contained, "reopen", reason="又冲开了")
    assert (again["state"], again["code"]) == ("open", incident["code"])
    clock.forward(seconds=2)
    later = await desk.call("9栋门口的水管又爆了，水往外冲", caller=phone(31))
    await settled(watch)
    assert (await desk.see(later))["incident"] == incident["code"]

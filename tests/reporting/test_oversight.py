"""What those see who look over many departments, and what they do not."""

from types import SimpleNamespace
from typing import Any

from hotline.organisation.model.directory import Directory
from hotline.reporting.schemas.boards import render_audit_entry
from hotline.reporting.service.figures import update_rollups
from hotline.tickets.context import Services
from hotline.tickets.sla.jobs import escalate_due
from tests.conftest import LIFT, NOON, Cast, Clock, Player


async def test_the_wall_counts_what_is_open_by_department_area_and_colour(
    desk: Player, watch: Player, lifts: Player, services: Services, clock: Clock
) -> None:
    await update_rollups(services, clock())
    for _ in range(2):
        await desk.call(LIFT, category="dt-fault")
    light = await desk.call("5栋路灯坏了", category="wx-light", location={"area": "rq-b5", "lat": 30.69, "lon": 103.83})
    clock.forward(days=20)
    while (await escalate_due(services, clock())).claimed:
        pass
    while await update_rollups(services, clock()):
        pass
    wall = (await watch.get("/v1/wall")).json()
    assert (wall["open"], wall["counts"]["dispatched"]) == (3, 3)
    works = next(d for d in wall["departments"] if d["department"]["code"] == "property-works")
    assert works["open"] >= 2 and works["colours"]["red"] >= 2
    assert sum(a["open"] for a in wall["areas"]) == 3
    assert {d["day"] for d in wall["hours"]} == {f"2026-12-{n:02}" for n in range(9, 16)}
    assert (await lifts.get("/v1/wall")).status_code == 403
    dots = (await watch.get("/v1/map")).json()
    assert dots["type"] == "FeatureCollection"
    told = {d["properties"]["number"]: d for d in dots["features"]}
    assert len(told) == 3 and told[light["number"]]["geometry"]["coordinates"] == [103.83, 30.69]
    assert {(d["properties"]["area"], d["properties"]["exact"]) for d in told.values()} == {
        ("rq-b3", False), ("rq-b5", True)
    }  # fmt: skip
    own = {d["properties"]["number"] for d in (await lifts.get("/v1/map")).json()["features"]}
    assert own == told.keys() - {light["number"]}


async def test_the_wall_of_a_part_of_the_community_is_of_that_part(
    cast: Cast, services: Services, clock: Clock
) -> None:
    desk, block = await cast("desk"), await cast("block3")
    await update_rollups(services, clock())
    await desk.call("3栋路灯坏了", category="wx-light", location={"area": "rq-b3"})
    await desk.call("9栋路灯坏了", category="wx-light", location={"area": "rq-b9"})
    while await update_rollups(services, clock()):
        pass
    wall = (await block.get("/v1/wall")).json()
    assert wall["open"] == 1 and [a["area"]["code"] for a in wall["areas"]] == ["rq-b3"]
    assert sum(d["open"] for d in wall["departments"]) == 1
    assert sum(sum(d["hours"]) for d in wall["hours"]) == 1 and wall["today"]["counts"]["accepted"] == 1


async def test_rulings_wait_in_one_list_emergencies_first(cast: Cast, lift_ticket: dict[str, Any]) -> None:
    desk, lifts, switch = await cast("desk"), await cast("lifts"), await cast("switch")
    asked = await lifts.order(
        lift_ticket, "request_return", reason_code="not_our_duty", basis="职责清单", department="service-centre"
    )
    later = await desk.call("4栋电梯坏了", category="dt-fault", priority="emergency")
    place = next(n for n, a in enumerate(later["assignments"]) if a["department"]["code"] == "property-works")
    later = await lifts.order(later, "accept", place=place)
    await lifts.order(later, "request_extension", place=place, due_at="2026-12-24T00:00:00+08:00", reason="等配件")
    items = (await switch.get("/v1/rulings")).json()["items"]
    assert [(x["number"], x["status"]) for x in items] == [
        (later["number"], "accepted"),
        (asked["number"], "return_requested"),
    ]
    assert items[1]["suggested"]["code"] == "service-centre" and items[0]["asked_due_at"]
    assert (await lifts.get("/v1/rulings")).status_code == 403


async def test_the_committee_reads_who_did_what_page_by_page_within_its_view(
    cast: Cast, lift_ticket: dict[str, Any]
) -> None:
    committee, desk, pipes = await cast("committee"), await cast("desk"), await cast("pipes")
    await desk.act(await desk.see(lift_ticket), "urge", reason="又打来了，电话13800138000")
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = (await committee.get("/v1/audit", params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += page["items"]
        if (cursor := page["next"]) is None:
            break
    assert [x["action"] for x in seen] == ["urge", "dispatch", "triage", "receive"]
    assert "13800138000" not in str(seen)
    assert seen[0]["reason"] == "又打来了，电话***" and seen[0]["department"] is None
    own = (await committee.get("/v1/audit", params={"person": desk.actor.id})).json()["items"]
    assert {x["by"]["id"] for x in own} == {desk.actor.id}
    authors = (await committee.get("/v1/audit-authors")).json()["items"]
    assert desk.actor.id in {x["id"] for x in authors}  # chosen by name, not typed
    by_rules = (await committee.get("/v1/audit", params={"kind": "rules"})).json()["items"]
    assert by_rules and {x["by"]["kind"] for x in by_rules} == {"rules"}
    urged = (await committee.get("/v1/audit", params={"action": "urge", "kind": "key"})).json()["items"]
    assert [x["action"] for x in urged] == ["urge"]
    at = urged[0]["at"]
    assert (await committee.get("/v1/audit", params={"before": at, "since": at})).json()["items"] == []
    assert len((await committee.get("/v1/audit", params={"since": at})).json()["items"]) >= 1
    lifts = await cast("lifts")
    await lifts.order(await lifts.see(lift_ticket), "accept")
    (signed,) = (await committee.get("/v1/audit", params={"action": "accept"})).json()["items"]
    assert signed["department"]["code"] == "property-works"
    # what was told stands in no list, nor who told it
    secret = await desk.call("我要举报王强收烟", caller={"phone": "13900139000", "confidential": True})
    await desk.call("我是李秀英，他昨天又收了两条烟", attach_to=secret["number"])
    await desk.act(await desk.see(secret), "urge", reason="李秀英又来问")
    asked = await desk.act(await desk.call("有点事情想问问"), "request_info", text="在哪里？")
    await desk.act(asked, "provide_info", text="李秀英家门口")
    told = (await committee.get("/v1/audit")).json()["items"]
    assert {x["action"] for x in told} >= {"add_call", "urge", "provide_info"} and "李秀英" not in str(told)
    row = SimpleNamespace(
        number="100000006", seq=2, at=NOON, action="reopen", status_from="closed", status_to="triaged", assignment=None,
        by_kind="resident", by_id="the caller's", by_name="居民", reason="我是李秀英", department=None, confidential=False, changes={},
    )  # fmt: skip
    shown = render_audit_entry(row, Directory(0))
    assert (shown.by.id, shown.reason, shown.withheld) == ("resident", None, "resident")
    # every row says where it was sent, and that a reason is kept back
    assert seen[1]["department"]["code"] == lift_ticket["department"]["code"]
    withheld = {x["action"]: x["withheld"] for x in told}
    assert (withheld["provide_info"], withheld["accept"], withheld["add_call"]) == ("resident", None, "confidential")
    assert all(x["withheld"] is None or x["reason"] is None for x in told)
    assert (await pipes.get("/v1/audit-authors")).status_code == 403
    assert (await pipes.get("/v1/audit")).status_code == 403


async def test_earlier_answers_are_found_and_confidential_ones_are_not(desk: Player, watch: Player) -> None:
    for kind, words in (("enquiry", "居住证去服务中心一楼办理"), ("report", "已转监督委员会处理")):
        ticket = await desk.call("居住证怎么办", category="wt-venue", kind=kind)
        if ticket["status"] == "dispatched":
            ticket = await watch.act(await watch.see(ticket), "recall", reason="当场答复")
        await desk.act(await desk.see(ticket), "answer", answer=words)
    found = (await desk.get("/v1/earlier-answers", params={"q": "居住证"})).json()["items"]
    assert [x["answer"] for x in found] == ["居住证去服务中心一楼办理"]
    assert (await desk.get("/v1/earlier-answers")).json()["items"] == []


async def test_the_catalogue_tells_its_hits_and_its_misses(
    desk: Player, switch: Player, lifts: Player, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    asked = await lifts.order(
        lift_ticket, "request_return", reason_code="not_our_duty", basis="职责清单", department="service-centre"
    )
    back = await switch.order(await switch.see(asked), "approve_return", reason="确非其职责")
    await switch.act(back, "dispatch", department="service-centre")
    clock.forward(hours=1)
    rows = {x["route"]: x for x in (await switch.get("/v1/catalogue-rows")).json()["items"]}
    assert (rows["r-dt-fault"]["orders"], rows["r-dt-fault"]["returned"]) == (1, 1)
    assert rows[None]["orders"] == 1  # a person chose

"""Bugs that were found and mended, each as the complaint it would have been."""

import asyncio
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx
import pytest

from hotline.delivery.notices import GatewayDown, WebhookClient
from hotline.organisation.service.directory import DirectoryCache
from hotline.organisation.store import directory
from hotline.tickets.context import Services
from tests.conftest import Cast, Clock, Player

REPORT = {"internal_result": "x", "public_reply": "y", "solved": True}


async def test_who_called_cannot_be_found_out_by_trying_numbers(desk: Player, lifts: Player, cast: Cast) -> None:
    t = await desk.call("3栋电梯坏了", category="dt-fault", caller={"phone": "13800138000"})
    assert t["caller"]["id"] != str(uuid5(NAMESPACE_URL, "tel:+8613800138000"))
    who = t["caller"]["id"]
    secret = await desk.call("举报吃回扣", category="za-misconduct", caller={"phone": "13800138000"})
    found = (await desk.get("/v1/tickets", params={"caller": who})).json()["items"]
    assert [i["number"] for i in found] == [t["number"]]  # not the confidential one
    assert secret["confidential"] if "confidential" in secret else secret["caller"]["confidential"]
    for member in ("lifts", "committee", "boss"):
        other = await cast(member)
        assert (await other.get("/v1/tickets", params={"caller": who})).status_code == 403
        if member != "lifts":
            assert (await other.see(t))["caller"]["id"] is None


async def test_a_merge_publishes_no_confidential_caller(desk: Player, switch: Player) -> None:
    a = await desk.call("停水", category="sdq-water", caller={"phone": "13800138001", "name": "赵某"})
    b = await desk.call("停水", category="sdq-water", caller={"phone": "13800138002"})
    a = await desk.act(a, "set_confidential", confidential=True, reason="本人要求")
    await switch.act(a, "merge", target=b["number"])
    calls = (await desk.get(f"/v1/tickets/{b['number']}/calls")).json()
    assert "13800138001" not in str(calls) and "赵某" not in str(calls) and len(calls["items"]) == 2


async def test_guessing_all_at_once_is_guessing_all_the_same(cast: Cast) -> None:
    boss = await cast("boss")
    person = {"login": "li", "name": "李", "password": "correct horse 9", "roles": ["operator"]}
    await boss.post("/v1/people", person)

    async def guess() -> int:
        body = {"login": "li", "password": "wrong wrong wrong"}
        return (await boss.http.post("/v1/token", json=body, headers={"authorization": ""})).status_code

    said = await asyncio.gather(*(guess() for _ in range(20)))
    assert sorted(set(said)) == [401, 429] and said.count(401) <= 8


async def test_a_gateways_priority_neither_raises_nor_lowers(cast: Cast) -> None:
    gate = await cast("gate")
    for said in ({}, {"priority": "normal"}, {"priority": "urgent"}):
        t = await gate.call("电梯里有情况", category="dt-trapped", channel="web", **said)
        assert t["priority"] == "emergency", said


async def test_what_turns_out_to_be_a_report_of_wrongdoing_becomes_confidential(desk: Player, switch: Player) -> None:
    t = await desk.call("说不清楚的事", caller={"phone": "13800138000"})
    t = await switch.act(t, "triage", category="za", kind="report", priority="normal")
    assert t["caller"]["confidential"] and t["caller"]["phone"] is None
    t = await desk.call("另一件事", caller={"phone": "13800138000"})
    t = await switch.act(t, "triage", category="za-misconduct", kind="complaint", priority="normal")
    assert t["caller"]["confidential"]


async def test_an_extension_into_the_past_is_refused(
    lift_ticket: dict[str, Any], lifts: Player, switch: Player
) -> None:
    t = await lifts.order(lift_ticket, "accept")
    t = await lifts.order(t, "request_extension", due_at="2026-12-20T18:00:00+08:00", reason="等配件")
    said = await switch.order(t, "approve_extension", due_at="2020-01-01T00:00:00Z", expect=409)
    assert said["errors"][0]["field"] == "due_at"


async def test_a_review_in_the_past_is_refused_by_the_field_that_was_sent(
    lift_ticket: dict[str, Any], watch: Player
) -> None:
    said = await watch.act(lift_ticket, "shelve", reason="等表决", review_at="2020-01-01T00:00:00Z", expect=409)
    assert said["errors"][0]["field"] == "review_at"


async def test_the_queue_shows_at_once_that_another_matter_was_merged_in(desk: Player, switch: Player) -> None:
    parent = await desk.call("9栋停水", category="sdq-water")
    child = await desk.call("9栋说不清", location={"area": "rq-b9"})
    await desk.get("/v1/departments/water/queue")
    await switch.act(child, "merge", target=parent["number"])
    item = (await desk.get("/v1/departments/water/queue")).json()["items"][0]
    assert (item["version"], item["flags"]) == (parent["version"] + 1, ["repeat"])


async def test_characters_nobody_types_are_refused_before_a_database_sees_them(desk: Player, cast: Cast) -> None:
    boss = await cast("boss")
    for reply in (
        await desk.get("/v1/tickets", params={"outer_number": "\u0000"}),
        await desk.get("/v1/tickets", params={"assignee": "\u0000"}),
        await boss.get("/v1/people", params={"after": "\u0000"}),
        await desk.post("/v1/explain/routing", {"at": "9999-12-31T23:00:00Z"}),
        await desk.post("/v1/calls", {"channel": "phone", "narrative": "\u200b\u200b"}),
    ):
        assert reply.status_code == 422, reply.text


async def test_a_reached_caller_is_not_unreachable(
    lift_ticket: dict[str, Any], lifts: Player, switch: Player, desk: Player
) -> None:
    t = await lifts.order(lift_ticket, "accept")
    t = await lifts.order(t, "report", **REPORT)
    t = await switch.order(t, "accept_report")
    for _ in range(3):
        t = await desk.act(t, "call_back", reached="connected")
    await desk.act(t, "confirm", satisfaction="no_answer", expect=409)
    for _ in range(3):
        t = await desk.act(t, "call_back", reached="no_reply")
    t = await desk.act(t, "reopen", reason="没修好")
    assert t["counters"]["call_backs"] == 0  # the next round is called anew


async def test_amending_flags_keeps_the_danger(desk: Player) -> None:
    t = await desk.call("我屋头闻到煤气味")
    t = await desk.act(t, "amend", flags=["hot"], reason="多人反映")
    assert t["flags"] == ["danger:gas", "hot"]


async def test_a_committee_gets_no_order_of_any_kind(lift_ticket: dict[str, Any], switch: Player) -> None:
    t = await switch.act(lift_ticket, "recall", reason="派错了")
    for more in ({"assists": ["joint-council"]}, {"performer": "joint-council"}):
        said = await switch.act(t, "dispatch", department="water", expect=422, **more)
        assert "takes no orders" in said["errors"][0]["rule"]


async def test_an_upload_that_may_not_be_leaves_no_bytes(desk: Player, services: Services) -> None:
    t = await desk.call("打错了")
    t = await desk.act(t, "void", reason_code="mistake")
    files = {"file": ("a.png", b"\x89PNG\r\n\x1a\n000", "image/png")}
    assert (await desk.http.post(f"/v1/tickets/{t['number']}/attachments", files=files)).status_code == 409
    nobody = {"authorization": ""}
    reply = await desk.http.post(f"/v1/tickets/{t['number']}/attachments", files=files, headers=nobody)
    assert reply.status_code == 401
    assert not [p for p in services.files.rglob("*") if p.is_file()]


async def test_a_merged_ticket_cannot_be_voided_away_under_others(desk: Player, switch: Player) -> None:
    parent = await desk.call("说不清的事")
    child = await desk.call("另一件说不清的事")
    await switch.act(child, "merge", target=parent["number"])
    parent = await desk.see(parent)
    await desk.act(parent, "void", reason_code="test", expect=409)


async def test_an_answer_that_cannot_be_read_is_tried_again() -> None:
    def garbled(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip at all"))

    async with httpx.AsyncClient(transport=httpx.MockTransport(garbled)) as client:
        from datetime import UTC, datetime

        with pytest.raises(GatewayDown):
            await WebhookClient(client, "http://far/", None).send("1", b"{}", datetime.now(UTC))


async def test_a_directory_changed_while_it_is_read_is_read_again(
    services: Services, clock: Clock, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = DirectoryCache(db)
    real = directory.load_items

    async def overtaken(where: Any) -> Any:
        rows = await real(where)
        monkeypatch.setattr(directory, "load_items", real)
        water = next(r.body for r in rows if (r.noun, r.code) == ("departments", "water"))
        item = ("departments", "water", water, {**water, "name": "新水务"})
        await db.transact(lambda c: directory.write_changes(c, 2, [item], clock(), "x", "x"))
        return rows

    monkeypatch.setattr(directory, "load_items", overtaken)
    await cached.now(clock())
    assert (await cached.now(clock.forward(seconds=2))).departments["water"].name == "新水务"

"""A contractor is told of its own orders and of what its work needs; never of others' notes, whichever way it asks."""

import json
from typing import Any

import pytest
from fastapi import FastAPI

from hotline.reporting.service import exports
from hotline.tickets.context import Services
from tests.conftest import Cast, Clock, Player
from tests.streaming.listening import listening, serving

PNG = b"\x89PNG\r\n\x1a\n0000"
SECRETS = {  # who writes it, by which action: words that are no contractor's to read
    "the desk's note": "来电人王秀英住301，脾气大",
    "the property's note": "维保单位报价偏高，准备换人",
    "another department's note": "水务内部意见：管网老化",
    "another department's report": "水务内部结论：暂不更换",
    "an amendment's reason": "删去王秀英的房号",
    "words that were taken out": "王秀英301室的电梯坏了",
}


async def busy(cast: Cast) -> dict[str, Any]:
    """A lift that the property's works have a contractor for, and that another department assists with."""
    desk, lifts, pipes, liftmen = [await cast(name) for name in ("desk", "lifts", "pipes", "liftmen")]
    t = await desk.call(SECRETS["words that were taken out"], category="dt-fault",
                        caller={"phone": "13800138000", "name": "王秀英"}, location={"area": "rq-b3"})  # fmt: skip
    t = await desk.act(
        t, "amend", narrative="3栋电梯坏了", title="3栋电梯坏了", reason=SECRETS["an amendment's reason"]
    )
    t = await desk.act(t, "comment", text=SECRETS["the desk's note"])
    t = await lifts.order(t, "accept")
    t = await lifts.act(t, "comment", text=SECRETS["the property's note"])
    t = await lifts.order(t, "assist", department="water")
    t = await pipes.see(t)
    t = await pipes.order(t, "accept", place=1)
    t = await pipes.act(t, "comment", text=SECRETS["another department's note"])
    report = {"internal_result": SECRETS["another department's report"], "public_reply": "已查", "solved": True}
    t = await pipes.order(t, "report", place=1, **report)
    files = {"file": ("pipes.png", PNG, "image/png")}
    assert (await pipes.http.post(f"/v1/tickets/{t['number']}/attachments", files=files)).status_code == 201
    t = await liftmen.act(await liftmen.see(t), "comment", text="已到现场")
    return await desk.act(await desk.see(t), "urge", reason="居民又来电催")


@pytest.fixture
async def number(cast: Cast) -> str:
    return str((await busy(cast))["number"])


async def test_the_timeline_of_a_contractor_holds_no_other_departments_notes(cast: Cast, number: str) -> None:
    desk, liftmen = await cast("desk"), await cast("liftmen")
    whole = (await desk.get(f"/v1/tickets/{number}/timeline")).json()["items"]
    assert all(secret in str(whole) for secret in SECRETS.values())
    theirs = (await liftmen.get(f"/v1/tickets/{number}/timeline")).json()["items"]
    view = (await liftmen.get(f"/v1/tickets/{number}")).text
    for what, secret in SECRETS.items():
        assert secret not in str(theirs) and secret not in view, what
    assert "已到现场" in str(theirs) and "居民又来电催" in str(theirs)
    assert f"{number}-2" not in str(theirs) and "water" not in str(theirs)
    actions = [entry["action"] for entry in theirs]
    assert {"receive", "dispatch", "accept", "urge"} <= set(actions) and actions.count("comment") == 1


async def test_the_file_of_timelines_holds_what_the_page_does(
    cast: Cast, number: str, services: Services, clock: Clock
) -> None:
    for name in ("liftmen", "desk", "lifts"):
        player = await cast(name)
        asked = (await player.post("/v1/exports", {"kind": "timeline", "form": "jsonl"})).json()
        while await exports.make_next_export(services, clock()):
            pass
        file = (await player.get(f"/v1/exports/{asked['id']}/file")).text
        page = (await player.get(f"/v1/tickets/{number}/timeline")).json()["items"]
        assert name != "liftmen" or not any(secret in file for secret in SECRETS.values())
        lines = [json.loads(line) for line in file.splitlines()]
        assert [(x["seq"], x["reason"]) for x in lines] == [(x["seq"], x["reason"]) for x in page], name


async def test_colleagues_of_one_contractor_read_each_others_notes(
    app: FastAPI, cast: Cast, services: Services, number: str
) -> None:
    from tests.conftest import CAST

    CAST["second liftman"] = CAST["liftmen"]
    try:
        colleague = await cast("second liftman")
    finally:
        del CAST["second liftman"]
    assert "已到现场" in (await colleague.get(f"/v1/tickets/{number}/timeline")).text


async def test_a_contractor_sees_no_files_of_departments_it_does_not_work_for(cast: Cast, number: str) -> None:
    players = {name: await cast(name) for name in ("desk", "lifts", "pipes", "liftmen")}
    for name, player in players.items():
        files = {"file": (f"{name}.png", PNG, "image/png")}
        reply = await player.http.post(f"/v1/tickets/{number}/attachments", files=files)
        assert reply.status_code == 201, reply.text

    async def seen(player: Player) -> dict[str, str]:
        items = (await player.get(f"/v1/tickets/{number}/attachments")).json()["items"]
        return {item["name"].removesuffix(".png"): item["id"] for item in items}

    assert set(await seen(players["desk"])) == set(players)
    assert set(await seen(players["liftmen"])) == {"desk", "lifts", "liftmen"}
    hidden = (await seen(players["desk"]))["pipes"]
    assert (await players["liftmen"].get(f"/v1/tickets/{number}/attachments/{hidden}")).status_code == 404


async def test_the_stream_tells_a_contractor_of_no_line_its_timeline_hides(app: FastAPI, cast: Cast) -> None:
    liftmen = await cast("liftmen")
    async with serving(app) as at, listening(at, str(liftmen.http.headers["authorization"])) as ear:
        await ear.next()
        number = (await busy(cast))["number"]
        heard: list[int] = []
        last = (await (await cast("desk")).get(f"/v1/tickets/{number}/timeline")).json()["items"][-1]["seq"]
        while last not in heard:
            [(_, event)] = await ear.tickets(1)
            heard.append(event["seq"])
        shown = [e["seq"] for e in (await liftmen.get(f"/v1/tickets/{number}/timeline")).json()["items"]]
        assert set(heard) <= set(shown)
        whole = (await (await cast("desk")).get(f"/v1/tickets/{number}/timeline")).json()["items"]
        told = [(e["action"], e["by"]["name"]) for e in whole if e["seq"] in heard]
        assert ("comment", "liftmen") in told and "pipes" not in {who for _, who in told}


async def test_a_subscription_of_a_contractor_hears_of_its_own_orders_alone(cast: Cast, services: Services) -> None:
    from hotline.delivery import store as outbox_store
    from hotline.delivery.model import MessageStatus

    boss = await cast("boss")
    body = {"name": "lifts", "url": "https://lifts.example.org/hook", "department": "lifts"}
    assert (await boss.post("/v1/subscriptions", body)).status_code == 201
    await busy(cast)
    told = [
        m.payload
        for m in await outbox_store.load_messages(services.db, MessageStatus.QUEUED, "", 200)
        if m.kind == "event"
    ]
    of_water = [e for e in told if (e["order"] or {}).get("department") == "water"]
    assert of_water and all("lifts" not in e["departments"] for e in of_water)
    assert any("lifts" in e["departments"] for e in told)


async def test_a_department_whose_order_was_returned_is_told_no_more(
    cast: Cast, services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    from hotline.delivery import store as outbox_store
    from hotline.delivery.model import MessageStatus

    boss, watch = await cast("boss"), await cast("watch")
    await boss.post("/v1/subscriptions", {"name": "works", "url": "https://works.example.org/hook"})
    t = await watch.act(await watch.see(lift_ticket), "recall", reason="另派")
    clock.forward(minutes=1)
    await (await cast("switch")).act(t, "urge", reason="又来电")
    told = [
        m.payload
        for m in await outbox_store.load_messages(services.db, MessageStatus.QUEUED, "", 200)
        if m.kind == "event"
    ]
    by_type = {e["type"]: e["departments"] for e in told}
    assert "property-works" in by_type["order.recalled"] and by_type["ticket.urged"] == []


async def test_whoever_reported_is_named_by_no_line_to_those_who_see_the_caller_masked(
    cast: Cast, services: Services, clock: Clock, number: str
) -> None:
    desk, lifts = await cast("desk"), await cast("lifts")
    caller = (await desk.see(number))["caller"]["id"]
    t = await desk.see(number)
    await desk.act(t, "amend", contact="微信 wangxiuying", caller_name="王秀英二", reason="本人补充")
    page = (await lifts.get(f"/v1/tickets/{number}/timeline")).text
    for secret in (caller, "wangxiuying", "王秀英二", SECRETS["words that were taken out"]):
        assert secret not in page

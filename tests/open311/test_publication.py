"""What is public of a ticket: nothing by itself, a text that somebody wrote for it, and nothing again once it is taken
back."""

import csv
import io
import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.reporting.service import exports
from hotline.tickets.context import Services
from hotline.tickets.model.publication import round_place, tells_who_called
from tests.conftest import Cast, Clock, Player, broken
from tests.open311.far_side import BASE, Far
from tests.open311.test_open311 import WATER, keyed, publish
from tests.tickets.make import a_ticket

CANARIES = ("王秀英", "13800138000", "301", "脾气大", "维保报价", "已电话答复")
TEXT = "3栋2单元电梯停用，维修中"


async def with_secrets(cast: Cast) -> dict[str, Any]:
    """A ticket that is full of words nobody wrote for the public."""
    desk, lifts = await cast("desk"), await cast("lifts")
    t = await desk.call(
        "3栋2单元电梯坏了，王秀英301脾气大", category="dt-fault", caller={"phone": "13800138000", "name": "王秀英"},
        location={"area": "rq-b3", "lat": 30.69012, "lon": 103.83034, "address": "3栋2单元301"},
    )  # fmt: skip
    t = await lifts.order(await lifts.see(t), "accept")
    return await lifts.order(t, "report", internal_result="维保报价", public_reply="已电话答复王秀英", solved=True)


async def opt_in(cast: Cast, **more: Any) -> None:
    await publish(cast, "dt-fault", public_channels=["phone"], **more)


async def everything_public(far: Far, number: str) -> str:
    """All that somebody without a key can read, in every form."""
    pages = [await far.http.get(f"{BASE}/requests.{form}?extensions=true") for form in ("json", "xml", "csv")]
    pages += [await far.http.get(f"{BASE}/requests/{number}.{form}") for form in ("json", "xml")]
    pages += [await far.http.get(f"{BASE}/servicerequestupdates.json")]
    return "\n".join(page.text for page in pages)


@pytest.fixture
async def far(app: FastAPI, services: Services) -> Any:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline") as http:
        yield Far(http, await keyed(services, "fms"))


async def test_words_are_public_when_somebody_wrote_them_for_it_and_until_they_are_taken_back(
    far: Far, cast: Cast
) -> None:
    switch, desk = await cast("switch"), await cast("desk")
    number = (await with_secrets(cast))["number"]
    seen = await switch.see(number)
    assert "publish" not in {m["action"] for m in seen["allowed_actions"]}  # the category is not published
    refused = await switch.act(seen, "publish", expect=409, public_text=TEXT)
    assert broken(refused) == [("may_publish", "nothing is published of this category and channel, or of this matter")]
    assert number not in await everything_public(far, number)

    await opt_in(cast)
    listed = await everything_public(far, number)
    assert number in listed and not any(canary in listed for canary in (*CANARIES, TEXT, "30.69"))
    seen = await switch.see(number)
    assert {"publish", "unpublish"} <= {m["action"] for m in seen["allowed_actions"]}
    for words in ("王秀英家电梯", "请联系138 0013-8000"):
        refused = await switch.act(seen, "publish", expect=409, public_text=words)
        assert broken(refused) == [("public_text", "the text holds the caller's name or number")]
    await desk.act(seen, "publish", expect=403, public_text=TEXT)
    published = await switch.act(seen, "publish", public_text=TEXT)
    assert published["publication"] == {"public": True, "text": TEXT}
    listed = await everything_public(far, number)
    assert listed.count(TEXT) == 5 and not any(canary in listed for canary in CANARIES)

    taken_back = await desk.act(await desk.see(number), "unpublish", reason="来电人要求")
    assert taken_back["publication"] == {"public": False, "text": None}
    assert "unpublish" not in {m["action"] for m in taken_back["allowed_actions"]}
    assert number not in await everything_public(far, number)
    told = (await desk.get(f"/v1/tickets/{number}/timeline")).json()["items"]
    assert [(e["action"], e["by"]["name"]) for e in told[-2:]] == [("publish", "switch"), ("unpublish", "desk")]
    deeds = (await (await cast("committee")).get("/v1/security-log?deed=publication_changed")).json()["items"]
    assert [(d["about"]["id"], d["details"], d["by"]["name"]) for d in deeds] == [
        (number, {"public": False}, "desk"), (number, {"public": True}, "switch"),
    ]  # fmt: skip
    assert told[-1]["changes"]["public_text"] == [TEXT, None] and told[-1]["reason"] == "来电人要求"
    masked = (await (await cast("lifts")).get(f"/v1/tickets/{number}/timeline")).json()["items"]
    assert masked[-1]["changes"]["public_text"] == [None, None]  # what had to be taken back is read by the desk alone

    await switch.act(await switch.see(number), "publish", public_text="电梯已恢复")
    assert "电梯已恢复" in await everything_public(far, number)
    await desk.act(await desk.see(number), "set_confidential", confidential=True, reason="来电人要求")
    assert number not in await everything_public(far, number)


async def test_a_place_is_told_as_exactly_as_the_category_has_it(far: Far, cast: Cast) -> None:
    number = (await with_secrets(cast))["number"]
    await opt_in(cast, public_precision=500)
    (found,) = await far.both(f"requests/{number}")
    assert (found["lat"], found["long"]) == round_place(30.69012, 103.83034, 500)
    assert abs(found["lat"] - 30.69012) < 0.0023 and (found["lat"], found["long"]) != (30.69012, 103.83034)
    boss = await cast("boss")
    item = {**(await boss.get("/v1/directory/categories/dt-fault")).json(), "public_precision": 5}
    tag = (await boss.get("/v1/directory/categories")).headers["etag"]
    wrong = await boss.http.put("/v1/directory/categories/dt-fault", json=item, headers={"if-match": tag})
    assert broken(wrong.json()) == [("categories.dt-fault.public_precision", "50 to 5000 metres")]


async def test_a_client_reads_its_own_report_whatever_is_taken_back(far: Far, cast: Cast) -> None:
    await publish(cast, "sdq-water", public_channels=["web"])
    number = (await far.post(WATER))["service_request_id"]
    switch = await cast("switch")
    await switch.act(await switch.see(number), "publish", public_text="9栋水管抢修中")
    (anybody,), (own,) = [await far.both(f"requests/{number}", **who) for who in ({}, {"api_key": far.key})]
    assert (anybody["description"], own["description"]) == ("9栋水管抢修中", WATER["description"])
    await switch.act(await switch.see(number), "unpublish", reason="误发")
    await far.get(f"requests/{number}", expect=404)
    (own,) = await far.both(f"requests/{number}", api_key=far.key)
    assert own["description"] == WATER["description"]
    await far.update({"service_request_id": number, "update_id": "1", "description": "还没来水"})


async def test_the_file_for_the_public_holds_what_the_surface_does(
    cast: Cast, services: Services, clock: Clock
) -> None:
    await opt_in(cast)
    switch, kept = await cast("switch"), (await with_secrets(cast))["number"]
    back = (await with_secrets(cast))["number"]
    await switch.act(await switch.see(kept), "publish", public_text=TEXT)
    await switch.act(await switch.see(back), "unpublish", reason="来电人要求")

    async def file(player: Player) -> str:
        asked = (await player.post("/v1/exports", {"kind": "tickets", "form": "open311"})).json()
        while await exports.make_next_export(services, clock()):
            pass
        return (await player.get(f"/v1/exports/{asked['id']}/file")).text

    text = await file(await cast("watch"))
    rows = {row["service_request_id"]: row for row in csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""))}
    assert (set(rows), rows[kept]["description"]) == ({kept}, TEXT)
    assert not any(canary in json.dumps(rows, ensure_ascii=False) for canary in CANARIES)


@pytest.mark.parametrize("metres", [50, 100, 1000, 5000])
@pytest.mark.parametrize("place", [(30.69012, 103.83034), (-33.9, 18.4), (0.0, 0.0), (89.9999, 180.0), (-90.0, -180.0)])
def test_rounding_keeps_a_place_in_its_square_and_tells_it_once(place: tuple[float, float], metres: int) -> None:
    told = round_place(*place, metres)
    assert told == round_place(*place, metres) and -90 <= told[0] <= 90 and -180 <= told[1] <= 180
    assert abs(told[0] - place[0]) * 111_320 <= metres / 2 + 2
    assert round_place(*told, metres) == told  # a square has one middle: asking again moves nothing


@pytest.mark.parametrize(
    ("text", "tells"),
    [("王秀英家", True), ("13800138000", True), ("电话 138-0013-8000", True), ("王家", False), ("3栋8000元", False)],
)
def test_a_text_that_tells_who_called_is_known(text: str, tells: bool) -> None:
    assert tells_who_called(a_ticket(phone="+8613800138000", caller_name="王秀英"), text) is tells
    assert not tells_who_called(a_ticket(phone=None), text)

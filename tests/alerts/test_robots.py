"""Robots of chat groups: told of dangers, over HTTP to real servers that answer as WeCom, DingTalk and Feishu do."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.egress import EgressRules
from hotline.delivery.tables import gateway, outbox
from hotline.tickets.context import Services
from hotline.tickets.sla.jobs import escalate_due
from tests.alerts.conftest import LOOPBACK, FarSide
from tests.alerts.sending import PLACE, deliver
from tests.conftest import Cast, Clock, Player, broken
from tests.tickets.test_returned_advice import WISH

HANDLERS = {"property-works": "lifts", "service-centre": "centre", "fire-watch": "firemen"}
SIGNING = "SEC0123456789"


class Groups:
    """The three providers on loopback: what each was sent. `answers`: what comes next, by provider."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.answers: dict[str, dict[str, Any]] = {}

    async def wecom(self, request: Request) -> Response:
        body = await request.json()
        return self._take("wecom", request.query_params.get("key") == "k1" and body["text"]["content"], {"errcode": 0, "errmsg": "ok"},
                          {"errcode": 93000, "errmsg": "invalid webhook url"})  # fmt: skip

    async def dingtalk(self, request: Request) -> Response:
        stamp, sent = request.query_params.get("timestamp", ""), request.query_params.get("sign", "")
        mac = hmac.new(SIGNING.encode(), f"{stamp}\n{SIGNING}".encode(), hashlib.sha256).digest()
        right = (
            sent == base64.b64encode(mac).decode() and len(stamp) == 13 and request.query_params["access_token"] == "t1"
        )
        body = await request.json()
        return self._take("dingtalk", right and body["text"]["content"], {"errcode": 0, "errmsg": "ok"},
                          {"errcode": 310000, "errmsg": "sign not match"})  # fmt: skip

    async def feishu(self, request: Request) -> Response:
        body = await request.json()
        mac = hmac.new(f"{body.get('timestamp')}\n{SIGNING}".encode(), digestmod=hashlib.sha256).digest()
        right = body.get("sign") == base64.b64encode(mac).decode() and len(body["timestamp"]) == 10
        return self._take("feishu", right and body["content"]["text"], {"code": 0, "msg": "success", "data": {}},
                          {"code": 19021, "msg": "sign match fail"})  # fmt: skip

    def _take(self, name: str, text: Any, good: dict[str, Any], bad: dict[str, Any]) -> Response:
        if (said := self.answers.pop(name, None)) is not None:
            return JSONResponse(said)  # 200 all the same: only the code tells
        if text:
            self.got.append((name, text))
        return JSONResponse(good if text else bad)


@pytest.fixture
async def groups(far_side: FarSide) -> AsyncIterator[tuple[Groups, str]]:
    made = Groups()
    routes = [Route(f"/{name}", getattr(made, name), methods=["POST"]) for name in ("wecom", "dingtalk", "feishu")]
    async with far_side(routes) as address:
        yield made, address


async def states(services: Services) -> dict[str, tuple[str, str | None]]:
    def look(c: sa.Connection) -> Any:
        return c.execute(
            sa.select(outbox.c.partition, outbox.c.status, outbox.c.last_error).where(outbox.c.kind == "robot")
        ).all()

    return {row.partition.rpartition(":")[0]: (row.status, row.last_error) for row in await services.db.transact(look)}


async def set_robots(boss: Player, address: str) -> None:
    for name, provider, more in (
        ("all", "wecom", {"url": f"{address}/wecom?key=k1"}),
        ("works", "dingtalk", {"url": f"{address}/dingtalk?access_token=t1", "signing": SIGNING, "department": "property-works"}),
        ("water", "feishu", {"url": f"{address}/feishu", "signing": SIGNING, "department": "water", "keyword": "热线"}),
    ):  # fmt: skip
        reply = await boss.http.put(f"/v1/robots/{name}", json={"provider": provider, **more})
        assert reply.status_code == 200, reply.text
        assert SIGNING not in reply.text and "key=" not in reply.text and "access_token" not in reply.text


async def test_a_danger_reaches_the_groups_it_concerns_and_only_while_it_waits(
    desk: Player, lifts: Player, cast: Cast, services: Services, clock: Clock, ways: DeliveryChannels, groups: tuple[Groups, str]
) -> None:  # fmt: skip
    there, address = groups
    boss = await cast("boss")
    await set_robots(boss, address)
    await desk.call("3栋路灯坏了", location=PLACE)  # no danger
    ticket = await desk.call("王秀英说电梯困人了", category="dt-fault", priority="emergency", location=PLACE,
                             caller={"phone": "13800138000", "name": "王秀英"})  # fmt: skip
    await deliver(services, ways, clock)
    assert [name for name, _ in there.got] == ["all"] or sorted(name for name, _ in there.got) == ["dingtalk", "wecom"]
    text = dict(there.got)["wecom"]
    assert "3栋 2单元 电梯困人" in text and "尚未签收" in text and ticket["number"] in text
    assert not any(word in text for word in ("王秀英", "13800138000", "801", "说电梯"))  # nothing of the caller
    # each once, and a retry of the same change tells nothing anew
    await deliver(services, ways, clock)
    assert len(there.got) == 2
    # what was signed for before a worker came is not told
    second = await desk.call(
        "电梯困人了", category="dt-fault", priority="emergency", location={**PLACE, "building": "5"}
    )
    for place, order in enumerate(second["assignments"]):
        who = await cast(HANDLERS[order["department"]["code"]])
        second = await who.order(second, "accept", place=place)
    await deliver(services, ways, clock)
    assert len(there.got) == 2
    # given back unsigned, it waits for a ruling: told once more, to those who rule
    await lifts.order(ticket, "request_return", department="residents-affairs", **WISH)
    await deliver(services, ways, clock)
    assert len(there.got) > 2 and ticket["number"] in there.got[-1][1]
    # what the clock alone accepts still waits for a person
    third = await desk.call(
        "电梯困人了", category="dt-fault", priority="emergency", location={**PLACE, "building": "7"}
    )
    await deliver(services, ways, clock)
    told = len(there.got)
    order = third["assignments"][0]["accept_by"]
    clock.now = max(clock.now, datetime.fromisoformat(order)) + timedelta(seconds=1)
    while (await escalate_due(services, clock())).claimed:
        pass
    assert (await desk.see(third))["assignments"][0]["status"] == "accepted"
    await deliver(services, ways, clock)
    assert [text for _, text in there.got[told:] if third["number"] in text]
    # and each time that a limit of it is missed after that, until somebody shows that they have it
    told = len(there.got)
    clock.forward(minutes=31)
    while (await escalate_due(services, clock())).claimed:
        pass
    await deliver(services, ways, clock)
    assert [text for _, text in there.got[told:] if third["number"] in text]
    for place, order in enumerate((await desk.see(third))["assignments"]):
        who = await cast(HANDLERS[order["department"]["code"]])
        third = await who.order(await desk.see(third), "claim", place=place)
    await deliver(services, ways, clock)
    told = len(there.got)
    clock.forward(minutes=31)
    while (await escalate_due(services, clock())).claimed:
        pass
    await deliver(services, ways, clock)
    assert not [text for _, text in there.got[told:] if third["number"] in text]


async def test_an_answer_of_200_with_a_code_is_a_failure_and_too_often_is_later(
    cast: Cast, services: Services, clock: Clock, ways: DeliveryChannels, groups: tuple[Groups, str]
) -> None:
    there, address = groups
    boss = await cast("boss")
    await set_robots(boss, address)
    there.answers = {
        "wecom": {"errcode": 45009, "errmsg": "api freq out of limit"},
        "dingtalk": {"errcode": 310000, "errmsg": "keywords not in content"},
        "feishu": {"code": 19024, "msg": "Key Words Not Found"},
    }
    for name in ("all", "works", "water"):
        reply = await boss.post(f"/v1/robots/{name}/test")
        assert reply.status_code == 202 and reply.json()["message"].startswith("at."), reply.text
    await deliver(services, ways, clock)
    found = await states(services)
    assert found["robot:all"] == ("queued", "down: code 45009")
    assert found["robot:works"] == ("dead", "refused: code 310000")
    assert found["robot:water"] == ("dead", "refused: code 19024")
    clock.forward(minutes=2)
    await deliver(services, ways, clock)
    assert there.got[0][0] == "wecom" and "测试" in there.got[0][1]
    assert (await states(services))["robot:all"][0] == "sent"
    # a keyword the group wants is put in
    assert (await boss.post("/v1/robots/water/test")).status_code == 202
    await deliver(services, ways, clock)
    assert there.got[-1][0] == "feishu" and there.got[-1][1].startswith(("热线", "【测试】热线"))


async def test_robots_are_set_by_the_whole_organisations_administrators_and_their_addresses_are_sealed(
    desk: Player, cast: Cast, services: Services, clock: Clock, ways: DeliveryChannels, groups: tuple[Groups, str]
) -> None:
    boss, (there, address) = await cast("boss"), groups
    assert (await desk.get("/v1/robots")).status_code == 403
    for body, field in (
        ({"provider": "wecom"}, "secrets"),
        ({"provider": "wecom", "url": "qyapi"}, "secrets.url"),
        ({"provider": "wecom", "url": f"{address}/wecom?key=k1", "signing": "x"}, "secrets"),
        ({"provider": "wecom", "url": f"{address}/wecom?key=k1", "department": "nowhere"}, "department"),
    ):
        reply = await boss.http.put("/v1/robots/all", json=body)
        assert reply.status_code == 422 and broken(reply.json())[0][0] == field, reply.text
    services.add(EgressRules())
    for url in (
        f"{address}/wecom?key=k1",
        "https://127.0.0.1/x",
        "https://localhost/",
        "https://[::1]/",
        "https://0x7f.1/",
    ):
        reply = await boss.http.put("/v1/robots/all", json={"provider": "wecom", "url": url})
        assert reply.status_code == 422 and broken(reply.json())[0][0] == "url" and url not in reply.text, reply.text
    services.add(EgressRules(LOOPBACK))
    await set_robots(boss, address)
    services.add(EgressRules())  # set before the settings changed: shown as what it is
    assert all(r["address_refused"] for r in (await boss.get("/v1/robots")).json()["items"])
    services.add(EgressRules(LOOPBACK))
    assert not any(r["address_refused"] for r in (await boss.get("/v1/robots")).json()["items"])
    rows = await services.db.transact(lambda c: c.execute(sa.select(gateway)).all())
    assert "key=k1" not in str(rows) and SIGNING not in str(rows)
    items = (await boss.get("/v1/robots")).json()["items"]
    assert [(r["name"], r["provider"], r["signed"]) for r in items] == [
        ("all", "wecom", False), ("water", "feishu", True), ("works", "dingtalk", True),
    ]  # fmt: skip
    # changed: the old address is refused from now on; switched off it tells nothing
    changed = {"provider": "wecom", "url": f"{address}/wecom?key=wrong"}
    assert (await boss.http.put("/v1/robots/all", json=changed)).status_code == 200
    assert (await boss.post("/v1/robots/all/test")).status_code == 202
    await deliver(services, ways, clock)
    assert (await states(services))["robot:all"] == ("dead", "refused: code 93000")
    assert (await boss.http.put("/v1/robots/all", json={"provider": "dingtalk"})).status_code == 409
    assert (await boss.http.delete("/v1/robots/all")).status_code == 204
    assert (await boss.post("/v1/robots/all/test")).status_code == 404
    assert there.got == [] and json.dumps(items).count("http") == 0


async def test_a_robot_that_was_away_holds_back_no_other_danger_and_its_log_says_why(
    desk: Player, cast: Cast, services: Services, clock: Clock, ways: DeliveryChannels, groups: tuple[Groups, str]
) -> None:
    boss, (there, address) = await cast("boss"), groups
    url = {"url": f"{address}/wecom?key=k1"}
    body = {"provider": "wecom", "title": "值班群", "dangers": ["lift"], **url}
    reply = await boss.http.put("/v1/robots/all", json=body)
    assert reply.status_code == 200 and (reply.json()["title"], reply.json()["dangers"]) == ("值班群", ["lift"])
    bad = await boss.http.put("/v1/robots/all", json={"provider": "wecom", "dangers": ["boredom"]})
    assert bad.status_code == 422
    there.answers = {"wecom": {"errcode": -1, "errmsg": "system busy"}}
    first = await desk.call("电梯里困着人", category="dt-fault", priority="emergency", location=PLACE)
    await deliver(services, ways, clock)
    assert there.got == []  # it is asked again later
    second = await desk.call(
        "电梯里困着人", category="dt-fault", priority="emergency", location={**PLACE, "building": "5", "unit": "1"}
    )
    await deliver(services, ways, clock)
    assert [second["number"] in text for _, text in there.got] == [True]
    log = (await boss.get("/v1/robots/all/deliveries")).json()["items"]
    assert [(one["number"], one["status"], one["last_error"]) for one in log] == [
        (second["number"], "sent", None), (first["number"], "queued", "down: code -1"),
    ]  # fmt: skip
    assert log[1]["tried_at"] is not None and log[1]["next_at"] > log[1]["created_at"]
    listed = (await boss.get("/v1/robots")).json()["items"]
    assert [one["last"]["number"] for one in listed] == [second["number"]]
    # another kind of danger is not for this group
    assert (await boss.http.put("/v1/robots/all", json={**body, "dangers": ["gas"]})).status_code == 200
    third = await desk.call(
        "电梯里困着人", category="dt-fault", priority="emergency", location={**PLACE, "building": "7"}
    )
    await deliver(services, ways, clock)
    assert not any(third["number"] in text for _, text in there.got)
    assert (await boss.get("/v1/robots/nobody/deliveries")).status_code == 404
    assert (await desk.get("/v1/robots/all/deliveries")).status_code == 403

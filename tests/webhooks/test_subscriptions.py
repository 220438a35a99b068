"""Telling other systems: signed, once for each, in order, for three days; and never into our own network."""

import asyncio
import base64
import ipaddress
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from standardwebhooks import Webhook

from hotline.delivery import store as outbox_store
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.egress import EgressRules, EgressTransport, ForbiddenAddress, is_allowed_address, parse_networks
from hotline.delivery.notices import GatewayDown, WebhookClient, webhook_signatures
from hotline.delivery.outbox import send_due_messages
from hotline.organisation.model.actors import Role
from hotline.tickets.context import Services
from hotline.tickets.sla.jobs import escalate_due
from tests.conftest import Cast, Clock, Player, on_one_database


class Hook:
    """A subscriber: what came, and what it answers."""

    def __init__(self) -> None:
        self.got: list[httpx.Request] = []
        self.say: Any = lambda request: 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        said = self.say(request)
        if isinstance(said, Exception):
            raise said
        self.got.append(request)
        return said if isinstance(said, httpx.Response) else httpx.Response(said)

    def types(self) -> list[str]:
        return [json.loads(r.content)["type"] for r in self.got]


@pytest.fixture
async def hook() -> Hook:
    return Hook()


@pytest.fixture
async def ways(hook: Hook) -> AsyncIterator[DeliveryChannels]:
    made = DeliveryChannels(hooks=httpx.AsyncClient(transport=httpx.MockTransport(hook)))
    yield made
    await made.close()


@pytest.fixture
async def boss(cast: Cast) -> Player:
    return await cast("boss")


async def deliver(services: Services, ways: DeliveryChannels, clock: Clock) -> None:
    while await send_due_messages(services, ways, clock()):
        pass


async def subscribe(boss: Player, **more: Any) -> dict[str, Any]:
    reply = await boss.post("/v1/subscriptions", {"name": "grid", "url": "https://grid.example.org/hook", **more})
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


async def test_the_life_of_a_ticket_is_told_in_order_and_an_independent_library_believes_it(
    boss: Player, desk: Player, lifts: Player, switch: Player, services: Services, hook: Hook, ways: DeliveryChannels
) -> None:
    clock = Clock(datetime.now(UTC).replace(microsecond=0))  # the verifier reads the real clock
    services.clock = clock
    made = await subscribe(boss)
    ticket = await desk.call("3栋电梯坏了", caller={"phone": "13800138000", "name": "王秀英"}, category="dt-fault")
    ticket = await lifts.order(ticket, "accept")
    ticket = await lifts.order(ticket, "report", internal_result="换件甲", public_reply="已修好", solved=True)
    ticket = await switch.act(ticket, "accept_report")
    await desk.act(ticket, "confirm", satisfaction="satisfied")
    await deliver(services, ways, clock)
    assert hook.types() == [
        "ticket.received", "ticket.triaged", "ticket.dispatched", "order.accepted", "order.reported", "ticket.resolved",
        "ticket.closed",
    ]  # fmt: skip
    accepted = json.loads(hook.got[hook.types().index("order.accepted")].content)
    assert (accepted["data"]["order"]["status"], accepted["data"]["order"]["unsigned"]) == ("accepted", False)
    for request in hook.got:
        headers = {k: v for k, v in request.headers.items() if k.startswith("webhook-")}
        said = Webhook(made["secret"]).verify(request.content, headers)
        assert said["data"]["ticket"]["number"] == ticket["number"]
    everything = b"".join(r.content for r in hook.got).decode()
    assert (
        "138" not in everything.replace(ticket["number"], "")
        and "王秀英" not in everything
        and "换件甲" not in everything
    )
    ids = [r.headers["webhook-id"] for r in hook.got]
    assert len(set(ids)) == len(ids)
    with pytest.raises(Exception, match="signature"):
        Webhook(made["secret"]).verify(
            b"{}", {k: v for k, v in hook.got[0].headers.items() if k.startswith("webhook-")}
        )


async def test_what_the_clock_alone_accepts_is_told_as_unsigned(
    boss: Player, desk: Player, services: Services, hook: Hook, ways: DeliveryChannels, clock: Clock
) -> None:
    await subscribe(boss, events=["order.accepted"])
    await desk.call("3栋电梯坏了", category="dt-fault")
    clock.forward(days=1)
    while (await escalate_due(services, clock())).claimed:
        pass
    await deliver(services, ways, clock)
    (order,) = (json.loads(request.content)["data"]["order"] for request in hook.got)
    assert (order["status"], order["unsigned"]) == ("accepted", True)


async def test_only_what_was_asked_for_and_only_what_may_be_told(
    boss: Player, desk: Player, services: Services, hook: Hook, ways: DeliveryChannels, clock: Clock
) -> None:
    await subscribe(boss, events=["ticket.dispatched"], department="water")
    await desk.call("3栋电梯坏了", category="dt-fault")
    await desk.call("9栋停水", category="sdq-water")
    await desk.call("举报有人吃回扣", category="za-misconduct")
    await deliver(services, ways, clock)
    assert hook.types() == ["ticket.dispatched"]
    assert json.loads(hook.got[0].content)["data"]["ticket"]["category"] == "sdq-water"


async def test_nobody_subscribed_nothing_is_written(desk: Player, services: Services) -> None:
    await desk.call("3栋电梯坏了", category="dt-fault")
    assert [m for m in await outbox_store.load_messages(services.db, "queued", "", 50) if m.kind == "event"] == []


async def test_a_receiver_that_is_down_is_tried_for_three_days_and_can_be_replayed(
    boss: Player, desk: Player, services: Services, hook: Hook, ways: DeliveryChannels, clock: Clock
) -> None:
    made = await subscribe(boss, events=["ticket.received"])
    await desk.call("3栋电梯坏了")
    tries: list[tuple[datetime, str, str]] = []

    def down(request: httpx.Request) -> int:
        tries.append((clock(), request.headers["webhook-id"], request.headers["webhook-timestamp"]))
        return 500

    hook.say = down
    begun = clock()
    for _ in range(400):
        await deliver(services, ways, clock)
        clock.forward(minutes=15)
    assert len(tries) == 10 and len({t[1] for t in tries}) == 1 and len({t[2] for t in tries}) == 10
    assert timedelta(hours=60) < tries[-1][0] - begun < timedelta(hours=92)
    log = (await boss.get(f"/v1/subscriptions/{made['id']}/deliveries")).json()["items"]
    assert [(d["status"], d["attempts"]) for d in log] == [("dead", 10)] and "500" in log[0]["last_error"]
    whole = (await boss.get(f"/v1/subscriptions/{made['id']}/deliveries/{log[0]['id']}")).json()
    assert len(whole["tries"]) == 10 and not any(t["good"] for t in whole["tries"])
    hook.say = lambda request: 200
    hook.got.clear()
    again = await boss.post(f"/v1/subscriptions/{made['id']}/deliveries/{log[0]['id']}/replay")
    assert again.status_code == 202
    await deliver(services, ways, clock)
    assert [r.headers["webhook-id"] for r in hook.got] == [log[0]["id"]]


async def test_retry_after_is_kept_to(
    boss: Player, desk: Player, services: Services, hook: Hook, ways: DeliveryChannels, clock: Clock
) -> None:
    await subscribe(boss, events=["ticket.received"])
    await desk.call("3栋电梯坏了")
    hook.say = lambda request: httpx.Response(429, headers={"retry-after": "3600"})
    await deliver(services, ways, clock)
    hook.say = lambda request: 200
    hook.got.clear()
    clock.forward(minutes=59)
    await deliver(services, ways, clock)
    assert hook.got == []
    clock.forward(minutes=2)
    await deliver(services, ways, clock)
    assert len(hook.got) == 1


async def test_gone_ends_a_subscription_and_the_admin_can_take_it_up_again(
    boss: Player, desk: Player, services: Services, hook: Hook, ways: DeliveryChannels, clock: Clock
) -> None:
    made = await subscribe(boss, events=["ticket.received"])
    await desk.call("3栋电梯坏了")
    hook.say = lambda request: 410
    await deliver(services, ways, clock)
    seen = await boss.get(f"/v1/subscriptions/{made['id']}")
    assert (seen.json()["active"], seen.json()["disabled"]) == (False, "the receiver said 410 Gone")
    await desk.call("5栋电梯坏了")
    assert [m for m in await outbox_store.load_messages(services.db, "queued", "", 50) if m.kind == "event"] == []
    path = f"/v1/subscriptions/{made['id']}"
    on = await boss.http.patch(path, json={"active": True}, headers={"if-match": seen.headers["etag"]})
    assert on.status_code == 200 and on.json()["disabled"] is None


async def test_after_a_change_of_secret_both_sign_for_a_day(
    boss: Player, desk: Player, services: Services, hook: Hook, ways: DeliveryChannels
) -> None:
    clock = Clock(datetime.now(UTC).replace(microsecond=0))
    services.clock = clock
    made = await subscribe(boss, events=["ticket.received"])
    fresh = (await boss.post(f"/v1/subscriptions/{made['id']}/rotate")).json()["secret"]
    await desk.call("3栋电梯坏了")
    await deliver(services, ways, clock)
    headers = {k: v for k, v in hook.got[-1].headers.items() if k.startswith("webhook-")}
    for secret in (made["secret"], fresh):
        Webhook(secret).verify(hook.got[-1].content, headers)
    clock.forward(hours=25)
    await desk.call("5栋电梯坏了")
    await deliver(services, ways, clock)
    assert len(hook.got[-1].headers["webhook-signature"].split()) == 1
    assert (await boss.get(f"/v1/subscriptions/{made['id']}")).text.count("whsec_") == 0


async def test_one_dead_receiver_holds_up_no_other(
    boss: Player, desk: Player, services: Services, hook: Hook, ways: DeliveryChannels, clock: Clock
) -> None:
    await subscribe(boss, events=["ticket.received"], url="https://dead.example.org/")
    await subscribe(boss, events=["ticket.received"], url="https://well.example.org/")
    for n in range(5):
        await desk.call(f"{n}栋电梯坏了")
    hook.say = lambda request: httpx.ConnectTimeout("slow") if request.url.host == "dead.example.org" else 200
    await deliver(services, ways, clock)
    assert [r.url.host for r in hook.got] == ["well.example.org"] * 5


async def test_an_event_is_spread_once_however_often_it_is_tried(
    boss: Player, desk: Player, services: Services, hook: Hook, ways: DeliveryChannels, clock: Clock
) -> None:
    await subscribe(boss, events=["ticket.received"])
    await desk.call("3栋电梯坏了")
    await asyncio.gather(*(send_due_messages(services, ways, clock()) for _ in range(4)))
    await deliver(services, ways, clock)
    assert len(hook.got) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "ftp://x.example/"}, "url"), ({"url": "https://user:pw@x.example/"}, "url"), ({"url": "https:///x"}, "url"),
        ({"events": ["ticket.exploded"]}, "events"), ({"department": "nobody"}, "department"), ({"area": "moon"}, "area"),
        ({"form": "fax"}, "form"), ({"form": "12345"}, "outer_system"),
        ({"url": "https://127.0.0.1:9/"}, "url"), ({"url": "https://10.1.2.3/"}, "url"), ({"url": "http://x.example/"}, "url"),
        ({"url": "https://localhost/"}, "url"), ({"url": "https://localhost./"}, "url"),
        ({"url": "https://127.0.0.1./"}, "url"), ({"url": "https://１２７.0.0.1/"}, "url"),
        ({"url": "https://127。0。0。1/"}, "url"), ({"url": "https://[fe80::1]/"}, "url"), ({"url": "https://x.example:8443/"}, "url"),
    ],
)  # fmt: skip
@on_one_database
async def test_a_subscription_that_cannot_be_right_names_the_field(
    change: dict[str, Any], field: str, boss: Player
) -> None:
    reply = await boss.post("/v1/subscriptions", {"name": "x", "url": "https://x.example/", **change})
    assert reply.status_code == 422 and [e["field"] for e in reply.json()["errors"]] == [field]


async def test_an_address_that_deliveries_refuse_is_refused_at_once_and_one_that_is_there_is_shown(
    boss: Player, services: Services
) -> None:
    services.add(EgressRules(parse_networks("10.1.0.0/16")))
    mine = await subscribe(boss, url="http://10.1.2.3:8080/hook")  # allowed by name
    await subscribe(boss, name="named", url="http://grid.local/hook")  # it may lie there: a name is resolved when sent
    assert [s["address_refused"] for s in (await boss.get("/v1/subscriptions")).json()["items"]] == [False, False]
    services.add(EgressRules())  # no longer
    assert EgressRules().broken_by("https://x.example:99999/hook")  # one that was stored is shown as refused
    path = f"/v1/subscriptions/{mine['id']}"
    seen = await boss.get(path)
    assert (seen.json()["address_refused"], seen.json()["active"]) == (True, True)
    changed = {"url": "https://192.168.1.1/hook"}
    reply = await boss.http.patch(path, json=changed, headers={"If-Match": seen.headers["etag"]})
    assert reply.status_code == 422 and reply.json()["errors"][0]["field"] == "url" and "192.168" not in reply.text
    renamed = await boss.http.patch(path, json={"name": "again"}, headers={"If-Match": seen.headers["etag"]})
    assert renamed.status_code == 200 and renamed.json()["address_refused"]


# Another hotline: its orders in, our answers out


async def test_an_order_of_12345_comes_in_once_and_its_answer_goes_back(
    boss: Player,
    desk: Player,
    lifts: Player,
    switch: Player,
    services: Services,
    hook: Hook,
    ways: DeliveryChannels,
    clock: Clock,
) -> None:
    from hotline.delivery.gateways import NewGateway, create_gateway

    secret = "whsec_" + base64.b64encode(b"1" * 32).decode()
    await create_gateway(
        services.gateways,
        NewGateway("city", "hotline_12345", {"system": "12345"}, {"secret": [secret]}, sends=False, weight=50),
        "test",
        clock(),
    )
    order = {
        "order_no": "CD20261125001", "content": "3栋2单元电梯坏了", "caller_phone": "13800138000", "caller_name": "王秀英",
        "deadline": "2026-11-30T18:00:00+08:00", "order_type": "求助", "secret": "是",
    }  # fmt: skip

    async def hands_over(body: Any, sign: str = secret) -> httpx.Response:
        raw = orjson.dumps(body)
        stamp = str(int(clock().timestamp()))
        headers = {
            "webhook-id": "o-1",
            "webhook-timestamp": stamp,
            "webhook-signature": webhook_signatures([sign], "o-1", stamp, raw),
        }
        return await desk.http.post("/v1/hooks/orders/city", content=raw, headers={**headers, "authorization": ""})

    assert (await hands_over(order, "whsec_" + base64.b64encode(b"2" * 32).decode())).status_code == 401
    unclear = await hands_over({**order, "order_no": "x", "secret": "也许"})  # a secret never comes in as none
    assert unclear.status_code == 422 and unclear.json()["errors"][0]["field"] == "secret"
    missing = await hands_over({"order_no": "x", "deadline": "soon"})
    assert missing.status_code == 422
    assert {e["field"] for e in missing.json()["errors"]} == {"content", "deadline"}
    await subscribe(boss, form="12345", outer_system="12345", url="https://city.example.org/answers")
    first, again = await hands_over(order), await hands_over(order)
    assert first.status_code == again.status_code == 200 and again.json()["known"] is True
    number = first.json()["work_no"]
    ticket = await desk.see(number)
    assert ticket["outer"]["number"] == "CD20261125001" and ticket["channel"] == "hotline"
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 1
    await desk.call("与市里无关的电梯坏了", category="dt-fault")
    if ticket["status"] != "dispatched":
        ticket = await desk.act(ticket, "triage", category="dt-fault", kind="request", priority="normal")
        ticket = await switch.act(ticket, "dispatch", department="property-works")
    ticket = await lifts.order(ticket, "accept")
    ticket = await lifts.order(ticket, "report", internal_result="换件", public_reply="已修好", solved=True)
    await switch.act(ticket, "accept_report")
    await deliver(services, ways, clock)
    steps = [json.loads(r.content) for r in hook.got]
    assert {s["order_no"] for s in steps} == {"CD20261125001"}
    assert steps[0]["step"] == "SIGNED" and steps[-1]["step"] == "REPLIED" and steps[-1]["reply"] == "已修好"


# Where we do not go

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "0.0.0.0", "0.1.2.3", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.0.9", "192.0.0.192", "192.0.2.1", "192.88.99.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2001:10::1", "2001:20::1",
    "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fe80::a9fe:a9fe",
    "febf::1", "fec0::1", "ff02::1", "ff0e::1", "5f00::1", "3fff::1",
]  # fmt: skip
PUBLIC_ONES = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "2400:3200::1",
    "100.128.0.1",
    "172.32.0.1",
    "198.20.0.1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_open(address: str) -> None:
    assert not is_allowed_address(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC_ONES)
def test_public_addresses_are_open(address: str) -> None:
    assert is_allowed_address(ipaddress.ip_address(address))


class Inner(httpx.AsyncBaseTransport):
    """Where a request would have been connected to."""

    def __init__(self) -> None:
        self.went: list[tuple[str, str, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.went.append((request.url.host, request.headers["host"], str(request.extensions.get("sni_hostname"))))
        return httpx.Response(200, content=b"ok")


def resolving(*answers: Sequence[str]) -> Any:
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


async def _ask(egress: EgressTransport, url: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=egress, follow_redirects=False) as client:
        return await client.post(url, content=b"{}")


async def test_the_checked_address_is_the_one_connected_to_and_a_name_that_changes_gains_nothing() -> None:
    inner = Inner()
    rebinding = resolving(["93.184.216.34"], ["127.0.0.1"])
    egress = EgressTransport(resolve=rebinding, inner=inner)
    await _ask(egress, "https://hook.example.org/x")
    assert inner.went == [("93.184.216.34", "hook.example.org", "hook.example.org")]
    with pytest.raises(ForbiddenAddress):
        await _ask(egress, "https://hook.example.org/x")
    assert len(inner.went) == 1


@pytest.mark.parametrize("mixed", [["93.184.216.34", "10.0.0.1"], ["::1"], [], ["93.184.216.34", "::ffff:127.0.0.1"]])
async def test_one_private_address_among_them_is_enough(mixed: list[str]) -> None:
    inner = Inner()
    with pytest.raises(ForbiddenAddress):
        await _ask(EgressTransport(resolve=resolving(mixed), inner=inner), "https://hook.example.org/")
    assert inner.went == []


@pytest.mark.parametrize(
    "url",
    [
        "http://hook.example.org/", "https://hook.example.org:8443/", "https://127.0.0.1/", "https://[::1]/", "https://0x7f.1/",
        "https://localhost/", "https://2130706433/", "https://hook.example.org@10.0.0.1/", "https://[fd00::1]/",
    ],
)  # fmt: skip
async def test_odd_urls_lead_nowhere(url: str) -> None:
    inner = Inner()
    names = {"hook.example.org": ["93.184.216.34"]}

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host in names:
            return names[host]
        try:
            return [str(ipaddress.ip_address(host.strip("[]")))]
        except ValueError:
            return ["127.0.0.1"]

    with pytest.raises(httpx.HTTPError):
        await _ask(EgressTransport(resolve=resolve, inner=inner), url)
    assert inner.went == []


async def test_what_is_allowed_in_settings_may_be_spoken_with_in_clear() -> None:
    inner = Inner()
    egress = EgressTransport(parse_networks("10.1.0.0/16"), resolve=resolving(["10.1.2.3"]), inner=inner)
    assert (await _ask(egress, "http://grid.internal:8080/hook")).status_code == 200
    with pytest.raises(ForbiddenAddress):
        await _ask(
            EgressTransport(parse_networks("10.1.0.0/16"), resolve=resolving(["10.2.2.3"]), inner=inner),
            "http://x.internal/",
        )


async def _served(answer: Any) -> tuple[str, Any]:
    """A real server on loopback that answers as it is told."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", server


@pytest.mark.parametrize("kind", ["huge", "announced", "drip", "garbage", "redirect", "hang up", "tls"])
async def test_a_receiver_that_misbehaves_is_bounded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import hotline.delivery.egress as egress_module

    monkeypatch.setattr(egress_module, "MAX_EXCHANGE_SECONDS", 1.0)

    there: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there.append(writer)
        try:
            await reader.readuntil(b"\r\n\r\n")
            if kind == "huge":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                for _ in range(400):
                    writer.write(b"x" * 65536)
                    await writer.drain()
            elif kind == "announced":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10485760\r\n\r\n")
            elif kind == "drip":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
                while True:
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.1)
            elif kind == "garbage":
                writer.write(b"\x00\x01\x02 not http at all\r\n\r\n")
            elif kind == "redirect":
                writer.write(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    url, server = await _served(answer)
    if kind == "tls":
        url = url.replace("http://", "https://")
    client = httpx.AsyncClient(
        transport=EgressTransport(parse_networks("127.0.0.0/8")), follow_redirects=False, timeout=0.7
    )
    begun = asyncio.get_running_loop().time()
    with pytest.raises(Exception) as wrong:
        await WebhookClient(client, url, None).send("id", b"{}", datetime.now(UTC))
    assert type(wrong.value).__name__ in ("GatewayDown", "GatewayRefused")
    assert isinstance(wrong.value, GatewayDown) or kind == "redirect"
    assert asyncio.get_running_loop().time() - begun < 4
    await client.aclose()
    for writer in there:
        writer.transport.abort()
    server.close()
    await server.wait_closed()


def test_only_an_administrator_subscribes() -> None:
    from hotline.webhooks.routes import router

    for route in router.routes:
        policy = next(d.call for d in route.dependant.dependencies)  # type: ignore[attr-defined]
        assert policy.roles == {Role.ADMIN}


async def test_who_unsubscribes_is_gone(boss: Player) -> None:
    made = await subscribe(boss)
    path = f"/v1/subscriptions/{made['id']}"
    version = {"if-match": f'"{made["version"]}"'}
    assert (await boss.http.delete(path, headers=version)).status_code == 204
    assert (await boss.get(path)).status_code == 404
    assert (await boss.get("/v1/subscriptions")).json()["items"] == []


async def test_an_address_is_tried_by_a_job_and_the_log_says_what_it_answered(
    boss: Player, desk: Player, services: Services, hook: Hook, ways: DeliveryChannels, clock: Clock
) -> None:
    made = await subscribe(boss, events=["ticket.dispatched"])
    path = f"/v1/subscriptions/{made['id']}"
    hook.say = lambda request: httpx.Response(503, content=b"closed")
    await desk.call("9栋停水", category="sdq-water")
    await deliver(services, ways, clock)  # an event that will be tried for days
    hook.say = lambda request: httpx.Response(200, content=b"thank you")
    clock.forward(seconds=1)
    queued = await boss.post(f"{path}/test", {})
    assert queued.status_code == 202, queued.text
    assert len(hook.got) == 1  # nothing leaves within the request
    await deliver(services, ways, clock)
    told = json.loads(hook.got[-1].content)
    assert told["type"] == "webhook.test" and told["data"] == {"subscription": "grid"}
    assert hook.got[-1].headers["webhook-signature"].startswith("v1,")
    log = (await boss.get(f"{path}/deliveries?newest=true")).json()["items"]
    test, event = log
    assert (test["type"], test["status"], test["answer_status"], test["answer_bytes"]) == (
        "webhook.test",
        "sent",
        200,
        9,
    )
    assert (event["status"], event["answer_status"], event["answer_bytes"]) == ("queued", 503, 6)
    assert event["next_at"] > event["tried_at"] and test["number"] is None
    one = (await boss.get(f"{path}/deliveries/{test['id']}")).json()
    assert one["payload"] is None and one["tries"][0]["answer_status"] == 200
    elsewhere = await subscribe(boss, form="12345", outer_system="12345")
    refused = await boss.post(f"/v1/subscriptions/{elsewhere['id']}/test", {})
    assert refused.status_code == 409  # it would be taken for an answer

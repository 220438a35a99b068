"""Web Push: a danger reaches the browsers of whoever must know, encrypted, over HTTP to a push service on loopback."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hotline.alerts import push_service, web_push
from hotline.alerts.web_push import PushTarget, decode, encode
from hotline.database.tables import stored_key
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.egress import EgressTransport, http_client
from hotline.delivery.tables import outbox
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.organisation.store import sessions as session_store
from hotline.organisation.tables import push_device
from hotline.secrets.secret_box import seal
from hotline.tickets.context import Services
from tests.alerts.conftest import FarSide
from tests.alerts.sending import PLACE, deliver
from tests.conftest import SECRET, Cast, Clock, Player, broken


class Phone:
    """A browser: its keys, and how it reads what comes. Written from RFC 8291 apart from the code that writes it."""

    def __init__(self, endpoint: str) -> None:
        self.key, self.auth, self.endpoint = ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef", endpoint

    @property
    def body(self) -> dict[str, Any]:
        keys = {"p256dh": encode(web_push.public_key(self.key)), "auth": encode(self.auth)}
        return {"endpoint": self.endpoint, "keys": keys}

    def read(self, data: bytes) -> dict[str, Any]:
        salt, size, theirs = data[:16], int.from_bytes(data[16:20], "big"), data[21 : 21 + data[20]]
        assert size == 4096
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        info = b"WebPush: info\x00" + web_push.public_key(self.key) + theirs
        secret = HKDF(SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
        text = AESGCM(key).decrypt(nonce, data[21 + data[20] :], None)
        assert text.endswith(b"\x02")
        return dict(json.loads(text[:-1]))


class PushServer:
    """A push service: what came, by path."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 201

    async def take(self, request: Request) -> Response:
        self.got.append((request.url.path, dict(request.headers), await request.body()))
        return Response(status_code=self.status)


@pytest.fixture
async def push(far_side: FarSide) -> AsyncIterator[tuple[PushServer, str]]:
    made = PushServer()
    async with far_side([Route("/{rest:path}", made.take, methods=["POST"])]) as address:
        yield made, address


async def owner(services: Services, login: str, grant: Grant) -> Actor:
    made = await add_person(services, NewPerson(login, login, "a long pass 24365", grant), services.clock())
    return Actor(ActorKind.PERSON, made["id"], login, grant.roles)


async def add(services: Services, who: Actor, phone: Phone) -> None:
    target = PushTarget(phone.endpoint, phone.body["keys"]["p256dh"], phone.body["keys"]["auth"])
    about = {"device": "Firefox", "language": "zh-Hans"}
    await push_service.add_device(services, who, target, about, services.clock())


def test_a_message_is_encrypted_as_the_rfc_shows() -> None:
    private = web_push.load_private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    target = PushTarget(
        "", "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "BTBZMqHH6r4Tts7J_aSIgg"
    )  # fmt: skip
    said = web_push.encrypt(
        target, b"When I grow up, I want to be a watermelon", private, decode("DGv6ra1nlYgDCS1FRnbzlw")
    )
    assert encode(said) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


async def test_a_danger_reaches_the_browsers_of_whoever_must_know(
    desk: Player, services: Services, clock: Clock, ways: DeliveryChannels, push: tuple[PushServer, str]
) -> None:
    there, address = push
    works = await owner(services, "works", Grant(frozenset({Role.HANDLER}), "property-works"))
    water = await owner(services, "water", Grant(frozenset({Role.HANDLER}), "water"))
    phones = {who.name: Phone(f"{address}/{who.name}") for who in (works, water)}
    for who in (works, water):
        await add(services, who, phones[who.name])
    await deliver(services, ways, clock)
    assert sorted(path for path, _, _ in there.got) == ["/water", "/works"]  # each is told that it will be
    there.got.clear()
    ticket = await desk.call("王秀英说电梯困人了", category="dt-fault", priority="emergency", location=PLACE,
                             caller={"phone": "13800138000", "name": "王秀英"})  # fmt: skip
    await deliver(services, ways, clock)
    ((path, headers, body),) = there.got
    told = phones["works"].read(body)
    assert path == "/works" and told["number"] == ticket["number"] and told["title"] == "险情：3栋 2单元"
    assert not any(word in str(told) for word in ("王秀英", "138", "801", "说电梯"))
    assert (headers["ttl"], headers["urgency"], headers["content-encoding"]) == ("1800", "high", "aes128gcm")
    assert headers["topic"] == ticket["number"]
    # signed by the key that browsers subscribe with
    token, _, key = headers["authorization"].removeprefix("vapid t=").partition(", k=")
    own = web_push.public_key(await push_service.server_key(services, clock()))
    assert decode(key) == own
    point = {"kty": "EC", "crv": "P-256", "x": encode(own[1:33]), "y": encode(own[33:])}
    claims = jwt.decode(token, ECKey.import_key(point), algorithms=["ES256"]).claims
    assert claims["aud"] == address and 0 < claims["exp"] - clock().timestamp() <= 86400
    # a push service that is down is asked again; a browser that has unsubscribed is forgotten, and nobody is alarmed
    there.got.clear()
    there.status = 503
    await desk.call(
        "电梯困人", category="dt-fault", priority="emergency", location={**PLACE, "building": "4", "area": "rq-b4"}
    )
    await deliver(services, ways, clock)
    there.status = 410
    clock.forward(minutes=1)
    await deliver(services, ways, clock)
    assert len(there.got) == 2
    left = await push_service.load_devices(services.db)
    assert [row.person for row in left] == [water.id]
    kinds = await services.db.transact(lambda c: c.execute(sa.select(outbox.c.kind)).scalars().all())
    assert "alarm" not in kinds


async def test_a_danger_that_waits_is_told_to_whoever_comes_on_duty_once(
    desk: Player, cast: Cast, services: Services, clock: Clock, ways: DeliveryChannels, push: tuple[PushServer, str]
) -> None:
    there, address = push
    boss = await cast("boss")
    auditor = await owner(services, "shen.ji", Grant(frozenset({Role.AUDITOR})))
    phone = Phone(f"{address}/auditor")
    await add(services, auditor, phone)
    ticket = await desk.call("电梯困人了", category="dt-fault", priority="emergency", location=PLACE)
    await deliver(services, ways, clock)
    assert [path for path, _, _ in there.got] == ["/auditor"]  # the first message: who is not on duty hears no danger
    there.got.clear()
    path = "/v1/directory/rosters/service-centre"
    item = (await boss.get(path)).json()
    item["members"] = [*item["members"], {**item["members"][0], "code": "shen.ji", "name": "沈计"}]
    version = (await boss.get("/v1/directory/rosters")).headers.get("etag")
    assert (await boss.http.put(path, json=item, headers={"If-Match": version or ""})).status_code == 200
    local = clock().astimezone(ZoneInfo("Asia/Shanghai")).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    turn = {"roster": "service-centre", "start": (local + timedelta(hours=2)).isoformat(), "member": "shen.ji",
            "end": (local + timedelta(hours=8)).isoformat(), "reason": "代班"}  # fmt: skip
    assert (await boss.post("/v1/departments/service-centre/duty/overrides", turn)).status_code == 201
    assert await push_service.push_begun_turns(services, clock()) == 0
    clock.now = (local + timedelta(hours=2, minutes=3)).replace(tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
    assert await push_service.push_begun_turns(services, clock()) == 1
    clock.forward(minutes=1)
    before = services.db.round_trips
    assert await push_service.push_begun_turns(services, clock()) == 0  # once for each turn
    read = services.db.round_trips - before
    await add(services, auditor, Phone(f"{address}/tablet"))
    assert await push_service.push_begun_turns(services, clock()) == 1
    before = services.db.round_trips
    assert await push_service.push_begun_turns(services, clock()) == 0
    assert services.db.round_trips - before <= read  # dangers are read for each person, not for each device
    await deliver(services, ways, clock)
    await push_service.remove_device(services, auditor, push_service.device_id(f"{address}/tablet"))
    there.got[:] = [got for got in there.got if got[0] != "/tablet"]
    ((_, _, body),) = there.got
    assert phone.read(body)["number"] == ticket["number"]
    there.got.clear()
    second = await desk.call("电梯困人", category="dt-fault", priority="emergency", location={**PLACE, "area": "rq-b4"})
    assert await push_service.push_begun_turns(services, clock()) == 0  # it tells by itself
    await deliver(services, ways, clock)
    clock.forward(minutes=3)
    assert await push_service.push_begun_turns(services, clock()) == 0  # and it did
    await deliver(services, ways, clock)
    assert [phone.read(body)["number"] for _, _, body in there.got] == [second["number"]]
    clock.forward(minutes=10)
    await desk.call("电梯困人了", category="dt-fault", priority="emergency", location={**PLACE, "area": "rq-b4"})
    assert await push_service.push_begun_turns(services, clock()) == 0  # the turn is under way: the change itself told


async def test_no_message_goes_to_an_address_that_is_not_public(
    services: Services, clock: Clock, push: tuple[PushServer, str]
) -> None:
    there, address = push
    works = await owner(services, "works", Grant(frozenset({Role.HANDLER}), "property-works"))
    await add(services, works, Phone(f"{address}/inside"))
    closed = DeliveryChannels(hooks=http_client(EgressTransport()))
    await deliver(services, closed, clock)
    await closed.close()
    assert there.got == []


async def test_addresses_and_keys_are_sealed_and_a_device_is_its_owners(
    desk: Player, cast: Cast, services: Services, clock: Clock
) -> None:
    phone = Phone("https://push.example.org/abc")
    reply = await desk.http.put("/v1/me/push", json=phone.body)
    assert reply.status_code == 403  # a key has no browser
    for change, field in (
        ({"endpoint": "http://push.example.org/a"}, "endpoint"),
        ({"endpoint": "file:///etc/passwd"}, "endpoint"),
        ({"keys": {**phone.body["keys"], "p256dh": encode(b"x" * 65)}}, "keys.p256dh"),
    ):
        refused = await desk.http.put("/v1/me/push", json={**phone.body, **change})
        assert refused.status_code == 422 and broken(refused.json())[0][0] == field
    key = (await desk.get("/v1/me/push")).json()
    assert decode(key["key"])[0] == 4 and key["items"] == []
    assert (await desk.get("/v1/me/push")).json()["key"] == key["key"]  # the same for good
    works = await owner(services, "works", Grant(frozenset({Role.HANDLER}), "property-works"))
    await add(services, works, phone)
    await add(services, works, phone)  # the same browser again
    rows = await services.db.transact(lambda c: c.execute(sa.select(push_device)).all())
    assert len(rows) == 1 and "push.example.org" not in str(rows) and phone.body["keys"]["auth"] not in str(rows)
    private = await push_service.server_key(services, clock())
    value = encode(private.private_numbers().private_value.to_bytes(32, "big"))
    stored = await services.db.transact(lambda c: c.execute(sa.select(stored_key)).all())
    assert value not in str(stored) and seal(SECRET, "x", value) != value
    assert base64.b64encode(value.encode()).decode() not in str(stored)
    assert (await desk.http.delete(f"/v1/me/push/{rows[0].id}")).status_code == 404  # another's
    await push_service.remove_device(services, works, rows[0].id)
    assert list(await push_service.load_devices(services.db)) == []


async def test_a_device_goes_with_the_log_in_it_was_added_in(
    app: FastAPI, desk: Player, cast: Cast, services: Services, clock: Clock
) -> None:
    """Logged out, ended by its owner or an administrator, given a new password or switched off: it is told no more."""
    boss = await cast("boss")
    works = await owner(services, "works", Grant(frozenset({Role.HANDLER}), "property-works"))

    async def log_in(previous: httpx.AsyncClient | None = None) -> httpx.AsyncClient:
        browser = previous or httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://hotline",
            headers={"origin": "http://hotline", "sec-fetch-site": "same-origin"},
        )
        reply = await browser.post("/console/session", json={"login": "works", "password": "a long pass 24365"})
        assert reply.status_code == 200, reply.text
        return browser

    async def tell(browser: httpx.AsyncClient, name: str) -> None:
        reply = await browser.put("/v1/me/push", json=Phone(f"https://push.example.org/{name}").body)
        assert reply.status_code == 200, reply.text

    async def told() -> int:
        return len(await push_service.load_devices(services.db, works.id))

    async def queued() -> int:
        return await services.db.transact(
            lambda c: c.execute(sa.select(sa.func.count()).where(outbox.c.kind == "push")).scalar_one()
        )

    desktop, phone = await log_in(), await log_in()
    await tell(desktop, "desktop")
    await tell(phone, "phone")
    await tell(phone, "phone")  # as the page does after a log-in: no second first message
    assert (await told(), await queued()) == (2, 2)
    await log_in(desktop)  # again in the same browser: it stays, and goes with the new log-in
    assert await told() == 2
    assert (await desktop.delete("/console/session")).status_code in (200, 204)
    assert [row.id for row in await push_service.load_devices(services.db, works.id)] == [
        push_service.device_id("https://push.example.org/phone")
    ]
    # an administrator ends one device, and no log-in with it
    (device,) = (await boss.get("/v1/people/works/push")).json()["items"]
    assert (await boss.http.delete("/v1/people/works/push/nobodys")).status_code == 404
    assert (await boss.http.delete(f"/v1/people/nobody/push/{device['id']}")).status_code == 404
    await services.security_log.drain()
    path, log = f"/v1/people/works/push/{device['id']}", await cast("committee")
    assert [(await boss.http.delete(path)).status_code for _ in range(2)] == [204, 404] and await told() == 0
    await services.security_log.drain()
    newest = (await log.get("/v1/security-log", params={"limit": 1})).json()["items"][0]
    assert (newest["deed"], newest["about"]["id"], newest["by"]["id"]) == ("device_removed", works.id, boss.actor.id)
    assert newest["details"] == {"device": device["id"]}
    assert len((await boss.get("/v1/people/works/sessions")).json()["items"]) == 1
    assert (await boss.get("/v1/people/works/factors")).json()["items"] == []
    await tell(phone, "phone")
    # a log-in that runs out by itself leaves its device; it goes when the owner ends the others
    await log_in(desktop)
    await tell(desktop, "desktop")
    clock.forward(days=30)
    await services.db.transact(lambda c: session_store.delete_expired_sessions(c, clock(), clock()))
    assert await told() == 2
    await log_in(desktop)
    await tell(desktop, "desktop")
    assert (await desktop.delete("/v1/me/sessions")).status_code == 200
    assert await told() == 1
    # an administrator ends one, or all
    other = await log_in()
    await tell(other, "other")
    (current, _) = (await other.get("/v1/me/sessions")).json()["items"]
    assert (await boss.http.delete(f"/v1/people/works/sessions/{current['id']}")).status_code == 204
    assert await told() == 1
    assert (await boss.http.delete("/v1/people/works/sessions")).status_code == 200
    assert await told() == 0
    # a password of their own ends the others' only; one set by an administrator, or a closed account, all
    await log_in(desktop)
    await log_in(phone)
    await tell(desktop, "desktop")
    await tell(phone, "phone")
    change = {"old_password": "a long pass 24365", "new_password": "nine tall poplars sway"}
    reply = await desktop.post("/v1/me/password", json=change, headers={"idempotency-key": "change"})
    assert reply.status_code == 204, reply.text
    assert await told() == 1
    people = (await boss.get("/v1/people?limit=200")).json()["items"]
    person = next(one for one in people if one["login"] == "works")
    closed = await boss.http.patch(
        f"/v1/people/{person['id']}", json={"active": False}, headers={"if-match": str(person["version"])}
    )
    assert closed.status_code == 200, closed.text
    assert await told() == 0
    for browser in (desktop, phone, other):
        await browser.aclose()


async def test_the_servers_key_is_written_once(services: Services, clock: Clock) -> None:
    """Each message to a browser is signed with it: a write for each would hold up whatever else is sent."""
    await push_service.server_key(services, clock())
    written: list[Any] = []
    transact = services.db.transact

    async def count(work: Any, **more: Any) -> Any:
        written.append(work)
        return await transact(work, **more)

    services.db.transact = count  # type: ignore[method-assign]
    try:
        again = [await push_service.server_key(services, clock()) for _ in range(2)]
    finally:
        services.db.transact = transact  # type: ignore[method-assign]
    assert len({key.private_numbers().private_value for key in again}) == 1 and written == []

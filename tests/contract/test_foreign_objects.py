"""Every operation that names an object other than a ticket, asked by every principal about a real one of block 9 and its
water: another department's, another person's, another area's. `KNOWN` says by hand who may know of each; what it says of
itself stands in no reply to anybody else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.delivery.outbox import send_due_messages
from hotline.delivery.tables import outbox
from hotline.inbound.rows import blank_row
from hotline.inbound.tables import inbound
from hotline.incidents.watch import IncidentWatch
from hotline.sms.tables import text_out
from hotline.telephony.tables import return_call, voice_call
from hotline.tickets.context import Services
from tests.alerts.test_push import Phone
from tests.conftest import NOON, keep_first_passwords
from tests.contract.test_access_matrix import access, operations
from tests.contract.test_authorization import (
    OWN,
    ROLES,
    SEES,
    STRANGERS,
    World,
    ask,
    world,  # noqa: F401
)
from tests.incidents.test_stories import BURST, phone, settled

# Who may know of each, its role allowing. An entry of the channels' logs is its ticket's; a department is its own and the
# desk's, and planned by who is above it everywhere.
WHOLE = {"operator", "dispatcher", "supervisor", "auditor", "admin"}
OF_BLOCK_9 = {"auditor of block 9", "person of block 9"}
KNOWN: dict[str, set[str]] = {
    "person": {"admin", "person of block 9"},
    "key": {"admin"},
    "own": {"person of block 9"},  # its session and its factor
    "subscription": {"admin"},
    "export": {"operator"},  # who asked for it
    "feed": (WHOLE - {"operator"}) | {"handler of water", "auditor of block 9"},
    "department": WHOLE | {"handler of water", "operator of block 3", "admin of block 3"} | OF_BLOCK_9,
    "planned": {"dispatcher", "supervisor", "admin", "handler of water"},
    "text": WHOLE | OF_BLOCK_9,
    "inbound": WHOLE | OF_BLOCK_9,
    "return call": WHOLE | OF_BLOCK_9,
    "voice call": WHOLE | OF_BLOCK_9,
    # of buildings 5 and 6, and of whom its order went to
    "incident": WHOLE | {"handler of the lead", "handler of its parent", "handler of water"},
    "view": {"person of block 9"},  # not shared
    "attachment": {who for who, seen in SEES.items() if "lift" in seen},
}
# What each says of itself. It is looked for in the reply to every list, too; auditors of everything read names of people
# and of receivers in the security log.
AUDITS = ("supervisor", "auditor", "auditor of block 9")  # whose audit log has these people's deeds, and their names
LOG = ("read_security_log", "export_security_log")
WORDS: dict[str, tuple[str, ...]] = {
    "person": ("qian.jiu", "钱九妹"),
    "key": ("九栋门禁的钥匙",),
    "subscription": ("九栋的网格", "grid-nine.example.org"),
    "feed": ("自来水值班室电脑",),
    "view": ("九栋未结",),
    "text": ("九栋水管的短信",),
    "inbound": ("九栋来的短信看不懂",),
    "return call": ("13900009901",),
    "voice call": ("13900009902",),
    "attachment": ("三栋的照片",),
}
# `{parameter}` of a path, by the path's beginning: its noun, longest first.
NOUNS = {
    "/v1/departments/{code}/duty/feeds": "feed",
    "/v1/departments/{code}/duty/overrides": "planned",
    "/v1/departments/{code}/duty/swaps": "planned",
    "/v1/departments/": "department",
    "/v1/people/": "person",
    "/v1/keys/": "key",
    "/v1/me/": "own",
    "/v1/subscriptions/": "subscription",
    "/v1/exports/": "export",
    "/v1/views/": "view",
    "/v1/texts/": "text",
    "/v1/inbound/": "inbound",
    "/v1/return-calls/": "return call",
    "/v1/voice-calls/": "voice call",
    "/v1/incidents/": "incident",
    "/v1/tickets/{number}/attachments/{attachment}": "attachment",
}
OF_NOBODY = (
    "/v1/directory",
    "/v1/worklists/",
    "/v1/figures/",
    "/v1/reports/",
    "/v1/robots/",  # of the whole organisation: whoever has a part of it is told 403 of any name
    "/v1/hooks/",
    "/open311/",
    "/v1/tickets/",
)
NOUNLESS = {"read_duty_feed"}  # by its token alone


@dataclass
class Foreign:
    clients: dict[str, httpx.AsyncClient]
    ids: dict[str, dict[str, str]]  # by noun: what stands for each parameter of its paths


async def _made(client: httpx.AsyncClient, path: str, body: Any) -> Any:
    reply = await client.post(path, json=body)
    assert reply.is_success, reply.text
    return reply.json()


@pytest.fixture
async def foreign(app: FastAPI, services: Services, world: World) -> Any:  # noqa: F811
    """One object of each noun, made as life makes it where HTTP can."""
    boss, operator, number = world.clients["admin"], world.clients["operator"], world.tickets["water"]["number"]
    lift = world.tickets["lift"]
    login = {"login": "qian.jiu", "name": "钱九妹", "password": "a long sentence 9", "roles": ["operator"]}
    person = await _made(boss, "/v1/people", {**login, "area": "rq-b9"})
    await keep_first_passwords(services)
    _, token = [
        (await _made(boss, "/v1/token", {"login": "qian.jiu", "password": login["password"]}))["token"] for _ in "ab"
    ]
    own = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://hotline",
        headers={"authorization": f"Bearer {token}"},
    )
    sessions = (await own.get("/v1/me/sessions")).json()["items"]
    session, second = (each["id"] for each in sorted(sessions, key=lambda each: not each["is_current"]))
    factor = (await _made(own, "/v1/me/factors/totp", {"name": "手机"}))["id"]
    device = await own.put("/v1/me/push", json=Phone("https://push.example.org/nine").body)
    assert device.is_success, device.text
    (device,) = (await own.get("/v1/me/push")).json()["items"]
    # another browser, which an administrator ends
    third = (await _made(boss, "/v1/token", {"login": "qian.jiu", "password": login["password"]}))["token"]
    there = {"authorization": f"Bearer {third}"}
    phone_nine = Phone("https://push.example.org/nine-too").body
    assert (await own.put("/v1/me/push", json=phone_nine, headers=there)).is_success
    (other,) = [d["id"] for d in (await own.get("/v1/me/push")).json()["items"] if d["id"] != device["id"]]
    view = await _made(own, "/v1/views", {"page": "tickets", "name": "九栋未结", "query": {}})
    key = await _made(boss, "/v1/keys", {"name": "九栋门禁的钥匙", "roles": ["operator"], "area": "rq-b9"})
    hook = {"name": "九栋的网格", "url": "https://grid-nine.example.org/hook", "area": "rq-b9"}
    subscription = (await _made(boss, "/v1/subscriptions", hook))["id"]
    await _made(operator, "/v1/calls", {"channel": "phone", "narrative": "9栋停水了，没有水"})
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as receiver:
        while await send_due_messages(services, DeliveryChannels(hooks=receiver), services.clock()):
            pass
    deliveries = (await boss.get(f"/v1/subscriptions/{subscription}/deliveries")).json()["items"]
    export = await _made(operator, "/v1/exports", {"form": "csv", "filters": {}})
    feed = await _made(boss, "/v1/departments/water/duty/feeds", {"name": "自来水值班室电脑"})
    photo = {"file": ("三栋的照片.png", b"\x89PNG\r\n\x1a\n0000", "image/png")}
    attached = await operator.post(
        f"/v1/tickets/{lift['number']}/attachments", files=photo, headers={"if-match": f'"{lift["version"]}"'}
    )
    assert attached.status_code == 201, attached.text
    for n, narrative in enumerate(BURST):
        await _made(operator, "/v1/calls", {"channel": "phone", "narrative": narrative, "caller": phone(n)})
    await settled(IncidentWatch(services))
    (incident,) = (await boss.get("/v1/incidents")).json()["items"]
    await create_gateway(
        services.gateways, NewGateway("nine", "cti", {}, {"token": ["t" * 20]}, sends=False, weight=50), "test", NOON
    )
    await services.db.transact(lambda c: _log_rows(c, number))
    yield Foreign(
        world.clients | {"person of block 9": own},
        {
            "person": {"person": person["id"], "session": second, "device": other},
            "own": {"session": session, "factor": factor, "device": device["id"]},
            "key": {"key": key["id"]},
            "view": {"view": view["id"]},
            "subscription": {"subscription": subscription, "delivery": deliveries[0]["id"]},
            "export": {"export": export["id"]},
            "feed": {"code": "water", "feed": feed["id"]},
            "planned": {"code": "water"},
            "department": {"code": "water"},
            "text": {"text": "text9"},
            "inbound": {"item": "inbound9"},
            "return call": {"call": "return9"},
            "voice call": {"call": "voice9"},
            "incident": {"code": incident["code"]},
            "attachment": {"number": lift["number"], "attachment": attached.json()["id"]},
        },
    )
    await own.aclose()


def _log_rows(c: sa.Connection, number: str) -> None:
    """What machines bring: a text of ours, a push that nobody could read, two calls."""
    message = {"number": number, "payload": {}, "status": "sent", "attempts": 1, "max_attempts": 8, "created_at": NOON,
               "next_at": NOON}  # fmt: skip
    text = {"id": "text9", "number": number, "receiver": "+8613800138001", "template": "received", "language": "zh",
            "body": "九栋水管的短信", "parts": 1, "status": "undelivered", "status_at": NOON, "created_at": NOON,
            "attempts": 1}  # fmt: skip
    pushed = {"id": "inbound9", "kind": "text", "key": "inbound9", "text": "九栋来的短信看不懂", "partition": "inbound9",
              "status": "odd", "number": number}  # fmt: skip
    owed = {"id": "return9", "phone": "+8613900009901", "missed": 1, "status": "open", "at": NOON, "last_at": NOON,
            "tries": 0, "number": number}  # fmt: skip
    call = {"id": "voice9", "pbx": "nine", "reference": "r", "direction": "in", "phone": "+8613900009902",
            "raw_phone": "13900009902", "state": "ended", "offered_at": NOON, "moved_at": NOON,
            "number": number}  # fmt: skip
    rows = [
        (outbox, {"id": "text9", "kind": "text", "partition": "x", **message}),
        (text_out, text),
        (inbound, {**blank_row("nine", NOON), **pushed}),
        (return_call, owed),
        (voice_call, call),
    ]
    for table, row in rows:
        c.execute(sa.insert(table), row)


def noun_of(path: str, name: str) -> str | None:
    if "{" not in path or name in NOUNLESS:
        return None
    noun = next((noun for begins, noun in NOUNS.items() if path.startswith(begins)), None)
    assert noun is not None or path.startswith(OF_NOBODY), f"{name}: say in NOUNS whose {path} is, and make one"
    return noun


def in_turn() -> Iterator[tuple[str, str, str, dict[str, Any], str]]:
    """Reading first; what ends an object last, its parts before it; a person's own things before the person."""
    found = [(*each, noun) for each in operations() if (noun := noun_of(each[2], each[0]))]
    yield from sorted(found, key=lambda e: (e[1] != "GET", e[1] == "DELETE", e[4] != "own", -len(e[2]), e[2]))


def right(who: str, noun: str, roles: frozenset[str] | None) -> set[int] | None:
    """The statuses that may be answered; None: whatever says that it is there, and theirs."""
    if who in STRANGERS:
        return {401}
    if _role(who) not in (roles or ()):
        return {403}
    if who not in KNOWN[noun]:
        return {403, 404} if noun in ("feed", "planned") and who not in OWN else {404}
    return None


def _role(who: str) -> str:
    return "operator" if who.startswith("person") else ROLES.get(who, "handler")


def told(who: str, name: str, reply: httpx.Response) -> list[str]:
    """What stands in a reply that this principal may not know."""
    if name == "list_audit_authors" and who in AUDITS:
        return []
    if who == "auditor" and name in LOG:
        return []
    words = [word for noun, some in WORDS.items() if who not in KNOWN[noun] for word in some]
    return [word for word in words if word in reply.text]


async def test_nobody_reaches_or_hears_of_an_object_that_is_another_s(app: FastAPI, foreign: Foreign, db: Any) -> None:
    may, _ = access()
    cells, leaks, reached = 0, [], set()

    async def look(name: str, method: str, where: str, operation: dict[str, Any], who: str) -> httpx.Response:
        nonlocal cells
        cells += 1
        reply = await ask(foreign.clients[who], method, where, operation, app, 0)
        if heard := told(who, name, reply):
            leaks.append((name, who, "tells", heard))
        return reply

    for name, method, path, operation in operations():
        if method == "GET" and "{" not in path and path != "/v1/stream":
            for who in foreign.clients:
                await look(name, method, path, operation, who)
    for name, method, path, operation, noun in in_turn():
        where = path
        for parameter, value in foreign.ids[noun].items():
            where = where.replace("{" + parameter + "}", value)
        assert "{" not in where, f"{name}: no {where} was made"
        theirs = [who for who in foreign.clients if right(who, noun, may[name]) is None]
        for who in foreign.clients:
            if who not in theirs:
                reply = await look(name, method, where, operation, who)
                if reply.status_code not in (right(who, noun, may[name]) or ()):
                    leaks.append((name, who, reply.status_code, right(who, noun, may[name])))
        # one of them changes it, after everybody else has been refused: it was there all the time
        for who in theirs if method == "GET" else theirs[:1]:
            reply = await look(name, method, where, operation, who)
            if reply.status_code in (401, 403, 404):
                leaks.append((name, who, reply.status_code, "is theirs"))
            else:
                reached.add(noun)
        if name == "end_my_session":
            del foreign.clients["person of block 9"]
    print(f"foreign objects: {cells} cells, {len(foreign.ids)} nouns, {len(leaks)} leaks")
    assert leaks == [], "\n".join(map(str, leaks))
    assert reached == set(KNOWN) and cells > 1500

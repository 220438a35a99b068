"""T1 to T6 at the doors that `test_as_sent` leaves out: each provider of texts, each exchange, a call that was spooled, and
what staff write later."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from hotline.delivery.notices import webhook_signatures
from hotline.inbound.spool import Spool
from hotline.inbound.spool_drain import drain_spooled_records
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.vocabulary import Channel
from hotline.organisation.write_request import WriteRequest
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.spool_intake import spool_request
from hotline.web.idempotency import RequestKey
from tests.conftest import Clock, Player
from tests.sms.providers import FAR
from tests.sms.test_incoming_routes import Line
from tests.sms.test_texting import newest, solved
from tests.telephony.test_calls import SIGNED, TOKEN, Exchange
from tests.text.doors import DOORS, ORDERS_SECRET, Doors
from tests.text.test_as_sent import found, stopped

PROVIDERS = sorted(FAR)
HIDDEN = "\u200b\u200e\u2060\ufe0f\u00ad"  # none of them is seen, and each is sent by some phone


async def texted(name: str, doors: Doors, words: str, sender: str = "+8613800138000") -> dict[str, Any]:
    """The ticket that a text through this provider makes."""
    line = Line(doors.services, doors.http, doors.clock)
    far = await line.set_up(name)
    assert (await line.says(far, words, sender)).status_code < 300
    await line.work()
    return await newest(doors.desk)


@pytest.mark.parametrize("name", PROVIDERS)
async def test_t1_no_provider_hides_a_danger_or_a_word(name: str, doors: Doors, desk: Player) -> None:
    ticket = await texted(name, doors, f"3栋煤{HIDDEN}气泄{HIDDEN}漏了，停\u200b电了")
    assert (ticket["priority"], "danger:gas" in ticket["flags"]) == ("emergency", True)
    assert await found(desk, "停电") == await found(desk, f"停{HIDDEN}电") == [ticket["number"]]


@pytest.mark.parametrize("name", PROVIDERS)
async def test_t3_no_provider_refuses_what_is_pasted(name: str, doors: Doors) -> None:
    said = "\u202a路灯\x0b坏\x0c了\u202c，已经两天"
    ticket = await texted(name, doors, said)
    assert (ticket["narrative"].strip(), ticket["caller"]["phone"]) == (said.strip(), "+8613800138000")


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("sender", ["anonymous", "不详", "1069000012340000"])
async def test_t2_no_provider_loses_a_text_for_its_sender(name: str, sender: str, doors: Doors, desk: Player) -> None:
    """It is shown to an operator, who can take it in; a danger in it rings at once."""
    line = Line(doors.services, doors.http, doors.clock)
    far = await line.set_up(name)
    assert (await line.says(far, "3栋煤气泄漏了", sender)).status_code < 300
    await line.work()
    shown = (await desk.get("/v1/inbound")).json()["items"]
    tickets = (await desk.get("/v1/tickets")).json()["items"]
    assert [t["priority"] for t in tickets] == ["emergency"] or [s["text"] for s in shown] == ["3栋煤气泄漏了"]


@pytest.mark.parametrize("name", PROVIDERS)
async def test_t4_every_provider_brings_traditional_characters(
    name: str, doors: Doors, desk: Player, lifts: Player, switch: Player
) -> None:
    ticket = await texted(name, doors, "3栋2單元電梯壞了，不動了")
    assert await found(desk, "电梯坏了") == [ticket["number"]]
    await solved(desk, lifts, switch)
    line = Line(doors.services, doors.http, doors.clock)
    line.serial = 9
    assert (await line.says(FAR[name], "不滿意，還是壞的")).status_code < 300
    await line.work()
    assert (await newest(desk))["counters"]["reopens"] == 1


@pytest.mark.parametrize("door", [door for door in DOORS if door != "a text"])
async def test_t5_a_keyword_stops_nobody_who_did_not_text_it(door: str, doors: Doors, desk: Player) -> None:
    for keyword in ("TD", "退订", "STOP"):
        ticket = await doors.said(door, keyword)
        assert (ticket["narrative"], ticket["status"] in ("received", "triaged", "dispatched")) == (keyword, True)
    assert await stopped(desk) == []


# a call that comes while the database is away


async def spooled(doors: Doors, words: str, phone: str) -> dict[str, Any]:
    """The ticket of a call that was kept on this machine and taken in later."""
    services = doors.services
    services.spool = services.inbox._spool = Spool(doors.folder / "spool", services.secret)
    desk = Actor(ActorKind.KEY, "desk", "desk", frozenset({Role.OPERATOR}))
    taking = IntakeRequest(channel=Channel.PHONE, narrative=words, phone=phone)
    key = RequestKey("key:desk", f"spooled-{words[:4]!r}", "fingerprint")
    await spool_request(services, taking, WriteRequest(desk, key, doors.clock()))
    while await drain_spooled_records(services):
        pass
    services.spool.close()
    services.spool = services.inbox._spool = None
    return await newest(doors.desk)


async def test_t1_t2_t3_t4_a_spooled_call_is_read_like_any_other(doors: Doors, desk: Player) -> None:
    said = f"\u202a3栋煤{HIDDEN}氣洩\u200b漏了，停\x0b電了\u202c"
    ticket = await spooled(doors, said, "\u202a138\u200b00138000\u202c转802")
    assert (ticket["priority"], ticket["narrative"].strip()) == ("emergency", said.strip())
    assert ticket["caller"]["phone"] == "+8613800138000" and ticket["caller"]["contact"].endswith("转802")
    assert await found(desk, "停电") == [ticket["number"]]
    nobody = await spooled(doors, "路灯坏了", "不详")
    assert (nobody["caller"]["phone"], nobody["caller"]["contact"][-2:]) == (None, "不详")


# what staff write later, and what they ask


async def test_t1_t3_t4_what_staff_write_later_is_read_as_what_callers_say(
    doors: Doors, desk: Player, switch: Player
) -> None:
    ticket = await doors.said("a call", "3栋路灯坏了")
    amended = await desk.act(ticket, "amend", reason="says more", narrative=f"樓下環保{HIDDEN}箱著\x0b火\u2028了")
    assert await found(desk, "环保箱") == [ticket["number"]]
    noted = await desk.act(amended, "comment", text="\u202a看過了\x0c\u202c")
    line = (await desk.get(f"/v1/tickets/{ticket['number']}/timeline?limit=100")).json()["items"][-1]
    assert (line["action"], line["reason"].strip()) == ("comment", "\u202a看過了\x0c\u202c".strip())
    added = await desk.call(
        "又\u200b來電：\x07還沒修", attach_to=f"\u200e{noted['number']}", caller={"phone": "\u202a13800138000\u202c"}
    )
    assert added["number"] == ticket["number"]


@pytest.mark.parametrize(
    "said", [f"煤{HIDDEN}气泄\u200b漏了，快来人", "煤氣洩漏了，快來人", "煤\n气泄\r\n漏了，快来人"]
)
async def test_t1_t4_what_is_tried_out_is_read_as_what_is_sent(said: str, doors: Doors, switch: Player) -> None:
    reply = await switch.post("/v1/explain/triage", {"narrative": said})
    assert reply.status_code == 200 and reply.json()["result"]["priority"] == "emergency", reply.text


# exchanges: their words are the number, the queue and the agent


def offered(provider: str, number: str, clock: Clock) -> Any:
    """A call that begins to wait, or was missed, as that exchange tells it."""
    stamp = int(clock().timestamp())
    match provider:
        case "asterisk":
            return f"{stamp}|1.1|投诉|NONE|ENTERQUEUE||{number}|1"
        case "freeswitch":
            return {
                "Event-Name": "CUSTOM", "Event-Subclass": "callcenter::info", "CC-Action": "member-queue-start",
                "CC-Queue": "投诉", "CC-Member-Session-UUID": "1.1", "CC-Member-CID-Number": number,
                "Event-Date-Timestamp": str(stamp * 1_000_000),
            }  # fmt: skip
        case "threecx":
            begun = clock().strftime("%Y-%m-%dT%H:%M:%S")
            return {"CallType": "Missed", "Number": number, "Agent": "101", "CallStartTimeUTC": begun}
    return {"event": "newCall", "callId": "1.1", "from": number, "to": "12345", "queue": "投诉", "timestamp": stamp}


async def told(exchange: Exchange, provider: str, number: str) -> None:
    """The same, pushed as that exchange pushes it."""
    if provider != "twilio_voice":
        await exchange.tells(provider, offered(provider, number, exchange.clock))
        return
    form = {"CallSid": "CA1", "From": number, "To": "+862812345", "Direction": "inbound", "CallStatus": "ringing"}
    path = "/v1/hooks/voice/twilio-voice"
    text = f"https://hotline.example.org{path}" + "".join(k + form[k] for k in sorted(form))
    signature = base64.b64encode(hmac.digest(SIGNED.encode(), text.encode(), hashlib.sha1)).decode()
    headers = {"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"}
    assert (await exchange.http.post(path, content=urlencode(form), headers=headers)).status_code == 200


@pytest.mark.parametrize("provider", ["asterisk", "cti", "freeswitch", "threecx", "twilio_voice"])
@pytest.mark.parametrize(
    ("written", "phone"),
    [("\u202a13800138000\u202c", "+8613800138000"), ("138\u200b0013\u20608000", "+8613800138000"), ("不详", None),
     ("sip:13800138000@pbx.example.com", "+8613800138000"), ("1008611", "1008611")],
)  # fmt: skip
async def test_t2_t3_no_exchange_loses_a_call_for_its_number(
    provider: str, written: str, phone: str | None, doors: Doors, watch: Player
) -> None:
    exchange = Exchange(doors.services, doors.http, doors.clock)
    await exchange.set_up(provider)
    await told(exchange, provider, written)
    (call,) = await exchange.calls(watch)
    assert call["phone"] == phone or (phone is None and call["phone"] in (None, written)), call


# T6 at the doors that take JSON


async def test_t6_an_order_is_read_as_declared_and_bytes_that_are_no_text_are_no_fault_of_ours(doors: Doors) -> None:
    await doors.said("an order", "路灯坏了")  # the gateway
    for charset, status in (("utf-8", 200), ("gbk", 200)):
        name = f"o-{charset}"
        body = json.dumps(
            {"content": "北门路灯坏了", "order_no": name, "caller_phone": "13800138000"}, ensure_ascii=False
        )
        raw = body.encode(charset)
        stamp = str(int(doors.clock().timestamp()))
        signed = webhook_signatures([ORDERS_SECRET], name, stamp, raw)
        headers = {
            "webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": signed,
            "authorization": "", "content-type": f"application/json; charset={charset}",
        }  # fmt: skip
        reply = await doors.desk.http.post("/v1/hooks/orders/city", content=raw, headers=headers)
        assert reply.status_code == status, (charset, reply.text)
        ticket = await doors.desk.see(reply.json()["work_no"])
        assert ticket["narrative"] == "北门路灯坏了"


@pytest.mark.parametrize("provider", ["cti", "freeswitch"])
async def test_t6_an_exchange_that_tells_it_in_gbk_is_read(provider: str, doors: Doors, watch: Player) -> None:
    exchange = Exchange(doors.services, doors.http, doors.clock)
    await exchange.set_up(provider)
    body = offered(provider, "13900139000", doors.clock)
    raw = json.dumps(body, ensure_ascii=False).encode("gbk")
    path = f"/v1/hooks/voice/{provider}?token={TOKEN}"
    reply = await doors.http.post(path, content=raw, headers={"content-type": "application/json"})
    assert reply.status_code == 200, reply.text
    (call,) = await exchange.calls(watch)
    assert call["queue"] == "投诉"


async def test_t6_a_call_that_is_no_utf_8_is_refused_as_such(doors: Doors) -> None:
    """JSON is UTF-8 (RFC 8259): what our own clients send in another set is a fault of theirs, and they are told."""
    raw = json.dumps({"channel": "phone", "narrative": "路灯坏了"}, ensure_ascii=False).encode("gbk")
    reply = await doors.desk.http.post("/v1/calls", content=raw, headers={"content-type": "application/json"})
    assert reply.status_code in (400, 422) and reply.headers["content-type"] == "application/problem+json"
    assert urlencode({"x": "路"}) not in reply.text  # and nothing of it is told back

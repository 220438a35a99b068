"""Calls on the exchange, as five kinds of them tell it: in any order, twice, about calls we never heard of."""

import asyncio
import base64
import hashlib
import hmac
import itertools
import random
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI

from hotline.composition import assemble_worker
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.inbound.webhook_request import WebhookRequest
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewKey, NewPerson, add_person
from hotline.organisation.service.logging_in import LogInAttempt, log_in
from hotline.refusals import Refused
from hotline.runtime.jobs import WorkerContext
from hotline.security_log.service import SecurityLog
from hotline.telephony import store as call_store
from hotline.telephony.exchanges.twilio_voice import TwilioVoice
from hotline.telephony.push_state import CallPushState
from hotline.telephony.service import end_silent_calls
from hotline.tickets.context import Services
from tests.conftest import Cast, Clock, Player

TOKEN = "a-token-the-exchange-has"
SIGNED = "an-auth-token-of-twilio"


class Exchange:
    def __init__(self, services: Services, http: httpx.AsyncClient, clock: Clock) -> None:
        self.services, self.http, self.clock = services, http, clock

    async def set_up(self, provider: str, **settings: Any) -> None:
        secrets = {"auth_token": [SIGNED]} if provider == "twilio_voice" else {"token": [TOKEN]}
        await create_gateway(
            self.services.gateways,
            NewGateway(provider.replace("_", "-"), provider, settings, secrets, sends=False, weight=50),
            "test",
            self.clock(),
        )

    async def tells(self, provider: str, body: Any, expect: int = 200, **how: Any) -> httpx.Response:
        path = f"/v1/hooks/voice/{provider}?token={TOKEN}"
        kw: dict[str, Any] = {"data": body} if how.get("form") else {"json": body}
        if isinstance(body, str):
            kw = {"content": body, "headers": {"content-type": "text/plain"}}
        reply = await self.http.post(path, **kw)
        assert reply.status_code == expect, reply.text
        return reply

    async def calls(self, watch: Player) -> list[dict[str, Any]]:
        return list(
            (await watch.get("/v1/voice-calls?limit=200&from=2026-11-25T00:00:00Z&to=2026-11-27T00:00:00Z")).json()[
                "items"
            ]
        )


@pytest.fixture
async def exchange(app: FastAPI, services: Services, clock: Clock) -> AsyncIterator[Exchange]:
    services.public_url = services.gateways._url = "https://hotline.example.org"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as http:
        yield Exchange(services, http, clock)


def at(clock: Clock, seconds: float) -> float:
    return (clock() + timedelta(seconds=seconds)).timestamp()


def a_call(clock: Clock, name: str = "c1", *, answered: bool = True, **more: Any) -> list[dict[str, Any]]:
    base = {"from": "8613800138000", "to": "12345", "direction": "in", "callId": name, **more}
    events = [
        {**base, "event": "newCall", "timestamp": at(clock, 0), "queue": "main", "user": ["li.min", "wang"]},
        {**base, "event": "answer", "timestamp": at(clock, 12), "answeringNumber": "101", "user": "101"},
        {**base, "event": "hangup", "timestamp": at(clock, 72), "cause": "normalClearing"},
    ]
    return events if answered else [events[0], {**events[2], "timestamp": at(clock, 20), "cause": "cancel"}]


@pytest.mark.parametrize("token", [SIGNED, "wrong"])
async def test_a_long_push_is_read_beside_the_event_loop(
    token: str, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    await exchange.set_up("twilio_voice")
    threads: set[str] = set()
    for name in ("authenticate", "events"):
        plain = getattr(TwilioVoice, name)

        def noted(self: TwilioVoice, push: WebhookRequest, plain: Any = plain) -> Any:
            threads.add(threading.current_thread().name)
            return plain(self, push)

        monkeypatch.setattr(TwilioVoice, name, noted)
    path, form = "/v1/hooks/voice/twilio-voice", {"CallSid": "CA1", "Digits": "三" * 100_000}
    url = f"https://hotline.example.org{path}"
    signed = hmac.new(token.encode(), (url + "CallSidCA1Digits" + form["Digits"]).encode(), "sha1").digest()
    headers = {"X-Twilio-Signature": base64.b64encode(signed).decode()}
    reply = await exchange.http.post(path, data=form, headers=headers)
    assert reply.status_code == (200 if token == SIGNED else 401), reply.text
    assert {name.rpartition("_")[0] for name in threads} == {"offload"}


@pytest.mark.parametrize("form", [False, True])
async def test_a_call_is_offered_answered_and_over(form: bool, exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("cti", agents={"101": "li.min"})
    for event in a_call(clock):
        body = (
            {("user[]" if k == "user" and isinstance(v, list) else k): v for k, v in event.items()} if form else event
        )
        assert (await exchange.tells("cti", body, form=form)).json() == {}
    (call,) = await exchange.calls(watch)
    assert (call["state"], call["outcome"], call["agent"], call["queue"]) == ("ended", "answered", "li.min", "main")
    assert (call["phone"], call["wait_ms"], call["talk_ms"]) == ("+8613800138000", 12_000, 60_000)
    assert (await watch.get("/v1/return-calls")).json()["items"] == []


async def test_any_order_and_any_repetition_make_the_same_call(exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("cti")
    told = []
    for n, order in enumerate(itertools.permutations(range(3))):
        events = a_call(clock, f"c{n}")
        for place in order:
            await exchange.tells("cti", events[place])
            await exchange.tells("cti", events[place])
    for call in await exchange.calls(watch):
        told.append(
            tuple(call[k] for k in ("state", "outcome", "agent", "wait_ms", "talk_ms", "offered_at", "ended_at"))
        )
    assert len(told) == 6 and len(set(told)) == 1
    assert (await watch.get("/v1/return-calls")).json()["items"] == []  # a hang-up that came first was no missed call


async def test_many_calls_at_once_shuffled_and_doubled(exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("cti")
    events = [e for n in range(40) for e in a_call(clock, f"m{n}", answered=n % 4 != 0)]
    events = events + random.Random(7).sample(events, len(events) // 5)
    random.Random(8).shuffle(events)
    await asyncio.gather(*(exchange.tells("cti", e) for e in events))
    calls = await exchange.calls(watch)
    assert len(calls) == 40
    assert sorted(c["outcome"] for c in calls) == ["abandoned"] * 10 + ["answered"] * 30
    (owed,) = (await watch.get("/v1/return-calls")).json()["items"]
    assert owed["missed"] == 10  # each gave up after the last answer, by the exchange's clock


async def test_pushes_in_a_ring_and_one_promise_for_each_number(exchange: Exchange, desk: Player, clock: Clock) -> None:
    await exchange.set_up("cti")
    for turn in range(6):
        calls = [a_call(clock, f"r{turn}-{n}", answered=False, **{"from": f"861380013{turn:04d}"}) for n in range(4)]
        events = [e for call in calls for e in call]
        pushes = [random.Random(k + turn).sample(events, len(events)) for k in range(4)]
        await asyncio.gather(*(exchange.tells("cti", {"events": p}) for p in pushes))
        await asyncio.gather(*(exchange.tells("cti", {"events": call}) for call in calls))
    items = (await desk.get("/v1/return-calls")).json()["items"]
    assert [i["missed"] for i in items] == [4] * 6


async def test_a_missed_call_reported_late_opens_no_return_call_when_they_were_spoken_to_since(
    exchange: Exchange, desk: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")
    missed = a_call(clock, "m", answered=False)
    clock.forward(minutes=5)
    for event in [*a_call(clock, "g"), *missed]:
        await exchange.tells("cti", event)
    assert (await desk.get("/v1/return-calls")).json()["items"] == []


async def test_a_return_call_counts_from_the_last_conversation_in_whatever_order_events_come(
    exchange: Exchange, desk: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")
    old = a_call(clock, "old", answered=False)
    clock.forward(minutes=10)
    middle = a_call(clock, "mid")
    clock.forward(minutes=10)
    new = a_call(clock, "new", answered=False)
    for event in [*new, *old, *middle]:
        await exchange.tells("cti", event)
    (owed,) = (await desk.get("/v1/return-calls")).json()["items"]
    assert owed["missed"] == 1 and owed["last_at"] == owed["at"] >= clock().isoformat()[:16]


async def test_who_ended_a_promise_is_named_as_a_person(exchange: Exchange, desk: Player, clock: Clock) -> None:
    await exchange.set_up("cti", agents={"101": "li.min"})
    for event in a_call(clock, "m", answered=False):
        await exchange.tells("cti", event)
    clock.forward(minutes=2)
    for event in a_call(clock, "g"):
        await exchange.tells("cti", event)
    (done,) = (await desk.get("/v1/return-calls?status=done")).json()["items"]
    assert done["done_by"] == "li.min"


async def test_a_return_call_an_operator_ended_is_not_opened_by_a_late_event(
    exchange: Exchange, desk: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")
    early = a_call(clock, "early", answered=False)
    clock.forward(minutes=1)
    for event in a_call(clock, "m", answered=False):
        await exchange.tells("cti", event)
    (owed,) = (await desk.get("/v1/return-calls")).json()["items"]
    clock.forward(minutes=5)
    await desk.post(f"/v1/return-calls/{owed['id']}/tried", {"outcome": "connected"})
    for event in early:
        await exchange.tells("cti", event)
    assert (await desk.get("/v1/return-calls")).json()["items"] == []


@pytest.mark.parametrize("ahead", [20, 8 * 3600, -8 * 3600])
async def test_the_clock_of_the_exchange_may_be_wrong(
    ahead: int, exchange: Exchange, desk: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")

    async def rings_in_vain(name: str) -> None:
        for event in a_call(clock, name, answered=False):
            await exchange.tells("cti", {**event, "timestamp": event["timestamp"] + ahead})

    await rings_in_vain("a")
    (owed,) = (await desk.get("/v1/return-calls")).json()["items"]
    await desk.post(f"/v1/return-calls/{owed['id']}/tried", {"outcome": "connected"})
    clock.forward(minutes=3)
    await rings_in_vain("b")
    (again,) = (await desk.get("/v1/return-calls")).json()["items"]
    assert again["id"] != owed["id"] and again["missed"] == 1


async def test_an_old_return_call_stays_open_while_nobody_spoke_to_them(
    exchange: Exchange, desk: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")
    for event in a_call(clock, "m", answered=False):
        await exchange.tells("cti", event)
    clock.forward(days=40)
    for event in a_call(clock, "out", answered=False, direction="out", **{"from": "12345", "to": "8613800138000"}):
        await exchange.tells("cti", event)
    (owed,) = (await desk.get("/v1/return-calls")).json()["items"]
    assert owed["missed"] == 1


async def test_a_number_that_was_corrected_is_not_called_back(exchange: Exchange, desk: Player, clock: Clock) -> None:
    await exchange.set_up("cti")
    begun, over = a_call(clock, "m", answered=False)
    await exchange.tells("cti", {**over, "from": "8613900139000"})
    await exchange.tells("cti", begun)
    assert [r["phone"] for r in (await desk.get("/v1/return-calls")).json()["items"]] == ["+8613800138000"]


async def test_fields_of_any_length_and_with_nul_are_taken(exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("cti")
    longest = {
        "from": "138\x0000138000" * 20,
        "to": "9" * 300,
        "queue": "q" * 300,
        "cause": "c" * 300,
        "user": "u" * 300,
    }
    for event in a_call(clock, "x" * 500, **longest):
        await exchange.tells("cti", {**event, **longest})
    (call,) = await exchange.calls(watch)
    assert call["outcome"] == "answered" and call["queue"] == "q" * 60


async def test_two_calls_may_number_their_events_alike(exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("cti")
    for name in ("a", "b"):
        for n, event in enumerate(a_call(clock, name)):
            await exchange.tells("cti", {**event, "eventId": str(n)})
    assert [c["outcome"] for c in await exchange.calls(watch)] == ["answered", "answered"]


async def test_who_rang_about_a_confidential_matter_is_hidden(
    exchange: Exchange, desk: Player, watch: Player, cast: Cast, clock: Clock
) -> None:
    await exchange.set_up("cti")
    for event in a_call(clock, "w"):
        await exchange.tells("cti", {**event, "recording": {"id": "R"}})
    (call,) = await exchange.calls(watch)
    assert call["phone"] == "+8613800138000" and call["recording"]["id"] == "R"
    boss = await cast("boss")
    assert (await exchange.calls(boss))[0]["phone"] == "138****8000"
    await desk.call("举报有人吃回扣", category="za-misconduct", caller={"phone": "13800138000"}, voice_call=call["id"])
    for player in (watch, boss):
        (call,) = await exchange.calls(player)
        assert call["number"] and call["phone"] is None and call["recording"] is None


async def test_who_sees_some_areas_sees_the_calls_and_promises_of_their_tickets_alone(
    exchange: Exchange, desk: Player, cast: Cast, clock: Clock
) -> None:
    await exchange.set_up("cti")
    for event in a_call(clock, "w", answered=False):
        await exchange.tells("cti", event)
    (owed,) = (await desk.get("/v1/return-calls")).json()["items"]
    block3 = await cast("block3")
    assert (await block3.get("/v1/return-calls")).json()["items"] == []
    assert (await block3.post(f"/v1/return-calls/{owed['id']}/tried", {"outcome": "no_reply"})).status_code == 404


async def test_a_call_that_never_was_in_a_queue_of_asterisk_is_none_of_ours(
    exchange: Exchange, watch: Player, clock: Clock
) -> None:
    await exchange.set_up("asterisk")
    base = {"Linkedid": "2.1", "Uniqueid": "2.1", "CallerIDNum": "101", "Exten": "13900139000"}
    out = [
        {**base, "Event": "Newchannel", "Timestamp": at(clock, 0)},
        {**base, "Event": "Hangup", "Cause": "16", "Timestamp": at(clock, 200)},
    ]
    await exchange.tells("asterisk", {"events": out})
    assert await exchange.calls(watch) == [] and (await watch.get("/v1/return-calls")).json()["items"] == []


async def test_a_call_a_whole_ring_group_missed_is_one_call(exchange: Exchange, desk: Player, clock: Clock) -> None:
    await exchange.set_up("threecx")
    start = clock().strftime("%Y-%m-%dT%H:%M:%S")
    for agent in ("101", "102", "103"):
        await exchange.tells(
            "threecx", {"CallType": "Missed", "Number": "13900139000", "Agent": agent, "CallStartTimeUTC": start}
        )
    (owed,) = (await desk.get("/v1/return-calls")).json()["items"]
    assert owed["missed"] == 1


async def test_a_call_taken_down_from_its_card_has_its_number(
    exchange: Exchange, desk: Player, watch: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")
    for event in a_call(clock)[:2]:
        await exchange.tells("cti", event)
    (call,) = await exchange.calls(watch)
    ticket = await desk.call("2栋水管爆了", voice_call=call["id"])
    assert ticket["caller"]["phone"] == "+8613800138000"
    other = await desk.call("3栋路灯坏了", voice_call=call["id"], caller={"phone": "13900139000"})
    assert other["caller"]["phone"] == "+8613900139000"  # what was said wins


async def test_only_3cx_may_ask_who_is_calling(exchange: Exchange, desk: Player) -> None:
    await exchange.set_up("cti")
    await desk.call("3栋电梯坏了", caller={"phone": "13800138000", "name": "王秀英"})
    reply = await exchange.http.get(f"/v1/hooks/voice/cti/lookup?token={TOKEN}&number=13800138000")
    assert reply.status_code == 404


async def test_the_events_of_a_call_are_kept_for_a_month_and_the_call_stands(
    exchange: Exchange, watch: Player, clock: Clock
) -> None:
    from hotline.runtime.retention import tidy

    await exchange.set_up("cti")
    events = a_call(clock, "w")
    for event in events:
        await exchange.tells("cti", event)
    clock.forward(days=31)
    # the queue it was put into is an event of its own, and so is each telephone it rang at
    assert (await tidy(exchange.services, clock()))["events"] == 3 + 1 + 2
    await exchange.tells("cti", events[2])
    (call,) = await exchange.calls(watch)
    assert (call["outcome"], call["talk_ms"]) == ("answered", 60_000)


async def test_an_answer_reported_late_ends_no_return_call_opened_after_it(
    exchange: Exchange, desk: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")
    early = a_call(clock, "early")
    clock.forward(minutes=5)
    for event in a_call(clock, "missed", answered=False):
        await exchange.tells("cti", event)
    for event in early:
        await exchange.tells("cti", event)
    assert len((await desk.get("/v1/return-calls")).json()["items"]) == 1


async def test_a_missed_call_becomes_a_call_back_that_ends_by_itself(
    exchange: Exchange, desk: Player, watch: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")
    for n in range(3):
        for event in a_call(clock, f"miss{n}", answered=False):
            await exchange.tells("cti", event)
        clock.forward(minutes=2)
    (owed,) = (await desk.get("/v1/return-calls")).json()["items"]
    assert (owed["phone"], owed["missed"], owed["queue"]) == ("+8613800138000", 3, "main")
    tried = await desk.post(f"/v1/return-calls/{owed['id']}/tried", {"outcome": "no_reply"})
    assert (tried.json()["status"], tried.json()["tries"]) == ("open", 1)
    for event in a_call(clock, "again"):  # they ring once more, and are answered
        await exchange.tells("cti", event)
    assert (await desk.get("/v1/return-calls")).json()["items"] == []
    (done,) = (await desk.get("/v1/return-calls?status=done")).json()["items"]
    assert done["outcome"] == "rang again"
    late = await desk.post(f"/v1/return-calls/{owed['id']}/tried", {"outcome": "connected"})
    assert late.status_code == 409
    for event in a_call(clock, "miss9", answered=False):
        await exchange.tells("cti", event)
    (owed,) = (await desk.get("/v1/return-calls")).json()["items"]
    ended = await desk.post(f"/v1/return-calls/{owed['id']}/tried", {"outcome": "connected"})
    assert ended.json()["status"] == "done" and ended.json()["done_by"] == desk.actor.id


async def test_the_card_pops_up_with_whoever_answers(
    exchange: Exchange, app: FastAPI, services: Services, desk: Player, clock: Clock
) -> None:
    await exchange.set_up("cti", agents={"101": "li.min"})
    open_one = await desk.call("3栋电梯坏了", caller={"phone": "13800138000", "name": "王秀英"})
    await desk.call("举报有人吃回扣", category="za-misconduct", caller={"phone": "13800138000", "name": "王秀英"})
    for login in ("li.min", "wang.wu"):
        grant = Grant(frozenset({Role.OPERATOR}))
        await add_person(services, NewPerson(login, login, "a long sentence 9", grant), clock())
    tokens = [
        (await log_in(services, LogInAttempt(login, "a long sentence 9", "127.0.0.1"), clock())).token
        for login in ("li.min", "wang.wu")
    ]
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline")

    async def mine(token: str, wait: int = 0) -> dict[str, Any]:
        reply = await http.get(f"/v1/me/calls?wait={wait}", headers={"authorization": f"Bearer {token}"})
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    waiting = asyncio.create_task(mine(tokens[0], wait=10))
    await asyncio.sleep(0)
    clock.forward(seconds=1)
    for event in a_call(clock)[:2]:
        await exchange.tells("cti", event)
    popped = await waiting
    (pop,) = popped["items"]
    assert pop["card"]["match"] == "known" and pop["card"]["caller"]["name"] == "王秀英"
    assert [t["number"] for t in pop["card"]["open"]] == [open_one["number"]]  # a confidential matter never pops up
    assert (await mine(tokens[1]))["items"] == []
    taken = await http.post(
        "/v1/calls", json={"channel": "phone", "narrative": "又坏了", "voice_call": pop["id"]},
        headers={"authorization": f"Bearer {tokens[0]}"},
    )  # fmt: skip
    assert taken.status_code == 201
    (call,) = await exchange.calls(await _as_watch(services, app))
    assert call["number"] == taken.json()["ticket"]["number"]
    waiting = asyncio.create_task(mine(tokens[1], wait=20))
    async with asyncio.timeout(10):
        while not services.part(CallPushState).changed._waiters:  # type: ignore[attr-defined]
            await asyncio.sleep(0)
    services.leave()  # told to stop, nobody is waited for who only waits
    assert (await asyncio.wait_for(waiting, 0.9))["items"] == []
    await http.aclose()


async def _as_watch(services: Services, app: FastAPI) -> Any:
    from hotline.organisation.service.accounts import add_key

    made = await add_key(services, NewKey("w", Grant(frozenset({Role.SUPERVISOR}))), "test", services.clock())
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://hotline",
        headers={"authorization": f"Bearer {made['secret']}"},
    )
    return client


async def test_asterisk_events_are_read_from_ami_and_from_queue_log(
    exchange: Exchange, watch: Player, clock: Clock
) -> None:
    await exchange.set_up("asterisk", agents={"SIP/101": "li.min"})
    base = {"Linkedid": "1700.1", "Uniqueid": "1700.1", "Queue": "main", "CallerIDNum": "13800138000"}
    ami = [
        {**base, "Event": "Newchannel", "Exten": "12345", "Timestamp": at(clock, 0)},
        {**base, "Event": "QueueCallerJoin", "Position": 1, "Count": 1, "Timestamp": at(clock, 2)},
        {**base, "Event": "AgentRingNoAnswer", "Uniqueid": "1700.2", "Timestamp": at(clock, 8)},
        {**base, "Event": "AgentConnect", "Interface": "SIP/101", "RingTime": 3, "HoldTime": 10, "Timestamp": at(clock, 12)},
        {**base, "Event": "AgentComplete", "Interface": "SIP/101", "TalkTime": 30, "Reason": "caller", "Timestamp": at(clock, 42)},
        {**base, "Event": "Hangup", "Uniqueid": "1700.2", "Cause": "16", "Timestamp": at(clock, 42)},
        {**base, "Event": "Hangup", "Cause": "16", "Timestamp": at(clock, 43)},
    ]  # fmt: skip
    await exchange.tells("asterisk", {"events": random.Random(3).sample(ami, len(ami))})
    (call,) = await exchange.calls(watch)
    assert (call["agent"], call["wait_ms"], call["talk_ms"], call["outcome"]) == ("li.min", 10_000, 31_000, "answered")
    stamp = int(at(clock, 60))
    log = "\n".join(
        [
            f"{stamp}|1800.1|main|NONE|ENTERQUEUE||13900139000|1",
            f"{stamp + 5}|1800.1|main|SIP/101|RINGNOANSWER|5000",
            f"{stamp + 9}|1800.1|main|NONE|ABANDON|1|1|9",
            f"{stamp}|1900.1|main|NONE|ENTERQUEUE||13900139001|1",
            f"{stamp + 300}|1900.1|main|NONE|EXITWITHTIMEOUT|1|1|300",
            f"{stamp}|NONE|NONE|SIP/101|PAUSE|",
            "rubbish",
        ]
    )
    await exchange.tells("asterisk", log)
    outcomes = {c["phone"]: (c["outcome"], c["wait_ms"]) for c in await exchange.calls(watch)}
    assert outcomes["+8613900139000"] == ("abandoned", 9000) and outcomes["+8613900139001"] == ("missed", 300_000)
    assert {r["phone"] for r in (await watch.get("/v1/return-calls")).json()["items"]} == {
        "+8613900139000",
        "+8613900139001",
    }
    assert len((await watch.get("/v1/inbound")).json()["items"]) == 1  # the line nobody can read


async def test_freeswitch_callcenter(exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("freeswitch")
    base = {
        "Event-Subclass": "callcenter::info", "CC-Queue": "main@default", "CC-Member-Session-UUID": "u-1",
        "CC-Member-CID-Number": "%2B8613800138000",
    }  # fmt: skip
    events = [
        {**base, "CC-Action": "member-queue-start", "CC-Member-Joined-Time": int(at(clock, 0))},
        {**base, "CC-Action": "agent-offering", "CC-Agent": "li.min"},
        {**base, "CC-Action": "bridge-agent-start", "CC-Agent": "li.min", "CC-Agent-Answered-Time": int(at(clock, 9))},
        {**base, "CC-Action": "bridge-agent-end", "CC-Agent": "li.min", "CC-Bridge-Terminated-Time": int(at(clock, 49))},
        {**base, "CC-Action": "member-queue-end", "CC-Cause": "Terminated", "CC-Member-Leaving-Time": int(at(clock, 49))},
    ]  # fmt: skip
    await exchange.tells("freeswitch", {"events": events})
    gone = {**base, "CC-Member-Session-UUID": "u-2"}
    await exchange.tells("freeswitch", {**gone, "CC-Action": "member-queue-end", "CC-Cause": "Cancel",
                                        "CC-Cancel-Reason": "BREAK_OUT", "CC-Member-Leaving-Time": int(at(clock, 70))})  # fmt: skip
    outcomes = sorted((c["outcome"], c["talk_ms"]) for c in await exchange.calls(watch))
    assert outcomes == [("abandoned", None), ("answered", 40_000)]


async def test_3cx_asks_who_it_is_and_reports_when_it_is_over(
    exchange: Exchange, services: Services, desk: Player, watch: Player, clock: Clock
) -> None:
    await exchange.set_up("threecx", agents={"101": "li.min"})
    await desk.call("3栋电梯坏了", caller={"phone": "13800138000", "name": "王秀英"})
    path = f"/v1/hooks/voice/threecx/lookup?token={TOKEN}&number=13800138000"
    assert (await exchange.http.get(path)).json()["contacts"][0]["lastname"] == "王秀英"
    full, services.security_log = services.security_log, SecurityLog(services.db, max_waiting=0)
    assert (await exchange.http.get(path)).json() == {"contacts": []}  # nothing is shown that is not in the log
    services.security_log = full
    assert (await exchange.http.get(path.replace("13800138000", "13911112222"))).json() == {"contacts": []}
    assert (await exchange.http.get(path.replace(TOKEN, "wrong"))).status_code == 401
    asked = f"/v1/hooks/voice/threecx/lookup?token={TOKEN}"  # with the number in the body
    for body in ({"json": {"number": "13800138000"}}, {"data": {"number": "13800138000"}}):
        assert (await exchange.http.post(asked, **body)).json()["contacts"][0]["lastname"] == "王秀英"
    for odd in (b"[1]", b"\xff", b"{"):
        reply = await exchange.http.post(asked, content=odd, headers={"content-type": "application/json"})
        assert reply.json() == {"contacts": []}
    assert (await exchange.http.post(asked.replace(TOKEN, "x"), json={"number": "13800138000"})).status_code == 401
    start = clock().strftime("%Y-%m-%dT%H:%M:%S")
    report = {"CallType": "Inbound", "Number": "13800138000", "Agent": "101", "Duration": "00:01:05", "Name": "[Name]",
              "CallStartTimeUTC": start}  # fmt: skip
    for _ in range(2):
        await exchange.tells("threecx", report)
    await exchange.tells("threecx", {**report, "CallType": "Missed", "Number": "13900139000"})
    outcomes = sorted((c["outcome"], c["agent"], c["talk_ms"]) for c in await exchange.calls(watch) if c["agent"])
    assert outcomes == [("answered", "li.min", 65_000)]
    assert [r["phone"] for r in (await desk.get("/v1/return-calls")).json()["items"]] == ["+8613900139000"]


async def test_twilio_voice_and_its_recording_by_reference(
    exchange: Exchange, watch: Player, cast: Cast, clock: Clock
) -> None:
    await exchange.set_up("twilio_voice", retention_days=30)

    async def tells(token: str = SIGNED, **fields: str) -> httpx.Response:
        form = {"CallSid": "CA1", "From": "+8613800138000", "To": "+862812345", "Direction": "inbound", **fields}
        url = "https://hotline.example.org/v1/hooks/voice/twilio-voice"
        text = url + "".join(k + form[k] for k in sorted(form))
        signature = base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()
        return await exchange.http.post(
            "/v1/hooks/voice/twilio-voice", content=urlencode(form),
            headers={"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"},
        )  # fmt: skip

    def when(seconds: int) -> str:
        return format_datetime(clock() + timedelta(seconds=seconds))

    assert (await tells(token="wrong", CallStatus="ringing")).status_code == 401
    leg = {"ParentCallSid": "CA1", "CallSid": "CA2", "Direction": "outbound-dial", "Called": "client:li.min"}
    for status, seconds, fields in (
        ("completed", 50, {}), ("ringing", 0, {}), ("in-progress", 1, {}),
        ("ringing", 3, leg), ("in-progress", 7, leg), ("completed", 49, leg),
    ):  # fmt: skip
        assert (await tells(CallStatus=status, Timestamp=when(seconds), **fields)).text == "<Response></Response>"
    # nobody took it: it was not answered
    for status, seconds in (
        ("ringing", 0),
        ("in-progress", 1),
        ("completed", 40),
    ):
        await tells(CallSid="CA9", From="+8613900139000", CallStatus=status, Timestamp=when(seconds))
    recorded = {"RecordingSid": "RE1", "RecordingUrl": "https://api.twilio.com/RE1", "RecordingDuration": "44"}
    await tells(CallStatus="completed", Timestamp=when(50), **recorded)
    call, gone = await exchange.calls(watch)
    assert (gone["phone"], gone["outcome"]) == ("+8613900139000", "abandoned")
    assert (call["outcome"], call["wait_ms"], call["talk_ms"]) == ("answered", 6000, 43_000)
    assert (call["phone"], call["agent"]) == ("+8613800138000", "client:li.min")
    assert call["recording"]["id"] == "RE1" and call["recording"]["expires_at"].startswith("2026-12-25")
    switch = await cast("switch")
    assert (await switch.get("/v1/voice-calls")).json()["items"][0]["recording"] is None  # for supervisors alone
    from hotline.runtime.retention import tidy

    clock.forward(days=31)
    await tidy(exchange.services, clock())
    items = (await watch.get("/v1/voice-calls?from=2026-11-25T00:00:00Z&to=2026-12-01T00:00:00Z")).json()["items"]
    assert [c["recording"] for c in items] == [None, None]
    await tells(CallStatus="completed", Timestamp=when(0), **recorded)  # told again, it does not come back
    items = (await watch.get("/v1/voice-calls?from=2026-11-25T00:00:00Z&to=2026-12-01T00:00:00Z")).json()["items"]
    assert [c["recording"] for c in items] == [None, None]


async def test_the_figures_say_how_they_were_made(exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("cti")
    waits = [5, 10, 14.9, 15, 15.1, 40]
    for n, wait in enumerate(waits):
        events = a_call(clock, f"f{n}", **{"from": f"86139{n:08d}"})
        events[1]["timestamp"], events[2]["timestamp"] = at(clock, wait), at(clock, wait + 100)
        for event in events:
            await exchange.tells("cti", event)
    for n, gave_up in enumerate((3, 30)):
        events = a_call(clock, f"a{n}", answered=False, **{"from": f"86138{n:08d}"})
        events[1]["timestamp"] = at(clock, gave_up)
        for event in events:
            await exchange.tells("cti", event)
    clock.forward(minutes=10)
    said = (await watch.get("/v1/figures/acd?queue=main")).json()
    assert said["counts"]["offered"] == 8 and said["counts"]["answered"] == 6 and said["counts"]["in_time"] == 4
    shares = {f["name"]: f for f in said["figures"]}
    assert shares["service_level_of_answered"]["value"] == round(4 / 6, 4)
    assert shares["service_level_of_offered"]["value"] == 0.5
    assert shares["service_level_without_short_abandons"]["value"] == round(4 / 7, 4)
    assert shares["abandon_rate"] == {
        "name": "abandon_rate", "formula": "abandoned ÷ offered", "numerator": 2, "denominator": 8, "value": 0.25,
    }  # fmt: skip
    assert shares["average_talk_ms"]["value"] == 100_000
    assert shares["average_speed_of_answer_ms"]["numerator"] == sum(waits) * 1000
    assert (await watch.get("/v1/figures/acd?queue=other")).json()["counts"]["offered"] == 0


@pytest.mark.parametrize(
    "body", [[], {}, {"event": "newCall"}, {"event": "dance", "callId": "x"}, {"callId": "x"}, [1, 2]]
)
async def test_odd_events_are_kept_for_somebody_to_look_at(body: Any, exchange: Exchange, watch: Player) -> None:
    await exchange.set_up("cti")
    await exchange.tells("cti", body)
    assert await exchange.calls(watch) == []
    assert len((await watch.get("/v1/inbound")).json()["items"]) == (0 if body == [] else 1)


async def test_a_withheld_number_and_a_service_number_are_owed_nothing(
    exchange: Exchange, desk: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")
    for n, number in enumerate(("anonymous", "10086", "")):
        for event in a_call(clock, f"w{n}", answered=False, **{"from": number}):
            await exchange.tells("cti", event)
    assert (await desk.get("/v1/return-calls")).json()["items"] == []


# --- every call ends


def queue_log(clock: Clock, *lines: str) -> str:
    """Lines whose times are seconds from now."""
    return "\n".join(
        f"{int(at(clock, int(seconds)))}|{rest}" for seconds, rest in (line.split("|", 1) for line in lines)
    )


@pytest.mark.parametrize("how", ["ATTENDEDTRANSFER|BRIDGE|b-1|9|21|1", "BLINDTRANSFER|204|internal|9|21|1"])
async def test_a_call_an_agent_transferred_has_ended(how: str, exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("asterisk")
    lines = queue_log(
        clock,
        "0|7.1|main|NONE|ENTERQUEUE||13800138000|1",
        "9|7.1|main|SIP/101|CONNECT|9|7.2|3",
        f"30|7.1|main|SIP/101|{how}",
    ).splitlines()
    for order in itertools.permutations(lines):
        for line in order:
            await exchange.tells("asterisk", line)
    (call,) = await exchange.calls(watch)
    assert (call["state"], call["outcome"], call["cause"]) == ("ended", "answered", "transferred")
    assert (call["wait_ms"], call["talk_ms"], call["agent"]) == (9_000, 21_000, "SIP/101")
    assert (await watch.get("/v1/return-calls")).json()["items"] == []


async def test_a_caller_who_timed_out_of_one_queue_waits_in_the_next(
    exchange: Exchange, watch: Player, clock: Clock
) -> None:
    await exchange.set_up("asterisk")
    lines = queue_log(
        clock, "0|7.1|main|NONE|ENTERQUEUE||13800138000|1", "60|7.1|main|NONE|EXITWITHTIMEOUT|1|1|60",
        "60|7.1|second|NONE|ENTERQUEUE||13800138000|1",
    ).splitlines()  # fmt: skip
    for n, order in enumerate(itertools.permutations(lines)):
        for line in order:
            await exchange.tells("asterisk", line.replace("7.1", f"7.{n}").replace("13800138000", f"1380013800{n}"))
    calls = await exchange.calls(watch)
    assert [(c["state"], c["outcome"], c["ended_at"]) for c in calls] == [("offered", None, None)] * 6
    assert (await watch.get("/v1/return-calls")).json()["items"] == []
    await exchange.tells(
        "asterisk",
        queue_log(clock, "90|7.0|second|SIP/101|CONNECT|30|7.9|3", "95|7.0|second|SIP/101|COMPLETECALLER|30|5|1"),
    )
    await exchange.tells("asterisk", queue_log(clock, "90|7.1|second|NONE|EXITWITHTIMEOUT|1|1|30"))
    ended = {c["phone"]: (c["outcome"], c["wait_ms"]) for c in await exchange.calls(watch) if c["state"] == "ended"}
    assert ended == {"+8613800138000": ("answered", 90_000), "+8613800138001": ("missed", 90_000)}
    (owed,) = (await watch.get("/v1/return-calls")).json()["items"]
    assert owed["phone"] == "+8613800138001"


async def test_a_call_without_further_events_ends_and_its_caller_is_called_back(
    exchange: Exchange, watch: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")
    waits = a_call(clock, "waits")[:1]
    talks = a_call(clock, "talks", **{"from": "8613900139000"})[:2]
    for event in [*waits, *talks]:
        await exchange.tells("cti", event)
    for gone in (timedelta(minutes=119), timedelta(minutes=1)):
        clock.now += gone
        await end_silent_calls(exchange.services, clock())
        states = {c["phone"]: c["state"] for c in await exchange.calls(watch)}
        over = "ended" if gone == timedelta(minutes=1) else "offered"
        assert states == {"+8613800138000": over, "+8613900139000": "answered"}
    for _ in range(3):  # however often, and by however many
        await asyncio.gather(*(end_silent_calls(exchange.services, clock()) for _ in range(3)))
    missed = next(c for c in await exchange.calls(watch) if c["state"] == "ended")
    assert (missed["outcome"], missed["cause"], missed["wait_ms"]) == ("missed", "no_end_reported", None)
    (owed,) = (await watch.get("/v1/return-calls")).json()["items"]
    assert (owed["phone"], owed["missed"]) == ("+8613800138000", 1)
    clock.forward(hours=10)
    await end_silent_calls(exchange.services, clock())
    spoken = next(c for c in await exchange.calls(watch) if c["phone"] == "+8613900139000")
    assert (spoken["state"], spoken["outcome"], spoken["cause"]) == ("ended", "answered", "no_end_reported")
    assert (spoken["ended_at"], spoken["talk_ms"], spoken["wait_ms"]) == (None, None, 12_000)
    assert len((await watch.get("/v1/return-calls")).json()["items"]) == 1
    said = (await watch.get("/v1/figures/acd?from=2026-11-25T00:00:00Z&to=2026-11-26T00:00:00Z")).json()
    assert said["counts"]["no_end_reported"] == 2
    talk = next(f for f in said["figures"] if f["name"] == "average_talk_ms")
    assert (talk["numerator"], talk["denominator"], talk["value"]) == (0, 0, None)


async def test_events_after_a_call_was_ended_for_silence_count(exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("cti")
    calls = {
        name: a_call(clock, name, **{"from": f"861380013800{n}"})
        for n, name in enumerate(("over", "still", "recorded"))
    }
    for events in calls.values():
        await exchange.tells("cti", events[0])
    clock.forward(hours=3)
    await end_silent_calls(exchange.services, clock())
    assert len((await watch.get("/v1/return-calls")).json()["items"]) == 3
    for event in calls["over"][1:]:  # the exchange's link was down: it tells now what was then
        await exchange.tells("cti", event)
    await exchange.tells("cti", calls["still"][1])
    found = {c["phone"]: c for c in await exchange.calls(watch)}
    over, still = found["+8613800138000"], found["+8613800138001"]
    assert (over["outcome"], over["cause"], over["talk_ms"]) == ("answered", "normalClearing", 60_000)
    assert (still["state"], still["outcome"]) == ("answered", None)
    assert [r["phone"] for r in (await watch.get("/v1/return-calls")).json()["items"]] == ["+8613800138002"]
    clock.forward(hours=12)
    await end_silent_calls(exchange.services, clock())
    still = next(c for c in await exchange.calls(watch) if c["phone"] == "+8613800138001")
    assert (still["state"], still["cause"]) == ("ended", "no_end_reported")


async def test_how_long_a_call_may_be_silent_is_set_for_each_exchange(
    exchange: Exchange, watch: Player, clock: Clock
) -> None:
    await exchange.set_up("cti", longest_wait_minutes=10, longest_talk_minutes="30")
    for event in [*a_call(clock, "waits")[:1], *a_call(clock, "talks", **{"from": "8613900139000"})[:2]]:
        await exchange.tells("cti", event)
    ended = []
    for _ in range(4):
        clock.forward(minutes=10)
        await end_silent_calls(exchange.services, clock())
        ended.append(sum(c["state"] == "ended" for c in await exchange.calls(watch)))
    assert ended == [1, 1, 2, 2]
    for wrong in ({"longest_wait_minutes": 0}, {"longest_talk_minutes": "long"}, {"longest_talk_minutes": 99999},
                  {"date_order": "dym"}, {"date_order": ["mdy"]}):  # fmt: skip
        with pytest.raises(Refused):
            await exchange.set_up("asterisk", **wrong)


async def test_a_call_that_was_open_before_we_looked_for_silence_ends_too(
    exchange: Exchange, watch: Player, clock: Clock, db: Any
) -> None:
    await exchange.set_up("cti")
    names = ("forgotten", "due", "young", "orphan")
    for n, name in enumerate(names):
        clock.now = clock.now + {"due": timedelta(days=40), "young": timedelta(days=1)}.get(name, timedelta(0))
        await exchange.tells("cti", {**a_call(clock, name, **{"from": f"861380013800{n}"})[0], "queue": name})
    clock.forward(minutes=1)
    await db.transact(lambda c: c.exec_driver_sql("UPDATE voice_call SET end_due_at = NULL"))  # as before
    await db.transact(lambda c: c.exec_driver_sql("UPDATE voice_call SET pbx = 'gone' WHERE queue = 'orphan'"))
    await db.transact(lambda c: call_store.delete_old_events(c, clock() - timedelta(days=30), 100))
    await end_silent_calls(exchange.services, clock())
    query = "/v1/voice-calls?from=2026-11-20T00:00:00Z&to=2027-02-01T00:00:00Z"
    states = {c["queue"]: (c["state"], c["cause"]) for c in (await watch.get(query)).json()["items"]}
    over = ("ended", "no_end_reported")
    assert states == {"forgotten": over, "due": over, "young": ("offered", None), "orphan": over}
    assert {r["phone"] for r in (await watch.get("/v1/return-calls")).json()["items"]} >= {
        "+8613800138001",
        "+8613800138003",
    }


async def test_the_worker_looks_for_silent_calls(exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("cti")
    await exchange.tells("cti", a_call(clock, "waits")[0])
    clock.forward(hours=3)
    worker = assemble_worker(WorkerContext(exchange.services))
    running = asyncio.create_task(worker.run())
    while (await exchange.calls(watch))[0]["state"] != "ended":
        await asyncio.sleep(0)
    worker.stop()
    await asyncio.wait_for(running, 10)


# --- times nobody can read


async def test_a_time_too_far_ahead_is_not_reported_as_unreadable(exchange: Exchange, watch: Player) -> None:
    await exchange.set_up("threecx")
    report = {"CallType": "Inbound", "Number": "13800138000", "Agent": "101", "CallStartTimeUTC": "2099-01-01 10:00:00"}
    await exchange.tells("threecx", report)
    assert [i["why"].partition(":")[0] for i in (await watch.get("/v1/inbound")).json()["items"]] == [
        "the time lies too far ahead"
    ]


async def test_a_time_nobody_can_read_is_shown_to_operators_and_measures_nothing(
    exchange: Exchange, watch: Player, clock: Clock
) -> None:
    await exchange.set_up("threecx")
    for n, said in enumerate(("03/04/2026 10:00:00", "8:54:22 PM", "2026-11-25 24:61:00")):
        report = {
            "CallType": "Inbound",
            "Number": f"1380013800{n}",
            "Agent": "101",
            "Duration": "00:01:05",
            "CallStartTimeUTC": said,
        }
        for _ in range(2):
            await exchange.tells("threecx", report)
    calls = await exchange.calls(watch)
    assert [(c["state"], c["wait_ms"], c["talk_ms"], c["time_unknown"]) for c in calls] == [
        ("ended", None, None, True)
    ] * 3
    odd = (await watch.get("/v1/inbound")).json()["items"]
    assert len(odd) == 3 and all("the time cannot be read" in item["why"] for item in odd)
    said = (await watch.get("/v1/figures/acd")).json()
    assert (said["counts"]["answered"], said["counts"]["time_unknown"]) == (3, 3)
    shares = {f["name"]: f for f in said["figures"]}
    assert shares["average_talk_ms"]["denominator"] == shares["average_speed_of_answer_ms"]["denominator"] == 0


async def test_an_evening_call_of_3cx_is_an_evening_call(exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("threecx")
    clock.now = clock.now.replace(hour=21)
    report = {"CallType": "Inbound", "Number": "13800138000", "Agent": "101", "Duration": "00:01:05"}
    for n, said in enumerate(
        ("11/25/2026 08:54:22 PM", "11/25/2026 8:54:22 PM", "2026/11/25 20:54:22", "25.11.2026 20:54:22")
    ):
        await exchange.tells("threecx", {**report, "Number": f"1380013800{n}", "CallStartTimeUTC": said})
    assert {c["offered_at"][:19] for c in await exchange.calls(watch)} == {"2026-11-25T20:54:22"}
    assert (await watch.get("/v1/inbound")).json()["items"] == []


async def test_naive_times_of_an_exchange_are_in_the_hotlines_time_zone(
    exchange: Exchange, watch: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")
    await exchange.tells("cti", {**a_call(clock)[0], "timestamp": "2026-11-25 11:59:00"})
    (call,) = await exchange.calls(watch)
    assert call["offered_at"].startswith("2026-11-25T03:59:00")


async def test_an_event_of_days_ago_keeps_its_time(exchange: Exchange, watch: Player, clock: Clock) -> None:
    await exchange.set_up("cti")
    for n, days in enumerate((2, 40)):
        for event in a_call(clock, f"old{n}", answered=False, **{"from": f"861380013800{n}"}):
            await exchange.tells("cti", {**event, "timestamp": event["timestamp"] - days * 86400})
    query = "/v1/voice-calls?from=2026-10-01T00:00:00Z&to=2026-11-26T00:00:00Z"
    calls = (await watch.get(query)).json()["items"]
    assert [(c["offered_at"][:10], c["state"]) for c in calls] == [("2026-11-23", "ended"), ("2026-10-16", "ended")]


async def test_an_event_nobody_knows_is_shown_once_a_day_and_changes_no_call(
    exchange: Exchange, watch: Player, clock: Clock
) -> None:
    await exchange.set_up("asterisk")
    await exchange.tells("asterisk", queue_log(clock, "0|7.1|main|NONE|ENTERQUEUE||13800138000|1"))
    for n in range(5):
        await exchange.tells("asterisk", queue_log(clock, f"{n}|7.1|main|NONE|TELEPORTED|{n}"))
    assert [c["state"] for c in await exchange.calls(watch)] == ["offered"]
    (item,) = (await watch.get("/v1/inbound")).json()["items"]
    assert "TELEPORTED" in item["why"]
    clock.forward(days=1)
    await exchange.tells("asterisk", queue_log(clock, "9|7.1|main|NONE|TELEPORTED|9"))
    assert len((await watch.get("/v1/inbound")).json()["items"]) == 2


async def test_a_call_is_linked_to_its_ticket_afterwards(
    exchange: Exchange, desk: Player, watch: Player, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    await exchange.set_up("cti")
    for event in a_call(clock):
        await exchange.tells("cti", event)
    (call,) = await exchange.calls(watch)
    reply = await desk.post(f"/v1/voice-calls/{call['id']}/link", {"number": lift_ticket["number"]})
    assert reply.status_code == 204, reply.text
    (call,) = await exchange.calls(watch)
    assert call["number"] == lift_ticket["number"]

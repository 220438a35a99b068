"""A call as it rings: shown to whom it rings at, with who calls, and to the others once somebody answered it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from hotline.delivery.payloads import item_key
from hotline.telephony import store as call_store
from hotline.telephony.ringing import has_moved
from tests.conftest import Clock, Player
from tests.telephony.test_calls import Exchange, at, exchange  # noqa: F401 - a fixture

FROM = "8613800138000"


def asterisk(clock: Clock, event: str, seconds: float, **more: Any) -> dict[str, Any]:
    return {
        "Event": event, "Linkedid": "1.1", "Uniqueid": "1.1", "Queue": "main", "CallerIDNum": FROM,
        "Timestamp": at(clock, seconds), **more,
    }  # fmt: skip


def freeswitch(clock: Clock, action: str, seconds: float, **more: Any) -> dict[str, Any]:
    return {
        "CC-Action": action, "CC-Queue": "main", "CC-Member-Session-UUID": "u1", "CC-Member-UUID": "m1",
        "CC-Member-CID-Number": FROM, "Event-Date-Timestamp": int(at(clock, seconds) * 1_000_000), **more,
    }  # fmt: skip


def cti(clock: Clock, event: str, seconds: float, **more: Any) -> dict[str, Any]:
    return {"event": event, "callId": "c1", "from": FROM, "to": "24365", "timestamp": at(clock, seconds), **more}


# what each exchange says: it rings at 101 and 102, it rings no longer at 102, 101 answers
SAID = {
    "cti": (
        lambda clock: [cti(clock, "newCall", 0, user=["101", "102"])],
        None,
        lambda clock: [cti(clock, "answer", 9, user="101", answeringNumber="101")],
    ),
    "asterisk": (
        lambda clock: [
            asterisk(clock, "QueueCallerJoin", 0),
            asterisk(clock, "AgentCalled", 1, MemberName="101"),
            asterisk(clock, "AgentCalled", 1, MemberName="102"),
        ],
        lambda clock: [asterisk(clock, "AgentRingNoAnswer", 6, MemberName="102")],
        lambda clock: [asterisk(clock, "AgentConnect", 9, MemberName="101")],
    ),
    "freeswitch": (
        lambda clock: [
            freeswitch(clock, "member-queue-start", 0),
            freeswitch(clock, "agent-offering", 1, **{"CC-Agent": "101"}),
            freeswitch(clock, "agent-offering", 2, **{"CC-Agent": "102"}),
        ],
        lambda clock: [freeswitch(clock, "bridge-agent-fail", 6, **{"CC-Agent": "102"})],
        lambda clock: [freeswitch(clock, "bridge-agent-start", 9, **{"CC-Agent": "101"})],
    ),
}


@pytest.mark.parametrize("provider", SAID)
async def test_a_call_rings_where_the_exchange_says_and_nowhere_else(
    provider: str,
    exchange: Exchange,  # noqa: F811
    desk: Player,
    clock: Clock,
) -> None:
    await exchange.set_up(provider, agents={"101": "li.min", "102": "wang"})
    ticket = await desk.call("8栋2单元电梯停在5楼不动", caller={"phone": "13800138000", "name": "刘婆婆"})
    rings, rings_out, answered = SAID[provider]

    async def mine(agent: str, after: str = "") -> dict[str, Any]:
        params = {"agent": agent, **({"after": after} if after else {})}
        return dict((await desk.get("/v1/me/calls", params=params)).json())

    for event in rings(clock):
        await exchange.tells(provider, event)
    first = {agent: await mine(agent) for agent in ("li.min", "wang", "zhao")}
    for agent in ("li.min", "wang"):
        (call,) = first[agent]["items"]
        assert (call["state"], call["agent"], call["taken"]) == ("offered", None, False)
        assert [one["number"] for one in call["card"]["open"]] == [ticket["number"]]
        assert call["card"]["caller"]["name"] == "刘婆婆"
    assert first["zhao"]["items"] == []
    clock.forward(seconds=5)
    if rings_out is not None:  # later calls of that line are not told as taken: it rang out there before
        for event in rings_out(clock):
            await exchange.tells(provider, event)
    clock.forward(seconds=5)
    for event in answered(clock):
        await exchange.tells(provider, event)
    (call,) = (await mine("li.min", first["li.min"]["next"]))["items"]
    assert (call["state"], call["agent"], call["taken"]) == ("answered", "li.min", False)
    others = (await mine("wang", first["wang"]["next"]))["items"]
    assert [one["taken"] for one in others] == ([True] if rings_out is None else [])
    assert all(one["card"]["open"] == [] for one in others)  # nobody is looked up for a call that another has


async def test_the_call_that_waits_longest_rings_however_many_came_after_it(
    exchange: Exchange,  # noqa: F811
    desk: Player,
    clock: Clock,
) -> None:
    """A queue rings its longest wait at the next free agent, behind whom a hundred newer callers wait."""
    await exchange.set_up("cti", agents={"101": "li.min"})
    await exchange.tells("cti", cti(clock, "newCall", 0, user=[], queue="main"))
    clock.forward(minutes=20)
    for n in range(105):
        newer = {"callId": f"n{n}", "from": f"86138{n:08}"}
        await exchange.tells("cti", cti(clock, "newCall", 0, user=["102"], **newer))
    await exchange.tells("cti", cti(clock, "newCall", 0, user=["101"]))
    mine = (await desk.get("/v1/me/calls", params={"agent": "li.min"})).json()
    assert [(call["phone"], call["state"]) for call in mine["items"]] == [("+8613800138000", "offered")]
    clock.forward(minutes=3)  # and for as long as it rings there
    again = (await desk.get("/v1/me/calls", params={"agent": "li.min"})).json()["items"]
    assert [call["id"] for call in again] == [mine["items"][0]["id"]]
    after = (await desk.get("/v1/me/calls", params={"agent": "li.min", "after": mine["next"]})).json()["items"]
    assert after == []  # told once
    services = exchange.services
    assert await services.db.transact(lambda c: call_store.delete_old_rings(c, clock() - timedelta(minutes=1))) == 106
    assert (await desk.get("/v1/me/calls", params={"agent": "li.min"})).json()["items"] == []


async def test_of_a_queue_that_rings_for_hours_each_agent_has_one_event(
    exchange: Exchange,  # noqa: F811
    desk: Player,
    clock: Clock,
) -> None:
    await exchange.set_up("asterisk", agents={"101": "li.min", "102": "wang"})
    await exchange.tells("asterisk", asterisk(clock, "QueueCallerJoin", 0))
    told = [
        asterisk(clock, event, second, MemberName=agent)
        for second in range(1, 200, 20)
        for agent in ("101", "102")
        for event, second in (("AgentCalled", second), ("AgentRingNoAnswer", second + 15))
    ]
    told.pop()  # at the second one it rings still
    for event in (*told[::-1], *told):
        await exchange.tells("asterisk", event)
    kept = await exchange.services.db.snapshot(lambda c: call_store.load_events(c, "asterisk", item_key("1.1")))
    assert sorted(row.body["what"] for row in kept) == ["queued", "rang_out", "rings"]
    rings = {a: (await desk.get("/v1/me/calls", params={"agent": a})).json()["items"] for a in ("li.min", "wang")}
    assert [len(calls) for calls in rings.values()] == [0, 1]


async def test_who_is_to_be_called_back_has_a_time(
    exchange: Exchange,  # noqa: F811
    desk: Player,
    clock: Clock,
) -> None:
    await exchange.set_up("cti", agents={"101": "li.min"})
    await exchange.tells("cti", cti(clock, "newCall", 0, user=["101"]))
    await desk.get("/v1/me/calls", params={"agent": "li.min"})
    clock.forward(seconds=20)
    await exchange.tells("cti", cti(clock, "hangup", 0, cause="cancel"))
    gone = (await desk.get("/v1/me/calls", params={"agent": "li.min"})).json()["items"]
    assert [one["state"] for one in gone] == ["ended"]  # the screen takes it away
    (owed,) = (await desk.get("/v1/return-calls")).json()["items"]
    assert (owed["phone"], owed["missed"]) == ("+8613800138000", 1)
    assert owed["due_at"] > owed["at"]


async def test_what_moved_is_read_once_for_all_who_wait(
    exchange: Exchange,  # noqa: F811
    desk: Player,
    clock: Clock,
) -> None:
    """Three hundred operators wait for calls: each asks memory, and the database is asked for all of them."""
    services, lines = exchange.services, ("li.min", "wang", "zhao")
    await exchange.set_up("cti", agents={"101": "li.min", "102": "wang", "103": "zhao"})

    async def moved(after: datetime | None) -> tuple[dict[str, bool], int]:
        before = services.db.round_trips
        looks = await asyncio.gather(*(has_moved(services, line, after, clock()) for line in lines * 100))
        return dict(zip(lines, looks, strict=False)), services.db.round_trips - before

    began = clock()
    assert await moved(began) == (dict.fromkeys(lines, False), 1)
    clock.forward(seconds=1)
    await exchange.tells("cti", cti(clock, "newCall", 0, user=["101", "102"]))
    rings = {"li.min": True, "wang": True, "zhao": False}
    assert await moved(began) == (rings, 1)  # what an exchange tells is read at once
    assert await moved(None) == (rings, 0)
    rung = clock()
    assert await moved(rung) == (dict.fromkeys(lines, False), 0)
    clock.forward(minutes=3)
    await exchange.tells("cti", cti(clock, "answer", 0, user="103", answeringNumber="103"))
    assert (await moved(rung))[0]["zhao"]  # of a call that has an agent, it is that one's line that moves

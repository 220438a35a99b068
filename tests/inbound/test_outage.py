"""The database says nothing, or has no room: every push and every call is answered in time, kept, and there once."""

import asyncio
import base64
import errno
import gc
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from hotline.database.deadlines import Deadlines
from hotline.database.engine_sqlite import Sqlite
from hotline.database.outages import outage_of
from hotline.database.prepared import PreparedQuery
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.delivery.notices import webhook_signatures
from hotline.inbound.processing import process_due
from hotline.inbound.spool import Spool
from hotline.inbound.spool_drain import drain_spooled_records
from hotline.operations.readiness import refresh_caches
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import ActorCache, NewKey, add_key, revoke_key
from hotline.telephony.tables import voice_call
from hotline.tickets.context import Services
from hotline.tickets.schemas.calls import Spooled
from tests.chaos.relay import Relay
from tests.conftest import Cast, Clock, Player
from tests.sms.providers import FAR, PUBLIC

SECRET = b"a secret of the test suite, long enough"
KANNEL = FAR["kannel"]
TOKEN = "a-token-the-exchange-has"
SIGNED = "whsec_" + base64.b64encode(b"1" * 32).decode()
NO_WATER, FIRE = "瑞泉馨城9栋 · 停水、水压小", "瑞泉馨城3栋 · 火情"  # titles of the call and the text
CALL = {"channel": "phone", "narrative": "9栋停水了", "caller": {"phone": "13900139000"}}
TABLES = ("inbound", "ticket", "voice_event")


class Street:
    """Whoever pushes to us, and a desk that was on shift before anything went wrong."""

    def __init__(self, services: Services, http: httpx.AsyncClient, desk: Player, clock: Clock) -> None:
        self.services, self.http, self.desk, self.clock = services, http, desk, clock

    async def text(self, id: str, said: str, sender: str = "13800138000") -> httpx.Response:  # noqa: A002
        push = KANNEL.text(id, sender, "12345", said, self.clock())
        return await self.http.request(push.method, push.path, headers=push.headers, content=push.body)

    async def report(self, id: str) -> httpx.Response:  # noqa: A002
        push = KANNEL.report(id, "a-reference", "13800138000", "delivered", self.clock())
        return await self.http.request(push.method, push.path, headers=push.headers, content=push.body)

    async def rings(self, name: str) -> httpx.Response:
        event = {"event": "newCall", "callId": name, "from": "8613700137000", "to": "12345", "direction": "in",
                 "timestamp": self.clock().timestamp()}  # fmt: skip
        return await self.http.post(f"/v1/hooks/voice/cti?token={TOKEN}", json=event)

    async def odd_event(self) -> httpx.Response:
        return await self.http.post(f"/v1/hooks/voice/cti?token={TOKEN}", content=b"{")

    async def looks_up(self) -> httpx.Response:
        return await self.http.get(f"/v1/hooks/voice/threecx/lookup?token={TOKEN}&number=13700137000")

    async def order(self, number: str) -> httpx.Response:
        raw, stamp = orjson.dumps({"order_no": number, "content": "4栋电梯坏了"}), str(int(self.clock().timestamp()))
        headers = {"webhook-id": "o-1", "webhook-timestamp": stamp,
                   "webhook-signature": webhook_signatures([SIGNED], "o-1", stamp, raw)}  # fmt: skip
        return await self.http.post("/v1/hooks/orders/city", content=raw, headers=headers)

    async def call(self, key: str | None = None) -> httpx.Response:
        return await self.desk.post("/v1/calls", CALL, headers={"idempotency-key": key} if key else {})

    async def titles(self) -> list[str]:
        """The tickets there are in the end."""
        while await drain_spooled_records(self.services) or await process_due(self.services, self.clock()):
            pass
        return sorted(t["title"] for t in (await self.desk.get("/v1/tickets?limit=200")).json()["items"])

    async def rung(self) -> int:
        return len(await self.services.db.rows(_RUNG))


_RUNG = PreparedQuery(sa.select(voice_call.c.reference))


@pytest.fixture
async def street(app: FastAPI, services: Services, cast: Cast, clock: Clock, tmp_path: Path) -> AsyncIterator[Street]:
    services.spool = services.inbox._spool = Spool(tmp_path / "spool", SECRET)
    services.public_url = services.gateways._url = PUBLIC
    services.deadlines.lookup, services.deadlines.write, services.deadlines.push = 0.3, 0.4, 0.9
    gateways: tuple[tuple[str, str, dict[str, Any], dict[str, list[str]]], ...] = (
        ("kannel", "kannel", {}, {"token": [KANNEL.secrets["token"]]}),
        ("cti", "cti", {}, {"token": [TOKEN]}),
        ("threecx", "threecx", {}, {"token": [TOKEN]}),
        ("city", "hotline_12345", {"system": "12345"}, {"secret": [SIGNED]}),
    )
    for name, provider, settings, secrets in gateways:
        await create_gateway(
            services.gateways, NewGateway(name, provider, settings, secrets, sends=False, weight=50), "test", clock()
        )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as http:
        known = Street(services, http, await cast("desk"), clock)
        await known.desk.get("/v1/me")
        assert await refresh_caches(services, clock())
        clock.forward(minutes=1)
        yield known
    if services.spool is not None:
        services.spool.close()


@pytest.fixture(autouse=True)
def forgets_no_connection() -> Iterator[None]:
    """An open connection that is forgotten warns when it is collected, which fails the story. What was there before the
    story is not looked through: that takes a second of processor, thirty times."""
    gc.freeze()
    yield
    gc.collect()


@asynccontextmanager
async def silent(db: Any) -> AsyncIterator[None]:
    """The database accepts what it is sent and says nothing: a wire that carries nothing, or another's lock."""
    if isinstance(db, Sqlite):
        other = sqlite3.connect(db.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()
        return
    there = db.url
    await db.close()
    with Relay(there.port) as wire:
        db.url = there.set(host="127.0.0.1", port=wire.port)
        await db.open()
        wire.swallow()
        try:
            yield
        finally:
            wire.carry()
            await settled()
            await db.close()
            db.url = there
            await db.open()


async def settled() -> None:
    """Until nothing that was given up works on in the background: writes of the inbox, events of an exchange."""
    here = asyncio.current_task()
    while others := [t for t in asyncio.all_tasks() if t is not here and _writes(t)]:
        await asyncio.wait(others, timeout=0.1)


def _writes(task: "asyncio.Task[Any]") -> bool:
    return any(f.f_code.co_name in ("_write", "take_events") for f in task.get_stack())


async def test_while_the_database_says_nothing_every_push_is_answered_and_kept_once(street: Street) -> None:
    async with silent(street.services.db):
        said = {
            "text": await street.text("s-1", "3栋着火了"),
            "report": await street.report("r-1"),
            "rings": await street.rings("c-1"),
            "odd event": await street.odd_event(),
            "call": await street.call(),
            "keyed call": await street.call("call-1"),
        }
        assert {name: reply.status_code for name, reply in said.items()} == {
            "text": 200, "report": 200, "rings": 200, "odd event": 200, "call": 202, "keyed call": 202,
        }  # fmt: skip
        again = await street.call("call-1")
        assert again.json() == said["keyed call"].json()
        order = await street.order("CD1")  # its number is the answer: it cannot be given later
        assert order.status_code == 503 and order.headers["retry-after"]
        assert (await street.looks_up()).json() == {"contacts": []} or isinstance(street.services.db, Sqlite)
        street.clock.forward(minutes=1)
        assert (await street.text("s-1", "3栋着火了")).status_code == 200  # its provider repeats
    assert street.services.spool is not None and street.services.spool.count_records() > 0
    titles = await street.titles()
    assert titles == [FIRE, NO_WATER, NO_WATER]
    assert await street.rung() == 1
    references = [reply.json()["reference"] for name, reply in said.items() if "call" in name]
    found = [(await street.desk.get(f"/v1/inbound/{name}")).json()["number"] for name in references]
    assert len(set(found)) == 2 and None not in found
    assert street.services.spool.size() == street.services.spool.count_bad_files() == 0


async def test_a_call_kept_for_later_is_linked_to_the_one_on_the_exchange(street: Street, watch: Player) -> None:
    assert (await street.rings("c-1")).status_code == 200
    (voice,) = (await watch.get("/v1/voice-calls?from=2026-11-25T00:00:00Z")).json()["items"]
    async with silent(street.services.db):
        body = {"channel": "phone", "narrative": "9栋停水了", "voice_call": voice["id"]}
        taken = await street.desk.post("/v1/calls", body)
        assert taken.status_code == 202
    assert await street.titles() == [NO_WATER]
    (voice,) = (await watch.get("/v1/voice-calls?from=2026-11-25T00:00:00Z")).json()["items"]
    number = (await street.desk.get(f"/v1/inbound/{taken.json()['reference']}")).json()["number"]
    assert voice["number"] == number and (await street.desk.see(number))["caller"]["phone"]


async def test_what_was_written_after_all_when_the_wait_was_over_is_found_again(street: Street) -> None:
    """The deadline passes, the database was only slow: both the write and the spooled copy arrive."""
    services, write, transact = street.services, street.services.db.write, street.services.db.transact
    gate = asyncio.Event()

    async def slow_write(batch: Any) -> Any:
        await gate.wait()
        return await write(batch)

    async def slow_transact(work: Any) -> Any:
        await gate.wait()
        return await transact(work)

    services.db.write, services.db.transact = slow_write, slow_transact
    taken = [await street.call(), await street.call("call-1")]
    assert [reply.status_code for reply in taken] == [202, 202]
    assert (await street.text("s-1", "3栋着火了")).status_code == 200
    assert (await street.rings("c-1")).status_code == 200
    gate.set()
    while len((await street.desk.get("/v1/tickets")).json()["items"]) < 2:
        await asyncio.sleep(0)
    services.db.write, services.db.transact = write, transact
    assert await street.titles() == [FIRE, NO_WATER, NO_WATER]
    assert await street.rung() == 1
    shown = [(await street.desk.get(f"/v1/inbound/{reply.json()['reference']}")).json() for reply in taken]
    tickets = {t["number"] for t in (await street.desk.get("/v1/tickets")).json()["items"]}
    assert len({row["number"] for row in shown} & tickets) == 2


@pytest.mark.parametrize(("event", "seconds"), [("odd", 1.0 + 1.0 + 0.2), ("rings", 1.0 + 1.5)])
async def test_a_push_of_an_exchange_waits_once_for_each_thing_that_is_looked_up(
    event: str, seconds: float, street: Street
) -> None:
    """An unreadable event: gateway, directory, write. A call: gateway, then whatever the deadline of a push leaves."""
    deadlines, loop = street.services.deadlines, asyncio.get_running_loop()
    deadlines.lookup, deadlines.write, deadlines.push = 1.0, 0.2, 1.5
    async with silent(street.services.db):
        begun = loop.time()
        reply = await (street.odd_event() if event == "odd" else street.rings("c-1"))
        took = loop.time() - begun
    assert reply.status_code == 200
    assert took < seconds + 0.7


def test_the_deadlines_of_a_request_add_up_to_less_than_ten_seconds() -> None:
    d = Deadlines()
    assert max(2 * d.lookup + d.write, d.lookup + d.push) < 10 - 1  # gateway, directory and write; a push of events
    assert d.lookup + d.lookup + d.lookup + d.write <= 10  # credentials, directory, the call on the exchange, the write


@asynccontextmanager
async def refusing(db: Any, state: str) -> AsyncIterator[None]:
    """Every insert meets this fault of the database; on SQLite, its file may not grow."""
    if isinstance(db, Sqlite):
        full = await db.run_on_writer(lambda line: line.execute("PRAGMA page_count").fetchone()[0])
        await db.run_on_writer(lambda line: line.execute(f"PRAGMA max_page_count = {full}").fetchall())
        try:
            yield
        finally:
            await db.run_on_writer(lambda line: line.execute("PRAGMA max_page_count = 1000000000").fetchall())
        return

    def stop(c: sa.Connection) -> None:
        for setting in PATIENTLY:
            c.exec_driver_sql(setting)
        c.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION refuse_it() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{state}'; END $$"
        )
        for table in TABLES:
            c.exec_driver_sql(f"CREATE TRIGGER refuse_it BEFORE INSERT ON {table} EXECUTE FUNCTION refuse_it()")

    def go_on(c: sa.Connection) -> None:
        for setting in PATIENTLY:
            c.exec_driver_sql(setting)
        c.exec_driver_sql("DROP FUNCTION IF EXISTS refuse_it() CASCADE")

    try:
        await db.migrate(stop)
        yield
    finally:
        await db.migrate(go_on)


# what refuses must be gone in any case: all later stories of the test process have the same database
PATIENTLY = ("SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0")
STATES = ["53100", "53200", "53400", "57014", "57P01", "57P03", "58030", "25006", "55P03", "XX001", "08006"]


@pytest.mark.parametrize(("db", "state"), [("sqlite", "13"), *(("postgres", s) for s in STATES)], indirect=["db"])
async def test_a_database_that_takes_nothing_now_is_spooled_for_whatever_the_reason(state: str, street: Street) -> None:
    services = street.services
    services.deadlines.lookup, services.deadlines.write, services.deadlines.push = 5, 5, 5  # it answers, and says no
    assert services.spool is not None
    much = "路灯坏了" * 200
    async with refusing(services.db, state):
        sent = 0
        while services.spool.count_records() < 12 and sent < 60:  # a little room may be left
            texts = [await street.text(f"s-{sent}", f"{sent}号{much}", f"1380013{sent:04d}")]
            calls = [await street.desk.post("/v1/calls", {**CALL, "narrative": f"{sent}号{much}"})]
            rung = [await street.rings(f"c-{sent}")]
            assert [r.status_code for r in (*texts, *rung)] == [200, 200]
            assert calls[0].status_code in (201, 202) and (calls[0].status_code == 201 or Spooled(**calls[0].json()))
            sent += 1
        assert services.spool.count_records() >= 12
        waiting = services.spool.count_records()
        await drain_spooled_records(services)
        assert (
            services.spool.count_bad_files() == 0 and 0 < services.spool.count_records() <= waiting
        )  # later, not never
    titles = await street.titles()
    assert len(titles) == 2 * sent and await street.rung() == sent
    assert services.spool.size() == services.spool.count_bad_files() == 0


async def test_a_full_disk_under_the_spool_too_is_told_as_it_is(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = street.services
    services.deadlines.write = 5

    def no_room(_: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    async with refusing(services.db, "53100"):
        much = "路灯坏了" * 2000
        for n in range(40):  # SQLite may have some pages left
            await street.desk.post("/v1/calls", {**CALL, "narrative": f"{n}号{much}"})
        monkeypatch.setattr(os, "fdatasync", no_room)
        reply = await street.desk.post("/v1/calls", {**CALL, "narrative": f"last{much}"})
        assert (reply.status_code, reply.json()["type"]) == (507, "urn:hotline:problem:storage-full")
        monkeypatch.undo()
        assert (await street.desk.post("/v1/calls", {**CALL, "narrative": f"last{much}"})).status_code == 202


def test_what_the_request_itself_is_to_blame_for_is_no_outage() -> None:
    class Fault(Exception):
        sqlstate = "23505"

    assert outage_of(Fault()) is None
    assert outage_of(ValueError("x")) is None


async def test_a_server_can_take_in_as_long_as_spool_or_database_would_keep_it(street: Street, tmp_path: Path) -> None:
    services, http = street.services, street.http

    async def can(expect: int) -> dict[str, Any]:
        reply = await http.get("/readyz/intake")
        assert reply.status_code == expect and reply.json()["ready"] is (expect == 200)
        return dict(reply.json()["checks"])

    assert (await can(200))["spool"] is True
    async with silent(services.db):
        if not isinstance(services.db, Sqlite):
            assert (await http.get("/readyz")).status_code == 503
        await can(200)
        in_the_way = tmp_path / "a-file"
        in_the_way.touch()
        broken = services.spool = Spool(in_the_way / "spool", SECRET)
        if not isinstance(services.db, Sqlite):
            assert (await can(503))["spool"] is False
        full = services.spool = Spool(tmp_path / "small", SECRET, max_bytes=1000)
        while await full.is_usable():
            await full.append({"n": 1}, street.clock())
        if not isinstance(services.db, Sqlite):
            await can(503)
        full.close()
    for spool in (broken, full, None):
        services.spool = spool
        assert (await can(200))["database"] is True  # the database takes it
    services.leaving = True
    await can(503)
    assert (await http.get("/readyz")).status_code == 503


async def test_who_was_valid_when_the_database_answered_last_is_let_in_by_every_process(
    street: Street, app: FastAPI, services: Services, clock: Clock
) -> None:
    made = {
        name: await add_key(services, NewKey(name, Grant(frozenset({Role.OPERATOR})), until), "test", clock())
        for name, until in (("valid", None), ("revoked", None), ("ends soon", clock.now.replace(hour=5)))
    }
    await revoke_key(services, ActorCache(), made["revoked"]["id"], clock())
    assert await refresh_caches(services, clock())  # of a process that none of them ever asked
    late = await add_key(services, NewKey("late", Grant(frozenset({Role.OPERATOR}))), "test", clock())
    clock.forward(hours=2)
    async with silent(services.db):
        if isinstance(services.db, Sqlite):  # it still reads: take that away too
            services.db._local, path = type(services.db._local)(), services.db.path
            services.db.path = path / "gone"
        told = {}
        for name, key in (*made.items(), ("late", late)):
            headers = {"authorization": f"Bearer {key['secret']}"}
            told[name] = (await street.http.post("/v1/calls", json=CALL, headers=headers)).status_code
        if isinstance(services.db, Sqlite):
            services.db.path, services.db._local = path, type(services.db._local)()
    assert told == {"valid": 202, "revoked": 503, "ends soon": 503, "late": 503}

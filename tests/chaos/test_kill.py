"""Killed under load and started again: every acknowledged ticket is there with its whole history, and every key says
the same."""

import asyncio
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.chaos.server import Process
from tests.postgres import find_server
from tests.sizes import sized

KILLS = int(os.environ.get("HOTLINE_CHAOS_KILLS", sized("1", "2")))
CLIENTS = 12


@pytest.fixture(params=["sqlite", "postgres"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Process]:
    env = {"HOTLINE_DATA_DIR": str(tmp_path / "data")}
    server = None
    if request.param == "postgres":
        server = find_server(tmp_path, durable=True)
        if server is None:
            pytest.skip("no PostgreSQL of the system")
        env["HOTLINE_DATABASE_URL"] = server.fresh("chaos")
    made = Process(env, tmp_path)
    made.cli("migrate")
    made.cli("seed", "ruiquan")
    yield made
    if made.running is not None and made.running.poll() is None:
        made.kill()
    if server is not None:
        server.stop()


class History:
    """What each client was told, and what it does not know."""

    def __init__(self) -> None:
        self.acked: dict[str, tuple[int, bytes]] = {}  # key -> status and body
        self.unknown: dict[str, dict[str, Any]] = {}  # key -> the body to repeat
        self.acts: list[tuple[str, str]] = []  # (number, key) of acknowledged actions


async def _client(http: httpx.AsyncClient, h: History, stop: asyncio.Event, seed: int) -> None:
    chance = random.Random(seed)
    last: dict[str, Any] | None = None
    while not stop.is_set():
        key = uuid4().hex
        try:
            if last is not None and chance.random() < 0.4:
                path = f"/v1/tickets/{last['number']}/actions/urge"
                reply = await http.post(
                    path, json={"reason": "催"}, headers={"if-match": f'"{last["version"]}"', "idempotency-key": key}
                )
                if reply.status_code == 200:
                    last = reply.json()
                    h.acts.append((last["number"], key))
                else:
                    last = None
                continue
            body = {"channel": "phone", "narrative": f"{chance.randrange(1, 29)}栋停水了", "category": "sdq-water"}
            h.unknown[key] = body
            reply = await http.post("/v1/calls", json=body, headers={"idempotency-key": key})
            if reply.status_code == 201:
                h.acked[key] = (reply.status_code, reply.content)
                del h.unknown[key]
                last = reply.json()["ticket"]
        except httpx.TransportError:
            last = None
            await asyncio.sleep(0.02)


async def test_killed_under_load_nothing_acknowledged_is_lost(process: Process) -> None:
    key = process.cli("key", "create", "chaos", "--role", "operator", "--role", "supervisor")
    h = History()
    chance = random.Random(24365)
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{process.port}",
        headers={"authorization": f"Bearer {key}"},
        timeout=10,
        limits=limits,
    ) as http:
        for kill in range(KILLS):
            await process.astart()
            stop = asyncio.Event()
            clients = [asyncio.create_task(_client(http, h, stop, kill * 100 + n)) for n in range(CLIENTS)]
            await asyncio.sleep(chance.uniform(0.6, 1.4))
            async with asyncio.timeout(60):
                while len(h.acked) <= 20 * (kill + 1):  # on a busy machine that was not enough to do something
                    await asyncio.sleep(chance.uniform(0.01, 0.05))
            process.kill()
            stop.set()
            await asyncio.gather(*clients)
        await process.astart()
        for key_sent, body in h.unknown.items():  # nobody knows; a repeat settles it, and may not double it
            reply = await http.post("/v1/calls", json=body, headers={"idempotency-key": key_sent})
            assert reply.status_code == 201
            h.acked[key_sent] = (reply.status_code, reply.content)
        numbers = set()
        for status, content in h.acked.values():
            number = httpx.Response(status, content=content).json()["ticket"]["number"]
            assert number not in numbers
            numbers.add(number)
            told = (await http.get(f"/v1/tickets/{number}/timeline")).json()["items"]
            assert [e["seq"] for e in told] == list(range(1, len(told) + 1))
            assert [e["action"] for e in told[:3]] == ["receive", "triage", "dispatch"]
            urges = sum(e["action"] == "urge" for e in told)
            assert urges >= sum(n == number for n, _ in h.acts)
            ticket = (await http.get(f"/v1/tickets/{number}")).json()
            assert ticket["counters"]["urges"] == urges
        for key_sent in list(h.acked)[:200]:  # the key of each says the same again
            body = {"channel": "phone", "narrative": "x"}
            assert (await http.post("/v1/calls", json=body, headers={"idempotency-key": key_sent})).status_code == 422
        found: list[str] = []
        cursor = None
        while True:
            page = (
                await http.get("/v1/tickets", params={"limit": 200, **({"cursor": cursor} if cursor else {})})
            ).json()
            found += [i["number"] for i in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert sorted(found) == sorted(numbers)  # none missing, none doubled, no ghost
    assert len(numbers) > 20 * KILLS
    print(
        f"chaos: {KILLS} kills, {len(numbers)} tickets and {len(h.acts)} actions acknowledged, 0 lost", file=sys.stderr
    )
    assert process.stop() == 0


async def test_a_stopping_server_finishes_what_it_accepted(process: Process) -> None:
    key = process.cli("key", "create", "drain", "--role", "operator")
    await process.astart()
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{process.port}", headers={"authorization": f"Bearer {key}"}, timeout=10
    ) as http:
        body = {"channel": "phone", "narrative": "停水了"}
        waiting = [asyncio.create_task(http.post("/v1/calls", json=body)) for _ in range(40)]
        await asyncio.sleep(0.05)
        code = await asyncio.to_thread(process.stop)
        said = await asyncio.gather(*waiting, return_exceptions=True)
        assert code == 0
        accepted = [
            r.json()["ticket"]["number"] for r in said if isinstance(r, httpx.Response) and r.status_code == 201
        ]
        assert all(isinstance(r, httpx.TransportError) or r.status_code in (201, 503) for r in said)
        await process.astart()
        for number in accepted:
            assert (await http.get(f"/v1/tickets/{number}")).status_code == 200

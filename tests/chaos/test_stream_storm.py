"""Two servers over one database, listeners on both; one is killed under load and comes back, and everybody with it:
nobody misses a line, and nobody hears one twice."""

import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.chaos.server import Process
from tests.postgres import find_server
from tests.sizes import sized

LISTENERS, CALLS = sized((12, 18), (24, 36))


@pytest.fixture(params=["sqlite", "postgres"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Process, Process, str]]:
    env = {"HOTLINE_DATA_DIR": str(tmp_path / "data"), "HOTLINE_SECRET": "a secret of two processes, long enough"}
    server = None
    if request.param == "postgres":
        server = find_server(tmp_path, durable=True)
        if server is None:
            pytest.skip("no PostgreSQL of the system")
        env["HOTLINE_DATABASE_URL"] = server.fresh("storm")
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    first, second = (Process({**env, "HOTLINE_SHARD": str(n)}, folder) for n, folder in enumerate(folders))
    first.cli("migrate")
    first.cli("seed", "ruiquan")
    key = first.cli("key", "create", "storm", "--role", "operator")
    keys = [first.cli("key", "create", f"listener {n}", "--role", "supervisor") for n in range(LISTENERS // 12)]
    yield first, second, " ".join([key, *keys])
    for process in (first, second):
        if process.running is not None and process.running.poll() is None:
            process.kill()
    if server is not None:
        server.stop()


class Listener:
    """Comes back by itself, to whichever server answers, with the last place it heard."""

    def __init__(self, key: str, ports: list[int], seed: int) -> None:
        self.key, self.ports, self.chance = key, ports, random.Random(seed)
        self.heard: list[tuple[int, str, int]] = []
        self.last: int | None = None
        self.returns = -1
        self.resyncs = 0
        self.ready = asyncio.Event()

    async def listen(self) -> None:
        async with httpx.AsyncClient(timeout=httpx.Timeout(5, read=30)) as http:
            while True:
                port = self.chance.choice(self.ports)
                headers = {"authorization": f"Bearer {self.key}"}
                if self.last is not None:
                    headers["last-event-id"] = str(self.last)
                try:
                    async with http.stream("GET", f"http://127.0.0.1:{port}/v1/stream", headers=headers) as reply:
                        if reply.status_code != 200:
                            await asyncio.sleep(0.05)
                            continue
                        self.returns += 1
                        place, name = None, ""
                        async for line in reply.aiter_lines():
                            if line.startswith("id: "):
                                place = int(line[4:])
                            elif line.startswith("event: "):
                                name = line[7:]
                            elif line.startswith("data: "):
                                body = json.loads(line[6:])
                            elif not line and name:
                                self._take(place, name, body)
                                place, name = None, ""
                except httpx.HTTPError:
                    await asyncio.sleep(self.chance.uniform(0.01, 0.2))

    def _take(self, place: int | None, name: str, body: dict[str, object]) -> None:
        self.resyncs += name == "resync"
        if name == "ticket" and place is not None:
            self.heard.append((place, str(body["number"]), int(str(body["seq"]))))
        if place is not None:
            self.last = place
        self.ready.set()


@pytest.mark.chaos
@pytest.mark.timeout(240)
async def test_nobody_misses_and_nobody_hears_twice_through_a_kill_and_a_storm(
    pair: tuple[Process, Process, str],
) -> None:
    first, second, keys = pair
    desk, *listeners_keys = keys.split()
    await first.astart()
    await second.astart()
    ports = [first.port, second.port]
    ears = [Listener(listeners_keys[n % len(listeners_keys)], ports, n) for n in range(LISTENERS)]
    tasks = [asyncio.create_task(ear.listen()) for ear in ears]
    await asyncio.gather(*(ear.ready.wait() for ear in ears))
    acknowledged: set[str] = set()

    async def call(http: httpx.AsyncClient, n: int) -> None:
        body = {"channel": "phone", "narrative": f"{n % 28 + 1}栋停水了，第{n}次", "category": "sdq-water"}
        while True:
            try:
                port = second.port if n % 2 else first.port
                reply = await http.post(
                    f"http://127.0.0.1:{port}/v1/calls", json=body,
                    headers={"authorization": f"Bearer {desk}", "idempotency-key": f"storm-{n}"},
                )  # fmt: skip
                if reply.status_code == 201:
                    acknowledged.add(reply.json()["ticket"]["number"])
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)

    async with httpx.AsyncClient(timeout=10) as http:
        for n in range(CALLS // 3):
            await call(http, n)
        first.kill()  # half of the listeners are thrown out and come back at once
        under_way = [asyncio.create_task(call(http, n)) for n in range(CALLS // 3, CALLS)]
        await asyncio.sleep(0.5)
        await first.astart()
        await asyncio.gather(*under_way)
        second.stop()  # the other half, told to come again
        await second.astart()
        for n in range(CALLS, CALLS + 5):
            await call(http, n)
        everything: set[tuple[str, int]] = set()
        for number in acknowledged:
            lines = await http.get(
                f"http://127.0.0.1:{first.port}/v1/tickets/{number}/timeline",
                headers={"authorization": f"Bearer {desk}"},
            )
            everything |= {(number, line["seq"]) for line in lines.json()["items"]}
    async with asyncio.timeout(60):
        while any(len(ear.heard) < len(everything) for ear in ears):
            await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for ear in ears:
        assert ear.resyncs == 0
        assert [p for p, _, _ in ear.heard] == sorted({p for p, _, _ in ear.heard}), "repeated, or out of order"
        assert {(number, seq) for _, number, seq in ear.heard} == everything
    orders = {tuple(ear.heard) for ear in ears}
    assert len(orders) == 1  # everybody heard the same, in the same order
    assert sum(ear.returns for ear in ears) >= LISTENERS // 2

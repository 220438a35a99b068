"""Messages of four providers, a fifth of them twice, shuffled, all at once: one message, one effect each. And a burst
about one water main through a real server: all acknowledged in time, none lost, dangers first. `make chaos` sends ten
thousand."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.inbound.processing import process_due
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.review import store as review_store
from hotline.sms import store as sms_store
from hotline.tickets.context import Services
from tests.chaos.server import Process
from tests.conftest import Clock
from tests.postgres import find_server
from tests.sms.providers import FAR, PUBLIC, Push

MESSAGES = int(os.environ.get("HOTLINE_MESSAGES", "250"))
BURST = min(1000, MESSAGES)
DANGERS = 10
PROVIDERS = ("kannel", "aliyun", "vonage", "generic")
AT_ONCE = 48


async def test_shuffled_doubled_and_at_once_each_message_has_one_effect(
    app: FastAPI, services: Services, clock: Clock
) -> None:
    """`HOTLINE_MESSAGES=10000` for the whole number; the suite runs a part of it."""
    services.public_url = services.gateways._url = PUBLIC
    for name in PROVIDERS:
        far = FAR[name]
        await create_gateway(
            services.gateways,
            NewGateway(name, name, far.settings, {k: [v] for k, v in far.secrets.items()}, sends=False, weight=50),
            "test",
            clock(),
        )
    chance = random.Random(24365)
    pushes: list[Push] = []
    senders = []
    for n in range(MESSAGES):
        name = PROVIDERS[n % 4]
        sender = f"+86137{n:08d}"
        senders.append(sender)
        pushes.append(FAR[name].text(f"m-{n}", sender, "12345", f"{n % 28 + 1}栋停水了，第{n}户", clock()))
    pushes += chance.sample(pushes, MESSAGES // 5)
    chance.shuffle(pushes)
    left = iter(pushes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as http:

        async def bring() -> None:
            for push in left:
                reply = await http.request(push.method, push.path, headers=push.headers, content=push.body)
                assert reply.status_code == 200, reply.text

        async def work() -> None:
            while not done.is_set() or await process_due(services, clock(), 64):
                await process_due(services, clock(), 64)
                await asyncio.sleep(0)

        done = asyncio.Event()
        workers = [asyncio.create_task(work()) for _ in range(2)]
        await asyncio.gather(*(bring() for _ in range(AT_ONCE)))
        done.set()
        await asyncio.gather(*workers)
    rows: list[Any] = []
    after = ""
    while page := await review_store.load_items(services.db, SYSTEM_SCOPE, "done", after, 500):
        rows += page
        after = page[-1].id
    assert Counter(r.effect for r in rows) == {"opened": MESSAGES}
    assert Counter(r.sender for r in rows) == Counter(senders)
    numbers = [r.number for r in rows]
    assert len(set(numbers)) == MESSAGES
    import sqlalchemy as sa

    from hotline.database.prepared import PreparedQuery
    from hotline.tickets.tables import call, ticket

    counted = {
        t.name: (await services.db.rows(PreparedQuery(sa.select(sa.func.count().label("n")).select_from(t))))[0].n
        for t in (ticket, call)
    }
    assert counted == {"ticket": MESSAGES, "call": MESSAGES}
    assert await sms_store.load_texts(services.db, SYSTEM_SCOPE, "created", "", 1) == []
    print(f"\n{MESSAGES} messages, {len(pushes)} deliveries, {len(set(numbers))} tickets")


@pytest.fixture(params=["sqlite", "postgres"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Process]:
    env = {"HOTLINE_DATA_DIR": str(tmp_path / "data")}
    server = None
    if request.param == "postgres":
        server = find_server(tmp_path, durable=True)
        if server is None:
            pytest.skip("no PostgreSQL of the system")
        env["HOTLINE_DATABASE_URL"] = server.fresh("burst")
    made = Process(env, tmp_path)
    made.cli("migrate")
    made.cli("seed", "ruiquan")
    made.cli("gateway", "add", "kannel", "--provider", "kannel", "--secret", f"token={FAR['kannel'].secrets['token']}")
    made.start()
    yield made
    made.kill()
    if server is not None:
        server.stop()


def test_a_burst_about_one_water_main_loses_nobody_and_hears_the_dangers_first(process: Process) -> None:
    """A hundred texts a second, paced; every one acknowledged, none lost, none twice. How fast is the benchmark's
    to say: `python -m bench --only channels`."""
    key = process.cli("key", "create", "desk", "--role", "operator")
    texts_in = [
        f"{n % 28 + 1}栋停水了，第{n}户" if n % (BURST // DANGERS) else f"{n % 28 + 1}栋水管爆了，漏电，有人触电"
        for n in range(1, BURST + 1)
    ]

    async def burst() -> list[float]:
        took: list[float] = []
        limits = httpx.Limits(max_connections=64)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process.port}", limits=limits, timeout=30) as http:

            async def one(n: int, text: str, begun: float) -> None:
                await asyncio.sleep(max(0.0, begun + n / 100 - time.monotonic()))
                push = FAR["kannel"].text(f"b-{n}", f"+86136{n:08d}", "12345", text, datetime.now(UTC))
                start = time.monotonic()
                reply = await http.request(push.method, push.path, headers=push.headers, content=push.body)
                assert reply.status_code == 200
                took.append(time.monotonic() - start)

            begun = time.monotonic() + 0.2
            await asyncio.gather(*(one(n, text, begun) for n, text in enumerate(texts_in)))
            head = {"authorization": f"Bearer {key}"}
            until = time.monotonic() + 60
            while time.monotonic() < until:
                found = (await http.get("/v1/inbound?status=kept&limit=1", headers=head)).json()["items"]
                if (
                    not found
                    and not (await http.get("/v1/inbound?status=leased&limit=1", headers=head)).json()["items"]
                ):
                    break
                await asyncio.sleep(0.2)
            numbers: list[str] = []
            page = "/v1/inbound?status=done&limit=200"
            after = ""
            while True:
                said = (await http.get(f"{page}&after={after}", headers=head)).json()
                numbers += [i["number"] for i in said["items"]]
                if said["next"] is None:
                    break
                after = said["next"]
            assert len(numbers) == len(set(numbers)) == len(texts_in)
            urgent = (await http.get("/v1/tickets?priority=emergency&limit=50", headers=head)).json()["items"]
            assert len(urgent) == DANGERS
        return took

    took = sorted(asyncio.run(burst()))
    print(
        f"\nacknowledged: median {took[len(took) // 2] * 1000:.0f} ms, p99 {took[int(len(took) * 0.99)] * 1000:.0f} ms"
    )

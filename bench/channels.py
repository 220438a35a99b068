"""Channels: sends/s through the outbox as a ratio to a bare httpx loop at the same far side, and how fast a burst of texts
is acknowledged by a real server."""

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench import postgres
from hotline.composition import assemble_services
from hotline.database.engine import Database
from hotline.database.engine_postgres import Postgres
from hotline.database.engine_sqlite import Sqlite
from hotline.delivery import store as outbox_store
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.delivery.model import Message
from hotline.delivery.outbox import AT_ONCE, OutboxDispatcher
from hotline.text.numbering import TicketNumber
from hotline.wiring import provider_client
from tests.conftest import SEALING, seeded
from tests.postgres import free_port

SECRET = "whsec_" + "QUJD" * 11
TEXTS = 3000


@contextlib.contextmanager
def far_side() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.far", str(port)])
    try:
        for _ in range(200):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/", timeout=1)
                break
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()


async def bare(port: int, count: int) -> float:
    """Posts/s of a loop that does nothing else, as many at once."""
    body = orjson.dumps({"to": "+8613800138000", "text": "路灯已修好，请评价" * 5, "reference": "x" * 20})
    left = iter(range(count))
    client = httpx.AsyncClient(timeout=15, limits=httpx.Limits(max_connections=200), trust_env=False)

    async def post() -> None:
        for n in left:
            headers = {"content-type": "application/json", "webhook-id": str(n)}
            reply = await client.post(f"http://127.0.0.1:{port}/", content=body, headers=headers)
            assert reply.status_code == 200

    begun = time.perf_counter()
    await asyncio.gather(*(post() for _ in range(AT_ONCE)))
    took = time.perf_counter() - begun
    await client.aclose()
    return count / took


async def ours(db: Database, port: int, count: int, folder: Path) -> tuple[float, bool]:
    """Texts/s through the outbox, each claimed, counted, logged and marked; and whether each line kept its order."""
    services = assemble_services(db, lambda: datetime.now(UTC), b"the secret of the benchmark, long", folder)
    now = services.clock()
    settings = {"url": f"http://127.0.0.1:{port}/", "sender": "12345"}
    with contextlib.suppress(Exception):
        await create_gateway(
            services.gateways,
            NewGateway("far", "generic", settings, {"secret": [SECRET]}, sends=True, weight=50),
            "bench",
            now,
        )
    run = os.urandom(3).hex()
    messages = [
        Message(f"{run}.{n:06d}", "text", TicketNumber(""), f"text:+861{37_0000_0000 + n // 2}",
                {"to": f"+861{37_0000_0000 + int(run, 16) % 1000 * 5000 + n // 2}", "template": "help", "values": {}, "language": "zh"},
                now)
        for n in range(count)
    ]  # fmt: skip
    for at in range(0, count, 500):
        await db.transact(partial(outbox_store.add_messages, messages=messages[at : at + 500]))
    sender = OutboxDispatcher(services, DeliveryChannels(texts=provider_client()))
    begun = time.perf_counter()
    while await sender.step(services.clock()):
        pass
    await sender.settle_all()
    took = time.perf_counter() - begun
    await sender.channels.close()
    sent = await outbox_store.load_messages(db, "sent", f"{run}.", count)
    mine = [m for m in sent if m.id.startswith(run)]
    assert len(mine) == count, (len(mine), count)
    return count / took, True


def _ratio(db_of: Any, folder: Path, rounds: int) -> tuple[list[float], list[float], list[float]]:
    ratios, sends, loops = [], [], []
    with far_side() as port:

        async def go() -> None:
            db = db_of()
            await db.open()
            await seeded(db)
            for _ in range(rounds):
                limit = await bare(port, TEXTS)
                rate, _ = await ours(db, port, TEXTS, folder)
                loops.append(limit)
                sends.append(rate)
                ratios.append(rate / limit)
            await db.close()

        asyncio.run(go())
    return ratios, sends, loops


async def _burst(port: int, token: str, count: int, per_second: float) -> list[float]:
    """Texts at their scheduled moments; seconds from the schedule to the acknowledgement: a stall shows in full."""
    took: list[float] = []
    limits = httpx.Limits(max_connections=128)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=30) as http:
        begun = time.perf_counter() + 0.3

        async def one(n: int) -> None:
            due = begun + n / per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            text = f"{n % 28 + 1}栋停水了，水管爆了" if n % 50 else f"{n % 28 + 1}栋水管爆了，有人触电"
            query = {
                "token": token, "from": f"+86135{n:08d}", "to": "12345", "id": f"burst-{n}", "coding": "0", "charset": "UTF-8",
                "text": text,
            }  # fmt: skip
            reply = await http.get("/v1/hooks/sms/kannel", params=query)
            assert reply.status_code == 200
            took.append(time.perf_counter() - due)

        await asyncio.gather(*(one(n) for n in range(count)))
        until = time.perf_counter() + 120
        while time.perf_counter() < until:
            if (await http.get("/readyz")).json()["checks"].get("inbound_waiting") == 0:
                break
            await asyncio.sleep(0.2)
        print(f"  processed {time.perf_counter() - begun:.1f} s after the first text", flush=True)
    return sorted(took)


def burst(env: dict[str, str], serve: Any, cli: Any) -> list[float]:
    token = "a-token-of-the-benchmark"
    cli(env, "gateway", "add", "kannel", "--provider", "kannel", "--secret", f"token={token}")
    port = free_port()
    with serve(env, port):
        return asyncio.run(_burst(port, token, 1000, 100))


def run(rounds: int, folder: Path, serve: Any, cli: Any) -> tuple[list[tuple[str, ...]], dict[str, list[float]]]:
    """The table, and the ratios by goal."""
    found: dict[str, list[float]] = {}
    rows: list[tuple[str, ...]] = [("channels", "sends/s", "bare httpx/s", "ratio")]
    bench = postgres.start()
    try:
        ratios, sends, loops = _ratio(lambda: Postgres(_fresh(bench, "outbox"), sealing=SEALING), folder, rounds)
        found["outbox"] = ratios
        rows.append(
            ("postgres", *(f"{statistics.median(x):.0f}" for x in (sends, loops)), f"{statistics.median(ratios):.2f}")
        )
        ratios, sends, loops = _ratio(lambda: Sqlite(folder / "outbox.db", sealing=SEALING), folder, rounds)
        found["sqlite outbox"] = ratios
        rows.append(
            ("sqlite", *(f"{statistics.median(x):.0f}" for x in (sends, loops)), f"{statistics.median(ratios):.2f}")
        )
        for name in ("postgres", "sqlite"):
            env = {"HOTLINE_DATA_DIR": str(folder / f"burst-{name}")}
            if name == "postgres":
                env["HOTLINE_DATABASE_URL"] = _fresh(bench, "burst")
            cli(env, "migrate")
            cli(env, "seed", "ruiquan")
            took = burst(env, serve, cli)
            p50, p99 = took[len(took) // 2] * 1000, took[int(len(took) * 0.99)] * 1000
            found[f"{'' if name == 'postgres' else 'sqlite '}burst acknowledged p99 ms"] = [p99]
            print(
                f"  burst on {name}: 1,000 texts in 10 s, acknowledged p50 {p50:.0f} ms, p99 {p99:.0f} ms, most {took[-1] * 1000:.0f} ms"
            )
    finally:
        bench.stop()
    return rows, found


def _fresh(bench: Any, name: str) -> str:
    bench.sql(f"CREATE DATABASE {name}")
    return f"{str(bench.url).rpartition('/')[0]}/{name}"

"""A quiet caller beside hostile ones: what a short call takes, and what `/healthz` answers, while texts of ten thousand
characters and anonymous log-ins come in. The worker runs in the same process, as under `make run`."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench import postgres
from tests.postgres import free_port

SECRET = base64.b64encode(b"a secret of the benchmark, long.").decode()
NUMERALS = "三" * 10_000
EACH, EVERY, SAMPLES = 10.0, 2.0, 20  # seconds of a load, seconds between its bursts, quiet calls a second
MOST_MS = 250.0


def signed(texts: list[str], serial: str) -> tuple[bytes, dict[str, str]]:
    """A batch of texts as a provider pushes it, with a Standard Webhooks signature."""
    messages = [
        {"id": f"{serial}-{n}", "from": f"+86136{int(serial) % 10_000:04d}{n:04d}", "to": "12345", "text": text}
        for n, text in enumerate(texts)
    ]
    body, stamp = orjson.dumps({"messages": messages}), str(int(time.time()))
    digest = hmac.digest(base64.b64decode(SECRET), f"{serial}.{stamp}.".encode() + body, hashlib.sha256)
    return body, {
        "webhook-id": serial, "webhook-timestamp": stamp, "content-type": "application/json",
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }  # fmt: skip


async def status_of(http: httpx.AsyncClient, path: str, **sent: Any) -> int:
    """What a POST is answered. 0: nothing, for as long as the client waits."""
    try:
        return (await http.post(path, **sent)).status_code
    except httpx.HTTPError:
        return 0


async def measure(
    url: str,
    key: str,
    burst: Callable[[httpx.AsyncClient, int], Awaitable[list[int]]] | None,
    seconds: float = EACH,
    patience: float = 30.0,
) -> dict[str, Any]:
    """Milliseconds of the quiet caller from the moment a call was due, and every status: theirs, of `/healthz`, and of
    the load. No burst begins after `seconds`, and nobody waits for an answer for longer than `patience`: it ends after
    both together at the latest."""
    took: list[float] = []
    quiet: list[int] = []
    health: list[int] = []
    loaded: list[int] = []
    limits = httpx.Limits(max_connections=64)
    async with (
        httpx.AsyncClient(base_url=url, timeout=patience, limits=limits) as http,
        httpx.AsyncClient(base_url=url, timeout=patience) as desk,
    ):
        begun = time.perf_counter() + 0.2

        async def one(n: int) -> None:
            due = begun + n / SAMPLES
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            body = {"channel": "phone", "narrative": f"{n % 28 + 1}栋路灯坏了", "caller": {"phone": "13800138000"}}
            status = await status_of(desk, "/v1/calls", json=body, headers={"authorization": f"Bearer {key}"})
            took.append((time.perf_counter() - due) * 1000)
            quiet.append(status)
            with contextlib.suppress(httpx.HTTPError):
                health.append((await desk.get("/healthz", timeout=2)).status_code)
                return
            health.append(0)

        async def load() -> None:
            for turn in range(int(seconds / EVERY)):
                await asyncio.sleep(max(0.0, begun + turn * EVERY - time.perf_counter()))
                # a burst that was slow takes the place of the next ones
                if burst is not None and time.perf_counter() < begun + seconds:
                    loaded.extend(await burst(http, turn))

        await asyncio.gather(load(), *(one(n) for n in range(int(seconds * SAMPLES))))
    took.sort()
    return {
        "p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)], "most": took[-1],
        "quiet": quiet, "health": health, "loaded": loaded,
    }  # fmt: skip


def loads(key: str) -> dict[str, Callable[[httpx.AsyncClient, int], Awaitable[list[int]]] | None]:
    """What comes in beside the quiet caller, by name; each again every two seconds."""
    serial = iter(range(1, 1000))

    async def narratives(http: httpx.AsyncClient, turn: int) -> list[int]:
        body = {"channel": "phone", "narrative": NUMERALS}
        headers = {"authorization": f"Bearer {key}"}
        replies = await asyncio.gather(*(http.post("/v1/calls", json=body, headers=headers) for _ in range(4)))
        return [r.status_code for r in replies]

    async def push(http: httpx.AsyncClient, texts: list[str]) -> list[int]:
        body, headers = signed(texts, str(next(serial)))
        return [(await http.post("/v1/hooks/sms/generic", content=body, headers=headers)).status_code]

    async def log_ins(http: httpx.AsyncClient, turn: int) -> list[int]:
        tries = ({"login": f"nobody-{turn}-{n}", "password": "not the password"} for n in range(24))
        replies = await asyncio.gather(*(http.post("/v1/token", json=body) for body in tries))
        return [r.status_code for r in replies]

    return {
        "nobody else": None,
        "4 narratives of 10,000 numerals": narratives,
        "a batch of 100 texts of 10,000 characters": lambda http, _: push(http, ["1 a fire " * 1111] * 100),
        "a batch of 34 texts of 10,000 numerals": lambda http, _: push(http, [NUMERALS] * 34),
        "24 anonymous log-ins at once": log_ins,
    }  # fmt: skip


def run(folder: Path, serve: Any, cli: Any) -> tuple[list[tuple[str, ...]], dict[str, list[float]]]:
    """The table, and the figures by goal."""
    found: dict[str, list[float]] = {}
    rows: list[tuple[str, ...]] = [
        ("beside a quiet caller", "p50 ms", "p99 ms", "most ms", "÷ alone", "/healthz not 200", "quiet refused", "load answered")
    ]  # fmt: skip
    bench = postgres.start()
    try:
        for name in ("sqlite", "postgres"):
            env = {"HOTLINE_DATA_DIR": str(folder / f"quiet-{name}"), "HOTLINE_LOG_LEVEL": "error"}
            if name == "postgres":
                bench.sql("CREATE DATABASE quiet")
                env["HOTLINE_DATABASE_URL"] = f"{str(bench.url).rpartition('/')[0]}/quiet"
            cli(env, "migrate")
            cli(env, "seed", "ruiquan")
            cli(env, "gateway", "add", "generic", "--provider", "generic", "--secret", f"secret=whsec_{SECRET}")
            key = cli(env, "key", "create", "bench", "--role", "operator").strip()
            port = free_port()
            alone = 0.0
            with serve(env, port):
                for load, burst in loads(key).items():
                    told = asyncio.run(measure(f"http://127.0.0.1:{port}", key, burst))
                    alone = alone or told["p99"]
                    sick, refused = (sum(s not in (200, 201) for s in told[k]) for k in ("health", "quiet"))
                    answered = ", ".join(f"{told['loaded'].count(s)} × {s}" for s in sorted({*told["loaded"]}))
                    rows.append(
                        (f"{name}: {load}", f"{told['p50']:.0f}", f"{told['p99']:.0f}", f"{told['most']:.0f}",
                         f"{told['p99'] / alone:.1f}", str(sick), str(refused), answered or "-")
                    )  # fmt: skip
                    prefix = "" if name == "postgres" else "sqlite "
                    found[f"{prefix}quiet caller beside {load}: p99 ms"] = [told["p99"]]
                    found[f"{prefix}healthz beside {load}: not 200"] = [float(sick)]
    finally:
        bench.stop()
    return rows, found


def goals() -> dict[str, tuple[bool, float]]:
    """Of each load: (at least? else at most, how much)."""
    found: dict[str, tuple[bool, float]] = {}
    for prefix in ("sqlite ", ""):
        for load in loads(""):
            found[f"{prefix}quiet caller beside {load}: p99 ms"] = (False, MOST_MS)
            found[f"{prefix}healthz beside {load}: not 200"] = (False, 0.0)
    return found

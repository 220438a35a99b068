"""python -m bench.logins: what 24 anonymous log-ins at once, from as many addresses, cost somebody who is known and a
call that comes in. The worker runs in the same process; less than half a minute for each
database."""

import argparse
import asyncio
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bench import postgres
from bench.harness import cli, log_in, server, show
from bench.quiet import measure, status_of
from tests.postgres import free_port

AT_ONCE = 24
FIRST, OWN = "seven lamps on the quay", "quite another phrase 7"
MOST_SECONDS, MOST_RATIO = 2.0, 1.5
SECONDS, PATIENCE = 6.0, 5.0  # of one measurement, and for one answer


class LogIns:
    """Bursts of strangers' log-ins, and one of Chen's in the middle of each, from a browser that is known."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.took: list[float] = []
        self.statuses: list[int] = []

    async def burst(self, http: httpx.AsyncClient, turn: int) -> list[int]:
        async def stranger(n: int) -> int:
            body = {"login": f"nobody-{turn}-{n}", "password": "not the password"}
            headers = {"x-forwarded-for": f"198.51.{turn}.{n + 1}"}
            return await status_of(http, "/v1/token", json=body, headers=headers)

        async def chen() -> None:
            await asyncio.sleep(0.01)  # behind them
            begun = time.perf_counter()
            headers = {"x-forwarded-for": "203.0.113.7", "cookie": f"hotline_device={self.device}"}
            body = {"login": "chen", "password": OWN}
            status = await status_of(http, "/v1/token", json=body, headers=headers)
            self.took.append(time.perf_counter() - begun)
            self.statuses.append(status)

        *found, _ = await asyncio.gather(*(stranger(n) for n in range(AT_ONCE)), chen())
        return [status for status in found if status is not None]


def known_device(port: int) -> str:
    """Chen's first log-in, with a password of his own from then on: the mark of his browser."""
    url = f"http://127.0.0.1:{port}"
    log_in(port, "chen", FIRST, OWN)
    with httpx.Client(base_url=url, headers={"origin": url, "x-forwarded-for": "203.0.113.7"}, timeout=30) as http:
        http.post("/console/session", json={"login": "chen", "password": OWN}).raise_for_status()
        return str(http.cookies["hotline_device"])


def run(name: str, env: dict[str, str]) -> tuple[str, ...]:
    cli(env, "migrate")
    cli(env, "seed", "ruiquan")
    cli({**env, "HOTLINE_PASSWORD": FIRST}, "user", "add", "chen", "--name", "陈", "--role", "operator")
    key = cli(env, "key", "create", "bench", "--role", "operator").strip()
    port = free_port()
    with server(env, port):
        log_ins = LogIns(known_device(port))
        url = f"http://127.0.0.1:{port}"
        alone: dict[str, Any] = asyncio.run(measure(url, key, None, SECONDS, PATIENCE))
        beside: dict[str, Any] = asyncio.run(measure(url, key, log_ins.burst, SECONDS, PATIENCE))
    answered = ", ".join(f"{beside['loaded'].count(s)} × {s}" for s in sorted({*beside["loaded"]}))
    chen = ", ".join(f"{log_ins.statuses.count(s)} × {s}" for s in sorted({*log_ins.statuses}))
    return (
        name, f"{alone['p50']:.0f}", f"{beside['p50']:.0f}", f"{beside['p50'] / alone['p50']:.2f}",
        f"{statistics.median(log_ins.took):.2f}", f"{max(log_ins.took):.2f}", chen, answered,
    )  # fmt: skip


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["postgres", "sqlite"])
    only = parser.parse_args().only
    rows: list[tuple[str, ...]] = [
        (f"beside {AT_ONCE} anonymous log-ins", "call p50 ms alone", "beside", f"ratio (goal ≤ {MOST_RATIO})",
         "known log-in s", f"longest (goal ≤ {MOST_SECONDS:.0f})", "its answers", "theirs")
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for name in (only,) if only else ("sqlite", "postgres"):
            env = {
                "HOTLINE_DATA_DIR": str(Path(folder) / name), "HOTLINE_LOG_LEVEL": "error",
                "HOTLINE_FORWARDED_ALLOW_IPS": "127.0.0.1",
            }  # fmt: skip
            if name == "sqlite":
                rows.append(run(name, env))
                continue
            bench = postgres.start()
            try:
                rows.append(run(name, {**env, "HOTLINE_DATABASE_URL": bench.url}))
            finally:
                bench.stop()
    show("Log-ins", rows)


if __name__ == "__main__":
    main()

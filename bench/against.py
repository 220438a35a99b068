"""python -m bench.against CHECKOUT: this checkout and another one in turn, and the ratios of both to the physical limit.

Each side fills databases of its own and serves them with its own code, from its own `.venv`. The load is this
checkout's; on PostgreSQL the limit is measured in each side's own database, on SQLite once for both. The sides take turns within each round, so that what else the machine does meets
both: compare the pairs, and times of the processor before rates."""

import argparse
import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import limit, postgres
from bench.harness import DEPARTMENTS, MODEL, ask, cpu_of, key_for, load, server, show, spread
from tests.postgres import free_port

HERE = Path(__file__).parent.parent
FILL = "import asyncio, sys; from bench.__main__ import filled; asyncio.run(filled(sys.argv[1], int(sys.argv[2])))"
SEED = """
import asyncio, sys
from pathlib import Path
from hotline import wiring
from hotline.settings import Settings
from tests.conftest import SEALING, seeded

async def seed(settings):
    await wiring.migrate(settings)
    build = getattr(wiring, "build_database", None) or wiring.database_of  # its name in an older checkout
    db = build(settings)
    await db.open()
    await seeded(db)
    await db.close()

asyncio.run(seed(Settings(data_dir=Path(sys.argv[1]))))
"""
# reads before writes: what the sides have written by then differs, and a page of a fuller database costs more
READS = (("queue", 16),)
WRITES = (("intake", 64), ("intake", 16), ("transition", 16))
Figures = dict[str, list[float]]


@dataclass
class Side:
    """A checkout as it is measured. `figures`: by work, then by name, one value for each round."""

    name: str
    checkout: Path
    folder: Path
    figures: dict[str, Figures]

    @property
    def python(self) -> str:
        own = self.checkout / ".venv" / "bin" / "python"
        return str(own) if own.exists() else sys.executable

    def run(self, code: str, *args: str) -> None:
        subprocess.run([self.python, "-c", code, *args], cwd=self.checkout, check=True, capture_output=True, text=True)

    def note(self, work: str, **values: float) -> None:
        for name, value in values.items():
            self.figures.setdefault(work, {}).setdefault(name, []).append(value)


@dataclass
class Served:
    """A server of one side."""

    side: Side
    port: int
    pid: int
    key: str

    def measure(self, work: str, clients: int, seconds: float, seed: int, lines: list[Any]) -> dict[str, float]:
        """The load's rate, and the processor's µs for each request in the server."""
        before = cpu_of(self.pid)
        done = load(self.port, self.key, work, clients, seconds, seed, lines, self.side.folder)
        return {
            "rate": done["rate"],
            "p50": done["p50"],
            "app": (cpu_of(self.pid) - before) / done["n"] * 1e6,
            "n": done["n"],
        }


def serve(stack: contextlib.ExitStack, side: Side, env: dict[str, str], worker: bool) -> Served:
    port = free_port()
    key = key_for(env, "operator", "supervisor", python=side.python)
    pid, _ = stack.enter_context(server(env, port, side.python, worker=worker))
    return Served(side, port, pid, key)


def in_turn(served: list[Served], turn: int) -> list[Served]:
    return served if turn % 2 == 0 else served[::-1]


def on_postgres(sides: list[Side], count: int, rounds: int, seconds: float, worker: bool) -> None:
    bench = postgres.start()
    with contextlib.ExitStack() as stack:
        stack.callback(bench.stop)
        served, databases = [], {}
        for side in sides:
            bench.sql(f'CREATE DATABASE "{side.name}"')
            own = databases[side.name] = replace(bench, url=bench.url.rsplit("/", 1)[0] + f"/{side.name}")
            side.run(FILL, own.url, str(count))
            env = {"HOTLINE_DATABASE_URL": own.url, "HOTLINE_DATA_DIR": str(side.folder), "HOTLINE_LOG_LEVEL": "error"}
            served.append(serve(stack, side, env, worker))
        # each side has a limit of its own, in its own database: what pgbench writes there must burden both alike
        scripts = {one.side.name: _scripts(one, databases[one.side.name], count) for one in served}
        own = databases[sides[0].name]
        fresh = own.sql("SELECT number FROM bench_numbers WHERE place % 3 = 0 ORDER BY md5(number)").split("\n")
        share = len(fresh) // rounds
        lines = {"intake": [], "queue": [f"/v1/departments/{d}/queue?limit=50" for d in DEPARTMENTS]}
        for turn, works in [(turn, works) for works in (READS, WRITES) for turn in range(rounds)]:
            lines["transition"] = fresh[turn * share : (turn + 1) * share]  # nobody has touched these yet
            for work, clients in works:
                for one in in_turn(served, turn):
                    name = one.side.name
                    best = limit.pgbench(databases[name], scripts[name][work], clients, seconds)["rate"]
                    if work == "transition":  # pgbench has moved some of them on
                        databases[name].sql("UPDATE ticket SET version = 1 WHERE version > 1 AND created_by = 'bench'")
                    before = bench.cpu()
                    found = one.measure(work, clients, seconds, turn * 100 + clients, lines[work])
                    pg = (bench.cpu() - before) / found["n"] * 1e6
                    one.side.note(f"{work} {clients}", limit=best, ratio=found["rate"] / best, pg=pg, **found)
            print(f"  {', '.join(work for work, _ in works)}: round {turn + 1} of {rounds} done", flush=True)


def _scripts(ours: Served, database: postgres.Bench, count: int) -> dict[str, str]:
    """What pgbench writes and reads: the rows of a real intake and a real transition."""
    taken, _ = ask(ours.port, ours.key, "POST", "/v1/calls", MODEL, idempotency_key="model-intake")
    number = taken["ticket"]["number"]
    intake, _ = limit.intake_script(database, number, "model-intake")
    _, headers = ask(ours.port, ours.key, "GET", f"/v1/tickets/{number}")
    urge = {"if_match": headers["ETag"], "idempotency_key": "model-urge"}
    ask(ours.port, ours.key, "POST", f"/v1/tickets/{number}/actions/urge", {"reason": "居民再次来电催问"}, **urge)
    transition = limit.transition_script(database, number, "model-urge", 1, count)
    return {"intake": intake, "transition": transition, "queue": limit.queue_script(database, DEPARTMENTS)}


def on_sqlite(sides: list[Side], rounds: int, seconds: float, worker: bool) -> None:
    with contextlib.ExitStack() as stack:
        served = []
        for side in sides:
            side.run(SEED, str(side.folder / "lite"))
            env = {"HOTLINE_DATA_DIR": str(side.folder / "lite"), "HOTLINE_LOG_LEVEL": "error"}
            served.append(serve(stack, side, env, worker))
        ours = served[0]
        for turn in range(rounds):
            taken, _ = ask(ours.port, ours.key, "POST", "/v1/calls", MODEL, idempotency_key=f"model-{turn}")
            copy = ours.side.folder / "raw.db"
            for end in ("", "-wal", "-shm"):
                shutil.copy(f"{ours.side.folder / 'lite' / 'hotline.db'}{end}", f"{copy}{end}")
            best = limit.raw_sqlite(copy, taken["ticket"]["number"], f"model-{turn}", seconds, 1)["rate"]
            for one in in_turn(served, turn):
                found = one.measure("intake", 64, seconds, turn, [])
                one.side.note("sqlite intake 64", limit=best, ratio=found["rate"] / best, **found)


def report(this: Side, other: Side) -> None:
    median = statistics.median
    head = (
        "work",
        "side",
        "limit/s",
        "ours/s",
        "ratio median (lowest-highest)",
        "p50 ms",
        "app µs",
        "PG µs",
        "app µs ÷ other",
    )
    rows = [head]
    for work in this.figures:
        for side in (this, other):
            f = side.figures[work]
            pairs = [a / b for a, b in zip(f["app"], other.figures[work]["app"], strict=True)]
            pg = f"{median(f['pg']):.0f}" if "pg" in f else "-"
            rows.append(
                (work, side.name, f"{median(f['limit']):.0f}", f"{median(f['rate']):.0f}", spread(f["ratio"]),
                 f"{median(f['p50']):.1f}", f"{median(f['app']):.0f}", pg, spread(pairs) if side is this else "1")
            )  # fmt: skip
    show("Two checkouts in turn", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path, help="the other checkout, with its .venv")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--tickets", type=int, default=200_000)
    parser.add_argument("--only", choices=["postgres", "sqlite"])
    parser.add_argument(
        "--no-worker",
        dest="worker",
        action="store_false",
        help="requests alone: the worker, which gathers the load's calls to incidents, is not in the process",
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sides = [
            Side("this", HERE, Path(name) / "this", {}),
            Side("other", args.checkout.resolve(), Path(name) / "other", {}),
        ]
        for side in sides:
            side.folder.mkdir()
        if args.only != "sqlite":
            on_postgres(sides, args.tickets, args.rounds, args.seconds, args.worker)
        if args.only != "postgres":
            on_sqlite(sides, args.rounds, args.seconds, args.worker)
        report(*sides)


if __name__ == "__main__":
    main()

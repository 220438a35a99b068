"""python -m bench [--small]: ratios of the whole path over HTTP to the physical limit measured in the same run."""

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import boards, channels, limit, postgres, quiet, sweep
from bench.harness import (
    DEPARTMENTS,
    MODEL,
    ask,
    cli,
    cpu_of,
    disagreeing,
    filled,
    key_for,
    load,
    memory_of,
    round_trips,
    server,
    show,
    spread,
)
from hotline.database.engine_sqlite import Sqlite
from hotline.settings import Settings
from hotline.wiring import migrate
from tests.conftest import SEALING, seeded
from tests.postgres import free_port

GOALS = {  # name: (at least? else at most, how much)
    "intake 16": (True, 0.35),
    "intake 64": (True, 0.6),
    "transition 16": (True, 0.42),
    "queue 16": (True, 0.25),
    "sqlite intake 64": (True, 0.5),
    "sweep": (True, 0.3),
    "sweep behind 300,000 closed tickets": (True, 0.8),
    "steady lateness p99": (False, 2.0),
    "stream p99": (False, 2.0),
    "sqlite stream p99": (False, 2.0),
    "5,000 listeners MB": (False, 250.0),
    "sqlite 5,000 listeners MB": (False, 250.0),
    "queue at 10,000,000 ÷ 10,000": (False, 1.3),
    "board at 10,000,000 ÷ 10,000": (False, 1.3),
    "queue at 1,000,000 ÷ 10,000": (False, 1.3),
    "board at 1,000,000 ÷ 10,000": (False, 1.3),
    "figures page ms": (False, 1000.0),
    "first paint ms": (False, 1000.0),
    "outbox": (True, 0.5),
    "sqlite outbox": (True, 0.5),
    "burst acknowledged p99 ms": (False, 300.0),
    "sqlite burst acknowledged p99 ms": (False, 300.0),
    **quiet.goals(),
}


def on_postgres(
    count: int, rounds: int, seconds: float, folder: Path, queue_only: bool = False
) -> dict[str, list[float]]:
    bench = postgres.start()
    try:
        begun = time.perf_counter()
        asyncio.run(filled(bench.url, count))
        if wrong := asyncio.run(disagreeing(bench.url)):
            raise RuntimeError(f"the fill's orders disagree with their clocks: {wrong[:3]}")
        print(
            f"PostgreSQL {bench.sql('SHOW server_version')}: {count:,} tickets in {time.perf_counter() - begun:.0f} s",
            flush=True,
        )
        env = {"HOTLINE_DATABASE_URL": bench.url, "HOTLINE_DATA_DIR": str(folder / "pg"), "HOTLINE_LOG_LEVEL": "error"}
        key = key_for(env, "operator", "supervisor")
        port = free_port()
        queues = [f"/v1/departments/{d}/queue?limit=50" for d in DEPARTMENTS]
        found: dict[str, list[float]] = {}
        with server(env, port) as (pid, started):
            if queue_only:
                for n in range(rounds):
                    found.setdefault("p50", []).append(load(port, key, "queue", 1, seconds, n, queues, folder)["p50"])
                return found
            taken, _ = ask(port, key, "POST", "/v1/calls", MODEL, idempotency_key="model-intake")
            number = taken["ticket"]["number"]
            intake, rows = limit.intake_script(bench, number, "model-intake")
            _, headers = ask(port, key, "GET", f"/v1/tickets/{number}")
            ask(
                port,
                key,
                "POST",
                f"/v1/tickets/{number}/actions/urge",
                {"reason": "居民再次来电催问"},
                if_match=headers["ETag"],
                idempotency_key="model-urge",
            )
            scripts = {
                "intake": intake,
                "transition": limit.transition_script(bench, number, "model-urge", 1, count),
                "queue": limit.queue_script(bench, DEPARTMENTS),
                "watch": limit.queue_script(bench, DEPARTMENTS),
            }
            print(
                "rows of one intake, written by both: " + ", ".join(f"{t} {n}" for t, n in rows.items()) + ", counter 5"
            )
            open_numbers = bench.sql(
                f"SELECT number FROM bench_numbers WHERE place % 3 = 0 ORDER BY random() LIMIT {min(60_000, count // 3)}"
            ).split("\n")
            lines: dict[str, list[Any]] = {"intake": [], "transition": open_numbers, "queue": queues, "watch": queues}
            table: dict[tuple[str, int], dict[str, list[float]]] = {}
            for turn in range(rounds):
                works = list(scripts)
                for work in works[turn % 4 :] + works[: turn % 4]:
                    for clients in (1, 16, 64):
                        best = limit.pgbench(bench, scripts[work], clients, seconds)
                        share = lines[work]
                        if work == "transition":  # each run takes tickets nobody has touched: their version is known
                            per = len(open_numbers) // (rounds * 3)
                            at = (turn * 3 + (1, 16, 64).index(clients)) * per
                            share = open_numbers[at : at + per]
                            reset = ", ".join(f"'{n}'" for n in share)
                            bench.sql(f"UPDATE ticket SET version = 1 WHERE number IN ({reset})")
                        before, pg_before, asked = cpu_of(pid), bench.cpu(), round_trips(port)
                        ours = load(port, key, work, clients, seconds, turn, share, folder)
                        cell = table.setdefault((work, clients), {})
                        for name, value in (
                            ("limit", best["rate"]),
                            ("ours", ours["rate"]),
                            ("ratio", ours["rate"] / best["rate"]),
                            ("p50", ours["p50"]),
                            ("p99", ours["p99"]),
                            ("app", (cpu_of(pid) - before) / ours["n"] * 1e6),
                            ("pg", (bench.cpu() - pg_before) / ours["n"] * 1e6),
                            ("sql", (round_trips(port) - asked) / ours["n"]),
                        ):
                            cell.setdefault(name, []).append(value)
                print(f"  round {turn + 1} of {rounds} done", flush=True)
            searches = [
                "/v1/tickets?q=%E6%A2%AF",
                "/v1/tickets?q=%E7%94%B5%E6%A2%AF",
                "/v1/tickets?q=w77",
                "/v1/tickets?q=%E5%B0%BD%E5%BF%AB&status=dispatched",
            ]
            for line in searches:
                cell = table.setdefault(("search " + line.split("q=")[1], 1), {})
                ours = load(port, key, "search", 1, seconds, 1, [line], folder)
                for name, value in (
                    ("limit", 0.0),
                    ("ours", ours["rate"]),
                    ("ratio", 0.0),
                    ("p50", ours["p50"]),
                    ("p99", ours["p99"]),
                    ("app", 0.0),
                    ("pg", 0.0),
                    ("sql", float("nan")),
                ):
                    cell.setdefault(name, []).append(value)
            head = (
                "work",
                "clients",
                "limit/s",
                "ours/s",
                "ratio median (lowest-highest)",
                "p50 ms",
                "p99 ms",
                "app µs",
                "PG µs",
                "SQL per request",
            )
            median = statistics.median
            show(
                f"PostgreSQL, {count:,} tickets, one process, {rounds} rounds of {seconds:g} s",
                [head]
                + [
                    (
                        work,
                        str(c),
                        f"{median(v['limit']):.0f}",
                        f"{median(v['ours']):.0f}",
                        spread(v["ratio"]),
                        f"{median(v['p50']):.1f}",
                        f"{median(v['p99']):.1f}",
                        f"{median(v['app']):.0f}",
                        f"{median(v['pg']):.0f}",
                        f"{median(v['sql']):.2f}",
                    )
                    for (work, c), v in table.items()
                ],
            )
            print(f"  start to first answer {started:.1f} s; memory with worker {memory_of(pid):.0f} MB")
            drift = bench.sql(
                "SELECT count(*) FROM ticket t WHERE entries <> (SELECT count(*) FROM timeline l WHERE l.number = t.number) AND created_by LIKE '%' AND number > '2'"
            )
            print(f"  tickets of the run whose timeline is not whole: {drift}")
            for (work, clients), v in table.items():
                found[f"{work} {clients}"] = v["ratio"]
                found[f"{work} {clients} p50"] = v["p50"]
        return found
    finally:
        bench.stop()


def on_sqlite(rounds: int, seconds: float, folder: Path) -> dict[str, list[float]]:
    data = folder / "lite"
    env = {"HOTLINE_DATA_DIR": str(data), "HOTLINE_LOG_LEVEL": "error"}
    asyncio.run(migrate(Settings(data_dir=data)))

    async def fill() -> None:
        db = Sqlite(data / "hotline.db", sealing=SEALING)
        await db.open()
        await seeded(db)
        await db.close()

    asyncio.run(fill())
    key, port = key_for(env, "operator", "supervisor"), free_port()
    found: dict[str, list[float]] = {}
    rows: dict[str, dict[str, list[float]]] = {}
    for turn in range(rounds):
        with server(env, port) as (pid, _):
            taken, _ = ask(
                port,
                key,
                "POST",
                "/v1/calls",
                MODEL,
                idempotency_key=f"model-{turn}",
            )
            number = taken["ticket"]["number"]
            for clients in (1, 16, 64):
                before = cpu_of(pid)
                ours = load(port, key, "intake", clients, seconds, turn, [], folder)
                cell = rows.setdefault(f"intake {clients}", {})
                cell.setdefault("ours", []).append(ours["rate"])
                cell.setdefault("p50", []).append(ours["p50"])
                cell.setdefault("app", []).append((cpu_of(pid) - before) / ours["n"] * 1e6)
        copy = folder / "raw.db"
        for name in ("", "-wal", "-shm"):
            if Path(f"{data / 'hotline.db'}{name}").exists():
                shutil.copy(f"{data / 'hotline.db'}{name}", f"{copy}{name}")
        best = limit.raw_sqlite(copy, number, f"model-{turn}", seconds, 1)["rate"]
        for cell in rows.values():
            cell.setdefault("limit", []).append(best)
    for name, cell in rows.items():
        cell["ratio"] = [o / b for o, b in zip(cell["ours"], cell["limit"], strict=True)]
        found[f"sqlite {name}"] = cell["ratio"]
    median = statistics.median
    show(
        f"SQLite (WAL, synchronous=FULL), {rounds} rounds of {seconds:g} s; limit: raw sqlite3, one intake per commit",
        [("work", "limit/s", "ours/s", "ratio median (lowest-highest)", "p50 ms", "app µs")]
        + [
            (
                n,
                f"{median(c['limit']):.0f}",
                f"{median(c['ours']):.0f}",
                spread(c["ratio"]),
                f"{median(c['p50']):.1f}",
                f"{median(c['app']):.0f}",
            )
            for n, c in rows.items()
        ],
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="100,000 tickets instead of 1,000,000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--only", choices=["postgres", "sqlite", "clocks", "channels", "boards", "quiet"])
    args = parser.parse_args()
    count = 100_000 if args.small else 1_000_000
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.only in (None, "clocks"):
            rows, ratios, lines = sweep.run(args.rounds, 20_000 if args.small else 100_000, folder)
            show("Clocks: two workers on PostgreSQL", rows)
            print("\n".join(f"  {line}" for line in lines), flush=True)
            found |= ratios
        if args.only in (None, "channels"):
            rows, ratios = channels.run(args.rounds, folder, server, cli)
            show("Channels", rows)
            found |= ratios
        if args.only in (None, "quiet"):
            rows, ratios = quiet.run(folder, server, cli)
            show("A quiet caller beside hostile ones", rows)
            found |= ratios
        if args.only in (None, "boards"):
            counts = [10_000, 1_000_000] if args.small else [10_000, 1_000_000, 10_000_000]
            streams, table, ratios = boards.run(args.rounds, counts, folder, server, cli, memory_of, DEPARTMENTS)
            show("The live stream", streams)
            show("Boards and figures, the same open work behind them", table)
            found |= ratios
        if args.only in (None, "postgres"):
            few = on_postgres(10_000, args.rounds, args.seconds, folder, queue_only=True)
            found |= on_postgres(count, args.rounds, args.seconds, folder)
            ratio = statistics.median(found["queue 1 p50"]) / statistics.median(few["p50"])
            print(f"  queue p50 at {count:,} tickets ÷ at 10,000: {ratio:.2f} (goal ≤ 1.3)")
        if args.only in (None, "sqlite"):
            found |= on_sqlite(args.rounds, args.seconds, folder)
    rows = [("goal", "wanted", "median", "met")]
    for goal, (least, wanted) in GOALS.items():
        if goal in found:
            median = statistics.median(found[goal])
            met = median >= wanted if least else median <= wanted
            rows.append((goal, f"{'≥' if least else '≤'} {wanted}", f"{median:.2f}", "yes" if met else "NO"))
    show("Goals", rows)


if __name__ == "__main__":
    main()

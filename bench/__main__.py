"""python -m bench [--small]: ratios of the whole path over HTTP to the physical limit measured in the same run."""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from bench import boards, channels, limit, postgres, quiet, sweep
from hotline.database.engine_postgres import Postgres
from hotline.database.engine_sqlite import Sqlite
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.service.directory import DirectoryCache
from hotline.settings import Settings
from hotline.text.numbering import FIRST, number_of
from hotline.tickets.lifecycle import decide
from hotline.tickets.model.ticket import Change, Command
from hotline.tickets.model.vocabulary import Action, Field
from hotline.tickets.store import facts as ticket_facts
from hotline.wiring import migrate
from tests.conftest import seeded
from tests.postgres import free_port

DEPARTMENTS = [
    "residents-affairs",
    "culture-sports",
    "social-orgs",
    "mediation",
    "property-desk",
    "property-works",
    "security",
    "cleaning",
    "greening",
    "lifts",
    "repairs",
    "water",
    "power",
    "gas",
    "police-post",
    "housing-office",
    "civil-affairs",
    "city-management",
    "fire-watch",
    "service-centre",
]
GOALS = {  # name: (at least? else at most, how much)
    "intake 16": (True, 0.35),
    "intake 64": (True, 0.5),
    "transition 16": (True, 0.35),
    "queue 16": (True, 0.2),
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


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> float:
    return (
        int(next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS")).split()[1])
        / 1024
    )


@contextlib.contextmanager
def server(env: dict[str, str], port: int) -> Iterator[tuple[int, float]]:
    """`hotline serve` over these settings: its pid and how long it took to answer."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "hotline.cli", "serve", "--port", str(port)],
        env={**os.environ, **env},
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).read()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError("the server did not start") from None
                time.sleep(0.02)
        yield process.pid, time.perf_counter() - begun
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def ask(port: int, key: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[Any, Any]:
    data = json.dumps(body).encode() if body is not None else None
    named = {
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    with urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, named, method=method)
    ) as reply:
        return json.loads(reply.read()), reply.headers


def round_trips(port: int) -> float:
    """Statements sent to the database since the server started."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        found = re.search(r"^hotline_database_round_trips (\S+)", reply.read().decode(), re.MULTILINE)
    return float(found[1]) if found else float("nan")


def load(
    port: int, key: str, work: str, connections: int, seconds: float, seed: int, lines: list[Any], folder: Path
) -> dict[str, Any]:
    file = folder / f"{work}.json"
    file.write_text(json.dumps(lines))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "bench.load",
            str(port),
            key,
            work,
            str(connections),
            str(seconds),
            str(seed),
            str(file),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    said = dict(json.loads(done.stdout))
    if said["failed"]:
        raise RuntimeError(f"{work}@{connections}: {said['failed']} failed, first: {said['first']}")
    return said


async def filled(url: str, count: int) -> None:
    """`count` tickets: a third open, spread over twenty departments, two entries each, words to be found by."""
    db = Postgres(url)
    await db.open()
    await seeded(db)
    await db.close()
    line = await asyncpg.connect(url)
    await line.execute(
        "CREATE UNLOGGED TABLE bench_numbers (place int PRIMARY KEY, number text NOT NULL); CREATE SEQUENCE bench_seq START 900000000000"
    )
    rows = ((n, number_of(FIRST + n)) for n in range(1, count + 1))
    await line.copy_records_to_table("bench_numbers", records=rows)
    codes = "ARRAY[" + ", ".join(f"'{d}'" for d in DEPARTMENTS) + "]"
    text = "'电梯坏了，' || place || '号住户反映已经有一段时间，希望尽快安排人员上门处理，联系不上物业，老人小孩出行不便，请记录并回电告知进展情况，谢谢。'"
    department = f"({codes})[1 + (place * 7) % 20]"
    at = "timestamptz '2026-01-01 00:00Z' + make_interval(secs => place * 20)"
    # what is open is due when its clocks below are: else the first act on each ticket would correct its order
    due = f"CASE WHEN place % 3 = 0 THEN timestamptz '2099-01-01Z' ELSE {at} + interval '7 days' END"
    open_due = "CASE WHEN place % 3 = 0 THEN timestamptz '2099-01-01Z' END"
    await line.execute(
        f"""INSERT INTO ticket (number, status, kind, channel, title, narrative, category, priority, confidential, reply_wanted, area, department,
 due_at, flags, urges, calls, call_backs, returns, extensions, reopens, attachments, returned_by, ruled, advice, created_at, updated_at, closed_at,
 triaged_at, promised_at, entries, version, created_by)
SELECT number, CASE WHEN place % 3 = 0 THEN 'dispatched' ELSE 'closed' END, 'request', 'phone', left({text}, 20), {text}, 'dt-fault',
 CASE place % 50 WHEN 0 THEN 'emergency' WHEN 3 THEN 'urgent' ELSE 'normal' END, false, true, 'rq-b' || (1 + place % 28),
 CASE WHEN place % 3 = 0 THEN {department} END, {at} + interval '7 days', '[]', 0, 1, 0, 0, 0, 0, 0, '[]', '[]', '{{}}', {at}, {at},
 CASE WHEN place % 3 = 0 THEN NULL ELSE {at} + interval '2 days' END, {at}, {open_due}, 2, 1, 'bench' FROM bench_numbers ORDER BY place""",
        timeout=900,
    )
    await line.execute(
        f"""INSERT INTO assignment (id, number, department, part, status, priority, rank, sort_at, issued_at, due_at, accept_by, closed_at, ruled,
 overdue, extensions, redos)
SELECT number || '-1', number, {department}, 'lead', CASE WHEN place % 3 = 0 THEN 'issued' ELSE 'done' END,
 CASE place % 50 WHEN 0 THEN 'emergency' WHEN 3 THEN 'urgent' ELSE 'normal' END, CASE place % 50 WHEN 0 THEN 0 WHEN 3 THEN 1 ELSE 2 END,
 {due}, {at}, {due}, {open_due}, CASE WHEN place % 3 = 0 THEN NULL ELSE {at} + interval '2 days' END, false, false, 0, 0
FROM bench_numbers ORDER BY place""",
        timeout=900,
    )
    # the clocks of what is open run far ahead: nothing rings while the paths of requests are measured
    await line.execute(
        f"""INSERT INTO clock (number, id, assignment, metric, terms, marks, calendar, calendar_version, started_at, due_at, limit_at, consumed,
 provisional, level, next_level, next_step, next_at)
SELECT number, CASE m WHEN 'resolve' THEN number ELSE number || '-1' END || '-' || m || '-1', CASE m WHEN 'resolve' THEN NULL ELSE number || '-1' END, m,
 $1, '[["start", "2026-01-01T00:00:00+00:00", {{"due": "2099-01-01T00:00:00+00:00", "unit": "calendar_hours"}}]]', 'cn', 1, {at}, '2099-01-01Z',
 '2099-01-01Z', 0, false, 0, 1, 1, '2099-01-01Z'
FROM bench_numbers, unnest(ARRAY['resolve', 'report', 'accept', 'contact']) m WHERE place % 3 = 0""",
        orjson.dumps(sweep.TERMS).decode(),
        timeout=900,
    )
    await line.execute(
        f"""INSERT INTO timeline (number, seq, at, by_kind, by_id, by_name, action, status_from, status_to, changes)
SELECT number, k, {at}, 'rules', 'rules', 'rules', CASE k WHEN 1 THEN 'receive' ELSE 'dispatch' END, NULL, 'dispatched', '{{}}'
FROM bench_numbers, generate_series(1, 2) k ORDER BY place""",
        timeout=900,
    )
    await line.execute(
        """INSERT INTO ticket_words SELECT number, array_to_tsvector(ARRAY['电梯', '梯坏', '坏了', '住户', '希望', '尽快', '上门', place::text,
 'w' || place % 1000]) FROM bench_numbers""",
        timeout=900,
    )
    await line.execute(
        "INSERT INTO counter SELECT 'assignment', department, status, 0, count(*) FROM assignment GROUP BY 2, 3",
        timeout=900,
    )
    await line.execute(
        "INSERT INTO counter SELECT 'ticket', area, status, 0, count(*) FROM ticket GROUP BY 2, 3", timeout=900
    )
    await line.execute(f"INSERT INTO sequence VALUES ('ticket', {FIRST + count + 1000})")
    # the figures stand: what an upgrade counts anew, for minutes, is not what this measures
    await line.execute("INSERT INTO rollup VALUES ('folded', '', '', '{\"position\": 0}')")
    for table in ("ticket", "assignment", "clock", "timeline", "ticket_words", "counter", "bench_numbers"):
        await line.execute(f"VACUUM ANALYZE {table}", timeout=900)
    await line.close()


async def disagreeing(url: str, sample: int = 50) -> list[str]:
    """Open tickets of the fill, of the first `sample`, on which an urge would write more than the urge: their orders
    disagree with their clocks, and what is measured is their correction."""
    db = Postgres(url)
    await db.open()
    try:
        directory = await DirectoryCache(db).now(datetime.now(UTC))
        numbers = [number_of(FIRST + 3 * n) for n in range(1, sample + 1)]
        found = await ticket_facts.facts_of(db, numbers, directory)
        asker = Actor(ActorKind.KEY, "bench", "bench", frozenset({Role.OPERATOR}))
        wrong = []
        for facts in found.values():
            urge = Command(Action.URGE, facts.ticket.version, {Field.REASON: "bench"})
            change = decide(facts, urge, asker, facts.ticket.updated_at)
            if not isinstance(change, Change) or change.assignments:
                wrong.append(facts.ticket.number)
        return wrong if found else numbers
    finally:
        await db.close()


def cli(env: dict[str, str], *args: str) -> str:
    command = [sys.executable, "-m", "hotline.cli", *args]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=True).stdout


def key_for(env: dict[str, str], *roles: str) -> str:
    command = [
        sys.executable,
        "-m",
        "hotline.cli",
        "key",
        "create",
        "bench",
        *(x for r in roles for x in ("--role", r)),
    ]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=True).stdout.strip()


def show(title: str, rows: list[tuple[str, ...]]) -> None:
    print(f"\n{title}")
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)), flush=True)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


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
            body = {
                "channel": "phone",
                "caller": {"phone": "13812345678", "name": "王秀英"},
                "narrative": "3栋电梯坏了不动了" + "，请尽快处理" * 40,
                "location": {"address": "3栋2单元"},
                "category": "dt-fault",
            }
            taken, _ = ask(port, key, "POST", "/v1/calls", body, idempotency_key="model-intake")
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
                "queue": limit.queue_script(DEPARTMENTS),
                "watch": limit.queue_script(DEPARTMENTS),
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
        db = Sqlite(data / "hotline.db")
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
                {
                    "channel": "phone",
                    "caller": {"phone": "13812345678", "name": "王秀英"},
                    "narrative": "3栋电梯坏了不动了" + "，请尽快处理" * 40,
                    "location": {"address": "3栋2单元"},
                    "category": "dt-fault",
                },
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

"""What the benchmarks share: a server of ours, the load on it, a filled database, tables of results."""

import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from bench import sweep
from hotline.database.engine_postgres import Postgres
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.service.directory import DirectoryCache
from hotline.text.numbering import FIRST, number_from_serial
from hotline.tickets.lifecycle import decide
from hotline.tickets.model.ticket import Change, Command
from hotline.tickets.model.vocabulary import Action, Field
from hotline.tickets.store import facts as ticket_facts
from tests.conftest import SEALING, seeded

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
MODEL = {  # the intake whose rows the limit writes too
    "channel": "phone",
    "caller": {"phone": "13812345678", "name": "王秀英"},
    "narrative": "3栋电梯坏了不动了" + "，请尽快处理" * 40,
    "location": {"address": "3栋2单元"},
    "category": "dt-fault",
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
def server(
    env: dict[str, str], port: int, python: str = sys.executable, *, worker: bool = True
) -> Iterator[tuple[int, float]]:
    """`hotline serve` over these settings: its pid and how long it took to answer. `worker`: in the same process."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [python, "-m", "hotline.cli", "serve", "--port", str(port), *([] if worker else ["--no-worker"])],
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
        process.wait(timeout=60)


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


def log_in(port: int, login: str, first: str, own: str) -> str:
    """The token of somebody who was given the password `first` and replaces it by `own`."""

    def post(path: str, body: Any, **headers: str) -> Any:
        address, sent = f"http://127.0.0.1:{port}{path}", json.dumps(body).encode()
        request = urllib.request.Request(address, sent, {"content-type": "application/json", **headers})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read() or b"null")

    token = post("/v1/token", {"login": login, "password": first})["token"]
    change = {"old_password": first, "new_password": own}
    post("/v1/me/password", change, authorization=f"Bearer {token}")
    return str(post("/v1/token", {"login": login, "password": own})["token"])


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
    db = Postgres(url, sealing=SEALING)
    await db.open()
    await seeded(db)
    await db.close()
    line = await asyncpg.connect(url)
    await line.execute(
        "CREATE UNLOGGED TABLE bench_numbers (place int PRIMARY KEY, number text NOT NULL); CREATE SEQUENCE bench_seq START 900000000000"
    )
    rows = ((n, number_from_serial(FIRST + n)) for n in range(1, count + 1))
    await line.copy_records_to_table("bench_numbers", records=rows)
    codes = "ARRAY[" + ", ".join(f"'{d}'" for d in DEPARTMENTS) + "]"
    text = "'电梯坏了，' || place || '号住户反映已经有一段时间，希望尽快安排人员上门处理，联系不上物业，老人小孩出行不便，请记录并回电告知进展情况，谢谢。'"
    department = f"({codes})[1 + (place * 7) % 20]"
    at = "timestamptz '2026-01-01 00:00Z' + make_interval(secs => place * 20)"
    # what is open is due when its clocks below are: else the first act on each ticket would correct its order
    due = f"CASE WHEN place % 3 = 0 THEN timestamptz '2099-01-01Z' ELSE {at} + interval '7 days' END"
    open_due = "CASE WHEN place % 3 = 0 THEN timestamptz '2099-01-01Z' END"
    # of a hash's form, which is all that is asked of them here: the worker would chain lines without one meanwhile
    digest = "md5(number) || md5(number)"
    await line.execute(
        f"""INSERT INTO ticket (number, status, kind, channel, title, narrative, category, priority, confidential, reply_wanted, area, department,
 due_at, flags, urges, calls, call_backs, returns, extensions, reopens, attachments, returned_by, ruled, advice, created_at, updated_at, closed_at,
 triaged_at, promised_at, entries, chained, head, version, created_by)
SELECT number, CASE WHEN place % 3 = 0 THEN 'dispatched' ELSE 'closed' END, 'request', 'phone', left({text}, 20), {text}, 'dt-fault',
 CASE place % 50 WHEN 0 THEN 'emergency' WHEN 3 THEN 'urgent' ELSE 'normal' END, false, true, 'rq-b' || (1 + place % 28),
 CASE WHEN place % 3 = 0 THEN {department} END, {at} + interval '7 days', '[]', 0, 1, 0, 0, 0, 0, 0, '[]', '[]', '{{}}', {at}, {at},
 CASE WHEN place % 3 = 0 THEN NULL ELSE {at} + interval '2 days' END, {at}, {open_due}, 2, 2, {digest}, 1, 'bench' FROM bench_numbers ORDER BY place""",
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
        f"""INSERT INTO timeline (number, seq, at, by_kind, by_id, by_name, action, status_from, status_to, changes, hash)
SELECT number, k, {at}, 'rules', 'rules', 'rules', CASE k WHEN 1 THEN 'receive' ELSE 'dispatch' END, NULL, 'dispatched', '{{}}', {digest}
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
    # a day after the upgrade: all tickets are looked through each minute until then
    await line.execute("UPDATE chain_opening SET ended_at = at + interval '1 day'")
    for table in ("ticket", "assignment", "clock", "timeline", "ticket_words", "counter", "bench_numbers"):
        await line.execute(f"VACUUM ANALYZE {table}", timeout=900)
    await line.close()


async def disagreeing(url: str, sample: int = 50) -> list[str]:
    """Open tickets of the fill, of the first `sample`, on which an urge would write more than the urge: their orders
    disagree with their clocks, and what is measured is their correction."""
    db = Postgres(url, sealing=SEALING)
    await db.open()
    try:
        directory = await DirectoryCache(db).now(datetime.now(UTC))
        numbers = [number_from_serial(FIRST + 3 * n) for n in range(1, sample + 1)]
        found = await ticket_facts.load_facts_by_number(db, numbers, directory)
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


def cli(env: dict[str, str], *args: str, python: str = sys.executable) -> str:
    command = [python, "-m", "hotline.cli", *args]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=True).stdout


def key_for(env: dict[str, str], *roles: str, python: str = sys.executable) -> str:
    return cli(env, "key", "create", "bench", *(x for r in roles for x in ("--role", r)), python=python).strip()


def show(title: str, rows: list[tuple[str, ...]]) -> None:
    print(f"\n{title}")
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)), flush=True)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"

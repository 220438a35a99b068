"""How fast overdue clocks are told: two workers against a bare SQL claim loop that writes the same rows.

Each order of the fill has one `report` clock that is due within the minute the measurement begins; one worker is killed
and started again and again meanwhile. Whatever happens, each step must be told exactly once."""

import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson

from bench import postgres
from hotline.database.engine_postgres import Postgres
from hotline.text.numbering import FIRST, number_from_serial
from tests.conftest import SEALING, seeded

STEPS = ["100% head+supervisor red"]
TERMS = {
    "policy": "request",
    "version": 1,
    "source": "bench",
    "ladder": "bench",
    "ladder_version": 1,
    "steps": STEPS,
    "repeat": "1 working_days",
}
AT_ONCE = 64


async def fill(url: str, closed: int, due: int, first_due: datetime, over: float) -> None:
    """`closed` tickets that are done, each with five stopped clocks; and `due` orders whose clocks come due one after
    the other from `first_due` on, over `over` seconds."""
    line = await asyncpg.connect(url)
    total = closed + due
    await line.execute("CREATE UNLOGGED TABLE sweep_numbers (place int PRIMARY KEY, number text NOT NULL)")
    await line.copy_records_to_table(
        "sweep_numbers", records=((n, number_from_serial(FIRST + n)) for n in range(1, total + 1))
    )
    gone = f"place <= {closed}"
    at = f"timestamptz '{first_due.isoformat()}' - interval '7 days'"
    comes = f"timestamptz '{first_due.isoformat()}' + make_interval(secs => (place - {closed}) * {over / max(due, 1)})"
    stamp = "to_char(({}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"
    await line.execute(
        f"""INSERT INTO ticket (number, status, kind, channel, title, narrative, category, priority, confidential, reply_wanted, area, department,
 due_at, flags, urges, calls, call_backs, returns, extensions, reopens, attachments, returned_by, ruled, advice, created_at, updated_at, closed_at,
 triaged_at, entries, version, created_by)
SELECT number, CASE WHEN {gone} THEN 'closed' ELSE 'dispatched' END, 'request', 'phone', '路灯不亮', '路灯不亮，请尽快处理', 'wx-light', 'normal',
 false, true, 'rq-b' || (1 + place % 28), 'property-works', {comes}, '[]', 0, 1, 0, 0, 0, 0, 0, '[]', '[]', '{{}}', {at}, {at},
 CASE WHEN {gone} THEN {at} END, {at}, 1, 1, 'bench' FROM sweep_numbers""",
        timeout=900,
    )
    await line.execute(
        f"""INSERT INTO assignment (id, number, department, part, status, priority, rank, sort_at, issued_at, due_at, accepted_at, contacted_at,
 closed_at, ruled, overdue, extensions, redos, refused)
SELECT number || '-1', number, 'property-works', 'lead', CASE WHEN {gone} THEN 'done' ELSE 'accepted' END, 'normal', 2, {comes}, {at}, {comes}, {at}, {at},
 CASE WHEN {gone} THEN {at} END, false, false, 0, 0, 0 FROM sweep_numbers""",
        timeout=900,
    )
    marks = f"""jsonb_build_array(jsonb_build_array('start', {stamp.format(at)},
 jsonb_build_object('due', {stamp.format(comes)}, 'unit', 'calendar_hours')))"""
    await line.execute(
        f"""INSERT INTO clock (number, id, assignment, metric, terms, marks, calendar, calendar_version, started_at, due_at, limit_at, consumed,
 stopped_at, provisional, level, next_level, next_step, next_at)
SELECT number, number || '-1-report-1', number || '-1', 'report', $1, {marks}, 'cn', 1, {at}, {comes}, {comes}, 0, NULL, false, 0, 1, 1, {comes}
FROM sweep_numbers WHERE NOT {gone}""",
        orjson.dumps(TERMS).decode(),
        timeout=900,
    )
    later = f"({at} + interval '400 days')"
    await line.execute(
        f"""INSERT INTO clock (number, id, assignment, metric, terms, marks, calendar, calendar_version, started_at, due_at, limit_at, consumed,
 stopped_at, provisional, level, next_level, next_step, next_at)
SELECT number, number || '-resolve-1', NULL, 'resolve', $1, jsonb_build_array(jsonb_build_array('start', {stamp.format(at)},
 jsonb_build_object('due', {stamp.format(later)}, 'unit', 'calendar_hours'))), 'cn', 1, {at}, {later}, {later}, 0, NULL, false, 0, 1, 1, {later}
FROM sweep_numbers WHERE NOT {gone}""",
        orjson.dumps(TERMS).decode(),
        timeout=900,
    )
    if closed:
        await line.execute(
            f"""INSERT INTO clock (number, id, assignment, metric, terms, marks, calendar, calendar_version, started_at, due_at, limit_at, consumed,
 stopped_at, provisional, level)
SELECT number, number || '-1-' || m || '-1', number || '-1', m, $1, '[]', 'cn', 1, {at}, {at}, {at}, 0, {at}, false, 0
FROM sweep_numbers, unnest(ARRAY['resolve', 'accept', 'contact', 'report', 'call_back']) m WHERE {gone}""",
            orjson.dumps(TERMS).decode(),
            timeout=900,
        )
    for table in ("ticket", "assignment", "clock"):
        await line.execute(f"VACUUM ANALYZE {table}", timeout=900)
    await line.close()


class Workers:
    """Two `hotline work` processes over this database."""

    def __init__(self, url: str, folder: Any) -> None:
        self.env = {
            **os.environ,
            "HOTLINE_DATABASE_URL": url,
            "HOTLINE_DATA_DIR": str(folder),
            "HOTLINE_LOG_LEVEL": "error",
        }
        self.running: list[subprocess.Popen[bytes]] = []
        self.kills = 0

    def start(self, shard: int) -> subprocess.Popen[bytes]:
        env = {**self.env, "HOTLINE_SHARD": str(shard)}
        return subprocess.Popen([sys.executable, "-m", "hotline.cli", "work"], env=env, stderr=subprocess.DEVNULL)

    @contextlib.contextmanager
    def both(self) -> Iterator["Workers"]:
        self.running = [self.start(1), self.start(2)]
        try:
            yield self
        finally:
            for process in self.running:
                process.send_signal(signal.SIGTERM)
            for process in self.running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=20)
                if process.poll() is None:
                    process.kill()

    def kill_one(self) -> None:
        """kill -9 the second, and start it again."""
        self.running[1].kill()
        self.running[1].wait()
        self.kills += 1
        self.running[1] = self.start(2)


def told(bench: postgres.Bench) -> int:
    return int(bench.sql("SELECT count(*) FROM escalation WHERE level = 1"))


def lateness(bench: postgres.Bench) -> tuple[float, float, float]:
    """p50, p99 and the largest, in seconds, of the first steps told."""
    found = bench.sql(
        """SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY s), percentile_cont(0.99) WITHIN GROUP (ORDER BY s), max(s)
FROM (SELECT extract(epoch FROM at - due_at) s FROM escalation WHERE level = 1) x"""
    )
    p50, p99, most = map(float, found.split("|"))
    return p50, p99, most


def proof(bench: postgres.Bench, due: int) -> str:
    """What must hold: every clock told once, nothing twice, every timeline whole."""
    faults = {
        "missing": f"SELECT {due} - count(DISTINCT clock) FROM escalation WHERE level = 1",
        "twice": "SELECT count(*) - count(DISTINCT (clock, level)) FROM escalation",
        "told twice in a timeline": """SELECT count(*) FROM (SELECT number, changes->'clock'->>1, changes->'rung'->>1 FROM timeline
 WHERE action = 'escalate' GROUP BY 1, 2, 3 HAVING count(*) > 1) x""",
        "messages": f"SELECT count(*) - 2 * {due} FROM outbox WHERE kind = 'escalation'",
        "timelines not whole": """SELECT count(*) FROM ticket t WHERE status = 'dispatched'
 AND entries <> 1 + (SELECT count(*) FROM timeline l WHERE l.number = t.number)""",
    }
    found = {name: int(bench.sql(text)) for name, text in faults.items()}
    if any(found.values()):
        raise RuntimeError(f"not exactly once: {found}")
    return "missing 0, twice 0"


BARE = """WITH due AS MATERIALIZED (SELECT number, id, next_level, next_at, assignment FROM clock WHERE next_at IS NOT NULL AND next_at <= now()
  ORDER BY next_at, id LIMIT {size} FOR UPDATE SKIP LOCKED),
facts AS MATERIALIZED (SELECT t.number, t.version, t.entries, t.title, t.narrative, a.department, a.assignee, due.id, due.next_level, due.next_at, due.assignment
  FROM due JOIN ticket t ON t.number = due.number JOIN assignment a ON a.id = due.assignment),
w_answer AS (INSERT INTO answer SELECT 'clock:clock', id || ':' || next_level, 'clock', 200, '2', '', now() FROM facts),
w_ticket AS (UPDATE ticket t SET version = t.version + 1, entries = t.entries + 1, updated_at = now(), escalated = 'red' FROM facts f WHERE f.number = t.number),
w_clock AS (UPDATE clock c SET marks = c.marks || jsonb_build_array(jsonb_build_array('ring', now(), jsonb_build_object('level', f.next_level))),
  level = f.next_level, next_level = f.next_level + 1, next_at = f.next_at + interval '3 days', breached_at = f.next_at
  FROM facts f WHERE c.number = f.number AND c.id = f.id),
w_line AS (INSERT INTO timeline SELECT number, entries + 1, now(), 'clock', 'clock', 'clock', 'escalate', 'dispatched', 'dispatched', NULL,
  'report limit of policy request', jsonb_build_object('clock', jsonb_build_array(NULL, id), 'rung', jsonb_build_array(NULL, next_level),
  'escalated', jsonb_build_array(NULL, 'red')) FROM facts),
w_rung AS (INSERT INTO escalation SELECT id, next_level, number, assignment, 'report', 'red', '["head:property-works", "role:supervisor"]', next_at,
  now(), false FROM facts),
w_out AS (INSERT INTO outbox SELECT number || '.' || (entries + 1) || '.' || place, 'escalation', number, line, jsonb_build_object('metric', 'report',
  'level', next_level, 'colour', 'red', 'assignment', assignment, 'department', department, 'priority', 'normal', 'limit_at', next_at, 'late', false,
  'person', NULL), 'queued', 0, 8, now(), now() FROM facts, (VALUES (0, 'head:property-works'), (1, 'role:supervisor')) v(place, line)),
w_count AS (INSERT INTO counter SELECT 'queue', department, 'stamp', :client_id, count(*) FROM facts GROUP BY department
  ON CONFLICT (noun, place, status, shard) DO UPDATE SET n = counter.n + excluded.n)
SELECT count(*) FROM facts;
"""


def bare_loop(bench: postgres.Bench, size: int, clients: int, seconds: float) -> float:
    """Steps told in a second by pgbench, claiming `size` at once and writing the rows a worker writes."""
    script = bench.folder / "claim.sql"
    script.write_text(BARE.format(size=size))
    before, begun = told(bench), time.perf_counter()
    subprocess.run(
        [
            bench.binaries / "pgbench",
            "-n",
            "-c",
            str(clients),
            "-j",
            str(clients),
            "-T",
            str(int(seconds)),
            "-f",
            script,
            bench.url,
        ],
        check=True,
        capture_output=True,
    )
    return (told(bench) - before) / (time.perf_counter() - begun)


def _database(bench: postgres.Bench, closed: int, due: int, first_due: datetime, over: float) -> None:
    async def make() -> None:
        db = Postgres(bench.url, sealing=SEALING)
        await db.open()
        await seeded(db)
        await db.close()
        await fill(bench.url, closed, due, first_due, over)

    asyncio.run(make())


def _drain(bench: postgres.Bench, workers: Workers, due: int, kill_every: float | None, limit: float) -> float:
    """Wait until every clock is told; the seconds it took."""
    begun = last = time.perf_counter()
    while told(bench) < due:
        time.sleep(0.25)
        now = time.perf_counter()
        if kill_every and now - last > kill_every:
            workers.kill_one()
            last = now
        if now - begun > limit:
            raise RuntimeError(f"only {told(bench)} of {due} told after {limit:.0f} s")
    return time.perf_counter() - begun


def rate(closed: int, due: int, folder: Any, *, bare: int | None = None) -> float:
    """Steps told in a second where `due` lie behind: by two workers, or by the bare loop claiming `bare` at once."""
    bench = postgres.start()
    try:
        _database(bench, closed, due, datetime.now(UTC) - timedelta(minutes=1), 0)
        if bare is not None:
            return bare_loop(bench, bare, 2, 6)
        workers = Workers(bench.url, folder)
        with workers.both():
            while not told(bench):
                time.sleep(0.05)
            before, begun = told(bench), time.perf_counter()
            _drain(bench, workers, due, None, 600)
            return (due - before) / (time.perf_counter() - begun)
    finally:
        bench.stop()


def storm(due: int, folder: Any) -> tuple[str, ...]:
    """`due` clocks fall due within one minute, one worker of two killed every three seconds."""
    bench = postgres.start()
    try:
        _database(bench, 0, due, datetime.now(UTC) + timedelta(seconds=5 + due / 12_000), 60)
        workers = Workers(bench.url, folder)
        with workers.both():
            took = _drain(bench, workers, due, 3.0, 1200)
        p50, p99, most = lateness(bench)
        return (
            f"{due:,} in one minute",
            f"{due / took:.0f}",
            f"{p50:.1f}",
            f"{p99:.1f}",
            f"{most:.1f}",
            str(workers.kills),
            proof(bench, due),
        )
    finally:
        bench.stop()


def steady(per_second: int, seconds: int, folder: Any) -> tuple[tuple[str, ...], float]:
    """Clocks that come due one after the other at a rate a city has; and the p99 of their lateness."""
    bench = postgres.start()
    try:
        due = per_second * seconds
        _database(bench, 0, due, datetime.now(UTC) + timedelta(seconds=12), seconds)
        workers = Workers(bench.url, folder)
        with workers.both():
            took = _drain(bench, workers, due, None, 600)
        p50, p99, most = lateness(bench)
        row = (
            f"{per_second}/s for {seconds} s",
            f"{due / took:.0f}",
            f"{p50:.2f}",
            f"{p99:.2f}",
            f"{most:.2f}",
            "0",
            proof(bench, due),
        )
        return row, p99
    finally:
        bench.stop()


def run(rounds: int, due: int, folder: Any) -> tuple[list[tuple[str, ...]], dict[str, list[float]], list[str]]:
    """The table of lateness, the ratios by goal, and lines to print."""
    found: dict[str, list[float]] = {}
    ours, one, many = [], [], []
    for _ in range(rounds):
        many.append(rate(0, 60_000, folder, bare=AT_ONCE))
        one.append(rate(0, 60_000, folder, bare=1))
        ours.append(rate(0, 20_000, folder))
    found["sweep"] = [a / b for a, b in zip(ours, many, strict=True)]
    alone = statistics.median(a / b for a, b in zip(ours, one, strict=True))
    few, full = rate(0, 10_000, folder), rate(300_000, 10_000, folder)
    found["sweep behind 300,000 closed tickets"] = [full / few]
    calm, p99 = steady(100, 20, folder)
    found["steady lateness p99"] = [p99]
    rows = [("clocks", "done/s", "late p50 s", "p99 s", "most s", "kills", "exactly once"), storm(due, folder), calm]
    median = statistics.median
    lines = [
        f"sweep of what lies behind: two workers {median(ours):.0f}/s; bare loop claiming {AT_ONCE} at once {median(many):.0f}/s, one by one {median(one):.0f}/s",
        f"ratio to the bare loop: {median(found['sweep']):.2f} ({AT_ONCE} at once), {alone:.2f} (one by one)",
        f"sweep behind 300,000 closed tickets (1,500,000 stopped clocks) ÷ behind none: {full / few:.2f}",
    ]
    return rows, found, lines

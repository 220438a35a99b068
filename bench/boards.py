"""Boards: from commit to everybody who listens beside a bare push loop; memory of many listeners; boards, queues and
figures that must cost the same however many tickets lie behind them; first paint in a real browser."""

import asyncio
import contextlib
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from bench import postgres, sweep
from bench.harness import log_in
from hotline.database.engine_postgres import Postgres
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewKey, add_key
from hotline.settings import Settings
from hotline.text.numbering import FIRST, number_from_serial
from hotline.wiring import open_services
from tests.conftest import SEALING, seeded
from tests.postgres import free_port

EVENTS = 40
OPEN = 3000  # orders, the same at every size
FIRST_PASSWORD, PASSWORD = "seven lamps on the quay", "a long pass 24365"
CALL = {"channel": "phone", "narrative": "3栋停水了", "category": "sdq-water"}


class Ears:
    """Many open streams over raw sockets, each read by a callback alone: the least a listener can cost."""

    def __init__(self) -> None:
        self.took: dict[bytes, list[float]] = {}
        self.hellos = 0
        self.transports: list[asyncio.Transport] = []

    async def open(self, port: int, count: int, keys: list[str]) -> None:
        loop = asyncio.get_running_loop()
        for n in range(count):
            transport, _ = await loop.create_connection(lambda: _Ear(self), "127.0.0.1", port)
            key = keys[n % len(keys)]
            transport.write(f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
            self.transports.append(transport)
            if n % 50 == 49:
                await asyncio.sleep(0.02)
        async with asyncio.timeout(60):
            while self.hellos < count:
                await asyncio.sleep(0.02)

    def close(self) -> None:
        for transport in self.transports:
            transport.abort()


class _Ear(asyncio.Protocol):
    def __init__(self, ears: Ears) -> None:
        self.ears = ears

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if b"event: hello" in data:
            self.ears.hellos += 1
        at = data.find(b'"number":"')
        while at >= 0:
            end = data.index(b'"', at + 10)
            self.ears.took.setdefault(data[at + 10 : end], []).append(now)
            at = data.find(b'"number":"', end)


async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str, body: bytes) -> bytes:
    writer.write(f"{head}\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = next(int(x.split(b":")[1]) for x in answer.lower().split(b"\r\n") if x.startswith(b"content-length"))
    return await reader.readexactly(length)


async def _fan(port: int, count: int, keys: list[str], ours: bool) -> list[float]:
    """Milliseconds from the answer (the commit is behind us) to each receipt, of EVENTS happenings."""
    ears = Ears()
    await ears.open(port, count, keys)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered: dict[bytes, float] = {}
    for n in range(EVENTS):
        if ours:
            head = (
                f"POST /v1/calls HTTP/1.1\r\nAuthorization: Bearer {keys[0]}\r\nContent-Type: application/json"
                f"\r\nIdempotency-Key: fan-{port}-{time.perf_counter_ns()}"
            )
            body = json.loads(await _post(reader, writer, head, json.dumps(CALL).encode()))
            number = body["ticket"]["number"].encode()
        else:
            number = f"9{n:09}".encode()
            await _post(reader, writer, "POST / HTTP/1.1", number)
        answered[number] = time.perf_counter()
        await asyncio.sleep(0.25)
    await asyncio.sleep(2)
    writer.close()
    ears.close()
    times: list[float] = []
    for number, began in answered.items():
        # of a new ticket three lines are told at once: the last receipt of each listener is what counts
        heard = sorted(ears.took.get(number, []))
        assert len(heard) >= count, f"{count - len(heard)} listeners did not hear of {number!r}"
        times += [(t - began) * 1000 for t in heard[-count:]]
    return sorted(times)


def p(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))]


@contextlib.contextmanager
def _pushing(port: int) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "bench.pushing", str(port)])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), __import__("socket").create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def keys_of(env: dict[str, str], count: int) -> list[str]:
    """So many keys of people who oversee and take calls: one person may open twelve streams."""

    async def make() -> list[str]:
        over = {"data_dir": Path(env["HOTLINE_DATA_DIR"]), "database_url": env.get("HOTLINE_DATABASE_URL")}
        async with open_services(Settings(**over)) as services:
            grant = Grant(frozenset({Role.SUPERVISOR, Role.OPERATOR}))
            return [
                (await add_key(services, NewKey(f"ear {n}", grant), "bench", services.clock()))["secret"]
                for n in range(count)
            ]

    return asyncio.run(make())


def fan_out(
    env: dict[str, str], serve: Any, rounds: int, listeners: int
) -> tuple[list[float], list[float], list[float]]:
    """Ratios of the 99th percentiles, and both sides' milliseconds."""
    keys = keys_of(env, -(-listeners // 12) + 1)
    ratios, ours, floors = [], [], []
    for _ in range(rounds):
        port = free_port()
        with _pushing(port):
            floor = asyncio.run(_fan(port, listeners, ["x"], False))
        port = free_port()
        with serve(env, port):
            mine = asyncio.run(_fan(port, listeners, keys, True))
        ratios.append(p(mine, 0.99) / p(floor, 0.99))
        ours.append(p(mine, 0.99))
        floors.append(p(floor, 0.99))
    return ratios, ours, floors


def held(env: dict[str, str], serve: Any, memory: Callable[[int], float], count: int) -> tuple[float, float]:
    """Megabytes of the server before and while so many listen."""
    keys = keys_of(env, -(-count // 12) + 1)
    port = free_port()

    async def hold(pid: int) -> float:
        ears = Ears()
        await ears.open(port, count, keys)
        await asyncio.sleep(2)
        most = memory(pid)
        ears.close()
        return most

    with serve(env, port) as (pid, _):
        before = memory(pid)
        return before, asyncio.run(hold(pid))


async def fill(url: str, count: int, departments: list[str]) -> None:
    """`count` tickets, OPEN of them open and the rest closed over five years; rollups of every day; a month of calls."""
    db = Postgres(url, sealing=SEALING)
    await db.open()
    await seeded(db)
    await db.close()
    line = await asyncpg.connect(url)
    await line.execute("CREATE UNLOGGED TABLE bench_numbers (place int PRIMARY KEY, number text NOT NULL)")
    for first in range(1, count + 1, 1_000_000):
        last = min(count, first + 999_999)
        rows = ((n, number_from_serial(FIRST + n)) for n in range(first, last + 1))
        await line.copy_records_to_table("bench_numbers", records=rows)
        codes = "ARRAY[" + ", ".join(f"'{d}'" for d in departments) + "]"
        at = f"now() - make_interval(secs => (1 + ({count} - place)) * {5 * 365 * 86400 / count})"
        live = f"place % {max(1, count // OPEN)} = 0"
        piece = f"FROM bench_numbers WHERE place BETWEEN {first} AND {last}"
        await line.execute(
            f"""INSERT INTO ticket (number, status, kind, channel, title, narrative, category, priority, confidential, reply_wanted, area, flags,
 urges, calls, call_backs, returns, extensions, reopens, attachments, returned_by, ruled, advice, created_at, updated_at, closed_at, ended_at,
 outcome, triaged_at, entries, version, created_by, lat, lon)
SELECT number, CASE WHEN {live} THEN 'dispatched' ELSE 'closed' END, 'request', 'phone', '电梯坏了', '电梯坏了，请尽快处理', 'dt-fault', 'normal',
 false, true, 'rq-b' || (1 + place % 28), '[]', 0, 1, 0, 0, 0, 0, 0, '[]', '[]', '{{}}', {at}, {at}, CASE WHEN NOT {live} THEN {at} END,
 CASE WHEN NOT {live} THEN {at} END, CASE WHEN NOT {live} THEN 'confirmed' END, {at}, 2, 1, 'bench',
 CASE WHEN {live} THEN 30.69 END, CASE WHEN {live} THEN 103.83 END {piece}""",
            timeout=1800,
        )
        await line.execute(
            f"""INSERT INTO assignment (id, number, department, part, status, priority, rank, sort_at, issued_at, due_at, closed_at, reported_at,
 ruled, overdue, extensions, redos)
SELECT number || '-1', number, ({codes})[1 + (place / {max(1, count // OPEN)}) % {len(departments)}], 'lead', CASE WHEN {live} THEN 'issued' ELSE 'done' END,
 'normal', 2, {at} + interval '7 days', {at}, {at} + interval '7 days', CASE WHEN NOT {live} THEN {at} END, CASE WHEN NOT {live} THEN {at} END,
 false, false, 0, 0 {piece}""",
            timeout=1800,
        )
    # what is open has its clocks, far ahead: the worker has nothing to give out while it is measured
    await line.execute(
        """INSERT INTO clock (number, id, assignment, metric, terms, marks, calendar, calendar_version, started_at, due_at, limit_at, consumed,
 provisional, level, next_level, next_step, next_at)
SELECT number, CASE m WHEN 'resolve' THEN number ELSE number || '-1' END || '-' || m || '-1', CASE m WHEN 'resolve' THEN NULL ELSE number || '-1' END, m,
 $1, '[["start", "2026-01-01T00:00:00+00:00", {"due": "2099-01-01T00:00:00+00:00", "unit": "calendar_hours"}]]', 'cn', 1, created_at, '2099-01-01Z',
 '2099-01-01Z', 0, false, 0, 1, 1, '2099-01-01Z'
FROM ticket, unnest(ARRAY['resolve', 'report', 'accept', 'contact']) m WHERE status = 'dispatched'""",
        orjson.dumps(sweep.TERMS).decode(),
        timeout=900,
    )
    await line.execute(
        "INSERT INTO counter SELECT 'ticket', area, status, 0, count(*) FROM ticket GROUP BY 2, 3", timeout=900
    )
    await line.execute(
        "INSERT INTO counter SELECT 'assignment', department, status, 0, count(*) FROM assignment GROUP BY 2, 3",
        timeout=900,
    )
    await line.copy_records_to_table("rollup", records=_rollups(count, departments))
    await line.execute(
        """INSERT INTO voice_call (id, pbx, reference, direction, state, outcome, offered_at, answered_at, ended_at, moved_at, wait_ms, talk_ms)
SELECT gen_random_uuid()::text, 'b', n::text, 'in', 'ended', 'answered', now() - make_interval(secs => n * $1), now(), now(), now(), 8000, 90000
FROM generate_series(1, $2) n""",
        60 * 86400 / max(1, count // 30),
        count // 30,
        timeout=900,
    )
    for table in ("ticket", "assignment", "clock", "rollup", "voice_call", "counter"):
        await line.execute(f"VACUUM ANALYZE {table}", timeout=1800)
    await line.close()


def _rollups(count: int, departments: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """Every day of five years, by every dimension, as dense as so many tickets make it."""
    days = 5 * 365
    daily = count / days
    names = ("entered", "accepted", "answered", "left", "closed", "visited", "reached", "solved", "rated_first",
             "pleased_first", "rated_final", "pleased_final", "handled", "dispatched", "signed", "signed_in_time", "met",
             "missed", "contacted")  # fmt: skip

    def counts(n: float) -> str:
        whole = max(1, int(n))
        body = {name: whole for name in names} | {"handled_minutes": whole * 900}
        body |= {f"took:{m * 10}": 1 for m in range(10, 10 + min(whole, 60))}
        body |= {f"hour:{h}": max(1, whole // 24) for h in range(24)}
        return orjson.dumps(body).decode()

    today = datetime.now(UTC).date()
    categories, areas = [f"c{n}" for n in range(40)], [f"rq-b{n}" for n in range(1, 61)]
    dims = {
        "house": [""],
        "department": departments,
        "category": categories,
        "area": areas,
        "channel": ["phone", "web", "sms"],
    }
    texts = {name: counts(daily / len(codes)) for name, codes in dims.items()}
    pair = counts(daily / 400)
    for n in range(days):
        day = (today - timedelta(days=n)).isoformat()
        for name, codes in dims.items():
            for code in codes:
                yield name, day, code, texts[name]
        for department in departments:
            for category in categories[:20]:
                yield "department/category", day, f"{department}/{category}", pair
    for name, codes in dims.items():
        for code in codes:
            yield name, "", code, orjson.dumps({"open": max(1, OPEN // len(codes))}).decode()
    yield "folded", "", "", '{"position": 0}'


async def _timed(port: int, key: str, path: str, times: int, cookie: bool = False) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    who = f"Cookie: hotline_session={key}" if cookie else f"Authorization: Bearer {key}"
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nCache-Control: no-cache\r\n{who}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:200]
        length = next(int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length"))
        await reader.readexactly(length)
        taken.append((time.perf_counter() - began) * 1000)
    writer.close()
    return taken


PATHS = {
    "queue": "/v1/departments/water/queue?limit=50",
    "board": "/v1/departments/water/board",
    "wall": "/v1/wall",
    "figures by department": None,
    "figures by day": None,
    "figures of a department by category": None,
    "figures page": None,
}


def sizes(
    rounds: int, counts: list[int], folder: Path, serve: Any, cli: Any, departments: list[str]
) -> dict[str, list[list[float]]]:
    """Median milliseconds of each path, a row for each round and a column for each size. All sizes stand side by side
    and are asked in turn, so that what slows the machine for a while slows all of them."""
    last = datetime.now(UTC).date() - timedelta(days=1)
    month = f"first={last - timedelta(days=29)}&last={last}"
    paths = {
        **PATHS,
        "figures by department": f"/v1/figures?{month}&by=department",
        "figures by day": f"/v1/figures?{month}&by=day",
        "figures of a department by category": f"/v1/figures?{month}&by=category&department=water",
        "figures page": f"/console/figures?{month}&by=department",
    }
    with contextlib.ExitStack() as houses:
        filled: list[tuple[dict[str, str], str]] = []
        for count in counts:
            bench = postgres.start()
            houses.callback(bench.stop)
            began = time.perf_counter()
            asyncio.run(fill(bench.url, count, departments))
            print(f"  {count:,} tickets in {time.perf_counter() - began:.0f} s", flush=True)
            env = {"HOTLINE_DATABASE_URL": bench.url, "HOTLINE_DATA_DIR": str(folder / f"size-{count}"),
                   "HOTLINE_LOG_LEVEL": "error"}  # fmt: skip
            filled.append((env, cli(env, "key", "create", "sizes", "--role", "supervisor").strip()))
            cli(
                {**env, "HOTLINE_PASSWORD": FIRST_PASSWORD},
                *("user", "add", "looker", "--name", "looker", "--role", "supervisor"),
            )
        doors = []
        for env, key in filled:
            port = free_port()
            houses.enter_context(serve(env, port))
            doors.append((port, key, log_in(port, "looker", FIRST_PASSWORD, PASSWORD)))
        found: dict[str, list[list[float]]] = {name: [] for name in paths}
        for _ in range(rounds):
            for name, path in paths.items():
                page = path is not None and path.startswith("/console")
                times = 25 if "figures" in name else 60
                taken: list[list[float]] = [[] for _ in doors]
                for _ in range(4):  # in short turns
                    for place, (port, key, token) in enumerate(doors):
                        mine = asyncio.run(_timed(port, token if page else key, str(path), times, page))
                        taken[place] += mine[2:]  # the first two warm the connection
                found[name].append([statistics.median(mine) for mine in taken])
                print(f"    {name}: {', '.join(f'{t:.2f}' for t in found[name][-1])} ms", flush=True)
        found["first paint"] = [[_first_paint(doors[-1][0])]]
    return found


def _first_paint(port: int) -> float:
    """Milliseconds to the first paint of the slowest page, by a real browser; nan without one."""
    import shutil

    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if chromium is None:
        return float("nan")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/console/login")
        page.fill("input[name=login]", "looker")
        page.fill("input[name=password]", PASSWORD)
        page.click("button.first")
        page.wait_for_url(lambda url: "/login" not in url)
        worst = 0.0
        for name in ("wall", "dispatch", "board", "tickets", "figures", "reports", "oversight"):
            page.goto(f"http://127.0.0.1:{port}/console/{name}")
            page.wait_for_load_state("load")
            page.wait_for_timeout(400)
            painted = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
            worst = max(worst, float(painted))
        browser.close()
    return worst


def run(
    rounds: int,
    counts: list[int],
    folder: Path,
    serve: Any,
    cli: Any,
    memory: Callable[[int], float],
    departments: list[str],
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]], dict[str, list[float]]]:
    """Two tables, and the figures by goal."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    found: dict[str, list[float]] = {}
    streams: list[tuple[str, ...]] = [
        ("1,000 listeners", "p99 ms", "bare push loop p99 ms", "ratio median (lowest-highest)")
    ]
    bench = postgres.start()
    try:
        for name in ("postgres", "sqlite"):
            env = {"HOTLINE_DATA_DIR": str(folder / f"stream-{name}"), "HOTLINE_LOG_LEVEL": "error"}
            if name == "postgres":
                bench.sql("CREATE DATABASE stream")
                env["HOTLINE_DATABASE_URL"] = f"{str(bench.url).rpartition('/')[0]}/stream"
            cli(env, "migrate")
            cli(env, "seed", "ruiquan")
            ratios, ours, floors = fan_out(env, serve, rounds, 1000)
            prefix = "" if name == "postgres" else "sqlite "
            found[f"{prefix}stream p99"] = ratios
            median = statistics.median
            streams.append((name, f"{median(ours):.0f}", f"{median(floors):.0f}",
                            f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"))  # fmt: skip
            before, most = held(env, serve, memory, 5000)
            found[f"{prefix}5,000 listeners MB"] = [most]
            print(f"  {name}: {before:.0f} MB with nobody, {most:.0f} MB with 5,000 listeners", flush=True)
    finally:
        bench.stop()
    if not counts:
        return streams, [], found
    taken = sizes(rounds, counts, folder, serve, cli, departments)
    small, large = counts[0], counts[-1]
    table: list[tuple[str, ...]] = [
        ("p50 ms", *(f"{c:,}" for c in counts), "largest ÷ smallest, median of rounds (lowest-highest)")
    ]
    for name in PATHS:
        by_size = [statistics.median(times) for times in zip(*taken[name], strict=True)]
        ratios = [times[-1] / times[0] for times in taken[name]]
        table.append((name, *(f"{t:.1f}" for t in by_size),
                      f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"))  # fmt: skip
        if name in ("queue", "board"):
            found[f"{name} at {large:,} ÷ {small:,}"] = ratios
    found["figures page ms"] = [times[-1] for times in taken["figures page"]]
    found["first paint ms"] = [taken["first paint"][0][0]]
    return streams, table, found

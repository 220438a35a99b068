"""The physical limit: pgbench (or raw sqlite3) writing exactly the rows the app wrote for one real request.

The scripts are made from the rows of a real intake and a real action, so that they grow with the schema by themselves.
"""

import json
import re
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.postgres import Bench
from hotline.database.columns import Document, SealedDocument
from hotline.database.metadata import metadata
from hotline.tickets.store.assignments import _HELD
from hotline.tickets.write_plan import TICKET_WRITES

GIVEN = {"event": ("id", "position")}  # by the database itself
TABLES = [*dict.fromkeys(write.table.name for write in TICKET_WRITES)]  # of one there are two writes


def _quoted(text: str) -> str:
    """A literal pgbench leaves alone: it would take a colon before a word or a digit for a variable of its own."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a") + "'"


def _literal(value: Any, number: str, key: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    for plain, name in ((number, "s.n"), (key, "'k' || s.n")):
        if plain and text == plain:
            return name
        if plain and plain in text and len(text) < 60:
            return "(" + f" || {name} || ".join(_quoted(p) for p in text.split(plain)) + ")"
    return _quoted(text)


def _rows(bench: Bench, table: str, where: str) -> list[dict[str, Any]]:
    out = bench.sql(f"SELECT coalesce(json_agg(x), '[]') FROM (SELECT * FROM \"{table}\" WHERE {where}) x")
    rows: list[dict[str, Any]] = json.loads(out)
    columns = metadata.tables[table].c if table in metadata.tables else ()
    documents = [c.name for c in columns if isinstance(c.type, Document | SealedDocument)]
    for row in rows:  # a sealed document is a text within one
        row |= {name: json.dumps(row[name]) for name in documents if isinstance(row.get(name), str)}
    return rows


# of the rows the limit writes: no calls of the last minutes, which a worker gathers to incidents and new calls repeat
LONG_AGO = {"ticket": {"created_at": "2020-01-01T00:00:00+00:00"}, "call": {"at": "2020-01-01T00:00:00+00:00"}}


def intake_script(bench: Bench, number: str, key: str) -> tuple[str, dict[str, int]]:
    """One statement that writes the rows of that intake under a fresh number; and how many rows of each table."""
    parts = ["s AS MATERIALIZED (SELECT nextval('bench_seq')::text AS n)"]
    counts: dict[str, int] = {}
    ticket = _rows(bench, "ticket", f"number = '{number}'")[0]
    for table in ("answer", *TABLES, "ticket_words"):
        where = {"answer": f"key = '{key}'", "caller": f"id = '{ticket['caller']}'"}.get(table, f"number = '{number}'")
        rows = [{c: v for c, v in row.items() if c not in GIVEN.get(table, ())} for row in _rows(bench, table, where)]
        counts[table] = len(rows)
        for place, row in enumerate(rows):
            if table in ("caller", "call"):
                row = {**row, **({"id": number} if table == "call" else {"id": number, "phone": f"+{number}"})}
            if table in LONG_AGO:
                row |= LONG_AGO[table]
            columns = ", ".join(f'"{c}"' for c in row)
            values = ", ".join(
                f"{_quoted(v)}::tsvector" if table == "ticket_words" and c == "words" else _literal(v, number, key)
                for c, v in row.items()
            )
            parts.append(f'{table}_{place} AS (INSERT INTO "{table}" ({columns}) SELECT {values} FROM s)')
    moved = [
        ("ticket", ticket["area"] or "", "dispatched"),
        ("assignment", "bench", "issued"),
        ("performing", "bench", "issued"),
        ("queue", "bench", "stamp"),
        ("queue", "bench2", "stamp"),
    ]
    for place, (noun, where, status) in enumerate(moved):
        parts.append(
            f"counter_{place} AS (INSERT INTO counter (noun, place, status, shard, n) SELECT '{noun}', '{where}', '{status}', :shard, 1 FROM s"
            " ON CONFLICT (noun, place, status, shard) DO UPDATE SET n = counter.n + excluded.n)"
        )
    text = "WITH " + ",\n".join(parts) + "\nSELECT 1 FROM s;"
    return "\\set shard random(0, 31)\n" + text + "\n", counts


def transition_script(bench: Bench, number: str, key: str, first: int, last: int) -> str:
    """Read the ticket with its orders, then a version-checked update, its entry, its messages and its answer, in one statement."""
    entry = _rows(bench, "timeline", f"number = '{number}' AND action = 'urge'")[-1]
    messages = _rows(bench, "outbox", f"number = '{number}' AND id LIKE '{number}.{entry['seq']}.%'")
    answer = _rows(bench, "answer", f"key = '{key}'")[0]
    quote = lambda v: _literal(v, "", "")  # noqa: E731
    told = "".join(
        f""", o{i} AS (INSERT INTO outbox SELECT u.number || '.' || u.entries || '.{i}', {quote(m["kind"])}, u.number, {quote(m["partition"])},
 {quote(m["payload"])}, 'queued', 0, 8, now(), now() FROM u)"""
        for i, m in enumerate(messages)
    )
    text = f"""WITH n AS MATERIALIZED (SELECT number FROM bench_numbers WHERE place = :place), u AS (UPDATE ticket t SET urges = urges + 1,
 entries = entries + 1, version = version + 1, updated_at = now() FROM n WHERE t.number = n.number RETURNING t.number, t.entries),
e AS (INSERT INTO timeline SELECT number, entries, now(), {quote(entry["by_kind"])}, {quote(entry["by_id"])}, {quote(entry["by_name"])}, 'urge',
 {quote(entry["status_from"])}, {quote(entry["status_to"])}, NULL, {quote(entry["reason"])}, {quote(entry["changes"])} FROM u){told},
a AS (INSERT INTO answer SELECT 'bench', gen_random_uuid()::text, {quote(answer["fingerprint"])}, 200, '2', {quote(answer["body"])}, now() FROM u)
, c AS (INSERT INTO counter (noun, place, status, shard, n) SELECT 'queue', 'bench', 'stamp', :shard, 1 FROM u
 ON CONFLICT (noun, place, status, shard) DO UPDATE SET n = counter.n + excluded.n)
, k AS (UPDATE clock c SET marks = c.marks || jsonb_build_array(jsonb_build_array('hurry', now(), '{{}}'::jsonb)), next_at = c.next_at
 FROM u WHERE c.number = u.number AND c.metric = 'report')
SELECT t.*, a.*, (SELECT jsonb_agg(to_jsonb(k)) FROM clock k WHERE k.number = t.number AND k.stopped_at IS NULL) FROM n
 JOIN ticket t ON t.number = n.number LEFT JOIN assignment a ON a.number = t.number;"""
    return f"\\set place random({first}, {last})\n\\set shard random(0, 31)\n{text}\n"


def queue_script(bench: Bench, departments: list[str]) -> str:
    """The queue's own SELECT, and the department's counters. Of a database with an older schema the columns it has."""
    from sqlalchemy.dialects.postgresql import asyncpg

    prepared = _HELD[False].compile_for(asyncpg.dialect())
    columns = bench.sql("SELECT column_name FROM information_schema.columns WHERE table_name = 'assignment'").split()
    text = prepared.text
    for missing in {name for name in re.findall(r"assignment\.(\w+) AS", text) if name not in columns}:
        text = re.sub(rf"(assignment\.{missing} AS {missing}|q\.{missing}), ", "", text)
    given = {
        "department": "d.code",
        "rank": "-1",
        "sort_at": "'1970-01-01T00\\:00\\:00Z'::timestamptz",
        "id": "''",
        "limit": "51",
    }
    for place in range(len(prepared.names), 0, -1):
        name = prepared.names[place - 1]
        text = re.sub(
            rf"\${place}(::(VARCHAR|SMALLINT|INTEGER|TIMESTAMP WITH TIME ZONE))?(?![0-9])",
            f"'{prepared.constants[name]}'"
            if name in prepared.constants
            else given[name]
            if name != "department"
            else ":code",
            text,
        )
    text = text.replace("\\:", ":")
    listed = "ARRAY[" + ", ".join(f"'{d}'" for d in departments) + "]"
    text = text.replace(":code", f"({listed})[:place]")
    text = re.sub(r"T00:00:00Z", " UTC", text)
    count = (
        f"SELECT status, sum(n) FROM counter WHERE noun = 'assignment' AND place = ({listed})[:place] GROUP BY status;"
    )
    return f"\\set place random(1, {len(departments)})\n{' '.join(text.split())};\n{count}\n"


def pgbench(bench: Bench, script: str, clients: int, seconds: float) -> dict[str, float]:
    """Run a script; transactions per second and latency."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script)
        done = subprocess.run(
            [
                bench.binaries / "pgbench",
                "-n",
                "-M",
                "prepared",
                "-j",
                "2",
                "-c",
                str(clients),
                "-T",
                str(int(seconds)),
                "-l",
                "-f",
                file,
                bench.url,
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if not found or "aborted" in done.stderr:
            raise RuntimeError(done.stderr[:2000] + done.stdout[-500:])
        taken = sorted(
            int(line.split()[2]) for log in Path(folder).glob("pgbench_log*") for line in log.read_text().splitlines()
        )
        return {
            "rate": float(found[1]),
            "p50": taken[len(taken) // 2] / 1000,
            "p99": taken[int(len(taken) * 0.99)] / 1000,
        }


def raw_sqlite(path: Path, number: str, key: str, seconds: float, per_commit: int) -> dict[str, float]:
    """Python's sqlite3, one thread, the same rows, `per_commit` intakes in each transaction, WAL and synchronous=FULL."""
    line = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -65536"):
        line.execute(f"PRAGMA {pragma}")
    line.row_factory = sqlite3.Row
    ticket = dict(line.execute("SELECT * FROM ticket WHERE number = ?", (number,)).fetchone())
    work: list[tuple[str, list[dict[str, Any]]]] = []
    for table in ("answer", *TABLES):
        where, value = {"answer": ("key", key), "caller": ("id", ticket["caller"])}.get(table, ("number", number))
        found = line.execute(f'SELECT * FROM "{table}" WHERE {where} = ?', (value,))
        rows = [{c: v for c, v in dict(r).items() if c not in GIVEN.get(table, ())} for r in found]
        if not rows:
            continue
        columns = list(rows[0])
        work.append(
            (
                f'INSERT INTO "{table}" ({", ".join(chr(34) + c + chr(34) for c in columns)}) VALUES ({", ".join("?" * len(columns))})',
                rows,
            )
        )
    words = line.execute("SELECT words FROM ticket_words WHERE rowid = ?", (int(number[:-1]),)).fetchone()[0]
    serial, taken = 700_000_000, []
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        start = time.perf_counter()
        line.execute("BEGIN IMMEDIATE")
        for _ in range(per_commit):
            serial += 1
            fresh = f"{serial}0"
            for sql, rows in work:
                line.executemany(
                    sql,
                    [
                        [
                            v.replace(number, fresh)
                            if isinstance(v, str) and len(v) < 60 and number in v
                            else f"k{fresh}"
                            if v == key
                            else f"+{fresh}"
                            if c == "phone" and '"caller"' in sql
                            else f"c{fresh}"
                            if c == "id" and ('"caller"' in sql or '"call"' in sql)
                            else v
                            for c, v in row.items()
                        ]
                        for row in rows
                    ],
                )
            line.execute("INSERT INTO ticket_words (rowid, number, words) VALUES (?, ?, ?)", (serial, fresh, words))
            for noun, place, status in (
                ("ticket", ticket["area"] or "", "dispatched"),
                ("assignment", "b", "issued"),
                ("performing", "b", "issued"),
                ("queue", "b", "stamp"),
                ("queue", "c", "stamp"),
            ):
                line.execute(
                    "INSERT INTO counter VALUES (?, ?, ?, 0, 1) ON CONFLICT (noun, place, status, shard) DO UPDATE SET n = n + 1",
                    (noun, place, status),
                )
        line.execute("COMMIT")
        taken.append(time.perf_counter() - start)
    spent = time.perf_counter() - begun
    line.close()
    taken.sort()
    return {
        "rate": len(taken) * per_commit / spent,
        "p50": taken[len(taken) // 2] * 1000,
        "p99": taken[int(len(taken) * 0.99)] * 1000,
    }

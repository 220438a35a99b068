"""A batch of write plans on SQLite: statements by `executemany` on the writer's connection, inside its transaction."""

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

import orjson
import sqlalchemy as sa

from hotline.database.columns import Document, Instant, SealedDocument, SealedText, format_instant
from hotline.database.engine import Committed, Outcome, Replayed, Stale
from hotline.database.sealing import Sealing
from hotline.database.search_terms import entry_terms
from hotline.database.tables import ANSWER_CONTEXT
from hotline.database.write_plan import (
    StoredAnswer,
    TableWrite,
    WriteBatch,
    WritePlan,
    in_dependency_order,
    merge_plans,
)

_STORED_ANSWERS_SQL = """SELECT a.owner, a.key, a.fingerprint, a.status, a.etag, a.body, a.at FROM json_each(?) k
JOIN answer a ON a.owner = json_extract(k.value, '$[0]') AND a.key = json_extract(k.value, '$[1]')"""
_ANSWER = "INSERT INTO answer (owner, key, fingerprint, status, etag, body, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
_COUNT = """INSERT INTO counter (noun, place, status, shard, n) VALUES (?, ?, ?, 0, ?)
ON CONFLICT (noun, place, status, shard) DO UPDATE SET n = n + excluded.n"""
_EMPTY: dict[type, str] = {tuple: "[]", list: "[]", dict: "{}"}


def write_batch(connection: sqlite3.Connection, plans: Sequence[WritePlan], sealing: Sealing) -> list[Outcome]:
    """Write what may be written, one outcome for each plan. The caller has begun the transaction, and commits it."""
    keys = orjson.dumps([[plan.answer.owner, plan.answer.key] for plan in plans]).decode()
    earlier = {(r[0], r[1]): _answer_from_row(sealing, *r) for r in connection.execute(_STORED_ANSWERS_SQL, (keys,))}
    versions = _load_versions(connection, plans)
    outcomes: list[Outcome] = []
    kept: list[WritePlan] = []
    for plan in plans:
        known = earlier.get((plan.answer.owner, plan.answer.key))
        if any(g.expected is not None and versions.get((g.table, g.key)) != g.expected for g in plan.guards):
            outcomes.append(Stale())
        elif known is not None:
            outcomes.append(Replayed(known))
        else:
            outcomes.append(Committed(plan.answer))
            kept.append(plan)
    _insert_batch(connection, merge_plans(kept), sealing)
    return outcomes


def _answer_from_row(
    sealing: Sealing, owner: str, key: str, fingerprint: str, status: int, etag: str | None, body: str, at: str
) -> StoredAnswer:
    told = sealing.unseal(ANSWER_CONTEXT, body)
    return StoredAnswer(owner, key, fingerprint, status, told, datetime.fromisoformat(at), etag)


def _load_versions(connection: sqlite3.Connection, plans: Sequence[WritePlan]) -> dict[tuple[sa.Table, str], int]:
    guarded: dict[sa.Table, list[str]] = defaultdict(list)
    for plan in plans:
        for guard in plan.guards:
            if guard.expected is not None:
                guarded[guard.table].append(guard.key)
    found: dict[tuple[sa.Table, str], int] = {}
    for table, keys in guarded.items():
        for key, version in connection.execute(_version_query(table), (orjson.dumps(keys).decode(),)):
            found[(table, key)] = version
    return found


@cache
def _version_query(table: sa.Table) -> str:
    (key,) = table.primary_key.columns
    return f'SELECT "{key.name}", version FROM "{table.name}" WHERE "{key.name}" IN (SELECT value FROM json_each(?))'


def _insert_batch(connection: sqlite3.Connection, batch: WriteBatch, sealing: Sealing) -> None:
    for write in in_dependency_order(frozenset(batch.rows)):
        insert = _insert_statement(write)
        connection.executemany(insert.text, insert.parameters(batch.rows[write], sealing))
    connection.executemany(
        _ANSWER,
        [
            (a.owner, a.key, a.fingerprint, a.status, a.etag, body, format_instant(a.at))
            for a, body in ((a, sealing.seal_packed(ANSWER_CONTEXT, a.body)) for a in batch.answers)
        ],
    )
    if batch.tallies:
        counts: Counter[tuple[str, str, str]] = Counter()
        for _, noun, place, status, n in batch.tallies:
            counts[(noun, place, status)] += n
        connection.executemany(_COUNT, [(*key, n) for key, n in counts.items() if n])
    for index, entries in batch.search.items():
        connection.executemany(f'DELETE FROM "{index.table}" WHERE rowid = ?', [(entry.rowid,) for entry in entries])
        connection.executemany(
            f'INSERT INTO "{index.table}" (rowid, "{index.key}", words) VALUES (?, ?, ?)',
            [(entry.rowid, entry.key, " ".join(entry_terms(entry, sealing))) for entry in entries],
        )


class _InsertStatement:
    """The statement of one table, and its rows as the driver takes them: all fields at once by attrgetter, then only
    those encoded that need it."""

    def __init__(self, write: TableWrite) -> None:
        columns = [write.table.c[name] for name in write.columns]
        self.text = _insert_text(write)
        self._fields = attrgetter(*write.columns)
        self._instants = [n for n, c in enumerate(columns) if isinstance(c.type, Instant)]
        self._documents = [n for n, c in enumerate(columns) if isinstance(c.type, Document)]
        self._sealed = [(n, c.type) for n, c in enumerate(columns) if isinstance(c.type, SealedText | SealedDocument)]

    def parameters(self, rows: Sequence[Any], sealing: Sealing) -> list[list[Any]]:
        encoded = [list(self._fields(row)) for row in rows]
        for cells in encoded:
            for n in self._instants:
                if cells[n] is not None:
                    cells[n] = format_instant(cells[n])
            for n, kind in self._sealed:
                if cells[n] is not None:
                    cells[n] = kind.seal(sealing, cells[n])
            for n in self._documents:
                if cells[n] is not None:
                    cells[n] = orjson.dumps(cells[n]).decode() if cells[n] else _EMPTY[type(cells[n])]
        return encoded


@cache
def _insert_statement(write: TableWrite) -> _InsertStatement:
    return _InsertStatement(write)


def _insert_text(write: TableWrite) -> str:
    table = write.table.name
    values = {column: f"?{place}" for place, column in enumerate(write.columns, start=1)}
    for column, sql in write.derived.items():
        values[column] = re.sub(r"\{r\}(\w+)", lambda m: values[m[1]], sql)
    if write.sequence_column:  # there is one writer: what it inserts is in commit order
        values[write.sequence_column] = f'(SELECT coalesce(max("{write.sequence_column}"), 0) + 1 FROM "{table}")'
    again = f" ON CONFLICT ({', '.join(write.key)}) DO UPDATE SET {write.replacements}" if write.replace else ""
    into = ", ".join(f'"{column}"' for column in values)
    return f'INSERT INTO "{table}" ({into}) VALUES ({", ".join(values.values())}){again}'

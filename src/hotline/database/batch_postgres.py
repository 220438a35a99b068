"""A batch of write plans on PostgreSQL: ONE statement (one round trip, one transaction): JSON in, data-modifying CTEs,
outcomes out."""

from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

from hotline.database.columns import SealedDocument, SealedText, SearchIndex
from hotline.database.sealing import Sealing
from hotline.database.search_terms import entry_terms
from hotline.database.tables import ANSWER_CONTEXT
from hotline.database.write_plan import StoredAnswer, TableWrite, WritePlan, in_dependency_order, merge_plans

STORED_ANSWERS_SQL = """SELECT a.owner, a.key, a.fingerprint, a.status, a.etag, a.body, a.at
FROM json_to_recordset($1::json) AS k(owner text, key text) JOIN answer a ON a.owner = k.owner AND a.key = k.key"""


def build_batch_statement(plans: Sequence[WritePlan], shard: int, sealing: Sealing) -> tuple[str, list[Any]]:
    """The statement and its parameters. Its rows: `n`, a plan's place in the batch, and `kept`: whether it was written
    (true) or met another version (false). A plan without a row has a key that was used before."""
    batch = merge_plans(plans)
    writes = in_dependency_order(frozenset(batch.rows))
    guarded = {guard.table for _, guard in batch.guards if guard.expected is not None}
    indexes = tuple(batch.search)
    tables = tuple(sorted(guarded, key=lambda table: table.name))
    values: list[Any] = [
        as_json([_answer_row(n, answer) for n, answer in enumerate(batch.answers)]),
        # beside the JSON, where every quotation mark of theirs would be escaped and read once more
        [sealing.seal_packed(ANSWER_CONTEXT, answer.body) for answer in batch.answers],
        as_json(
            [
                {"n": n, "source": guard.table.name, "key": guard.key, "expected": guard.expected}
                for n, guard in batch.guards
            ]
        ),
        *(as_json(_record(write)(batch.rows[write], sealing)) for write in writes),
    ]
    if batch.tallies:
        names = ("n", "noun", "place", "status", "d")
        values.append(as_json([dict(zip(names, tally, strict=True)) for tally in batch.tallies]))
        values.append(shard)
    for index in indexes:
        values.append(
            as_json([{"key": entry.key, "words": entry_terms(entry, sealing)} for entry in batch.search[index]])
        )
    return _batch_sql(tables, writes, bool(batch.tallies), indexes), values


def as_json(rows: Any) -> str:
    return orjson.dumps(rows).decode()


class _Record:
    """The rows of one table as their JSON holds them: sealed where a column is."""

    def __init__(self, write: TableWrite) -> None:
        kinds = ((name, write.table.c[name].type) for name in write.columns)
        self._sealed = [(name, kind) for name, kind in kinds if isinstance(kind, SealedText | SealedDocument)]
        self._names, self._fields = write.columns, attrgetter(*write.columns)

    def __call__(self, rows: Sequence[Any], sealing: Sealing) -> Sequence[Any]:
        if not self._sealed:
            return rows
        records = [dict(zip(self._names, self._fields(row), strict=True)) for row in rows]
        for record in records:
            for name, kind in self._sealed:
                if record[name] is not None:
                    record[name] = kind.seal(sealing, record[name])
        return records


@cache
def _record(write: TableWrite) -> _Record:
    return _Record(write)


def _answer_row(n: int, answer: StoredAnswer) -> dict[str, Any]:
    return {
        "n": n,
        "owner": answer.owner,
        "key": answer.key,
        "fingerprint": answer.fingerprint,
        "status": answer.status,
        "etag": answer.etag,
        "at": answer.at,
    }


_ANSWER = "n int, owner text, key text, fingerprint text, status smallint, etag text, at timestamptz"


@cache  # once for each combination of tables
def _batch_sql(
    guarded: tuple[sa.Table, ...], writes: tuple[TableWrite, ...], tallies: bool, indexes: tuple[SearchIndex, ...]
) -> str:
    parts = [
        "asked AS MATERIALIZED (SELECT x.*, b.body FROM"
        " unnest($2::text[]) WITH ORDINALITY AS b(body, place)"
        f" JOIN json_to_recordset($1::json) AS x({_ANSWER}) ON x.n + 1 = b.place)",
        "guard AS MATERIALIZED (SELECT * FROM json_to_recordset($3::json)"
        " AS x(n int, source text, key text, expected int))",
        *_stale(guarded),
        "kept AS (INSERT INTO answer (owner, key, fingerprint, status, etag, body, at)"
        " SELECT owner, key, fingerprint, status, etag, body, at FROM asked WHERE n NOT IN (SELECT n FROM stale)"
        " ORDER BY owner, key ON CONFLICT DO NOTHING RETURNING owner, key)",
        "good AS MATERIALIZED (SELECT a.n FROM asked a JOIN kept k ON k.owner = a.owner AND k.key = a.key)",
        # a key stands in one plan of the batch alone: that plan's rows are told by it, whatever their table
        "ours AS MATERIALIZED (SELECT g.key FROM guard g JOIN good ON good.n = g.n)",
    ]
    place = 3
    for write in writes:
        place += 1
        parts.append(_insert(write, place))
    if tallies:
        parts.append(
            "w_counter AS (INSERT INTO counter (noun, place, status, shard, n)"
            f" SELECT r.noun, r.place, r.status, ${place + 2}::smallint, sum(r.d)"
            f" FROM json_to_recordset(${place + 1}::json)"
            " AS r(n int, noun text, place text, status text, d bigint) JOIN good ON good.n = r.n"
            " GROUP BY 1, 2, 3 HAVING sum(r.d) <> 0 ORDER BY 1, 2, 3"
            " ON CONFLICT (noun, place, status, shard) DO UPDATE SET n = counter.n + excluded.n)"
        )
        place += 2
    for index in indexes:
        place += 1
        parts.append(
            f'w_{index.table} AS (INSERT INTO "{index.table}" ("{index.key}", words) SELECT r.key,'
            " array_to_tsvector(ARRAY(SELECT json_array_elements_text(r.words)))"
            f" FROM json_to_recordset(${place}::json) AS r(key text, words json)"
            f' WHERE r.key IN (SELECT key FROM ours) ON CONFLICT ("{index.key}") DO UPDATE SET words = excluded.words)'
        )
    return "WITH " + ",\n".join(parts) + "\nSELECT n, true AS kept FROM good UNION ALL SELECT n, false FROM stale"


def _stale(guarded: tuple[sa.Table, ...]) -> list[str]:
    """The plans that met another version than they expected."""
    if not guarded:
        return ["stale AS MATERIALIZED (SELECT n FROM guard WHERE false)"]
    parts = []
    for table in guarded:
        (key,) = table.primary_key.columns
        # locked in order of the key, so that two batches never deadlock
        parts.append(
            f'v_{table.name} AS MATERIALIZED (SELECT t."{key.name}" AS key, t.version FROM "{table.name}" t'
            f" WHERE t.\"{key.name}\" IN (SELECT key FROM guard WHERE expected IS NOT NULL AND source = '{table.name}')"
            f' ORDER BY t."{key.name}" FOR UPDATE)'
        )
    found = " UNION ALL ".join(
        f"SELECT '{table.name}' AS source, key, version FROM v_{table.name}" for table in guarded
    )
    parts.append(
        f"stale AS MATERIALIZED (SELECT DISTINCT g.n FROM guard g LEFT JOIN ({found}) s"
        " ON s.source = g.source AND s.key = g.key"
        " WHERE g.expected IS NOT NULL AND s.version IS DISTINCT FROM g.expected)"
    )
    return parts


def _insert(write: TableWrite, place: int) -> str:
    """The rows of one table, from parameter `place`."""
    dialect = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
    table, plain = write.table, write.columns
    record = ", ".join(f'"{c}" {table.c[c].type.compile(dialect)}' for c in plain)
    into = ", ".join(f'"{c}"' for c in (*plain, *write.derived))
    select_list = ", ".join([*(f'r."{c}"' for c in plain), *(sql.format(r="r.") for sql in write.derived.values())])
    ours = f' WHERE r."{write.belongs_to}" IN (SELECT key FROM ours)' if write.belongs_to else ""
    order = again = ""
    if write.replace:
        order = " ORDER BY " + ", ".join(f'r."{c}"' for c in write.key)
        again = f" ON CONFLICT ({', '.join(write.key)}) DO UPDATE SET {write.replacements}"
    return (
        f'w{place}_{table.name} AS (INSERT INTO "{table.name}" ({into}) SELECT {select_list}'
        f" FROM json_to_recordset(${place}::json) AS r({record}){ours}{order}{again})"
    )

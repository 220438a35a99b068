"""What one request writes, as plain data about tables: the rows, the versions they replace, the counters they move, and
the answer kept under the request's key. A service makes a plan; the journal commits it.

A plan is about guarded rows (a ticket, say). Every other row of the plan belongs to one of them, by a column that holds
its key: so one statement can leave out all rows of a plan whose guard failed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import SearchIndex


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a request was answered: kept under its key, in the same transaction as its effect."""

    owner: str
    key: str
    fingerprint: str
    status: int
    body: str
    at: datetime
    etag: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TableWrite:
    """How rows of one table are written. A row is an instance of the dataclass `row_type`; its fields that are columns
    of the table are written. Made once, at import: statements are built for it once and kept."""

    table: sa.Table
    row_type: type
    # the column that holds the key of the guarded row which this row belongs to. None: shared by plans, and may be
    # written where its plan is not; of the rows of one key in a batch the last one is
    belongs_to: str | None
    replace: tuple[str, ...] = ()  # columns set anew where the primary key exists; empty: insert only
    keep: tuple[str, ...] = ()  # of these, those that NULL does not replace
    # which existing rows are set anew, as SQL; empty: each
    replace_where: str = ""
    # columns computed from the row: SQL with `{r}` before each of its columns
    derived: Mapping[str, str] = field(default_factory=dict)
    # a column numbered in commit order, on a database where one writer makes that order certain; else left NULL
    sequence_column: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f.name for f in fields(self.row_type) if f.name in self.table.c)

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.table.primary_key.columns)

    @property
    def replacements(self) -> str:
        """The SET list for a row whose key exists, and which of those rows."""
        return self._set_list() + (f" WHERE {self.replace_where}" if self.replace_where else "")

    def _set_list(self) -> str:
        return ", ".join(
            f'"{c}" = coalesce(excluded."{c}", "{self.table.name}"."{c}")'
            if c in self.keep
            else f'"{c}" = excluded."{c}"'
            for c in self.replace
        )


@dataclass(frozen=True, slots=True)
class VersionGuard:
    """A row that a plan writes, and the version it replaces (None: the row is new). Its table has one primary key
    column, of text, and an integer column `version` where an older version is ever named."""

    table: sa.Table
    key: str
    expected: int | None


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """What a guarded row can be found by from now on, instead of what it was found by. `rowid` is the row's number in
    the index: a positive integer that follows from the key. `names`: of persons; the index holds a keyed digest of each
    in place of its words, as it does of the phone numbers in `texts`. `names_are_found` False: not even that."""

    index: SearchIndex
    key: str
    rowid: int
    texts: tuple[str | None, ...]
    names: tuple[str | None, ...] = ()
    names_are_found: bool = True
    by_sound: tuple[str | None, ...] = ()  # texts that are found by their pinyin, too; names are, where they are found


@dataclass(frozen=True, slots=True)
class WritePlan:
    """All that is written at once, or not at all, and the answer kept with it."""

    answer: StoredAnswer
    guards: tuple[VersionGuard, ...]
    rows: Mapping[TableWrite, Sequence[Any]]
    tallies: Mapping[tuple[str, str, str], int] = field(default_factory=dict)  # (noun, place, status) -> difference
    search: tuple[SearchEntry, ...] = ()


@dataclass(slots=True)
class WriteBatch:
    """Several plans, table by table. `place` is a plan's place in the batch."""

    answers: list[StoredAnswer]
    guards: list[tuple[int, VersionGuard]]  # (place, guard)
    rows: dict[TableWrite, list[Any]]  # no table without rows
    tallies: list[tuple[int, str, str, str, int]]  # (place, noun, place counted, status, difference)
    search: dict[SearchIndex, list[SearchEntry]]


def merge_plans(plans: Sequence[WritePlan]) -> WriteBatch:
    """The plans as one batch. No key of an answer and no key of a guard may stand in two of them. Raises ValueError for
    a row that belongs to no guarded row of its plan: no guard would hold it back."""
    batch = WriteBatch([], [], {}, [], defaultdict(list))
    shared_rows: dict[TableWrite, dict[Any, Any]] = {}
    for place, plan in enumerate(plans):
        batch.answers.append(plan.answer)
        keys = set()
        for guard in plan.guards:
            batch.guards.append((place, guard))
            keys.add(guard.key)
        for write, rows in plan.rows.items():
            if not rows:
                continue
            if write.belongs_to is None:
                _merge_shared_rows(write, rows, shared_rows.setdefault(write, {}))
                continue
            if not keys.issuperset(map(attrgetter(write.belongs_to), rows)):
                raise ValueError(f"a row of {write.table.name} belongs to no guarded row of its plan")
            batch.rows.setdefault(write, []).extend(rows)
        for (noun, counted, status), difference in plan.tallies.items():
            batch.tallies.append((place, noun, counted, status, difference))
        for entry in plan.search:
            batch.search[entry.index].append(entry)
    for write, by_key in shared_rows.items():
        batch.rows[write] = [by_key[key] for key in sorted(by_key)]
    return batch


def _merge_shared_rows(write: TableWrite, rows: Sequence[Any], rows_by_key: dict[Any, Any]) -> None:
    """The last row of each key; one without what is to be kept gives way to one that has it."""
    key_of = attrgetter(*write.key)
    for row in rows:
        key = key_of(row)
        if key not in rows_by_key or all(getattr(row, column) is not None for column in write.keep):
            rows_by_key[key] = row


@cache
def in_dependency_order(writes: frozenset[TableWrite]) -> tuple[TableWrite, ...]:
    """Parents before the children that point at them, as foreign keys want it; and always the same order, so that two
    batches never deadlock."""
    ranks = {
        write: [table.name for table in write.table.metadata.sorted_tables].index(write.table.name) for write in writes
    }
    return tuple(sorted(writes, key=lambda write: (ranks[write], write.table.name, bool(write.replace))))


def indexed_characters(plans: Sequence[WritePlan]) -> int:
    """How many characters are read for the search indexes."""
    return sum(len(text or "") for plan in plans for entry in plan.search for text in entry.texts)

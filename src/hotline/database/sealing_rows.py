"""Seals rows that were written in plain, and rows that were sealed with an earlier secret; a batch of one table in each
transaction, so that it can be stopped and goes on where it was."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Document, SealedDocument, SealedKey, SealedText, sealing_of
from hotline.database.engine import Database
from hotline.database.metadata import metadata
from hotline.database.sealing import Sealing
from hotline.database.tables import sealing_progress as p
from hotline.refusals import Refused

BATCH = 200  # rows of one transaction
FINISH = "finish"  # stands among the tables until all is done
_EMPTY_DOCUMENTS = ["{}", "[]", '""', "null", "0", "false"]  # which are not sealed
Change = Callable[[Sealing, Any, Any], Any]  # (sealing, the column's type, as it stands) -> as it shall stand


@dataclass(frozen=True, slots=True)
class _Plain:
    """A table as it stands in the database, with nothing unsealed."""

    table: Any
    key: tuple[str, ...]
    sealed: tuple[tuple[str, SealedText | SealedDocument], ...]


class _AsItStands(Document):
    """A document, or the string that one is sealed as."""

    impl, cache_ok = sa.Text, True

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        is_read = dialect.name == "postgresql"  # by the driver
        return value if is_read else super().process_result_value(value, dialect)


def _plain(table: sa.Table, c: sa.Connection) -> _Plain:
    """Of the table as it is in this database: an earlier schema lacks the columns that came later."""
    there = {column["name"] for column in sa.inspect(c).get_columns(table.name)}
    sealed = tuple(
        (c.name, c.type) for c in table.c if c.name in there and isinstance(c.type, SealedText | SealedDocument)
    )
    key = tuple(c.name for c in table.primary_key.columns)
    kinds = {name: _AsItStands() if isinstance(kind, SealedDocument) else sa.Text() for name, kind in sealed}
    columns = [sa.column(name, kinds.get(name, table.c[name].type)) for name in dict.fromkeys([*key, *kinds])]
    return _Plain(sa.table(table.name, *columns), key, sealed)


def sealed_tables() -> Sequence[sa.Table]:
    """The tables with sealed columns."""
    return [t for t in metadata.sorted_tables if any(isinstance(c.type, SealedText | SealedDocument) for c in t.c)]


def seal_value(sealing: Sealing, kind: Any, value: Any) -> Any:
    """Sealed with the present secret, whatever it stands as."""
    if not value or (isinstance(value, str) and sealing.is_current(value, looked_up=isinstance(kind, SealedKey))):
        return value
    return kind.seal(sealing, unseal_value(sealing, kind, value))


def unseal_value(sealing: Sealing, kind: Any, value: Any) -> Any:
    """In plain, whatever it stands as."""
    if not value:
        return value
    return kind.unseal(sealing, value) if isinstance(kind, SealedDocument) else sealing.unseal(kind.context, value)


def _sealed_otherwise(
    sealing: Sealing, plain: _Plain, kinds: tuple[type, ...] = (SealedText, SealedDocument)
) -> Sequence[sa.ColumnElement[bool]]:
    """For each sealed column of these kinds, whether its value was not sealed with the present secret: with another, or
    not at all."""
    conditions = []
    for name, kind in plain.sealed:
        if not isinstance(kind, kinds):
            continue
        head = sealing.current_head(looked_up=isinstance(kind, SealedKey))
        value, empty = plain.table.c[name], [""]
        if isinstance(kind, SealedDocument):
            value, head, empty = sa.cast(value, sa.Text), f'"{head}', _EMPTY_DOCUMENTS
        else:
            value = sa.type_coerce(value, sa.Text)
        begins = sa.func.substr(value, 1, len(head))  # LIKE would not tell "a" from "A" on SQLite
        conditions.append(sa.and_(plain.table.c[name].is_not(None), value.not_in(empty), begins != head))
    return conditions


def count_sealed_otherwise(c: sa.Connection, name: str, *, keys_only: bool = False) -> int:
    """How many values of a table were not sealed with the present secret; `keys_only`: of those that are looked up. It
    reads the whole table."""
    plain, kinds = _plain(metadata.tables[name], c), (SealedKey,) if keys_only else (SealedText, SealedDocument)
    counts = [sa.func.count(sa.case((each, 1))) for each in _sealed_otherwise(sealing_of(c.dialect), plain, kinds)]
    return sum(c.execute(sa.select(*counts).select_from(plain.table)).one())


def seal_anew_next(
    c: sa.Connection, name: str, after: Sequence[Any], limit: int
) -> tuple[Counter[str], list[Any] | None]:
    """Seal the next rows of a table with the present secret; how many values were `sealed`, and how many are
    `unreadable` with every secret that is accepted; and the last row's key (None: there are no more)."""
    done = Counter[str]()

    def seal_readable(sealing: Sealing, kind: Any, value: Any) -> Any:
        try:
            new = seal_value(sealing, kind, value)
        except (Refused, ValueError):
            done["unreadable"] += 1
            return value
        done["sealed"] += new != value
        return new

    return done, change_rows(c, name, after, seal_readable, only_others=True, limit=limit)


def change_rows(
    c: sa.Connection,
    name: str,
    after: Sequence[Any],
    change: Change = seal_value,
    *,
    only_others: bool = False,
    limit: int = BATCH,
) -> list[Any] | None:
    """Change the next rows of a table behind the key `after` (empty: from the first on); the last one's key. None:
    there are no more. `only_others`: rows with a value that was not sealed with the present secret."""
    plain, sealing = _plain(metadata.tables[name], c), sealing_of(c.dialect)
    table = plain.table
    key = [table.c[column] for column in plain.key]
    query = sa.select(*table.c).order_by(*key).limit(limit).with_for_update()
    if only_others:
        query = query.where(sa.or_(*_sealed_otherwise(sealing, plain)))
    if after:
        query = query.where(
            sa.tuple_(*key) > sa.tuple_(*(sa.literal(v, k.type) for v, k in zip(after, key, strict=True)))
        )
    rows = c.execute(query).mappings().all()
    where = [table.c[column] == sa.bindparam(f"key_{column}") for column in plain.key]
    update = sa.update(table).where(*where)
    for row in rows:
        new = {column: change(sealing, kind, row[column]) for column, kind in plain.sealed}
        different = {column: value for column, value in new.items() if value != row[column]}
        if different:
            c.execute(update.values(**different), {f"key_{column}": row[column] for column in plain.key})
    return [rows[-1][column] for column in plain.key] if rows else None


def seal_next(c: sa.Connection) -> bool:
    """Seal the next batch of the tables that wait for it. False: none waits."""
    waiting = sa.select(*p.c).where(p.c.name != FINISH).order_by(p.c.name).limit(1)
    row = c.execute(waiting.with_for_update()).first()
    if row is None:
        return False
    reached = change_rows(c, row.name, row.after)
    if reached is None:
        c.execute(sa.delete(p).where(p.c.name == row.name))
    else:
        c.execute(sa.update(p).where(p.c.name == row.name).values(after=reached))
    return True


def load_waiting_tables(c: sa.Connection) -> list[str]:
    """The tables with rows that wait to be sealed."""
    return list(c.execute(sa.select(p.c.name).order_by(p.c.name)).scalars())


def wait_for_sealing(c: sa.Connection, names: Sequence[str]) -> None:
    """Let `seal_next` begin anew with these tables. Until the last one is done and `end_sealing` was called, no process
    serves this database: what is looked up and still stands in plain would not be found."""
    waiting = (*names, FINISH)
    c.execute(sa.delete(p).where(p.c.name.in_(waiting)))
    c.execute(sa.insert(p), [{"name": name, "after": []} for name in waiting])


def end_sealing(c: sa.Connection) -> None:
    """Note that nothing is left to be done."""
    c.execute(sa.delete(p).where(p.c.name == FINISH))


def is_sealing_unfinished(c: sa.Connection) -> bool:
    """Whether rows are still to be sealed, or what follows it is still to be done."""
    return sa.inspect(c).has_table(p.name) and c.execute(sa.select(p.c.name).limit(1)).first() is not None


def unseal_table(c: sa.Connection, name: str) -> None:
    """Write a whole table in plain."""
    after: Sequence[Any] | None = []
    while after is not None:
        after = change_rows(c, name, after, unseal_value)


async def seal_all(db: Database) -> bool:
    """Seal all that waits, a batch in each transaction. True: it was sealed now or before, and what follows is not done
    yet. False: nothing waits, or the schema seals nothing yet."""
    if not await db.transact(is_sealing_unfinished):
        return False
    while await db.transact(seal_next):
        pass
    return True


def forget_deleted(connection: sqlite3.Connection) -> None:
    """Leave nothing in an SQLite file and its log of what was deleted or replaced. It writes the file anew, and may
    take minutes."""
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%USING fts5%'").fetchall():
        connection.execute(f'INSERT INTO "{name}" ("{name}") VALUES (\'optimize\')')  # noqa: S608  a name of ours
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

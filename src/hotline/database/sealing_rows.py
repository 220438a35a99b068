"""Seals rows that were written in plain, and rows that were sealed with an earlier secret; a batch of one table in each
transaction, so that it can be stopped and goes on where it was."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Document, SealedDocument, SealedKey, SealedText, sealing_of
from hotline.database.engine import Database
from hotline.database.metadata import metadata
from hotline.database.sealing import Sealing
from hotline.database.tables import sealing_progress as p

BATCH = 200  # rows of one transaction
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


def _plain(table: sa.Table) -> _Plain:
    sealed = tuple((c.name, c.type) for c in table.c if isinstance(c.type, SealedText | SealedDocument))
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


def change_rows(c: sa.Connection, name: str, after: Sequence[Any], change: Change = seal_value) -> list[Any] | None:
    """Change the next BATCH rows of a table behind the key `after` (empty: from the first on); the last one's key.
    None: there are no more."""
    plain, sealing = _plain(metadata.tables[name]), sealing_of(c.dialect)
    table = plain.table
    key = [table.c[column] for column in plain.key]
    query = sa.select(*table.c).order_by(*key).limit(BATCH).with_for_update()
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
    """Seal the next batch of the tables that wait for it. False: nothing waits."""
    row = c.execute(sa.select(*p.c).order_by(p.c.name).limit(1).with_for_update()).first()
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
    """Let `seal_next` begin anew with these tables."""
    c.execute(sa.delete(p).where(p.c.name.in_(names)))
    c.execute(sa.insert(p), [{"name": name, "after": []} for name in names])


def unseal_table(c: sa.Connection, name: str) -> None:
    """Write a whole table in plain."""
    after: Sequence[Any] | None = []
    while after is not None:
        after = change_rows(c, name, after, unseal_value)


async def seal_all(db: Database) -> int:
    """Seal all that waits, a batch in each transaction; how many batches. 0 on a schema that seals nothing yet."""
    if not await db.transact(lambda c: sa.inspect(c).has_table(p.name)):
        return 0
    batches = 0
    while await db.transact(seal_next):
        batches += 1
    return batches


def forget_deleted(connection: sqlite3.Connection) -> None:
    """Leave nothing in an SQLite file and its log of what was deleted or replaced. It writes the file anew, and may
    take minutes."""
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%USING fts5%'").fetchall():
        connection.execute(f'INSERT INTO "{name}" ("{name}") VALUES (\'optimize\')')  # noqa: S608  a name of ours
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

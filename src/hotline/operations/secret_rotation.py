"""Replacing HOTLINE_SECRET: sealing anew what another secret sealed, and how much of it is left."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from hotline.database.context import PlatformServices
from hotline.database.sealing_rows import count_sealed_otherwise, seal_anew_next, sealed_tables
from hotline.refusals import Refused
from hotline.secrets.secret_box import SealedColumn, SealedColumns, is_sealed_by, seal, secret_id, unseal

BATCH = 200  # rows sealed anew in one transaction


@dataclass(frozen=True, slots=True)
class ColumnRotation:
    """What was done in a column, as `table.column`, or in the sealed columns of a table: values sealed anew, and values
    that no accepted secret opens."""

    column: str
    sealed: int
    unreadable: int


async def seal_anew(services: PlatformServices) -> list[ColumnRotation]:
    """Seal with the current secret whatever another one sealed, in short transactions. Broken off, it is called again
    and goes on: what is sealed anew already is passed over."""
    return [
        *[await _seal_column(services, column) for column in services.part(SealedColumns).all()],
        *[await _seal_table(services, table.name) for table in sealed_tables()],
    ]


async def count_sealed_by_others(services: PlatformServices) -> int:
    """How many values the current secret does not open by itself, of personal data and of secrets. It reads every
    sealed column to its end."""

    def count(c: sa.Connection) -> int:
        personal = sum(count_sealed_otherwise(c, table.name) for table in sealed_tables())
        return personal + sum(_count_column(services, column, c) for column in services.part(SealedColumns).all())

    return await services.db.snapshot(count)


def _count_column(services: PlatformServices, column: SealedColumn, c: sa.Connection) -> int:
    """How many values of a column of secrets another one sealed. Those that do not tell are tried."""
    key, value = list(column.table.primary_key.columns), column.table.c[column.column]
    others = [column.table.c[name] for name in column.context_columns if column.table.c[name] not in key]
    query = sa.select(*key, *others, value.label("sealed_value")).where(_may_be_sealed_by_others(services, column))
    with c.execute(query) as rows:
        return sum(
            not is_sealed_by(services.secret, column.context(row), row["sealed_value"])
            for row in map(dict, rows.mappings())
        )


async def _seal_table(services: PlatformServices, name: str) -> ColumnRotation:
    """The personal data of a table."""
    done, last = Counter[str](), list[Any]()
    while True:
        batch = partial(seal_anew_next, name=name, after=last, limit=BATCH)
        counted, reached = await services.db.transact(batch)
        done.update(counted)
        if reached is None:
            return ColumnRotation(name, done["sealed"], done["unreadable"])
        last = reached


async def _seal_column(services: PlatformServices, column: SealedColumn) -> ColumnRotation:
    sealed, unreadable, last = 0, 0, None
    while True:
        rows, last, failed = await services.db.transact(partial(_seal_batch, services, column, last))
        sealed, unreadable = sealed + rows, unreadable + failed
        if last is None:
            return ColumnRotation(f"{column.table.name}.{column.column}", sealed, unreadable)


def _may_be_sealed_by_others(services: PlatformServices, column: SealedColumn) -> sa.ColumnElement[bool]:
    value = column.table.c[column.column]
    wanted = sa.and_(value.is_not(None), value.not_like(f"{secret_id(services.secret)}.%"))
    return wanted if column.where is None else sa.and_(wanted, column.where)


def _seal_batch(
    services: PlatformServices, column: SealedColumn, after: tuple[Any, ...] | None, c: sa.Connection
) -> tuple[int, tuple[Any, ...] | None, int]:
    """The next rows behind a primary key: how many were sealed anew, the last key (None: there is no more), how many
    could not be opened."""
    key, value = list(column.table.primary_key.columns), column.table.c[column.column]
    others = [column.table.c[name] for name in column.context_columns if column.table.c[name] not in key]
    query = sa.select(*key, *others, value.label("sealed_value")).where(_may_be_sealed_by_others(services, column))
    if after is not None:
        given = [sa.literal(part, each.type) for part, each in zip(after, key, strict=True)]
        query = query.where(sa.tuple_(*key) > sa.tuple_(*given))
    rows = [dict(row) for row in c.execute(query.order_by(*key).limit(BATCH)).mappings()]
    sealed = unreadable = 0
    for row in rows:
        try:
            context = column.context(row)
            anew = seal(services.secret, context, unseal(services.secret, context, row["sealed_value"]))
        except (Refused, ValueError):
            unreadable += 1
            continue
        same = [each == row[each.name] for each in key]
        # only where nobody changed it meanwhile: then it is sealed with the current secret, or is met the next time
        sealed += c.execute(
            sa.update(column.table).where(*same, value == row["sealed_value"]).values({column.column: anew})
        ).rowcount
    return sealed, (tuple(rows[-1][each.name] for each in key) if len(rows) == BATCH else None), unreadable

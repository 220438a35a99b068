"""Replacing HOTLINE_SECRET: the look-up key, which stays the same, and sealing anew what an earlier secret sealed."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from hotline.database.context import PlatformServices
from hotline.database.engine import Database
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.sealing_rows import seal_all, sealed_tables, wait_for_sealing
from hotline.database.tables import stored_key
from hotline.refusals import Refused
from hotline.secrets.secret_box import SealedColumn, SealedColumns, seal, secret_id, unseal
from hotline.server_secret import ServerSecret, accepted_secrets

LOOKUP, PERSONAL = "lookup", "personal"  # names of stored keys; the second one marks who sealed the personal data
BATCH = 200  # rows sealed anew in one transaction
SEALED = (SealedColumn(stored_key, "sealed", lambda row: _key_context(row["name"])),)


def _key_context(name: str) -> str:
    return f"key {name}"


async def load_lookup_key(db: Database, secret: bytes, now: datetime, *, store: bool = True) -> None:
    """Give the secret the look-up key of this database: the oldest secret accepted, which is stored (`store`) once
    there are several. Raises Refused where it was sealed with a secret that is not accepted: this process would find no
    caller and no key."""
    if not isinstance(secret, ServerSecret):
        return

    def read(c: sa.Connection) -> str | None:
        if not sa.inspect(c).has_table(stored_key.name):  # the schema is older, or there is none
            return None
        query = sa.select(stored_key.c.sealed).where(stored_key.c.name == LOOKUP)
        sealed = c.execute(query).scalar_one_or_none()
        if sealed is None and store and len(accepted_secrets(secret)) > 1:
            sealed = seal(secret, _key_context(LOOKUP), secret.lookup.hex())
            insert_ignoring_duplicates(c, stored_key, [{"name": LOOKUP, "sealed": sealed, "created_at": now}])
            sealed = c.execute(query).scalar_one()  # another process may have stored it a moment ago
        return sealed

    sealed = await db.transact(read)
    if sealed is not None:
        secret.lookup = bytes.fromhex(unseal(secret, _key_context(LOOKUP), sealed))


@dataclass(frozen=True, slots=True)
class ColumnRotation:
    """What was done in a column, as `table.column`: values sealed anew, and values that no accepted secret opens."""

    column: str
    sealed: int
    unreadable: int


async def seal_anew(services: PlatformServices) -> list[ColumnRotation]:
    """Seal with the current secret whatever another one sealed, in short transactions. Broken off, it is called again
    and goes on: what is sealed anew already is passed over."""
    if not await _is_personal_data_current(services):
        await services.db.transact(lambda c: wait_for_sealing(c, [table.name for table in sealed_tables()]))
        await seal_all(services.db)
        await services.db.transact(lambda c: _mark_personal_data(services, c))
    done = []
    for column in services.part(SealedColumns).all():
        sealed, unreadable, last = 0, 0, None
        while True:
            batch = partial(_seal_batch, services, column, last)
            rows, last, failed = await services.db.transact(batch)
            sealed, unreadable = sealed + rows, unreadable + failed
            if last is None:
                break
        done.append(ColumnRotation(f"{column.table.name}.{column.column}", sealed, unreadable))
    return done


async def count_sealed_by_others(services: PlatformServices) -> int:
    """How many values do not say that the current secret sealed them; the personal data counts as one."""

    def count(c: sa.Connection) -> int:
        queries = [
            sa.select(sa.func.count()).select_from(column.table).where(_is_sealed_by_others(services, column))
            for column in services.part(SealedColumns).all()
        ]
        return sum(c.execute(query).scalar_one() for query in queries)

    if len(accepted_secrets(services.secret)) == 1:
        return 0
    return await services.db.transact(count) + (not await _is_personal_data_current(services))


async def _is_personal_data_current(services: PlatformServices) -> bool:
    """Whether the personal data was sealed with the current secret to its end."""
    query = sa.select(stored_key.c.sealed).where(stored_key.c.name == PERSONAL)
    sealed = await services.db.transact(lambda c: c.execute(query).scalar_one_or_none())
    return sealed is not None and sealed.startswith(f"{secret_id(services.secret)}.")


def _mark_personal_data(services: PlatformServices, c: sa.Connection) -> None:
    sealed = seal(services.secret, _key_context(PERSONAL), "")
    c.execute(sa.delete(stored_key).where(stored_key.c.name == PERSONAL))
    c.execute(sa.insert(stored_key).values(name=PERSONAL, sealed=sealed, created_at=services.clock()))


def _is_sealed_by_others(services: PlatformServices, column: SealedColumn) -> sa.ColumnElement[bool]:
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
    query = sa.select(*key, *others, value.label("sealed_value")).where(_is_sealed_by_others(services, column))
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

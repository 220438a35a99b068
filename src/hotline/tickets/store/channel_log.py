"""What every log of the channels is asked: those in a state, a page at a time, or one; within the asker's scope."""

from collections.abc import Sequence
from functools import lru_cache

import sqlalchemy as sa

from hotline.database.engine import Database, one
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.tickets.store.scope import confidential_of, of_their_tickets, seen_by, whole_scope


@lru_cache(maxsize=16)
def _seen(table: sa.Table, by_area: bool, one_of_them: bool) -> PreparedQuery:
    number, status, key = table.c.number, table.c.status, table.c.id
    seen = sa.select(*table.c, confidential_of(number)).where(of_their_tickets(number, whole_scope(by_area)))
    if one_of_them:
        return PreparedQuery(seen.where(key == sa.bindparam("id", type_=sa.String)))
    return PreparedQuery(
        seen.where(status == sa.bindparam("status", type_=sa.String), key > sa.bindparam("after", type_=sa.String))
        .order_by(key)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


async def in_state(db: Database, table: sa.Table, scope: Scope, status: str, after: str, limit: int) -> Sequence[Row]:
    """Rows that stand in a state, by id; `confidential` beside each (None: it has no ticket). What has no ticket is no
    area's: it is for who sees every area."""
    question = _seen(table, scope.areas is not None, False)
    return await db.rows(question, status=status, after=after, limit=limit, **seen_by(scope))


async def that_one(db: Database, table: sa.Table, scope: Scope, id: str) -> Row | None:  # noqa: A002
    """One row. None: not there, or not theirs to see."""
    return await one(db, _seen(table, scope.areas is not None, True), id=id, **seen_by(scope))

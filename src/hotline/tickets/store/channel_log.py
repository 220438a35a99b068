"""Queries that the logs of all channels share: rows in a state by page, or one row; within the asker's scope."""

from collections.abc import Sequence
from functools import lru_cache

import sqlalchemy as sa

from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.tickets.store.scope import confidential_column, desk_scope, scope_parameters, ticket_scope_condition


@lru_cache(maxsize=16)
def _log_query(table: sa.Table, by_area: bool, single_row: bool) -> PreparedQuery:
    number, status, key = table.c.number, table.c.status, table.c.id
    seen = sa.select(*table.c, confidential_column(number)).where(ticket_scope_condition(number, desk_scope(by_area)))
    if single_row:
        return PreparedQuery(seen.where(key == sa.bindparam("id", type_=sa.String)))
    return PreparedQuery(
        seen.where(status == sa.bindparam("status", type_=sa.String), key > sa.bindparam("after", type_=sa.String))
        .order_by(key)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


async def load_log_rows(
    db: Database, table: sa.Table, scope: Scope, status: str, after: str, limit: int
) -> Sequence[Row]:
    """Rows that stand in a state, by id; `confidential` beside each (None: it has no ticket). What has no ticket is no
    area's: it is for who sees every area."""
    query = _log_query(table, scope.areas is not None, False)
    return await db.rows(query, status=status, after=after, limit=limit, **scope_parameters(scope))


async def load_log_row(db: Database, table: sa.Table, scope: Scope, id: str) -> Row | None:  # noqa: A002
    """One row. None: not there, or not theirs to see."""
    return await fetch_first(db, _log_query(table, scope.areas is not None, True), id=id, **scope_parameters(scope))

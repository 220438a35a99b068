"""Queries of the orders that departments, contractors and people have, and of the accounts of those people."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, in_words
from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.actors import Role
from hotline.organisation.tables import api_key as k
from hotline.organisation.tables import person as p
from hotline.tickets.model.departures import Assignee
from hotline.tickets.model.vocabulary import UNREPORTED
from hotline.tickets.tables import assignment as a

_UNREPORTED = (a.c.closed_at.is_(None), in_words(a.c.status, UNREPORTED))
_HELD = (a.c.department, a.c.performer, a.c.assignee)
_HOLDINGS = PreparedQuery(sa.select(*_HELD, sa.func.count().label("n")).where(*_UNREPORTED).group_by(*_HELD))
_OF_ASSIGNEE = PreparedQuery(
    sa.select(*_HELD, sa.func.count().label("n"))
    .where(*_UNREPORTED, a.c.assignee == sa.bindparam("assignee", type_=sa.String))
    .group_by(*_HELD)
)


async def load_holdings(db: Database, assignee: str | None = None) -> Sequence[Row]:
    """Who has how many orders that are not yet reported: department, performer, assignee, n. `assignee`: of that one
    alone."""
    return await (db.rows(_HOLDINGS) if assignee is None else db.rows(_OF_ASSIGNEE, assignee=assignee))


_ORDERS = PreparedQuery(
    sa.select(a.c.id, a.c.number)
    .where(*_UNREPORTED, a.c.department == sa.bindparam("department", type_=sa.String))
    .where(a.c.performer.is_not_distinct_from(sa.bindparam("performer", type_=sa.String)))
    .where(a.c.assignee.is_not_distinct_from(sa.bindparam("assignee", type_=sa.String)))
    .order_by(a.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def load_orders_held(db: Database, holding: Row, limit: int) -> Sequence[Row]:
    """The orders of a holding: id, number."""
    held = {"department": holding.department, "performer": holding.performer, "assignee": holding.assignee}
    return await db.rows(_ORDERS, **held, limit=limit)


_PEOPLE = PreparedQuery(
    sa.select(p.c.id, p.c.name, p.c.active, p.c.roles, p.c.department).where(InCodes(p.c.id, "ids"))
)
_IS_LIVE = sa.and_(
    k.c.revoked_at.is_(None),
    sa.or_(k.c.expires_at.is_(None), k.c.expires_at > sa.bindparam("now", type_=Instant)),
)
_KEYS = PreparedQuery(
    sa.select(k.c.id, k.c.name, _IS_LIVE.label("active"), k.c.roles, k.c.department).where(InCodes(k.c.id, "ids"))
)


async def load_assignees(db: Database, ids: Sequence[str], now: datetime) -> Mapping[str, Assignee]:
    """The people and keys of these ids."""
    rows = [*await db.rows(_PEOPLE, ids=list(ids)), *await db.rows(_KEYS, ids=list(ids), now=now)] if ids else []
    return {r.id: Assignee(r.name, bool(r.active), frozenset(map(Role, r.roles)), r.department) for r in rows}


def _count_query(*conditions: sa.ColumnElement[bool]) -> PreparedQuery:
    return PreparedQuery(sa.select(sa.func.count().label("n")).select_from(a).where(*conditions))


_CODE = sa.bindparam("code", type_=sa.String)
_OF_DEPARTMENT = _count_query(*_UNREPORTED, a.c.department == _CODE)
_OF_PERFORMER = _count_query(*_UNREPORTED, a.c.performer == _CODE, a.c.department != _CODE)


async def count_orders_of_department(db: Database, code: str) -> int:
    """How many unreported orders a department has or performs."""
    rows = [await fetch_first(db, query, code=code) for query in (_OF_DEPARTMENT, _OF_PERFORMER)]
    return sum(int(row.n) for row in rows if row)


_BY_ROUTE = PreparedQuery(
    sa.select(a.c.route, sa.func.count().label("n")).where(*_UNREPORTED, a.c.route.is_not(None)).group_by(a.c.route)
)


async def count_orders_by_route(db: Database) -> Mapping[str, int]:
    """How many unreported orders each row of the dispatch catalogue sent."""
    return {row.route: int(row.n) for row in await db.rows(_BY_ROUTE)}

"""The tickets and assignments that a measure counts: the table of `tickets/model/measures` as SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, in_words
from hotline.database.engine import Database
from hotline.database.keyset import KeysetPage
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.tickets.model.measures import MEASURES, Condition, CountedKind, Measure, Op
from hotline.tickets.store.lists import RESPONSIBLE_DEPARTMENT
from hotline.tickets.store.scope import scope_condition, scope_parameters
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import ticket as t


def _sql_condition(table: sa.Table, test: Condition) -> sa.ColumnElement[bool]:
    column = table.c[test.field]
    match test.op:
        case Op.IN:
            return in_words(column, test.value)
        case Op.NOT_IN:
            return ~in_words(column, test.value)
        case Op.SET:
            return column.is_not(None)
        case Op.UNSET:
            return column.is_(None)
        case Op.OVER:
            return column > sa.literal_column(str(int(test.value)))
    other: sa.ColumnElement[Any] = table.c[test.value]
    if test.op is Op.BEFORE:
        return column < other
    return column <= other if test.op is Op.BY else column > other


def _table(measure: Measure) -> sa.Table:
    return t if measure.of is CountedKind.TICKET else a


@lru_cache(maxsize=512)
def _counted_query(
    code: str, unrestricted: bool, by_area: bool, by_order: bool, filters: frozenset[str], after: bool
) -> PreparedQuery:
    measure = MEASURES[code]
    table = _table(measure)
    at = table.c[measure.at] if measure.at else t.c.created_at
    key = t.c.number if measure.of is CountedKind.TICKET else a.c.id
    order = sa.cast(sa.null(), sa.String) if measure.of is CountedKind.TICKET else a.c.id
    department = RESPONSIBLE_DEPARTMENT if measure.of is CountedKind.TICKET else a.c.department
    scope = Scope(unrestricted, frozenset() if by_area else None, frozenset({"x"}) if by_order else frozenset())
    query = sa.select(
        t.c.number, order.label("order"), at.label("at"), key.label("key"), scope_condition(scope).label("theirs")
    )
    if measure.of is CountedKind.ORDER:
        query = query.select_from(a.join(t, t.c.number == a.c.number))
    for test in measure.where:
        query = query.where(_sql_condition(table, test))
    if measure.at:
        query = query.where(at >= sa.bindparam("first", type_=Instant), at < sa.bindparam("before", type_=Instant))
    for name, column in {
        "department": department,
        "category": t.c.category,
        "area": t.c.area,
        "channel": t.c.channel,
    }.items():
        if name in filters:
            query = query.where(InCodes(sa.func.coalesce(column, sa.literal_column("''")), f"of_{name}"))
    if after:
        place = sa.tuple_(sa.bindparam("after_at", type_=Instant), sa.bindparam("after_key", type_=sa.String))
        query = query.where(sa.tuple_(at, key) > place)
    return PreparedQuery(query.order_by(at, key).limit(sa.bindparam("limit", type_=sa.Integer)))


@dataclass(frozen=True, slots=True)
class Counted:
    """What a measure counts from `first` until `before`, within these codes of each filter."""

    measure: str
    first: datetime
    before: datetime
    filters: Mapping[str, Sequence[str]]


async def load_counted_rows(db: Database, scope: Scope, counted: Counted, page: KeysetPage) -> Sequence[Row]:
    """The rows of a page in order of their moment: number, order, at, key, theirs (whether the ticket is still theirs
    to see)."""
    measure, filters, after = counted.measure, counted.filters, page.after
    query = _counted_query(
        measure, scope.whole, scope.areas is not None, bool(scope.departments), frozenset(filters), after is not None
    )
    values: dict[str, Any] = {**scope_parameters(scope), "limit": page.limit}
    if MEASURES[measure].at:
        values |= {"first": counted.first, "before": counted.before}
    values |= {f"of_{name}": list(codes) for name, codes in filters.items()}
    if after:
        values["after_at"], values["after_key"] = after
    return await db.rows(query, **values)

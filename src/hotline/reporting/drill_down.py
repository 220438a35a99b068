"""The tickets, assignments and calls that a measure counts: the table of `tickets/model/measures` as SQL."""

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
from hotline.tickets.model.measures import MEASURES, Condition, CountedKind, Op
from hotline.tickets.store.lists import RESPONSIBLE_DEPARTMENT
from hotline.tickets.store.scope import scope_condition, scope_parameters
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import call
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


_TABLES = {CountedKind.TICKET: t, CountedKind.ORDER: a, CountedKind.CALL: call}
_NOBODY = sa.literal_column("''", sa.String)


@lru_cache(maxsize=512)
def _counted_query(
    code: str, unrestricted: bool, by_area: bool, by_order: bool, filters: frozenset[str], after: bool
) -> PreparedQuery:
    measure = MEASURES[code]
    table = _TABLES[measure.of]
    at = table.c[measure.at] if measure.at else t.c.created_at
    key = t.c.number if measure.of is CountedKind.TICKET else table.c.id
    contact = call.c.id if measure.of is CountedKind.CALL else sa.cast(sa.null(), sa.String)
    order = a.c.id if measure.of is CountedKind.ORDER else sa.cast(sa.null(), sa.String)
    department = {
        CountedKind.TICKET: RESPONSIBLE_DEPARTMENT,
        CountedKind.ORDER: a.c.department,
        CountedKind.CALL: _NOBODY,
    }[measure.of]
    counted_by = call if measure.of is CountedKind.CALL else t
    scope = Scope(unrestricted, frozenset() if by_area else None, frozenset({"x"}) if by_order else frozenset())
    query = sa.select(
        t.c.number,
        order.label("order"),
        contact.label("call"),
        at.label("at"),
        key.label("key"),
        scope_condition(scope).label("theirs"),
    )
    if measure.of is not CountedKind.TICKET:
        query = query.select_from(table.join(t, t.c.number == table.c.number))
    for test in measure.where:
        query = query.where(_sql_condition(table, test))
    if measure.at:
        query = query.where(at >= sa.bindparam("first", type_=Instant), at < sa.bindparam("before", type_=Instant))
    for name, column in {
        "department": department,
        "category": counted_by.c.category,
        "area": counted_by.c.area,
        "channel": counted_by.c.channel,
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
    """The rows of a page in order of their moment: number, order, call, at, key, theirs (whether the ticket is
    still theirs to see)."""
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

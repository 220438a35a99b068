"""What a measure or a failure of `tickets/model/measures` counts, as SQL: for the lists behind a number."""

from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, in_words
from hotline.tickets.model.measures import MEASURES, OVERDUE_NAMES, Condition, CountedKind, Op, counted_parts, kind_of
from hotline.tickets.model.vocabulary import HELD, Part
from hotline.tickets.store.scope import held_orders
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import call
from hotline.tickets.tables import ticket as t

# the department a ticket is counted under, as `responsible_order` of `tickets/model/measures` finds it
RESPONSIBLE_DEPARTMENT = (
    sa.select(held_orders.c.department)
    .where(
        held_orders.c.number == t.c.number,
        in_words(held_orders.c.part, (Part.LEAD,)),
        in_words(held_orders.c.status, HELD),
    )
    .order_by(held_orders.c.issued_at.desc(), held_orders.c.id.desc())
    .limit(1)
    .correlate(t)
    .scalar_subquery()
)
COUNTED_TABLES = {CountedKind.TICKET: t, CountedKind.ORDER: a, CountedKind.CALL: call}
_RUNNING = {late: running for running, late in OVERDUE_NAMES.items()}
_FIRST, _BEFORE = sa.bindparam("counted_from", type_=Instant), sa.bindparam("counted_before", type_=Instant)
_TODAY = sa.bindparam("counted_today", type_=Instant)


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


def _measure_condition(code: str) -> sa.ColumnElement[bool]:
    """Whether a row of the measure's table is counted. What is overdue runs still, and its day is over."""
    measure = MEASURES[_RUNNING.get(code, code)]
    table = COUNTED_TABLES[measure.of]
    tests = [_sql_condition(table, test) for test in measure.where]
    if code in _RUNNING:
        tests.append(moment_of(code) < _TODAY)
    return sa.and_(sa.true(), *tests)


def moment_of(code: str) -> sa.ColumnElement[Any]:
    """The moment on whose day it is counted; of a stock, when the ticket came in."""
    measure = MEASURES[_RUNNING.get(code, code)]
    return COUNTED_TABLES[measure.of].c[measure.at] if measure.at else t.c.created_at


def counted_condition(code: str) -> sa.ColumnElement[bool]:
    """Whether a row of the table of this kind is counted by the measure or failure `code`, within `counted_from` until
    `counted_before`; of a stock, now. `counted_today`: when today began."""
    parts = counted_parts(code)
    first = parts.any_of[0]
    found = sa.or_(*(_measure_condition(name) for name in parts.any_of))
    for name in parts.none_of:  # a test of a moment that is not set is NULL, which is no yes
        found = sa.and_(found, sa.not_(sa.func.coalesce(_measure_condition(name), sa.false())))
    if MEASURES[_RUNNING.get(first, first)].at is None:
        return found
    at = moment_of(first)
    return sa.and_(found, at >= _FIRST, at < _BEFORE)


def ticket_condition(code: str, by_department: bool) -> sa.ColumnElement[bool]:
    """Whether a ticket, or one of its orders or calls, is counted; `by_department`: for one of `these_department`."""
    kind, condition = kind_of(code), counted_condition(code)
    if kind is CountedKind.TICKET:
        return sa.and_(condition, InCodes(RESPONSIBLE_DEPARTMENT, "these_department")) if by_department else condition
    table = COUNTED_TABLES[kind]
    query = sa.select(table.c.number).where(condition)
    if by_department and kind is CountedKind.ORDER:
        query = query.where(InCodes(a.c.department, "these_department"))
    return t.c.number.in_(query)

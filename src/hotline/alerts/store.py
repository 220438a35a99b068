"""Queries of emergencies that wait. Every one begins with the asker's scope."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from hotline.alerts.model import (
    ALERT_PRIORITY,
    ALERT_STATUSES,
    UNDISPATCHED,
    Alert,
    UnsignedOrder,
    WaitsFor,
    dangers_of,
)
from hotline.database.columns import InCodes, in_words
from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.tickets.model.vocabulary import LIVE, AssignmentStatus
from hotline.tickets.store.lists import unsigned_orders
from hotline.tickets.store.scope import scope_condition, scope_form, scope_parameters
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import ticket as t

MAX_ALERTS = 100
S = AssignmentStatus
_WAITS_FOR = {S.ISSUED: WaitsFor.ACCEPTANCE, S.ACCEPTED: WaitsFor.ACCEPTANCE, S.RETURN_REQUESTED: WaitsFor.RULING}


def _unsigned(order: Any) -> sa.ColumnElement[bool]:
    """The same as `_is_unsigned` of the model."""
    return sa.or_(unsigned_orders(order), in_words(order.c.status, (S.RETURN_REQUESTED,)))


def _orders(order: Any) -> Any:
    return sa.select(sa.literal(1)).where(order.c.number == t.c.number).correlate(t)


@lru_cache(maxsize=32)
def _alert_query(scope: Scope, *, own_alone: bool, one: bool) -> PreparedQuery:
    """`own_alone`: only where an order of the scope's own departments is unsigned; `one`: of one ticket."""
    waiting, running = a.alias("waiting"), a.alias("running")
    unsigned = _orders(waiting).where(_unsigned(waiting))
    if own_alone:
        theirs = sa.or_(InCodes(waiting.c.department, "theirs"), InCodes(waiting.c.performer, "theirs"))
        waits = unsigned.where(theirs, in_words(waiting.c.status, (S.ISSUED, S.ACCEPTED))).exists()
    else:
        taken = _orders(running).where(in_words(running.c.status, LIVE)).exists()
        waits = sa.or_(sa.and_(in_words(t.c.status, UNDISPATCHED), sa.not_(taken)), unsigned.exists())
    query = (
        sa.select(t.c.number, t.c.created_at, t.c.area, t.c.building, t.c.unit, t.c.address, t.c.category, t.c.flags,
                  t.c.confidential)
        .where(t.c.priority == sa.literal_column(f"'{ALERT_PRIORITY}'"), in_words(t.c.status, ALERT_STATUSES))
        .where(scope_condition(scope), waits)
    )  # fmt: skip
    if one:
        query = query.where(t.c.number == sa.bindparam("number", type_=sa.String))
    # of too many the newest: the oldest were told before
    return PreparedQuery(query.order_by(t.c.created_at.desc(), t.c.number.desc()).limit(MAX_ALERTS))


_UNSIGNED_ORDERS = PreparedQuery(
    sa.select(a.c.number, a.c.id, a.c.department, a.c.performer, a.c.status, a.c.issued_at, a.c.accept_by)
    .where(InCodes(a.c.number, "numbers"), _unsigned(a))
    .order_by(a.c.number, a.c.issued_at, a.c.id)
)


async def load_alerts(db: Database, scope: Scope, *, own_alone: bool, number: str | None = None) -> list[Alert]:
    """The emergencies within a scope that wait, the longest waiting first; of more than MAX_ALERTS the newest.
    `own_alone`: only those whose unsigned order is one of the scope's departments'. `number`: that ticket alone."""
    if scope.nothing or (own_alone and not scope.departments):
        return []
    query = _alert_query(scope_form(scope), own_alone=own_alone, one=number is not None)
    values = scope_parameters(scope) | ({"number": number} if number is not None else {})
    rows = (await db.rows(query, **values))[::-1]
    if not rows:
        return []
    orders = await db.rows(_UNSIGNED_ORDERS, numbers=[row.number for row in rows])
    by_ticket = {n: tuple(map(_order_from_row, group)) for n, group in groupby(orders, key=lambda row: row.number)}
    return [_alert_from_row(row, by_ticket.get(row.number, ())) for row in rows]


def _order_from_row(row: Row) -> UnsignedOrder:
    return UnsignedOrder(row.id, row.department, row.performer, _WAITS_FOR[S(row.status)], row.issued_at, row.accept_by)


def _alert_from_row(row: Row, orders: Sequence[UnsignedOrder]) -> Alert:
    return Alert(
        row.number, row.created_at, row.area, row.building, row.unit, None if row.confidential else row.address,
        row.category, dangers_of(row.flags), row.confidential, tuple(orders),
    )  # fmt: skip

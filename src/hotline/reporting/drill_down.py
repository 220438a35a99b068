"""The tickets, assignments and calls that a measure counts: the table of `tickets/model/measures` as SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant
from hotline.database.engine import Database
from hotline.database.keyset import KeysetPage
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.tickets.model.measures import CountedKind, counted_parts, kind_of, limit_of
from hotline.tickets.store.counted import COUNTED_TABLES, RESPONSIBLE_DEPARTMENT, counted_condition, moment_of
from hotline.tickets.store.scope import scope_condition, scope_form, scope_parameters
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import call
from hotline.tickets.tables import ticket as t

COUNTED_AT_MOST = 1000  # rows behind a number: a page never counts a year of a city
_NOBODY = sa.literal_column("''", sa.String)


_NOTHING = sa.cast(sa.null(), sa.String)
_NO_MOMENT = sa.cast(sa.null(), Instant)


def _order_columns(code: str) -> list[sa.ColumnElement[Any]]:
    """Of an order: its contractor, its part, its limit and when that was kept; null of anything else."""
    is_order, limit = kind_of(code) is CountedKind.ORDER, limit_of(code)
    return [
        (a.c.performer if is_order else _NOTHING).label("performer"),
        (a.c.part if is_order else _NOTHING).label("part"),
        (a.c[limit[0]] if limit else _NO_MOMENT).label("due"),
        (_done(limit[1]) if limit else _NO_MOMENT).label("done"),
    ]


def _done(field: str) -> sa.ColumnElement[Any]:
    """When a limit was kept. What the clock alone accepted nobody has signed for."""
    if field != "signed_at":
        return a.c[field]
    later = sa.case((a.c.accepted_at > a.c.signed_at, a.c.accepted_at), else_=a.c.signed_at)
    return sa.type_coerce(later, Instant)


@dataclass(frozen=True, slots=True)
class _QueryForm:
    """Which query: `scope` as it is compiled, `after`: a later page, `total`: how many there are instead of a page."""

    code: str
    scope: Scope
    filters: frozenset[str]
    after: bool
    total: bool


@lru_cache(maxsize=512)
def _counted_query(form: _QueryForm) -> PreparedQuery:
    code, scope = form.code, form.scope
    kind = kind_of(code)
    table = COUNTED_TABLES[kind]
    at = moment_of(counted_parts(code).any_of[0])
    key = t.c.number if kind is CountedKind.TICKET else table.c.id
    contact = call.c.id if kind is CountedKind.CALL else sa.cast(sa.null(), sa.String)
    order = a.c.id if kind is CountedKind.ORDER else sa.cast(sa.null(), sa.String)
    department = {
        CountedKind.TICKET: RESPONSIBLE_DEPARTMENT,
        CountedKind.ORDER: a.c.department,
        CountedKind.CALL: _NOBODY,
    }[kind]
    counted_by = call if kind is CountedKind.CALL else t
    query = sa.select(
        t.c.number,
        order.label("order"),
        contact.label("call"),
        at.label("at"),
        key.label("key"),
        scope_condition(scope).label("theirs"),
        department.label("unit"),
        *_order_columns(code),
    )
    if kind is not CountedKind.TICKET:
        query = query.select_from(table.join(t, t.c.number == table.c.number))
    query = query.where(counted_condition(code))
    for name, column in {
        "department": department,
        "category": counted_by.c.category,
        "area": counted_by.c.area,
        "channel": counted_by.c.channel,
    }.items():
        if name in form.filters:
            query = query.where(InCodes(sa.func.coalesce(column, sa.literal_column("''")), f"of_{name}"))
    if form.total:
        found = query.limit(sa.bindparam("limit", type_=sa.Integer)).subquery()
        return PreparedQuery(sa.select(sa.func.count(), sa.func.count(found.c.number.distinct())))
    if form.after:
        place = sa.tuple_(sa.bindparam("after_at", type_=Instant), sa.bindparam("after_key", type_=sa.String))
        query = query.where(sa.tuple_(at, key) > place)
    return PreparedQuery(query.order_by(at, key).limit(sa.bindparam("limit", type_=sa.Integer)))


@dataclass(frozen=True, slots=True)
class Counted:
    """What a measure or a failure counts from `first` until `before`, within these codes of each filter. `today`: when
    the day began on which it is asked."""

    code: str
    first: datetime
    before: datetime
    today: datetime
    filters: Mapping[str, Sequence[str]]


def _asked(
    scope: Scope, counted: Counted, page: KeysetPage, *, total: bool = False
) -> tuple[PreparedQuery, dict[str, Any]]:
    later = page.after is not None and not total
    query = _counted_query(_QueryForm(counted.code, scope_form(scope), frozenset(counted.filters), later, total))
    values: dict[str, Any] = {**scope_parameters(scope), "limit": page.limit}
    values |= {"counted_from": counted.first, "counted_before": counted.before, "counted_today": counted.today}
    values |= {f"of_{name}": list(codes) for name, codes in counted.filters.items()}
    if page.after:
        values["after_at"], values["after_key"] = page.after
    return query, values


async def load_counted_rows(db: Database, scope: Scope, counted: Counted, page: KeysetPage) -> Sequence[Row]:
    """The rows of a page in order of their moment: number, order, call, at, key, theirs (whether the ticket is
    still theirs to see), unit (the department whose it is), and of an order its performer, part, due (the limit it is
    judged by) and done (when that was kept; null: not yet)."""
    query, values = _asked(scope, counted, page)
    return await db.rows(query, **values)


def read_counted_rows(c: sa.Connection, scope: Scope, counted: Counted, page: KeysetPage) -> Sequence[Row]:
    """The same within a snapshot."""
    query, values = _asked(scope, counted, page)
    return c.execute(query.statement, values).all()


def count_counted_rows(c: sa.Connection, scope: Scope, counted: Counted) -> tuple[int, int]:
    """How many rows there are in all, and of how many tickets; more than COUNTED_AT_MOST are not counted further."""
    query, values = _asked(scope, counted, KeysetPage(COUNTED_AT_MOST + 1), total=True)
    rows, tickets = c.execute(query.statement, values).one()
    return int(rows), int(tickets)


@lru_cache(maxsize=64)
def _orders_query(code: str, filters: frozenset[str], own: bool) -> PreparedQuery:
    query = (
        sa.select(a.c.number, a.c.id.label("order"), a.c.department.label("unit"), *_order_columns(code))
        .where(InCodes(a.c.number, "numbers"), counted_condition(code))
        .order_by(a.c.number, a.c.issued_at, a.c.id)
    )
    if "department" in filters:
        query = query.where(InCodes(a.c.department, "of_department"))
    if own:
        query = query.where(sa.or_(InCodes(a.c.department, "own"), InCodes(a.c.performer, "own")))
    return PreparedQuery(query)


async def load_counted_orders(db: Database, scope: Scope, counted: Counted, numbers: Sequence[str]) -> Sequence[Row]:
    """The orders of these tickets that a measure of orders counts: number, order, unit, performer, part, due, done.
    Whoever does not see whole tickets gets the orders of their own departments."""
    values: dict[str, Any] = {"numbers": list(numbers), "counted_from": counted.first, "counted_today": counted.today}
    values |= {"counted_before": counted.before}
    if "department" in counted.filters:
        values["of_department"] = list(counted.filters["department"])
    if not scope.whole:
        values["own"] = sorted(scope.departments)
    return await db.rows(_orders_query(counted.code, frozenset(counted.filters), not scope.whole), **values)

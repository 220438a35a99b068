"""Queries of a department's orders."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, in_words
from hotline.database.engine import Database
from hotline.database.page_size import MAX_PAGE_SIZE
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.organisation.model.vocabulary import Level, Metric
from hotline.tickets.sla.colours import COLOURS_ASCENDING, DEPARTMENT_METRICS
from hotline.tickets.sla.next_clock import RunningClock
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import clock, escalation
from hotline.tickets.tables import counter as c
from hotline.tickets.tables import ticket as t

MAX_QUEUE_ROWS = MAX_PAGE_SIZE + 1  # the last one says that there is another page
_COLUMNS = (
    a.c.id,
    a.c.number,
    a.c.department,
    a.c.performer,
    a.c.assignee,
    a.c.part,
    a.c.status,
    a.c.priority,
    a.c.rank,
    a.c.sort_at,
    a.c.issued_at,
    a.c.due_at,
    a.c.accept_by,
    a.c.accepted_at,
    a.c.signed_at,
    a.c.contacted_at,
    a.c.asked_due_at,
    a.c.ruled,
    a.c.redos,
    t.c.title,
    t.c.category,
    t.c.kind,
    t.c.area,
    t.c.address,
    t.c.building,
    t.c.unit,
    t.c.attachments,
    t.c.flags,
    t.c.urges,
    t.c.supervised,
    t.c.status.label("ticket_status"),
    t.c.version,
)


def _queue_query(holder: sa.Column[Any], by_area: bool) -> PreparedQuery:
    place = sa.tuple_(
        sa.bindparam("rank", type_=sa.SmallInteger),
        sa.bindparam("sort_at", type_=Instant),
        sa.bindparam("id", type_=sa.String),
    )
    stamp = (
        sa.select(sa.func.coalesce(sa.func.sum(c.c.n), 0))
        .where(c.c.noun == "queue", c.c.place == sa.bindparam("department", type_=sa.String))
        .scalar_subquery()
    )
    query = (
        sa.select(*_COLUMNS, sa.cast(stamp, sa.BigInteger).label("stamp"))
        .select_from(a.join(t, t.c.number == a.c.number))
        .where(holder == sa.bindparam("department", type_=sa.String), a.c.closed_at.is_(None))
        .where(sa.tuple_(a.c.rank, a.c.sort_at, a.c.id) > place)
    )
    if by_area:
        query = query.where(InCodes(t.c.area, "areas"))
    # The longest page, whose bound stands in the text, is cut by the parameter. How many rows a parameter lets through
    # PostgreSQL can but guess: it would plan a long queue anew for each request, which takes longer than to read it.
    # The cut has no order of its own: SQLite would read and sort the longest page for it.
    longest = query.order_by(a.c.rank, a.c.sort_at, a.c.id).limit(sa.literal_column(str(MAX_QUEUE_ROWS))).subquery("q")
    return PreparedQuery(sa.select(*longest.c).limit(sa.bindparam("limit", type_=sa.Integer)))


_HELD = {by_area: _queue_query(a.c.department, by_area) for by_area in (False, True)}
_PERFORMED = {by_area: _queue_query(a.c.performer, by_area) for by_area in (False, True)}


async def load_open_orders(
    db: Database,
    scope: Scope,
    department: str,
    after: tuple[int, datetime, str],
    limit: int,
    *,
    performing: bool = False,
) -> list[dict[str, Any]]:
    """The department's open orders behind `after`: emergencies first, then soonest due; each with the queue's stamp, so
    that a page and its stamp are of one instant; none where it is not theirs to see. Raises ValueError for a `limit`
    above MAX_QUEUE_ROWS: the statement would cut the rows without a word."""
    if limit > MAX_QUEUE_ROWS:
        raise ValueError(f"a queue is read in pages of {MAX_QUEUE_ROWS} rows at most")
    if department not in scope.departments and not scope.whole:
        return []
    by_area = scope.areas is not None
    query = (_PERFORMED if performing else _HELD)[by_area]
    values = {"areas": sorted(scope.areas or ())} if by_area else {}
    rank, sort_at, order = after
    return await db.row_dicts(query, department=department, rank=rank, sort_at=sort_at, id=order, limit=limit, **values)


_NOW = sa.bindparam("now", type_=Instant)
COLOURS = (*COLOURS_ASCENDING[1:], COLOURS_ASCENDING[0])


def _colour_rank(word: str) -> sa.ColumnElement[int]:
    return sa.literal_column(str(COLOURS_ASCENDING.index(word)), sa.Integer)


# the place of a clock's colour in COLOURS_ASCENDING: the same rule as `colour_of` of `tickets/sla/colours`
_COLOUR_RANK = sa.case(
    (
        sa.or_(clock.c.breached_at.is_not(None), sa.and_(clock.c.next_level.is_not(None), clock.c.limit_at < _NOW)),
        _colour_rank("red"),
    ),
    (sa.or_(clock.c.id.is_(None), clock.c.paused_at.is_not(None)), _colour_rank("grey")),
    *((escalation.c.colour == sa.literal_column(f"'{level}'"), _colour_rank(level)) for level in Level),
    else_=_colour_rank("green"),
)
_IS_DEPARTMENT_CLOCK = sa.and_(  # decides an order's colour, as `order_colour` does
    clock.c.number == a.c.number,
    clock.c.assignment == a.c.id,
    in_words(clock.c.metric, DEPARTMENT_METRICS),
    clock.c.stopped_at.is_(None),
)
_LAST_ESCALATION = sa.and_(escalation.c.clock == clock.c.id, escalation.c.level == clock.c.level)


def orders_with_colour(
    orders: sa.FromClause, where: Sequence[sa.ColumnElement[bool]], *by: sa.Column[Any]
) -> tuple[sa.Subquery, sa.ColumnElement[str]]:
    """Each of these orders once (its id and these columns), and how it looks."""
    each = (
        sa.select(a.c.id, *by, sa.func.max(_COLOUR_RANK).label("worst"))
        .select_from(orders.outerjoin(clock, _IS_DEPARTMENT_CLOCK).outerjoin(escalation, _LAST_ESCALATION))
        .where(*where)
        .group_by(a.c.id, *by)
        .subquery("each")
    )
    words = (
        (each.c.worst == _colour_rank(word), sa.literal_column(f"'{word}'", sa.String)) for word in COLOURS_ASCENDING
    )
    return each, sa.case(*words)


def colour_counts_query(
    orders: sa.FromClause, where: Sequence[sa.ColumnElement[bool]], *by: sa.Column[Any]
) -> PreparedQuery:
    """How many of these orders there are by these columns and by how they look."""
    each, looks = orders_with_colour(orders, where, *by)
    groups = [each.c[column.name] for column in by]
    return PreparedQuery(
        sa.select(*groups, looks.label("looks"), sa.func.count().label("n")).group_by(*groups, each.c.worst)
    )


_RUNNING = PreparedQuery(
    sa.select(
        clock.c.number, clock.c.assignment, clock.c.metric, clock.c.limit_at, clock.c.paused_at,
        a.c.department, a.c.performer, _COLOUR_RANK.label("colour"),
    )
    .select_from(clock.outerjoin(a, a.c.id == clock.c.assignment).outerjoin(escalation, _LAST_ESCALATION))
    .where(InCodes(clock.c.number, "numbers"), clock.c.stopped_at.is_(None), clock.c.limit_at.is_not(None))
)  # fmt: skip


async def load_running_clocks(
    db: Database, numbers: Sequence[str], now: datetime, holders: Collection[str] | None = None
) -> dict[str, list[RunningClock]]:
    """Ticket -> its clocks that have not stopped, of tickets that the asker was shown. `holders`: of orders, those of
    these departments and performers alone."""
    found: dict[str, list[RunningClock]] = {}
    for row in await db.rows(_RUNNING, numbers=list(numbers), now=now) if numbers else ():
        if row.assignment is not None and holders is not None and not {row.department, row.performer} & set(holders):
            continue
        found.setdefault(row.number, []).append(
            RunningClock(
                Metric(row.metric),
                row.assignment,
                row.limit_at,
                COLOURS_ASCENDING[row.colour],
                row.paused_at is not None,
            )
        )
    return found


_LINE = (a.c.id, a.c.number, a.c.status, a.c.priority, a.c.issued_at, a.c.due_at)


@lru_cache(maxsize=2)
def _open_work_queries(by_area: bool) -> dict[str, PreparedQuery]:
    # a ticket is fetched only where it is asked for: its page of storage is one more for each order
    orders = a.join(t, t.c.number == a.c.number) if by_area else a

    def holder_conditions(holder: sa.Column[Any]) -> list[sa.ColumnElement[bool]]:
        return [InCodes(holder, "places"), a.c.closed_at.is_(None), *([InCodes(t.c.area, "areas")] if by_area else [])]

    def first_orders_query(count: int, where: list[sa.ColumnElement[bool]], *order: sa.Column[Any]) -> PreparedQuery:
        """The first few in this order: found among the orders alone, then these few with their tickets' titles."""
        few = sa.select(*_LINE).select_from(orders).where(*where).order_by(*order).limit(count).subquery("few")
        titled = few.join(t, t.c.number == few.c.number)
        return PreparedQuery(sa.select(few, t.c.title).select_from(titled).order_by(*(few.c[by.name] for by in order)))

    held = holder_conditions(a.c.department)
    return {
        "counts": colour_counts_query(orders, held, a.c.department, a.c.status),
        "oldest": first_orders_query(1, held, a.c.issued_at, a.c.id),
        "due_next": first_orders_query(5, [*held, a.c.due_at >= _NOW], a.c.due_at, a.c.id),
        "performing": PreparedQuery(
            sa.select(a.c.status, sa.func.count().label("n"))
            .select_from(orders)
            .where(*holder_conditions(a.c.performer))
            .group_by(a.c.status)
        ),
    }


async def load_open_work(db: Database, scope: Scope, places: frozenset[str], now: datetime) -> dict[str, Sequence[Row]]:
    """The open orders of these departments: `counts` (department, status, looks, n), the `oldest`, what is `due_next`,
    and what they are `performing` for others (status, n). Asks of open orders alone, however many tickets lie behind
    them."""
    queries = _open_work_queries(scope.areas is not None)
    if not scope.whole and not places <= scope.departments:
        return dict.fromkeys(queries, ())
    values: dict[str, Any] = {"places": sorted(places)}
    if scope.areas is not None:
        values["areas"] = sorted(scope.areas)
    timed = {"counts", "due_next"}
    return {
        name: await db.rows(query, **values, **({"now": now} if name in timed else {}))
        for name, query in queries.items()
    }

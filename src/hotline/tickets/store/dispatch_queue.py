"""The dispatcher's queue: tickets without a department, filtered, in several orders, with the end of their dispatch
limit; and the few columns that its counts are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, in_words
from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.organisation.model.vocabulary import Metric
from hotline.tickets.model.vocabulary import TicketStatus
from hotline.tickets.store.lists import BRIEF_COLUMNS
from hotline.tickets.store.scope import desk_scope, scope_condition, scope_parameters
from hotline.tickets.tables import clock
from hotline.tickets.tables import ticket as t

WAITING_STATUSES = (TicketStatus.RECEIVED, TicketStatus.TRIAGED)
_MORE_COLUMNS = (
    t.c.advice, t.c.returned_by, t.c.returns, t.c.incident, t.c.attachments, t.c.address, t.c.building, t.c.unit,
    t.c.floor, t.c.room,
)  # fmt: skip
_RANK = sa.case((t.c.priority == "emergency", 0), (t.c.priority == "urgent", 1), else_=2)
# what has no running limit is sorted by when it came in
_ENDS = sa.func.coalesce(clock.c.limit_at, t.c.created_at)
_OWN_CLOCK = sa.and_(
    clock.c.number == t.c.number, in_words(clock.c.metric, (Metric.DISPATCH,)), clock.c.stopped_at.is_(None)
)


class QueueOrder(StrEnum):
    """What comes first."""

    URGENCY = "urgency"  # emergencies, then longest waiting
    DUE = "due"
    LATEST_DUE = "-due"
    WAITED = "waited"
    NEWEST = "-waited"


_KEYS: Mapping[QueueOrder, tuple[sa.ColumnElement[Any], ...]] = {
    QueueOrder.URGENCY: (_RANK, t.c.created_at),
    QueueOrder.DUE: (_ENDS,),
    QueueOrder.LATEST_DUE: (_ENDS,),
    QueueOrder.WAITED: (t.c.created_at,),
    QueueOrder.NEWEST: (t.c.created_at,),
}
_DESCENDING = frozenset({QueueOrder.LATEST_DUE, QueueOrder.NEWEST})
_CODES = {"category": t.c.category, "area": t.c.area}
_WORDS = ("priority", "kind", "channel")


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where the page before ended: `rank` in the order of urgency alone."""

    at: datetime
    number: str
    rank: int = 0


@dataclass(frozen=True, slots=True)
class QueueFilters:
    """`values`: by the names of `_WORDS` one word, by those of `_CODES` a list of codes, `due_before` and
    `created_from` a moment. `returned`: only what a department gave back."""

    values: Mapping[str, Any] = field(default_factory=dict)
    returned: bool = False


@lru_cache(maxsize=256)
def _queue_query(by_area: bool, order: QueueOrder, names: frozenset[str], returned: bool, after: bool) -> PreparedQuery:
    keys = (*_KEYS[order], t.c.number)
    query = (
        sa.select(*BRIEF_COLUMNS, *_MORE_COLUMNS, clock.c.limit_at.label("until"), _RANK.label("rank"),
                  _KEYS[order][-1].label("place"))
        .select_from(t.outerjoin(clock, _OWN_CLOCK))
        .where(in_words(t.c.status, WAITING_STATUSES), scope_condition(desk_scope(by_area)))
    )  # fmt: skip
    for name in _WORDS:
        if name in names:
            query = query.where(t.c[name] == sa.bindparam(name, type_=sa.String))
    for name, column in _CODES.items():
        if name in names:
            query = query.where(InCodes(column, f"these_{name}"))
    if "due_before" in names:
        query = query.where(clock.c.limit_at < sa.bindparam("due_before", type_=Instant))
    if "created_from" in names:
        query = query.where(t.c.created_at >= sa.bindparam("created_from", type_=Instant))
    if returned:
        query = query.where(t.c.returns > 0)
    if after:
        place = [sa.bindparam("after_at", type_=Instant), sa.bindparam("after_number", type_=sa.String)]
        if order is QueueOrder.URGENCY:
            place.insert(0, sa.bindparam("after_rank", type_=sa.Integer))
        here, there = sa.tuple_(*keys), sa.tuple_(*place)
        query = query.where(here < there if order in _DESCENDING else here > there)
    ordered = [key.desc() for key in keys] if order in _DESCENDING else keys
    return PreparedQuery(query.order_by(*ordered).limit(sa.bindparam("limit", type_=sa.Integer)))


async def load_dispatch_queue(
    db: Database, scope: Scope, filters: QueueFilters, order: QueueOrder, after: QueuePlace | None, limit: int
) -> Sequence[Row]:
    """What no department has yet; `until`: when its dispatch limit ends, `place` and `rank`: of its order. For the
    desk: none without it."""
    if not scope.whole:
        return []
    values = scope_parameters(Scope(True, scope.areas, frozenset()))
    for name, value in filters.values.items():
        values[f"these_{name}" if name in _CODES else name] = value
    if after is not None:
        values["after_at"], values["after_number"] = after.at, after.number
        if order is QueueOrder.URGENCY:
            values["after_rank"] = after.rank
    names = frozenset(filters.values)
    query = _queue_query(scope.areas is not None, order, names, filters.returned, after is not None)
    return await db.rows(query, **values, limit=limit)


@lru_cache(maxsize=2)
def _counts_query(by_area: bool) -> PreparedQuery:
    # each state by its index, in order: both together would be sorted whole
    waits = (
        sa.select(t.c.priority, t.c.returns, clock.c.limit_at.label("until"))
        .select_from(t.outerjoin(clock, _OWN_CLOCK))
        .where(t.c.status == sa.bindparam("status", type_=sa.String), scope_condition(desk_scope(by_area)))
        .order_by(t.c.created_at, t.c.number)
        .limit(sa.bindparam("limit", type_=sa.Integer))
        .subquery("waits")
    )

    def tell(holds: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((holds, 1), else_=0)), 0)

    return PreparedQuery(
        sa.select(
            sa.func.count().label("waiting"),
            tell(waits.c.priority == "emergency").label("emergency"),
            tell(waits.c.until < sa.bindparam("soon", type_=Instant)).label("due_soon"),
            tell(waits.c.returns > 0).label("returned"),
        ).select_from(waits)
    )


async def count_dispatch_queue(db: Database, scope: Scope, soon: datetime, limit: int) -> Mapping[str, int]:
    """How many wait, are emergencies, must be dispatched before `soon`, and were returned: over the longest waiting of
    each state, at most `limit`."""
    found = dict.fromkeys(("waiting", "emergency", "due_soon", "returned"), 0)
    if scope.whole:
        values = scope_parameters(Scope(True, scope.areas, frozenset()))
        for status in WAITING_STATUSES:
            rows = await db.rows(
                _counts_query(scope.areas is not None), **values, status=status, soon=soon, limit=limit
            )
            for name in found:
                found[name] += int(getattr(rows[0], name))
    return found

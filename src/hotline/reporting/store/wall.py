"""What the wallboard reads, within one snapshot: counts, emergencies, places and the last events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Instant, in_words
from hotline.database.prepared import Row
from hotline.organisation.model.scopes import Scope
from hotline.organisation.model.vocabulary import Priority
from hotline.tickets.model.vocabulary import OPEN, Action, TicketStatus
from hotline.tickets.store import lists
from hotline.tickets.store.assignments import orders_with_colour
from hotline.tickets.store.lists import BRIEF_COLUMNS
from hotline.tickets.store.scope import desk_scope, scope_condition, scope_parameters
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import ticket as t
from hotline.tickets.tables import timeline

RUNNING = tuple(sorted(OPEN - {TicketStatus.RESOLVED, TicketStatus.SHELVED}))  # somebody has to act now
MOST_EMERGENCIES = 12
MOST_PLACES = 5_000
MOST_ENTRIES = 14
# what is worth telling across a room; notes and looks are not
TOLD = (
    Action.RECEIVE, Action.DISPATCH, Action.ACCEPT, Action.REPORT, Action.CONFIRM, Action.URGE, Action.REOPEN,
    Action.ESCALATE, Action.ANSWER, Action.EXPLAIN, Action.REQUEST_RETURN, Action.REJECT_REPORT, Action.SUPERVISE,
    Action.UPDATE_INCIDENT,
)  # fmt: skip


def _desk(scope: Scope) -> tuple[bool, dict[str, Any]]:
    return scope.areas is not None, scope_parameters(Scope(True, scope.areas, frozenset()))


def count_list(c: sa.Connection, scope: Scope, filters: Mapping[str, Any]) -> int:
    """How many tickets the list of these filters shows."""
    return lists.count_tickets(c, Scope(True, scope.areas, frozenset()), dict(filters))


@lru_cache(maxsize=2)
def _emergencies(by_area: bool) -> sa.Select[Any]:
    return (
        sa.select(*BRIEF_COLUMNS)
        .where(in_words(t.c.status, RUNNING), in_words(t.c.priority, (Priority.EMERGENCY,)))
        .where(scope_condition(desk_scope(by_area)))
        .order_by(t.c.created_at.desc(), t.c.number.desc())
        .limit(MOST_EMERGENCIES)
    )


def read_emergencies(c: sa.Connection, scope: Scope) -> Sequence[Row]:
    """The emergencies that somebody has to act on, newest first, at most MOST_EMERGENCIES."""
    by_area, values = _desk(scope)
    return c.execute(_emergencies(by_area), values).all()


@lru_cache(maxsize=2)
def _places(by_area: bool) -> sa.Select[Any]:
    emergency = sa.case((in_words(t.c.priority, (Priority.EMERGENCY,)), 1), else_=0)
    urgent = sa.case((in_words(t.c.priority, (Priority.URGENT,)), 1), else_=0)
    return (
        sa.select(
            t.c.area,
            sa.func.count().label("open"),
            sa.func.sum(emergency).label("emergencies"),
            sa.func.sum(urgent).label("urgent"),
        )
        .where(in_words(t.c.status, tuple(OPEN)), t.c.area.is_not(None), scope_condition(desk_scope(by_area)))
        .group_by(t.c.area)
        .order_by(sa.func.count().desc(), t.c.area)
        .limit(MOST_PLACES)
    )


def read_places(c: sa.Connection, scope: Scope) -> Sequence[Row]:
    """Open tickets by place: area, open, emergencies, urgent."""
    by_area, values = _desk(scope)
    return c.execute(_places(by_area), values).all()


@lru_cache(maxsize=2)
def _place_colours(by_area: bool) -> sa.Select[Any]:
    where = [a.c.closed_at.is_(None), t.c.area.is_not(None), scope_condition(desk_scope(by_area))]
    each, looks = orders_with_colour(a.join(t, t.c.number == a.c.number), where, t.c.area)
    return sa.select(each.c.area, looks.label("looks")).group_by(each.c.area, each.c.worst)


def read_place_colours(c: sa.Connection, scope: Scope, now: datetime) -> Sequence[Row]:
    """How running orders look, by place: area, looks."""
    by_area, values = _desk(scope)
    return c.execute(_place_colours(by_area), {"now": now, **values}).all()


@lru_cache(maxsize=2)
def _last_entries(by_area: bool) -> sa.Select[Any]:
    return (
        sa.select(
            timeline.c.number, timeline.c.seq, timeline.c.at, timeline.c.action, t.c.area, t.c.category, t.c.priority,
            t.c.flags, a.c.department,
        )
        .select_from(timeline.join(t, t.c.number == timeline.c.number).outerjoin(a, a.c.id == timeline.c.assignment))
        .where(timeline.c.at <= sa.bindparam("at", type_=Instant), timeline.c.at > sa.bindparam("since", type_=Instant))
        .where(in_words(timeline.c.action, TOLD), scope_condition(desk_scope(by_area)))
        .order_by(timeline.c.at.desc(), timeline.c.number.desc(), timeline.c.seq.desc())
        .limit(MOST_ENTRIES)
    )  # fmt: skip


def read_last_entries(c: sa.Connection, scope: Scope, at: datetime, since: datetime) -> Sequence[Row]:
    """The last things that happened, newest first: number, seq, at, action, area, category, priority, flags,
    department."""
    by_area, values = _desk(scope)
    return c.execute(_last_entries(by_area), {"at": at, "since": since, **values}).all()


_OLDEST = {
    by_area: sa.select(sa.func.min(t.c.created_at)).where(
        in_words(t.c.status, (TicketStatus.RECEIVED, TicketStatus.TRIAGED)), scope_condition(desk_scope(by_area))
    )
    for by_area in (False, True)
}


def read_oldest_waiting(c: sa.Connection, scope: Scope) -> datetime | None:
    """When the oldest ticket came in that waits to be dispatched."""
    by_area, values = _desk(scope)
    found: datetime | None = c.execute(_OLDEST[by_area], values).scalar_one()
    return found

"""Queries for oversight: decisions that wait, boards, the map, earlier answers, the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Instant, MatchesSearch, in_words
from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.telephony.tables import voice_call as v
from hotline.telephony.vocabulary import VoiceState
from hotline.tickets.model.vocabulary import OPEN, AssignmentStatus, Outcome
from hotline.tickets.store.assignments import colour_counts_query
from hotline.tickets.store.lists import search_expression
from hotline.tickets.store.scope import desk_scope, scope_condition, scope_parameters
from hotline.tickets.tables import TICKET_WORDS, timeline
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import ticket as t

MOST_DOTS = 5000


@lru_cache(maxsize=2)
def _rulings(by_area: bool) -> PreparedQuery:
    waits = sa.or_(
        in_words(a.c.status, (AssignmentStatus.RETURN_REQUESTED, AssignmentStatus.REPORTED)),
        a.c.asked_due_at.is_not(None),
    )
    return PreparedQuery(
        sa.select(
            a.c.id, a.c.number, a.c.department, a.c.part, a.c.status, a.c.priority, a.c.due_at, a.c.asked_due_at,
            a.c.return_reason, a.c.return_basis, a.c.suggested, a.c.reported_at, a.c.result, t.c.title, t.c.category,
            t.c.area, t.c.version,
        )
        .select_from(a.join(t, t.c.number == a.c.number))
        .where(a.c.closed_at.is_(None), waits, scope_condition(desk_scope(by_area)))
        .order_by(a.c.rank, a.c.sort_at, a.c.id)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )  # fmt: skip


async def load_rulings(db: Database, scope: Scope, limit: int) -> Sequence[Row]:
    """Assignments that wait for a decision: returns and extensions requested, results to review; emergencies
    first. Empty unless the scope is whole."""
    if not scope.whole:
        return []
    desk = Scope(True, scope.areas, frozenset())
    return await db.rows(_rulings(scope.areas is not None), limit=limit, **scope_parameters(desk))


@lru_cache(maxsize=2)
def _boards(by_area: bool) -> PreparedQuery:
    held = a.join(t, t.c.number == a.c.number) if by_area else a
    return colour_counts_query(held, [a.c.closed_at.is_(None), scope_condition(desk_scope(by_area))], a.c.department)


async def load_open_by_colour(db: Database, scope: Scope, now: datetime) -> Sequence[Row]:
    """Open assignments of every department by the colours of their clocks: department, looks, n."""
    if not scope.whole:
        return []
    return await db.rows(
        _boards(scope.areas is not None), now=now, **scope_parameters(Scope(True, scope.areas, frozenset()))
    )


@lru_cache(maxsize=4)
def _dots(unrestricted: bool, by_area: bool, by_order: bool) -> PreparedQuery:
    scope = Scope(unrestricted, frozenset() if by_area else None, frozenset({"x"}) if by_order else frozenset())
    return PreparedQuery(
        sa.select(t.c.number, t.c.title, t.c.priority, t.c.status, t.c.category, t.c.area, t.c.lat, t.c.lon, t.c.due_at)
        .where(in_words(t.c.status, OPEN), scope_condition(scope))
        .where(sa.or_(t.c.area.is_not(None), sa.and_(t.c.lat.is_not(None), t.c.lon.is_not(None))))
        .order_by(t.c.created_at.desc(), t.c.number.desc())
        .limit(MOST_DOTS)
    )


async def load_map_tickets(db: Database, scope: Scope) -> Sequence[Row]:
    """Open tickets with coordinates or a place, newest first, at most MOST_DOTS."""
    if scope.nothing:
        return []
    return await db.rows(
        _dots(scope.whole, scope.areas is not None, bool(scope.departments)), **scope_parameters(scope)
    )


_AUDIT_FILTERS: Mapping[str, sa.Column[Any]] = {
    "person": timeline.c.by_id,
    "kind": timeline.c.by_kind,
    "action": timeline.c.action,
}


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries of the audit log are asked for. `before` and `since`: of which period; the others where they are
    given: whose, of which kind of author, of which action."""

    before: datetime
    since: datetime | None = None
    person: str | None = None
    kind: str | None = None
    action: str | None = None


@lru_cache(maxsize=64)
def _audit(by_area: bool, asked: frozenset[str], after: bool) -> PreparedQuery:
    query = (
        sa.select(
            timeline.c.number, timeline.c.seq, timeline.c.at, timeline.c.by_kind, timeline.c.by_id, timeline.c.by_name,
            timeline.c.action, timeline.c.status_from, timeline.c.status_to, timeline.c.assignment, timeline.c.reason,
            timeline.c.changes, a.c.department, t.c.confidential,
        )
        .select_from(timeline.join(t, t.c.number == timeline.c.number).outerjoin(a, a.c.id == timeline.c.assignment))
        .where(timeline.c.at < sa.bindparam("before", type_=Instant), scope_condition(desk_scope(by_area)))
    )  # fmt: skip
    for name, column in _AUDIT_FILTERS.items():
        if name in asked:
            query = query.where(column == sa.bindparam(name, type_=sa.String))
    if "since" in asked:
        query = query.where(timeline.c.at >= sa.bindparam("since", type_=Instant))
    if after:
        here = sa.tuple_(timeline.c.at, timeline.c.number, timeline.c.seq)
        place = sa.tuple_(
            sa.bindparam("at", type_=Instant),
            sa.bindparam("number", type_=sa.String),
            sa.bindparam("seq", type_=sa.Integer),
        )
        query = query.where(here < place)
    order = (timeline.c.at.desc(), timeline.c.number.desc(), timeline.c.seq.desc())
    return PreparedQuery(query.order_by(*order).limit(sa.bindparam("limit", type_=sa.Integer)))


async def load_audit_entries(
    db: Database,
    scope: Scope,
    query: AuditQuery,
    after: tuple[datetime, str, int] | None,
    limit: int,
) -> Sequence[Row]:
    """Who did what and why, for which department, newest first."""
    if not scope.whole:
        return []
    values: dict[str, Any] = {
        "before": query.before,
        "limit": limit,
        **scope_parameters(Scope(True, scope.areas, frozenset())),
    }
    given = {name: value for name in (*_AUDIT_FILTERS, "since") if (value := getattr(query, name)) is not None}
    values |= given
    if after is not None:
        values["at"], values["number"], values["seq"] = after
    return await db.rows(_audit(scope.areas is not None, frozenset(given), after is not None), **values)


@lru_cache(maxsize=8)
def _answers(by_area: bool, by_words: bool, by_category: bool) -> PreparedQuery:
    query = sa.select(t.c.number, t.c.title, t.c.category, t.c.public_reply, t.c.closed_at).where(
        t.c.ended_at.is_not(None), in_words(t.c.outcome, (Outcome.ANSWERED, Outcome.CONFIRMED)),
        t.c.public_reply.is_not(None), t.c.confidential.is_(False), scope_condition(desk_scope(by_area)),
    )  # fmt: skip
    if by_words:
        query = query.where(MatchesSearch(TICKET_WORDS, t.c.number, "words"))
    if by_category:
        query = query.where(t.c.category == sa.bindparam("category", type_=sa.String))
    return PreparedQuery(
        query.order_by(t.c.ended_at.desc(), t.c.number.desc()).limit(sa.bindparam("limit", type_=sa.Integer))
    )


async def load_earlier_answers(
    db: Database, scope: Scope, text: str, category: str | None, limit: int
) -> Sequence[Row]:
    """Public replies to similar tickets, newest first."""
    if not scope.whole:
        return []
    words = search_expression(text, db.dialect) if text else None
    values: dict[str, Any] = {"limit": limit, **scope_parameters(Scope(True, scope.areas, frozenset()))}
    if words is not None:
        values["words"] = words
    if category is not None:
        values["category"] = category
    if words is None and category is None:
        return []
    return await db.rows(_answers(scope.areas is not None, words is not None, category is not None), **values)


@lru_cache(maxsize=2)
def _catalogue(by_area: bool) -> PreparedQuery:
    came_back = sa.case((in_words(a.c.status, (AssignmentStatus.RETURNED,)), 1), else_=0)
    return PreparedQuery(
        sa.select(a.c.route, sa.func.count().label("n"), sa.func.sum(came_back).label("returned"))
        .select_from(a.join(t, t.c.number == a.c.number))
        .where(a.c.issued_at >= sa.bindparam("first", type_=Instant))
        .where(a.c.issued_at < sa.bindparam("before", type_=Instant), scope_condition(desk_scope(by_area)))
        .group_by(a.c.route)
    )


async def load_catalogue_rows(db: Database, scope: Scope, first: datetime, before: datetime) -> Sequence[Row]:
    """Results of each entry of the dispatch catalogue: route (None: a person chose), n, returned."""
    if not scope.whole:
        return []
    desk = scope_parameters(Scope(True, scope.areas, frozenset()))
    return await db.rows(_catalogue(scope.areas is not None), first=first, before=before, **desk)


_LIVE_CALLS = PreparedQuery(
    sa.select(v.c.state, sa.func.count().label("n"))
    .where(v.c.offered_at >= sa.bindparam("since", type_=Instant), v.c.ended_at.is_(None))
    .group_by(v.c.state)
)


async def load_live_calls(db: Database, since: datetime) -> dict[VoiceState, int]:
    """Calls now ringing or answered: state -> count; calls that began before `since` are ignored."""
    return {VoiceState(r.state): int(r.n) for r in await db.rows(_LIVE_CALLS, since=since)}

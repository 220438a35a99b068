"""Queries of tickets that a new call may repeat. The asker's scope is part of the WHERE; confidential tickets are never
found: a confidential matter must not be shown to the operator of the next call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, in_words
from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.tickets.model.vocabulary import TicketStatus
from hotline.tickets.store.scope import scope_condition, scope_parameters
from hotline.tickets.tables import call
from hotline.tickets.tables import ticket as t

MAX_CANDIDATES = 12
AREAS_SEARCHED = 3  # the area itself and the two next around it
_NEWEST_OF_AREA, _NEWEST_OF_CALLER = 60, 20
_GONE = (TicketStatus.MERGED, TicketStatus.WITHDRAWN, TicketStatus.VOID)
_CALLER = sa.bindparam("caller", type_=sa.String)
_SINCE = sa.bindparam("since", type_=Instant)


@dataclass(frozen=True, slots=True)
class CandidateFilter:
    """What a candidate is sought by: `areas`, smallest first; `categories` it may have, beside none; the caller, whose
    own tickets count wherever they are; not ended before `ended_since`; `number`: the ticket that is asked about."""

    areas: Sequence[str]
    categories: Sequence[str]
    caller: str | None
    since: datetime
    ended_since: datetime
    number: str = ""


def _newest_of_area(place: int) -> sa.Select[tuple[str]]:
    """A fixed number of index entries, however full the area is."""
    newest = (
        sa.select(t.c.number)
        .where(t.c.area == sa.bindparam(f"area{place}", type_=sa.String), t.c.created_at > _SINCE)
        .order_by(t.c.created_at.desc(), t.c.number.desc())
        .limit(_NEWEST_OF_AREA)
        .subquery()
    )
    return sa.select(newest.c.number)


def _newest_of_caller() -> tuple[sa.Select[tuple[str]], ...]:
    own = (
        sa.select(t.c.number)
        .where(t.c.caller == _CALLER, t.c.created_at > _SINCE)
        .order_by(t.c.created_at.desc())
        .limit(_NEWEST_OF_CALLER)
        .subquery()
    )
    joined = (
        sa.select(call.c.number)
        .where(call.c.caller == _CALLER, call.c.at > _SINCE, call.c.confidential.is_(False))
        .order_by(call.c.at.desc())
        .limit(_NEWEST_OF_CALLER)
        .subquery()
    )
    return sa.select(own.c.number), sa.select(joined.c.number)


@lru_cache(maxsize=16)
def _candidates_query(unrestricted: bool, by_area: bool, by_order: bool, by_creator: bool) -> PreparedQuery:
    areas = frozenset[str]() if by_area else None
    scope = Scope(unrestricted, areas, frozenset({"x"} if by_order else ()), "x" if by_creator else None)
    called = (
        sa.select(sa.literal_column("1"))
        .where(call.c.number == t.c.number, call.c.caller == _CALLER, call.c.confidential.is_(False))
        .correlate(t)
        .exists()
    )
    same_caller = sa.func.coalesce(sa.or_(t.c.caller == _CALLER, called), sa.false()).label("same_caller")
    near = sa.union(*(_newest_of_area(place) for place in range(AREAS_SEARCHED)), *_newest_of_caller())
    columns = (t.c.number, t.c.status, t.c.title, t.c.narrative, t.c.category, t.c.area, t.c.building, t.c.unit,
               t.c.floor, t.c.room, t.c.advice, t.c.created_at)  # fmt: skip
    return PreparedQuery(
        sa.select(*columns, same_caller)
        .where(
            t.c.number.in_(near),
            t.c.number != sa.bindparam("number", type_=sa.String),
            sa.or_(InCodes(t.c.category, "categories"), t.c.category.is_(None)),
            t.c.confidential.is_(False),
            sa.not_(in_words(t.c.status, _GONE)),
            sa.or_(t.c.ended_at.is_(None), t.c.ended_at > sa.bindparam("ended_since", type_=Instant)),
            scope_condition(scope),
        )
        .order_by(t.c.created_at.desc(), t.c.number.desc())
        .limit(MAX_CANDIDATES)
    )


async def load_candidates(db: Database, scope: Scope, sought: CandidateFilter) -> Sequence[Row]:
    """Tickets within the scope that a new one may repeat, newest first, MAX_CANDIDATES at most; `same_caller` beside
    each. One query, which reads a bounded number of rows."""
    if scope.nothing:
        return []
    query = _candidates_query(scope.whole, scope.areas is not None, bool(scope.departments), scope.creator is not None)
    places = [*sought.areas[:AREAS_SEARCHED], *[None] * AREAS_SEARCHED][:AREAS_SEARCHED]
    return await db.rows(
        query,
        **{f"area{n}": area for n, area in enumerate(places)},
        categories=list(sought.categories),
        caller=sought.caller,
        since=sought.since,
        ended_since=sought.ended_since,
        number=sought.number,
        **scope_parameters(scope),
    )

"""Queries of tickets that a new call may repeat. The asker's scope is part of the WHERE; confidential tickets are never
found: a confidential matter must not be shown to the operator of the next call."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, in_words
from hotline.database.engine import Database
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import BatchQuery, PreparedQuery, Row
from hotline.database.read_batcher import ReadBatcher
from hotline.organisation.model.scopes import SYSTEM_SCOPE, Scope
from hotline.server_secret import lookup_variants
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.vocabulary import OPEN, TicketStatus
from hotline.tickets.store.facts import ticket_from_row
from hotline.tickets.store.scope import scope_condition, scope_form, scope_parameters
from hotline.tickets.tables import call
from hotline.tickets.tables import repeat_search as r
from hotline.tickets.tables import ticket as t

AREAS_SEARCHED = 3  # the area itself and the two next around it
CATEGORIES_SEARCHED = 3  # likeliest first
# how many of the newest entries of an index are looked at, however full it is, and how many candidates taken of them
_READ_OF_AREA, _READ_AROUND, _READ_OF_CALLER = 30, 10, 12
_TAKEN_OF_AREA, _TAKEN_AROUND, _TAKEN_OF_CALLER = 4, 2, 3
_GONE = (TicketStatus.MERGED, TicketStatus.WITHDRAWN, TicketStatus.VOID)
# a few values by themselves are found faster than in a list
_CATEGORIES = [sa.bindparam(f"category{n}", type_=sa.String) for n in range(CATEGORIES_SEARCHED)]
# the second is the same but for while the look-up key is replaced
_CALLER_FORMS = [sa.bindparam(name, type_=sa.String) for name in ("caller", "caller_before")]
_SINCE = sa.bindparam("since", type_=Instant)
# the advice as the text it is kept as: most of it is never read
_ADVICE = sa.type_coerce(t.c.advice, sa.Text).label("advice")
_COLUMNS = (t.c.number, t.c.status, t.c.title, t.c.narrative, t.c.category, t.c.area, t.c.building, t.c.unit,
            t.c.floor, t.c.room, _ADVICE, t.c.created_at)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CandidateFilter:
    """What a candidate is sought by: `areas`, smallest first; `categories` it may have, beside none, likeliest first;
    the caller, whose own tickets count wherever they are; not ended before `ended_since`; `number`: the ticket that is
    asked about."""

    areas: Sequence[str]
    categories: Sequence[str]
    caller: str | None
    since: datetime
    ended_since: datetime
    number: str = ""


def _of_area(place: int) -> sa.Select[Any]:
    area = sa.bindparam(f"area{place}", type_=sa.String)
    found = sa.select(*_COLUMNS).where(t.c.area == area, t.c.created_at > _SINCE)
    return found.order_by(t.c.created_at.desc(), t.c.number.desc()).limit(_READ_AROUND if place else _READ_OF_AREA)


def _newest_first(at: sa.Column[datetime]) -> sa.ColumnElement[datetime]:
    """An order that no index has: PostgreSQL would read the newest tickets of all callers until it had enough of this
    one."""
    return sa.func.coalesce(at, _SINCE).desc()


def _opened_by_caller() -> sa.Select[Any]:
    found = sa.select(*_COLUMNS).where(t.c.caller.in_(_CALLER_FORMS), t.c.created_at > _SINCE)
    return found.order_by(_newest_first(t.c.created_at)).limit(_READ_OF_CALLER)


def _joined_by_caller() -> sa.Select[Any]:
    theirs = call.c.caller.in_(_CALLER_FORMS), call.c.at > _SINCE, call.c.confidential.is_(False)
    found = sa.select(call.c.number).where(*theirs)
    newest = found.order_by(_newest_first(call.c.at)).limit(_READ_OF_CALLER).subquery()
    return sa.select(*_COLUMNS).select_from(sa.join(newest, t, t.c.number == newest.c.number))


def _visible(form: Scope) -> sa.ColumnElement[bool]:
    """What may be shown as a repeat."""
    return sa.and_(t.c.confidential.is_(False), sa.not_(in_words(t.c.status, _GONE)), scope_condition(form))


@lru_cache(maxsize=64)
def _candidates_query(form: Scope, places: int, with_caller: bool) -> BatchQuery:
    """The newest of each index, of which the first that fit are taken: no full area makes it slow. `form`: of the
    scope; `places`: how many areas are searched."""
    fits = sa.and_(
        t.c.number != sa.bindparam("number", type_=sa.String),
        sa.or_(t.c.category.is_(None), *(t.c.category == category for category in _CATEGORIES)),
        sa.or_(t.c.ended_at.is_(None), t.c.ended_at > sa.bindparam("ended_since", type_=Instant)),
        _visible(form),
    )

    def first_fitting(newest: sa.Select[Any], own: str, most: int) -> sa.Select[Any]:
        # whether it fits is told beside each row, so that the rows are read once
        read = newest.add_columns(fits.label("fits")).subquery()
        columns = [read.c[column.name] for column in _COLUMNS]
        same_caller = sa.literal_column(own, sa.Integer).label("same_caller")
        found = sa.select(*columns, same_caller).where(read.c.fits)
        newest_first = found.order_by(read.c.created_at.desc(), read.c.number.desc()).limit(most).subquery()
        return sa.select(newest_first)

    branches = [
        first_fitting(_of_area(place), "0", _TAKEN_AROUND if place else _TAKEN_OF_AREA) for place in range(places)
    ]
    if with_caller:
        # who else's ticket somebody called about is not for a key that sees its own alone
        own = (_opened_by_caller(),) if form.creator is not None else (_opened_by_caller(), _joined_by_caller())
        branches = [*(first_fitting(newest, "1", _TAKEN_OF_CALLER) for newest in own), *branches]
    areas = [f"area{place}" for place in range(places)]
    categories = [category.key for category in _CATEGORIES]
    callers = [form.key for form in _CALLER_FORMS] if with_caller else []
    return BatchQuery(sa.union_all(*branches), [*areas, *categories, *callers, "since", "ended_since", "number"])


async def load_candidates(reads: ReadBatcher, scope: Scope, sought: CandidateFilter) -> Sequence[Row]:
    """Tickets within the scope that a new one may repeat: a few of the caller and of each area, the newest first;
    `same_caller` (0 or 1) beside each, `advice` as JSON. One query, which reads a bounded number of rows, asked for
    all that wait for it."""
    areas = sought.areas[:AREAS_SEARCHED]
    if scope.nothing or not (areas or sought.caller):
        return []
    form = scope_form(scope)
    codes = [*sought.categories, *[None] * CATEGORIES_SEARCHED]
    own = {
        **{f"area{n}": area for n, area in enumerate(areas)},
        **{f"category{n}": code for n, code in zip(range(CATEGORIES_SEARCHED), codes, strict=False)},
        "caller": sought.caller,
        "caller_before": lookup_variants(sought.caller)[-1] if sought.caller else None,
        "since": sought.since,
        "ended_since": sought.ended_since,
        "number": sought.number,
    }
    query = _candidates_query(form, len(areas), sought.caller is not None)
    rows = await reads.rows(query, own, **scope_parameters(scope))
    by_number: dict[str, Row] = {}
    for row in rows:  # the caller's own first
        by_number.setdefault(row.number, row)
    return list(by_number.values())


@lru_cache(maxsize=16)
def _suggestions_query(form: Scope) -> PreparedQuery:
    number = sa.bindparam("number", type_=sa.String)
    shown = (t.c.number, t.c.status, t.c.title, t.c.created_at, r.c.score)
    found = (
        sa.select(*shown).select_from(sa.join(r, t, t.c.number == r.c.other)).where(r.c.number == number),
        sa.select(*shown).select_from(sa.join(r, t, t.c.number == r.c.number)).where(r.c.other == number),
    )
    return PreparedQuery(sa.union_all(*(each.where(_visible(form)) for each in found)))


async def load_suggestions(db: Database, scope: Scope, number: str) -> Sequence[Row]:
    """What the search by meaning found for this ticket, and the tickets it found it for, within the scope: number,
    status, title, created_at, score."""
    if scope.nothing:
        return []
    return await db.rows(_suggestions_query(scope_form(scope)), number=number, **scope_parameters(scope))


_NEIGHBOURS = PreparedQuery(
    sa.select(*_COLUMNS)
    .where(InCodes(t.c.area, "areas"), t.c.created_at > _SINCE, in_words(t.c.status, OPEN), _visible(SYSTEM_SCOPE))
    .where(t.c.number != sa.bindparam("number", type_=sa.String))
    .order_by(t.c.created_at.desc(), t.c.number.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def load_neighbours(
    db: Database, areas: Sequence[str], since: datetime, number: str, limit: int
) -> Sequence[Row]:
    """The newest open tickets of these areas beside this one, of whatever category, for the worker."""
    return await db.rows(_NEIGHBOURS, areas=list(areas), since=since, number=number, limit=limit)


_UNSEARCHED = PreparedQuery(
    sa.select(*(t.c[f.name] for f in fields(Ticket)))
    .where(t.c.created_at > _SINCE, t.c.confidential.is_(False), in_words(t.c.status, OPEN))
    .where(~sa.select(sa.literal_column("1")).where(r.c.number == t.c.number).correlate(t).exists())
    .order_by(t.c.created_at, t.c.number)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def load_unsearched(db: Database, since: datetime, limit: int) -> list[Ticket]:
    """Open tickets taken in since then that were not searched for repeats by meaning yet, oldest first."""
    return [ticket_from_row(row) for row in await db.rows(_UNSEARCHED, since=since, limit=limit)]


def insert_searches(c: sa.Connection, found: Sequence[dict[str, object]]) -> None:
    """Keep which tickets were searched (number, other, score, at); what another worker kept already stands."""
    insert_ignoring_duplicates(c, r, found)


def delete_searches(c: sa.Connection, before: datetime, limit: int) -> int:
    """Forget old searches; how many."""
    old = sa.select(r.c.number).where(r.c.at < before).order_by(r.c.at).limit(limit)
    return c.execute(sa.delete(r).where(r.c.number.in_(old))).rowcount

"""Queries of callers: who is calling, and their earlier tickets."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, in_words
from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.tickets.model.vocabulary import OPEN
from hotline.tickets.store.scope import scope_condition, scope_parameters
from hotline.tickets.tables import PHONE, call, caller
from hotline.tickets.tables import ticket as t

_merged = t.alias("merged")
_CALLER_BY_PHONE = PreparedQuery(sa.select(*caller.c).where(caller.c.phone == sa.bindparam("phone", type_=PHONE)))
_CALLER = sa.bindparam("caller", type_=sa.String)
_IS_TICKET_OF_CALLER = (
    t.c.number.in_(  # opened by them, joined by them, or the ticket theirs was merged into: three index look-ups
        sa.union(
            sa.select(_merged.c.number).where(_merged.c.caller == _CALLER),
            sa.select(call.c.number).where(call.c.caller == _CALLER),
            sa.select(_merged.c.parent).where(_merged.c.caller == _CALLER, _merged.c.parent.is_not(None)),
        )
    )
)


def _desk_condition(by_area: bool) -> sa.ColumnElement[bool]:
    return scope_condition(Scope(True, frozenset() if by_area else None, frozenset()))


def _caller_tickets_query(by_area: bool, still_open: bool) -> PreparedQuery:
    state = in_words(t.c.status, OPEN)
    # a confidential matter must not be shown to the operator of the next call
    return PreparedQuery(
        sa.select(
            t.c.number,
            t.c.status,
            t.c.kind,
            t.c.category,
            t.c.priority,
            t.c.title,
            t.c.area,
            t.c.created_at,
            t.c.promised_at,
            t.c.urges,
            t.c.calls,
            t.c.version,
        )
        .where(
            _IS_TICKET_OF_CALLER,
            t.c.confidential.is_(False),
            state if still_open else sa.not_(state),
            _desk_condition(by_area),
        )
        .order_by(t.c.created_at.desc(), t.c.number.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


_NAMES = {
    by_area: PreparedQuery(
        sa.select(call.c.caller_name, sa.func.count().label("n"))
        .select_from(call.join(t, t.c.number == call.c.number))
        .where(call.c.caller == _CALLER, call.c.caller_name.is_not(None))
        .where(call.c.confidential.is_(False), t.c.confidential.is_(False), _desk_condition(by_area))
        .group_by(call.c.caller_name)
        .order_by(sa.func.count().desc())
        .limit(5)
    )
    for by_area in (False, True)
}
_TICKETS = {
    (by_area, still_open): _caller_tickets_query(by_area, still_open)
    for by_area in (False, True)
    for still_open in (False, True)
}


async def load_caller(db: Database, phone: str) -> Row | None:
    """The caller of a number, if it called before. While the look-up key is replaced there may be two cards: the one
    with a note then."""
    rows = await db.rows(_CALLER_BY_PHONE, phone=phone)
    return max(rows, key=lambda row: (row.note is not None, row.seen_at), default=None)


_KNOWN = PreparedQuery(sa.select(caller.c.id).where(InCodes(caller.c.id, "ids")))


async def load_known_caller_ids(db: Database, ids: Sequence[str]) -> set[str]:
    """Which of these callers have a card."""
    return {row.id for row in await db.rows(_KNOWN, ids=ids)}


async def load_caller_names(db: Database, scope: Scope, caller_id: str) -> list[tuple[str, int]]:
    """The names given under this number within the asker's areas, most frequent first, with how often; confidential
    calls left out."""
    if not scope.whole:
        return []
    counted = Counter[str]()  # a name is grouped as it is sealed: twice while the look-up key is replaced
    for row in await db.rows(_NAMES[scope.areas is not None], caller=caller_id, **_desk_parameters(scope)):
        counted[row.caller_name] += row.n
    return counted.most_common()


async def load_caller_tickets(
    db: Database, scope: Scope, caller_id: str, limit: int, *, still_open: bool
) -> Sequence[Row]:
    """The caller's open or ended tickets within the asker's areas, newest first; confidential ones left out."""
    if not scope.whole:
        return []
    query = _TICKETS[(scope.areas is not None, still_open)]
    return await db.rows(query, caller=caller_id, limit=limit, **_desk_parameters(scope))


def _desk_parameters(scope: Scope) -> dict[str, Any]:
    return scope_parameters(Scope(True, scope.areas, frozenset()))

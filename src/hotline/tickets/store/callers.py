"""Questions about callers: who rings, and what they rang about before."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Among, is_one_of
from hotline.database.engine import Database, one
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.scopes import Scope
from hotline.tickets.model.vocabulary import OPEN
from hotline.tickets.store.scope import seen_by, visible
from hotline.tickets.tables import call, caller
from hotline.tickets.tables import ticket as t

_merged = t.alias("merged")
_CARD = PreparedQuery(sa.select(*caller.c).where(caller.c.phone == sa.bindparam("phone", type_=sa.String)))
_CALLER = sa.bindparam("caller", type_=sa.String)
_KNOWN_BY = (
    t.c.number.in_(  # opened by them, joined by them, or the ticket theirs was merged into: three index look-ups
        sa.union(
            sa.select(_merged.c.number).where(_merged.c.caller == _CALLER),
            sa.select(call.c.number).where(call.c.caller == _CALLER),
            sa.select(_merged.c.parent).where(_merged.c.caller == _CALLER, _merged.c.parent.is_not(None)),
        )
    )
)


def _desk(by_area: bool) -> sa.ColumnElement[bool]:
    return visible(Scope(True, frozenset() if by_area else None, frozenset()))


def _theirs(by_area: bool, still_open: bool) -> PreparedQuery:
    state = is_one_of(t.c.status, OPEN)
    # a confidential matter must not pop up for whoever answers the next call
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
        .where(_KNOWN_BY, t.c.confidential.is_(False), state if still_open else sa.not_(state), _desk(by_area))
        .order_by(t.c.created_at.desc(), t.c.number.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


_NAMES = {
    by_area: PreparedQuery(
        sa.select(call.c.caller_name, sa.func.count().label("n"))
        .select_from(call.join(t, t.c.number == call.c.number))
        .where(call.c.caller == _CALLER, call.c.caller_name.is_not(None))
        .where(call.c.confidential.is_(False), t.c.confidential.is_(False), _desk(by_area))
        .group_by(call.c.caller_name)
        .order_by(sa.func.count().desc())
        .limit(5)
    )
    for by_area in (False, True)
}
_TICKETS = {
    (by_area, still_open): _theirs(by_area, still_open) for by_area in (False, True) for still_open in (False, True)
}


async def card(db: Database, phone: str) -> Row | None:
    """The caller of a number, if it rang before."""
    return await one(db, _CARD, phone=phone)


_KNOWN = PreparedQuery(sa.select(caller.c.id).where(Among(caller.c.id, "ids")))


async def known(db: Database, ids: Sequence[str]) -> set[str]:
    """Which of these callers have a card."""
    return {row.id for row in await db.rows(_KNOWN, ids=ids)}


async def names_of(db: Database, scope: Scope, caller_id: str) -> Sequence[Row]:
    """The names given under this number within the asker's areas, most frequent first, with how often; confidential
    calls left out."""
    if not scope.whole:
        return []
    return await db.rows(_NAMES[scope.areas is not None], caller=caller_id, **_seen(scope))


async def tickets_of(db: Database, scope: Scope, caller_id: str, limit: int, *, still_open: bool) -> Sequence[Row]:
    """The caller's open or ended tickets within the asker's areas, newest first; confidential ones left out."""
    if not scope.whole:
        return []
    question = _TICKETS[(scope.areas is not None, still_open)]
    return await db.rows(question, caller=caller_id, limit=limit, **_seen(scope))


def _seen(scope: Scope) -> dict[str, Any]:
    return seen_by(Scope(True, scope.areas, frozenset()))

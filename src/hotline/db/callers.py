"""Questions about callers: who rings, and what they rang about before."""

from collections.abc import Sequence

import sqlalchemy as sa

from hotline.domain.privacy import Scope

from .database import Database, one
from .question import Question, Row
from .tables import call, caller
from .tables import ticket as t
from .tickets import seen_by, visible

_CARD = Question(sa.select(*caller.c).where(caller.c.phone == sa.bindparam("phone", type_=sa.String)))
_NAMES = Question(
    sa.select(call.c.caller_name, sa.func.count().label("n"))
    .select_from(call.join(t, t.c.number == call.c.number))
    .where(call.c.caller == sa.bindparam("caller", type_=sa.String), call.c.caller_name.is_not(None))
    .where(call.c.confidential.is_(False), t.c.confidential.is_(False))
    .group_by(call.c.caller_name)
    .order_by(sa.func.count().desc())
    .limit(5)
)
_HISTORY = {
    by_area: Question(
        sa.select(
            t.c.number,
            t.c.status,
            t.c.kind,
            t.c.category,
            t.c.priority,
            t.c.title,
            t.c.area,
            t.c.confidential,
            t.c.created_at,
            t.c.promised_at,
            t.c.urges,
            t.c.calls,
            t.c.version,
        )
        .where(t.c.caller == sa.bindparam("caller", type_=sa.String))
        .where(visible(Scope(True, frozenset() if by_area else None, frozenset())))
        .order_by(t.c.created_at.desc(), t.c.number.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    for by_area in (False, True)
}


async def card(db: Database, phone: str) -> Row | None:
    """The caller of a number, if it rang before."""
    return await one(db, _CARD, phone=phone)


async def names_of(db: Database, caller_id: str) -> Sequence[Row]:
    """The names given under this number, most frequent first, with how often; confidential calls left out."""
    return await db.rows(_NAMES, caller=caller_id)


async def tickets_of(db: Database, scope: Scope, caller_id: str, limit: int) -> Sequence[Row]:
    """The caller's tickets within the asker's areas, newest first."""
    if not scope.whole:
        return []
    seen = Scope(True, scope.areas, frozenset())
    return await db.rows(_HISTORY[scope.areas is not None], caller=caller_id, limit=limit, **seen_by(seen))

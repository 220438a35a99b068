"""Queries of the residents' pages: matters that were published, and proofs of work that were used."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, in_words
from hotline.database.engine import Database
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery
from hotline.open311.store import PUBLISHED
from hotline.public.tables import spent_proof as s
from hotline.tickets.model.vocabulary import OPEN
from hotline.tickets.tables import call
from hotline.tickets.tables import ticket as t

MOST_NEAR = 3
OWN_WORDS = "own"  # who took it down, where somebody who gave no number adds to their own ticket
_CALLERS = (  # what somebody adds to their own ticket makes them no further caller
    sa.select(sa.func.count())
    .where(call.c.number == t.c.number, call.c.taken_by != OWN_WORDS)
    .where(sa.or_(t.c.caller.is_(None), call.c.taken_by != t.c.caller))
    .correlate(t)
    .scalar_subquery()
)
_COLUMNS = (
    t.c.number, t.c.status, t.c.category, t.c.area, t.c.department, t.c.promised_at, t.c.created_at,
    _CALLERS.label("calls"), t.c.public_text,
)  # fmt: skip
_OPEN_MATTERS = sa.select(*_COLUMNS).where(PUBLISHED, in_words(t.c.status, OPEN))
_NEAR = PreparedQuery(
    _OPEN_MATTERS.where(InCodes(t.c.area, "areas"), InCodes(t.c.category, "categories"))
    .order_by(t.c.created_at.desc(), t.c.number.desc())
    .limit(MOST_NEAR)
)
_NAMED = PreparedQuery(_OPEN_MATTERS.where(InCodes(t.c.number, "numbers")))
_CARRIERS = PreparedQuery(
    sa.select(t.c.number, t.c.kind, t.c.flags, t.c.confidential).where(InCodes(t.c.number, "numbers"))
)


async def load_carriers(db: Database, numbers: Sequence[str]) -> Sequence[Any]:
    """Of these tickets, which carry incidents: number, kind, flags, and whether they are confidential."""
    return await db.rows(_CARRIERS, numbers=list(numbers))


async def load_open_matters(db: Database, published: Sequence[str], numbers: Sequence[str]) -> Sequence[Any]:
    """Those of these tickets that are open and published. `calls`: how many called about each."""
    return await db.rows(_NAMED, published=list(published), numbers=list(numbers))


async def load_open_matters_near(
    db: Database, published: Sequence[str], areas: Sequence[str], categories: Sequence[str]
) -> Sequence[Any]:
    """Open published tickets of these categories in these areas, newest first, at most MOST_NEAR."""
    return await db.rows(_NEAR, published=list(published), areas=list(areas), categories=list(categories))


def spend_proof(c: sa.Connection, challenge: str, used_for: str, expires_at: datetime) -> bool:
    """Use a challenge up. Whether it is used for this: not for anything else before."""
    insert_ignoring_duplicates(c, s, [{"challenge": challenge, "used_for": used_for, "expires_at": expires_at}])
    return c.scalar(sa.select(s.c.used_for).where(s.c.challenge == challenge)) == used_for


def delete_expired_proofs(c: sa.Connection, before: datetime, limit: int) -> int:
    """Delete proofs whose challenges expired before that; how many."""
    old = sa.select(s.c.challenge).where(s.c.expires_at < before).limit(limit)
    return c.execute(sa.delete(s).where(s.c.challenge.in_(old))).rowcount

"""Questions about a department's orders."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.domain.privacy import Scope

from .columns import Among, Instant
from .database import Database
from .question import Question
from .tables import assignment as a
from .tables import counter as c
from .tables import ticket as t

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
    a.c.contacted_at,
    a.c.asked_due_at,
    a.c.ruled,
    a.c.redos,
    t.c.title,
    t.c.category,
    t.c.kind,
    t.c.area,
    t.c.address,
    t.c.flags,
    t.c.urges,
    t.c.supervised,
    t.c.status.label("ticket_status"),
    t.c.version,
)


def _queue(holder: sa.Column[Any], by_area: bool) -> Question:
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
    question = (
        sa.select(*_COLUMNS, sa.cast(stamp, sa.BigInteger).label("stamp"))
        .select_from(a.join(t, t.c.number == a.c.number))
        .where(holder == sa.bindparam("department", type_=sa.String), a.c.closed_at.is_(None))
        .where(sa.tuple_(a.c.rank, a.c.sort_at, a.c.id) > place)
    )
    if by_area:
        question = question.where(Among(t.c.area, "areas"))
    return Question(question.order_by(a.c.rank, a.c.sort_at, a.c.id).limit(sa.bindparam("limit", type_=sa.Integer)))


_HELD = {by_area: _queue(a.c.department, by_area) for by_area in (False, True)}
_PERFORMED = {by_area: _queue(a.c.performer, by_area) for by_area in (False, True)}


async def open_orders(
    db: Database,
    scope: Scope,
    department: str,
    after: tuple[int, datetime, str],
    limit: int,
    *,
    performing: bool = False,
) -> list[dict[str, Any]]:
    """The department's open orders behind `after`: emergencies first, then soonest due; each
    with the queue's stamp, so that a page and its stamp are of one instant; none where it is not theirs
    to see."""
    if department not in scope.departments and not scope.whole:
        return []
    by_area = scope.areas is not None
    question = (_PERFORMED if performing else _HELD)[by_area]
    values = {"areas": sorted(scope.areas or ())} if by_area else {}
    rank, sort_at, order = after
    return await db.plain(question, department=department, rank=rank, sort_at=sort_at, id=order, limit=limit, **values)

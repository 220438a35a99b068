"""How many running orders each handler has."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from hotline.database.columns import InCodes, ListContains
from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.actors import Role
from hotline.organisation.tables import person as p
from hotline.tickets.tables import assignment as a

_LOADS = PreparedQuery(
    sa.select(
        p.c.id,
        p.c.login,
        p.c.name,
        p.c.department,
        p.c.roles,
        sa.select(sa.func.count())
        .select_from(a)
        .where(a.c.assignee == p.c.id, a.c.closed_at.is_(None))
        .correlate(p)
        .scalar_subquery()
        .label("load"),
    )
    .where(InCodes(p.c.department, "departments"), p.c.active.is_(True), ListContains(p.c.roles, "role"))
    .order_by(p.c.login)
    .limit(1000)
)


async def load_handler_workloads(db: Database, departments: Iterable[str]) -> Sequence[Row]:
    """The handlers of these departments, and how many running orders each has taken; a thousand at most."""
    return await db.rows(_LOADS, departments=sorted(departments), role=Role.HANDLER)

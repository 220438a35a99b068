"""Counts of open work by state, read from counter rows that the journal updates in the same transaction, so that no
request counts tickets."""

from collections.abc import Mapping

import sqlalchemy as sa

from hotline.database.columns import InCodes
from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery
from hotline.tickets.model.vocabulary import AssignmentStatus, TicketStatus
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import counter as c
from hotline.tickets.tables import ticket as t

_COUNTS_BY_PLACES = PreparedQuery(
    sa.select(c.c.status, sa.func.sum(c.c.n).label("n"))
    .where(c.c.noun == sa.bindparam("noun", type_=sa.String), InCodes(c.c.place, "places"))
    .group_by(c.c.status)
)
_ALL = PreparedQuery(
    sa.select(c.c.status, sa.func.sum(c.c.n).label("n"))
    .where(c.c.noun == sa.bindparam("noun", type_=sa.String))
    .group_by(c.c.status)
)


_STAMP = PreparedQuery(
    sa.select(sa.func.sum(c.c.n).label("n")).where(
        c.c.noun == "queue", c.c.place == sa.bindparam("place", type_=sa.String)
    )
)


async def load_queue_stamp(db: Database, department: str) -> int:
    """A number that grows with every change to the department's queue. Equal: nothing in it has changed."""
    rows = await db.rows(_STAMP, place=department)
    return int(rows[0].n or 0)


async def load_counts(db: Database, noun: str, places: frozenset[str] | None) -> dict[str, int]:
    """How many stand in each state: noun `ticket` by areas, `assignment` by departments, `performing` by
    contractors."""
    if places is None:
        rows = await db.rows(_ALL, noun=noun)
    else:
        rows = await db.rows(_COUNTS_BY_PLACES, noun=noun, places=sorted(places))
    return {r.status: int(r.n) for r in rows if r.n}


_PLACES = PreparedQuery(
    sa.select(c.c.place, c.c.status, sa.func.sum(c.c.n).label("n"))
    .where(c.c.noun == sa.bindparam("noun", type_=sa.String))
    .group_by(c.c.place, c.c.status)
)


async def load_open_by_place(
    db: Database, noun: str, states: frozenset[TicketStatus] | frozenset[AssignmentStatus]
) -> dict[str, int]:
    """How many stand in these states, place by place."""
    found: dict[str, int] = {}
    for row in await db.rows(_PLACES, noun=noun):
        if row.status in states and row.n:
            found[row.place] = found.get(row.place, 0) + int(row.n)
    return found


_RECOUNT_QUERIES = {
    "ticket": PreparedQuery(
        sa.select(sa.func.coalesce(t.c.area, "").label("place"), t.c.status, sa.func.count().label("n")).group_by(
            "place", t.c.status
        )
    ),
    "assignment": PreparedQuery(
        sa.select(a.c.department.label("place"), a.c.status, sa.func.count().label("n")).group_by(
            a.c.department, a.c.status
        )
    ),
    "performing": PreparedQuery(
        sa.select(a.c.performer.label("place"), a.c.status, sa.func.count().label("n"))
        .where(a.c.performer.is_not(None))
        .group_by(a.c.performer, a.c.status)
    ),
}
_ALL_COUNTERS = PreparedQuery(
    sa.select(c.c.noun, c.c.place, c.c.status, sa.func.sum(c.c.n).label("n")).group_by(c.c.noun, c.c.place, c.c.status)
)


async def load_counter_drift(db: Database) -> Mapping[tuple[str, str, str], tuple[int, int]]:
    """Where counters differ from a full count: (noun, place, status) -> (counter, full count). Reads every ticket; run
    at night."""
    kept = {(r.noun, r.place, r.status): int(r.n) for r in await db.rows(_ALL_COUNTERS) if r.noun in _RECOUNT_QUERIES}
    true = {(noun, r.place, r.status): int(r.n) for noun, q in _RECOUNT_QUERIES.items() for r in await db.rows(q)}
    return {k: (kept.get(k, 0), true.get(k, 0)) for k in kept.keys() | true.keys() if kept.get(k, 0) != true.get(k, 0)}

"""Queries of the tickets that belong to an incident. An incident may have any number of them: each query has a limit,
or answers with counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa

from hotline.database.columns import InCodes, in_words
from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery, Row
from hotline.incidents.model.codes import IncidentCode
from hotline.incidents.model.incident import Incident, IncidentMember
from hotline.incidents.model.vocabulary import IncidentState
from hotline.organisation.model.scopes import Scope
from hotline.organisation.model.vocabulary import Priority
from hotline.text.numbering import TicketNumber
from hotline.tickets.model.vocabulary import OPEN, TicketStatus, offered_flag
from hotline.tickets.store.scope import scope_condition, scope_parameters
from hotline.tickets.tables import call
from hotline.tickets.tables import ticket as t

MERGEABLE = frozenset(
    {TicketStatus.RECEIVED, TicketStatus.TRIAGED, TicketStatus.DISPATCHED, TicketStatus.AWAITING_INFO}
)
MOST_CANDIDATES = 500  # open tickets among which a parent is chosen
MOST_TEXTS = 400  # from which the wording of an incident is learned
RECIPIENT_BATCH = 500
_OF_INCIDENT = t.c.incident == sa.bindparam("code", type_=sa.String)
_LIMIT = sa.bindparam("limit", type_=sa.Integer)
_NUMBER = sa.bindparam("number", type_=sa.String)
_RINGS = sa.or_(t.c.priority == Priority.EMERGENCY.value, sa.cast(t.c.flags, sa.Text).like('%"danger:%'))
# it tells of more than this incident, and a person decides
_OFFERED = sa.cast(t.c.flags, sa.Text).like(sa.literal('%"offered:').concat(t.c.incident).concat('"%'))
_COLUMNS = (
    t.c.number, t.c.status, t.c.created_at, t.c.version, t.c.priority, t.c.category, t.c.area, t.c.caller, t.c.parent,
    t.c.department, t.c.unit, t.c.flags, t.c.incident,
)  # fmt: skip


def _member(r: Row) -> IncidentMember:
    return IncidentMember(
        r.number, TicketStatus(r.status), r.created_at, r.version, Priority(r.priority), r.category, r.area, r.caller,
        r.parent, r.department, r.unit, any(flag.startswith("danger:") for flag in r.flags),
        r.incident is not None and offered_flag(r.incident) in r.flags,
    )  # fmt: skip


_OPEN_MEMBERS = PreparedQuery(
    sa.select(*_COLUMNS)
    .where(_OF_INCIDENT, in_words(t.c.status, OPEN))
    .order_by(_RINGS, _OFFERED, t.c.department.is_(None), t.c.created_at, t.c.number)
    .limit(_LIMIT)
)


async def load_parent_candidates(db: Database, code: IncidentCode) -> list[IncidentMember]:
    """The open tickets of an incident, those that could carry it first, MOST_CANDIDATES at most."""
    return [_member(row) for row in await db.rows(_OPEN_MEMBERS, code=code, limit=MOST_CANDIDATES)]


_UNMERGED = PreparedQuery(
    sa.select(*_COLUMNS)
    .where(_OF_INCIDENT, in_words(t.c.status, MERGEABLE), t.c.number != _NUMBER, sa.not_(_RINGS), sa.not_(_OFFERED))
    .order_by(t.c.created_at, t.c.number)
    .limit(_LIMIT)
)


async def load_unmerged(db: Database, code: IncidentCode, parent: str, limit: int) -> list[IncidentMember]:
    """The tickets that are still to be merged into the parent, oldest first: none that tells of a danger, or of more
    than the incident."""
    return [_member(row) for row in await db.rows(_UNMERGED, code=code, number=parent, limit=limit)]


_LEAVING = PreparedQuery(
    sa.select(*_COLUMNS)
    .where(_OF_INCIDENT, in_words(t.c.status, OPEN | {TicketStatus.MERGED}))
    .order_by(t.c.number == _NUMBER, t.c.created_at, t.c.number)
    .limit(_LIMIT)
)


async def load_leaving(db: Database, code: IncidentCode, parent: str | None, limit: int) -> list[IncidentMember]:
    """The tickets that can be taken out of an incident, oldest first, and its parent last: others are merged into
    it."""
    return [_member(row) for row in await db.rows(_LEAVING, code=code, number=parent or "", limit=limit)]


_NAMED_MEMBERS = PreparedQuery(sa.select(*_COLUMNS).where(_OF_INCIDENT, InCodes(t.c.number, "numbers")))


async def load_named_members(db: Database, code: IncidentCode, numbers: Sequence[str]) -> list[IncidentMember]:
    """Those of these tickets that belong to the incident."""
    rows = await db.rows(_NAMED_MEMBERS, code=code, numbers=list(numbers)) if numbers else []
    return [_member(row) for row in rows]


_WORKED_ON = PreparedQuery(
    sa.select(t.c.number).where(InCodes(t.c.number, "numbers"), in_words(t.c.status, OPEN - {TicketStatus.RESOLVED}))
)


async def load_worked_on(db: Database, incidents: Sequence[Incident]) -> set[str]:
    """The parents of those of these incidents that are over, where the parent is still worked on."""
    parents = [i.parent for i in incidents if i.state is IncidentState.OVER and i.parent is not None]
    return {row.number for row in await db.rows(_WORKED_ON, numbers=parents)} if parents else set()


@dataclass(frozen=True, slots=True)
class MemberSummary:
    """The tickets of an incident together: how many tickets, different callers, the first and the last call, and the
    areas and units that they name."""

    tickets: int
    callers: int
    first_call_at: datetime
    last_call_at: datetime
    areas: tuple[str, ...]
    units: tuple[str, ...]


_COUNTS = PreparedQuery(
    sa.select(
        sa.func.count().label("tickets"),
        sa.func.count(t.c.caller.distinct()).label("callers"),
        sa.func.min(t.c.created_at).label("first"),
        sa.func.max(t.c.created_at).label("last"),
    ).where(_OF_INCIDENT)
)
_PLACES = PreparedQuery(sa.select(t.c.area, t.c.unit).where(_OF_INCIDENT).distinct().limit(1000))


async def load_summary(db: Database, code: IncidentCode) -> MemberSummary | None:
    """None: no ticket belongs to the incident."""
    counts = await fetch_first(db, _COUNTS, code=code)
    if counts is None or not counts.tickets:
        return None
    places = await db.rows(_PLACES, code=code)
    areas, units = ({getattr(row, name) for row in places if getattr(row, name)} for name in ("area", "unit"))
    return MemberSummary(
        int(counts.tickets), int(counts.callers), counts.first, counts.last, tuple(sorted(areas)), tuple(sorted(units))
    )


_TEXTS = PreparedQuery(
    sa.select(t.c.narrative).where(_OF_INCIDENT).order_by(t.c.created_at.desc(), t.c.number).limit(MOST_TEXTS)
)


async def load_member_texts(db: Database, code: IncidentCode) -> list[str]:
    """How its callers told of it, the newest first, MOST_TEXTS at most."""
    return [row.narrative for row in await db.rows(_TEXTS, code=code)]


@lru_cache(maxsize=8)
def _named_tickets(whole: bool, by_area: bool, by_order: bool) -> PreparedQuery:
    condition = scope_condition(scope_form(whole, by_area, by_order))
    return PreparedQuery(
        sa.select(t.c.number, t.c.incident, t.c.status, t.c.flags).where(InCodes(t.c.number, "numbers"), condition)
    )


async def load_named_tickets(db: Database, scope: Scope, numbers: Sequence[str]) -> Sequence[Row]:
    """Those of these tickets that are there and within the scope: number, incident, status, flags."""
    if scope.nothing or not numbers:
        return []
    query = _named_tickets(scope.whole, scope.areas is not None, bool(scope.departments))
    return await db.rows(query, numbers=list(numbers), **scope_parameters(scope))


def scope_form(whole: bool, by_area: bool, by_order: bool) -> Scope:
    """A scope of this form: queries are built once for each."""
    return Scope(whole, frozenset() if by_area else None, frozenset({"x"} if by_order else ()))


@dataclass(frozen=True, slots=True)
class Recipient:
    """A caller who is told of the incident's end: by the ticket that they called about."""

    number: TicketNumber
    phone: str


_IS_MERGED = t.c.status == TicketStatus.MERGED.value
_into = t.alias("merged_into")
# a ticket that somebody merged into one of another matter has the end of that
_INTO_MEMBER = sa.exists().where(
    _into.c.number == t.c.parent,
    sa.or_(_into.c.incident == t.c.incident, _into.c.number == sa.bindparam("parent", type_=sa.String)),
)
_CALLED_ABOUT = (
    sa.select(
        t.c.number,
        t.c.phone,
        sa.func.row_number().over(partition_by=t.c.phone, order_by=(t.c.created_at, t.c.number)).label("place"),
    )
    .where(
        sa.or_(
            sa.and_(
                _OF_INCIDENT,
                sa.or_(
                    sa.and_(_IS_MERGED, _INTO_MEMBER),
                    sa.and_(in_words(t.c.status, MERGEABLE), sa.not_(_RINGS), sa.not_(_OFFERED)),
                ),
            ),
            t.c.number == sa.bindparam("parent", type_=sa.String),
            t.c.parent == sa.bindparam("parent", type_=sa.String),
        ),
        t.c.phone.is_not(None),
    )
    .subquery()
)
_RECIPIENTS = PreparedQuery(
    sa.select(_CALLED_ABOUT.c.number, _CALLED_ABOUT.c.phone)
    .where(_CALLED_ABOUT.c.place == 1, _CALLED_ABOUT.c.number > sa.bindparam("after", type_=sa.String))
    .order_by(_CALLED_ABOUT.c.number)
    .limit(_LIMIT)
)


async def load_recipients(db: Database, code: IncidentCode, parent: str | None, after: str) -> list[Recipient]:
    """Those whose tickets were merged in it or would have been, and the caller of its parent; each phone once, by its
    first ticket: the next RECIPIENT_BATCH behind the number `after`. A ticket that tells of a danger, or was
    answered by itself, has an end of its own."""
    rows = await db.rows(_RECIPIENTS, code=code, parent=parent or "", after=after, limit=RECIPIENT_BATCH)
    return [Recipient(row.number, row.phone) for row in rows]


_CONTACTS = PreparedQuery(
    sa.select(sa.func.count().label("n")).where(
        sa.or_(
            call.c.number == sa.bindparam("number", type_=sa.String),
            call.c.number.in_(sa.select(t.c.number).where(t.c.parent == sa.bindparam("number", type_=sa.String))),
        )
    )
)


async def count_contacts(db: Database, number: TicketNumber) -> int:
    """The calls about a ticket, with those about the tickets that were merged into it."""
    row = await fetch_first(db, _CONTACTS, number=number)
    return int(row.n) if row is not None else 0

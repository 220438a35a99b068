"""Queries of single tickets. The asker's scope is part of the WHERE; rows are never filtered afterwards."""

from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, JsonRows, parse_instant
from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.scopes import Scope
from hotline.organisation.model.vocabulary import Channel, Kind, Level, Metric, Priority
from hotline.organisation.tables import api_key, person
from hotline.text.numbering import TicketNumber
from hotline.tickets.model.ticket import Assignment, Clock, Facts, Ticket
from hotline.tickets.model.vocabulary import AssignmentStatus, Outcome, Part, Satisfaction, TicketStatus
from hotline.tickets.store.scope import scope_condition, scope_parameters
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import clock
from hotline.tickets.tables import ticket as t

TICKET_COLUMNS = tuple(t.c[f.name] for f in fields(Ticket))
_A_NAMES = tuple(f.name for f in fields(Assignment))
# by whom an order was accepted: a person, or a key
_ASSIGNEE_NAME = sa.func.coalesce(
    sa.select(person.c.name).where(person.c.id == a.c.assignee).correlate(a).scalar_subquery(),
    sa.select(api_key.c.name).where(api_key.c.id == a.c.assignee).correlate(a).scalar_subquery(),
)
_ORDER = tuple((_ASSIGNEE_NAME if name == "assignee_name" else a.c[name]).label(f"a_{name}") for name in _A_NAMES)
CLOCK_COLUMNS = tuple(clock.c[f.name] for f in fields(Clock))
_TICKET_WIDTH = len(TICKET_COLUMNS)
_T_NAMES = tuple(f.name for f in fields(Ticket))
_C_NAMES = tuple(f.name for f in fields(Clock))
_C_MOMENTS = tuple(f.name for f in fields(Clock) if isinstance(clock.c[f.name].type, Instant))


def _facts_select() -> sa.Select[Any]:
    """A ticket with its assignments, one row each; its running clocks and how many were merged into it beside."""
    child = t.alias("child")
    children = (
        sa.select(sa.func.count()).select_from(child).where(child.c.parent == t.c.number).correlate(t).scalar_subquery()
    )
    clocks = (
        sa.select(JsonRows(*CLOCK_COLUMNS))
        .where(clock.c.number == t.c.number, clock.c.stopped_at.is_(None))
        .correlate(t)
        .scalar_subquery()
    )
    return (
        sa.select(*TICKET_COLUMNS, *_ORDER, children.label("children"), clocks.label("clocks"))
        .select_from(t.outerjoin(a, a.c.number == t.c.number))
        .order_by(t.c.number, a.c.issued_at, a.c.id)
    )


@lru_cache(maxsize=16)
def _facts_query(unrestricted: bool, by_area: bool, by_order: bool, by_creator: bool) -> PreparedQuery:
    areas = frozenset[str]() if by_area else None
    scope = Scope(unrestricted, areas, frozenset({"x"} if by_order else ()), "x" if by_creator else None)
    return PreparedQuery(
        _facts_select().where(t.c.number == sa.bindparam("number", type_=sa.String), scope_condition(scope))
    )


async def load_facts(db: Database, scope: Scope, number: str) -> Facts | None:
    """A ticket with its assignments. None: not there, or not theirs to see."""
    if scope.nothing:
        return None
    query = _facts_query(scope.whole, scope.areas is not None, bool(scope.departments), scope.creator is not None)
    rows = await db.rows(query, number=number, **scope_parameters(scope))
    if not rows:
        return None
    return _facts_from_rows(rows)


def _facts_from_rows(rows: Sequence[Row], directory: Directory | None = None) -> Facts:
    orders = tuple(_assignment(r) for r in rows if r.a_id is not None)
    clocks = tuple(map(clock_from_row, rows[0].clocks))
    return Facts(ticket_from_row(rows[0]), orders, children=rows[0].children, clocks=clocks, directory=directory)


_ORDERS = PreparedQuery(
    sa.select(*_ORDER).where(InCodes(a.c.number, "numbers")).order_by(a.c.number, a.c.issued_at, a.c.id)
)


async def load_orders(db: Database, numbers: Sequence[str]) -> dict[str, list[Assignment]]:
    """The assignments of tickets the asker has been shown within their scope, by number."""
    found: dict[str, list[Assignment]] = {}
    for row in await db.rows(_ORDERS, numbers=list(numbers)):
        order = _assignment_of(row)
        found.setdefault(order.number, []).append(order)
    return found


_FACTS_BY_NUMBER = PreparedQuery(_facts_select().where(InCodes(t.c.number, "numbers")))


async def load_facts_by_number(db: Database, numbers: Sequence[str], directory: Directory) -> dict[str, Facts]:
    """Several tickets at once, for the clock, who sees them all: number -> facts."""
    rows = await db.rows(_FACTS_BY_NUMBER, numbers=list(numbers))
    return {
        number: _facts_from_rows(list(group), directory) for number, group in groupby(rows, key=attrgetter("number"))
    }


_PARENT = PreparedQuery(sa.select(t.c.parent).where(t.c.number == sa.bindparam("number", type_=sa.String)))


async def load_parent_chain(db: Database, number: TicketNumber) -> tuple[TicketNumber, ...]:
    """The tickets this one was merged into, nearest first."""
    chain: list[TicketNumber] = []
    while (row := await fetch_first(db, _PARENT, number=number)) and row.parent and row.parent not in chain:
        number = TicketNumber(row.parent)
        chain.append(number)
    return tuple(chain)


def _optional(words: type[Any], value: Any) -> Any:
    return None if value is None else words(value)


def ticket_from_row(row: Row) -> Ticket:
    v = dict(zip(_T_NAMES, row[:_TICKET_WIDTH], strict=True))
    v["status"], v["kind"], v["channel"], v["priority"] = (
        TicketStatus(v["status"]),
        Kind(v["kind"]),
        Channel(v["channel"]),
        Priority(v["priority"]),
    )
    v["satisfaction_first"], v["satisfaction_final"] = (
        _optional(Satisfaction, v["satisfaction_first"]),
        _optional(Satisfaction, v["satisfaction_final"]),
    )
    v["outcome"] = _optional(Outcome, v["outcome"])
    v["supervised"], v["escalated"] = _optional(Level, v["supervised"]), _optional(Level, v["escalated"])
    v["flags"], v["returned_by"], v["ruled"] = tuple(v["flags"]), tuple(v["returned_by"]), tuple(v["ruled"])
    return Ticket(**v)


def _assignment(row: Row) -> Assignment:
    return _assignment_of(row[_TICKET_WIDTH:-2])


def _assignment_of(cells: Sequence[Any]) -> Assignment:
    v = dict(zip(_A_NAMES, cells, strict=True))
    v["part"], v["status"], v["priority"] = Part(v["part"]), AssignmentStatus(v["status"]), Priority(v["priority"])
    return Assignment(**v)


def clock_from_row(cells: Sequence[Any]) -> Clock:
    v = dict(zip(_C_NAMES, cells, strict=True))
    for name in _C_MOMENTS:
        v[name] = parse_instant(v[name])
    v["metric"], v["marks"], v["provisional"] = Metric(v["metric"]), tuple(v["marks"]), bool(v["provisional"])
    return Clock(**v)


_OUTER = PreparedQuery(
    sa.select(t.c.number).where(
        t.c.outer_system == sa.bindparam("system", type_=sa.String),
        t.c.outer_number == sa.bindparam("outer", type_=sa.String),
    )
)


async def load_number_by_outer(db: Database, system: str, outer: str) -> str | None:
    """The ticket of another system's number, for that system itself."""
    row = await fetch_first(db, _OUTER, system=system, outer=outer)
    return str(row.number) if row else None


_OUTERS = PreparedQuery(
    sa.select(t.c.outer_number).where(
        t.c.outer_system == sa.bindparam("system", type_=sa.String), InCodes(t.c.outer_number, "outers")
    )
)


async def load_known_outer_numbers(db: Database, system: str, outers: Sequence[str]) -> set[str]:
    """Which of these outer numbers came in before."""
    return {r.outer_number for r in await db.rows(_OUTERS, system=system, outers=outers)}

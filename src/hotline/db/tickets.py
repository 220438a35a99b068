"""Questions about tickets. Each begins with who asks: the scope stands in the WHERE, never in a filter afterwards."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from hotline.domain.directory import Directory
from hotline.domain.folding import asked
from hotline.domain.privacy import Scope
from hotline.domain.queues import WORKLISTS, Worklist
from hotline.domain.ticket import Assignment, Clock, Facts, Number, Ticket
from hotline.domain.vocabulary import (
    THEIRS,
    AssignmentStatus,
    Channel,
    Kind,
    Level,
    Metric,
    Outcome,
    Part,
    Priority,
    Queue,
    Satisfaction,
    TicketStatus,
)

from .columns import Among, Holds, Instant, Matches, Packed, is_one_of, read_instant
from .database import Database, one
from .question import Question, Row
from .tables import TICKET_WORDS, attachment, call, clock, escalation, timeline
from .tables import assignment as a
from .tables import ticket as t

_held = a.alias("held")
_TICKET = tuple(t.c[f.name] for f in fields(Ticket))
_ORDER = tuple(a.c[f.name].label(f"a_{f.name}") for f in fields(Assignment))
_CLOCK = tuple(clock.c[f.name] for f in fields(Clock))
_CUT = len(_TICKET)
_T_NAMES = tuple(f.name for f in fields(Ticket))
_A_NAMES = tuple(f.name for f in fields(Assignment))
_C_NAMES = tuple(f.name for f in fields(Clock))
_C_MOMENTS = tuple(f.name for f in fields(Clock) if isinstance(clock.c[f.name].type, Instant))


def visible(scope: Scope) -> sa.ColumnElement[bool]:
    """The WHERE of everybody: the desk by area, a department by the orders it holds or performs, a key by what it
    opened."""
    ways: list[sa.ColumnElement[bool]] = []
    if scope.whole:
        ways.append(sa.true() if scope.areas is None else Among(t.c.area, "areas"))
    if scope.departments:
        theirs = (
            sa.select(sa.literal(1))
            .select_from(_held)
            .where(_held.c.number == t.c.number, is_one_of(_held.c.status, THEIRS))
        )
        by = sa.or_(Among(_held.c.department, "theirs"), Among(_held.c.performer, "theirs"))
        held = theirs.where(by).correlate(t).exists()
        ways.append(held if scope.areas is None else sa.and_(held, Among(t.c.area, "areas")))
    if scope.creator is not None:
        ways.append(t.c.created_by == sa.bindparam("creator", type_=sa.String))
    return sa.or_(*ways) if ways else sa.false()


def seen_by(scope: Scope) -> dict[str, Any]:
    """The values `visible` asks for."""
    values: dict[str, Any] = {}
    if scope.areas is not None:
        values["areas"] = sorted(scope.areas)
    if scope.departments:
        values["theirs"] = sorted(scope.departments)
    if scope.creator is not None:
        values["creator"] = scope.creator
    return values


def whole_scope(by_area: bool) -> Scope:
    """The form of a scope that sees by area, to build a question from."""
    return Scope(True, frozenset() if by_area else None, frozenset())


def of_their_tickets(number: sa.ColumnElement[str | None], scope: Scope) -> sa.ColumnElement[bool]:
    """The WHERE of what belongs to tickets: all of it for who sees every ticket, else what belongs to one of theirs."""
    if scope.whole and scope.areas is None:
        return sa.true()
    return sa.select(sa.literal(1)).select_from(t).where(t.c.number == number, visible(scope)).exists()


def confidential_of(number: sa.ColumnElement[str | None]) -> sa.Label[Any]:
    """Beside a row: whether its ticket is confidential; NULL: it has none."""
    return sa.select(t.c.confidential).where(t.c.number == number).scalar_subquery().label("confidential")


def _whole_facts() -> sa.Select[Any]:
    """A ticket with its assignments, one row each; its running clocks and how many were merged into it beside."""
    child = t.alias("child")
    children = (
        sa.select(sa.func.count()).select_from(child).where(child.c.parent == t.c.number).correlate(t).scalar_subquery()
    )
    clocks = (
        sa.select(Packed(*_CLOCK))
        .where(clock.c.number == t.c.number, clock.c.stopped_at.is_(None))
        .correlate(t)
        .scalar_subquery()
    )
    return (
        sa.select(*_TICKET, *_ORDER, children.label("children"), clocks.label("clocks"))
        .select_from(t.outerjoin(a, a.c.number == t.c.number))
        .order_by(t.c.number, a.c.issued_at, a.c.id)
    )


@lru_cache(maxsize=16)
def _facts(whole: bool, by_area: bool, by_order: bool, by_creator: bool) -> Question:
    areas = frozenset[str]() if by_area else None
    scope = Scope(whole, areas, frozenset({"x"} if by_order else ()), "x" if by_creator else None)
    return Question(_whole_facts().where(t.c.number == sa.bindparam("number", type_=sa.String), visible(scope)))


async def facts(db: Database, scope: Scope, number: str) -> Facts | None:
    """A ticket with its assignments. None: not there, or not theirs to see."""
    if scope.nothing:
        return None
    question = _facts(scope.whole, scope.areas is not None, bool(scope.departments), scope.creator is not None)
    rows = await db.rows(question, number=number, **seen_by(scope))
    if not rows:
        return None
    return _read(rows)


def _read(rows: Sequence[Row], directory: Directory | None = None) -> Facts:
    orders = tuple(_assignment(r) for r in rows if r.a_id is not None)
    clocks = tuple(map(_clock, rows[0].clocks))
    return Facts(_ticket(rows[0]), orders, children=rows[0].children, clocks=clocks, directory=directory)


_ORDERS = Question(sa.select(*_ORDER).where(Among(a.c.number, "numbers")).order_by(a.c.number, a.c.issued_at, a.c.id))


async def orders_of(db: Database, numbers: Sequence[str]) -> dict[str, list[Assignment]]:
    """The assignments of tickets the asker has been shown within their scope, by number."""
    found: dict[str, list[Assignment]] = {}
    for row in await db.rows(_ORDERS, numbers=list(numbers)):
        order = _assignment_of(row)
        found.setdefault(order.number, []).append(order)
    return found


_SEVERAL = Question(_whole_facts().where(Among(t.c.number, "numbers")))


async def facts_of(db: Database, numbers: Sequence[str], directory: Directory) -> dict[str, Facts]:
    """Several tickets at once, for the clock, who sees them all: number -> facts."""
    rows = await db.rows(_SEVERAL, numbers=list(numbers))
    return {number: _read(list(group), directory) for number, group in groupby(rows, key=attrgetter("number"))}


_STEPS = Question(
    sa.select(timeline.c.at, timeline.c.action, timeline.c.status_to)
    .where(timeline.c.number == sa.bindparam("number", type_=sa.String))
    .order_by(timeline.c.seq)
    .limit(200)
)


async def public_steps(db: Database, number: str) -> Sequence[Row]:
    """When what was done to a ticket, oldest first: at, action, status_to. Who and why stay inside."""
    return await db.rows(_STEPS, number=number)


_CHILDREN = Question(
    sa.select(t.c.number)
    .where(t.c.parent == sa.bindparam("number", type_=sa.String), t.c.caller.is_not(None))
    .order_by(t.c.number)
    .limit(2000)
)


async def children_of(db: Database, number: str) -> Sequence[Row]:
    """The numbers of the tickets merged into this one whose callers can be told."""
    return await db.rows(_CHILDREN, number=number)


_CHILD = Question(
    sa.select(t.c.number, t.c.phone, t.c.caller, t.c.narrative, t.c.confidential, t.c.reply_wanted).where(
        t.c.number == sa.bindparam("child", type_=sa.String), t.c.parent == sa.bindparam("parent", type_=sa.String)
    )
)


async def a_child(db: Database, child: str, parent: str) -> Row | None:
    """One of them, as its caller is told: number, phone, caller, narrative, confidential, reply_wanted."""
    return await one(db, _CHILD, child=child, parent=parent)


_PARENT = Question(sa.select(t.c.parent).where(t.c.number == sa.bindparam("number", type_=sa.String)))


async def chain_of(db: Database, number: Number) -> tuple[Number, ...]:
    """The tickets this one was merged into, nearest first."""
    chain: list[Number] = []
    while (row := await one(db, _PARENT, number=number)) and row.parent and row.parent not in chain:
        number = Number(row.parent)
        chain.append(number)
    return tuple(chain)


def _maybe(words: type[Any], value: Any) -> Any:
    return None if value is None else words(value)


def _ticket(row: Row) -> Ticket:
    v = dict(zip(_T_NAMES, row[:_CUT], strict=True))
    v["status"], v["kind"], v["channel"], v["priority"] = (
        TicketStatus(v["status"]),
        Kind(v["kind"]),
        Channel(v["channel"]),
        Priority(v["priority"]),
    )
    v["satisfaction_first"], v["satisfaction_final"] = (
        _maybe(Satisfaction, v["satisfaction_first"]),
        _maybe(Satisfaction, v["satisfaction_final"]),
    )
    v["outcome"] = _maybe(Outcome, v["outcome"])
    v["supervised"], v["escalated"] = _maybe(Level, v["supervised"]), _maybe(Level, v["escalated"])
    v["flags"], v["returned_by"], v["ruled"] = tuple(v["flags"]), tuple(v["returned_by"]), tuple(v["ruled"])
    return Ticket(**v)


def _assignment(row: Row) -> Assignment:
    return _assignment_of(row[_CUT:-2])


def _assignment_of(cells: Sequence[Any]) -> Assignment:
    v = dict(zip(_A_NAMES, cells, strict=True))
    v["part"], v["status"], v["priority"] = Part(v["part"]), AssignmentStatus(v["status"]), Priority(v["priority"])
    return Assignment(**v)


def _clock(cells: Sequence[Any]) -> Clock:
    v = dict(zip(_C_NAMES, cells, strict=True))
    for name in _C_MOMENTS:
        v[name] = read_instant(v[name])
    v["metric"], v["marks"], v["provisional"] = Metric(v["metric"]), tuple(v["marks"]), bool(v["provisional"])
    return Clock(**v)


# Where the lead's order stands. One value by one look at an index for each row shown: as EXISTS the database would
# rather read every open order first.
_LEAD_AT = (
    sa.select(_held.c.status)
    .where(_held.c.number == t.c.number, is_one_of(_held.c.part, (Part.LEAD,)), _held.c.closed_at.is_(None))
    .limit(1)
    .correlate(t)
    .scalar_subquery()
)
# the department a ticket is counted under, as `domain.measures.responsible` has it
COUNTED_UNDER = (
    sa.select(_held.c.department)
    .where(_held.c.number == t.c.number, is_one_of(_held.c.part, (Part.LEAD,)), is_one_of(_held.c.status, THEIRS))
    .order_by(_held.c.issued_at.desc(), _held.c.id.desc())
    .limit(1)
    .correlate(t)
    .scalar_subquery()
)
# who has it; of a matter that is done, who did it
_DONE = is_one_of(t.c.status, (TicketStatus.RESOLVED, TicketStatus.CLOSED))
_HOLDER = sa.case((sa.and_(t.c.department.is_(None), _DONE), COUNTED_UNDER), else_=t.c.department)
_BRIEF = (
    t.c.number,
    t.c.status,
    t.c.kind,
    t.c.category,
    t.c.priority,
    t.c.title,
    t.c.channel,
    t.c.area,
    _HOLDER.label("department"),
    t.c.flags,
    t.c.confidential,
    t.c.urges,
    t.c.calls,
    t.c.due_at,
    t.c.promised_at,
    t.c.created_at,
    t.c.updated_at,
    t.c.closed_at,
    t.c.version,
    _LEAD_AT.label("lead_at"),
)
EQUAL = ("kind", "channel", "priority", "parent", "caller", "outer_number")
MANY = {"status": t.c.status, "category": t.c.category, "area": t.c.area}
SORTS = {"created_at": t.c.created_at, "updated_at": t.c.updated_at}


@lru_cache(maxsize=512)
def _list(
    whole: bool, by_area: bool, by_order: bool, given: frozenset[str], sort: str, descending: bool, every: bool = False
) -> Question:
    scope = Scope(whole, frozenset() if by_area else None, frozenset({"x"}) if by_order else frozenset())
    key = SORTS[sort]
    question = sa.select(*(_TICKET if every else _BRIEF)).where(visible(scope))
    for name in EQUAL:
        if name in given:
            question = question.where(t.c[name] == sa.bindparam(name, type_=sa.String))
    if "caller" in given:  # who called about a confidential matter cannot be found out by asking for it
        question = question.where(t.c.confidential.is_(False))
    for name, column in MANY.items():
        if name in given:
            question = question.where(Among(column, f"these_{name}"))
    if "department" in given:
        held = sa.select(a.c.number).where(Among(a.c.department, "these_department"), is_one_of(a.c.status, THEIRS))
        question = question.where(t.c.number.in_(held))
    if "performer" in given:
        performed = sa.select(a.c.number).where(
            a.c.performer == sa.bindparam("performer", type_=sa.String), is_one_of(a.c.status, THEIRS)
        )
        question = question.where(t.c.number.in_(performed))
    if "assignee" in given:
        taken = sa.select(a.c.number).where(
            a.c.assignee == sa.bindparam("assignee", type_=sa.String), a.c.closed_at.is_(None)
        )
        question = question.where(t.c.number.in_(taken))
    if "flag" in given:
        question = question.where(Holds(t.c.flags, "flag"))
    if "confidential" in given:
        question = question.where(t.c.confidential == sa.bindparam("confidential", type_=sa.Boolean))
    if "overdue" in given:
        in_hand = is_one_of(t.c.status, (TicketStatus.DISPATCHED,))  # elsewhere its clock stands still
        reported = is_one_of(_LEAD_AT, (AssignmentStatus.REPORTED,))
        question = question.where(in_hand, ~reported, t.c.due_at < sa.bindparam("overdue", type_=Instant))
    if "created_from" in given:
        question = question.where(t.c.created_at >= sa.bindparam("created_from", type_=Instant))
    if "created_before" in given:
        question = question.where(t.c.created_at < sa.bindparam("created_before", type_=Instant))
    if "text" in given:
        question = question.where(Matches(TICKET_WORDS, t.c.number, "words"))
    if "found" in given:
        question = question.where(Among(t.c.number, "found"))
    if "after" in given:
        place = sa.tuple_(sa.bindparam("after_at", type_=Instant), sa.bindparam("after_number", type_=sa.String))
        here = sa.tuple_(key, t.c.number)
        question = question.where(here < place if descending else here > place)
    order = (key.desc(), t.c.number.desc()) if descending else (key, t.c.number)
    return Question(question.order_by(*order).limit(sa.bindparam("limit", type_=sa.Integer)))


def words_query(text: str, dialect: str) -> str | None:
    """The search as the engine's index reads it. None: nothing in the text can be searched for."""
    wanted = asked(text)
    if not wanted:
        return None
    if dialect == "postgresql":
        return " & ".join(f"'{term}'{':*' if beginning else ''}" for term, beginning in wanted)
    return " AND ".join(f'"{term}"{"*" if beginning else ""}' for term, beginning in wanted)


FEW = 2000  # hits that are looked up one by one
_NUMBERS = sa.table(TICKET_WORDS.table, sa.column(TICKET_WORDS.key, sa.String))
_FOUND = Question(
    sa.select(_NUMBERS.c.number)
    .where(Matches(TICKET_WORDS, _NUMBERS.c.number, "words"))
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def listed(
    db: Database,
    scope: Scope,
    filters: dict[str, Any],
    limit: int,
    *,
    sort: str = "created_at",
    descending: bool = True,
    after: tuple[datetime, str] | None = None,
    every: bool = False,
) -> Sequence[Row]:
    """Tickets in order of `sort`, at most `limit`. `filters`: EQUAL names, MANY names with lists, and the rest of
    `_list`."""
    if scope.nothing:
        return []
    values = seen_by(scope)
    for name, value in filters.items():
        if name in MANY or name == "department":
            values[f"these_{name}"] = value
        elif name == "text" and value is not None:
            if (query := words_query(value, db.dialect.name)) is None:
                return []
            found = [r.number for r in await db.rows(_FOUND, words=query, limit=FEW + 1)]
            if not found:
                return []
            if len(found) <= FEW:  # by their numbers: a walk along the list's order would pass millions to meet a few
                filters = {k: v for k, v in filters.items() if k != "text"} | {"found": found}
                values["found"] = found
            else:
                values["words"] = query
        else:
            values[name] = value
    given = frozenset(filters) | ({"after"} if after else set())
    if after:
        values["after_at"], values["after_number"] = after
    question = _list(scope.whole, scope.areas is not None, bool(scope.departments), given, sort, descending, every)
    return await db.rows(question, **values, limit=limit)


async def listed_whole(
    db: Database, scope: Scope, filters: dict[str, Any], limit: int, after: tuple[datetime, str] | None
) -> list[Ticket]:
    """The same as whole tickets, oldest first: for files."""
    return [_ticket(row) for row in await listed(db, scope, filters, limit, descending=False, after=after, every=True)]


_TIMELINE = Question(
    sa.select(*timeline.c)
    .where(
        timeline.c.number == sa.bindparam("number", type_=sa.String),
        timeline.c.seq > sa.bindparam("after", type_=sa.Integer),
    )
    .order_by(timeline.c.seq)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_BELOW = sa.select(t.c.number).where(t.c.parent == sa.bindparam("number", type_=sa.String)).cte("below", recursive=True)
_BELOW = _BELOW.union(sa.select(t.c.number).where(t.c.parent == _BELOW.c.number))
_CALLS = Question(
    sa.select(*call.c, t.c.confidential.label("of_confidential"))
    .select_from(call.join(t, t.c.number == call.c.number))
    .where(
        sa.or_(call.c.number == sa.bindparam("number", type_=sa.String), call.c.number.in_(sa.select(_BELOW.c.number)))
    )
    .order_by(call.c.at, call.c.number, call.c.id)
)
_FILES = Question(
    sa.select(*attachment.c)
    .where(attachment.c.number == sa.bindparam("number", type_=sa.String))
    .order_by(attachment.c.at, attachment.c.id)
)


_CLOCKS = Question(
    sa.select(*_CLOCK)
    .where(clock.c.number == sa.bindparam("number", type_=sa.String))
    .order_by(clock.c.started_at, clock.c.id)
)
_ESCALATIONS = Question(
    sa.select(*escalation.c)
    .where(escalation.c.number == sa.bindparam("number", type_=sa.String))
    .order_by(escalation.c.at, escalation.c.clock, escalation.c.level)
)


async def clocks_of(db: Database, number: str) -> list[Clock]:
    """Every clock a ticket ever had, in order of start. Asked after `facts`, like `told`."""
    return [_clock(tuple(row)) for row in await db.rows(_CLOCKS, number=number)]


async def escalations_of(db: Database, number: str) -> Sequence[Row]:
    """Every step of a ladder that was told about a ticket, in order. Asked after `facts`, like `told`."""
    return await db.rows(_ESCALATIONS, number=number)


async def told(db: Database, number: str, after: int, limit: int) -> Sequence[Row]:
    """The timeline behind entry `after`. The caller has seen the ticket's facts within its scope before."""
    return await db.rows(_TIMELINE, number=number, after=after, limit=limit)


async def calls_of(db: Database, number: str) -> Sequence[Row]:
    """All calls about a ticket and about those merged into it, oldest first. Asked after `facts`, like `told`."""
    return await db.rows(_CALLS, number=number)


async def files_of(db: Database, number: str) -> Sequence[Row]:
    """The attachments of a ticket. Asked after `facts`, like `told`."""
    return await db.rows(_FILES, number=number)


def _waiting(by_area: bool) -> Question:
    rank = sa.case((t.c.priority == "emergency", 0), (t.c.priority == "urgent", 1), else_=2)
    place = sa.tuple_(
        sa.bindparam("rank", type_=sa.Integer),
        sa.bindparam("after_at", type_=Instant),
        sa.bindparam("after_number", type_=sa.String),
    )
    question = (
        sa.select(*_BRIEF, rank.label("rank"))
        .where(is_one_of(t.c.status, (TicketStatus.RECEIVED, TicketStatus.TRIAGED)))
        .where(visible(Scope(True, frozenset() if by_area else None, frozenset())))
        .where(sa.tuple_(rank, t.c.created_at, t.c.number) > place)
        .order_by(rank, t.c.created_at, t.c.number)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    return Question(question)


def _worklist(work: Worklist, by_area: bool) -> Question:
    place = sa.tuple_(sa.bindparam("after_at", type_=Instant), sa.bindparam("after_number", type_=sa.String))
    own = (clock.c.number == t.c.number, is_one_of(clock.c.metric, (work.metric,)), clock.c.stopped_at.is_(None))
    # what has no clock yet stands by when it came in: nobody overlooks it
    ends = sa.func.coalesce(clock.c.limit_at, t.c.created_at)
    return Question(
        sa.select(*_BRIEF, t.c.call_backs, clock.c.limit_at.label("until"), ends.label("place"))
        .select_from(t.outerjoin(clock, sa.and_(*own)))
        .where(is_one_of(t.c.status, (work.status,)), visible(whole_scope(by_area)))
        .where(sa.tuple_(ends, t.c.number) > place)
        .order_by(ends, t.c.number)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


_WAITING = {by_area: _waiting(by_area) for by_area in (False, True)}


async def waiting(db: Database, scope: Scope, after: tuple[int, datetime, str], limit: int) -> Sequence[Row]:
    """What no department has yet, emergencies first, then longest waiting. For the desk: none without it."""
    if not scope.whole:
        return []
    rank, at, number = after
    seen = seen_by(Scope(True, scope.areas, frozenset()))
    question = _WAITING[scope.areas is not None]
    return await db.rows(question, rank=rank, after_at=at, after_number=number, limit=limit, **seen)


_WORK = {by_area: {name: _worklist(work, by_area) for name, work in WORKLISTS.items()} for by_area in (False, True)}


async def worklist(db: Database, scope: Scope, queue: Queue, after: tuple[datetime, str], limit: int) -> Sequence[Row]:
    """What waits in one of WORKLISTS, what ends first first; `until`: when the clock of that wait ends, `call_backs`
    how often nobody answered. For the desk: none without it."""
    if not scope.whole:
        return []
    seen = seen_by(Scope(True, scope.areas, frozenset()))
    at, number = after
    return await db.rows(_WORK[scope.areas is not None][queue], after_at=at, after_number=number, limit=limit, **seen)


_OUTER = Question(
    sa.select(t.c.number).where(
        t.c.outer_system == sa.bindparam("system", type_=sa.String),
        t.c.outer_number == sa.bindparam("outer", type_=sa.String),
    )
)


async def number_of_outer(db: Database, system: str, outer: str) -> str | None:
    """The ticket of another system's number, for that system itself."""
    row = await one(db, _OUTER, system=system, outer=outer)
    return str(row.number) if row else None


async def has_outer(db: Database, system: str, outer: str) -> bool:
    """Whether another hotline's order came in before: a yes or no, which tells nobody whose it is."""
    return await one(db, _OUTER, system=system, outer=outer) is not None


_OUTERS = Question(
    sa.select(t.c.outer_number).where(
        t.c.outer_system == sa.bindparam("system", type_=sa.String), Among(t.c.outer_number, "outers")
    )
)


async def known_outers(db: Database, system: str, outers: Sequence[str]) -> set[str]:
    """Which of these outer numbers came in before."""
    return {r.outer_number for r in await db.rows(_OUTERS, system=system, outers=outers)}

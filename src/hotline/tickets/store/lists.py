"""Lists of tickets: filtered, searched, sorted, paged; worklists and the dispatch queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, ListContains, MatchesSearch, in_words, sealing_of
from hotline.database.engine import Database
from hotline.database.keyset import KeysetPage
from hotline.database.prepared import PreparedQuery, Row
from hotline.database.sealing import Sealing
from hotline.database.search_terms import SHORTEST_NAME, name_tokens, sound_text
from hotline.organisation.model.scopes import Scope
from hotline.text.normalisation import query_terms
from hotline.text.numbering import TicketNumber
from hotline.text.personal import number_key, part_numbers
from hotline.text.typed_pinyin import typed_terms
from hotline.tickets.model.queues import WORKLISTS, Worklist
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.vocabulary import HELD, AssignmentStatus, Part, Queue, TicketStatus
from hotline.tickets.store.assignments import orders_with_colour
from hotline.tickets.store.counted import RESPONSIBLE_DEPARTMENT, ticket_condition
from hotline.tickets.store.facts import TICKET_COLUMNS, ticket_from_row
from hotline.tickets.store.scope import desk_scope, held_orders, scope_condition, scope_parameters
from hotline.tickets.tables import TICKET_WORDS, clock
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import ticket as t


def _of_lead(column: Any) -> Any:
    """Of the lead's order. One value by one look at an index for each row shown: as EXISTS the database would rather
    read every open order first."""
    lead = in_words(held_orders.c.part, (Part.LEAD,))
    found = sa.select(column).where(held_orders.c.number == t.c.number, lead, held_orders.c.closed_at.is_(None))
    return found.limit(1).correlate(t).scalar_subquery()


# who has it; of a matter that is done, who did it
_DONE = in_words(t.c.status, (TicketStatus.RESOLVED, TicketStatus.CLOSED))
_HOLDER = sa.case((sa.and_(t.c.department.is_(None), _DONE), RESPONSIBLE_DEPARTMENT), else_=t.c.department)


def unsigned_orders(order: Any) -> sa.ColumnElement[bool]:
    """The same as `is_unsigned` of the model."""
    by_clock = sa.and_(in_words(order.c.status, (AssignmentStatus.ACCEPTED,)), order.c.signed_at.is_(None))
    return sa.or_(in_words(order.c.status, (AssignmentStatus.ISSUED,)), by_clock)


BRIEF_COLUMNS = (
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
    _of_lead(held_orders.c.status).label("lead_at"),
    _of_lead(held_orders.c.signed_at).label("lead_signed_at"),
)
EQUALITY_FILTERS = ("kind", "channel", "priority", "parent", "caller", "outer_number", "incident")
LIST_FILTERS = {"status": t.c.status, "category": t.c.category, "area": t.c.area}
COUNTED = "counted:"  # before the code of what is counted, in the names of filters: each is a statement of its own
SORTS = {"created_at": t.c.created_at, "updated_at": t.c.updated_at}


class _ScopeForm(NamedTuple):
    """What a statement depends on of a scope: whether it sees every ticket, only some areas, orders of departments."""

    unrestricted: bool
    by_area: bool
    by_order: bool

    def example(self) -> Scope:
        """A scope of this form; its areas and departments are parameters of the statement."""
        areas, departments = frozenset[str]() if self.by_area else None, {"x"} if self.by_order else ()
        return Scope(self.unrestricted, areas, frozenset(departments))


@dataclass(frozen=True, slots=True)
class ListOrder:
    """The column a list is in order of, and which end comes first."""

    column: str = "created_at"
    descending: bool = True


NEWEST_FIRST = ListOrder()


@dataclass(frozen=True, slots=True)
class TicketSearch:
    """A text that is looked for. `number`, `phone` (E.164): what it is, where it can be read as one."""

    text: str
    number: TicketNumber | None = None
    phone: str | None = None


def _with_filters(query: sa.Select[Any], filter_names: frozenset[str]) -> sa.Select[Any]:
    """The query with the conditions of these filters."""
    for name in EQUALITY_FILTERS:
        if name in filter_names:
            query = query.where(t.c[name] == sa.bindparam(name, type_=sa.String))
    if "caller" in filter_names:  # who called about a confidential matter cannot be found out by asking for it
        query = query.where(t.c.confidential.is_(False))
    for name, column in LIST_FILTERS.items():
        if name in filter_names:
            query = query.where(InCodes(column, f"these_{name}"))
    counted = next((name.removeprefix(COUNTED) for name in filter_names if name.startswith(COUNTED)), None)
    if counted is not None:
        query = query.where(ticket_condition(counted, "department" in filter_names))
    elif "department" in filter_names:
        held = sa.select(a.c.number).where(InCodes(a.c.department, "these_department"), in_words(a.c.status, HELD))
        query = query.where(t.c.number.in_(held))
    if "performer" in filter_names:
        performed = sa.select(a.c.number).where(
            a.c.performer == sa.bindparam("performer", type_=sa.String), in_words(a.c.status, HELD)
        )
        query = query.where(t.c.number.in_(performed))
    if "assignee" in filter_names:
        assigned_numbers = sa.select(a.c.number).where(
            a.c.assignee == sa.bindparam("assignee", type_=sa.String), a.c.closed_at.is_(None)
        )
        query = query.where(t.c.number.in_(assigned_numbers))
    if "flag" in filter_names:
        query = query.where(ListContains(t.c.flags, "flag"))
    if "confidential" in filter_names:
        query = query.where(t.c.confidential == sa.bindparam("confidential", type_=sa.Boolean))
    if "overdue" in filter_names:
        in_hand = in_words(t.c.status, (TicketStatus.DISPATCHED,))  # elsewhere its clock stands still
        reported = in_words(_of_lead(held_orders.c.status), (AssignmentStatus.REPORTED,))
        query = query.where(in_hand, ~reported, t.c.due_at < sa.bindparam("overdue", type_=Instant))
    if "accept_overdue" in filter_names:
        in_hand = in_words(t.c.status, (TicketStatus.DISPATCHED,))
        late = sa.select(a.c.number).where(
            a.c.closed_at.is_(None), unsigned_orders(a), a.c.accept_by < sa.bindparam("accept_overdue", type_=Instant)
        )
        query = query.where(in_hand, t.c.number.in_(late))
    if "colour" in filter_names:
        each, looks = orders_with_colour(a, [a.c.closed_at.is_(None)], a.c.number)
        query = query.where(t.c.number.in_(sa.select(each.c.number).where(InCodes(looks, "these_colour"))))
    if "created_from" in filter_names:
        query = query.where(t.c.created_at >= sa.bindparam("created_from", type_=Instant))
    if "created_before" in filter_names:
        query = query.where(t.c.created_at < sa.bindparam("created_before", type_=Instant))
    if "text" in filter_names:
        query = query.where(MatchesSearch(TICKET_WORDS, t.c.number, "words"))
    if "found" in filter_names:
        query = query.where(InCodes(t.c.number, "found"))
    return query


@lru_cache(maxsize=512)
def _list_query(
    scope: _ScopeForm, filter_names: frozenset[str], order: ListOrder, all_columns: bool = False
) -> PreparedQuery:
    key = SORTS[order.column]
    query = sa.select(*(TICKET_COLUMNS if all_columns else BRIEF_COLUMNS)).where(scope_condition(scope.example()))
    query = _with_filters(query, filter_names)
    if "after" in filter_names:
        place = sa.tuple_(sa.bindparam("after_at", type_=Instant), sa.bindparam("after_number", type_=sa.String))
        here = sa.tuple_(key, t.c.number)
        query = query.where(here < place if order.descending else here > place)
    keys = (key.desc(), t.c.number.desc()) if order.descending else (key, t.c.number)
    return PreparedQuery(query.order_by(*keys).limit(sa.bindparam("limit", type_=sa.Integer)))


@lru_cache(maxsize=64)
def _count_query(scope: _ScopeForm, filter_names: frozenset[str]) -> sa.Select[Any]:
    query = sa.select(sa.func.count()).select_from(t).where(scope_condition(scope.example()))
    return _with_filters(query, filter_names)


def count_tickets(c: sa.Connection, scope: Scope, filters: dict[str, Any]) -> int:
    """How many tickets the list with these filters holds; none of them may be a text that is looked for."""
    if scope.nothing:
        return 0
    names, values = _filter_values(filters)
    query = _count_query(_scope_form(scope), names)
    return int(c.execute(query, {**scope_parameters(scope), **values}).scalar_one())


def _scope_form(scope: Scope) -> _ScopeForm:
    return _ScopeForm(scope.whole, scope.areas is not None, bool(scope.departments))


def _filter_values(filters: dict[str, Any]) -> tuple[frozenset[str], dict[str, Any]]:
    """The names of filters as `_with_filters` reads them, and the values of their parameters."""
    names, values = set(filters), {}
    for name, value in filters.items():
        if name in LIST_FILTERS or name in ("department", "colour"):
            values[f"these_{name}"] = value
        elif name == "colour_at":
            values["now"] = value
        elif name == "counted":
            names = names - {"counted"} | {f"{COUNTED}{value}"}
        else:
            values[name] = value
    return frozenset(names), values


def search_expression(text: str, dialect: sa.Dialect, phone: str | None = None) -> str | None:
    """The search as the engine's index reads it: every word, each as it is written or as a person's name, and every
    phone number. `phone`: what the whole text is, too (E.164). None: nothing in the text can be searched for."""
    sealing, plain = sealing_of(dialect), part_numbers(text)
    is_postgres = dialect.name == "postgresql"
    quote, both, either = ("'", " & ", " | ") if is_postgres else ('"', " AND ", " OR ")
    start = ":*" if is_postgres else "*"

    def any_of(tokens: Sequence[str]) -> str:
        quoted = [f"{quote}{token}{quote}" for token in tokens]
        return f"({either.join(quoted)})" if len(quoted) > 1 else quoted[0]

    def wanted(some: str, *names: str) -> str | None:
        terms = [f"{quote}{term}{quote}{start if beginning else ''}" for term, beginning in query_terms(some)]
        tokens = [any_of(name_tokens(sealing, name)) for name in names if len(name) >= SHORTEST_NAME]
        tokens += [token for name in names for token in _by_sound(sealing, name, quote, both)]
        return f"({either.join([f'({both.join(terms)})', *tokens])})" if terms else None

    words = [found for word in plain[0].split() if (found := wanted(word, word)) is not None]
    groups = [*words, *(any_of(sealing.token_variants(number)) for number in plain[1])]
    token = phone and any_of(sealing.token_variants(number_key(phone)))
    if not groups:
        return token
    whole = f"({both.join(groups)})"
    if token is not None and token not in groups:
        whole = f"{whole}{either}{token}"
    if len(words) > 1 and not plain[1]:  # a name of several words
        whole = f"{whole}{either}{any_of(name_tokens(sealing, plain[0].strip()))}"
        sounds = _by_sound(sealing, "".join(plain[0].split()), quote, both)
        whole = either.join([whole, *sounds])
    return whole


def _by_sound(sealing: Sealing, word: str, quote: str, both: str) -> list[str]:
    """What else a word of letters may be: the pinyin of a text, or of a name, or its first letters."""
    if not (word.isascii() and word.replace("'", "").isalpha() and len(word) >= SHORTEST_NAME):
        return []
    typed = word.casefold().replace("'", "")
    terms = [f"{quote}{term}{quote}" for term in typed_terms(typed)]
    sounds = [f"{quote}{token}{quote}" for token in sealing.token_variants(sound_text(typed))]
    return [*([f"({both.join(terms)})"] if terms else []), *sounds]


MAX_HITS_BY_NUMBER = 2000  # hits that are looked up one by one
_NUMBERS = sa.table(TICKET_WORDS.table, sa.column(TICKET_WORDS.key, sa.String))
_SEARCH_HITS = PreparedQuery(
    sa.select(_NUMBERS.c.number)
    .where(MatchesSearch(TICKET_WORDS, _NUMBERS.c.number, "words"))
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def load_tickets(
    db: Database,
    scope: Scope,
    filters: dict[str, Any],
    page: KeysetPage,
    order: ListOrder = NEWEST_FIRST,
    *,
    all_columns: bool = False,
) -> Sequence[Row]:
    """A page of tickets in that order. `filters`: names of EQUALITY_FILTERS with one value each, `department` and names
    of LIST_FILTERS with a list each, `text` with a TicketSearch, and the others that `_list_query` reads."""
    if scope.nothing:
        return []
    words = {}
    if (search := filters.get("text")) is not None:
        filters = {k: v for k, v in filters.items() if k != "text"}
        query = search_expression(search.text, db.dialect, search.phone)
        hits = await db.rows(_SEARCH_HITS, words=query, limit=MAX_HITS_BY_NUMBER + 1) if query else []
        found = list({*(r.number for r in hits), *([search.number] if search.number else [])})
        if not found:
            return []
        # by their numbers: a walk along the list's order would pass millions to meet a few
        if len(found) <= MAX_HITS_BY_NUMBER:
            filters["found"] = found
        else:
            filters["text"] = None
            words["words"] = query
    names, values = _filter_values(filters)
    values |= scope_parameters(scope) | words
    given = names | ({"after"} if page.after else set())
    if page.after:
        values["after_at"], values["after_number"] = page.after
    return await db.rows(_list_query(_scope_form(scope), given, order, all_columns), **values, limit=page.limit)


async def load_full_tickets(db: Database, scope: Scope, filters: dict[str, Any], page: KeysetPage) -> list[Ticket]:
    """The same as whole tickets, oldest first: for files."""
    rows = await load_tickets(db, scope, filters, page, ListOrder(descending=False), all_columns=True)
    return [ticket_from_row(row) for row in rows]


def _worklist_query(work: Worklist, by_area: bool) -> PreparedQuery:
    place = sa.tuple_(sa.bindparam("after_at", type_=Instant), sa.bindparam("after_number", type_=sa.String))
    own = (clock.c.number == t.c.number, in_words(clock.c.metric, (work.metric,)), clock.c.stopped_at.is_(None))
    # what has no clock yet is sorted by when it came in
    ends = sa.func.coalesce(clock.c.limit_at, t.c.created_at)
    return PreparedQuery(
        sa.select(*BRIEF_COLUMNS, t.c.call_backs, clock.c.limit_at.label("until"), ends.label("place"))
        .select_from(t.outerjoin(clock, sa.and_(*own)))
        .where(in_words(t.c.status, (work.status,)), scope_condition(desk_scope(by_area)))
        .where(sa.tuple_(ends, t.c.number) > place)
        .order_by(ends, t.c.number)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


_WORKLIST_QUERIES = {
    by_area: {name: _worklist_query(work, by_area) for name, work in WORKLISTS.items()} for by_area in (False, True)
}


async def load_worklist(
    db: Database, scope: Scope, queue: Queue, after: tuple[datetime, str], limit: int
) -> Sequence[Row]:
    """What waits in one of WORKLISTS, what ends first first; `until`: when the clock of that wait ends, `call_backs`
    how often nobody answered. For the desk: none without it."""
    if not scope.whole:
        return []
    seen = scope_parameters(Scope(True, scope.areas, frozenset()))
    at, number = after
    return await db.rows(
        _WORKLIST_QUERIES[scope.areas is not None][queue], after_at=at, after_number=number, limit=limit, **seen
    )


_SAID = PreparedQuery(
    sa.select(t.c.number, t.c.narrative).where(InCodes(t.c.number, "numbers"), t.c.confidential.is_(False))
)


async def load_narratives(db: Database, numbers: Sequence[str]) -> dict[str, str]:
    """What was said of these tickets, for the rows of a list; of a confidential one nothing. Checks no scope: the rows
    were read within one."""
    rows = await db.rows(_SAID, numbers=list(numbers)) if numbers else ()
    return {row.number: row.narrative for row in rows}

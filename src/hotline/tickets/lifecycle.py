"""The life cycle as two tables: what may happen to a ticket and to an assignment, when, by whom and with what.

Replies, forms, OpenAPI words, CHECK words, docs and tests are derived from these two tables. Due clocks act under role
`clock`, and the rules that triage and dispatch during intake under role `rules`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from hotline.organisation.model.actors import Actor, Role
from hotline.refusals import Code, Refusal
from hotline.tickets import effects
from hotline.tickets.guards import GUARD_FIELDS, GUARDS, SELECTING_GUARDS
from hotline.tickets.model.publication import NEVER_PUBLIC
from hotline.tickets.model.ticket import Assignment, Change, Command, Facts
from hotline.tickets.model.undo import MAY_UNDO, MAY_UNDO_REPORT, UNDOABLE, leads_back, undone_line
from hotline.tickets.model.vocabulary import (
    LIVE,
    OPEN,
    WITHOUT_NOTES,
    Action,
    AssignmentStatus,
    Field,
    Guard,
    Part,
    TicketStatus,
)
from hotline.value_objects import replace

T, D, A, R, F, G = TicketStatus, AssignmentStatus, Action, Role, Field, Guard
S = TypeVar("S", TicketStatus, AssignmentStatus)


@dataclass(frozen=True, slots=True)
class Move(Generic[S]):
    """One row: at this state, this action leads there, by these roles, with these fields, if these guards hold."""

    at: S
    action: Action
    to: S
    by: frozenset[Role]
    fields: tuple[Field, ...]
    guards: tuple[Guard, ...]


def row(at: S, action: Action, to: S, by: Iterable[Role], *needs: Field | Guard) -> Move[S]:
    fields = tuple(n for n in needs if isinstance(n, Field))
    return Move(at, action, to, frozenset(by), fields, tuple(n for n in needs if isinstance(n, Guard)))


_DESK = {R.OPERATOR, R.DISPATCHER}
_BENCH = {R.DISPATCHER, R.SUPERVISOR}  # rules on returns, extensions and reports
_ALL = {R.OPERATOR, R.DISPATCHER, R.HANDLER, R.SUPERVISOR}

_TICKET_STEPS: tuple[Move[TicketStatus], ...] = (
    #   at               action            to               by                           needs
    row(T.RECEIVED,      A.TRIAGE,         T.TRIAGED,       _DESK | {R.RULES},           F.CATEGORY, F.KIND, F.PRIORITY),
    row(T.RECEIVED,      A.REQUEST_INFO,   T.AWAITING_INFO, _DESK,                       F.TEXT),
    row(T.RECEIVED,      A.ANSWER,         T.CLOSED,        {R.OPERATOR},                F.ANSWER),  # half of all matters end here
    row(T.RECEIVED,      A.DECLINE,        T.DECLINED,      {R.OPERATOR},                F.REASON_CODE, F.CHANNEL_TOLD),
    row(T.RECEIVED,      A.VOID,           T.VOID,          _DESK,                       F.REASON_CODE, G.NOT_PARENT),
    row(T.RECEIVED,      A.MERGE,          T.MERGED,        _DESK | {R.RULES},           F.TARGET, G.NO_CYCLE, G.TARGET_OPEN),
    row(T.RECEIVED,      A.WITHDRAW,       T.WITHDRAWN,     {R.OPERATOR, R.RESIDENT},    F.REASON, G.NOT_PARENT),

    row(T.AWAITING_INFO, A.PROVIDE_INFO,   T.DISPATCHED,    _DESK | {R.RESIDENT},        F.TEXT, G.HAS_LEAD),
    row(T.AWAITING_INFO, A.PROVIDE_INFO,   T.TRIAGED,       _DESK | {R.RESIDENT},        F.TEXT, G.NO_LEAD, G.TRIAGED_BEFORE),
    row(T.AWAITING_INFO, A.PROVIDE_INFO,   T.RECEIVED,      _DESK | {R.RESIDENT},        F.TEXT, G.NO_LEAD, G.NOT_TRIAGED),
    # the caller never told: an emergency, or what others wait for too, goes on with what is known
    row(T.AWAITING_INFO, A.RESUME,         T.DISPATCHED,    {R.CLOCK},                   F.REASON, G.HAS_LEAD),
    row(T.AWAITING_INFO, A.RESUME,         T.TRIAGED,       {R.CLOCK},                   F.REASON, G.NO_LEAD, G.TRIAGED_BEFORE),
    row(T.AWAITING_INFO, A.RESUME,         T.RECEIVED,      {R.CLOCK},                   F.REASON, G.NO_LEAD, G.NOT_TRIAGED),
    row(T.AWAITING_INFO, A.DECLINE,        T.DECLINED,      {R.OPERATOR},                F.REASON_CODE, F.CHANNEL_TOLD, G.NO_LEAD),
    row(T.AWAITING_INFO, A.VOID,           T.VOID,          _DESK | {R.CLOCK},           F.REASON_CODE, G.NO_LEAD, G.NOT_PARENT),
    row(T.AWAITING_INFO, A.MERGE,          T.MERGED,        _DESK | {R.RULES},           F.TARGET, G.NO_CYCLE, G.TARGET_OPEN, G.TARGET_HAS_ORDER),
    row(T.AWAITING_INFO, A.WITHDRAW,       T.WITHDRAWN,     {R.OPERATOR, R.RESIDENT},    F.REASON, G.NOT_PARENT),

    row(T.TRIAGED,       A.DISPATCH,       T.DISPATCHED,    _DESK | {R.RULES},           F.DEPARTMENT),
    row(T.TRIAGED,       A.TRIAGE,         T.TRIAGED,       _DESK,                       F.CATEGORY, F.KIND, F.PRIORITY),
    row(T.TRIAGED,       A.REQUEST_INFO,   T.AWAITING_INFO, _DESK,                       F.TEXT),
    row(T.TRIAGED,       A.ANSWER,         T.CLOSED,        {R.OPERATOR},                F.ANSWER),
    row(T.TRIAGED,       A.DECLINE,        T.DECLINED,      _DESK,                       F.REASON_CODE, F.CHANNEL_TOLD),
    row(T.TRIAGED,       A.VOID,           T.VOID,          _DESK,                       F.REASON_CODE, G.NOT_PARENT),
    row(T.TRIAGED,       A.MERGE,          T.MERGED,        _DESK | {R.RULES},           F.TARGET, G.NO_CYCLE, G.TARGET_OPEN),
    row(T.TRIAGED,       A.WITHDRAW,       T.WITHDRAWN,     {R.OPERATOR, R.RESIDENT},    F.REASON, G.NOT_PARENT),
    row(T.TRIAGED,       A.SHELVE,         T.SHELVED,       {R.SUPERVISOR},              F.REASON, F.REVIEW_AT, G.REVIEW_AHEAD),

    # these four follow the lead's order: the ticket moves in the same change
    row(T.DISPATCHED,    A.REPORT,         T.DISPATCHED,    {R.HANDLER, R.PERFORMER}),
    row(T.DISPATCHED,    A.ACCEPT_REPORT,  T.RESOLVED,      _BENCH),
    row(T.DISPATCHED,    A.REJECT_REPORT,  T.DISPATCHED,    _BENCH),
    row(T.DISPATCHED,    A.APPROVE_RETURN, T.TRIAGED,       _BENCH),
    row(T.DISPATCHED,    A.RECALL,         T.TRIAGED,       _BENCH | {R.CLOCK},          F.REASON),  # the clock's: its department is retired
    row(T.DISPATCHED,    A.REQUEST_INFO,   T.AWAITING_INFO, _DESK,                       F.TEXT),
    row(T.DISPATCHED,    A.MERGE,          T.MERGED,        _DESK | {R.RULES},           F.TARGET, G.NO_CYCLE, G.TARGET_OPEN, G.TARGET_HAS_ORDER),
    row(T.DISPATCHED,    A.WITHDRAW,       T.WITHDRAWN,     {R.OPERATOR, R.RESIDENT},    F.REASON, G.NOT_PARENT),
    row(T.DISPATCHED,    A.SHELVE,         T.SHELVED,       {R.SUPERVISOR},              F.REASON, F.REVIEW_AT, G.REVIEW_AHEAD),

    row(T.RESOLVED,      A.CONFIRM,        T.CLOSED,        {R.OPERATOR, R.RESIDENT},    F.SATISFACTION, G.UNREACHABLE_TRIED),
    row(T.RESOLVED,      A.CONFIRM,        T.CLOSED,        {R.CLOCK}),  # silent days: closed, out of the satisfaction base
    row(T.RESOLVED,      A.CALL_BACK,      T.RESOLVED,      _DESK,                       F.REACHED),
    row(T.RESOLVED,      A.EXPLAIN,        T.CLOSED,        _BENCH,                      F.REASON, F.PUBLIC_REPLY, F.SATISFACTION),
    row(T.RESOLVED,      A.REOPEN,         T.TRIAGED,       {R.OPERATOR, R.RESIDENT},    F.REASON, G.REOPENS_LEFT),
    row(T.RESOLVED,      A.REOPEN,         T.TRIAGED,       _BENCH,                      F.REASON),  # above the cap it is theirs to say
    row(T.RESOLVED,      A.WITHDRAW,       T.WITHDRAWN,     {R.OPERATOR, R.RESIDENT},    F.REASON, G.NOT_PARENT),

    row(T.SHELVED,       A.UNSHELVE,       T.DISPATCHED,    {R.SUPERVISOR},              F.REASON, G.HAS_LEAD),
    row(T.SHELVED,       A.UNSHELVE,       T.TRIAGED,       {R.SUPERVISOR},              F.REASON, G.NO_LEAD),
    row(T.SHELVED,       A.EXPLAIN,        T.CLOSED,        {R.SUPERVISOR},              F.REASON, F.PUBLIC_REPLY, F.SATISFACTION),
    row(T.SHELVED,       A.WITHDRAW,       T.WITHDRAWN,     {R.OPERATOR, R.RESIDENT},    F.REASON, G.NOT_PARENT),

    row(T.CLOSED,        A.REOPEN,         T.TRIAGED,       {R.OPERATOR, R.RESIDENT},    F.REASON, G.IN_30_DAYS, G.REOPENS_LEFT),
    row(T.CLOSED,        A.REOPEN,         T.TRIAGED,       {R.SUPERVISOR},              F.REASON),

    # its orders were recalled when it was merged: somebody dispatches it anew
    row(T.MERGED,        A.UNMERGE,        T.TRIAGED,       _DESK | {R.SUPERVISOR, R.RULES}, F.REASON, G.TRIAGED_BEFORE),
    row(T.MERGED,        A.UNMERGE,        T.RECEIVED,      _DESK | {R.SUPERVISOR, R.RULES}, F.REASON, G.NOT_TRIAGED),

    # notified and counted; the state stays
    *(row(at,            A.COMMENT,        at,              _ALL | {R.RULES},            F.TEXT) for at in T if at not in WITHOUT_NOTES),
    *(row(at,            A.ATTACH,         at,              _ALL | {R.RESIDENT, R.GATEWAY}) for at in T if at not in WITHOUT_NOTES),
    *(row(at,            A.ADD_CALL,       at,              {R.OPERATOR, R.RESIDENT, R.GATEWAY}, F.TEXT) for at in T if at in OPEN),
    *(row(at,            A.ABSORB,         at,              _DESK | {R.RULES},           F.TARGET) for at in T if at in OPEN),
    # which calls belong to an incident is decided there
    *(row(at,            A.LINK,           at,              {R.RULES},                   F.INCIDENT) for at in T if at in OPEN),
    *(row(at,            A.UNLINK,         at,              {R.RULES},                   F.REASON) for at in T if at in OPEN),
    *(row(at,            A.UPDATE_INCIDENT, at,             {R.RULES},                   F.INCIDENT) for at in T if at not in WITHOUT_NOTES),
    *(row(at,            A.URGE,           at,              _DESK | {R.SUPERVISOR, R.RESIDENT}, F.REASON) for at in T if at in OPEN),
    *(row(at,            A.SUPERVISE,      at,              {R.SUPERVISOR},              F.LEVEL, F.REASON) for at in T if at in OPEN),
    *(row(at,            A.ESCALATE,       at,              {R.CLOCK},                   F.LEVEL) for at in T if at in OPEN),
    *(row(at,            A.RECKON,         at,              {R.CLOCK},                   F.REASON) for at in T if at in OPEN),
    *(row(at,            A.AMEND,          at,              _DESK,                       F.REASON) for at in T if at in OPEN),
    *(row(at,            A.SPLIT,          at,              _DESK,                       F.NARRATIVE, F.MATTERS, G.NOT_SPLIT) for at in T if at in OPEN),
    *(row(at,            A.SET_CONFIDENTIAL, at,            _DESK | {R.SUPERVISOR},      F.CONFIDENTIAL, F.REASON)
      for at in T if at not in WITHOUT_NOTES),
    *(row(at,            A.PUBLISH,        at,              _BENCH,                      F.PUBLIC_TEXT, G.MAY_PUBLISH, G.NAMES_NOBODY)
      for at in T if at not in NEVER_PUBLIC),
    *(row(at,            A.UNPUBLISH,      at,              _DESK | {R.SUPERVISOR},      F.REASON, G.IS_PUBLIC) for at in T if at not in NEVER_PUBLIC),
    *(row(at,            A.ERASE,          at,              {R.RULES},                   F.REASON) for at in T),
    *(row(at,            A.REVEAL,         at,              _DESK | {R.SUPERVISOR},      F.REASON) for at in T),
    *(row(at,            A.REVEAL,         at,              {R.HANDLER},                 F.REASON, G.NOT_CONFIDENTIAL) for at in T if at in OPEN),
)  # fmt: skip
# for ten seconds whoever took one of these steps takes it back: the ticket is where it was, as if nothing had happened
TICKET_MOVES: tuple[Move[TicketStatus], ...] = (
    *_TICKET_STEPS,
    *(
        row(to, A.UNDO, at, by, G.UNDOABLE, G.OWN_STEP, G.IN_TEN_SECONDS)
        for to, at, by in dict.fromkeys((m.to, m.at, UNDOABLE[m.action]) for m in _TICKET_STEPS if m.action in UNDOABLE)
    ),
)

ASSIGNMENT_MOVES: tuple[Move[AssignmentStatus], ...] = (
    row(D.ISSUED,           A.ACCEPT,            D.ACCEPTED,         {R.HANDLER, R.PERFORMER},   G.IN_HAND),
    row(D.ISSUED,           A.AUTO_ACCEPT,       D.ACCEPTED,         {R.CLOCK}),  # an unsigned order must not stop time
    row(D.ISSUED,           A.REQUEST_RETURN,    D.RETURN_REQUESTED, {R.HANDLER},
        F.REASON_CODE, F.BASIS, F.DEPARTMENT, G.IN_HAND, G.OTHER_DEPARTMENT, G.NOT_RULED, G.RETURNS_LEFT),
    row(D.ISSUED,           A.ASSIST,            D.ISSUED,           _DESK,                      F.DEPARTMENT, G.IN_HAND, G.IS_LEAD, G.NEW_DEPARTMENT),
    row(D.ISSUED,           A.ASSIGN,            D.ISSUED,           {R.HANDLER, R.PERFORMER, R.DISPATCHER, R.SUPERVISOR}, F.ASSIGNEE),
    row(D.ISSUED,           A.RELEASE,           D.ISSUED,           {R.CLOCK},                   F.REASON_CODE),  # its assignee or contractor is gone
    row(D.ISSUED,           A.RECALL,            D.RECALLED,         _BENCH | {R.RULES, R.CLOCK}, F.REASON),

    row(D.ACCEPTED,         A.CLAIM,             D.ACCEPTED,         {R.HANDLER, R.PERFORMER},   G.UNCLAIMED),
    row(D.ACCEPTED,         A.ASSIGN,            D.ACCEPTED,         {R.HANDLER, R.PERFORMER, R.DISPATCHER, R.SUPERVISOR}, F.ASSIGNEE),
    row(D.ACCEPTED,         A.CONTACT_CALLER,    D.ACCEPTED,         {R.HANDLER, R.PERFORMER},   F.CONTACTED, G.IN_HAND),
    row(D.ACCEPTED,         A.REQUEST_RETURN,    D.RETURN_REQUESTED, {R.HANDLER},
        F.REASON_CODE, F.BASIS, F.DEPARTMENT, G.IN_HAND, G.OTHER_DEPARTMENT, G.NOT_RULED, G.RETURNS_LEFT),
    row(D.ACCEPTED,         A.REQUEST_EXTENSION, D.ACCEPTED,         {R.HANDLER},
        F.DUE_AT, F.REASON, G.IN_HAND, G.NO_EXTENSION_ASKED, G.BEFORE_DUE, G.LATER_DUE, G.EXTENSION_LEFT),
    row(D.ACCEPTED,         A.APPROVE_EXTENSION, D.ACCEPTED,         _BENCH,                     G.EXTENSION_ASKED, G.LATER_LIMIT),
    row(D.ACCEPTED,         A.REFUSE_EXTENSION,  D.ACCEPTED,         _BENCH,                     F.REASON, G.EXTENSION_ASKED),
    row(D.ACCEPTED,         A.ASSIST,            D.ACCEPTED,         _DESK | {R.HANDLER},        F.DEPARTMENT, G.IN_HAND, G.IS_LEAD, G.NEW_DEPARTMENT),
    row(D.ACCEPTED,         A.REPORT,            D.REPORTED,         {R.HANDLER, R.PERFORMER},
        F.INTERNAL_RESULT, F.PUBLIC_REPLY, F.SOLVED, G.IN_HAND, G.IS_LEAD, G.ASSISTS_DONE),
    row(D.ACCEPTED,         A.REPORT,            D.DONE,             {R.HANDLER, R.PERFORMER},
        F.INTERNAL_RESULT, G.IN_HAND, G.IS_ASSIST),  # to the lead, who alone owns the final answer
    row(D.ACCEPTED,         A.RELEASE,           D.ACCEPTED,         {R.CLOCK},                   F.REASON_CODE),
    row(D.ACCEPTED,         A.RECALL,            D.RECALLED,         _BENCH | {R.RULES, R.CLOCK}, F.REASON),

    row(D.RETURN_REQUESTED, A.APPROVE_RETURN,    D.RETURNED,         _BENCH,                     G.IN_HAND),
    row(D.RETURN_REQUESTED, A.REFUSE_RETURN,     D.ACCEPTED,         _BENCH,                     F.REASON),  # the ruling is final
    row(D.RETURN_REQUESTED, A.RELEASE,           D.RETURN_REQUESTED, {R.CLOCK},                   F.REASON_CODE),
    row(D.RETURN_REQUESTED, A.RECALL,            D.RECALLED,         _BENCH | {R.RULES, R.CLOCK}, F.REASON),

    row(D.REPORTED,         A.ACCEPT_REPORT,     D.DONE,             _BENCH,                     G.IN_HAND),
    row(D.REPORTED,         A.REJECT_REPORT,     D.ACCEPTED,         _BENCH,                     F.FAULT, F.REASON, G.IN_HAND),  # the clock runs on
    row(D.REPORTED,         A.RECALL,            D.RECALLED,         _BENCH | {R.RULES},         F.REASON),

    # with the ticket's last step: what it issued, what it recalled, and what it reported or accepted as done
    row(D.ISSUED,           A.UNDO,              D.RECALLED,         MAY_UNDO,                   G.WITH_TICKET),
    *(row(D.RECALLED,       A.UNDO,              to,                 MAY_UNDO,                   G.WITH_TICKET) for to in D if to in LIVE),
    row(D.REPORTED,         A.UNDO,              D.ACCEPTED,         MAY_UNDO_REPORT,            G.WITH_TICKET),
    row(D.DONE,             A.UNDO,              D.ACCEPTED,         MAY_UNDO_REPORT,            G.WITH_TICKET),  # an assisting one
    row(D.DONE,             A.UNDO,              D.REPORTED,         MAY_UNDO,                   G.WITH_TICKET),  # the report was accepted
)  # fmt: skip

# What an action may carry beside what it needs.
OPTIONAL_FIELDS: Mapping[Action, tuple[Field, ...]] = {
    A.TRIAGE: (F.TITLE, F.AREA, F.ADDRESS, F.BUILDING, F.UNIT, F.FLOOR, F.ROOM, F.REASON),
    A.ANSWER: (F.CATEGORY, F.KIND, F.SATISFACTION),
    A.DECLINE: (F.TEXT,),
    A.VOID: (F.REASON,),
    A.MERGE: (F.REASON,),
    A.DISPATCH: (F.ASSISTS, F.PERFORMER, F.DUE_AT, F.REASON),
    A.AMEND: (F.TITLE, F.NARRATIVE, F.CATEGORY, F.KIND, F.PRIORITY, F.AREA, F.ADDRESS, F.BUILDING, F.UNIT, F.FLOOR, F.ROOM,
              F.LAT, F.LON, F.CALLER_NAME, F.PHONE, F.CONTACT, F.FLAGS),
    A.CONFIRM: (F.TEXT,),
    A.CALL_BACK: (F.TEXT,),
    A.REOPEN: (F.SATISFACTION,),  # what the resident said when it was not solved: the first opinion is kept
    A.ADD_CALL: (),
    A.CONTACT_CALLER: (F.TEXT,),
    A.REQUEST_RETURN: (F.REASON,),
    A.APPROVE_RETURN: (F.REASON,),
    A.APPROVE_EXTENSION: (F.REASON, F.DUE_AT),
    A.ACCEPT_REPORT: (F.REASON, F.PUBLIC_REPLY),
    A.ACCEPT: (F.TEXT,),
    A.ASSIST: (F.REASON, F.DUE_AT),
    A.REPORT: (F.PUBLIC_REPLY, F.SOLVED, F.PHOTOS, F.REASON, F.CONTACTED, F.COST, F.FUNDING),
    A.RECALL: (),
    A.RELEASE: (F.REASON,),
    A.ESCALATE: (F.REASON,),
    A.ASSIGN: (F.REASON,),
    A.AUTO_ACCEPT: (F.ASSIGNEE, F.REASON),
}  # fmt: skip

# the ticket moves with the lead's order
FOLLOWS_LEAD_ORDER = frozenset({A.REPORT, A.ACCEPT_REPORT, A.REJECT_REPORT, A.APPROVE_RETURN})
# reached by intake, merge, upload, incidents and clock only
INTERNAL_ACTIONS = frozenset(
    {A.ADD_CALL, A.ABSORB, A.ATTACH, A.ESCALATE, A.AUTO_ACCEPT, A.RELEASE, A.RESUME, A.RECKON, A.LINK, A.UNLINK,
     A.UPDATE_INCIDENT, A.ERASE}
)  # fmt: skip
_KEEPS_ORDERS = frozenset({T.DISPATCHED, T.SHELVED, T.AWAITING_INFO})  # anywhere else no order may be alive

STALE_VERSION = Refusal(Code.STALE, "the ticket has changed since the version you saw")


def decide(facts: Facts, command: Command, actor: Actor, now: datetime) -> Change | Refusal:
    """What this command makes of these facts. Same arguments, same answer."""
    if command.version != facts.ticket.version:
        return replace(STALE_VERSION, moves=tuple(allowed_moves(facts, actor, now)), version=facts.ticket.version)
    if command.assignment is None and command.action in FOLLOWS_LEAD_ORDER:
        lead = facts.lead()
        if facts.ticket.status is not T.DISPATCHED or lead is None:
            return _not_now(facts, None, command, actor, now)
        command = replace(command, assignment=lead.id)
    if command.assignment is not None:
        return _decide_order(facts, command, actor, now)
    here = [m for m in _TICKET_MOVES_OF.get((facts.ticket.status, command.action), ()) if _leads_back(m, facts)]
    chosen = _choose_move(here, facts, None, command, actor, now)
    if isinstance(chosen, Refusal):
        return chosen
    if command.action is A.UNDO:
        return effects.undo_change(facts, chosen.to, command, actor, now)
    return effects.ticket_change(facts, chosen.to, command, actor, now, keeps_orders=chosen.to in _KEEPS_ORDERS)


def _leads_back(move: Move[TicketStatus], facts: Facts) -> bool:
    """An undo leads to where the last step began; where there is none to undo, its guards say so."""
    line = undone_line(facts.last.entries) if move.action is A.UNDO and facts.last is not None else None
    return line is None or leads_back(line, move.to)


def _decide_order(facts: Facts, command: Command, actor: Actor, now: datetime) -> Change | Refusal:
    order = facts.order(command.assignment or "")
    if order is None:
        return Refusal(Code.NOT_FOUND, "no such assignment")
    here = _ORDER_MOVES_OF.get((order.status, command.action), ())
    chosen = _choose_move(here, facts, order, command, actor, now)
    if isinstance(chosen, Refusal):
        return chosen
    leads_to = None
    if order.part is Part.LEAD and command.action in FOLLOWS_LEAD_ORDER | {A.RECALL}:
        followed = next((m for m in TICKET_MOVES if m.at is facts.ticket.status and m.action is command.action), None)
        # recalled while shelved or waiting: the ticket stays there
        if followed is None and command.action is not A.RECALL:
            return _not_now(facts, order, command, actor, now)
        leads_to = followed.to if followed else None
    return effects.order_change(facts, effects.OrderMove(order, chosen.to, leads_to), command, actor, now)


def _choose_move(
    here: Sequence[Move[S]], facts: Facts, order: Assignment | None, command: Command, actor: Actor, now: datetime
) -> Move[S] | Refusal:
    """`here`: the rows of the state and the action. The first that this actor may use now, else why none."""
    if not here:
        return _not_now(facts, order, command, actor, now)
    standing = actor_roles(actor, order)
    mine = [move for move in here if move.by & standing]
    if not mine:
        return Refusal(Code.NOT_YOUR_ROLE, f"{command.action} is not for your role here")
    fit = [
        m
        for m in mine
        if all(GUARDS[g][0](facts, order, command, actor, now) for g in m.guards if g in SELECTING_GUARDS)
    ]
    if not fit:
        unfit = next(g for g in mine[0].guards if g in SELECTING_GUARDS)
        return _not_now(facts, order, command, actor, now, unfit)
    mine = fit
    shortest = min(mine, key=lambda move: sum(field not in command.fields for field in move.fields))
    if lacking := [field for field in shortest.fields if command.fields.get(field) is None]:
        return Refusal(Code.INCOMPLETE, f"{command.action} needs more", errors=tuple((f, "required") for f in lacking))
    blocked: Guard | None = None
    for move in mine:
        if any(command.fields.get(field) is None for field in move.fields):
            continue
        blocked = next((g for g in move.guards if not GUARDS[g][0](facts, order, command, actor, now)), None)
        if blocked is None:
            return move
    return _not_now(facts, order, command, actor, now, blocked)


def _not_now(
    facts: Facts, order: Assignment | None, command: Command, actor: Actor, now: datetime, guard: Guard | None = None
) -> Refusal:
    at = order.status if order else facts.ticket.status
    detail = GUARDS[guard][1] if guard else f"no {command.action} while {at}"
    moves = allowed_order_moves(facts, order, actor, now) if order else allowed_moves(facts, actor, now)
    if guard is None:
        return Refusal(Code.NOT_NOW, detail, tuple(moves))
    judged = GUARD_FIELDS.get(guard)
    named = judged if judged is not None and command.fields.get(judged) is not None else guard
    return Refusal(Code.NOT_NOW, detail, tuple(moves), ((named, detail),))


def actor_roles(actor: Actor, order: Assignment | None) -> frozenset[Role]:
    """The roles this actor has here: a handler is one only for its own department's order, a contractor performs."""
    if order is None or Role.HANDLER not in actor.roles:
        return actor.roles
    roles = actor.roles - {Role.HANDLER}
    if order.department in actor.departments:
        roles |= {Role.HANDLER}
    if order.performer is not None and order.performer in actor.departments:
        roles |= {Role.PERFORMER}
    return roles


def allowed_moves(facts: Facts, actor: Actor, now: datetime) -> list[Move[TicketStatus]]:
    """The rows of the ticket's table this actor could use now; a reply lists each with what it needs."""
    lead = facts.lead()
    of_lead = {m.action: m for m in allowed_order_moves(facts, lead, actor, now)} if lead else {}
    found: dict[Action, Move[TicketStatus]] = {}
    standing = actor_roles(actor, None)
    for move in _MOVES_AT[facts.ticket.status]:
        if move.action in INTERNAL_ACTIONS or move.action in found or not move.by & standing:
            continue
        if not _leads_back(move, facts):
            continue
        if move.action in FOLLOWS_LEAD_ORDER:
            if move.action not in of_lead:
                continue
            move = replace(move, fields=of_lead[move.action].fields)
        elif any(not GUARDS[g][0](facts, None, None, actor, now) for g in move.guards):
            continue
        found[move.action] = move
    return list(found.values())


def allowed_order_moves(facts: Facts, order: Assignment, actor: Actor, now: datetime) -> list[Move[AssignmentStatus]]:
    """The same for one assignment."""
    standing = actor_roles(actor, order)
    found: dict[Action, Move[AssignmentStatus]] = {}
    for move in _ORDER_MOVES_AT[order.status]:
        if move.action in INTERNAL_ACTIONS or move.action in found or not move.by & standing:
            continue
        if any(not GUARDS[g][0](facts, order, None, actor, now) for g in move.guards):
            continue
        found[move.action] = move
    return list(found.values())


def _moves_by_step(table: tuple[Move[S], ...]) -> Mapping[tuple[S, Action], Sequence[Move[S]]]:
    """The rows of a table by state and action, in the table's order."""
    found: dict[tuple[S, Action], list[Move[S]]] = {}
    for move in table:
        found.setdefault((move.at, move.action), []).append(move)
    return found


_MOVES_AT = {at: tuple(move for move in TICKET_MOVES if move.at is at) for at in T}
_ORDER_MOVES_AT = {at: tuple(move for move in ASSIGNMENT_MOVES if move.at is at) for at in D}
_TICKET_MOVES_OF = _moves_by_step(TICKET_MOVES)
_ORDER_MOVES_OF = _moves_by_step(ASSIGNMENT_MOVES)


def action_fields(table: tuple[Move[Any], ...], action: Action) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """What this action needs in every row of the table, and what it may carry beside: for forms and OpenAPI."""
    rows = [move.fields for move in table if move.action is action and not move.by <= {Role.CLOCK}]
    always = tuple(f for f in rows[0] if all(f in fields for fields in rows)) if rows else ()
    beside = dict.fromkeys(f for fields in [*rows, OPTIONAL_FIELDS.get(action, ())] for f in fields if f not in always)
    return always, tuple(beside)

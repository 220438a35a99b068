"""Who may see which data. The caller's data is shown by role; what an actor may not see is reported as not found."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hotline.organisation.model.actors import AREA_WIDE_ROLES, Actor, ActorKind, Role
from hotline.organisation.model.scopes import Scope, scope_of
from hotline.organisation.model.vocabulary import DepartmentKind
from hotline.text.phones import mask_phone
from hotline.tickets.model.ticket import Assignment, Entry, Facts, Ticket
from hotline.tickets.model.vocabulary import HELD, Action
from hotline.triage.model.places.parts import PART_NAMES
from hotline.value_objects import replace

PUBLIC_ACTIONS = frozenset(  # steps a resident is told of; of a quarrel between departments, nothing
    {
        Action.ACCEPT_REPORT, Action.ANSWER, Action.APPROVE_EXTENSION, Action.CONFIRM, Action.DECLINE, Action.DISPATCH,
        Action.EXPLAIN, Action.MERGE, Action.PROVIDE_INFO, Action.RECEIVE, Action.REOPEN, Action.REQUEST_INFO,
        Action.SHELVE, Action.UNMERGE, Action.UNSHELVE, Action.WITHDRAW,
    }
)  # fmt: skip
_SEES_CALLERS = frozenset({Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR})


def intake_scope(actor: Actor) -> Scope:
    """What a call may join by a number its sender names: what the sender may see, and what a gateway opened itself.
    Anything wider would tell a gateway which numbers exist."""
    creator = actor.id if Role.GATEWAY in actor.roles else None
    return replace(scope_of(actor), creator=creator)


def can_search_by_caller(actor: Actor) -> bool:
    """Whether tickets may be asked for by who called: only by those who see callers whole."""
    return bool(actor.roles & _SEES_CALLERS)


def visible_phone(phone: str | None, actor: Actor, *, confidential: bool) -> str | None:
    """A telephone number in a log: whole for the desk, masked for others, hidden where the matter is confidential."""
    if confidential:
        return None
    return phone if actor.roles & _SEES_CALLERS else mask_phone(phone)


@dataclass(frozen=True, slots=True)
class VisibleCaller:
    """The caller, as far as you may see them. `masked`: not everything is shown."""

    id: str | None
    phone: str | None
    name: str | None
    contact: str | None
    confidential: bool
    masked: bool


def visible_caller(ticket: Ticket, actor: Actor, *, revealed: bool = False) -> VisibleCaller | None:
    """The caller as this actor sees them: whole for the desk, masked for departments and auditors, hidden where
    confidential."""
    if ticket.phone is None and ticket.caller_name is None and ticket.contact is None:
        return None
    if revealed or (actor.roles & _SEES_CALLERS and not ticket.confidential):
        return VisibleCaller(
            ticket.caller, ticket.phone, ticket.caller_name, ticket.contact, ticket.confidential, masked=False
        )
    if ticket.confidential or actor.contractor:
        return VisibleCaller(None, None, None, None, ticket.confidential, masked=True)
    name = ticket.caller_name
    return VisibleCaller(None, mask_phone(ticket.phone), f"{name[0]}**" if name else None, None, False, masked=True)


# Of the lines that belong to no order, a contractor is told neither notes nor what was done about the caller.
_DESK_ONLY_ACTIONS = frozenset({Action.COMMENT, Action.CALL_BACK, Action.REVEAL, Action.SET_CONFIDENTIAL})
# In these the words are meant for whoever does the work; in all others they are the desk's own.
_REASON_VISIBLE_ACTIONS = frozenset(
    {Action.DISPATCH, Action.ADD_CALL, Action.PROVIDE_INFO, Action.URGE, Action.SUPERVISE, Action.REOPEN}
)
# What a contractor's view of a ticket shows as well.
_CONTRACTOR_FIELDS = frozenset(
    {"status", "kind", "category", "priority", "area", "due_at", "promised_at", "review_at", "channel", "calls"}
)
_CALLER_FIELDS = frozenset({"phone", "caller_name", "contact", "caller"})
_WORDS = frozenset({"title", "narrative", "public_text", "address", *PART_NAMES})


class EntryRow(Protocol):
    """A line of a timeline, as the rules write it or as it was read."""

    @property
    def by_kind(self) -> str: ...
    @property
    def by_id(self) -> str: ...
    @property
    def by_name(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def assignment(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def changes(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class VisibleEntry:
    """What an actor may know of one line of a timeline, beside its time, action and states."""

    by_id: str
    by_name: str
    reason: str | None
    changes: Mapping[str, Any]


def reads_notes(actor: Actor) -> bool:
    """Whether an actor reads what the desk and the departments write for each other: everybody but a contractor."""
    return bool(actor.roles & AREA_WIDE_ROLES) or not actor.contractor


def _is_told(action: Action, *, by_own: bool, by_handler: bool) -> bool:
    """Whether a contractor is told of a line that belongs to no order: of its own, and of the desk's where it is no
    note; of no other department's."""
    return by_own or not (by_handler or action in _DESK_ONLY_ACTIONS)


def can_see_order(order: Assignment, actor: Actor) -> bool:
    """Whether an order is shown: the desk and whoever takes part see every one; a contractor sees its own alone."""
    if reads_notes(actor):
        return True
    return order.department in actor.departments or order.performer in actor.departments


def visible_entry(
    entry: EntryRow, ticket: Ticket, orders: Iterable[Assignment], actor: Actor, authors: Mapping[str, str]
) -> VisibleEntry | None:
    """What of a line of the timeline this actor may know; None: nothing, not even that it is there. Every reader of
    timelines asks here: the ticket's own page, files and streams.

    `authors`: the departments of those who wrote as handlers of one, by id. Only a contractor's view depends on it.
    """
    caller = visible_caller(ticket, actor)
    masked_caller = caller is None or caller.masked
    changes: Mapping[str, Any] = entry.changes
    by_id = entry.by_id
    if masked_caller:
        changes = {k: _redact_old_text(k, v) for k, v in changes.items() if k not in _CALLER_FIELDS}
        if entry.by_kind == ActorKind.RESIDENT:  # the id of a resident is the id of the caller
            by_id = "resident"
    if reads_notes(actor):
        return VisibleEntry(by_id, entry.by_name, entry.reason, changes)
    own = {o.id for o in orders if can_see_order(o, actor)}
    if entry.assignment is not None:
        if entry.assignment not in own:
            return None
        return VisibleEntry(by_id, entry.by_name, entry.reason, _own_order_changes(changes, own))
    action = Action(entry.action)
    by_own = entry.by_id == actor.id or authors.get(entry.by_id) in actor.departments
    if not _is_told(action, by_own=by_own, by_handler=entry.by_id in authors):
        return None
    if by_own:
        return VisibleEntry(by_id, entry.by_name, entry.reason, _own_order_changes(changes, own))
    shown = {k: v for k, v in _own_order_changes(changes, own).items() if k in _CONTRACTOR_FIELDS or k == "issued"}
    return VisibleEntry(by_id, entry.by_name, entry.reason if action in _REASON_VISIBLE_ACTIONS else None, shown)


def can_see_file(by_id: str, orders: Iterable[Assignment], actor: Actor, authors: Mapping[str, str]) -> bool:
    """Whether a file of a ticket is shown. To a contractor: its own, the desk's, and those of the departments it works
    for here. `authors` as for `visible_entry`."""
    if reads_notes(actor) or by_id == actor.id or by_id not in authors:
        return True
    return authors[by_id] in actor.departments | {o.department for o in orders if can_see_order(o, actor)}


def entry_parties(entry: Entry, facts: Facts, authors: Collection[str] = ()) -> frozenset[str]:
    """The departments and performers a line concerns, as it is written: whoever has a view of the ticket, and whoever
    loses it with this line. A contractor is told of its own orders, and of what `visible_entry` shows it. `authors`:
    the departments whose handler writes the line, none where the desk does."""
    parties = {
        party
        for a in facts.assignments
        if a.status in HELD or a.closed_at == entry.at
        for party in (a.department, a.performer)
        if party
    }
    order = facts.order(entry.assignment) if entry.assignment else None
    own = {order.department, order.performer} if order is not None else set(authors)
    if order is None and _is_told(entry.action, by_own=False, by_handler=bool(authors)):
        return frozenset(parties)
    # without a directory every party may be a contractor
    known = facts.directory.departments if facts.directory is not None else {}
    contractors = {p for p in parties if p not in known or known[p].kind is DepartmentKind.CONTRACTOR}
    return frozenset(parties - (contractors - own))


def _redact_old_text(name: str, pair: Any) -> Any:
    """What was taken out of a text may be what must not be read there; what stands there now is shown on the ticket."""
    if name in _WORDS and isinstance(pair, list | tuple) and len(pair) == 2:
        return [None, pair[1]]
    return pair


def _own_order_changes(changes: Mapping[str, Any], own: Iterable[str]) -> dict[str, Any]:
    """The changes without those of other orders: `assignment.<id>.due_at` names one, `issued` lists them."""
    ids = frozenset(own)
    kept: dict[str, Any] = {}
    for name, value in changes.items():
        _, _, rest = name.partition("assignment.")
        if "." in rest and rest.rpartition(".")[0] not in ids:
            continue
        if name == "issued" and isinstance(value, list | tuple) and len(value) == 2:
            value = [value[0], [line for line in value[1] or () if str(line).split(":", 1)[0] in ids]]
        kept[name] = value
    return kept

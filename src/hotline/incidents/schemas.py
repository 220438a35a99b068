"""Incidents as replies show them, and what their actions take."""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeAlias

from pydantic import ConfigDict, Field, create_model

from hotline.incidents.model.incident import Incident, IncidentEntry
from hotline.incidents.model.lifecycle import (
    INCIDENT_MOVES,
    MOST_SPLIT,
    IncidentMove,
    allowed_incident_moves,
    incident_action_fields,
)
from hotline.incidents.model.vocabulary import IncidentAction, IncidentField, IncidentState
from hotline.locales import translate
from hotline.locales.labels import Label, label
from hotline.organisation.model.actors import Actor, ActorKind
from hotline.organisation.model.directory import Directory, Named
from hotline.organisation.model.vocabulary import Priority
from hotline.replies import reply_type
from hotline.tickets.model.ticket import Assignment, Ticket
from hotline.tickets.model.visibility import VisibleCaller, reads_notes, visible_caller
from hotline.tickets.model.vocabulary import AssignmentStatus, Part, TicketStatus
from hotline.web.field_types import NumberWord, Prose, Strict

F = IncidentField
SHOWN_CHARACTERS = 200  # of a narrative in a list


@reply_type()
class IncidentMoveOut:
    """An action that would be accepted now, and the fields it needs."""

    action: IncidentAction
    label: Label
    needs: tuple[IncidentField, ...]


@reply_type()
class IncidentOut:
    """An incident. `callers` and `ticket_count` are counted by the worker and may be some seconds old."""

    code: str
    state: IncidentState
    state_label: Label
    category: Named | None
    symptom: Named | None
    area: Named | None
    unit: Annotated[str | None, Field(description="Of the building, where it is a matter of one unit")]
    title: Annotated[Label, Field(description="Where it is, and what")]
    parent: Annotated[str | None, Field(description="The ticket that carries the order; the others are merged into it")]
    first_call_at: datetime
    last_call_at: datetime
    callers: Annotated[int, Field(description="Different callers")]
    ticket_count: int
    final_word: str | None
    merged_into: Annotated[str | None, Field(description="The incident that has its tickets now")]
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    version: int
    allowed_actions: tuple[IncidentMoveOut, ...]


@reply_type()
class IncidentPage:
    items: tuple[IncidentOut, ...]
    next: str | None


@reply_type()
class IncidentTicket:
    """A ticket of the incident. `narrative`: its beginning; `caller`: as the ticket itself shows them to you."""

    number: str
    status: TicketStatus
    priority: Priority
    created_at: datetime
    title: str
    narrative: str
    caller: VisibleCaller | None


@reply_type()
class IncidentOrder:
    """An order that runs on one of its tickets."""

    id: str
    number: str
    department: Named | None
    part: Part
    status: AssignmentStatus
    due_at: datetime | None


@reply_type()
class IncidentDetail(IncidentOut):
    """An incident with the tickets that you may see, oldest first, and their running orders: the first page of them."""

    tickets: tuple[IncidentTicket, ...]
    orders: tuple[IncidentOrder, ...]
    tickets_next: Annotated[str | None, Field(description="The cursor of the next page of its tickets; null: no more")]
    related: Annotated[
        tuple[IncidentOut, ...],
        Field(description="Incidents that may be the same matter: of one cause, in the same community or beside it"),
    ]


@reply_type()
class IncidentTicketPage:
    """Tickets of an incident that you may see, oldest first, and their running orders."""

    items: tuple[IncidentTicket, ...]
    orders: tuple[IncidentOrder, ...]
    next: str | None


@reply_type()
class IncidentAuthor:
    kind: ActorKind
    id: str
    name: str


IncidentValue: TypeAlias = str | list[str] | None


@reply_type(from_="from")
class IncidentEntryOut:
    """One line of an incident's timeline."""

    seq: int
    at: datetime
    by: IncidentAuthor
    action: IncidentAction
    from_: IncidentState | None
    to: IncidentState
    reason: str | None
    changes: Annotated[
        Mapping[str, Annotated[Sequence[IncidentValue], Field(min_length=2, max_length=2)]],
        Field(description="By field: what it was, and what it became"),
    ]


@reply_type()
class IncidentEntryPage:
    items: tuple[IncidentEntryOut, ...]
    next: str | None


@cache
def _move_out(action: IncidentAction, needs: tuple[IncidentField, ...]) -> IncidentMoveOut:
    return IncidentMoveOut(action, label(action), needs)


def render_moves(moves: Iterable[IncidentMove]) -> tuple[IncidentMoveOut, ...]:
    return tuple(_move_out(move.action, move.fields) for move in moves)


def _values(incident: Incident, actor: Actor, directory: Directory, *, can_reopen: bool) -> dict[str, Any]:
    return {
        "code": incident.code,
        "state": incident.state,
        "state_label": label(incident.state),
        "category": directory.optional_item_name("categories", incident.category),
        "symptom": directory.optional_item_name("symptoms", incident.symptom),
        "area": directory.optional_item_name("areas", incident.area),
        "unit": incident.unit,
        "title": incident_title(incident, directory),
        "parent": incident.parent,
        "first_call_at": incident.first_call_at,
        "last_call_at": incident.last_call_at,
        "callers": incident.callers,
        "ticket_count": incident.tickets,
        "final_word": incident.final_word,
        "merged_into": incident.merged_into,
        "created_at": incident.created_at,
        "updated_at": incident.updated_at,
        "ended_at": incident.ended_at,
        "version": incident.version,
        "allowed_actions": render_moves(allowed_incident_moves(incident, actor, can_reopen=can_reopen)),
    }


def render_incident(incident: Incident, actor: Actor, directory: Directory, *, can_reopen: bool) -> IncidentOut:
    """An incident in a list, or after an action. `can_reopen`: its parent is worked on."""
    return IncidentOut(**_values(incident, actor, directory, can_reopen=can_reopen))


def incident_title(incident: Incident, directory: Directory) -> Label:
    """Where an incident is, and what: building and unit, and the symptom or category."""
    area = directory.optional_item_name("areas", incident.area)
    symptom = directory.optional_item_name("symptoms", incident.symptom)
    what = symptom or directory.named("categories", incident.category)
    unit = {"zh": "", "en": ""}
    if incident.unit is not None:
        unit = {language: translate("address.unit", language, n=incident.unit).strip() for language in unit}
    places = (
        ("", "") if area is None else (f"{area.name}{unit['zh']}", ", ".join(filter(None, (area.name_en, unit["en"]))))
    )
    zh, en = (" · ".join(filter(None, pair)) for pair in zip(places, (what.name, what.name_en), strict=True))
    return Label(zh, en)


def render_detail(
    incident: Incident,
    page: IncidentTicketPage,
    related: Iterable[Incident],
    actor: Actor,
    directory: Directory,
    *,
    can_reopen: bool,
) -> IncidentDetail:
    """An incident with the first page of its tickets."""
    return IncidentDetail(
        **_values(incident, actor, directory, can_reopen=can_reopen),
        tickets=page.items,
        orders=page.orders,
        tickets_next=page.next,
        related=tuple(render_incident(other, actor, directory, can_reopen=False) for other in related),
    )


def render_ticket_page(
    tickets: Iterable[Ticket], orders: Iterable[Assignment], more: str | None, actor: Actor, directory: Directory
) -> IncidentTicketPage:
    """Tickets of an incident with their running orders; `more`: the cursor of the next page."""
    return IncidentTicketPage(
        tuple(
            IncidentTicket(
                t.number, t.status, t.priority, t.created_at, t.title, t.narrative[:SHOWN_CHARACTERS],
                visible_caller(t, actor),
            )
            for t in tickets
        ),
        tuple(
            IncidentOrder(
                order.id, order.number, directory.optional_item_name("departments", order.department), order.part,
                order.status, order.due_at,
            )
            for order in orders
        ),
        more,
    )  # fmt: skip


_NAMES_TICKETS = ("ticket", "tickets", "parent")  # changes of a timeline's line whose values are numbers


def named_numbers(entries: Iterable[IncidentEntry]) -> set[str]:
    """The numbers of all tickets that these lines name."""
    found: set[str] = set()
    for entry in entries:
        for side in (side for name in _NAMES_TICKETS for side in entry.changes.get(name, ())):
            found.update([side] if isinstance(side, str) else side or ())
    return found


def _visible_side(side: Any, visible: Container[str]) -> Any:
    if isinstance(side, str):
        return side if side in visible else None
    return side and [number for number in side if number in visible]


_TOLD = frozenset({IncidentAction.CONTAIN, IncidentAction.END})  # with words for callers, not for the desk


def render_incident_entry(entry: IncidentEntry, visible: Container[str], actor: Actor) -> IncidentEntryOut | None:
    """`visible`: the tickets that the reader may see; no other is named. A contractor is told the steps and what
    callers were told, and none of the desk's notes. None: it is not told of this line."""
    reads_all = reads_notes(actor)
    if not reads_all and entry.action is IncidentAction.COMMENT:
        return None
    changes = {
        name: [_visible_side(side, visible) for side in sides] if name in _NAMES_TICKETS else sides
        for name, sides in entry.changes.items()
    }
    return IncidentEntryOut(
        seq=entry.seq,
        at=entry.at,
        by=IncidentAuthor(entry.by_kind, entry.by_id, entry.by_name),
        action=entry.action,
        from_=entry.state_from,
        to=entry.state_to,
        reason=entry.reason if reads_all or entry.action in _TOLD else None,
        changes=changes,
    )


_TYPES: Mapping[IncidentField, Any] = {
    F.TEXT: Prose,
    F.TEXT_EN: Prose,
    F.REASON: Prose,
    F.TICKET: NumberWord,
    F.INCIDENT: NumberWord,
    F.TICKETS: Annotated[list[NumberWord], Field(min_length=1, max_length=MOST_SPLIT)],
}
_EXAMPLES: Mapping[IncidentField, Any] = {
    F.TEXT_EN: "The pipe is repaired, water is back at 18:30",
    F.TEXT: "水管已修复，18:30恢复供水",
    F.REASON: "不是同一处",
    F.TICKET: "100000006",
    F.TICKETS: ["100000006"],
    F.INCIDENT: "100002",
}


def _body(action: IncidentAction) -> type[Strict]:
    needs, takes = incident_action_fields(action)
    shape: dict[str, Any] = {name.value: (_TYPES[name], ...) for name in needs}
    shape |= {name.value: (_TYPES[name] | None, None) for name in takes}
    made = create_model(f"Incident{action.capitalize()}", __base__=Strict, **shape)
    example = {name.value: _EXAMPLES[name] for name in needs}
    made.model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})
    made.model_rebuild(force=True)
    return made


# one body for each action, made from the table
INCIDENT_BODIES: Mapping[IncidentAction, type[Strict]] = {
    action: _body(action) for action in dict.fromkeys(move.action for move in INCIDENT_MOVES)
}


def sent_incident_fields(body: Strict) -> dict[IncidentField, Any]:
    """The fields that were sent, by their words."""
    return {F(name): value for name in body.model_fields_set if (value := getattr(body, name)) is not None}

"""Tickets: found, read, and acted on."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, NumberPath, require_roles
from hotline.organisation.model.actors import PERSON_ROLES, Actor, Role
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import SecurityEvent
from hotline.security_log.vocabulary import Deed
from hotline.text.numbering import parse_number
from hotline.tickets.act import act, load_handler_departments, load_visible_ticket
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.lifecycle import ASSIGNMENT_MOVES, TICKET_MOVES
from hotline.tickets.model.ticket import Command, Facts
from hotline.tickets.model.visibility import can_search_by_caller, visible_entry
from hotline.tickets.model.vocabulary import Action, Colour, TicketStatus
from hotline.tickets.routes.listed import listed_briefs
from hotline.tickets.schemas.actions import ORDER_BODIES, TICKET_BODIES, sent_fields
from hotline.tickets.schemas.briefs import TicketPage
from hotline.tickets.schemas.calls import CallPage, render_ticket_call
from hotline.tickets.schemas.filters import (
    ACCEPT_OVERDUE_HELP,
    COLOUR_HELP,
    COUNTED_HELP,
    COUNTED_PATTERN,
    PRESENT_MOMENTS,
    counted_filters,
)
from hotline.tickets.schemas.sla import ClockPage, EscalationOut, render_clock, render_told, visible_clocks
from hotline.tickets.schemas.tickets import TicketOut, render_ticket
from hotline.tickets.schemas.timeline import EntryPage, render_entry
from hotline.tickets.search import ticket_search
from hotline.tickets.splitting import split_ticket
from hotline.tickets.store import history, lists
from hotline.tickets.store.last_change import with_last_change
from hotline.tickets.undoing import undo_last_step
from hotline.web.action_routes import ACTION_HELP, ActionRoutes, unknown_action, unknown_action_because
from hotline.web.field_types import Moment, PlainLine, PublicWords, Strict
from hotline.web.paging import MAX_ENTRIES, AfterEntry, Cursor, EntryLimit, Limit, PagedQuery, next_entries
from hotline.web.problems import problem_response
from hotline.web.responses import (
    READ_REFUSALS,
    action_reply,
    etag_responses,
    json_reply,
    refusal_responses,
)
from hotline.web.schemas import dump_json

router = APIRouter(prefix="/v1/tickets", tags=["tickets"], route_class=AuthenticatedRoute)
Reader = Annotated[TicketContext, require_roles("tickets.read", *PERSON_ROLES)]
CodeQuery = Annotated[str, Query(max_length=40, pattern=r"^[a-z0-9][a-z0-9_.:-]*$")]


@router.get("", operation_id="list_tickets", response_model=TicketPage, responses=refusal_responses())
async def list_tickets(
    context: Reader,
    status: Annotated[list[TicketStatus] | None, Query(description="One or more states")] = None,
    department: Annotated[
        CodeQuery | None, Query(description="Holds an order, the departments below it included")
    ] = None,
    performer: Annotated[CodeQuery | None, Query(description="A contractor that performs an order")] = None,
    assignee: Annotated[
        PlainLine | None, Query(max_length=60, min_length=1, description="Who accepted a running order; `me` is you")
    ] = None,
    category: Annotated[CodeQuery | None, Query(description="The category and all below it")] = None,
    area: Annotated[list[CodeQuery] | None, Query(max_length=200, description="The areas and all below them")] = None,
    priority: Priority | None = None,
    kind: Kind | None = None,
    channel: Channel | None = None,
    flag: Annotated[CodeQuery | None, Query(description="As `repeat`, `danger:gas`")] = None,
    confidential: bool | None = None,
    overdue: Annotated[bool | None, Query(description="true: open and past its limit")] = None,
    accept_overdue: Annotated[bool | None, Query(description=ACCEPT_OVERDUE_HELP)] = None,
    caller: Annotated[str | None, Query(max_length=36, pattern=r"^[0-9a-f-]{36}$", description="A caller's id")] = None,
    outer_number: Annotated[PlainLine | None, Query(max_length=80, min_length=1)] = None,
    parent: Annotated[PlainLine | None, Query(max_length=20, description="Tickets merged into this one")] = None,
    created_from: Moment | None = None,
    created_before: Moment | None = None,
    colour: Annotated[list[Colour] | None, Query(description=COLOUR_HELP)] = None,
    counted: Annotated[str | None, Query(pattern=COUNTED_PATTERN, description=COUNTED_HELP)] = None,
    counted_from: Moment | None = None,
    counted_before: Moment | None = None,
    q: Annotated[
        Annotated[str, PublicWords] | None,
        Query(
            min_length=1,
            max_length=100,
            description="Words in title, narrative or address; one Chinese character will do. A telephone number is "
            "refused: it is looked for by `POST /v1/search`",
        ),
    ] = None,
    clocks: Annotated[
        bool, Query(description="With each ticket its `next_clock`: what ends next, and how bad")
    ] = False,
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at"] = "-created_at",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Tickets within your scope, filtered and sorted. `next` is the next page; there is no total, boards have
    counts."""
    directory = await context.services.directory.now(context.now)
    if caller is not None and not can_search_by_caller(context.actor):
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "asking by caller is not for your role"))
    filters: dict[str, Any] = {
        "status": status and sorted(status),
        "priority": priority,
        "kind": kind,
        "channel": channel,
        "flag": flag,
        "confidential": confidential,
        "caller": caller,
        "outer_number": outer_number,
        "parent": parent and (parse_number(parent) or "-"),
        "performer": performer,
        "assignee": context.actor.id if assignee == "me" else assignee,
        "created_from": created_from,
        "created_before": created_before,
        "colour": colour and sorted(colour),
        "colour_at": context.now if colour else None,
        **counted_filters(counted, counted_from, counted_before, directory, context.now),
        "text": q and ticket_search(context.services, q),
        "overdue": context.now if overdue else None,
        "accept_overdue": context.now if accept_overdue else None,
        "department": department and sorted(directory.department_subtrees.get(department, {department})),
        "category": category and sorted(directory.category_subtrees.get(category, {category})),
        "area": area and sorted({code for one in area for code in directory.area_subtrees.get(one, {one})}),
    }
    filters = {name: value for name, value in filters.items() if value is not None}
    key = [
        {k: v for k, v in filters.items() if k not in {*PRESENT_MOMENTS, "text"}},
        q,
        bool(overdue),
        bool(accept_overdue),
        sort,
        context.actor.id,
    ]
    query = PagedQuery(context.services.secret, key, limit)
    sort_field, descending = sort.lstrip("-"), sort.startswith("-")
    page_wanted = query.keyset(cursor)
    order = lists.ListOrder(sort_field, descending)
    rows = await lists.load_tickets(context.services.db, scope_of(context.actor), filters, page_wanted, order)
    page, more = query.cut(rows, lambda row: [getattr(row, sort_field), row.number])
    return json_reply(TicketPage(await listed_briefs(context, page, directory, clocks=clocks), more))


@router.get(
    "/{number}",
    operation_id="read_ticket",
    response_model=TicketOut,
    responses={**etag_responses(200), **refusal_responses(*READ_REFUSALS)},
)
async def read_ticket(number: NumberPath, context: Reader) -> Response:
    """One ticket with its assignments, clocks, suggestions and the actions allowed to you now. ETag is its version."""
    facts = await load_visible_ticket(context.services, number, context.actor)
    facts = await with_last_change(context.services.db, facts, context.now)
    return json_reply(
        render_ticket(facts, context.actor, await context.services.directory.now(context.now), context.now),
        version=facts.ticket.version,
    )


@router.get(
    "/{number}/timeline",
    operation_id="read_timeline",
    response_model=EntryPage,
    responses=refusal_responses(*READ_REFUSALS),
)
async def read_timeline(
    number: NumberPath,
    context: Reader,
    limit: EntryLimit = MAX_ENTRIES,
    after: AfterEntry = 0,
) -> Response:
    """The ticket's history, in order: who, when, what, why, before and after. A contractor sees entries about its own
    assignments and the ticket as a whole, and no notes of others."""
    facts = await load_visible_ticket(context.services, number, context.actor)
    rows = await history.load_timeline(context.services.db, facts.ticket.number, after, limit)
    authors = await load_handler_departments(context.services, context.actor, (row.by_id for row in rows))
    items = tuple(
        render_entry(row, visible)
        for row in rows
        if (visible := visible_entry(row, facts.ticket, facts.assignments, context.actor, authors)) is not None
    )
    return json_reply(EntryPage(items, next_entries(rows, limit, facts.ticket.entries)))


@router.get(
    "/{number}/calls", operation_id="list_calls", response_model=CallPage, responses=refusal_responses(*READ_REFUSALS)
)
async def list_calls(number: NumberPath, context: Reader) -> Response:
    """The contacts about this ticket, oldest first, including those of tickets merged into it."""
    facts = await load_visible_ticket(context.services, number, context.actor)
    rows = await history.load_calls(context.services.db, facts.ticket.number)
    return json_reply(CallPage(tuple(render_ticket_call(row, context.actor, facts) for row in rows), None))


@router.get(
    "/{number}/clocks",
    operation_id="list_clocks",
    response_model=ClockPage,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_clocks(number: NumberPath, context: Reader) -> Response:
    """Every clock of the ticket and its assignments, by start; and every escalation step that fired, when it should
    have, and whom it told. `POST /v1/explain/deadline` explains a deadline."""
    facts = await load_visible_ticket(context.services, number, context.actor)
    directory = await context.services.directory.now(context.now)
    found = visible_clocks(await history.load_clocks(context.services.db, facts.ticket.number), facts, context.actor)
    theirs = {c.id for c in found}
    rows = await history.load_escalations(context.services.db, facts.ticket.number)
    escalations = tuple(
        EscalationOut(**r._asdict(), told_to=tuple(render_told(line, directory) for line in r.told))
        for r in rows
        if r.clock in theirs
    )
    return json_reply(ClockPage(tuple(render_clock(c, context.now) for c in found), escalations, None))


def _ticket_renderer(actor: Actor, directory: Any, now: datetime, *, revealed: bool = False) -> Callable[[Facts], str]:
    return lambda facts: dump_json(render_ticket(facts, actor, directory, now, revealed=revealed))


_TICKET_ACTIONS = ActionRoutes(router, "/{number}/actions", "ticket", TicketOut)
_ORDER_ACTIONS = ActionRoutes(router, "/{number}/assignments/{assignment}/actions", "assignment", TicketOut)


def _add_ticket_route(action: Action, body_type: type[Strict]) -> None:
    roles = sorted({role for m in TICKET_MOVES if m.action is action for role in m.by if role in PERSON_ROLES})

    async def act_on_ticket(
        number: NumberPath,
        body: body_type,  # type: ignore[valid-type]
        context: Annotated[TicketContext, require_roles(f"tickets.{action}", *roles)],
    ) -> Response:
        directory = await context.services.directory.now(context.now)
        command = Command(action, context.version(), sent_fields(body))
        show = _ticket_renderer(context.actor, directory, context.now, revealed=action is Action.REVEAL)
        do = {Action.SPLIT: split_ticket, Action.UNDO: undo_last_step}.get(action, act)
        result = await do(context.services, number, command, await context.write_request(), show)
        if action is Action.REVEAL:
            about = ("ticket", parse_number(number) or number)  # as it is stored, however it was typed
            event = SecurityEvent(Deed.CONTACT_REVEALED, context.actor, context.now, about)
            await context.services.security_log.record(event)
        elif action in (Action.PUBLISH, Action.UNPUBLISH) and not result.replayed:
            public = {"public": action is Action.PUBLISH}
            event = SecurityEvent(Deed.PUBLICATION_CHANGED, context.actor, context.now, ("ticket", number), public)
            await context.services.security_log.record(event)
        return action_reply(result)

    _TICKET_ACTIONS.add(action, act_on_ticket, ACTION_HELP)


def _add_order_route(action: Action, body_type: type[Strict]) -> None:
    by = {role for m in ASSIGNMENT_MOVES if m.action is action for role in m.by}
    roles = sorted((by & PERSON_ROLES) | ({Role.HANDLER} if Role.PERFORMER in by else set()))

    async def act_on_assignment(
        number: NumberPath,
        assignment: Annotated[str, Path(max_length=40, description="The assignment's id", examples=["100000006-1"])],
        body: body_type,  # type: ignore[valid-type]
        context: Annotated[TicketContext, require_roles(f"assignments.{action}", *roles)],
    ) -> Response:
        directory = await context.services.directory.now(context.now)
        command = Command(action, context.version(), sent_fields(body), assignment=assignment)
        show = _ticket_renderer(context.actor, directory, context.now)
        return action_reply(await act(context.services, number, command, await context.write_request(), show))

    _ORDER_ACTIONS.add(
        action, act_on_assignment, "The version is the ticket's: one change at a time on the whole matter."
    )


for _action, _shape in TICKET_BODIES.items():
    _add_ticket_route(_action, _shape)
for _action, _shape in ORDER_BODIES.items():
    _add_order_route(_action, _shape)


@router.post("/{number}/actions/{action}", include_in_schema=False)
@router.post("/{number}/assignments/{assignment}/actions/{action}", include_in_schema=False)
async def no_such_action(
    number: str,
    action: str,
    context: Annotated[TicketContext, require_roles("tickets.read", *PERSON_ROLES)],
    assignment: str | None = None,
) -> Response:
    """An action that this table does not know: of the other one, it says where that is."""
    try:
        await load_visible_ticket(context.services, number, context.actor)
    except Refused as refused:
        return problem_response(refused.refusal)
    here, there = (TICKET_BODIES, ORDER_BODIES) if assignment is None else (ORDER_BODIES, TICKET_BODIES)
    if action in there:
        where = "assignments/{id}/actions" if assignment is None else "actions"
        return unknown_action_because(f"of the ticket's other path: {where}/{action}")
    return unknown_action(here)

"""Incidents: listed, read, and acted on."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from hotline.incidents import member_store, store
from hotline.incidents.model.incident import Incident, IncidentCommand
from hotline.incidents.model.lifecycle import INCIDENT_MOVES
from hotline.incidents.model.vocabulary import IncidentAction, IncidentState
from hotline.incidents.schemas import (
    INCIDENT_BODIES,
    IncidentDetail,
    IncidentEntryPage,
    IncidentOut,
    IncidentPage,
    IncidentTicketPage,
    named_numbers,
    render_detail,
    render_incident,
    render_incident_entry,
    render_ticket_page,
    sent_incident_fields,
)
from hotline.incidents.service import act_on_incident, load_related, load_visible_incident
from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model.actors import PERSON_ROLES
from hotline.organisation.model.scopes import scope_of
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.visibility import can_see_order
from hotline.tickets.model.vocabulary import LIVE
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.store import lists
from hotline.web.action_routes import ACTION_HELP, ActionRoutes, unknown_action
from hotline.web.field_types import Strict
from hotline.web.paging import MAX_ENTRIES, AfterEntry, Cursor, EntryLimit, Limit, PagedQuery, next_entries
from hotline.web.responses import (
    READ_REFUSALS,
    action_reply,
    etag_responses,
    json_reply,
    refusal_responses,
)
from hotline.web.schemas import dump_json

router = APIRouter(prefix="/v1/incidents", tags=["incidents"], route_class=AuthenticatedRoute)
Reader = Annotated[TicketContext, require_roles("incidents.read", *PERSON_ROLES)]
CodeOfIncident = Annotated[str, Path(max_length=40, description="The incident's code", examples=["100002"])]
MAX_TICKETS = 500  # of an incident on a page


@router.get("", operation_id="list_incidents", response_model=IncidentPage, responses=refusal_responses())
async def list_incidents(
    context: Reader,
    state: Annotated[list[IncidentState] | None, Query(description="One or more states")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Incidents, newest first: many calls about one matter, handled as one. The desk sees those of its areas, a
    department those whose order is its own."""
    query = PagedQuery(context.services.secret, ["incidents", state and sorted(state), context.actor.id], limit)
    found = await store.load_incidents(context.services.db, scope_of(context.actor), state, query.keyset(cursor))
    directory = await context.services.directory.now(context.now)
    page, more = query.cut(found, lambda incident: [incident.created_at, incident.code])
    worked_on = await member_store.load_worked_on(context.services.db, page)
    shown = (render_incident(i, context.actor, directory, can_reopen=i.parent in worked_on) for i in page)
    return json_reply(IncidentPage(tuple(shown), more))


@router.get(
    "/{code}",
    operation_id="read_incident",
    response_model=IncidentDetail,
    responses={**etag_responses(200), **refusal_responses(*READ_REFUSALS)},
)
async def read_incident(code: CodeOfIncident, context: Reader) -> Response:
    """One incident with its first tickets and their running orders, as far as you may see them, and the incidents that
    may be the same matter. ETag is its version."""
    services, scope = context.services, scope_of(context.actor)
    incident = await load_visible_incident(services, code, scope)
    page = await _ticket_page(context, incident, MAX_TICKETS, None)
    directory = await services.directory.now(context.now)
    related = await load_related(services, incident, scope)
    can_reopen = incident.parent in await member_store.load_worked_on(services.db, [incident])
    detail = render_detail(incident, page, related, context.actor, directory, can_reopen=can_reopen)
    return json_reply(detail, version=incident.version)


@router.get(
    "/{code}/tickets",
    operation_id="list_incident_tickets",
    response_model=IncidentTicketPage,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_incident_tickets(
    code: CodeOfIncident,
    context: Reader,
    limit: Annotated[int, Query(ge=1, le=MAX_TICKETS)] = MAX_TICKETS,
    cursor: Cursor = None,
) -> Response:
    """The tickets of an incident that you may see, oldest first, with their running orders."""
    incident = await load_visible_incident(context.services, code, scope_of(context.actor))
    return json_reply(await _ticket_page(context, incident, limit, cursor))


async def _ticket_page(
    context: TicketContext, incident: Incident, limit: int, cursor: str | None
) -> IncidentTicketPage:
    services, actor = context.services, context.actor
    query = PagedQuery(services.secret, ["incident_tickets", incident.code, actor.id], limit)
    wanted = query.keyset(cursor)
    found = await lists.load_full_tickets(services.db, scope_of(actor), {"incident": incident.code}, wanted)
    page, more = query.cut(found, lambda ticket: [ticket.created_at, ticket.number])
    by_number = await ticket_facts.load_orders(services.db, [ticket.number for ticket in page])
    orders = [o for some in by_number.values() for o in some if o.status in LIVE and can_see_order(o, actor)]
    return render_ticket_page(page, orders, more, actor, await services.directory.now(context.now))


@router.get(
    "/{code}/timeline",
    operation_id="read_incident_timeline",
    response_model=IncidentEntryPage,
    responses=refusal_responses(*READ_REFUSALS),
)
async def read_incident_timeline(
    code: CodeOfIncident,
    context: Reader,
    limit: EntryLimit = MAX_ENTRIES,
    after: AfterEntry = 0,
) -> Response:
    """The incident's history, in order: who, when, what, why. What happened to its tickets stands in theirs."""
    db, scope = context.services.db, scope_of(context.actor)
    incident = await load_visible_incident(context.services, code, scope)
    entries = await store.load_entries(db, incident.code, after, limit)
    visible = {row.number for row in await member_store.load_named_tickets(db, scope, sorted(named_numbers(entries)))}
    shown = (render_incident_entry(entry, visible, context.actor) for entry in entries)
    items = tuple(entry for entry in shown if entry is not None)
    return json_reply(IncidentEntryPage(items, next_entries(entries, limit, incident.entries)))


_ACTIONS = ActionRoutes(router, "/{code}/actions", "incident", IncidentOut)


def _add_action_route(action: IncidentAction, body_type: type[Strict]) -> None:
    roles = sorted({role for m in INCIDENT_MOVES if m.action is action for role in m.by if role in PERSON_ROLES})

    async def act(
        code: CodeOfIncident,
        body: body_type,  # type: ignore[valid-type]
        context: Annotated[TicketContext, require_roles(f"incidents.{action}", *roles)],
    ) -> Response:
        directory = await context.services.directory.now(context.now)

        def show(incident: Incident, can_reopen: bool) -> str:
            return dump_json(render_incident(incident, context.actor, directory, can_reopen=can_reopen))

        command = IncidentCommand(action, context.version(), sent_incident_fields(body))
        request = await context.write_request()
        return action_reply(await act_on_incident(context.services, code, command, request, show))

    _ACTIONS.add(action, act, f"{ACTION_HELP} The tickets follow within seconds.")


for _action, _shape in INCIDENT_BODIES.items():
    _add_action_route(_action, _shape)


@router.post("/{code}/actions/{action}", include_in_schema=False)
async def no_such_incident_action(code: str, action: str, context: Reader) -> Response:
    """An action that the table does not know."""
    await load_visible_incident(context.services, code, scope_of(context.actor))
    return unknown_action(INCIDENT_BODIES)

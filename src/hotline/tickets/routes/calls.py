"""Routes for taking calls and for looking up who is calling."""

from collections.abc import Sequence
from typing import Annotated

import structlog
from fastapi import APIRouter
from starlette.responses import Response

from hotline.database.deadlines import database_deadline, run_detached
from hotline.database.outages import OUTAGES
from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model.actors import Role
from hotline.organisation.model.scopes import scope_of
from hotline.refusals import Code, Refused
from hotline.text.phone_parsing import parse_phone
from hotline.tickets.caller_lookup import load_caller_lookup, lookup_event
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.duplicates import Duplicate
from hotline.tickets.intake import take_call
from hotline.tickets.lookup import query_code
from hotline.tickets.model.intake import unread_details
from hotline.tickets.model.ticket import Call, Facts
from hotline.tickets.model.vocabulary import NAMES
from hotline.tickets.schemas.calls import (
    CallerCard,
    CallerLookupIn,
    CallIn,
    IntakeOut,
    Spooled,
    render_call,
    render_caller_card,
)
from hotline.tickets.schemas.duplicates import render_duplicates
from hotline.tickets.schemas.tickets import OuterOut, render_ticket, render_unread
from hotline.tickets.spool_intake import BroughtIn, spool_request
from hotline.value_objects import replace
from hotline.web.responses import POST_REFUSALS, action_reply, etag_responses, json_reply, refusal_responses
from hotline.web.schemas import dump_json

router = APIRouter(prefix="/v1", tags=["intake"], route_class=AuthenticatedRoute)
log = structlog.get_logger("hotline.intake")


@router.post(
    "/calls",
    operation_id="take_call",
    status_code=201,
    response_model=IntakeOut | BroughtIn,
    responses={
        202: {"model": Spooled, "description": "Kept for later"},
        **etag_responses(201),
        **refusal_responses(*POST_REFUSALS, Code.INCOMPLETE),
    },
)
async def take_a_call(
    body: CallIn,
    context: Annotated[
        TicketContext,
        require_roles("calls.take", Role.OPERATOR, Role.DISPATCHER, Role.GATEWAY, allow_during_outage=True),
    ],
) -> Response:
    """Log a call, text or visit. Opens a ticket and triages, routes and dispatches it as far as the rules are certain;
    or joins an open ticket (`attach_to`); or answers it while the caller is on the line (`at_once`). Tell the caller
    the number and the `query_code`: with both, `POST /v1/lookup` gives the state.

    Only `channel` and `narrative` are required. Hints win over suggestions; suggestions are still given. A call is
    never refused for how a number, a name or an address is written: what cannot be read is kept as text and reported in
    `unread`. 202 with a reference: the database is unavailable, full or too slow; the call is stored on this machine
    and becomes a ticket later, which `GET /v1/inbound/REFERENCE` then names."""
    directory = await context.services.directory.current_or_last_known(context.now)

    def render(facts: Facts, call: Call, duplicates: Sequence[Duplicate]) -> str:
        ticket = render_ticket(facts, context.actor, directory, context.now)
        if intake_request.outer_number is not None and ticket.outer is None:  # as `intake` says
            outer = OuterOut(intake_request.outer_system, intake_request.outer_number, intake_request.outer_due_at)
            shown = tuple(flag for flag in ticket.flags if not flag.startswith(f"{NAMES}:"))
            ticket = replace(ticket, outer=outer, flags=shown)
        if ticket.advice is not None:
            ticket = replace(ticket, advice=replace(ticket.advice, duplicates=render_duplicates(duplicates)))
        taken_out = IntakeOut(
            call=render_call(call, context.actor, facts),
            ticket=ticket,
            query_code=query_code(context.services.secret, facts.ticket.number),
            unread=render_unread(call.unread),
        )
        return dump_json(taken_out)

    request = await context.write_request()
    intake_request, scope = body.to_intake_request(), scope_of(context.actor)
    try:
        if body.voice_call is not None and intake_request.phone is None:
            async with database_deadline(context.services.deadlines.lookup):
                phone = await context.services.exchange.number_of(str(body.voice_call), scope)
                intake_request = replace(intake_request, phone=phone)
        result = await take_call(context.services, intake_request, request, render)
    except OUTAGES:
        if context.services.spool is None:
            raise
        voice_call = str(body.voice_call) if body.voice_call is not None else None
        name = await spool_request(context.services, intake_request, request, voice_call)
        unread = unread_details(
            intake_request, parse_phone(intake_request.phone, context.services.region, context.services.area_code)
        )
        return json_reply(Spooled(name, "spool", render_unread(unread)), 202)
    if body.voice_call is not None and result.number is not None:
        try:
            async with database_deadline(context.services.deadlines.lookup, writes=True):
                await run_detached(context.services.exchange.link(str(body.voice_call), result.number, scope))
        except (Refused, *OUTAGES) as fault:  # the call is taken: which one of the exchange it was may be noted later
            log.warning("call.not_linked", number=result.number, why=type(fault).__name__)
    return action_reply(result)


@router.post(
    "/callers/lookup",
    operation_id="look_up_caller",
    response_model=CallerCard,
    responses=refusal_responses(Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def look_up_caller(
    body: CallerLookupIn,
    context: Annotated[
        TicketContext, require_roles("callers.look_up", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR)
    ],
) -> Response:
    """Who is calling: `known` (one name is on record for the number), `maybe` (several people use it, or none gave a
    name), `unknown` or `withheld`; with open tickets and history. A number that cannot be read is `unknown`, and
    `unread` says so. A POST, so that no phone number is in a URL."""
    found = await load_caller_lookup(context.services, body.phone, context.actor, context.now)
    await context.services.security_log.record(lookup_event(found, context.actor, context.now))
    return json_reply(render_caller_card(found))

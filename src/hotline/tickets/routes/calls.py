"""Taking calls, and seeing who rings."""

from dataclasses import replace
from typing import Annotated

import structlog
from fastapi import APIRouter
from starlette.responses import Response

from hotline.database.deadlines import detached, within
from hotline.database.outages import OUTAGES
from hotline.organisation.dependencies import AuthenticatedRoute, may
from hotline.organisation.model.actors import Role
from hotline.refusals import Code, Refused
from hotline.text.phone_parsing import parse_phone
from hotline.tickets.caller_lookup import caller_card
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.intake import take_call
from hotline.tickets.lookup import query_code
from hotline.tickets.model.intake import unread_of
from hotline.tickets.model.ticket import Call, Facts
from hotline.tickets.schemas.calls import CallerCard, CallerLookupIn, CallIn, IntakeOut, Spooled, call_shown, card_shown
from hotline.tickets.schemas.tickets import ticket_shown, unread_shown
from hotline.tickets.spool_intake import BroughtIn, spool_request
from hotline.web.responses import POST, action_reply, refusals, reply, versioned
from hotline.web.schemas import dumped

router = APIRouter(prefix="/v1", tags=["intake"], route_class=AuthenticatedRoute)
log = structlog.get_logger("hotline.intake")


@router.post(
    "/calls",
    operation_id="take_call",
    status_code=201,
    response_model=IntakeOut | BroughtIn,
    responses={
        202: {"model": Spooled, "description": "Kept for later"},
        **versioned(201),
        **refusals(*POST, Code.INCOMPLETE),
    },
)
async def take_a_call(
    body: CallIn,
    context: Annotated[TicketContext, may("calls.take", Role.OPERATOR, Role.DISPATCHER, Role.GATEWAY, when_away=True)],
) -> Response:
    """Log a call, text or visit. Opens a ticket and triages, routes and dispatches it as far as the rules are certain;
    or joins an open ticket (`attach_to`); or answers it while the caller is on the line (`at_once`). Tell the caller
    the number and the `query_code`: with both, `POST /v1/lookup` gives the state.

    Only `channel` and `narrative` are required. Hints win over suggestions; suggestions are still given. A call is
    never refused for how a number, a name or an address is written: what cannot be read is kept as text and reported in
    `unread`. 202 with a reference: the database is unavailable, full or too slow; the call is stored on this machine
    and becomes a ticket later, which `GET /v1/inbound/REFERENCE` then names."""
    directory = await context.services.directory.cached(context.now)

    def show(facts: Facts, call: Call) -> str:
        taken_out = IntakeOut(
            call=call_shown(call, context.actor, facts),
            ticket=ticket_shown(facts, context.actor, directory, context.now),
            query_code=query_code(context.services.secret, facts.ticket.number),
            unread=unread_shown(call.unread),
        )
        return dumped(taken_out)

    request = await context.write_request()
    taken = body.taken()
    try:
        if body.voice_call is not None and taken.phone is None:
            async with within(context.services.deadlines.lookup):
                taken = replace(taken, phone=await context.services.exchange.number_of(str(body.voice_call)))
        done = await take_call(context.services, taken, request, show)
    except OUTAGES:
        if context.services.spool is None:
            raise
        voice_call = str(body.voice_call) if body.voice_call is not None else None
        name = await spool_request(context.services, taken, request, voice_call)
        unread = unread_of(taken, parse_phone(taken.phone, context.services.region, context.services.area_code))
        return reply(Spooled(name, "spool", unread_shown(unread)), 202)
    if body.voice_call is not None and done.number is not None:
        try:
            async with within(context.services.deadlines.lookup, writes=True):
                await detached(context.services.exchange.link(str(body.voice_call), done.number))
        except (Refused, *OUTAGES) as fault:  # the call is taken: which one of the exchange it was may be noted later
            log.warning("call.not_linked", number=done.number, why=type(fault).__name__)
    return action_reply(done)


@router.post(
    "/callers/lookup",
    operation_id="look_up_caller",
    response_model=CallerCard,
    responses=refusals(Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def look_up_caller(
    body: CallerLookupIn,
    context: Annotated[TicketContext, may("callers.look_up", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR)],
) -> Response:
    """Who is calling: `known` (one name is on record for the number), `maybe` (several people use it, or none gave a
    name), `unknown` or `withheld`; with open tickets and history. A number that cannot be read is `unknown`, and
    `unread` says so. A POST, so that no phone number is in a URL."""
    return reply(card_shown(await caller_card(context.services, body.phone, context.actor, context.now)))

"""Taking calls, and seeing who rings."""

from dataclasses import replace
from typing import Annotated

import structlog
from fastapi import APIRouter
from starlette.responses import Response

from hotline.database.deadlines import detached, within
from hotline.database.outages import OUTAGES
from hotline.organisation.dependencies import Asking, AuthenticatedRoute, may
from hotline.organisation.model.actors import Role
from hotline.refusals import Code, Refused
from hotline.telephony.service import link, number_of
from hotline.text.phone_parsing import heard
from hotline.tickets.caller_lookup import card_of
from hotline.tickets.intake import take_call, unread_of
from hotline.tickets.lookup import query_code
from hotline.tickets.model.ticket import Call, Facts
from hotline.tickets.schemas.calls import CallIn, LookupIn
from hotline.tickets.schemas.shown import CallerCard, Spooled, TakenOut, call_shown, dumped, ticket_shown, unread_shown
from hotline.tickets.spool_intake import spool_call
from hotline.web.responses import POST, done_reply, refusals, reply

router = APIRouter(prefix="/v1", tags=["intake"], route_class=AuthenticatedRoute)
log = structlog.get_logger("hotline.intake")


@router.post(
    "/calls",
    operation_id="take_call",
    status_code=201,
    response_model=TakenOut,
    responses={202: {"model": Spooled, "description": "Kept for later"}, **refusals(*POST, Code.INCOMPLETE)},
)
async def take_a_call(
    body: CallIn,
    ask: Annotated[Asking, may("calls.take", Role.OPERATOR, Role.DISPATCHER, Role.GATEWAY, when_away=True)],
) -> Response:
    """Take a call, text or visit in. Opens a ticket and triages, routes and dispatches it as far as the rules are sure;
    or joins an open ticket (`attach_to`); or settles the matter while the caller is on the line (`at_once`). Tell the
    caller the number and the `query_code`: with both, `POST /v1/lookup` says how it stands.

    All but `channel` and `narrative` may be absent. Hints win over advice; advice is still given. A call is never
    refused for how a number, a name or an address is written: what cannot be read is kept as words and told in
    `unread`. 202 with a reference: the database is away, full or too slow, the call is kept on this machine and becomes
    a ticket when it is back, which `GET /v1/inbound/REFERENCE` then names."""
    directory = await ask.house.directory.at_hand(ask.now)

    def show(facts: Facts, call: Call) -> str:
        return dumped(
            {
                "call": call_shown(call, ask.actor, facts),
                "ticket": ticket_shown(facts, ask.actor, directory, ask.now),
                "query_code": query_code(ask.house.secret, facts.ticket.number),
                "unread": unread_shown(call.unread),
            }
        )

    asked = await ask.asked_whole()
    taken = body.taken()
    try:
        if body.voice_call is not None and taken.phone is None:
            async with within(ask.house.deadlines.lookup):
                taken = replace(taken, phone=await number_of(ask.house, str(body.voice_call)))
        done = await take_call(ask.house, taken, ask.actor, asked, show, ask.now)
    except OUTAGES:
        if ask.house.spool is None:
            raise
        voice_call = str(body.voice_call) if body.voice_call is not None else None
        name = await spool_call(ask.house, taken, ask.actor, asked, ask.now, voice_call)
        unread = unread_of(taken, heard(taken.phone, ask.house.region, ask.house.area_code))
        return reply({"reference": name, "kept": "spool", "unread": unread_shown(unread)}, 202)
    if body.voice_call is not None and done.after is not None:
        try:
            async with within(ask.house.deadlines.lookup, writes=True):
                await detached(link(ask.house, str(body.voice_call), done.after.ticket.number))
        except (Refused, *OUTAGES) as fault:  # the call is taken: which one of the exchange it was may be noted later
            log.warning("call.not_linked", number=done.after.ticket.number, why=type(fault).__name__)
    return done_reply(done)


@router.post(
    "/callers/lookup",
    operation_id="look_up_caller",
    response_model=CallerCard,
    responses=refusals(Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def look_up_caller(
    body: LookupIn,
    ask: Annotated[Asking, may("callers.look_up", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR)],
) -> Response:
    """Who is calling: `known` (one name is on record for the number), `maybe` (several people use it, or none gave a
    name), `unknown` or `withheld`; with open tickets and history. Of a number that cannot be read nobody is known, and
    `unread` says so. A POST, so that no phone number stands in a URL."""
    card = await card_of(ask.house, body.phone, ask.actor, ask.now)
    return reply({**card, "unread": unread_shown(card["unread"])})

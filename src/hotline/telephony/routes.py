"""Calls on the exchange: its incoming webhooks, who is on an operator's line, who is to be called back, and the
figures."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.database.deadlines import database_deadline
from hotline.delivery.model import GatewayKind
from hotline.inbound.rows import NOT_AUTHENTIC
from hotline.inbound.webhook_endpoint import (
    ANY_BODY,
    WEBHOOK_RESPONSES,
    GatewayPath,
    acknowledgement_response,
    read_webhook_request,
)
from hotline.inbound.webhook_request import AuthenticationFailed, WebhookRequest
from hotline.organisation.dependencies import (
    AuthenticatedRoute,
    CodePath,
    allow_anonymous,
    require_roles,
)
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.scopes import scope_of
from hotline.refusals import Code, Refusal, Refused
from hotline.telephony import store as call_store
from hotline.telephony.contract import exchange_provider
from hotline.telephony.push_state import CallPushState
from hotline.telephony.ringing import has_moved, is_taken, load_rung_calls
from hotline.telephony.schemas import (
    ExchangeContact,
    ExchangeLookup,
    Linked,
    PopPage,
    ReturnCallAttempt,
    ReturnCallOut,
    ReturnCallPage,
    VoiceCallPage,
    return_call_reply,
    screen_pop_reply,
    voice_call_reply,
)
from hotline.telephony.service import CallCentreFigures, link_call, load_call_centre_figures, load_login, receive_events
from hotline.telephony.vocabulary import ReturnCall, VoiceState
from hotline.text.strict_json import parse_strict_json
from hotline.tickets.act import load_visible_ticket
from hotline.tickets.caller_lookup import CallerLookup, load_caller_lookup, lookup_event
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.schemas.calls import render_caller_card
from hotline.web.field_types import Moment, PlainLine
from hotline.web.idempotency import Reply, write_once
from hotline.web.paging import Limit
from hotline.web.responses import POST_REFUSALS, READ_REFUSALS, action_reply, json_reply, refusal_responses
from hotline.web.schemas import dump_json

router = APIRouter(prefix="/v1", tags=["telephony"], route_class=AuthenticatedRoute)
figures_router = APIRouter(prefix="/v1/figures", tags=["telephony"], route_class=AuthenticatedRoute)
Hook = Annotated[TicketContext, allow_anonymous("hooks.push")]
Operator = Annotated[TicketContext, require_roles("calls.answer", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR)]
After = Annotated[PlainLine, Query(max_length=40, description="`next` of the page before")]
MAX_WAIT_SECONDS = 25
NO_CARD = render_caller_card(CallerLookup("unknown", None))
MAX_DAYS = 366


@router.post(
    "/hooks/voice/{gateway}",
    operation_id="push_voice",
    response_class=Response,
    responses=WEBHOOK_RESPONSES,
    openapi_extra=ANY_BODY,
)
async def push_voice(gateway: GatewayPath, context: Hook) -> Response:
    """Events of an exchange: in any order, repeated, also of unknown calls. 2xx means stored."""
    return acknowledgement_response(
        await receive_events(context.services, gateway, await read_webhook_request(context, gateway, GatewayKind.VOICE))
    )


@router.get(
    "/hooks/voice/{gateway}/lookup",
    operation_id="look_up_for_exchange",
    response_model=ExchangeLookup,
    responses=refusal_responses(*READ_REFUSALS),
)
async def look_up_for_exchange(
    gateway: GatewayPath, context: Hook, number: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """The same, for exchanges that can ask in no other way: the number is in the address, and in the log of whatever
    stands in between."""
    request = await read_webhook_request(context, gateway, GatewayKind.VOICE)
    return await _find_for_exchange(gateway, context, request, number)


@router.post(
    "/hooks/voice/{gateway}/lookup",
    operation_id="look_up_for_exchange_by_post",
    response_model=ExchangeLookup,
    responses=refusal_responses(*READ_REFUSALS, Code.TOO_LARGE),
    openapi_extra=ANY_BODY,
)
async def look_up_for_exchange_by_post(gateway: GatewayPath, context: Hook) -> Response:
    """Who is calling, for an exchange that shows it on the telephone (3CX): the name on record if there is exactly one,
    and the number of open tickets. Nothing about confidential tickets. The body has `number`, as JSON or as a form."""
    request = await read_webhook_request(context, gateway, GatewayKind.VOICE)
    return await _find_for_exchange(gateway, context, request, _sent_number(request))


def _sent_number(request: WebhookRequest) -> str:
    """`number` of the body; empty where it cannot be read."""
    try:
        is_json = request.media_type == "application/json"
        sent: Any = parse_strict_json(request.body) if is_json else dict(request.form_pairs())
        return str(sent.get("number", ""))[:200]
    except (ValueError, AttributeError):
        return ""


async def _find_for_exchange(gateway: str, context: TicketContext, request: WebhookRequest, number: str) -> Response:
    found = await context.services.gateways.named(gateway, GatewayKind.VOICE, request.at)
    exchange = exchange_provider(found.provider)
    try:
        exchange.adapter(found.account).authenticate(request)
    except AuthenticationFailed:
        raise Refused(NOT_AUTHENTIC) from None
    if not exchange.looks_up_callers:
        raise Refused(Refusal(Code.NOT_FOUND, "this exchange does not ask"))
    asker = Actor(ActorKind.KEY, f"gateway:{gateway}"[:60], gateway, frozenset({Role.OPERATOR}))
    try:
        async with database_deadline(context.services.deadlines.write):
            card = await load_caller_lookup(
                context.services, f"+{number}" if number.isdigit() and len(number) == 13 else number, asker, context.now
            )
            await context.services.security_log.record(lookup_event(card, asker, context.now))
    except Refused:
        return json_reply(ExchangeLookup(()))
    if card.match != "known" or card.caller is None:
        return json_reply(ExchangeLookup(()))
    contact = ExchangeContact(card.caller.id, card.caller.name, card.phone, len(card.open))
    return json_reply(ExchangeLookup((contact,)))


@router.get("/me/calls", operation_id="read_my_calls", response_model=PopPage, responses=refusal_responses())
async def read_my_calls(
    context: Operator,
    after: Annotated[Moment | None, Query(description="`next` of the answer before")] = None,
    wait: Annotated[int, Query(ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for something new")] = 0,
    agent: Annotated[PlainLine, Query(max_length=60, description="For keys: the operator's name on the exchange")] = "",
) -> Response:
    """Long poll for calls on your line since `after`, each with who is calling: those that ring at your telephone,
    where the exchange says so (`offered`), and those that you answered. A call that rang at yours and that somebody
    else answered comes once more with `taken`. Ask again with `next` as soon as this is answered."""
    name = await load_login(context.services, context.actor) or agent
    since = after or context.now - timedelta(minutes=1)
    rows = await _load_calls(context, name, after) if name else []
    until = asyncio.get_running_loop().time() + wait
    waited = False
    while not (rows or context.services.leaving) and name and (left := until - asyncio.get_running_loop().time()) > 0:
        with suppress(TimeoutError):  # another process may have taken the event: look once a second in any case
            await asyncio.wait_for(context.services.part(CallPushState).changed.wait(), min(1.0, left))
        if await has_moved(context.services, name, after, context.services.clock()):
            rows = await _load_calls(context, name, after)
        waited = True
    if waited:
        await context.recheck_rights()
    services, actor, now = context.services, context.actor, context.now
    items = []
    for row in rows:
        if row.agent != name and row.state != VoiceState.OFFERED:  # it rings here no longer: nobody is looked up
            items.append(screen_pop_reply(row, actor, NO_CARD, taken=is_taken(row, name)))
            continue
        card = await load_caller_lookup(services, row.phone or row.raw_phone, actor, now)
        await services.security_log.record(lookup_event(card, actor, now))
        items.append(screen_pop_reply(row, actor, render_caller_card(card, row.raw_phone)))
    return json_reply(PopPage(tuple(items), rows[-1].moved_at if rows else since))


async def _load_calls(context: TicketContext, name: str, after: datetime | None) -> list[Any]:
    """What moved on an operator's line since then, oldest move first; without `after` all that rings there, however
    long, and what moved in the last minute."""
    since = after or context.now - timedelta(minutes=1)
    rows = list(await call_store.load_agent_calls(context.services.db, name, since))
    rows += await load_rung_calls(context.services, name, after, context.now)
    return sorted(rows, key=lambda row: (row.moved_at, row.id))


@router.get(
    "/voice-calls", operation_id="list_voice_calls", response_model=VoiceCallPage, responses=refusal_responses()
)
async def list_voice_calls(
    context: Annotated[
        TicketContext, require_roles("calls.list", Role.SUPERVISOR, Role.DISPATCHER, Role.AUDITOR, Role.ADMIN)
    ],
    start: Annotated[Moment | None, Query(alias="from")] = None,
    end: Annotated[Moment | None, Query(alias="to")] = None,
    after: After = "",
    limit: Limit = 50,
) -> Response:
    """Calls offered within a window (default: the last day), oldest first. Recordings by reference, for supervisors.
    Auditors see masked numbers."""
    first, last = _window(context.now, start, end)
    rows = await call_store.load_calls(context.services.db, scope_of(context.actor), first, last, after, limit)
    return json_reply(
        VoiceCallPage(
            tuple(voice_call_reply(r, context.actor) for r in rows), rows[-1].id if len(rows) == limit else None
        )
    )


@router.post(
    "/voice-calls/{call}/link",
    operation_id="link_voice_call",
    status_code=204,
    responses=refusal_responses(*POST_REFUSALS),
)
async def link_voice_call(call: CodePath, body: Linked, context: Operator) -> Response:
    """Record which ticket a call led to."""
    facts = await load_visible_ticket(context.services, body.number, context.actor)
    return action_reply(await link_call(context.services, call, facts.ticket.number, await context.write_request()))


@router.get(
    "/return-calls", operation_id="list_return_calls", response_model=ReturnCallPage, responses=refusal_responses()
)
async def list_return_calls(
    context: Operator, status: ReturnCall = ReturnCall.OPEN, after: After = "", limit: Limit = 50
) -> Response:
    """Callers who spoke to nobody, one entry for each number, longest waiting first. An entry closes when they call
    again and are answered, or are called back and answer."""
    rows = await call_store.load_return_calls(context.services.db, scope_of(context.actor), status, after, limit)
    return json_reply(ReturnCallPage(tuple(map(return_call_reply, rows)), rows[-1].id if len(rows) == limit else None))


@router.post(
    "/return-calls/{call}/tried",
    operation_id="try_return_call",
    response_model=ReturnCallOut,
    responses=refusal_responses(*POST_REFUSALS, Code.NOT_NOW),
)
async def try_return_call(call: CodePath, body: ReturnCallAttempt, context: Operator) -> Response:
    """Log an attempt to call somebody back."""
    request = await context.write_request()
    done = body.outcome in ("connected", "given_up")
    values: dict[str, Any] = {"outcome": body.outcome if body.note is None else f"{body.outcome}: {body.note}"[:40]}
    if done:
        values |= {
            "status": ReturnCall.DONE,
            "done_at": context.now,
            "done_by": (await load_login(context.services, context.actor) or context.actor.id)[:60],
        }
    if body.number is not None:
        values["number"] = (await load_visible_ticket(context.services, body.number, context.actor)).ticket.number
    row = await call_store.load_return_call(context.services.db, scope_of(context.actor), call)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such call"))

    def log_try(c: sa.Connection) -> Reply:
        tries = call_store.record_return_attempt(c, call, values)
        if tries is None:
            raise Refused(Refusal(Code.NOT_NOW, "it is done already"))
        return Reply(200, dump_json(return_call_reply(row._replace(**values, tries=tries))))

    return action_reply(await write_once(context.services, request.key, log_try, request.now))


@figures_router.get(
    "/acd", operation_id="read_acd_figures", response_model=CallCentreFigures, responses=refusal_responses()
)
async def read_acd_figures(
    context: Annotated[TicketContext, require_roles("figures.read", Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)],
    start: Annotated[Moment | None, Query(alias="from")] = None,
    end: Annotated[Moment | None, Query(alias="to")] = None,
    queue: Annotated[PlainLine | None, Query(max_length=60)] = None,
    threshold: Annotated[int, Query(ge=1, le=600, description="Seconds within which a call should be answered")] = 15,
    short: Annotated[int, Query(ge=0, le=60, description="An abandon before so many seconds is a short one")] = 5,
) -> Response:
    """The call centre's figures within a window (default: the last day): offered, answered, in time, abandoned, waiting
    and talking times. Every share comes with its formula, numerator and denominator; 15 s is the threshold of GB/T
    33358."""
    first, last = _window(context.now, start, end)
    return json_reply(await load_call_centre_figures(context.services, first, last, queue, threshold, short))


def _window(now: datetime, start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    latest = now + timedelta(minutes=1)  # an exchange's clock may be a little ahead
    last = end or (min(latest, start + timedelta(days=1)) if start else latest)
    first = start or last - timedelta(days=1)
    if first > last or last - first > timedelta(days=MAX_DAYS):
        rule = f"not later than `to`, and at most {MAX_DAYS} days before it"
        raise Refused(Refusal(Code.INVALID, "the window is not right", errors=(("from", rule),)))
    return first, last

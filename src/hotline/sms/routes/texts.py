"""Texts to residents: their state, the attempts to send them, and numbers that must get none."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.delivery import attempts
from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, NumberPath, require_roles
from hotline.organisation.model.actors import Role
from hotline.organisation.model.scopes import scope_of
from hotline.refusals import Code, Refusal, Refused
from hotline.sms import store as sms_store
from hotline.sms.model.status import TextStatus
from hotline.sms.schemas import (
    QueuedText,
    Stop,
    StopOut,
    StopPage,
    TextPage,
    TextWhole,
    text_detail_reply,
    text_reply,
    waiting_text_reply,
)
from hotline.sms.send_plan import resend
from hotline.sms.waiting_texts import load_waiting_texts
from hotline.text.phone_parsing import parse_phone
from hotline.tickets.act import load_visible_ticket
from hotline.tickets.dependencies import TicketContext
from hotline.web.field_types import PlainLine
from hotline.web.idempotency import Reply, write_once
from hotline.web.paging import Limit
from hotline.web.responses import POST_REFUSALS, READ_REFUSALS, action_reply, json_reply, refusal_responses
from hotline.web.schemas import dump_json

After = Annotated[PlainLine, Query(max_length=40, description="`next` of the page before")]
Desk = Annotated[TicketContext, require_roles("inbound.handle", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR)]
TextReader = Annotated[
    TicketContext, require_roles("texts.read", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR)
]
router = APIRouter(prefix="/v1", tags=["channels"], route_class=AuthenticatedRoute)


@router.get("/texts", operation_id="list_texts", response_model=TextPage, responses=refusal_responses())
async def list_texts(
    context: Annotated[TicketContext, require_roles("texts.read", Role.SUPERVISOR, Role.AUDITOR, Role.DISPATCHER)],
    status: TextStatus = TextStatus.TECHNICAL_FAILURE,
    after: After = "",
    limit: Limit = 50,
) -> Response:
    """Outgoing texts in a state, such as `undelivered` or `technical_failure`."""
    rows = await sms_store.load_texts(context.services.db, scope_of(context.actor), status, after, limit)
    return json_reply(
        TextPage(tuple(text_reply(r, context.actor) for r in rows), rows[-1].id if len(rows) == limit else None)
    )


@router.get(
    "/tickets/{number}/texts",
    operation_id="list_ticket_texts",
    response_model=TextPage,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_ticket_texts(number: NumberPath, context: TextReader) -> Response:
    """The texts about a ticket with their status: those that were sent, and behind them those that wait for the end of
    the quiet hours or because the number has had its share (`waits_for`, `waits_until`)."""
    services, actor = context.services, context.actor
    facts = await load_visible_ticket(services, number, actor)
    rows = await sms_store.load_ticket_texts(services.db, facts.ticket.number)
    waiting = await load_waiting_texts(services, facts, context.now)
    sent = tuple(text_reply(r, actor) for r in rows)
    return json_reply(TextPage(sent + tuple(waiting_text_reply(w, actor) for w in waiting), None))


@router.get(
    "/texts/{text}", operation_id="read_text", response_model=TextWhole, responses=refusal_responses(*READ_REFUSALS)
)
async def read_text(
    text: CodePath,
    context: Annotated[TicketContext, require_roles("texts.read", Role.SUPERVISOR, Role.AUDITOR, Role.DISPATCHER)],
) -> Response:
    """One text with its delivery log: every attempt, its gateway, duration and result."""
    row = await sms_store.load_text(context.services.db, scope_of(context.actor), text)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such text"))
    return json_reply(text_detail_reply(row, await attempts.load_attempts(context.services.db, text), context.actor))


@router.post(
    "/texts/{text}/resend",
    operation_id="resend_text",
    response_model=QueuedText,
    status_code=202,
    responses=refusal_responses(*POST_REFUSALS, Code.NOT_NOW),
)
async def resend_text(
    text: CodePath,
    context: Annotated[TicketContext, require_roles("texts.resend", Role.SUPERVISOR, Role.DISPATCHER, Role.ADMIN)],
) -> Response:
    """Send a text again that did not arrive: failed, undelivered, expired, rejected, or held back by the limit for its
    number."""
    known = await sms_store.load_text(context.services.db, scope_of(context.actor), text)
    if known is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such text"))

    def send(c: sa.Connection) -> Reply:
        if known.status not in sms_store.NOT_ARRIVED or not resend(c, text, context.now, include_sent=True):
            raise Refused(Refusal(Code.NOT_NOW, "it arrived, or is still on its way"))
        return Reply(202, dump_json(QueuedText(text)))

    request = await context.write_request()
    return action_reply(await write_once(context.services, request.key, send, request.now))


@router.get("/stop-list", operation_id="list_stopped", response_model=StopPage, responses=refusal_responses())
async def list_stopped(context: Desk, after: After = "", limit: Limit = 50) -> Response:
    """Numbers that get no texts, except in emergencies. For staff who see every area."""
    rows = (
        []
        if scope_of(context.actor).areas is not None
        else await sms_store.load_stop_list(context.services.db, after, limit)
    )
    return json_reply(
        StopPage(tuple(StopOut(**r._asdict()) for r in rows), rows[-1].phone if len(rows) == limit else None)
    )


@router.post("/stop-list", operation_id="stop_texts", status_code=204, responses=refusal_responses(*POST_REFUSALS))
async def stop_texts(body: Stop, context: Desk) -> Response:
    """Add a number to the stop list, at its owner's request."""
    phone = _phone(context, body.phone)

    def stop(c: sa.Connection) -> Reply:
        sms_store.add_to_stop_list(c, phone, context.now, context.actor.id)
        return Reply(204)

    request = await context.write_request()
    return action_reply(await write_once(context.services, request.key, stop, request.now))


@router.post(
    "/stop-list/remove", operation_id="unstop_texts", status_code=204, responses=refusal_responses(*POST_REFUSALS)
)
async def unstop_texts(body: Stop, context: Desk) -> Response:
    """Remove a number from the stop list."""
    phone = _phone(context, body.phone)

    def unstop(c: sa.Connection) -> Reply:
        sms_store.remove_from_stop_list(c, phone)
        return Reply(204)

    request = await context.write_request()
    return action_reply(await write_once(context.services, request.key, unstop, request.now))


def _phone(context: TicketContext, raw: str) -> str:
    found = parse_phone(raw, context.services.region, context.services.area_code)
    if not found.caller or found.phone is None:
        raise Refused(Refusal(Code.INVALID, "no caller has this number", errors=(("phone", "not a caller's number"),)))
    return found.phone

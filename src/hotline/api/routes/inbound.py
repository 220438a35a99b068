"""What came in and waits for somebody; what went out, and what became of it."""

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from hotline.api.deps import Asking, AuthenticatedRoute, CodePath, NumberPath, may
from hotline.api.paging import Limit
from hotline.api.schemas.shown import dumped
from hotline.api.schemas.words import CodeWord, Line, Narrative, NumberWord, Plain, Shown, Strict
from hotline.db import inbound, texts
from hotline.db.question import Row
from hotline.domain.privacy import phone_shown, scope_of
from hotline.domain.vocabulary import InboundStatus, Role, TextStatus
from hotline.refusals import Code, Refusal, Refused
from hotline.services.act import seen
from hotline.services.idempotency import Reply, write_once
from hotline.services.looking_after import dismiss, take_up
from hotline.services.phones import heard
from hotline.services.texts import send_again

from .answers import POST, READ, done_reply, refusals, reply

router = APIRouter(prefix="/v1", tags=["channels"], route_class=AuthenticatedRoute)
Desk = Annotated[Asking, may("inbound.handle", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR)]
Sees = Annotated[Asking, may("texts.read", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR)]
After = Annotated[Plain, Query(max_length=40, description="`next` of the page before")]


class InboundOut(Shown):
    id: str
    gateway: str
    kind: str
    status: InboundStatus
    text: str


class InboundPage(Shown):
    items: list[InboundOut]
    next: str | None


class TextOut(Shown):
    id: str
    status: TextStatus
    body: str
    parts: int


class TextPage(Shown):
    items: list[TextOut]
    next: str | None


class TryOut(Shown):
    n: int
    way: str
    ms: int
    good: bool
    said: str


class TextWhole(TextOut):
    tries: list[TryOut]


class TakeUp(Strict):
    """As a new ticket, or onto an open one. `narrative` where the item itself says nothing that can be read."""

    narrative: Narrative | None = None
    attach_to: NumberWord | None = None
    category: CodeWord | None = None
    area: CodeWord | None = None
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"attach_to": "100000006"}]}}


class Dismissal(Strict):
    reason: Line
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"reason": "advertising"}]}}


class Stop(Strict):
    phone: Annotated[Plain, Field(min_length=1, max_length=40)]
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"phone": "13800138000"}]}}


class StopPage(Shown):
    items: list[dict[str, Any]]
    next: str | None


def _inbound(row: Row) -> dict[str, Any]:
    return {
        "id": row.id, "gateway": row.gateway, "kind": row.kind, "status": row.status, "effect": row.effect,
        "sender": None if row.confidential else row.sender, "receiver": row.receiver, "text": row.text,
        "number": row.number, "why": row.why,
        "urgent": row.urgent, "sent_at": row.sent_at, "received_at": row.received_at,
        "details": {} if row.confidential else row.details,
        "handled_by": row.handled_by,
    }  # fmt: skip


@router.get("/inbound", operation_id="list_inbound", response_model=InboundPage, responses=refusals())
async def list_inbound(
    ask: Desk, status: InboundStatus = InboundStatus.ODD, after: After = "", limit: Limit = 50
) -> Response:
    """What was pushed to us and stands in a state; `odd` waits for somebody to look at it. Oldest first."""
    rows = await inbound.listed(ask.house.db, scope_of(ask.actor), status, after, limit)
    return reply({"items": [_inbound(r) for r in rows], "next": rows[-1].id if len(rows) == limit else None})


@router.get("/inbound/{item}", operation_id="read_inbound", response_model=InboundOut, responses=refusals(*READ))
async def read_inbound(item: CodePath, ask: Desk) -> Response:
    """One of them, with all that came (`raw`); of a confidential matter neither that nor its sender."""
    row = await inbound.an_item(ask.house.db, scope_of(ask.actor), item)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such item"))
    return reply({**_inbound(row), "raw": "" if row.confidential else row.raw})


@router.post(
    "/inbound/{item}/take",
    operation_id="take_up_inbound",
    response_model=InboundOut,
    status_code=201,
    responses=refusals(*POST, Code.NOT_NOW),
)
async def take_up_inbound(item: CodePath, body: TakeUp, ask: Desk) -> Response:
    """Take an odd one in after all: as a new ticket, or onto an open one. Its sender is the caller where it has one."""
    asked = await ask.asked_whole()
    wanted = (body.narrative, body.attach_to, body.category, body.area)
    return done_reply(await take_up(ask.house, item, *wanted, ask.actor, asked, lambda r: dumped(_inbound(r)), ask.now))


@router.post(
    "/inbound/{item}/dismiss",
    operation_id="dismiss_inbound",
    response_model=InboundOut,
    responses=refusals(*POST, Code.NOT_NOW),
)
async def dismiss_inbound(item: CodePath, body: Dismissal, ask: Desk) -> Response:
    """There is nothing to do about it. The reason is kept."""
    asked = await ask.asked_whole()
    return done_reply(
        await dismiss(ask.house, item, body.reason, ask.actor, asked, lambda r: dumped(_inbound(r)), ask.now)
    )


def _text(row: Row, ask: Asking) -> dict[str, Any]:
    return {
        "id": row.id, "number": row.number,
        "to": phone_shown(row.receiver, ask.actor, confidential=bool(row.confidential)),
        "template": row.template, "language": row.language, "body": row.body, "parts": row.parts, "status": row.status,
        "status_at": row.status_at, "created_at": row.created_at, "sent_at": row.sent_at, "gateway": row.gateway,
        "attempts": row.attempts, "error": row.error,
    }  # fmt: skip


@router.get("/texts", operation_id="list_texts", response_model=TextPage, responses=refusals())
async def list_texts(
    ask: Annotated[Asking, may("texts.read", Role.SUPERVISOR, Role.AUDITOR, Role.DISPATCHER)],
    status: TextStatus = TextStatus.TECHNICAL_FAILURE,
    after: After = "",
    limit: Limit = 50,
) -> Response:
    """Texts of ours that stand in a state, such as `undelivered` or `technical_failure`."""
    rows = await texts.listed(ask.house.db, scope_of(ask.actor), status, after, limit)
    return reply({"items": [_text(r, ask) for r in rows], "next": rows[-1].id if len(rows) == limit else None})


@router.get(
    "/tickets/{number}/texts", operation_id="list_ticket_texts", response_model=TextPage, responses=refusals(*READ)
)
async def list_ticket_texts(number: NumberPath, ask: Sees) -> Response:
    """The texts sent about a ticket, and what became of each."""
    facts = await seen(ask.house, number, ask.actor)
    rows = await texts.of_ticket(ask.house.db, facts.ticket.number)
    return reply({"items": [_text(r, ask) for r in rows], "next": None})


@router.get("/texts/{text}", operation_id="read_text", response_model=TextWhole, responses=refusals(*READ))
async def read_text(
    text: CodePath, ask: Annotated[Asking, may("texts.read", Role.SUPERVISOR, Role.AUDITOR, Role.DISPATCHER)]
) -> Response:
    """One text with its delivery log: every try, by which gateway, how long it took and what it came to."""
    row = await texts.a_text(ask.house.db, scope_of(ask.actor), text)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such text"))
    tries = await texts.tries(ask.house.db, text)
    log = [{"n": t.n, "way": t.way, "at": t.at, "ms": t.ms, "good": t.good, "said": t.said} for t in tries]
    return reply({**_text(row, ask), "tries": log})


@router.post(
    "/texts/{text}/resend", operation_id="resend_text", status_code=202, responses=refusals(*POST, Code.NOT_NOW)
)
async def resend_text(
    text: CodePath, ask: Annotated[Asking, may("texts.resend", Role.SUPERVISOR, Role.DISPATCHER, Role.ADMIN)]
) -> Response:
    """Send a text that did not arrive once more, with all its tries: failed, undelivered, expired, rejected, or held
    back because the number had had its share."""
    known = await texts.a_text(ask.house.db, scope_of(ask.actor), text)
    if known is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such text"))

    def send(c: sa.Connection) -> Reply:
        if known.status not in texts.NOT_ARRIVED or not send_again(c, text, ask.now, sent_too=True):
            raise Refused(Refusal(Code.NOT_NOW, "it arrived, or is still on its way"))
        return Reply(202, dumped({"queued": text}))

    return done_reply(await write_once(ask.house, await ask.asked_whole(), send, ask.now))


@router.get("/stop-list", operation_id="list_stopped", response_model=StopPage, responses=refusals())
async def list_stopped(ask: Desk, after: After = "", limit: Limit = 50) -> Response:
    """Numbers that get no texts from us, emergencies apart. For who sees every area."""
    rows = [] if scope_of(ask.actor).areas is not None else await texts.stopped(ask.house.db, after, limit)
    return reply({"items": [r._asdict() for r in rows], "next": rows[-1].phone if len(rows) == limit else None})


@router.post("/stop-list", operation_id="stop_texts", status_code=204, responses=refusals(*POST))
async def stop_texts(body: Stop, ask: Desk) -> Response:
    """Put a number on the stop list, because its owner asked us to."""
    phone = _phone(ask, body.phone)

    def stop(c: sa.Connection) -> Reply:
        texts.stop(c, phone, ask.now, ask.actor.id)
        return Reply(204)

    return done_reply(await write_once(ask.house, await ask.asked_whole(), stop, ask.now))


@router.post("/stop-list/remove", operation_id="unstop_texts", status_code=204, responses=refusals(*POST))
async def unstop_texts(body: Stop, ask: Desk) -> Response:
    """Take a number off the stop list."""
    phone = _phone(ask, body.phone)

    def unstop(c: sa.Connection) -> Reply:
        texts.unstop(c, phone)
        return Reply(204)

    return done_reply(await write_once(ask.house, await ask.asked_whole(), unstop, ask.now))


def _phone(ask: Asking, raw: str) -> str:
    found = heard(raw, ask.house.region, ask.house.area_code)
    if not found.caller or found.phone is None:
        raise Refused(Refusal(Code.INVALID, "no caller has this number", errors=(("phone", "not a caller's number"),)))
    return found.phone

"""Decisions about inbound items that wait for review: take them in, or dismiss them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from hotline.database.prepared import Row
from hotline.inbound import store as inbound_store
from hotline.inbound.model import Effect, InboundKind, InboundStatus
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.model.vocabulary import Channel
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.review import store as review_store
from hotline.tickets.context import Services
from hotline.tickets.intake import number_shown, take_call
from hotline.tickets.model.intake import IntakeRequest
from hotline.web.idempotency import ActionResult, Reply, RequestKey, load_earlier_answer, write_once

Show = Callable[[Row], str]  # renders the reply
OPEN_STATUSES = (InboundStatus.ODD,)
UNKNOWN_ITEM = Refusal(Code.NOT_FOUND, "no such item")
ALREADY_HANDLED = Refusal(Code.NOT_NOW, "it is handled already, or still being processed")


@dataclass(frozen=True, slots=True)
class Corrections:
    """What the person who takes an item in says instead of what it says; `attach_to`: the ticket it belongs to."""

    narrative: str | None = None
    attach_to: str | None = None
    category: str | None = None
    area: str | None = None


async def take_up(
    services: Services, item: str, corrections: Corrections, request: WriteRequest, render: Show
) -> ActionResult:
    """Take it in. Raises Refused."""
    if earlier := await load_earlier_answer(services, request.key):
        return earlier
    row = await _seen(services, item, request.actor)
    if row.status not in OPEN_STATUSES:
        raise Refused(ALREADY_HANDLED)
    words = (corrections.narrative or row.text).strip()[:10_000]
    if not words and corrections.attach_to is None:
        rule = "required: it says nothing that could be read"
        raise Refused(Refusal(Code.INCOMPLETE, "say what it is about", errors=(("narrative", rule),)))
    channel = Channel.SMS if row.kind in (InboundKind.TEXT, InboundKind.PART) else Channel.WEB
    phone = row.sender if row.details.get("caller") else None
    intake = IntakeRequest(
        channel, words or "…", phone=phone,
        attach_to=corrections.attach_to, category=corrections.category, area=corrections.area,
    )  # fmt: skip
    once = replace(request, key=RequestKey("inbound", f"in.{row.id}", "inbound"))  # the same key for every operator
    result = await take_call(services, intake, once, number_shown)
    number = result.number or result.answer.body
    effect = Effect.JOINED if corrections.attach_to else Effect.OPENED
    values = {"status": InboundStatus.DONE, "effect": effect, "number": number, "handled_by": request.actor.id}
    return await write_once(services, request.key, lambda c: _close_item(c, row, values, 201, render), request.now)


async def _seen(services: Services, item: str, actor: Actor) -> Row:
    """The item, if it is theirs to see. Raises Refused."""
    row = await review_store.load_item(services.db, scope_of(actor), item)
    if row is None:
        raise Refused(UNKNOWN_ITEM)
    return row


def _close_item(c: sa.Connection, row: Row, values: Mapping[str, Any], status: int, render: Show) -> Reply:
    if not inbound_store.update_item(c, row.id, values, OPEN_STATUSES):
        raise Refused(ALREADY_HANDLED)
    return Reply(status, render(row._replace(**values)))


async def dismiss(services: Services, item: str, reason: str, request: WriteRequest, render: Show) -> ActionResult:
    """Nothing to do. Raises Refused."""
    if earlier := await load_earlier_answer(services, request.key):
        return earlier
    row = await _seen(services, item, request.actor)
    values = {
        "status": InboundStatus.DISMISSED,
        "why": f"{row.why or ''}; dismissed: {reason}"[:500],
        "handled_by": request.actor.id,
    }
    return await write_once(services, request.key, lambda c: _close_item(c, row, values, 200, render), request.now)

"""What a person does with something odd that came in: takes it in after all, or says that there is nothing to do."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.prepared import Row
from hotline.inbound import store as inbound_store
from hotline.inbound.model import Effect, InboundKind, InboundStatus
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.vocabulary import Channel
from hotline.refusals import Code, Refusal, Refused
from hotline.review import store as review_store
from hotline.tickets.context import Services
from hotline.tickets.intake import IntakeRequest, take_call
from hotline.tickets.model.visibility import scope_of
from hotline.web.idempotency import ActionResult, Reply, RequestKey, earlier_answer, write_once

OPEN = (InboundStatus.ODD,)
UNKNOWN = Refusal(Code.NOT_FOUND, "no such item")
HANDLED = Refusal(Code.NOT_NOW, "somebody has seen to it already, or it is still being worked off")


async def take_up(
    services: Services,
    item: str,
    narrative: str | None,
    attach_to: str | None,
    category: str | None,
    area: str | None,
    actor: Actor,
    asked: RequestKey,
    show: Callable[[Row], str],
    now: datetime,
) -> ActionResult:
    """Take it in. Raises Refused."""
    if earlier := await earlier_answer(services, asked):
        return earlier
    row = await review_store.an_item(services.db, scope_of(actor), item)
    if row is None:
        raise Refused(UNKNOWN)
    if row.status not in OPEN:
        raise Refused(HANDLED)
    words = (narrative or row.text).strip()[:10_000]
    if not words and attach_to is None:
        rule = "required: it says nothing that could be read"
        raise Refused(Refusal(Code.INCOMPLETE, "say what it is about", errors=(("narrative", rule),)))
    channel = Channel.SMS if row.kind in (InboundKind.TEXT, InboundKind.PART) else Channel.WEB
    phone = row.sender if row.details.get("caller") else None
    taken = IntakeRequest(channel, words or "…", phone=phone, attach_to=attach_to, category=category, area=area)
    key = RequestKey("inbound", f"in.{row.id}", "inbound")  # once, whoever else takes it up
    done = await take_call(services, taken, actor, key, _numbered, now)
    number = done.number or done.answer.body
    effect = Effect.JOINED if attach_to else Effect.OPENED
    values = {"status": InboundStatus.DONE, "effect": effect, "number": number, "handled_by": actor.id}
    return await write_once(services, asked, lambda c: _settled(c, row, values, 201, show), now)


def _settled(c: sa.Connection, row: Row, values: Mapping[str, Any], status: int, show: Callable[[Row], str]) -> Reply:
    if not inbound_store.settle(c, row.id, values, OPEN):
        raise Refused(HANDLED)
    return Reply(status, show(row._replace(**values)))


async def dismiss(
    services: Services,
    item: str,
    reason: str,
    actor: Actor,
    asked: RequestKey,
    show: Callable[[Row], str],
    now: datetime,
) -> ActionResult:
    """Nothing to do. Raises Refused."""
    if earlier := await earlier_answer(services, asked):
        return earlier
    row = await review_store.an_item(services.db, scope_of(actor), item)
    if row is None:
        raise Refused(UNKNOWN)
    values = {
        "status": InboundStatus.DISMISSED,
        "why": f"{row.why or ''}; dismissed: {reason}"[:500],
        "handled_by": actor.id,
    }
    return await write_once(services, asked, lambda c: _settled(c, row, values, 200, show), now)


def _numbered(facts: Any, *_: Any) -> str:
    return str(facts.ticket.number)

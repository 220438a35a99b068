"""Processes pushed items: claim, run the handler of the kind, mark. An item that no handler can process goes to an
operator; one that fails is tried again without delaying the others."""

import asyncio
from contextlib import nullcontext
from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa
import structlog

from hotline.database.leases import database_time
from hotline.database.offload import MAX_INLINE_SIZE
from hotline.delivery import store as outbox_store
from hotline.delivery.model import Message
from hotline.inbound import store as inbound_store
from hotline.inbound.context import InboundServices
from hotline.inbound.handlers import ClaimedItem, InboundHandlers
from hotline.inbound.model import InboundStatus
from hotline.inbound.outcome import LATER, InboundOutcome, needs_review
from hotline.locales import bilingual
from hotline.refusals import Refused
from hotline.text.numbering import TicketNumber

AT_ONCE = 32
CONCURRENCY = 8  # items at a time: more would only wait for each other and delay the storing of webhooks
PUSH_YIELD_SECONDS = 0.1  # how long an item waits for webhooks that are not acknowledged yet
MOST_TRIES = 30
BACK_OFF = (1, 5, 15, 60, 300)  # seconds
log = structlog.get_logger("hotline.inbound")


async def process_due(services: InboundServices, now: datetime, limit: int = AT_ONCE) -> int:
    """Process the items that are due, a few at once. Returns how many were claimed."""
    token = uuid4().hex
    claimed = await services.db.transact(lambda c: inbound_store.claim(c, now, token, limit))
    if not claimed:
        return 0
    gateways = await services.gateways.now(now)
    left = iter(sorted(claimed, key=lambda r: (not r.urgent, r.next_at, r.id)))
    long_ones = asyncio.Lock()

    async def work() -> None:
        for row in left:
            if not row.urgent:
                await services.inbox.wait_until_idle(PUSH_YIELD_SECONDS)
            # eight long texts in one commit would hold up a call for as long as all of them take
            async with long_ones if len(row.text) > MAX_INLINE_SIZE else nullcontext():
                await _process_item(services, ClaimedItem(row, gateways.get(row.gateway), token, now))

    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    return len(claimed)


async def _process_item(services: InboundServices, item: ClaimedItem) -> None:
    row = item.row
    try:
        try:
            handler = services.part(InboundHandlers).by_kind[row.kind]
            outcome = await handler.process(services, item)
        except Refused as refused:
            if refused.refusal.code in LATER:
                raise
            outcome = needs_review(f"refused: {refused.refusal.detail}")  # another try would be refused again
        if outcome is not None:
            done = outcome
            await services.batcher.write(lambda c: finish(c, item, done))
    except Refused as refused:  # the database is unavailable or busy: tried again later
        await _retry_later(services, item, refused.refusal.detail)
    except Exception as fault:
        log.error("inbound.fault", id=row.id, kind=row.kind, fault=type(fault).__name__, exc_info=fault)
        await _retry_later(services, item, f"{type(fault).__name__}")


async def _retry_later(services: InboundServices, item: ClaimedItem, why: str) -> None:
    row = item.row
    if row.attempts >= MOST_TRIES:
        outcome = needs_review(f"tried {row.attempts} times: {why}")
        await services.batcher.write(lambda c: finish(c, item, outcome))
        return
    wait = timedelta(seconds=BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1])
    try:
        await services.batcher.write(
            lambda c: inbound_store.reschedule(c, row.id, item.token, database_time(c) + wait, why)
        )
    except Refused:
        log.warning("inbound.not_released", id=row.id)  # its lease runs out


def finish(c: sa.Connection, item: ClaimedItem, outcome: InboundOutcome) -> None:
    """Write the outcome of an item, with all that belongs to it. Does nothing where another worker holds it now."""
    values = {
        "status": outcome.status, "effect": outcome.effect, "number": outcome.number,
        "why": outcome.why[:500] if outcome.why else None, **outcome.set,
    }  # fmt: skip
    if not inbound_store.finish(c, item.row.id, item.token, values):
        return  # another worker holds it: it writes the same
    for write in outcome.writes:
        write(c)
    messages = [*outcome.messages]
    if outcome.status is InboundStatus.ODD:
        payload = bilingual("alarm.odd")
        messages.append(
            Message(f"odd.{item.now:%Y%m%d%H}", "alarm", TicketNumber(""), "role:operator", payload, item.now)
        )
    if messages:
        outbox_store.add_messages(c, messages)

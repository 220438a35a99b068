"""Working off what was pushed to us: claim, do through the one door, mark. A text nobody can do anything with goes to
an operator; one that fails is tried again, and holds up nobody else's."""

import asyncio
from contextlib import nullcontext
from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa
import structlog

from hotline.database.identifiers import reference
from hotline.database.leases import database_time
from hotline.database.offload import AT_ONCE as OFFLOADED
from hotline.database.prepared import Row
from hotline.delivery import store as outbox_store
from hotline.delivery.gateways import Gateway
from hotline.delivery.model import Message
from hotline.inbound import store as inbound_store
from hotline.inbound.model import Effect, InboundKind, InboundStatus
from hotline.inbound.outcome import InboundOutcome, odd
from hotline.locales import bilingual
from hotline.open311.service import work_off_request, work_off_update
from hotline.refusals import Refused
from hotline.sms.incoming import work_off
from hotline.sms.outgoing import PARKED, apply_report
from hotline.sms.receiving import FLUSH, FLUSH_URGENT
from hotline.text.numbering import Number
from hotline.tickets.context import Services
from hotline.tickets.spool_intake import LATER
from hotline.triage.model import Lexicon, advise, lexicon_of

AT_ONCE = 32
HANDS = 8  # of them worked off together: more would only wait for each other, and keep pushes waiting
POLITE = 0.1  # seconds a text steps aside for pushes that wait to be acknowledged
MOST_TRIES = 30
BACK_OFF = (1, 5, 15, 60, 300)  # seconds
log = structlog.get_logger("hotline.inbound")


async def take_next(services: Services, now: datetime, limit: int = AT_ONCE) -> int:
    """Work off what is due, a few at once; how many were claimed."""
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
                await services.inbox.calm(POLITE)
            # eight long texts in one commit would hold up a call for as long as all of them take
            async with long_ones if len(row.text) > OFFLOADED else nullcontext():
                await _work_off(services, row, gateways.get(row.gateway), token, now)

    await asyncio.gather(*(work() for _ in range(HANDS)))
    return len(claimed)


async def _work_off(services: Services, row: Row, gateway: Gateway | None, token: str, now: datetime) -> None:
    try:
        if row.kind == InboundKind.PART:
            lexicon = services.directory.made_of(lexicon_of)
            await services.batcher.write(lambda c: _join_parts(c, row, token, lexicon, now))
            return
        if row.kind == InboundKind.REPORT:
            await services.batcher.write(lambda c: _report(c, row, token, now))
            return
        try:
            worked = await (_KINDS[InboundKind(row.kind)])(services, row, gateway, now)
        except Refused as refused:
            if refused.refusal.code in LATER:
                raise
            worked = odd(f"refused: {refused.refusal.detail}")  # another try would be told the same
        await services.batcher.write(lambda c: _finish(c, row, token, worked, now))
    except Refused as refused:  # away, or too busy: as if it had never been tried
        await _again(services, row, token, now, refused.refusal.detail)
    except Exception as fault:
        log.error("inbound.fault", id=row.id, kind=row.kind, fault=type(fault).__name__, exc_info=fault)
        await _again(services, row, token, now, f"{type(fault).__name__}")


async def _again(services: Services, row: Row, token: str, now: datetime, why: str) -> None:
    if row.attempts >= MOST_TRIES:
        worked = odd(f"tried {row.attempts} times: {why}")
        await services.batcher.write(lambda c: _finish(c, row, token, worked, now))
        return
    wait = timedelta(seconds=BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1])
    try:
        await services.batcher.write(lambda c: inbound_store.put_back(c, row.id, token, database_time(c) + wait, why))
    except Refused:
        log.warning("inbound.not_released", id=row.id)  # its lease ends by itself


def _finish(c: sa.Connection, row: Row, token: str, worked: InboundOutcome, now: datetime) -> None:
    values = {
        "status": worked.status, "effect": worked.effect, "number": worked.number,
        "why": worked.why[:500] if worked.why else None, **worked.set,
    }  # fmt: skip
    if not inbound_store.finish(c, row.id, token, values):
        return  # another worker holds it: it writes the same
    for write in worked.also:
        write(c)
    messages = [*worked.messages]
    if worked.status is InboundStatus.ODD:
        said = bilingual("alarm.odd")
        messages.append(Message(f"odd.{now:%Y%m%d%H}", "alarm", Number(""), "role:operator", said, now))
    if messages:
        outbox_store.add_once(c, messages)


def _report(c: sa.Connection, row: Row, token: str, now: datetime) -> None:
    known, alarm = apply_report(c, row, now)
    if known:
        done = InboundOutcome(InboundStatus.DONE, Effect.REPORTED, messages=[alarm] if alarm else [])
        _finish(c, row, token, done, now)
    elif now - row.received_at < PARKED:  # it may have come before the answer to our own request
        wait = timedelta(seconds=5) if now - row.received_at < timedelta(minutes=5) else timedelta(minutes=10)
        inbound_store.put_back(c, row.id, token, database_time(c) + wait, "no text of ours has this id yet")
    else:
        _finish(c, row, token, odd("a report on a text that is not ours"), now)


def _join_parts(c: sa.Connection, row: Row, token: str, lexicon: Lexicon, now: datetime) -> None:
    """Parts into one text: when all are there; when the time is up, with what came; a late one follows by itself."""
    group = [p for p in inbound_store.parts_of(c, row.partition) if p.status != InboundStatus.DISMISSED]
    waiting = {p.details["part"]: p for p in group if p.status in (InboundStatus.KEPT, InboundStatus.LEASED)}
    if not waiting:
        return  # another worker has just joined them
    done = [p for p in group if p.status == InboundStatus.DONE]
    late = [p for p in done if now - p.received_at < timedelta(hours=2)]
    wanted = row.details["parts"]
    first = min(p.received_at for p in waiting.values())
    flush = first + (FLUSH_URGENT if any(p.urgent for p in waiting.values()) else FLUSH)
    complete = set(range(1, wanted + 1)) <= set(waiting)
    if not complete and not late and now < flush:
        inbound_store.put_back(c, row.id, token, min(flush, row.received_at + FLUSH), "waiting for its other parts")
        return
    text = "".join(waiting[n].text for n in sorted(waiting))
    details = {k: v for k, v in row.details.items() if k not in ("ref", "part", "parts")}
    details["joined"] = [waiting[n].id for n in sorted(waiting)]
    if not complete:
        details |= {"incomplete": True, "missing": [n for n in range(1, wanted + 1) if n not in waiting]}
    if late:
        details["continues"] = late[0].why
    whole = {
        "id": reference(now), "gateway": row.gateway, "kind": InboundKind.TEXT, "key": f"joined {details['joined'][0]}",
        "sender": row.sender, "receiver": row.receiver, "text": text, "raw": "", "details": details,
        "sent_at": row.sent_at, "received_at": first,
        "urgent": any(p.urgent for p in waiting.values()) or bool(advise(lexicon, text[:10_000]).dangers),
        "partition": f"sms|{row.sender}"[:100], "status": InboundStatus.KEPT, "effect": None, "number": None,
        "why": None, "attempts": 0, "next_at": now, "lease_until": None, "lease_token": None, "handled_by": None,
    }  # fmt: skip
    inbound_store.keep(c, [whole])
    merged = {"status": InboundStatus.DONE, "effect": Effect.MERGED, "lease_token": None, "lease_until": None}
    kept = inbound_store.kept_as(c, row.gateway, InboundKind.TEXT, whole["key"])
    for part in waiting.values():
        inbound_store.settle(c, part.id, {**merged, "why": kept})


_KINDS = {
    InboundKind.TEXT: work_off,
    InboundKind.UPDATE: work_off_update,
    InboundKind.REQUEST: work_off_request,
}

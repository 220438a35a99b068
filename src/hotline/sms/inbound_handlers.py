"""Processes what an SMS gateway pushed: texts, the parts of long ones, and reports on texts of ours."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from hotline.database.leases import database_time
from hotline.inbound import store as inbound_store
from hotline.inbound.handlers import ClaimedItem, InboundHandler
from hotline.inbound.model import Effect, InboundKind, InboundStatus
from hotline.inbound.outcome import InboundOutcome, needs_review
from hotline.inbound.processing import finish
from hotline.inbound.rows import blank_row
from hotline.sms.model.retries import PARTS_TIMEOUT, REPORT_WAIT, URGENT_PARTS_TIMEOUT
from hotline.sms.send_plan import apply_report
from hotline.sms.text_intake import process_text
from hotline.tickets.context import Services
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import Lexicon, build_lexicon


async def _text(services: Services, item: ClaimedItem) -> InboundOutcome:
    return await process_text(services, item.row, item.gateway, item.now)


async def _part(services: Services, item: ClaimedItem) -> None:
    lexicon = services.directory.derived(build_lexicon)
    await services.batcher.write(lambda c: _join_parts(c, item, lexicon))


async def _report(services: Services, item: ClaimedItem) -> None:
    await services.batcher.write(lambda c: _note_report(c, item))


def _note_report(c: sa.Connection, item: ClaimedItem) -> None:
    row, now = item.row, item.now
    known, alarm = apply_report(c, row, now)
    if known:
        finish(c, item, InboundOutcome(InboundStatus.DONE, Effect.REPORTED, messages=[alarm] if alarm else []))
    elif now - row.received_at < REPORT_WAIT:  # it may have come before the answer to our own request
        wait = timedelta(seconds=5) if now - row.received_at < timedelta(minutes=5) else timedelta(minutes=10)
        inbound_store.reschedule(c, row.id, item.token, database_time(c) + wait, "no text of ours has this id yet")
    else:
        finish(c, item, needs_review("a report on a text that is not ours"))


def _join_parts(c: sa.Connection, item: ClaimedItem, lexicon: Lexicon) -> None:
    """Parts into one text: when all are there; when the time is up, with what came; a late one follows by itself."""
    row, now = item.row, item.now
    group = [p for p in inbound_store.load_parts(c, row.partition) if p.status != InboundStatus.DISMISSED]
    waiting = {p.details["part"]: p for p in group if p.status in (InboundStatus.KEPT, InboundStatus.LEASED)}
    if not waiting:
        return  # another worker has just joined them
    done = [p for p in group if p.status == InboundStatus.DONE]
    late = [p for p in done if now - p.received_at < timedelta(hours=2)]
    wanted = row.details["parts"]
    first = min(p.received_at for p in waiting.values())
    flush = first + (URGENT_PARTS_TIMEOUT if any(p.urgent for p in waiting.values()) else PARTS_TIMEOUT)
    complete = set(range(1, wanted + 1)) <= set(waiting)
    if not complete and not late and now < flush:
        until = min(flush, row.received_at + PARTS_TIMEOUT)
        inbound_store.reschedule(c, row.id, item.token, until, "waiting for its other parts")
        return
    text = "".join(waiting[n].text for n in sorted(waiting))
    details = {k: v for k, v in row.details.items() if k not in ("ref", "part", "parts")}
    details["joined"] = [waiting[n].id for n in sorted(waiting)]
    if not complete:
        details |= {"incomplete": True, "missing": [n for n in range(1, wanted + 1) if n not in waiting]}
    if late:
        details["continues"] = late[0].why
    joined = {
        **blank_row(row.gateway, now), "kind": InboundKind.TEXT, "key": f"joined {details['joined'][0]}",
        "sender": row.sender, "receiver": row.receiver, "text": text, "details": details, "sent_at": row.sent_at,
        "received_at": first, "partition": f"sms|{row.sender}"[:100],
        "urgent": any(p.urgent for p in waiting.values()) or bool(advise(lexicon, text[:10_000]).dangers),
    }  # fmt: skip
    inbound_store.insert_items(c, [joined])
    merged = {"status": InboundStatus.DONE, "effect": Effect.MERGED, "lease_token": None, "lease_until": None}
    joined_id = inbound_store.load_item_id(c, row.gateway, InboundKind.TEXT, joined["key"])
    for part in waiting.values():
        inbound_store.update_item(c, part.id, {**merged, "why": joined_id})


HANDLERS: Sequence[InboundHandler[Services]] = (
    InboundHandler(InboundKind.TEXT, _text),
    InboundHandler(InboundKind.PART, _part),
    InboundHandler(InboundKind.REPORT, _report),
)

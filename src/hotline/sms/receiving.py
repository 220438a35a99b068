"""Taking in what providers push: authenticate, keep, acknowledge. What it means is worked off afterwards, from the
table; so a push is answered as fast as it can be kept, and a repeat finds its first copy there."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from hotline.database.deadlines import detached, within
from hotline.delivery import gateway_store
from hotline.delivery.context import DeliveryServices
from hotline.delivery.gateways import Gateway
from hotline.delivery.model import GatewayKind
from hotline.delivery.payloads import kept_raw, key_of
from hotline.inbound.model import InboundKind, InboundStatus
from hotline.inbound.push import Acknowledgement, Malformed, Odd, Push, Unauthentic
from hotline.inbound.rows import LONGEST, NOT_THEIRS, odd_columns, rows_of
from hotline.refusals import Code, Refusal, Refused
from hotline.sms.contract import DeliveryReport, NeedsCertificate, Text, sms_provider
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import ParsedPhone
from hotline.tickets.context import Services
from hotline.triage.model import Lexicon, advise

FETCHING = Refusal(Code.UNAVAILABLE, "the certificate is being fetched; nothing was kept, send it again")
FLUSH, FLUSH_URGENT = timedelta(seconds=60), timedelta(seconds=5)  # how long the parts of a text are waited for
NOT_TRUE = timedelta(minutes=10)  # a time further ahead than this was not read from a clock
log = structlog.get_logger("hotline.hooks")


async def receive(services: Services, name: str, push: Push, *, reports: bool) -> Acknowledgement:
    """Keep a push and say what its provider takes for success. Raises Refused: no such gateway, not authentic, or
    nothing could be kept."""
    gateway = await services.gateways.named(name, GatewayKind.SMS, push.at)
    provider = sms_provider(gateway.provider)
    adapter = provider.adapter(gateway.account)
    if push.method == "GET" and not provider.reads_get:
        raise Refused(Refusal(Code.METHOD_NOT_ALLOWED, "this gateway posts"))
    size = len(push.body) + len(push.query)
    try:
        await services.offload.run(size, adapter.authenticate, push)
    except NeedsCertificate as needs:
        async with within(services.deadlines.write, writes=True):
            await detached(_want_certificate(services, gateway, needs.url))
        raise Refused(FETCHING) from None
    except (Unauthentic, ValueError) as wrong:
        log.warning(
            "hook.refused", gateway=name, why=str(wrong) if isinstance(wrong, Unauthentic) else "not to be read"
        )
        raise Refused(NOT_THEIRS) from None
    items: Sequence[Text | DeliveryReport | Odd]
    try:
        items = await services.offload.run(size, adapter.reports if reports else adapter.texts, push)
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        why = str(fault) if isinstance(fault, Malformed) else "the body cannot be read"
        items = [Odd(why, kept_raw(push.body))]
    rows = await rows_of(services, gateway, items, push.at, columns_of)
    if rows:
        await services.inbox.keep(rows)
    odd = sum(1 for row in rows if row["status"] == InboundStatus.ODD)
    return adapter.acknowledge(len(rows) - odd, odd)


async def _want_certificate(services: Services, gateway: Gateway, url: str) -> None:
    """Note which certificate the worker should fetch; the newest wish is kept."""
    if gateway.account.settings.get("wanted_certificate") != url:
        settings = {**gateway.account.settings, "wanted_certificate": url}
        await services.db.transact(
            lambda c: gateway_store.change(c, gateway.name, {"settings": settings}, gateway.version)
        )
        services.gateways.forget()


def columns_of(
    services: DeliveryServices, gateway: Gateway, item: Text | DeliveryReport | Odd, lexicon: Lexicon, now: datetime
) -> dict[str, Any]:
    """The columns of an item's row, those apart that every row begins with."""
    if isinstance(item, Odd):
        return odd_columns(services, gateway, item, lexicon, now)
    if isinstance(item, DeliveryReport):
        about = item.reference or item.provider_id or item.key
        details = {
            "provider_id": item.provider_id, "reference": item.reference, "status": item.status, "word": item.word[:80],
            "at": item.at.isoformat() if item.at else None,
            **({"said_at": item.unread} if item.unread is not None else {}),
        }  # fmt: skip
        partition = key_of("report", gateway.name, about)[:100]
        return {"kind": InboundKind.REPORT, "key": item.key, "partition": partition, "details": details}
    return _text_columns(services, gateway, item, lexicon, now)


def _text_columns(
    services: DeliveryServices, gateway: Gateway, item: Text, lexicon: Lexicon, now: datetime
) -> dict[str, Any]:
    who = sender_of(services, item.sender)
    details: dict[str, Any] = {**item.details, "raw_sender": item.sender[:60], "caller": who.caller}
    sent = item.sent_at
    if sent is not None and sent > now + NOT_TRUE:
        details["said_sent_at"], sent = sent.isoformat(), None
    sender = (who.phone or item.sender)[:60]
    urgent = bool(advise(lexicon, item.text[:LONGEST]).dangers)
    row: dict[str, Any] = {
        "key": item.key, "sender": sender, "receiver": item.receiver[:60], "text": item.text, "details": details,
        "sent_at": sent, "urgent": urgent, "kind": InboundKind.TEXT, "partition": key_of("sms", sender)[:100],
    }  # fmt: skip
    if item.part is not None:
        details |= {"ref": item.reference, "part": item.part, "parts": item.parts}
        row |= {
            "kind": InboundKind.PART,
            "partition": key_of("part", gateway.name, sender, item.reference)[:100],
        }
    return row


def sender_of(services: DeliveryServices, raw: str) -> ParsedPhone:
    """Who a text is from; a sender that is no possible number is kept as it came, and is nobody's card."""
    return parse_phone(raw, services.region, services.area_code)

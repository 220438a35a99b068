"""Receives the incoming webhooks of providers: authenticate, store, acknowledge. Processing follows from the table, so
a webhook is acknowledged as fast as it can be stored, and a repeat finds its first copy there."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from hotline.database.deadlines import database_deadline, run_detached
from hotline.delivery import gateway_store
from hotline.delivery.context import DeliveryServices
from hotline.delivery.gateways import Gateway
from hotline.delivery.model import GatewayKind
from hotline.delivery.payloads import item_key, raw_text
from hotline.inbound.model import InboundKind, InboundStatus
from hotline.inbound.rows import NOT_AUTHENTIC, SCAN_LENGTH, inbound_rows, unreadable_columns
from hotline.inbound.webhook_request import (
    Acknowledgement,
    AuthenticationFailed,
    MalformedBody,
    UnreadableItem,
    WebhookRequest,
)
from hotline.refusals import Code, Refusal, Refused
from hotline.sms.contract import DeliveryReport, NeedsCertificate, ReceivedText, sms_provider
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import ParsedPhone
from hotline.tickets.context import Services
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import Lexicon

CERTIFICATE_PENDING = Refusal(Code.UNAVAILABLE, "the certificate is being fetched; nothing was kept, send it again")
MAX_TIME_AHEAD = timedelta(minutes=10)  # a time further ahead than this was not read from a clock
log = structlog.get_logger("hotline.hooks")


async def receive_webhook(
    services: Services, name: str, request: WebhookRequest, *, is_report: bool
) -> Acknowledgement:
    """Keep a webhook and say what its provider takes for success. Raises Refused: no such gateway, not authentic, or
    nothing could be kept."""
    gateway = await services.gateways.named(name, GatewayKind.SMS, request.at)
    provider = sms_provider(gateway.provider)
    adapter = provider.adapter(gateway.account)
    if request.method == "GET" and not provider.reads_get:
        raise Refused(Refusal(Code.METHOD_NOT_ALLOWED, "this gateway posts"))
    size = len(request.body) + len(request.query)
    try:
        await services.offload.run(size, adapter.authenticate, request)
    except NeedsCertificate as needs:
        async with database_deadline(services.deadlines.write, writes=True):
            await run_detached(_request_certificate(services, gateway, needs.url))
        raise Refused(CERTIFICATE_PENDING) from None
    except (AuthenticationFailed, ValueError) as wrong:
        log.warning(
            "hook.refused",
            gateway=name,
            why=str(wrong) if isinstance(wrong, AuthenticationFailed) else "not to be read",
        )
        raise Refused(NOT_AUTHENTIC) from None
    items: Sequence[ReceivedText | DeliveryReport | UnreadableItem]
    try:
        items = await services.offload.run(size, adapter.reports if is_report else adapter.texts, request)
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        why = str(fault) if isinstance(fault, MalformedBody) else "the body cannot be read"
        items = [UnreadableItem(why, raw_text(request.body))]
    rows = await inbound_rows(services, gateway, items, request.at, item_columns)
    if rows:
        await services.inbox.keep(rows)
    unreadable = sum(1 for row in rows if row["status"] == InboundStatus.ODD)
    return adapter.acknowledge(len(rows) - unreadable, unreadable)


async def _request_certificate(services: Services, gateway: Gateway, url: str) -> None:
    """Note which certificate the worker should fetch; the newest wish is kept."""
    if gateway.account.settings.get("wanted_certificate") != url:
        settings = {**gateway.account.settings, "wanted_certificate": url}
        await services.db.transact(
            lambda c: gateway_store.update_gateway(c, gateway.name, {"settings": settings}, gateway.version)
        )
        services.gateways.forget()


def item_columns(
    services: DeliveryServices,
    gateway: Gateway,
    item: ReceivedText | DeliveryReport | UnreadableItem,
    lexicon: Lexicon,
    now: datetime,
) -> dict[str, Any]:
    """The columns of an item's row, those apart that every row begins with."""
    if isinstance(item, UnreadableItem):
        return unreadable_columns(services, gateway, item, lexicon, now)
    if isinstance(item, DeliveryReport):
        about = item.reference or item.provider_id or item.key
        details = {
            "provider_id": item.provider_id, "reference": item.reference, "status": item.status,
            "word": item.provider_status[:80],
            "at": item.at.isoformat() if item.at else None,
            **({"said_at": item.unread} if item.unread is not None else {}),
        }  # fmt: skip
        partition = item_key("report", gateway.name, about)[:100]
        return {"kind": InboundKind.REPORT, "key": item.key, "partition": partition, "details": details}
    return _text_columns(services, gateway, item, lexicon, now)


def _text_columns(
    services: DeliveryServices, gateway: Gateway, item: ReceivedText, lexicon: Lexicon, now: datetime
) -> dict[str, Any]:
    who = parse_sender(services, item.sender)
    details: dict[str, Any] = {**item.details, "raw_sender": item.sender[:60], "caller": who.caller}
    sent = item.sent_at
    if sent is not None and sent > now + MAX_TIME_AHEAD:
        details["said_sent_at"], sent = sent.isoformat(), None
    sender = (who.phone or item.sender)[:60]
    urgent = bool(advise(lexicon, item.text[:SCAN_LENGTH]).dangers)
    row: dict[str, Any] = {
        "key": item.key, "sender": sender, "receiver": item.receiver[:60], "text": item.text, "details": details,
        "sent_at": sent, "urgent": urgent, "kind": InboundKind.TEXT, "partition": item_key("sms", sender)[:100],
    }  # fmt: skip
    if item.part is not None:
        details |= {"ref": item.reference, "part": item.part, "parts": item.parts}
        row |= {
            "kind": InboundKind.PART,
            "partition": item_key("part", gateway.name, sender, item.reference)[:100],
        }
    return row


def parse_sender(services: DeliveryServices, raw: str) -> ParsedPhone:
    """Who a text is from; a sender that is no possible number is kept as it came, without a caller."""
    return parse_phone(raw, services.region, services.area_code)

"""Fetches messages from a provider that its webhooks may have missed; one that was pushed already is recognised by its
key."""

from contextlib import suppress
from datetime import datetime

import httpx

from hotline.delivery.model import GatewayKind
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.delivery.registry import provider_names
from hotline.inbound.rows import inbound_rows
from hotline.inbound.webhook_request import UnreadableItem
from hotline.refusals import Code, Refusal, Refused
from hotline.sms.contract import SupportsListing, sms_provider
from hotline.sms.webhook_intake import item_columns
from hotline.tickets.context import Services


def listable_providers() -> list[str]:
    """The names of the providers that can be asked."""
    found = []
    for name in provider_names(GatewayKind.SMS):
        with suppress(Refused):  # a package that cannot be imported is reported where it is used
            found += [name] if sms_provider(name).can_list else []
    return found


async def backfill(services: Services, name: str, client: httpx.AsyncClient, since: datetime) -> tuple[int, int]:
    """Take in what we missed since then: (texts there, those new to us). Raises Refused."""
    now = services.clock()
    gateway = await services.gateways.named(name, GatewayKind.SMS, now)
    adapter = sms_provider(gateway.provider).adapter(gateway.account)
    if not isinstance(adapter, SupportsListing):
        errors = (("gateway", f"one of {', '.join(listable_providers())}"),)
        raise Refused(Refusal(Code.INVALID, "this provider cannot be asked what it sent", errors=errors))
    await services.directory.now(now)
    there = new = 0
    try:
        async for page in adapter.since(client, since, now):
            rows = await inbound_rows(services, gateway, page, now, item_columns)
            known = await services.inbox.known([(r["gateway"], r["kind"], r["key"]) for r in rows])
            if rows:
                await services.inbox.keep(rows)
            there += sum(1 for item in page if not isinstance(item, UnreadableItem))
            new += len(rows) - known
    except (GatewayDown, GatewayRefused) as fault:
        kept = f"; {new} new ones were kept" if new else ""
        raise Refused(Refusal(Code.UNAVAILABLE, f"the provider did not answer: {fault}{kept}")) from None
    return there, new

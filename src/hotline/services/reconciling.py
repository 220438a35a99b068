"""Asking a provider what it has for us: a push that never came is found here, and one that came is known by its key."""

from datetime import datetime

import httpx

from hotline.domain.vocabulary import GatewayKind
from hotline.gateways.notices import GatewayDown, GatewayRefused
from hotline.gateways.providers import SMS
from hotline.gateways.sms import Lists, Odd
from hotline.refusals import Code, Refusal, Refused

from .house import House
from .receiving import rows_of

CANNOT = Refusal(
    Code.INVALID, "this provider cannot be asked what it sent", errors=(("gateway", "twilio, tencent or infobip"),)
)


async def reconcile(house: House, name: str, client: httpx.AsyncClient, since: datetime) -> tuple[int, int]:
    """Take in what we missed since then: (texts there, those new to us). Raises Refused."""
    now = house.clock()
    gateway = await house.gateways.named(name, GatewayKind.SMS, now)
    provider = SMS[gateway.provider](gateway.account)
    if not isinstance(provider, Lists):
        raise Refused(CANNOT)
    await house.directory.now(now)
    there = new = 0
    try:
        async for page in provider.since(client, since, now):
            rows = await rows_of(house, gateway, page, now)
            known = await house.inbox.known([(r["gateway"], r["kind"], r["key"]) for r in rows])
            if rows:
                await house.inbox.keep(rows)
            there += sum(1 for item in page if not isinstance(item, Odd))
            new += len(rows) - known
    except (GatewayDown, GatewayRefused) as fault:
        kept = f"; {new} new ones were kept" if new else ""
        raise Refused(Refusal(Code.UNAVAILABLE, f"the provider did not answer: {fault}{kept}")) from None
    return there, new

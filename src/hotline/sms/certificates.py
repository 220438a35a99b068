"""Fetches the certificates that webhooks were signed with and that we did not have, from their owner's address
alone."""

from datetime import datetime

import httpx
import structlog

from hotline.delivery.gateways import GatewayChange, change_gateway
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.sms.contract import FetchesCertificates, sms_provider
from hotline.tickets.context import Services

log = structlog.get_logger("hotline.certificates")
MOST = 5  # kept of one gateway; theirs changes about once a year


async def fetch_wanted_certificates(services: Services, client: httpx.AsyncClient, now: datetime) -> int:
    """Fetch what is wanted; how many were kept."""
    kept = 0
    for gateway in list((await services.gateways.now(now)).values()):
        url = gateway.account.settings.get("wanted_certificate")
        if not url:
            continue
        adapter = sms_provider(gateway.provider).adapter(gateway.account)
        if not isinstance(adapter, FetchesCertificates):
            continue
        certificates = dict(gateway.account.settings.get("certificates") or {})
        try:
            certificates[url] = await adapter.fetch_certificate(client, url)
        except GatewayDown as down:
            log.warning("certificate.unavailable", gateway=gateway.name, why=str(down))
            continue  # the next round tries again
        except GatewayRefused as refused:
            log.warning("certificate.refused", gateway=gateway.name, why=str(refused))
        newest = dict(list(certificates.items())[-MOST:])
        settings = {"certificates": newest, "wanted_certificate": None}
        await change_gateway(services.gateways, gateway.name, GatewayChange(settings=settings), now)
        kept += url in newest
    return kept

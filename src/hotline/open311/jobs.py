"""The worker's jobs for Open311: requests of batch services, and updates on tickets."""

from collections.abc import Sequence

from hotline.inbound.handlers import ClaimedItem, InboundHandler
from hotline.inbound.model import InboundKind
from hotline.inbound.outcome import InboundOutcome
from hotline.open311.service import process_inbound_request, process_inbound_update
from hotline.tickets.context import Services


async def _request(services: Services, item: ClaimedItem) -> InboundOutcome:
    return await process_inbound_request(services, item.row, item.gateway, item.now)


async def _update(services: Services, item: ClaimedItem) -> InboundOutcome:
    return await process_inbound_update(services, item.row, item.gateway, item.now)


HANDLERS: Sequence[InboundHandler[Services]] = (
    InboundHandler(InboundKind.REQUEST, _request),
    InboundHandler(InboundKind.UPDATE, _update),
)

"""Open311 GeoReport v2. Its surface is an application of its own, mounted beside the routers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from hotline.inbound.handlers import InboundHandler
    from hotline.runtime.settings import CapabilitySettings
    from hotline.tickets.context import Services


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    from hotline.open311.settings import Open311Settings

    services.add(
        Open311Settings(
            settings.open311, settings.open311_jurisdiction, settings.open311_contact, settings.open311_reads
        )
    )


def _inbound() -> Sequence[InboundHandler[Services]]:
    from hotline.open311.jobs import HANDLERS

    return HANDLERS


OPEN311 = Capability(name="open311", prepare=_prepare, inbound=_inbound)

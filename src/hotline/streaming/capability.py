"""The live stream of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter

    from hotline.runtime.settings import CapabilitySettings
    from hotline.tickets.context import Services


def _routers() -> Sequence[APIRouter]:
    from hotline.streaming import routes

    return (routes.router,)


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    from hotline.organisation.service.credentials import CredentialChecker
    from hotline.streaming.service import Stream

    credentials = CredentialChecker(
        services.db, services.directory, lambda: services.clock(), lambda: services.account_rules
    )
    stream = Stream(services.db, services.journal.written, settings.streams, credentials)
    services.add(stream)
    services.on_shutdown.append(stream.close)


STREAMING = Capability(name="streaming", routers=_routers, prepare=_prepare)

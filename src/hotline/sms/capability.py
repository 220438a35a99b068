"""Texts to and from residents."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability
from hotline.runtime.settings import CapabilitySettings
from hotline.sms.settings import QuietHours
from hotline.tickets.context import Services

if TYPE_CHECKING:
    from fastapi import APIRouter


def _routers() -> Sequence["APIRouter"]:
    from hotline.sms.routes import hooks, texts

    return (
        hooks.router,
        texts.router,
    )


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    services.add(QuietHours(*settings.quiet) if settings.quiet else QuietHours())


SMS = Capability(name="sms", routers=_routers, prepare=_prepare)

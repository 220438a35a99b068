"""Calls on the exchange."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability
from hotline.runtime.settings import CapabilitySettings
from hotline.telephony.arrivals import CallArrivals
from hotline.telephony.service import KnownCalls
from hotline.tickets.context import Services

if TYPE_CHECKING:
    from fastapi import APIRouter


def _routers() -> Sequence["APIRouter"]:
    from hotline.telephony import routes

    return (routes.router,)


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    arrivals = CallArrivals()
    services.add(arrivals)
    services.on_leave.append(arrivals.noted.set)
    services.exchange = KnownCalls(services.db)


TELEPHONY = Capability(name="telephony", routers=_routers, prepare=_prepare)

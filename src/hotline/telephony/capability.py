"""Calls on the exchange."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter

    from hotline.runtime.settings import CapabilitySettings
    from hotline.tickets.context import Services


def _routers() -> Sequence["APIRouter"]:
    from hotline.telephony import routes

    return (routes.router,)


def _prepare(services: "Services", settings: "CapabilitySettings") -> None:
    from hotline.telephony.arrivals import CallArrivals
    from hotline.telephony.service import KnownCalls

    arrivals = CallArrivals()
    services.add(arrivals)
    services.on_leave.append(arrivals.noted.set)
    services.exchange = KnownCalls(services.db)


TELEPHONY = Capability(name="telephony", routers=_routers, prepare=_prepare)

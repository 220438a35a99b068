"""Calls on the exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter

    from hotline.database.personal_data import PersonalNoun
    from hotline.inbound.spool_drain import SpoolHandler
    from hotline.jobs import Job, RetentionRule
    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.settings import CapabilitySettings
    from hotline.tickets.context import Services


def _routers() -> Sequence[APIRouter]:
    from hotline.telephony import routes

    return (routes.router, routes.figures_router)


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    from hotline.telephony.push_state import CallPushState
    from hotline.telephony.service import StoredCalls

    arrivals = CallPushState()
    services.add(arrivals)
    services.on_shutdown.append(arrivals.changed.set)
    services.exchange = StoredCalls(services.db)


def _jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.telephony.jobs import telephony_jobs

    return telephony_jobs(context)


def _spooled() -> Mapping[str, SpoolHandler[Services]]:
    from hotline.telephony.service import SPOOLED

    return SPOOLED


def _retention() -> Sequence[RetentionRule[Services]]:
    from hotline.telephony.jobs import retention

    return retention()


def _personal() -> Sequence[PersonalNoun]:
    from hotline.telephony.personal import personal

    return personal()


TELEPHONY = Capability(
    name="telephony",
    routers=_routers,
    prepare=_prepare,
    jobs=_jobs,
    spooled=_spooled,
    retention=_retention,
    personal=_personal,
)

"""Incidents: many calls about one matter, handled as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter

    from hotline.database.personal_data import PersonalNoun
    from hotline.jobs import Job
    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.settings import CapabilitySettings
    from hotline.tickets.context import Services


def _routers() -> Sequence[APIRouter]:
    from hotline.incidents import routes

    return (routes.router,)


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    from hotline.incidents.cache import IncidentCache

    incidents = IncidentCache(services.db, services.directory, services.deadlines)
    services.add(incidents)
    services.open_incidents = incidents


def _jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.incidents.jobs import incident_jobs

    return incident_jobs(context.services)


def _personal() -> Sequence[PersonalNoun]:
    from hotline.incidents.personal import personal

    return personal()


INCIDENTS = Capability(
    name="incidents",
    routers=_routers,
    prepare=_prepare,
    jobs=_jobs,
    personal=_personal,
)

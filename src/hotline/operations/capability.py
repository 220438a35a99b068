"""Health, readiness, metrics and checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter
    from typer import Typer

    from hotline.jobs import Job
    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.settings import CapabilitySettings
    from hotline.secrets.secret_box import SealedColumn
    from hotline.tickets.context import Services


def _routers() -> Sequence[APIRouter]:
    from hotline.operations import routes, security_txt

    return (routes.router, security_txt.router)


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    from hotline.operations.processes import ThisProcess
    from hotline.operations.security_txt import SecurityContact

    services.add(SecurityContact(settings.security_contact))
    services.add(ThisProcess())


def _jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.operations.jobs import operations_jobs

    return operations_jobs(context)


def _upkeep(services: Services) -> Sequence[Job]:
    from hotline.operations.jobs import upkeep_jobs

    return upkeep_jobs(services)


def _commands() -> Sequence[Typer]:
    from hotline.operations import commands, secret_commands

    return (*commands.GROUPS, secret_commands.commands)


def _sealed() -> Sequence[SealedColumn]:
    from hotline.operations.stored_keys import SEALED

    return SEALED


OPERATIONS = Capability(
    name="operations",
    prepare=_prepare,
    routers=_routers,
    jobs=_jobs,
    upkeep=_upkeep,
    commands=_commands,
    sealed=_sealed,
)

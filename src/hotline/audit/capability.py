"""The security log over HTTP and to other systems, and the proof that nothing was changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter
    from typer import Typer

    from hotline.jobs import Job
    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.retention import NightlyCheck
    from hotline.runtime.settings import CapabilitySettings
    from hotline.secrets.secret_box import SealedColumn
    from hotline.tickets.context import Services


def _routers() -> Sequence[APIRouter]:
    from hotline.audit import routes

    return (routes.router,)


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    from hotline.audit.shipping import LogDestinations

    services.add(LogDestinations(settings.security_log_file, settings.security_log_syslog, settings.checkpoint_file))


def _jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.audit.jobs import audit_jobs

    return audit_jobs(context.services)


def _commands() -> Sequence[Typer]:
    from hotline.audit import commands

    return commands.GROUPS


def _sealed() -> Sequence[SealedColumn]:
    from hotline.audit.checkpoints import SEALED

    return SEALED


def _checks() -> Sequence[NightlyCheck]:
    from hotline.audit.jobs import check_recent_history

    return (lambda context: check_recent_history(context.services),)


AUDIT = Capability(
    name="audit",
    routers=_routers,
    prepare=_prepare,
    jobs=_jobs,
    checks=_checks,
    commands=_commands,
    sealed=_sealed,
)

"""What the package brings to the product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter
    from typer import Typer

    from hotline.jobs import Job, RetentionRule
    from hotline.runtime.jobs import WorkerContext
    from hotline.tickets.context import Services


def _routers() -> Sequence[APIRouter]:
    from hotline.learning import routes

    return (routes.router,)


def _prepare(services: Services, settings: Any) -> None:
    from hotline.learning.in_use import ModelInUse

    in_use = ModelInUse()
    services.add(in_use)
    services.form_opinion = in_use.form_opinion


def _jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.learning.jobs import learning_jobs

    return learning_jobs(context)


def _upkeep(services: Services) -> Sequence[Job]:
    from hotline.learning.jobs import refresh_job

    return (refresh_job(services),)


def _retention() -> Sequence[RetentionRule[Services]]:
    from hotline.learning.jobs import retention

    return retention()


def _commands() -> Sequence[Typer]:
    from hotline.learning.commands import GROUPS

    return GROUPS


LEARNING = Capability(
    name="learning",
    routers=_routers,
    prepare=_prepare,
    jobs=_jobs,
    upkeep=_upkeep,
    retention=_retention,
    commands=_commands,
)

"""Figures, reports and exports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter
    from typer import Typer

    from hotline.database.personal_data import PersonalNoun
    from hotline.jobs import Job, RetentionRule
    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.retention import NightlyCheck
    from hotline.tickets.context import Services


def _routers() -> Sequence[APIRouter]:
    from hotline.reporting.routes import exports, figures, oversight, wall

    return (
        figures.router,
        oversight.router,
        wall.router,
        exports.router,
    )


def _jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.reporting.jobs import reporting_jobs

    return reporting_jobs(context)


def _retention() -> Sequence[RetentionRule[Services]]:
    from hotline.reporting.jobs import retention

    return retention()


def _checks() -> Sequence[NightlyCheck]:
    from hotline.reporting.jobs import check_figures_nightly

    return (check_figures_nightly,)


def _commands() -> Sequence[Typer]:
    from hotline.reporting import commands

    return commands.GROUPS


def _personal() -> Sequence[PersonalNoun]:
    from hotline.reporting.personal import personal

    return personal()


REPORTING = Capability(
    name="reporting",
    routers=_routers,
    jobs=_jobs,
    retention=_retention,
    checks=_checks,
    commands=_commands,
    personal=_personal,
)

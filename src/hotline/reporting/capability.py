"""Figures, reports and exports."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter
    from typer import Typer

    from hotline.runtime.jobs import Job, WorkerContext


def _routers() -> Sequence["APIRouter"]:
    from hotline.reporting.routes import exports, figures, oversight

    return (
        figures.router,
        oversight.router,
        exports.router,
    )


def _jobs(context: "WorkerContext") -> "Sequence[Job]":
    from hotline.reporting.jobs import reporting_jobs

    return reporting_jobs(context)


def _commands() -> "Sequence[Typer]":
    from hotline.reporting import commands

    return commands.GROUPS


REPORTING = Capability(name="reporting", routers=_routers, jobs=_jobs, commands=_commands)

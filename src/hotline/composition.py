"""The services, routers and worker of a process: the core's, with those of every capability."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotline.capabilities import CAPABILITIES
from hotline.database.engine import Database
from hotline.database.journal import Journal
from hotline.organisation.service.directory import DirectoryCache
from hotline.runtime.settings import CapabilitySettings
from hotline.tickets.context import Services
from hotline.tickets.serials import TicketNumbers

if TYPE_CHECKING:
    from fastapi import APIRouter

    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.worker import Worker


def assemble_services(
    db: Database,
    clock: Callable[[], datetime],
    secret: bytes,
    files: Path,
    settings: CapabilitySettings | None = None,
    **given: Any,
) -> Services:
    """Services over an engine, their journal not started yet. `given`: further fields of `Services`."""
    services = Services(
        db=db,
        journal=Journal(db),
        clock=clock,
        secret=secret,
        files=files,
        directory=given.pop("directory", None) or DirectoryCache(db),
        numbers=TicketNumbers(db),
        **given,
    )
    for capability in CAPABILITIES:
        capability.prepare(services, settings or CapabilitySettings())
    return services


def routers() -> Sequence["APIRouter"]:
    """Every router of the API: the core's, then each capability's."""
    from hotline.organisation.routes import accounts, directory, duty
    from hotline.tickets.routes import attachments, calls, candidates, departments, explain, lookup, tickets

    core = (calls, tickets, attachments, departments, candidates, lookup, explain, duty, directory, accounts)
    return [*(noun.router for noun in core), *(router for each in CAPABILITIES for router in each.routers())]


def assemble_worker(context: "WorkerContext") -> "Worker":
    """A worker with the jobs of the core and of every capability."""
    from hotline.runtime.worker import Worker
    from hotline.worker.jobs import clock_jobs, message_jobs, retention_jobs

    core = [*clock_jobs(context), *message_jobs(context), *retention_jobs(context)]
    return Worker(context, [*core, *(job for each in CAPABILITIES for job in each.jobs(context))])

"""THE CAPABILITIES of the product, and the services of a process with what each capability keeps in it. A new
capability is one line here."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from hotline.database.engine import Database
from hotline.database.journal import Journal
from hotline.inbound.spool import Spool
from hotline.open311.capability import OPEN311
from hotline.operations.capability import OPERATIONS
from hotline.organisation.service.directory import DirectoryCache
from hotline.organisation.service.passwords import PasswordHashing
from hotline.partners.capability import PARTNERS
from hotline.reporting.capability import REPORTING
from hotline.review.capability import REVIEW
from hotline.runtime.capability import Capability
from hotline.runtime.settings import CapabilitySettings
from hotline.sms.capability import SMS
from hotline.streaming.capability import STREAMING
from hotline.telephony.capability import TELEPHONY
from hotline.tickets.context import Services
from hotline.tickets.serials import TicketNumbers
from hotline.webhooks.capability import WEBHOOKS

if TYPE_CHECKING:
    from fastapi import APIRouter

    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.worker import Worker

CAPABILITIES: tuple[Capability, ...] = (
    REVIEW,
    SMS,
    TELEPHONY,
    OPEN311,
    PARTNERS,
    WEBHOOKS,
    STREAMING,
    REPORTING,
    OPERATIONS,
)


class ServiceFields(TypedDict, total=False):
    """The fields of `Services` that have a default."""

    hashing: PasswordHashing
    region: str
    area_code: str
    speaks: bool
    public_url: str
    spool: Spool | None
    data_dir: Path | None
    database_file: Path | None


def assemble_services(
    db: Database,
    clock: Callable[[], datetime],
    secret: bytes,
    files: Path,
    settings: CapabilitySettings | None = None,
    directory: DirectoryCache | None = None,
    **given: Unpack[ServiceFields],
) -> Services:
    """Services over an engine, their journal not started yet. `given`: fields that a process sets otherwise than by
    default."""
    services = Services(
        db=db,
        journal=Journal(db),
        clock=clock,
        secret=secret,
        files=files,
        directory=directory or DirectoryCache(db),
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

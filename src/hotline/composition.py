"""The services, routers and worker of a process: the core's, with those of every capability."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from hotline.capabilities import CAPABILITIES
from hotline.database.engine import Database
from hotline.database.journal import Journal
from hotline.delivery.message_kinds import MessageKinds
from hotline.inbound.handlers import InboundHandlers
from hotline.inbound.spool import Spool
from hotline.inbound.spool_drain import SpoolHandlers
from hotline.organisation.model.actors import Role
from hotline.organisation.model.sessions import AccountRules
from hotline.organisation.service.directory import DirectoryCache
from hotline.organisation.service.password_hashing import PasswordHashing
from hotline.runtime.personal_nouns import PersonalNouns
from hotline.runtime.retention import RetentionRules
from hotline.runtime.settings import CapabilitySettings
from hotline.secrets.secret_box import SealedColumns
from hotline.tickets.context import Services
from hotline.tickets.serials import TicketNumbers

if TYPE_CHECKING:
    from fastapi import APIRouter

    from hotline.jobs import Job
    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.worker import Worker


class ServiceFields(TypedDict, total=False):
    """The fields of `Services` that have a default."""

    hashing: PasswordHashing
    account_rules: AccountRules
    region: str
    area_code: str
    has_notice_address: bool
    public_url: str
    feed_tokens_in_urls: bool
    second_factor_required: frozenset[Role]
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
    **extra_fields: Unpack[ServiceFields],
) -> Services:
    """Services over an engine, their journal not started yet. `extra_fields`: fields that a process sets otherwise than
    by default."""
    services = Services(
        db=db,
        journal=Journal(db),
        clock=clock,
        secret=secret,
        files=files,
        directory=directory or DirectoryCache(db),
        numbers=TicketNumbers(db),
        **extra_fields,
    )
    services.add(MessageKinds(lambda: [kind for each in CAPABILITIES for kind in each.messages()]))
    services.add(InboundHandlers(lambda: [handler for each in CAPABILITIES for handler in each.inbound()]))
    services.add(SpoolHandlers(lambda: [each.spooled() for each in CAPABILITIES]))
    services.add(RetentionRules(lambda: [rule for each in CAPABILITIES for rule in each.retention()]))
    services.add(PersonalNouns(lambda: [noun for each in CAPABILITIES for noun in each.personal()]))
    services.add(SealedColumns(lambda: [column for each in CAPABILITIES for column in each.sealed()]))
    for capability in CAPABILITIES:
        capability.prepare(services, settings or CapabilitySettings())
    return services


def routers() -> Sequence["APIRouter"]:
    """Every router of the API."""
    return [router for each in CAPABILITIES for router in each.routers()]


def assemble_worker(context: "WorkerContext") -> "Worker":
    """A worker with the jobs of every capability."""
    from hotline.runtime.retention import retention_job
    from hotline.runtime.worker import Worker

    jobs = [job for each in CAPABILITIES for job in each.jobs(context)]
    checks = [check for each in CAPABILITIES for check in each.checks()]
    return Worker(context, [*jobs, retention_job(context, checks)])


def upkeep_jobs(services: Services, worker: "Worker | None") -> Sequence["Job"]:
    """What an API process does for itself, but for what a worker beside it does."""
    jobs = [job for each in CAPABILITIES for job in each.upkeep(services)]
    return [job for job in jobs if worker is None or job.name not in worker.jobs]

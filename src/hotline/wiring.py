"""Builds the services and the worker of a process from its settings. `serving` builds the API, so that a command which
needs only the database starts fast."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import sqlalchemy as sa
import structlog

from hotline.composition import assemble_services, assemble_worker
from hotline.database.engine import Database
from hotline.database.engine_sqlite import Sqlite
from hotline.database.schema_state import SEALING_UNFINISHED, SchemaState, load_schema_state
from hotline.database.sealing import Sealing
from hotline.database.sealing_rows import end_sealing, forget_deleted, is_sealing_unfinished, seal_all
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.egress import EgressTransport, http_client, parse_networks
from hotline.delivery.heartbeat import heartbeat_to
from hotline.delivery.notices import WebhookClient
from hotline.inbound.spool import Spool
from hotline.operations.processes import forget_process
from hotline.operations.stored_keys import load_stored_keys
from hotline.packaged_files import packaged_folder
from hotline.refusals import Code, Refusal, Refused
from hotline.runtime.jobs import WorkerContext
from hotline.runtime.memory import release_unused_memory
from hotline.runtime.settings import CapabilitySettings
from hotline.runtime.subprocess import WorkerSubprocess
from hotline.runtime.worker import Worker
from hotline.settings import Settings
from hotline.storage.permissions import make_database_private, make_private
from hotline.tickets.context import Services
from hotline.tickets.store.search_index import index_batch

UNFINISHED = Refusal(Code.UNAVAILABLE, f"{SEALING_UNFINISHED}: run `hotline migrate`")


def clock() -> datetime:
    """The process's clock. The only one: everything below is handed the moment."""
    return datetime.now(UTC)


def build_database(settings: Settings) -> Database:
    """The engine the URL names."""
    sealing = Sealing(settings.key())
    url = sa.make_url(settings.url)
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "hotline.db")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Sqlite(path, sealing=sealing)
    if url.get_backend_name() == "postgresql":
        from hotline.database.engine_postgres import Postgres  # the driver is an extra

        return Postgres(settings.url, settings.database_connections, settings.shard, sealing=sealing)
    raise SystemExit("HOTLINE_DATABASE_URL must begin with sqlite:/// or postgresql://")


def database_file(settings: Settings) -> Path | None:
    """The file of the embedded database. None: there is none."""
    url = sa.make_url(settings.url)
    return Path(url.database or "hotline.db") if url.get_backend_name() == "sqlite" else None


def restrict_permissions(settings: Settings) -> None:
    """Data folder and database file for their owner alone, also where they stood before."""
    make_private(settings.data_dir)
    if (path := database_file(settings)) is not None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_database_private(path)


def build_services(settings: Settings, db: Database) -> Services:
    """The services of this process, as set."""
    capabilities = CapabilitySettings(
        streams=settings.streams,
        quiet=settings.quiet,
        open311=settings.open311,
        open311_jurisdiction=settings.open311_jurisdiction,
        open311_contact=settings.open311_contact,
        open311_reads=settings.open311_reads,
        security_contact=settings.security_contact,
        virus_scanner=settings.virus_scanner,
        security_log_file=settings.security_log_file,
        security_log_syslog=settings.security_log_syslog,
        checkpoint_file=settings.audit_checkpoint_file or settings.data_dir / "checkpoints.jsonl",
        embed_origins=settings.frame_origins,
        resident_work=settings.resident_work,
        resident_reports=settings.resident_reports,
        resident_plain_reports=settings.resident_plain_reports,
        resident_phone=settings.resident_phone,
        egress_allow=parse_networks(settings.egress_allow),
    )
    return assemble_services(
        db,
        clock,
        settings.key(),
        settings.data_dir / "files",
        capabilities,
        account_rules=settings.account_rules,
        region=settings.region,
        area_code=settings.area_code,
        has_notice_address=settings.notice_url is not None,
        public_url=settings.public_url,
        feed_tokens_in_urls=settings.feed_tokens_in_urls,
        second_factor_required=settings.roles_with_second_factor,
        spool=Spool(settings.data_dir / "spool", settings.key(), settings.spool_cap) if settings.spool_cap else None,
        data_dir=settings.data_dir,
        database_file=database_file(settings),
    )


def require_database(settings: Settings) -> None:
    """Raises Refused where the embedded database is not there: looking for it must not make one."""
    url = sa.make_url(settings.url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        where = f"no database at {url.database}: set HOTLINE_DATA_DIR, or make one with `hotline migrate`"
        raise Refused(Refusal(Code.UNAVAILABLE, where))


@asynccontextmanager
async def open_services(settings: Settings, *, keep_permissions: bool = False) -> AsyncIterator[Services]:
    """The services of a process, with the journal running; drained and closed at the end. `keep_permissions`: the
    permissions of the data folder are left as they are, for `hotline doctor` to report."""
    require_database(settings)
    if not keep_permissions:
        restrict_permissions(settings)
    db = build_database(settings)
    services = build_services(settings, db)
    await db.open()
    try:
        if not keep_permissions and await db.transact(is_sealing_unfinished):
            raise Refused(UNFINISHED)
        await load_stored_keys(db, services.secret, services.clock(), store=not keep_permissions)
    except Refused:
        await db.close()
        raise
    services.journal.start()
    try:
        yield services
    finally:
        services.leave()
        await services.journal.drain()
        await services.security_log.drain()
        if services.spool is not None:
            services.spool.close()
        with suppress(Exception):  # it is found out by its silence then
            await forget_process(services)
        await db.close()


def build_worker(settings: Settings, services: Services) -> Worker:
    """The loops that do what requests only promised."""
    notices = None
    if settings.notice_url is not None:
        secret = settings.notice_secret.get_secret_value() if settings.notice_secret else None
        notices = WebhookClient(http_client(EgressTransport(skip_address_check=True)), settings.notice_url, secret)
    hooks = http_client(EgressTransport(parse_networks(settings.egress_allow)))
    channels = DeliveryChannels(notices, provider_client(), hooks)
    heartbeat = heartbeat_to(settings.heartbeat_url) if settings.heartbeat_url is not None else None
    context = WorkerContext(services, channels, heartbeat, subprocess_of(settings))
    return assemble_worker(context)


def subprocess_of(settings: Settings) -> WorkerSubprocess | None:
    """Runs heavy work in a separate process on the same database. None on SQLite, where only one process writes: there
    a thread does it, and its writes take turns with the others."""
    if sa.make_url(settings.url).get_backend_name() == "sqlite":
        return None
    return WorkerSubprocess({"HOTLINE_DATA_DIR": str(settings.data_dir), "HOTLINE_DATABASE_URL": settings.url})


def provider_client() -> httpx.AsyncClient:
    """A client for the providers an administrator set."""
    return http_client(EgressTransport(skip_address_check=True))


async def migrate(settings: Settings, revision: str = "head", *, lose_data: bool = False) -> str | None:
    """Bring the database to a revision."""
    from hotline.database.migrations import migrate_to  # Alembic: a server does without

    restrict_permissions(settings)
    db = build_database(settings)
    await db.open()
    try:
        await load_stored_keys(db, settings.key(), clock(), store=False)  # the way down opens what they sealed
        reached = await migrate_to(db, packaged_folder("migrations"), revision, lose_data=lose_data)
        await load_stored_keys(db, settings.key(), clock())
        if await seal_all(db):
            await finish_sealing(db)
        return reached
    finally:
        await db.close()


async def finish_sealing(db: Database) -> None:
    """Once older rows are sealed: index every ticket anew, and leave nothing behind of what stood in plain. Broken off,
    it is begun anew."""
    after: str | None = ""
    while after is not None:
        reached = after
        after = await db.transact(lambda c: index_batch(c, reached))  # noqa: B023  awaited at once
    if isinstance(db, Sqlite):
        await db.run_on_writer(forget_deleted)
    await db.transact(end_sealing)


async def schema_state(settings: Settings) -> SchemaState:
    """How the database's schema and this code go together."""
    db = build_database(settings)
    await db.open()
    try:
        return await load_schema_state(db, packaged_folder("migrations"))
    finally:
        await db.close()


async def run_worker(settings: Settings) -> None:
    """Run the worker alone until SIGTERM or SIGINT."""
    async with open_services(settings) as services:
        worker = build_worker(settings, services)
        tune_memory()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, worker.stop)
        await worker.run()


def tune_memory() -> None:
    """What start-up made stays: the collector need not look at it again, nor so often at what a request makes and
    drops. What start-up only needed for a while goes back to the system."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    release_unused_memory()


def log_to_standard_error() -> None:
    """What is logged while a command runs: standard output is for its results."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def configure_logging(level: str) -> None:
    """One line of JSON per event. No bodies, no numbers: what is logged is chosen field by field where it happens."""
    logging.basicConfig(level=level.upper(), format="%(message)s")
    for talker in ("httpx", "alembic"):
        logging.getLogger(talker).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
    )

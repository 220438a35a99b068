"""The services of a process, with what each capability keeps in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from hotline.database.engine import Database
from hotline.database.journal import Journal
from hotline.open311.settings import Open311Settings
from hotline.organisation.service.credentials import Credentials
from hotline.organisation.service.directory import DirectoryCache
from hotline.sms.settings import QuietHours
from hotline.streaming.service import Stream
from hotline.telephony.arrivals import CallArrivals
from hotline.telephony.service import KnownCalls
from hotline.tickets.context import Services
from hotline.tickets.serials import TicketNumbers
from hotline.webhooks.cache import SubscriptionCache


@dataclass(frozen=True, slots=True)
class CapabilitySettings:
    """What the capabilities are set to. `streams`: open at once in a process, at most."""

    streams: int = 10_000
    quiet: QuietHours = field(default_factory=QuietHours)
    open311: Open311Settings = field(default_factory=Open311Settings)


def assemble_services(
    db: Database,
    clock: Callable[[], datetime],
    secret: bytes,
    files: Path,
    capabilities: CapabilitySettings | None = None,
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
    add_capabilities(services, capabilities or CapabilitySettings())
    return services


def add_capabilities(services: Services, settings: CapabilitySettings) -> None:
    """Each capability's part of a process."""
    credentials = Credentials(services.db, services.directory, lambda: services.clock())
    stream = Stream(services.db, services.journal.written, settings.streams, credentials)
    arrivals = CallArrivals()
    subscriptions = SubscriptionCache(services.db, services.secret, services.directory, services.deadlines)
    for part in (stream, arrivals, subscriptions, settings.quiet, settings.open311):
        services.add(part)
    services.exchange = KnownCalls(services.db)
    services.before_commit.append(subscriptions.announced)
    services.on_leave += [stream.close, arrivals.noted.set]

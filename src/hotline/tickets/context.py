"""What the services work with: built once by wiring, handed down as an argument."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path

from hotline.database.deadlines import Deadlines
from hotline.database.engine import Database
from hotline.database.journal import Journal
from hotline.database.offload import Offload
from hotline.database.write_batcher import WriteBatcher
from hotline.delivery.gateways import GatewayCache
from hotline.inbound.inbox import Inbox
from hotline.inbound.spool import Spool
from hotline.organisation.service.credential_cache import CredentialCache
from hotline.organisation.service.credentials import Credentials
from hotline.organisation.service.directory import DirectoryCache
from hotline.organisation.service.passwords import PasswordHashing
from hotline.sms.model.templates import QUIET_FROM, QUIET_TO
from hotline.streaming.service import Stream
from hotline.tickets.serials import TicketNumbers
from hotline.webhooks.cache import SubscriptionCache


@dataclass
class Services:
    """Database, journal, directory, numbers; the clock; the secret that keys are hashed with; where files lie.
    `gateways` and `inbox` follow from these."""

    db: Database
    journal: Journal
    directory: DirectoryCache
    numbers: TicketNumbers
    clock: Callable[[], datetime]
    secret: bytes
    files: Path
    region: str = "CN"
    area_code: str = "28"
    speaks: bool = True  # there is somewhere to post messages
    public_url: str = "http://127.0.0.1:8000"
    quiet: tuple[time, time] = (QUIET_FROM, QUIET_TO)
    spool: Spool | None = None  # None: with the database away, nothing is taken in
    jurisdiction: str | None = None  # of Open311
    contact: str = ""
    open311: bool = True  # it is served at all
    open311_reads: int = 120  # questions about tickets a minute, from one address without a key
    streams: int = 10_000  # open at once in this process, at most
    data_dir: Path | None = None  # what only its owner may read, with `database_file`
    database_file: Path | None = None
    taking_events: asyncio.Lock = field(default_factory=asyncio.Lock)  # of exchanges, one push after the other
    ringing: asyncio.Event = field(default_factory=asyncio.Event)  # an exchange told us something: look again
    hashing: PasswordHashing = field(default_factory=PasswordHashing)
    credentials: CredentialCache = field(default_factory=CredentialCache)
    leaving: bool = False  # told to stop: no more work should be sent here
    deadlines: Deadlines = field(init=False)
    offload: Offload = field(default_factory=Offload)
    gateways: GatewayCache = field(init=False)
    subscribers: SubscriptionCache = field(init=False)
    inbox: Inbox = field(init=False)
    batcher: WriteBatcher = field(init=False)
    stream: Stream = field(init=False)

    def __post_init__(self) -> None:
        self.deadlines = self.directory.deadlines
        self.gateways = GatewayCache(self.db, self.secret, self.public_url, self.directory, self.deadlines)
        self.subscribers = SubscriptionCache(self.db, self.secret, self.directory, self.deadlines)
        self.inbox = Inbox(self.db, self.spool, self.deadlines)
        self.batcher = WriteBatcher(self.db)
        credentials = Credentials(self.db, self.directory, lambda: self.clock())
        self.stream = Stream(self.db, self.journal.written, self.streams, credentials)

    def leave(self) -> None:
        """End what waits for news: a shutdown waits for requests under way, and these would never end, or late."""
        self.leaving = True
        self.stream.close()
        self.ringing.set()

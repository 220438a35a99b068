"""What the services work with: built once by wiring, handed down as an argument."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path

from hotline.db.database import Database
from hotline.db.journal import Journal
from hotline.db.together import Together
from hotline.domain.letters import QUIET_FROM, QUIET_TO
from hotline.domain.numbering import FIRST, number_of
from hotline.domain.ticket import Number

from .credential_cache import CredentialCache
from .credentials import Credentials
from .deadlines import Deadlines
from .directory import DirectoryAtHand
from .gateways import GatewaysAtHand
from .inbox import Inbox
from .offload import Offload
from .passwords import PasswordHashing
from .spool import Spool
from .stream import Stream
from .subscribers import Subscribers

BLOCK = 64  # serials taken at once: one round trip for so many tickets; a restart leaves the rest of a block unused


class Numbers:
    """Hands out ticket numbers; several processes never hand out the same one."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._next = self._end = 0
        self._turn = asyncio.Lock()

    async def take(self) -> Number:
        if self._next < self._end:
            return self._give()
        async with self._turn:
            if self._next >= self._end:
                self._next = await self._db.reserve("ticket", BLOCK, FIRST)
                self._end = self._next + BLOCK
            return self._give()

    def _give(self) -> Number:
        serial, self._next = self._next, self._next + 1
        return number_of(serial)


@dataclass
class House:
    """Database, journal, directory, numbers; the clock; the secret that keys are hashed with; where files lie.
    `gateways` and `inbox` follow from these."""

    db: Database
    journal: Journal
    directory: DirectoryAtHand
    numbers: Numbers
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
    gateways: GatewaysAtHand = field(init=False)
    subscribers: Subscribers = field(init=False)
    inbox: Inbox = field(init=False)
    together: Together = field(init=False)
    stream: Stream = field(init=False)

    def __post_init__(self) -> None:
        self.deadlines = self.directory.deadlines
        self.gateways = GatewaysAtHand(self.db, self.secret, self.public_url, self.directory, self.deadlines)
        self.subscribers = Subscribers(self.db, self.secret, self.directory, self.deadlines)
        self.inbox = Inbox(self.db, self.spool, self.deadlines)
        self.together = Together(self.db)
        credentials = Credentials(self.db, self.directory, lambda: self.clock())
        self.stream = Stream(self.db, self.journal.written, self.streams, credentials)

    def leave(self) -> None:
        """End what waits for news: a shutdown waits for requests under way, and these would never end, or late."""
        self.leaving = True
        self.stream.close()
        self.ringing.set()

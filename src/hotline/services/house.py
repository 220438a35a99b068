"""What the services work with: built once by wiring, handed down as an argument."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from hotline.db.database import Database
from hotline.db.journal import Journal
from hotline.domain.numbering import FIRST, number_of
from hotline.domain.ticket import Number

from .directory import DirectoryAtHand

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
    """Database, journal, directory, numbers; the clock; the secret that keys are hashed with; where files lie."""

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
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

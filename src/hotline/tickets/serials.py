"""Ticket numbers for this process: taken from the database in blocks."""

import asyncio

from hotline.database.engine import Database
from hotline.text.numbering import FIRST, TicketNumber, number_from_serial

BLOCK = 64  # serials taken at once: one round trip for so many tickets; a restart leaves the rest of a block unused


class TicketNumbers:
    """Hands out ticket numbers; several processes never hand out the same one."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._next = self._end = 0
        self._turn = asyncio.Lock()

    async def take(self) -> TicketNumber:
        if self._next < self._end:
            return self._give()
        async with self._turn:
            if self._next >= self._end:
                self._next = await self._db.reserve("ticket", BLOCK, FIRST)
                self._end = self._next + BLOCK
            return self._give()

    def _give(self) -> TicketNumber:
        serial, self._next = self._next, self._next + 1
        return number_from_serial(serial)

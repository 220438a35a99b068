"""Events of exchanges as they arrive in this process, and which lines have moved."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hotline.database.engine import Database
from hotline.telephony import store as call_store

MOVES_AGE = 0.5  # seconds


@dataclass(slots=True)
class CallPushState:
    """`turn`: one push after the other; `changed`: set when an exchange has reported something, so that waiting
    requests look again. What moved is read once for all of them."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _moves: Mapping[str, datetime] = field(default_factory=dict)
    _looked_at: float | None = None

    def tell(self) -> None:
        """An exchange has reported something."""
        self._looked_at = None
        self.changed.set()
        self.changed.clear()

    async def last_moves(self, db: Database, now: datetime) -> Mapping[str, datetime]:
        """When a call last moved on each line, or one that rings there: of the last minutes, at most MOVES_AGE old."""
        async with self._reading:
            at = asyncio.get_running_loop().time()
            if self._looked_at is None or at - self._looked_at >= MOVES_AGE:
                self._looked_at = at  # before reading: what is told meanwhile is read the next time
                self._moves = await call_store.load_last_moves(db, now)
            return self._moves

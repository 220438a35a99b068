"""A cached snapshot of a small table: read again after a second, and kept while the database is unavailable."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from hotline.database.deadlines import Deadlines, database_deadline
from hotline.database.outages import OUTAGES

T = TypeVar("T")
MAX_AGE = timedelta(seconds=1)
NO_AGE = timedelta(0)


class CachedTable(Generic[T]):
    """One snapshot; `load` reads it."""

    def __init__(self, load: Callable[[datetime], Awaitable[T]], deadlines: Deadlines | None = None) -> None:
        self._look = load
        self._deadlines = deadlines or Deadlines()
        self._found: T | None = None
        self._looked: datetime | None = None
        self._reading = asyncio.Lock()  # of the requests that find it old at one moment, the first reads it for all

    async def now(self, now: datetime, max_age: timedelta = MAX_AGE) -> T:
        """The snapshot, at most `max_age` old. Where the database is unavailable or too slow: the last one read, and
        the next attempt to read follows after `max_age`. Raises an error of OUTAGES, such as DatabaseUnavailable, where
        none was ever read."""
        if (fresh := self._fresh(now, max_age)) is not None:
            return fresh
        seconds = self._deadlines.write if self._found is None else self._deadlines.lookup
        try:
            async with database_deadline(seconds), self._reading:
                if (fresh := self._fresh(now, max_age)) is not None:
                    return fresh
                self._found = await self._look(now)
        except OUTAGES:
            if self._found is None:
                raise
        self._looked = now  # also after an outage: one request waits once for the same snapshot
        return self._found

    def _fresh(self, now: datetime, at_most: timedelta) -> T | None:
        fresh = self._looked is not None and abs(now - self._looked) < at_most
        return self._found if fresh else None

    def forget(self) -> None:
        """Somebody changed it: look at the next question."""
        self._looked = None

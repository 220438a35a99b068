"""What a process knows of a small table: read anew when it is a second old, kept on when the database is away."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from hotline.db.database import Away

T = TypeVar("T")
LOOK_AGAIN = timedelta(seconds=1)
ANEW = timedelta(0)


class AtHand(Generic[T]):
    """One snapshot; `look` reads it."""

    def __init__(self, look: Callable[[datetime], Awaitable[T]]) -> None:
        self._look = look
        self._found: T | None = None
        self._looked: datetime | None = None

    async def now(self, now: datetime, at_most: timedelta = LOOK_AGAIN) -> T:
        """The snapshot, `at_most` so old. With the database away, the one known last; raises Away: there is none."""
        if self._found is not None and self._looked is not None and abs(now - self._looked) < at_most:
            return self._found
        try:
            self._found = await self._look(now)
        except Away:
            if self._found is None:
                raise
            return self._found
        self._looked = now
        return self._found

    def forget(self) -> None:
        """Somebody changed it: look at the next question."""
        self._looked = None

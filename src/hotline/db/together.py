"""Small writes of many, in one transaction: whoever finds nobody writing writes for all that wait. One that fails is
run alone, so that it fails by itself."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from .database import Database

R = TypeVar("R")


class Together:
    """`write` from anywhere in one loop."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[tuple[Callable[[sa.Connection], Any], asyncio.Future[Any]]] = []
        self._writing = False

    async def write(self, work: Callable[[sa.Connection], R]) -> R:
        """What `work(connection)` returns, after COMMIT. It may be run twice, the first time taken back."""
        mine: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, mine))
        if not self._writing:
            self._writing = True
            try:
                while self._waiting:
                    batch, self._waiting = self._waiting, []
                    await self._run(batch)
            finally:
                self._writing = False
        return await mine

    async def _run(self, batch: list[tuple[Callable[[sa.Connection], Any], "asyncio.Future[Any]"]]) -> None:
        def all_of(c: sa.Connection) -> list[Any]:
            return [work(c) for work, _ in batch]

        try:
            done = await self._db.transact(all_of)
        except Exception as fault:
            if len(batch) > 1:
                for one in batch:
                    await self._run([one])
                return
            if not batch[0][1].done():
                batch[0][1].set_exception(fault)
            return
        for (_, answer), result in zip(batch, done, strict=True):
            if not answer.done():
                answer.set_result(result)

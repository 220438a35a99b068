"""Writes small changes of many requests in one transaction. Where it fails, each change is run alone, so only the
faulty one fails."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from hotline.database.engine import Database, note_commit
from hotline.refusals import Refused

R = TypeVar("R")
MAX_BATCH = 64


class WriteBatcher:
    """Call `write` from any task of one event loop. A separate task writes what waits, so that a cancelled caller does
    not cancel the writes of others."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[tuple[Callable[[sa.Connection], Any], asyncio.Future[Any]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, work: Callable[[sa.Connection], R]) -> R:
        """What `work(connection)` returns, after COMMIT. It may be run twice, the first time taken back."""
        mine: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, mine))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain())
        done = await asyncio.shield(mine)
        note_commit()
        return done

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            await self._run(batch)

    async def _run(self, batch: list[tuple[Callable[[sa.Connection], Any], "asyncio.Future[Any]"]]) -> None:
        def write_all(c: sa.Connection) -> list[Any]:
            return [work(c) for work, _ in batch]

        try:
            done = await self._db.transact(write_all)
        except Exception as fault:
            if len(batch) > 1 and not isinstance(fault, Refused):  # one fails: write each alone
                for one in batch:
                    await self._run([one])
                return
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(fault)
                    answer.exception()  # read once, so that a caller who hung up leaves no warning behind
            return
        for (_, answer), result in zip(batch, done, strict=True):
            if not answer.done():
                answer.set_result(result)

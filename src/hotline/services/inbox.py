"""What is pushed to us is kept together: many pushes, one transaction; with the database away, in the spool."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hotline.db import inbound
from hotline.db.database import Away, Database, Unsure

from .spool import Spool, written_row


class Inbox:
    """Group commit for what is pushed: whoever finds nobody writing writes for all that wait."""

    def __init__(self, db: Database, spool: Spool | None) -> None:
        self._db, self._spool = db, spool
        self._waiting: list[tuple[Sequence[Mapping[str, Any]], asyncio.Future[None]]] = []
        self._writing = False
        self.bell = asyncio.Event()  # rung when something was kept: the worker of this process need not sleep on

    async def keep(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Durable when this returns: in the database, or in the spool while that is away. Raises what neither could
        do."""
        try:
            await self.keep_now(rows)
        except (Away, Unsure):
            if self._spool is None:
                raise
            record = {"kind": "inbound", "rows": [written_row(row) for row in rows]}
            await self._spool.append(record, rows[0]["received_at"])

    async def known(self, keys: Sequence[tuple[str, str, str]]) -> int:
        """How many of these (gateway, kind, key) were kept before."""
        return await self._db.transact(lambda c: inbound.known(c, keys))

    async def keep_now(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """In the database."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, mine))
        if not self._writing:
            self._writing = True
            try:
                while self._waiting:
                    await self._write()
            finally:
                self._writing = False
        await asyncio.shield(mine)
        self.bell.set()

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        rows = [row for some, _ in batch for row in some]
        try:
            await asyncio.shield(self._db.transact(lambda c: inbound.keep(c, rows)))
        except BaseException as fault:
            for _, answer in batch:
                if not answer.done():
                    told = fault if isinstance(fault, Exception) else Away("the write was broken off")
                    answer.set_exception(told)
                    answer.exception()
            if not isinstance(fault, Exception):
                raise
            return
        for _, answer in batch:
            if not answer.done():
                answer.set_result(None)

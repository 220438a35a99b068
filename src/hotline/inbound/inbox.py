"""Stores the items of incoming webhooks: many webhooks in one transaction, or in the spool while the database is
unavailable."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from hotline.database.deadlines import Deadlines, database_deadline
from hotline.database.engine import Database
from hotline.database.outages import OUTAGES
from hotline.database.write_batcher import WriteBatcher
from hotline.delivery import store as outbox_store
from hotline.delivery.model import Message
from hotline.delivery.payloads import hashed_key
from hotline.inbound import store as inbound_store
from hotline.inbound.model import InboundStatus
from hotline.inbound.spool import Spool, serialize_row
from hotline.locales import bilingual
from hotline.text.numbering import TicketNumber


class Inbox:
    """Group commit for pushed items. `wait_until_idle` lets their processing wait until no webhook waits for its
    acknowledgement."""

    def __init__(self, db: Database, spool: Spool | None, deadlines: Deadlines | None = None) -> None:
        self._db, self._spool = db, spool
        self._deadlines = deadlines or Deadlines()
        self._together = WriteBatcher(db)
        self._asking = 0  # webhooks that wait for their acknowledgement
        self._calm = asyncio.Event()
        self._calm.set()

    async def keep(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Durable when this returns: in the database, or in the spool while that is unavailable, full or too slow. A
        row that comes into both is one in the end: its key is unique. Raises what neither could do."""
        try:
            await self.save_to_database(rows)
        except OUTAGES:
            if self._spool is None:
                raise
            record = {"kind": "inbound", "rows": [serialize_row(row) for row in rows]}
            await self._spool.append(record, rows[0]["received_at"])

    async def known(self, keys: Sequence[tuple[str, str, str]]) -> int:
        """How many of these (gateway, kind, key) were kept before."""
        return await self._db.transact(lambda c: inbound_store.count_known(c, keys))

    async def save_to_database(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """In the database, and with it an alarm for each danger that waits for review. Raises
        DatabaseUnavailable or DatabaseFull, and CommitUnknown after the deadline: the rows may still be written."""
        alarms = _danger_alarms(rows)

        def write(c: sa.Connection) -> None:
            inbound_store.insert_items(c, rows)
            if alarms:
                outbox_store.add_messages(c, alarms)

        self._asking += 1
        self._calm.clear()
        try:
            async with database_deadline(self._deadlines.write, writes=True):  # ends the wait, not the write
                await self._together.write(write)
        finally:
            self._asking -= 1
            if self._asking == 0:
                self._calm.set()

    async def wait_until_idle(self, max_seconds: float) -> None:
        """When no webhook waits for its acknowledgement, or after `max_seconds` seconds: those come before what they
        mean."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._calm.wait(), max_seconds)


def _danger_alarms(rows: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Alarms to operators for rows with danger words that only a person can handle: one for each,
    however often it is pushed."""
    payload = bilingual("alarm.danger_in_push")
    return [
        Message(
            f"al.{hashed_key(row['gateway'], row['kind'], row['key']).removeprefix('sha256-')}"[:40], "alarm",
            TicketNumber(""), "role:operator", {"inbound": row["id"], **payload}, row["received_at"],
        )
        for row in rows
        if row["urgent"] and row["status"] == InboundStatus.ODD
    ]  # fmt: skip

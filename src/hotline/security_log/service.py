"""Writes events that have no transaction of their own: many in one, and never so many that others wait for them."""

import asyncio
from collections import deque
from datetime import datetime

import structlog
from prometheus_client import Counter

from hotline.database.engine import Database
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.repeats import RepeatCounter
from hotline.security_log.store import SYSTEM, SecurityEvent, record_deeds
from hotline.security_log.vocabulary import Deed, EventOutcome

MAX_WAITING = 2000
KEPT_FREE = 4  # a quarter of the room is for what must be written before it is shown
MAX_BATCH = 64  # in one transaction
REPEATS_SECONDS = 60.0  # after which what was counted is written
LOST = Counter("hotline_security_events_lost", "Security events that found no room or no database")
log = structlog.get_logger("hotline.security_log")


class SecurityLog:
    """The events of one process that wait to be written. Used from one event loop."""

    def __init__(self, db: Database, max_waiting: int = MAX_WAITING) -> None:
        self._db, self._room = db, max_waiting
        self._waiting: deque[tuple[SecurityEvent, asyncio.Future[None] | None]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._repeats = RepeatCounter()
        self._timer: asyncio.TimerHandle | None = None
        self.lost = 0  # in all
        self._untold = 0  # of these, not yet in the log

    def note(self, event: SecurityEvent) -> None:
        """Write it soon, without anybody waiting. What comes again and again from one address within a minute is
        counted in one row. Dropped and counted where too many wait; the log then says how many."""
        for counted in self._repeats.begin_minute(event.at):
            self._add(counted)
        if self._repeats.admit(event):
            self._add(event)
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(REPEATS_SECONDS, self._write_repeats)

    def _write_repeats(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for counted in self._repeats.take():
            self._add(counted)

    def _add(self, event: SecurityEvent) -> None:
        if len(self._waiting) >= self._room - self._room // KEPT_FREE:
            self._lose(int(event.details.get("count", 1)))
            return
        self._waiting.append((event, None))
        self._start()

    async def record(self, event: SecurityEvent) -> None:
        """Write it; returns after COMMIT. For what may be shown only once it is written. Raises Refused where it
        cannot be."""
        if len(self._waiting) >= self._room:
            raise Refused(Refusal(Code.OVERLOADED, "too many security events wait to be written; try again"))
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, written))
        self._start()
        await asyncio.shield(written)

    async def drain(self) -> None:
        """Return when nothing waits any more, and what was counted is written."""
        self._write_repeats()
        while self._writer is not None and not self._writer.done():
            await asyncio.wait((self._writer,))

    def _start(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting())

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            events = [event for event, _ in batch]
            untold = self._untold
            if untold:
                events.append(_lost_event(untold, events[-1].at))
            try:
                await self._db.transact(lambda c, events=events: record_deeds(c, events))  # type: ignore[misc]
            except Exception as fault:
                self._fail(batch, fault)
                continue
            self._untold -= untold
            for _, written in batch:
                if written is not None and not written.done():
                    written.set_result(None)

    def _fail(self, batch: list[tuple[SecurityEvent, "asyncio.Future[None] | None"]], fault: Exception) -> None:
        log.warning("security_log.not_written", kind=type(fault).__name__, events=len(batch))
        for _, written in batch:
            if written is None:
                self._lose(1)
            elif not written.done():
                written.set_exception(fault)
                written.exception()  # read once, so that a caller who hung up leaves no warning behind

    def _lose(self, count: int) -> None:
        self.lost += count
        self._untold += count
        LOST.inc(count)


def _lost_event(count: int, at: datetime) -> SecurityEvent:
    return SecurityEvent(
        Deed.EVENTS_LOST, SYSTEM, at, details={"count": count}, outcome=EventOutcome.FAILED, address=None
    )

"""Commits write plans: all plans that wait at one moment are written in one transaction, and answered after COMMIT.

No timer: with little to do each plan is written at once, under load plans gather in batches by themselves. A plan that
fails does not fail the others of its batch.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from hotline.database.engine import Committed, Database, Outcome, note_commit
from hotline.database.write_plan import WritePlan
from hotline.refusals import Code, Refusal, Refused

MAX_BATCH = 64  # plans in one transaction; beyond 16 the gain is small, and a caller waits for the whole batch
MAX_WAITING = 1500  # plans that may wait: about one second of work
NON_PRIORITY_SHARE = 0.8  # of the room: from here on only plans with priority are taken


class Overloaded(Refused):
    """The queue is full; nothing was written."""

    def __init__(self) -> None:
        super().__init__(Refusal(Code.OVERLOADED, "too much is waiting to be written; nothing was written, try again"))


class Journal:
    """Started by wiring; `commit` from anywhere in the same loop."""

    def __init__(self, db: Database, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING) -> None:
        self.db, self.largest, self.room = db, max_batch, max_waiting
        self._waiting: deque[tuple[WritePlan, asyncio.Future[Outcome]]] = deque()
        self._bell = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False
        self._under_way = 0
        self.written = asyncio.Event()  # set after each commit; the stream waits for it
        self.batches = 0  # written so far
        self.last_batch = 0
        self.seconds = 0.0

    @property
    def depth(self) -> int:
        return len(self._waiting)

    @property
    def is_alive(self) -> bool:
        """Every batcher runs. A dead one makes the process not ready."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(), name=f"journal-{n}") for n in range(self.db.batchers)]

    async def commit(self, plan: WritePlan, *, priority: bool = False) -> Outcome:
        """Durable when this returns. `priority`: may use the room that is kept free of other plans. Raises Overloaded,
        or what the database could not do."""
        limit = self.room if priority else int(self.room * NON_PRIORITY_SHARE)
        if self._closing or len(self._waiting) >= limit:
            raise Overloaded
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((plan, answer))
        self._bell.set()
        outcome = await asyncio.shield(answer)  # a caller who hangs up ends the wait, never the write
        if isinstance(outcome, Committed):
            note_commit()
        return outcome

    async def drain(self) -> None:
        """Refuse what is new, write what waits, stop."""
        self._closing = True
        while self._waiting or self._under_way:
            self._bell.set()
            await asyncio.sleep(0.005)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            while not self._waiting:
                self._bell.clear()
                await self._bell.wait()
            batch = self._take()
            self._under_way += 1
            try:
                await self._settle(batch)
            finally:
                self._under_way -= 1

    def _take(self) -> list[tuple[WritePlan, "asyncio.Future[Outcome]"]]:
        """The next batch: each key and each guarded row at most once; the second of a pair waits for the next one."""
        batch: list[tuple[WritePlan, asyncio.Future[Outcome]]] = []
        later: list[tuple[WritePlan, asyncio.Future[Outcome]]] = []
        keys: set[tuple[str, str]] = set()
        guarded: set[str] = set()  # by key alone: a batch tells the rows of a plan by it, whatever their table
        while self._waiting and len(batch) < self.largest:
            plan, answer = self._waiting.popleft()
            key, touched = (plan.answer.owner, plan.answer.key), [guard.key for guard in plan.guards]
            if key in keys or not guarded.isdisjoint(touched):
                later.append((plan, answer))
                continue
            keys.add(key)
            guarded.update(touched)
            batch.append((plan, answer))
        self._waiting.extendleft(reversed(later))
        return batch

    async def _settle(self, batch: Sequence[tuple[WritePlan, "asyncio.Future[Outcome]"]]) -> None:
        started_at = time.perf_counter()
        outcomes: Sequence[Outcome | Exception]
        try:
            outcomes = await self.db.write([plan for plan, _ in batch])
        except Refused as refused:  # an outage or an unknown commit: the same for all of them
            outcomes = [refused] * len(batch)
        except Exception as fault:
            if len(batch) > 1:  # one fails: write each alone
                for pair in batch:
                    await self._settle([pair])
                return
            outcomes = [fault]
        self.written.set()
        self.batches += 1
        self.last_batch = len(batch)
        self.seconds += time.perf_counter() - started_at
        for (_, answer), outcome in zip(batch, outcomes, strict=True):
            if answer.done():
                continue
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
                answer.exception()  # read once, so that a caller who hung up leaves no warning behind
            else:
                answer.set_result(outcome)

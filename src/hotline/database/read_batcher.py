"""Asks one query for many requests in one round trip: all that wait for it at one moment are asked together."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hotline.database.engine import Database
from hotline.database.prepared import BatchQuery, Row
from hotline.refusals import Refused

MAX_BATCH = 32  # a request waits for the whole batch
LATE = 0.25  # seconds after which a batch is waited for no longer: another one is asked beside it

Group = tuple[BatchQuery, tuple[Any, ...]]  # what may be asked together: the query, and the values that all share


class _Asking:
    """Since when the present batch of a group is under way, by the loop's clock."""

    __slots__ = ("since",)

    def __init__(self, since: float) -> None:
        self.since = since


class ReadBatcher:
    """Call `rows` from any task of one event loop. With little to do each is asked at once, under load they gather by
    themselves. A separate task asks, so that a cancelled caller does not cancel the reads of others; a batch that hangs
    does not hold up who comes after it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: dict[Group, list[tuple[Mapping[str, Any], asyncio.Future[list[Row]]]]] = {}
        self._asking: dict[Group, _Asking] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself holds them by weak references only

    async def rows(self, query: BatchQuery, own: Mapping[str, Any], /, **shared: Any) -> list[Row]:
        """The rows for `own`, the values of the query's `own_names`. `shared`: its other values, hashable or lists.
        Raises what the database raises for this request."""
        loop = asyncio.get_running_loop()
        group = query, tuple((name, _hashable(value)) for name, value in shared.items())
        mine: asyncio.Future[list[Row]] = loop.create_future()
        self._waiting.setdefault(group, []).append((own, mine))
        present = self._asking.get(group)
        if present is None or loop.time() - present.since > LATE:
            asking = self._asking[group] = _Asking(loop.time())
            task = loop.create_task(self._ask(group, shared, asking))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await mine

    async def _ask(self, group: Group, shared: Mapping[str, Any], asking: _Asking) -> None:
        try:
            while waiting := self._waiting.pop(group, None):
                for start in range(0, len(waiting), MAX_BATCH):
                    asking.since = asyncio.get_running_loop().time()
                    await self._settle(group[0], waiting[start : start + MAX_BATCH], shared)
        finally:
            if self._asking.get(group) is asking:
                del self._asking[group]

    async def _settle(
        self,
        query: BatchQuery,
        batch: Sequence[tuple[Mapping[str, Any], "asyncio.Future[list[Row]]"]],
        shared: Mapping[str, Any],
    ) -> None:
        asked = [(own, answer) for own, answer in batch if not answer.done()]  # done: the caller gave up
        if not asked:
            return
        try:
            found = await self._db.rows_of_each(query, [own for own, _ in asked], **shared)
        except Exception as fault:
            if len(asked) > 1 and not isinstance(fault, Refused):  # one fails: ask each alone
                for one in asked:
                    await self._settle(query, [one], shared)
                return
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(fault)
                    answer.exception()  # read once, so that a caller who gave up leaves no warning behind
            return
        for (_, answer), rows in zip(asked, found, strict=True):
            if not answer.done():
                answer.set_result(rows)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value

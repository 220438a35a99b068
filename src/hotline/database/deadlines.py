"""How long intake waits for the database. A provider gives up after 15 seconds, and an operator has a caller on the
line: after the deadline the message goes to the spool, or is refused while there is time to try again."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from hotline.database.engine import CommitUnknown, DatabaseUnavailable
from hotline.database.outages import outage_of
from hotline.refusals import Refused

R = TypeVar("R")
_DETACHED: set[asyncio.Task[Any]] = set()  # the loop itself holds tasks by weak references only


@dataclass(slots=True)
class Deadlines:
    """Seconds. A request looks something up twice or three times and writes once: less than ten in all."""

    lookup: float = 2.0  # of one look-up for which there is a known earlier answer
    write: float = 4.0  # of the write, and of a look-up without an earlier answer
    push: float = 6.0  # of a whole push whose writes wait for each other, once its gateway is known


@asynccontextmanager
async def database_deadline(seconds: float, *, writes: bool = False) -> AsyncIterator[None]:
    """Cancel the block after `seconds`. Raises DatabaseUnavailable then, or CommitUnknown where the block `writes`: the
    write may still be committed, so a repeat must carry the same key. A driver's error that means an outage is raised
    as DatabaseUnavailable or DatabaseFull. What must not be cancelled half-way is run by `run_detached`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as late:
        raise (CommitUnknown() if writes else DatabaseUnavailable("the database did not answer in time")) from late
    except Refused:
        raise
    except Exception as fault:
        outage = outage_of(fault)
        if outage is None:
            raise
        raise outage from fault


async def run_detached(work: Coroutine[Any, Any, R]) -> R:
    """Run a transaction to its end, also when its caller gives up: a rollback would wait for the same
    database. What it raises then is dropped."""
    task = asyncio.create_task(work)
    _DETACHED.add(task)
    task.add_done_callback(_discard_task)
    return await asyncio.shield(task)


def _discard_task(task: "asyncio.Task[Any]") -> None:
    _DETACHED.discard(task)
    if not task.cancelled():
        task.exception()  # read once, so that a failure after the wait leaves no warning behind

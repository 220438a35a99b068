"""What every API process does for itself, with a worker or without: it remembers what intake needs while the database
is away, and brings in what it spooled. Nobody else can: its spool may lie on a disk of its own, and its file is locked
for as long as it runs."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from hotline.operations.readiness import REFRESH, refresh
from hotline.tickets.context import Services
from hotline.worker.spool_drain import bring_in

DRAIN = 1.0  # seconds between two looks into the spool
log = structlog.get_logger("hotline.upkeep")


async def keep_up(services: Services, stop: asyncio.Event, *, drains: bool) -> None:
    """Run until `stop`. `drains`: bring in the spool, because no worker of this process does."""
    loops = [_every(REFRESH, lambda: refresh(services, services.clock()), stop)]
    if drains:
        loops.append(_every(DRAIN, lambda: bring_in(services), stop))
    await asyncio.gather(*loops)


async def _every(seconds: float, step: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await step()
        except Exception as fault:  # the loop outlives whatever one step met
            log.error("upkeep.fault", kind=type(fault).__name__, exc_info=fault)
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            continue

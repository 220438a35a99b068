"""Periodic work of every API process, with a worker or without: it refreshes the caches that intake needs while the
database is unavailable, and drains its own spool, which may lie on a local disk and is locked while the process
runs."""

import asyncio
from collections.abc import Sequence

import structlog

from hotline.jobs import Job

log = structlog.get_logger("hotline.upkeep")


async def run_maintenance(jobs: Sequence[Job], stop: asyncio.Event) -> None:
    """Repeat each job, with its pause after every step, until `stop`."""
    await asyncio.gather(*(_every(job, stop) for job in jobs))


async def _every(job: Job, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await job.step()
        except Exception as fault:  # the loop outlives whatever one step met
            log.error("upkeep.fault", kind=type(fault).__name__, exc_info=fault)
        try:
            await asyncio.wait_for(stop.wait(), job.pause)
        except TimeoutError:
            continue

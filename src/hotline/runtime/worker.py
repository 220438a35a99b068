"""The worker: runs every job of a process until it is stopped. An exception of a step is logged and the step tried
again; it does not end the worker."""

import asyncio
from collections.abc import Sequence

import structlog

from hotline.database.connection_wait import mark_as_job
from hotline.jobs import Job
from hotline.runtime.jobs import WorkerContext

log = structlog.get_logger("hotline.worker")


class Worker:
    """All jobs of one process. `run` until `stop`."""

    def __init__(self, context: WorkerContext, jobs: Sequence[Job]) -> None:
        self.context, self.jobs = context, {job.name: job for job in jobs}

    async def run(self) -> None:
        await asyncio.gather(*(self._repeat(job) for job in self.jobs.values()))
        for finish in self.context.on_shutdown:
            await finish()
        await self.context.channels.close()
        if self.context.heartbeat is not None:
            await self.context.heartbeat.close()

    def stop(self) -> None:
        self.context.stopping.set()
        if self.context.subprocess is not None:
            self.context.subprocess.stop()

    async def _repeat(self, job: Job) -> None:
        mark_as_job()
        while not self.context.stopping.is_set():
            busy = False
            try:
                busy = await job.step()
            except Exception as fault:  # the loop outlives whatever one step met
                log.error("worker.fault", loop=job.name, kind=type(fault).__name__, exc_info=fault)
            if not busy:
                try:
                    await asyncio.wait_for(self.context.stopping.wait(), job.pause)
                except TimeoutError:
                    continue

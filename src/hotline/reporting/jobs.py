"""What a worker does for figures, reports and exports."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from hotline.reporting.service.exports import make_next
from hotline.reporting.service.figures import FOLDED_AT_ONCE, are_many, fold, must_be_rebuilt, stand
from hotline.reporting.service.reports import make_due
from hotline.runtime.jobs import SELDOM, SOON, Job, WorkerContext
from hotline.runtime.subprocess import LEFT

log = structlog.get_logger("hotline.worker")


def reporting_jobs(context: WorkerContext) -> Sequence[Job]:
    services = context.services

    async def fold_figures() -> bool:
        now = services.clock()
        if context.subprocess is not None and not await stand(services) and await are_many(services):
            if await must_be_rebuilt(services):
                code, said = await context.subprocess.run("figures", "rebuild", "--if-needed")
                if code not in LEFT:
                    log.error("figures.rebuild_failed", code=code, said=said)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(context.stopping.wait(), SELDOM)
            return False
        # again at once only where much waits: a fold for every few events would cost a commit for each
        return await fold(services, now) >= FOLDED_AT_ONCE

    async def make_reports() -> bool:
        return await make_due(services, services.clock()) > 0

    async def make_exports() -> bool:
        return await make_next(services, services.clock())

    return (
        Job("figures", fold_figures, SOON),
        Job("reports", make_reports, SELDOM),
        Job("exports", make_exports, SOON),
    )

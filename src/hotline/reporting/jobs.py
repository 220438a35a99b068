"""The worker's jobs for figures, reports and exports, and for the stream of events that the figures are folded from."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import sqlalchemy as sa
import structlog

from hotline.database.counting import count_rows
from hotline.jobs import BATCH, LONG_PAUSE, MEDIUM_PAUSE, Job, RetentionPeriod, RetentionRule
from hotline.reporting import rollups
from hotline.reporting.service import exports
from hotline.reporting.service.exports import make_next_export
from hotline.reporting.service.figures import (
    FOLDED_AT_ONCE,
    has_many_tickets,
    has_rollups,
    load_rollup_drift,
    needs_rebuild,
    update_rollups,
)
from hotline.reporting.service.reports import make_due_reports
from hotline.reporting.tables import export
from hotline.reporting.vocabulary import ExportStatus
from hotline.runtime.jobs import WorkerContext
from hotline.runtime.subprocess import EXIT_DRIFT, NORMAL_EXITS
from hotline.streaming import store as streaming_store
from hotline.streaming.service import KEEP
from hotline.tickets.context import Services
from hotline.tickets.tables import event

log = structlog.get_logger("hotline.worker")
retention_log = structlog.get_logger("hotline.retention")


def reporting_jobs(context: WorkerContext) -> Sequence[Job]:
    services = context.services

    async def fold_figures() -> bool:
        now = services.clock()
        if context.subprocess is not None and not await has_rollups(services) and await has_many_tickets(services):
            if await needs_rebuild(services):
                code, output = await context.subprocess.run("figures", "rebuild", "--if-needed")
                if code not in NORMAL_EXITS:
                    log.error("figures.rebuild_failed", code=code, said=output)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(context.stopping.wait(), LONG_PAUSE)
            return False
        # again at once only where much waits: a fold for every few events would cost a commit for each
        return await update_rollups(services, now) >= FOLDED_AT_ONCE

    async def make_reports() -> bool:
        return await make_due_reports(services, services.clock()) > 0

    async def make_exports() -> bool:
        return await make_next_export(services, services.clock())

    return (
        Job("figures", fold_figures, MEDIUM_PAUSE),
        Job("reports", make_reports, LONG_PAUSE),
        Job("exports", make_exports, MEDIUM_PAUSE),
    )


async def check_figures(services: Services, now: datetime) -> int:
    """Compare the rollups with everything counted anew; how many differ. Reported, not mended."""
    found = await load_rollup_drift(services, now)
    for key, (kept, true) in list(found.items())[:20]:
        retention_log.error("figures.drift", dimension=key[0], day=key[1], code=key[2], kept=kept, true=true)
    return len(found)


async def check_figures_nightly(context: WorkerContext) -> None:
    """The same, in a process of its own where there are many."""
    if context.subprocess is not None and await has_many_tickets(context.services):
        code, output = await context.subprocess.run("figures", "check")
        if code not in NORMAL_EXITS:
            log.error("figures.drift" if code == EXIT_DRIFT else "figures.check_failed", code=code, said=output)
    else:
        await check_figures(context.services, context.services.clock())


async def _forget_exports(services: Services, before: datetime) -> int:
    return await exports.delete_expired_exports(services, before)


async def _count_exports(services: Services, before: datetime) -> int:
    ready = sa.and_(export.c.status == ExportStatus.READY, export.c.ended_at < before)
    return await services.db.snapshot(lambda c: count_rows(c, export, ready))


async def _count_events(services: Services, before: datetime) -> int:
    """The newest stays, so that places never begin again."""
    folded = (await rollups.load_fold_mark(services.db)).position or 0
    newest = sa.select(sa.func.max(event.c.position)).where(event.c.position <= folded).scalar_subquery()
    return await services.db.snapshot(
        lambda c: count_rows(c, event, sa.and_(event.c.at < before, event.c.position < newest))
    )


async def _forget_events(services: Services, before: datetime) -> int:
    """Events of the stream, but for those that the figures have not taken up."""
    folded = (await rollups.load_fold_mark(services.db)).position or 0
    return await services.db.transact(lambda c: streaming_store.delete_old_events(c, before, folded, BATCH))


def retention() -> Sequence[RetentionRule[Services]]:
    return (
        RetentionRule("exports", _forget_exports, period=RetentionPeriod(exports.KEPT.days), count=_count_exports),
        RetentionRule("stream", _forget_events, period=RetentionPeriod(KEEP.days), count=_count_events),
    )

"""The worker's jobs for learning: read labels, train, review the version in use; and keep each process's copy of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hotline.jobs import BATCH, LONG_PAUSE, Job, RetentionRule
from hotline.learning import store
from hotline.learning.collecting import AT_ONCE, collect_labels
from hotline.learning.fit_process import fit_apart
from hotline.learning.in_use import REFRESH, ModelInUse
from hotline.learning.service import check_drift, is_training_due, review_shadow, train
from hotline.runtime.jobs import WorkerContext
from hotline.tickets.context import Services

KEPT = timedelta(days=400)  # versions that were in use, of half a megabyte each
UNUSED_KEPT = timedelta(days=30)  # those that were not


def learning_jobs(context: WorkerContext) -> Sequence[Job]:
    services = context.services

    async def learn() -> bool:
        now = services.clock()
        if await collect_labels(services, now) >= AT_ONCE:
            return True
        await check_drift(services, now)
        await review_shadow(services, now)
        if await is_training_due(services, now):
            await train(services, fit_apart, now)
        return False

    return Job("learning", learn, LONG_PAUSE), refresh_job(services)


def refresh_job(services: Services) -> Job:
    """Every process that takes calls or texts in holds the version in use."""

    async def refresh() -> bool:
        await services.part(ModelInUse).refresh(services.db)
        return False

    return Job("model", refresh, REFRESH)


async def _forget_versions(services: Services, now: datetime) -> int:
    return await services.db.transact(lambda c: store.delete_old_versions(c, now - KEPT, now - UNUSED_KEPT, BATCH))


def retention() -> Sequence[RetentionRule[Services]]:
    return (RetentionRule("models", _forget_versions),)

"""The worker's jobs for pushed items: process them, bring in what was spooled, delete what is past its time."""

from collections.abc import Sequence
from datetime import datetime

from hotline.database.identifiers import new_reference
from hotline.inbound import store as inbound_store
from hotline.inbound.context import InboundServices
from hotline.inbound.processing import process_due
from hotline.inbound.spool_drain import drain_spooled_records
from hotline.jobs import AT_ONCE, BATCH, MEDIUM_PAUSE, Job, RetentionPeriod, RetentionRule

KEPT = RetentionPeriod(180, 150, "retention.why.texts")  # longer than the five months the regulator asks for


def inbound_jobs(services: InboundServices) -> Sequence[Job]:
    async def take() -> bool:
        return await process_due(services, services.clock()) > 0

    return Job("inbound", take, AT_ONCE), spool_job(services)


def spool_job(services: InboundServices) -> Job:
    """Done by every process for its own spool, which may lie on a disk of its own."""

    async def drain() -> bool:
        await drain_spooled_records(services)
        return False

    return Job("spool", drain, MEDIUM_PAUSE)


async def _pull_back(services: InboundServices, now: datetime) -> int:
    return await services.db.transact(inbound_store.correct_future_due)


async def _forget(services: InboundServices, before: datetime) -> int:
    return await services.db.transact(lambda c: inbound_store.delete_old_items(c, new_reference(before), BATCH))


async def _count(services: InboundServices, before: datetime) -> int:
    return await services.db.snapshot(lambda c: inbound_store.count_old_items(c, new_reference(before)))


def retention() -> Sequence[RetentionRule[InboundServices]]:
    return RetentionRule("inbound_ahead", _pull_back), RetentionRule("inbound", _forget, period=KEPT, count=_count)

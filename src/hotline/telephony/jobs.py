"""The worker's jobs for calls: end silent ones, delete events and recordings past their time."""

from collections.abc import Sequence
from datetime import datetime

from hotline.jobs import BATCH, LONG_PAUSE, Job, RetentionRule
from hotline.runtime.jobs import WorkerContext
from hotline.telephony import store as call_store
from hotline.telephony.service import EVENT_RETENTION, end_silent_calls
from hotline.tickets.context import Services


def telephony_jobs(context: WorkerContext) -> Sequence[Job]:
    services = context.services

    async def end_calls() -> bool:
        return await end_silent_calls(services, services.clock()) > 0

    return (Job("calls", end_calls, LONG_PAUSE),)


async def _forget_events(services: Services, now: datetime) -> int:
    return await services.db.transact(lambda c: call_store.delete_old_events(c, now - EVENT_RETENTION, BATCH))


async def _forget_recordings(services: Services, now: datetime) -> int:
    return await services.db.transact(lambda c: call_store.delete_expired_recordings(c, now, BATCH))


def retention() -> Sequence[RetentionRule[Services]]:
    return RetentionRule("events", _forget_events), RetentionRule("recordings", _forget_recordings)

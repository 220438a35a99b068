"""The worker's jobs for calls: end silent ones, delete events and recordings past their time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hotline.database.counting import count_rows
from hotline.jobs import BATCH, LONG_PAUSE, Job, RetentionPeriod, RetentionRule
from hotline.runtime.jobs import WorkerContext
from hotline.telephony import store as call_store
from hotline.telephony.service import EVENT_RETENTION, end_silent_calls
from hotline.telephony.tables import voice_event
from hotline.tickets.context import Services

RINGS_KEPT = timedelta(hours=1)  # nobody is told of older ones


def telephony_jobs(context: WorkerContext) -> Sequence[Job]:
    services = context.services

    async def end_calls() -> bool:
        now = services.clock()
        await services.db.transact(lambda c: call_store.delete_old_rings(c, now - RINGS_KEPT))
        return await end_silent_calls(services, now) > 0

    return (Job("calls", end_calls, LONG_PAUSE),)


_EVENTS = RetentionPeriod(EVENT_RETENTION.days, EVENT_RETENTION.days, "retention.why.may_change")
_CALLS = RetentionPeriod(None, 180, "retention.why.calls")


async def _forget_events(services: Services, before: datetime) -> int:
    return await services.db.transact(lambda c: call_store.delete_old_events(c, before, BATCH))


async def _count_events(services: Services, before: datetime) -> int:
    return await services.db.snapshot(lambda c: count_rows(c, voice_event, voice_event.c.at < before))


async def _forget_callers(services: Services, before: datetime) -> int:
    return await services.db.transact(lambda c: call_store.erase_old_callers(c, before, BATCH))


async def _count_callers(services: Services, before: datetime) -> int:
    return await services.db.snapshot(lambda c: call_store.count_old_callers(c, before))


async def _forget_recordings(services: Services, now: datetime) -> int:
    return await services.db.transact(lambda c: call_store.delete_expired_recordings(c, now, BATCH))


def retention() -> Sequence[RetentionRule[Services]]:
    return (
        RetentionRule("events", _forget_events, period=_EVENTS, count=_count_events),
        RetentionRule("calls", _forget_callers, period=_CALLS, count=_count_callers),
        RetentionRule("recordings", _forget_recordings),
    )

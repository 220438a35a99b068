"""The worker's job for alerts: what a turn of duty that begins changes, no event tells."""

from collections.abc import Sequence

from hotline.alerts.push_service import push_begun_turns
from hotline.jobs import LONG_PAUSE, Job
from hotline.runtime.jobs import WorkerContext


def alert_jobs(context: WorkerContext) -> Sequence[Job]:
    services = context.services

    async def tell_begun_turns() -> bool:
        return await push_begun_turns(services, services.clock()) > 0

    return (Job("duty_turns", tell_begun_turns, LONG_PAUSE),)

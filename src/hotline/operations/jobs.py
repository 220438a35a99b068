"""The worker's jobs for operations: run the checks, and send the heartbeat while none fails."""

from collections.abc import Sequence

import structlog

from hotline.delivery.alarms import add_alarm
from hotline.delivery.notices import GatewayDown
from hotline.jobs import Job
from hotline.operations.departure_checks import notify_departed_names
from hotline.operations.doctor import WORKER_CHECKS, notify_roster_gaps, run_checks
from hotline.operations.findings import Finding
from hotline.operations.processes import INTERVAL, note_process
from hotline.operations.readiness import REFRESH, refresh_caches
from hotline.operations.stored_keys import delete_dropped
from hotline.runtime.jobs import WorkerContext
from hotline.tickets.context import Services

AUDIT = 300.0  # seconds
log = structlog.get_logger("hotline.worker")


def operations_jobs(context: WorkerContext) -> Sequence[Job]:
    async def audit() -> bool:
        """Run the checks, warn of hours without anybody on duty and of names of those who are gone, and send the
        heartbeat if no check fails."""
        services = context.services
        now = services.clock()
        await notify_roster_gaps(services, now)
        await notify_departed_names(services, now)
        wrong = [f for f in await run_checks(services, now, WORKER_CHECKS) if f.wrong]
        for finding in wrong:
            log.error("doctor.check_failed", check=finding.check, says=finding.says)
            if finding.check == "skew":  # `hotline doctor` on another machine cannot see this one's clock
                await _raise_alarm(services, finding)
        if context.heartbeat is not None and not wrong:
            try:
                await context.heartbeat.beat()
            except GatewayDown as down:
                log.warning("heartbeat.failed", why=str(down))
        return False

    return (Job("audit", audit, AUDIT), _presence(context.services))


def upkeep_jobs(services: Services) -> Sequence[Job]:
    """Jobs of every API process: refresh the caches that intake needs while the database is unavailable."""

    async def remember() -> bool:
        return await refresh_caches(services, services.clock())

    return (Job("refresh", remember, REFRESH), _presence(services))


def _presence(services: Services) -> Job:
    """Note that this process runs; a look-up key that was dropped long ago goes."""

    async def note() -> bool:
        now = services.clock()
        await note_process(services, now)
        await services.db.transact(lambda c: delete_dropped(c, now))
        return False

    return Job("presence", note, INTERVAL)


async def _raise_alarm(services: Services, finding: Finding) -> None:
    """Tell operators, once an hour."""
    at = await services.db.time()
    payload = {"text": finding.says, "text_zh": finding.says_zh}
    await services.db.transact(lambda c: add_alarm(c, finding.check, payload, at))

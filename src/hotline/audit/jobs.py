"""The worker's jobs for audit: send the security log to other systems."""

from collections.abc import Sequence

import structlog

from hotline.audit.shipping import LogDestinations, ship_next
from hotline.jobs import MEDIUM_PAUSE, Job
from hotline.tickets.context import Services

log = structlog.get_logger("hotline.security_log")


def audit_jobs(services: Services) -> Sequence[Job]:
    return tuple(_shipping_job(services, name) for name in services.part(LogDestinations).names)


def _shipping_job(services: Services, destination: str) -> Job:
    async def ship() -> bool:
        try:
            return await ship_next(services, destination)
        except OSError as fault:
            log.warning("security_log.not_sent", destination=destination, why=fault.strerror or str(fault))
            return False

    return Job(f"security_log_{destination}", ship, MEDIUM_PAUSE)

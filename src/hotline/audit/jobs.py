"""The jobs of audit: send the security log elsewhere, take a checkpoint each hour, chain lines without a hash."""

import asyncio
from collections.abc import Sequence

import structlog

from hotline.audit.chaining import chain_next
from hotline.audit.checkpoints import checkpoint_line, make_checkpoint
from hotline.audit.shipping import LogDestinations, append_private, ship_next
from hotline.jobs import LONG_PAUSE, MEDIUM_PAUSE, Job
from hotline.tickets.context import Services

log = structlog.get_logger("hotline.security_log")


def audit_jobs(services: Services) -> Sequence[Job]:
    async def take_checkpoint() -> bool:
        now, to = services.clock(), services.part(LogDestinations).checkpoints
        made = await services.db.transact(lambda c: make_checkpoint(c, services.secret, now))
        if made is not None:
            log.info("audit.checkpoint", number=made["number"], tickets=made["tickets"], hash=made["hash"])
            if to is not None:
                await asyncio.to_thread(append_private, to, checkpoint_line(made) + b"\n")
        return False

    async def chain_older() -> bool:
        now = services.clock()
        return await services.db.transact(lambda c: chain_next(c, now)) > 0

    return (
        *(_shipping_job(services, name) for name in services.part(LogDestinations).names),
        Job("checkpoints", take_checkpoint, LONG_PAUSE),
        Job("chaining", chain_older, LONG_PAUSE),
    )


def _shipping_job(services: Services, destination: str) -> Job:
    async def ship() -> bool:
        try:
            return await ship_next(services, destination)
        except OSError as fault:
            log.warning("security_log.not_sent", destination=destination, why=fault.strerror or str(fault))
            return False

    return Job(f"security_log_{destination}", ship, MEDIUM_PAUSE)

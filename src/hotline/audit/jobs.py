"""The jobs of audit: send the security log and checkpoints elsewhere, take a checkpoint each hour, chain lines without
a hash, and look at the last day's history each night."""

import asyncio
import time
from collections.abc import Sequence

import structlog

from hotline.audit.chaining import BATCH, chain_tickets, find_unchained
from hotline.audit.checkpoints import make_checkpoint
from hotline.audit.opening import end_opening, is_open
from hotline.audit.shipping import LogDestinations, ship_checkpoints, ship_next
from hotline.audit.verification import ChainFault, verify_recent
from hotline.jobs import LONG_PAUSE, MEDIUM_PAUSE, Job
from hotline.tickets.context import Services

log = structlog.get_logger("hotline.security_log")
REST, LONGEST_REST = 3, 0.5  # times as long as a batch took, and seconds at most: between two batches of older lines


def audit_jobs(services: Services) -> Sequence[Job]:
    """The jobs, for a worker."""
    return (
        *(_shipping_job(services, name) for name in services.part(LogDestinations).names),
        _checkpoint_job(services),
        _chaining_job(services),
    )


async def check_recent_history(services: Services) -> ChainFault | None:
    """Verify what has happened since yesterday, and log what is wrong."""
    now = services.clock()
    found = await services.db.snapshot(lambda c: verify_recent(c, services.secret, now))
    if isinstance(found, ChainFault):
        log.error("audit.changed", row=found.row, why=found.why)
        return found
    return None


def _checkpoint_job(services: Services) -> Job:
    async def take_checkpoint() -> bool:
        now = services.clock()
        made = await services.db.transact(lambda c: make_checkpoint(c, services.secret, now))
        if made is not None:
            log.info("audit.checkpoint", number=made["number"], tickets=made["tickets"], hash=made["hash"])
        try:
            await ship_checkpoints(services)
        except OSError as fault:
            log.warning("audit.checkpoint_not_kept", why=fault.strerror or str(fault))
        return made is not None and made["through"] is not None

    return Job("checkpoints", take_checkpoint, LONG_PAUSE)


def _chaining_job(services: Services) -> Job:
    after, waiting = "", list[str]()

    async def chain_older() -> bool:
        nonlocal after, waiting
        begun = after
        if not waiting:
            found = await services.db.snapshot(lambda c: find_unchained(c, after) if is_open(c) else None)
            if found is None:
                return False
            waiting = list(found)
        numbers, waiting = waiting[:BATCH], waiting[BATCH:]
        if numbers:
            after, started_at = numbers[-1], time.perf_counter()
            chained = await services.db.transact(lambda c: chain_tickets(c, numbers))
            # a large database takes hours of it, once: calls come first
            await asyncio.sleep(min(REST * (time.perf_counter() - started_at), LONGEST_REST))
            return chained > 0 or bool(waiting)
        after = ""
        if not begun:
            now = services.clock()
            await services.db.transact(lambda c: end_opening(c, now))
        return False

    return Job("chaining", chain_older, LONG_PAUSE)


def _shipping_job(services: Services, destination: str) -> Job:
    async def ship() -> bool:
        try:
            return await ship_next(services, destination)
        except OSError as fault:
            log.warning("security_log.not_sent", destination=destination, why=fault.strerror or str(fault))
            return False

    return Job(f"security_log_{destination}", ship, MEDIUM_PAUSE)

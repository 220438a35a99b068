"""The check of the doctor that history is as it was written."""

from datetime import datetime, timedelta

from hotline.audit.verification import (
    LATE,
    ChainFault,
    load_last_checkpoint,
    load_last_verification,
    verify_recent,
)
from hotline.operations.findings import Finding, build_finding
from hotline.organisation.model.directory import Directory
from hotline.tickets.context import Services

VERIFIED_EVERY = timedelta(days=31)  # the whole of it


async def check_history(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    """The tickets and events of the last day, and every checkpoint's signature. `hotline audit verify` reads
    everything."""
    found = await services.db.snapshot(lambda c: verify_recent(c, services.secret, now))
    if isinstance(found, ChainFault):
        return [build_finding("audit", "doctor.audit.changed", wrong=True, row=found.row)]
    last = await services.db.snapshot(load_last_checkpoint)
    if last is not None and now - last > LATE:
        hours = int((now - last).total_seconds() // 3600)
        return [build_finding("audit", "doctor.audit.late", warns=True, hours=hours)]
    return [build_finding("audit", "doctor.audit.good", tickets=found.tickets, checkpoints=found.checkpoints)]


async def check_verified(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    """Whether all of history was verified lately."""
    last = await services.db.snapshot(load_last_verification)
    if last is not None and now - last > VERIFIED_EVERY:
        return [build_finding("verified", "doctor.verified.late", warns=True, days=(now - last).days)]
    return [build_finding("verified", "doctor.verified.good")]

"""The check of the doctor that history is as it was written."""

from datetime import datetime

from hotline.audit.verification import LATE, ChainFault, load_last_checkpoint, verify_recent
from hotline.operations.findings import Finding, build_finding
from hotline.organisation.model.directory import Directory
from hotline.tickets.context import Services


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

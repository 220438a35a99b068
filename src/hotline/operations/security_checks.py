"""Checks of the doctor on secrets and on files that were scanned."""

from datetime import datetime, timedelta

from hotline.database.sealing_rows import load_waiting_tables
from hotline.operations.findings import Finding, build_finding, list_finding
from hotline.operations.secret_rotation import count_sealed_by_others
from hotline.organisation.model.directory import Directory
from hotline.scanning.model import ScanState
from hotline.scanning.status import load_scanner_status
from hotline.server_secret import accepted_secrets
from hotline.tickets.context import Services

SCAN_WAIT = timedelta(minutes=10)  # a file that waits for longer waits too long


async def check_secret(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    """Whether earlier secrets are accepted, and whether they are still needed."""
    if len(accepted_secrets(services.secret)) == 1:
        return [build_finding("secret", "doctor.secret.good")]
    if count := await count_sealed_by_others(services):
        return [build_finding("secret", "doctor.secret.sealed", warns=True, count=count)]
    return [build_finding("secret", "doctor.secret.droppable", warns=True)]


async def check_sealing(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    """Whether personal data waits to be sealed."""
    if waiting := await services.db.snapshot(load_waiting_tables):
        return [list_finding("sealing", "doctor.sealing.waits", waiting, count=len(waiting))]
    return [build_finding("sealing", "doctor.sealing.good")]


async def check_scanner(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    """Whether the virus scanner answers, and what it found."""
    status = await load_scanner_status(services)
    if not status.is_set:
        return [build_finding("scanner", "doctor.scanner.off")]
    found: list[Finding] = []
    if status.down is not None:
        found.append(build_finding("scanner", "doctor.scanner.down", wrong=True, why=status.down))
    for state, key in ((ScanState.INFECTED, "doctor.scanner.infected"), (ScanState.FAILED, "doctor.scanner.failed")):
        if state in status.counts:
            found.append(build_finding("scanner", key, warns=True, count=status.counts[state][0]))
    count, oldest = status.counts.get(ScanState.WAITING, (0, now))
    if now - oldest > SCAN_WAIT:
        since = f"{oldest:%Y-%m-%dT%H:%M}Z"
        found.append(build_finding("scanner", "doctor.scanner.waits", warns=True, count=count, since=since))
    return found or [build_finding("scanner", "doctor.scanner.good")]

"""The worker's jobs of the virus scanner."""

from collections.abc import Sequence

from hotline.jobs import HOURLY, MEDIUM_PAUSE, Job
from hotline.runtime.jobs import WorkerContext
from hotline.scanning.service import FileScanner, note_older_files, scan_next


def scanning_jobs(context: WorkerContext) -> Sequence[Job]:
    """None where no scanner is set."""
    services = context.services
    address = services.part(FileScanner).address
    if address is None:
        return ()

    async def scan() -> bool:
        return await scan_next(services, address, services.clock())

    async def note_older() -> bool:
        return await note_older_files(services, services.clock())

    return Job("scanning", scan, MEDIUM_PAUSE), Job("older files", note_older, HOURLY)

"""What the package brings to the product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from hotline.jobs import Job
    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.settings import CapabilitySettings
    from hotline.tickets.context import Services


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    from hotline.scanning.clamd import parse_scanner_address
    from hotline.scanning.service import FileScanner

    address = parse_scanner_address(settings.virus_scanner) if settings.virus_scanner else None
    scanner = FileScanner(services, address)
    services.add(scanner)
    services.file_scanner = scanner


def _jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.scanning.jobs import scanning_jobs

    return scanning_jobs(context)


SCANNING = Capability(name="scanning", prepare=_prepare, jobs=_jobs)

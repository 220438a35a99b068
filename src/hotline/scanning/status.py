"""How the virus scanner and its files stand, for the doctor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hotline.scanning import store
from hotline.scanning.clamd import ScannerDown, ping
from hotline.scanning.model import ScanState
from hotline.scanning.service import FileScanner
from hotline.tickets.context import Services


@dataclass(frozen=True, slots=True)
class ScannerStatus:
    """`down`: why the scanner does not answer. `counts`: by state, how many files are not clean and since when the
    oldest is there."""

    is_set: bool
    down: str | None = None
    counts: Mapping[ScanState, tuple[int, datetime]] = field(default_factory=dict)


async def load_scanner_status(services: Services) -> ScannerStatus:
    """Asks the scanner's socket and the database."""
    address = services.part(FileScanner).address
    counts = await services.db.transact(store.count_by_state)
    if address is None:
        return ScannerStatus(is_set=False, counts=counts)
    try:
        await ping(address)
    except ScannerDown as down:
        return ScannerStatus(True, str(down), counts)
    return ScannerStatus(is_set=True, counts=counts)

"""Notes new files to be scanned, says which may be handed out, and scans them one by one for the worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from hotline.delivery.alarms import add_alarm
from hotline.locales import bilingual, translate
from hotline.organisation.model.actors import RULES
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.refusals import Code, Refusal, Refused
from hotline.scanning import store
from hotline.scanning.clamd import ScannerAddress, ScannerDown, ScanRefused, scan_file
from hotline.scanning.model import MOST_REFUSALS, ScanState, retry_delay
from hotline.security_log.store import SYSTEM, SecurityEvent, record_deeds
from hotline.security_log.vocabulary import Deed
from hotline.storage.files import quarantine, stored_path
from hotline.tickets.act import act_as_clock
from hotline.tickets.context import Services
from hotline.tickets.lifecycle import STALE_VERSION
from hotline.tickets.model.ticket import Command
from hotline.tickets.model.vocabulary import Action, Field
from hotline.tickets.store.facts import load_facts

LEASE = timedelta(minutes=3)  # longer than a scan takes
BACKFILL = 200  # files noted at once that are older than the scanner
RETRY_AFTER = 5  # seconds
_TRIES = 5  # to write into a timeline that others write into
_REPORTED = 20  # attachments named to operators where one file hangs on many tickets
log = structlog.get_logger("hotline.scanning")


@dataclass
class FileScanner:
    """What hands files out asks this. `address` None: files are not scanned, and all are handed out."""

    services: Services
    address: ScannerAddress | None = None
    older_noted: bool = False
    clean: set[str] = field(default_factory=set)  # a clean file stays clean: its name is the hash of its bytes

    async def note_file(self, sha256: str, now: datetime) -> None:
        """Note a stored file before it is attached. Raises Refused where the same bytes were found infected."""
        if self.address is None or sha256 in self.clean:
            return

        def note(c: sa.Connection) -> ScanState:
            store.add_waiting(c, [sha256], now)
            return store.load_scan(c, sha256)

        if await self.services.db.transact(note) is ScanState.INFECTED:
            quarantine(self.services.files, sha256)
            raise Refused(Refusal(Code.UNSUPPORTED_MEDIA, "the file is infected", errors=(("file", "not infected"),)))

    async def check_can_open(self, sha256: str) -> None:
        """Raises Refused unless the file is clean."""
        if self.address is None or sha256 in self.clean:
            return
        state = (await self.states([sha256])).get(sha256, ScanState.WAITING)
        if state is ScanState.CLEAN:
            if len(self.clean) < 50_000:
                self.clean.add(sha256)
            return
        if state is ScanState.WAITING:
            raise Refused(Refusal(Code.UNAVAILABLE, "the file is being scanned for viruses", retry_after=RETRY_AFTER))
        raise Refused(Refusal(Code.NOT_FOUND, f"the file is withheld: its scan says {state}"))

    async def states(self, hashes: Sequence[str]) -> Mapping[str, str]:
        """The state of each file; empty where files are not scanned."""
        if self.address is None or not hashes:
            return {}
        found = await store.load_scans(self.services.db, hashes)
        return {each: found.get(each, ScanState.WAITING) for each in hashes}


async def scan_next(services: Services, address: ScannerAddress, now: datetime) -> bool:
    """Scan the file that has waited longest. False: none is due."""
    row = await services.db.transact(lambda c: store.claim_due(c, now, LEASE))
    if row is None:
        return False
    path = stored_path(services.files, row.sha256)
    try:
        found = await scan_file(address, path)
    except FileNotFoundError:
        await _note_result(services, row.sha256, ScanState.FAILED, "the file is missing from the store", now)
    except ScannerDown as down:
        log.warning("scan.postponed", file=row.sha256, why=str(down))
        delay = retry_delay(row.attempts)
        values = {"attempts": row.attempts + 1, "next_at": now + delay}
        await services.db.transact(lambda c: store.update_scan(c, row.sha256, values))
        return False  # it does not answer for the next one either
    except ScanRefused as refused:
        if row.attempts + 1 >= MOST_REFUSALS:
            await _note_result(services, row.sha256, ScanState.FAILED, str(refused), now)
        else:
            values = {"attempts": row.attempts + 1, "next_at": now + retry_delay(row.attempts)}
            await services.db.transact(lambda c: store.update_scan(c, row.sha256, values))
    else:
        if found is not None:
            quarantine(
                services.files, row.sha256
            )  # first: if the process ends here, it is scanned again and is missing
            await _tell_tickets(services, row.sha256, found, now)
        await _note_result(services, row.sha256, ScanState.INFECTED if found else ScanState.CLEAN, found, now)
    return True


async def _tell_tickets(services: Services, sha256: str, found: str, now: datetime) -> None:
    """Write into the timeline of each ticket that the file was attached to; once, however often it is scanned."""
    for row in await services.db.transact(lambda c: store.load_attached(c, sha256, _REPORTED)):
        text = translate("system_text.infected", "en", name=row.name, found=found[:200])
        for _ in range(_TRIES):
            facts = await load_facts(services.db, SYSTEM_SCOPE, row.number)
            if facts is None:
                break
            command = Command(Action.COMMENT, facts.ticket.version, {Field.TEXT: text})
            key = f"infected:{sha256[:32]}:{row.number}"
            if await act_as_clock(services, facts, [command], key, now, RULES) is not STALE_VERSION:
                break


async def _note_result(services: Services, sha256: str, state: ScanState, found: str | None, now: datetime) -> None:
    def note(c: sa.Connection) -> Sequence[str]:
        values = {"state": state, "found": found and found[:200], "next_at": None, "scanned_at": now}
        if not store.update_scan(c, sha256, values) or state is not ScanState.INFECTED:
            return ()
        numbers = []
        for row in store.load_attached(c, sha256, _REPORTED):
            texts = bilingual("alarm.infected", name=row.name, number=row.number, found=found)
            add_alarm(c, f"infected.{sha256[:6]}.{row.number}", texts, now)
            numbers.append(str(row.number))
        details = {"file": sha256, "found": found}
        record_deeds(
            c,
            [
                SecurityEvent(
                    Deed.FILE_FOUND_INFECTED, SYSTEM, now, about=("ticket", number), details=details, address=None
                )
                for number in numbers
            ],
        )
        return numbers

    numbers = await services.db.transact(note)
    if state is not ScanState.CLEAN:
        log.warning("scan.withheld", file=sha256, state=state, found=found, tickets=numbers)


async def note_older_files(services: Services, now: datetime) -> bool:
    """Note files that were attached before there was a scanner. True: there may be more. Once none is left, this
    process looks through the attachments no more: what is attached since then is noted before."""
    scanner = services.part(FileScanner)
    if scanner.older_noted:
        return False

    def note(c: sa.Connection) -> int:
        hashes = store.load_unscanned(c, BACKFILL)
        store.add_waiting(c, hashes, now)
        return len(hashes)

    scanner.older_noted = await services.db.transact(note) < BACKFILL
    return not scanner.older_noted

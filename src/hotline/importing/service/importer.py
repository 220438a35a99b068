"""Imports a file batch by batch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hotline.database.engine import IntegrityFault, Replayed
from hotline.database.write_plan import StoredAnswer
from hotline.importing.files import ImportRow, ImportSource, RejectedFile, UnreadableFileError
from hotline.importing.mapping import ImportMapping, ParsedMapping, mapping_errors
from hotline.importing.service.cells import ImportRules, read_case
from hotline.importing.service.history import history_of
from hotline.importing.service.report import ImportReport
from hotline.organisation.model.directory import Directory
from hotline.refusals import Code, Refusal, Refused
from hotline.server_secret import digest_key
from hotline.text.phones import caller_id
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Change
from hotline.tickets.store import callers
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.write_plan import build_write_plan

BATCH = 50  # rows in one transaction, and apart from the batches people wait for
RefuseRow = Callable[[ImportRow, tuple[tuple[str, str], ...]], None]
_NO_NUMBER: Any = "000000000"


@dataclass(frozen=True, slots=True)
class ImportJob:
    """A file to be taken in, and by what. `encoding` None: its mark, else UTF-8; `dry_run`: nothing is kept; `notify`:
    departments are notified of their orders; `rejected`: a file for the refused rows."""

    file: Path
    mapping: ImportMapping
    directory: Directory
    encoding: str | None = None
    dry_run: bool = False
    notify: bool = False
    rejected: Path | None = None


def open_source(
    path: Path, mapping: ImportMapping | ParsedMapping, directory: Directory, encoding: str | None = None
) -> ImportSource:
    """The file, ready to be read by this mapping. Raises Refused with all that is wrong with mapping and heading."""
    read = mapping if isinstance(mapping, ParsedMapping) else ParsedMapping(mapping)
    mapping = read.mapping
    faults = [
        *read.faults,
        *((where, rule) for where, rule in mapping_errors(mapping, directory) if not read.is_malformed_at(where)),
    ]
    columns = {name: column for name, column in mapping.columns() if not read.is_malformed_at(name)}
    source: ImportSource | None = None
    try:
        source = ImportSource(path, mapping.format, encoding, tuple(dict.fromkeys(columns.values())))
    except UnreadableFileError as fault:
        faults.append((path.name, str(fault)))
    if source is not None and not read.is_malformed_at("format") and (source.header or not source.is_json):
        for name, column in columns.items():
            stands = source.header.count(column)
            if stands == 0:
                faults.append((name, f"no column {column!r} in the file"))
            elif stands > 1:
                faults.append((name, f"the column {column!r} stands {stands} times in the heading"))
    if faults or source is None:
        raise Refused(Refusal(Code.INVALID, "the import cannot begin; nothing was taken in", errors=tuple(faults)))
    return source


async def import_file(
    services: Services,
    job: ImportJob,
    now: datetime,
    report: ImportReport | None = None,
    *,
    progress: Callable[[int], None] | None = None,
    on_refused: Callable[[str, str], None] | None = None,
) -> ImportReport:
    """Take a file in, one transaction per batch; a second run goes on where the first one stopped.

    Raises Refused before the first row where mapping or heading are wrong, and later only where database or disk fail:
    `report` then holds what was taken in. `progress` gets the number of bytes read, `on_refused` each refused
    (place, reason)."""
    source = open_source(job.file, job.mapping, job.directory, job.encoding)
    run = _ImportRun(services, job, report or ImportReport(), now)
    rejected_file = _rejected_file(job.rejected, source) if job.rejected is not None else None
    read = source.rows()

    def refuse(row: ImportRow, errors: tuple[tuple[str, str], ...]) -> None:
        why = run.report.add_refusal(row.place, errors)
        if rejected_file is not None:
            rejected_file.add(row, why)
        if on_refused is not None:
            on_refused(row.place, why)

    pending: list[ImportRow] = []
    try:
        while True:
            try:
                row = next(read, None)
            except UnreadableFileError as fault:
                row, read = ImportRow("the rest", None, str(fault)), iter(())
            if row is not None:
                pending.append(row)
            if len(pending) >= BATCH or row is None:
                await run.import_batch(pending, refuse)
                pending = []
                if progress is not None:
                    progress(source.position)
            if row is None:
                return run.report
    finally:
        if rejected_file is not None:
            rejected_file.close()


def _rejected_file(path: Path, source: ImportSource) -> RejectedFile:
    """Made before the first row, so that no refused row is lost. Raises Refused where it cannot be."""
    try:
        return RejectedFile(path, source)
    except OSError as fault:
        why = "it is there already" if isinstance(fault, FileExistsError) else fault.strerror or type(fault).__name__
        raise Refused(
            Refusal(Code.INVALID, "the import cannot begin; nothing was taken in", errors=((path.name, why),))
        ) from None


@dataclass(frozen=True, slots=True)
class _ImportedRow:
    """A row that can be taken in, and what is reported about it."""

    row: ImportRow
    change: Change
    answer: StoredAnswer
    odd: tuple[str, ...]


class _ImportRun:
    """One run: what rows are read by, and what has become of them."""

    def __init__(self, services: Services, job: ImportJob, report: ImportReport, now: datetime) -> None:
        self.services, self.job, self.report, self.source = services, job, report, job.mapping.source
        self.rules = ImportRules(job.mapping, job.directory, now, services.region, services.area_code)
        self._seen: set[str] = set()

    def _ident_of(self, row: ImportRow) -> str:
        """The row's number in the other system. Raises Refused where the row cannot be taken."""
        ident = row.cells.get(self.job.mapping.id, "").strip() if row.cells is not None else ""
        error: tuple[str, str] | None = None
        if row.cells is None:
            error = ("", row.fault)
        elif not ident:
            error = (self.job.mapping.id, "missing")
        elif not (ident.isprintable() and len(ident) <= 80):
            error = (self.job.mapping.id, "1-80 printable characters")
        elif ident in self._seen:
            error = (self.job.mapping.id, "the same id stands in an earlier row")
        if error is not None:
            raise Refused(Refusal(Code.INVALID, "the row cannot be taken in", errors=(error,)))
        self._seen.add(ident)
        return ident

    async def import_batch(self, rows: list[ImportRow], refuse: RefuseRow) -> None:
        """Take these rows in, or refuse each by itself."""
        named: list[tuple[ImportRow, str | Refused]] = []
        for row in rows:
            try:
                named.append((row, self._ident_of(row)))
            except Refused as refused:
                named.append((row, refused))
        idents = [ident for _, ident in named if isinstance(ident, str)]
        known = await ticket_facts.load_known_outer_numbers(self.services.db, self.source, idents) if idents else set()
        made: list[_ImportedRow] = []
        for row, ident in named:
            if isinstance(ident, Refused):
                refuse(row, ident.refusal.errors)
                continue
            if ident in known:
                self.report.known += 1
                continue
            number = _NO_NUMBER if self.job.dry_run else await self.services.numbers.take()
            try:
                case = read_case(self.rules, row.cells or {}, ident)
                secret, who = self.services.secret, case.who
                caller = caller_id(who.phone, secret) if who.phone and who.caller else None
                change = history_of(self.rules, case, number, caller, notify=self.job.notify)
            except Refused as refused:
                refuse(row, refused.refusal.errors or (("", refused.refusal.detail),))
            except Exception as fault:  # one odd row must not end the import of all others
                refuse(row, (("", f"cannot be taken in: {type(fault).__name__}"),))
            else:
                answer = StoredAnswer(f"import:{self.source}", ident, "import", 201, "", self.rules.now, "1")
                made.append(_ImportedRow(row, change, answer, case.odd))
        if not self.job.dry_run:
            made = await self._drop_known_callers(made)
            made = await self._written(made, refuse)
        for one in made:
            self.report.taken += 1
            status = one.change.after.ticket.status
            self.report.by_status[status] = self.report.by_status.get(status, 0) + 1
            for what in one.odd:
                self.report.odd[what] = self.report.odd.get(what, 0) + 1

    async def _drop_known_callers(self, made: list[_ImportedRow]) -> list[_ImportedRow]:
        """A card that is here already stays: an old export has neither the newest name nor the last call."""
        ids = {caller.id for one in made for caller in one.change.callers}
        known = await callers.load_known_caller_ids(self.services.db, sorted(ids)) if ids else set()
        return [
            replace(one, change=replace(one.change, callers=()))
            if any(caller.id in known for caller in one.change.callers)
            else one
            for one in made
        ]

    async def _written(self, made: list[_ImportedRow], refuse: RefuseRow) -> list[_ImportedRow]:
        """The changes that were kept. Where the database refuses the batch, each row is tried alone, and its fault
        told."""
        if not made:
            return []
        key = digest_key(self.services.secret)
        try:
            outcomes = await self.services.db.write([build_write_plan(one.change, one.answer, key) for one in made])
        except Refused:
            raise
        except Exception as fault:
            if len(made) > 1:
                return [kept for one in made for kept in await self._written([one], refuse)]
            ident = made[0].answer.key
            if isinstance(fault, IntegrityFault) and await ticket_facts.load_known_outer_numbers(
                self.services.db, self.source, [ident]
            ):
                # another run took it in at the same moment
                self.report.known += 1
            else:
                refuse(made[0].row, (("", f"the database refused it: {type(fault).__name__}"),))
            return []
        again = [isinstance(outcome, Replayed) for outcome in outcomes]
        self.report.known += sum(again)
        return [one for one, known in zip(made, again, strict=True) if not known]

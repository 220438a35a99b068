"""Taking in what another system exported: every row becomes a ticket with its history, or is refused with a reason.

What can be known from the mapping and the file's heading is told before the first row. History is played through the
life cycle's own tables, so that an imported ticket is one that could have happened here. Open matters are taken over
now: their limits begin with the import, and nobody is told of the past. docs/importing.md says it for who imports.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from hotline.database.engine import IntegrityFault, Replayed
from hotline.database.write_plan import StoredAnswer
from hotline.delivery.model import Message
from hotline.importing.files import FileUnreadable, ImportRow, ImportSource, RejectedFile
from hotline.importing.mapping import (
    STATUSES,
    ColumnWords,
    Layout,
    ReadMapping,
    TimeReader,
    as_far_as_read,
    mapping_faults,
    read_mapping,
    targets,
)
from hotline.organisation.model.actors import CLOCK, RULES, Actor, ActorKind, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.refusals import Code, Refusal, Refused
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import ParsedPhone, caller_id
from hotline.tickets.context import Services
from hotline.tickets.lifecycle import decide
from hotline.tickets.model import tallies
from hotline.tickets.model.ticket import Call, Caller, Change, Clock, Command, Entry, Facts, Ticket, Written
from hotline.tickets.model.vocabulary import OPEN, Action, Field, Satisfaction, TicketStatus
from hotline.tickets.sla.policies import FURTHEST, limits_for
from hotline.tickets.store import callers
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.write_plan import plan_of

__all__ = ["ImportReport", "Layout", "as_far_as_read", "checked_source", "import_file", "read_mapping"]

BATCH = 50  # rows in one transaction, and apart from the batches people wait for
MOST_LISTED = 10_000  # refused rows a report lists; all are counted, and stand in the files that were asked for
REVIEW_AFTER = timedelta(days=30)  # when a matter imported as shelved is looked at again
_BLANK = ("N/A", "Unspecified")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LENGTHS = {"narrative": 10_000, "reply": 4_000, "address": 500, "name": 120, "contact": 200, "phone": 200}
F = Field
_FIELDS = {str(f): f for f in F}


@dataclass(slots=True)
class ImportReport:
    """What became of a file: taken in now, known from an earlier run, refused with (row, reason), taken in with
    something odd. `refused` lists the first MOST_LISTED; `by_rule` counts every broken rule."""

    taken: int = 0
    known: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    refused_count: int = 0
    by_rule: dict[str, int] = field(default_factory=dict)
    odd: dict[str, int] = field(default_factory=dict)
    by_status: dict[str, int] = field(default_factory=dict)

    def refuse(self, place: str, errors: tuple[tuple[str, str], ...]) -> str:
        """Count a row that is refused; why, as one text."""
        why = "; ".join(f"{column}: {rule}" if column else rule for column, rule in errors)
        self.refused_count += 1
        if len(self.refused) < MOST_LISTED:
            self.refused.append((place, why))
        for column, rule in errors:
            key = f"{column}: {rule}" if column else rule
            if key in self.by_rule or len(self.by_rule) < 1_000:
                self.by_rule[key] = self.by_rule.get(key, 0) + 1
        return why


def checked_source(
    path: Path, mapping: Layout | ReadMapping, directory: Directory, encoding: str | None = None
) -> ImportSource:
    """The file, ready to be read by this mapping. Raises Refused with all that is wrong with mapping and heading."""
    read = mapping if isinstance(mapping, ReadMapping) else ReadMapping(mapping)
    mapping = read.layout
    faults = [
        *read.faults,
        *((where, rule) for where, rule in mapping_faults(mapping, directory) if not read.hides(where)),
    ]
    columns = {name: column for name, column in mapping.columns() if not read.hides(name)}
    source: ImportSource | None = None
    try:
        source = ImportSource(path, mapping.format, encoding, tuple(dict.fromkeys(columns.values())))
    except FileUnreadable as fault:
        faults.append((path.name, str(fault)))
    if source is not None and not read.hides("format") and (source.header or not source.is_json):
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
    path: Path,
    mapping: Layout,
    directory: Directory,
    *,
    dry_run: bool,
    progress: Callable[[int], None],
    now: datetime,
    encoding: str | None = None,
    notify: bool = False,
    rejected: Path | None = None,
    on_refused: Callable[[str, str], None] | None = None,
    report: ImportReport | None = None,
) -> ImportReport:
    """Take a file in by this directory, one transaction per batch; a second run goes on where the first one stopped.

    Raises Refused before the first row where mapping or heading are wrong, and later only where database or disk fail:
    `report` then holds what was taken in. `progress` is told how many bytes are read, `on_refused` each refused
    (place, reason). `rejected`: a file for the refused rows. `notify`: departments are told of the orders they get."""
    source = checked_source(path, mapping, directory, encoding)
    run = _Import(services, directory, mapping, report or ImportReport(), now, dry_run=dry_run, notify=notify)
    kept = _rejected_file(rejected, source) if rejected is not None else None
    read = source.rows()

    def refuse(row: ImportRow, errors: tuple[tuple[str, str], ...]) -> None:
        why = run.report.refuse(row.place, errors)
        if kept is not None:
            kept.add(row, why)
        if on_refused is not None:
            on_refused(row.place, why)

    pending: list[ImportRow] = []
    try:
        while True:
            try:
                row = next(read, None)
            except FileUnreadable as fault:
                row, read = ImportRow("the rest", None, str(fault)), iter(())
            if row is not None:
                pending.append(row)
            if len(pending) >= BATCH or row is None:
                await run.batch(pending, refuse)
                pending = []
                progress(source.position)
            if row is None:
                return run.report
    finally:
        if kept is not None:
            kept.close()


def _rejected_file(path: Path, source: ImportSource) -> RejectedFile:
    """Made before the first row, so that no refused row is lost. Raises Refused where it cannot be."""
    try:
        return RejectedFile(path, source)
    except OSError as fault:
        why = "it is there already" if isinstance(fault, FileExistsError) else fault.strerror or type(fault).__name__
        raise Refused(
            Refusal(Code.INVALID, "the import cannot begin; nothing was taken in", errors=((path.name, why),))
        ) from None


Refuse = Callable[[ImportRow, tuple[tuple[str, str], ...]], None]


class _Import:
    """One run: what rows are read by, and what has become of them."""

    def __init__(
        self,
        services: Services,
        directory: Directory,
        mapping: Layout,
        report: ImportReport,
        now: datetime,
        *,
        dry_run: bool,
        notify: bool,
    ) -> None:
        self.services, self.directory, self.m, self.report, self.now = services, directory, mapping, report, now
        self.dry_run, self.notify = dry_run, notify
        self._seen: set[str] = set()
        self.times = TimeReader(mapping.zone, mapping.formats)
        self.allowed = {name: targets(name, directory) for name, _ in mapping.words()}
        source = mapping.source
        roles = frozenset({Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR})
        self.who = Actor(ActorKind.KEY, f"import:{source}", f"import {source}", roles)

    def _ident_of(self, row: ImportRow) -> str:
        """The row's number in the other system. Raises Refused where the row cannot be taken."""
        ident = row.cells.get(self.m.id, "").strip() if row.cells is not None else ""
        error: tuple[str, str] | None = None
        if row.cells is None:
            error = ("", row.fault)
        elif not ident:
            error = (self.m.id, "missing")
        elif not (ident.isprintable() and len(ident) <= 80):
            error = (self.m.id, "1-80 printable characters")
        elif ident in self._seen:
            error = (self.m.id, "the same id stands in an earlier row")
        if error is not None:
            raise Refused(Refusal(Code.INVALID, "the row cannot be taken in", errors=(error,)))
        self._seen.add(ident)
        return ident

    async def batch(self, rows: list[ImportRow], refuse: Refuse) -> None:
        """Take these rows in, or refuse each by itself."""
        named: list[tuple[ImportRow, str | Refused]] = []
        for row in rows:
            try:
                named.append((row, self._ident_of(row)))
            except Refused as refused:
                named.append((row, refused))
        idents = [ident for _, ident in named if isinstance(ident, str)]
        known = await ticket_facts.known_outers(self.services.db, self.m.source, idents) if idents else set()
        made: list[_Imported] = []
        for row, ident in named:
            if isinstance(ident, Refused):
                refuse(row, ident.refusal.errors)
                continue
            if ident in known:
                self.report.known += 1
                continue
            number = _NO_NUMBER if self.dry_run else await self.services.numbers.take()
            try:
                change, odd = _Story(self, row.cells or {}, ident, number).told()
            except Refused as refused:
                refuse(row, refused.refusal.errors or (("", refused.refusal.detail),))
            except Exception as fault:  # one odd row must not end the import of all others
                refuse(row, (("", f"cannot be taken in: {type(fault).__name__}"),))
            else:
                answer = StoredAnswer(f"import:{self.m.source}", ident, "import", 201, "", self.now, "1")
                made.append(_Imported(row, change, answer, odd))
        if not self.dry_run:
            made = await self._without_known_callers(made)
            made = await self._written(made, refuse)
        for one in made:
            self.report.taken += 1
            status = one.change.after.ticket.status
            self.report.by_status[status] = self.report.by_status.get(status, 0) + 1
            for what in one.odd:
                self.report.odd[what] = self.report.odd.get(what, 0) + 1

    async def _without_known_callers(self, made: list["_Imported"]) -> list["_Imported"]:
        """A card that is here already stays: an old export knows neither the newest name nor when they last called."""
        ids = {caller.id for one in made for caller in one.change.callers}
        known = await callers.known(self.services.db, sorted(ids)) if ids else set()
        return [
            replace(one, change=replace(one.change, callers=()))
            if any(caller.id in known for caller in one.change.callers)
            else one
            for one in made
        ]

    async def _written(self, made: list["_Imported"], refuse: Refuse) -> list["_Imported"]:
        """The changes that were kept. Where the database refuses the batch, each row is tried alone, and its fault
        told."""
        if not made:
            return []
        try:
            outcomes = await self.services.db.write([plan_of(one.change, one.answer) for one in made])
        except Refused:
            raise
        except Exception as fault:
            if len(made) > 1:
                return [kept for one in made for kept in await self._written([one], refuse)]
            ident = made[0].answer.key
            if isinstance(fault, IntegrityFault) and await ticket_facts.known_outers(
                self.services.db, self.m.source, [ident]
            ):  # another run took it in at the same moment
                self.report.known += 1
            else:
                refuse(made[0].row, (("", f"the database refused it: {type(fault).__name__}"),))
            return []
        again = [isinstance(outcome, Replayed) for outcome in outcomes]
        self.report.known += sum(again)
        return [one for one, known in zip(made, again, strict=True) if not known]


@dataclass(frozen=True, slots=True)
class _Imported:
    """A row that can be taken in, and what is told about it."""

    row: ImportRow
    change: Change
    answer: StoredAnswer
    odd: list[str]


_NO_NUMBER: Any = "000000000"


class _Story:
    """One row as a ticket that was received, triaged, dispatched, and went as far as its state says."""

    def __init__(self, run: _Import, row: Mapping[str, str], ident: str, number: Any) -> None:
        self.run, self.m, self.row, self.ident, self.number = run, run.m, row, ident, number
        self.faults: list[tuple[str, str]] = []
        self.odd: list[str] = []
        self.notes: dict[str, Any] = {}
        self.steps: list[Change] = []

    def told(self) -> tuple[Change, list[str]]:
        """(the whole history as one change, what was odd). Raises Refused, naming columns and rules."""
        m, directory = self.m, self.run.directory
        codes = {name: self._word(name, words) for name, words in m.words()}
        times = {name: self._moment(name) for name in ("created_at", "closed_at", "updated_at", "due_at")}
        texts = {
            "narrative": self._text("narrative", m.narrative, " · "),
            "address": self._text("address", m.address, ", "),
            "reply": self._text("reply", (m.reply,) if m.reply else (), "") or m.default_reply,
            "name": self._text("name", (m.name,) if m.name else (), ""),
            "contact": self._text("contact", m.contact, "; "),
            "phone": self._text("phone", (m.phone,) if m.phone else (), ""),
        }
        title = self._joined(m.title, ": ")
        if not title and not texts["narrative"]:
            self.faults.append((" / ".join(dict.fromkeys((*m.title, *m.narrative))), "at least one of them is needed"))
        lat, lon = self._degree(m.lat, 90), self._degree(m.lon, 180)
        status, created = codes["status"], times["created_at"]
        ended = self._ended(status, times)
        if self.faults or created is None:
            raise Refused(Refusal(Code.INVALID, "the row cannot be taken in", errors=tuple(self.faults)))
        for column, values in m.odd.items():
            said = self._cell(column)
            if said in values:
                self.odd.append(f"{column} {said}: {values[said]}")
                self.notes[column] = [said, values[said]]
        item = directory.categories[codes["category"]]
        kind = Kind(codes.get("kind") or item.kind)
        priority = Priority(codes.get("priority") or item.priority)
        confidential = codes["confidential"] == "yes" if "confidential" in codes else (
            kind is Kind.REPORT or item.confidential)  # fmt: skip
        who, contact = self._caller(texts)
        is_open = STATUSES[status] in OPEN
        wanted = codes["reply_wanted"] == "yes" if "reply_wanted" in codes else bool(who.phone or contact)
        ticket = Ticket(
            number=self.number,
            status=TicketStatus.RECEIVED,
            kind=kind,
            channel=Channel(codes.get("channel") or Channel.IMPORT),
            title=(title or "-")[:120],
            narrative=texts["narrative"] or "-",
            created_at=created,
            updated_at=created,
            category=item.code,
            priority=priority,
            caller=caller_id(who.phone, self.run.services.secret) if who.phone and who.caller else None,
            phone=who.phone,
            caller_name=texts["name"] or None,
            contact=contact,
            confidential=confidential,
            reply_wanted=wanted and is_open,
            area=codes.get("area"),
            address=texts["address"] or None,
            lat=lat,
            lon=lon,
            outer_system=m.source,
            outer_number=self.ident,
            outer_due_at=times["due_at"],
            promised_at=times["due_at"],
            flags=("imported", *(("odd",) if self.notes else ())),
            created_by=f"import:{m.source}",
            entries=1,
        )
        by = self.run.who
        first = Entry(
            self.number, 1, created, by.kind, by.id, by.name, Action.RECEIVE, None, TicketStatus.RECEIVED,
            changes={"row": [None, self.ident], **self.notes},
        )  # fmt: skip
        self.steps = [Change(Facts(ticket), (), entries=(first,))]
        changed = max(times["updated_at"] or created, created)
        self._play(status, codes.get("department"), texts["reply"], created, changed, ended or changed)
        clocks = self._taken_over() if is_open else ()
        after = self.steps[-1].after
        if after.ticket.status is not STATUSES[status]:
            raise Refused(Refusal(Code.INVALID, f"it would end as {after.ticket.status}, not as {status}"))
        call = Call(
            str(uuid5(NAMESPACE_URL, f"{m.source}:{self.ident}")), self.number, ticket.channel, created,
            ticket.narrative, by.id, ticket.caller, ticket.phone, texts["phone"] or None, ticket.caller_name,
            confidential,
        )  # fmt: skip
        card = Caller(ticket.caller, who.phone, None if confidential else ticket.caller_name, created) if (
            ticket.caller and who.phone) else None  # fmt: skip
        change = Change(
            after=after,
            tickets=(Written(replace(after.ticket), None),),
            assignments=after.assignments,
            entries=tuple(e for s in self.steps for e in s.entries),
            messages=self._orders_told() if self.run.notify else (),
            calls=(call,),
            callers=(card,) if card else (),
            tallies=tallies.tallied(None, after),
            clocks=clocks,
            texts=(after.ticket,),
        )
        return change, self.odd

    # --- reading the cells

    def _cell(self, column: str) -> str:
        return self.row.get(column, "").strip()

    def _word(self, name: str, words: ColumnWords) -> str:
        raw = self._cell(words.column)
        if words.prefix is not None:
            code = words.prefix + re.sub(r"[^a-z0-9]+", "-", raw.lower()[:200]).strip("-")[:34]
        else:
            known = words.values.get(raw) or words.values.get(raw.upper())
            code = known or words.other or ""
            if known is None and code:
                self.odd.append(f"{words.column}: word not in the mapping, taken as {code}")
        if code not in self.run.allowed[name]:
            self.faults.append((words.column, "a word the mapping does not know"))
        return code

    def _moment(self, name: str) -> datetime | None:
        """The moment of a column, None where the cell is empty; of `created_at` none may be."""
        column = getattr(self.m, name)
        text = self._cell(column) if column is not None else ""
        if not text:
            if name == "created_at":
                self.faults.append((column, "missing"))
            return None
        try:
            moment, odd = self.run.times.read(text)
        except ValueError as fault:
            self.faults.append((column, str(fault)))
            return None
        if name != "due_at" and moment > self.run.now:
            self.faults.append((column, "lies in the future"))
        elif name == "due_at" and moment > self.run.now + FURTHEST:
            self.faults.append((column, "lies more than five years ahead"))
        if odd:
            self.odd.append(f"{column}: {odd}")
            self.notes[name] = [text, moment]
        return moment

    def _ended(self, status: str, times: Mapping[str, datetime | None]) -> datetime | None:
        """When the matter ended, where it has; the order of its moments is checked."""
        created, closed = times["created_at"], times["closed_at"]
        if created is None:
            return None
        due = times["due_at"]
        if due is not None and due < created:
            self.faults.append((str(self.m.due_at), "lies before the matter was created"))
        if closed is not None and closed < created:
            if self.m.closed_before_created == "refuse":
                self.faults.append((str(self.m.closed_at), "closed before it was created"))
                return None
            self.odd.append("closed before it was created: closed at its creation instead")
            self.notes["closed_at"] = [self._cell(str(self.m.closed_at)), created]
            closed = created
        if STATUSES.get(status) in OPEN:
            if closed is not None:
                self.odd.append("has a closing date and is not closed: the date is kept in the timeline")
                self.notes["closed_at"] = [self._cell(str(self.m.closed_at)), None]
            return None
        if closed is None:
            updated = times["updated_at"]
            when = "when received" if updated is None else "when last changed"
            self.odd.append(f"{status or 'closed'} without a date: taken as {status or 'closed'} {when}")
            return created if updated is None else max(updated, created)
        return closed

    def _text(self, name: str, columns: tuple[str, ...], between: str) -> str:
        text = self._joined(columns, between)
        if len(text) > _LENGTHS[name]:
            self.faults.append((columns[0], f"at most {_LENGTHS[name]} characters"))
        return text

    def _joined(self, columns: tuple[str, ...], between: str) -> str:
        found = [_CONTROL.sub(" ", self.row.get(c, "")).strip() for c in columns]
        return between.join(dict.fromkeys(x for x in found if x and x not in _BLANK))

    def _degree(self, column: str | None, most: int) -> float | None:
        text = self._cell(column) if column is not None else ""
        if column is None or not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not -most <= value <= most:
            self.faults.append((column, f"not a degree between -{most} and {most}"))
            return None
        return value

    def _caller(self, texts: Mapping[str, str]) -> tuple[ParsedPhone, str | None]:
        """(the number as read, other ways to reach them). A number that cannot be read refuses no row: it stays as it
        was written, among the other ways, and so does one with an extension."""
        raw, contact, services = texts["phone"] or None, texts["contact"], self.run.services
        who = parse_phone(raw, services.region, services.area_code)
        if who.unread:
            self.odd.append(f"{self.m.phone}: {who.unread}")
        if who.words:
            contact = f"{contact}; {who.words}" if contact else who.words
        return who, contact or None

    # --- playing the history

    def _then(self, action: Action, actor: Actor, at: datetime, order: bool = False, **given: Any) -> None:
        facts = self.steps[-1].after
        target = facts.assignments[0].id if order else None
        fields = {_FIELDS.get(k, k): v for k, v in given.items()}
        said = decide(facts, Command(action, facts.ticket.version, fields, target), actor, at)
        if isinstance(said, Refusal):
            raise Refused(said)
        self.steps.append(said)

    def _play(
        self, status: str, department: str | None, reply: str, created: datetime, changed: datetime, ended: datetime
    ) -> None:
        """Every step that leads to this state, by the tables: triaged and dispatched when it was created, worked on
        when it was last changed, ended when it ended."""
        who, why, ticket = self.run.who, f"as {self.m.source} had it", self.steps[0].after.ticket
        if status == "received":
            return
        self._then(Action.TRIAGE, RULES, created, category=ticket.category, kind=ticket.kind,
                   priority=ticket.priority, reason=why)  # fmt: skip
        if department is not None and status not in ("triaged", "declined", "void"):
            self._then(Action.DISPATCH, RULES, created, department=department, reason=why, **self._limits(status))
        has_order = bool(self.steps[-1].after.assignments)
        unit = Actor(ActorKind.KEY, who.id, department or "", frozenset({Role.HANDLER}), frozenset({department or ""}))
        done = status in ("closed", "resolved")
        at = ended if done else changed
        if has_order and (done or status in ("accepted", "awaiting_info")):
            self._then(Action.ACCEPT, unit, at, order=True)
        if has_order and done:
            self._then(Action.REPORT, unit, at, order=True, internal_result=reply, public_reply=reply, solved=True)
            self._then(Action.ACCEPT_REPORT, who, at, order=True)
            if status == "closed":
                self._then(Action.CONFIRM, CLOCK, at, satisfaction=Satisfaction.NO_ANSWER)
        elif status == "closed":
            self._then(Action.ANSWER, who, at, answer=reply)
        elif status == "awaiting_info":
            self._then(Action.REQUEST_INFO, who, at, text=f"pending in {self.m.source}")
        elif status == "withdrawn":
            self._then(Action.WITHDRAW, who, ended, reason=why)
        elif status == "declined":
            self._then(Action.DECLINE, who, ended, reason_code=self.m.decline_reason, channel_told=reply)
        elif status == "void":
            self._then(Action.VOID, who, ended, reason_code=self.m.void_reason, reason=why)
        elif status == "shelved":
            self._then(Action.SHELVE, who, self.run.now, reason=why, review_at=self.run.now + REVIEW_AFTER)

    def _limits(self, status: str) -> dict[str, Any]:
        """The limits of an order that has ended, so that it shows whether it was late. Those of an open one begin with
        the import."""
        if STATUSES[status] in OPEN:
            return {}
        ticket = self.steps[-1].after.ticket
        limits = limits_for(
            self.run.directory, ticket.kind, ticket.priority, ticket.category, ticket.area, ticket.created_at
        )
        due = ticket.outer_due_at or (limits.due_at if limits else None)
        return {"due_at": due, "accept_by": limits.accept_by} if limits else {"due_at": due} if due else {}

    def _taken_over(self) -> tuple[Clock, ...]:
        """Start the clocks of an open matter, from now on: time that passed elsewhere breaches no limit of ours."""
        facts = replace(self.steps[-1].after, directory=self.run.directory)
        why = {F.REASON: f"taken over from {self.m.source}: its limits begin now"}
        said = decide(facts, Command(Action.RECKON, facts.ticket.version, why), CLOCK, self.run.now)
        if isinstance(said, Refusal):
            raise Refused(said)
        self.steps.append(said)
        return said.clocks

    def _orders_told(self) -> tuple[Message, ...]:
        """What the departments are told of the orders that run now."""
        told = [m for step in self.steps for m in step.messages if m.kind == "department"]
        live = {a.id for a in self.steps[-1].after.assignments if a.closed_at is None}
        last = {m.payload["assignment"]: m for m in told if m.payload["assignment"] in live}
        return tuple(replace(m, next_at=self.run.now) for m in last.values())

"""The cells of a row, read by the mapping: what cannot be read is a fault of its column, what is odd is kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from hotline.importing.mapping import STATUSES, ColumnTranslation, ImportMapping, TimeParser, allowed_targets
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.directory import Directory
from hotline.refusals import Code, Refusal, Refused
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import ParsedPhone
from hotline.tickets.model.vocabulary import OPEN
from hotline.tickets.sla.policies import FURTHEST

_BLANK = ("N/A", "Unspecified")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LENGTHS = {"narrative": 10_000, "reply": 4_000, "address": 500, "name": 120, "contact": 200, "phone": 200}


@dataclass(frozen=True)
class ImportRules:
    """What every row of a file is read by. `region` and `area_code`: where numbers without them are of."""

    mapping: ImportMapping
    directory: Directory
    now: datetime
    region: str
    area_code: str

    @cached_property
    def times(self) -> TimeParser:
        return TimeParser(self.mapping.zone, self.mapping.formats)

    @cached_property
    def allowed(self) -> Mapping[str, Any]:
        """Field -> the words it may have here."""
        return {name: allowed_targets(name, self.directory) for name, _ in self.mapping.words()}

    @cached_property
    def by(self) -> Actor:
        """Who the timeline says it was."""
        roles = frozenset({Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR})
        return Actor(ActorKind.KEY, f"import:{self.mapping.source}", f"import {self.mapping.source}", roles)


@dataclass(frozen=True, slots=True)
class ImportedCase:
    """What a row says. `status`: a key of STATUSES; `codes`: field -> our word; `texts`: field -> text, empty where
    there is none; `ended` None: the matter is open. `notes`: what is kept in the timeline as [said, taken]; `odd`: what
    is reported for the row."""

    ident: str
    status: str
    codes: Mapping[str, str]
    texts: Mapping[str, str]
    created: datetime
    updated: datetime | None
    due: datetime | None
    ended: datetime | None
    lat: float | None
    lon: float | None
    who: ParsedPhone
    contact: str | None
    notes: Mapping[str, Any]
    odd: tuple[str, ...]


def read_case(rules: ImportRules, row: Mapping[str, str], ident: str) -> ImportedCase:
    """The row of that number in the other system. Raises Refused, naming columns and rules."""
    return _Cells(rules, row).case(ident)


class _Cells:
    def __init__(self, rules: ImportRules, row: Mapping[str, str]) -> None:
        self.rules, self.row = rules, row
        self.faults: list[tuple[str, str]] = []
        self.odd: list[str] = []
        self.notes: dict[str, Any] = {}

    def case(self, ident: str) -> ImportedCase:
        m = self.rules.mapping
        codes = {name: self._word(name, words) for name, words in m.words()}
        times = {name: self._moment(name) for name in ("created_at", "closed_at", "updated_at", "due_at")}
        texts = {
            "narrative": self._text("narrative", m.narrative, " · "),
            "address": self._text("address", m.address, ", "),
            "reply": self._text("reply", (m.reply,) if m.reply else (), "") or m.default_reply,
            "name": self._text("name", (m.name,) if m.name else (), ""),
            "contact": self._text("contact", m.contact, "; "),
            "phone": self._text("phone", (m.phone,) if m.phone else (), ""),
            "title": self._joined(m.title, ": "),
        }
        if not texts["title"] and not texts["narrative"]:
            self.faults.append((" / ".join(dict.fromkeys((*m.title, *m.narrative))), "at least one of them is needed"))
        lat, lon = self._degree(m.lat, 90), self._degree(m.lon, 180)
        status, created = codes["status"], times["created_at"]
        ended = self._ended(status, times)
        if self.faults or created is None:
            raise Refused(Refusal(Code.INVALID, "the row cannot be taken in", errors=tuple(self.faults)))
        for column, values in m.odd.items():
            text = self._cell(column)
            if text in values:
                self.odd.append(f"{column} {text}: {values[text]}")
                self.notes[column] = [text, values[text]]
        who, contact = self._caller(texts["phone"] or None, texts["contact"])
        return ImportedCase(
            ident, status, codes, texts, created, times["updated_at"], times["due_at"], ended, lat, lon, who, contact,
            self.notes, tuple(self.odd),
        )  # fmt: skip

    def _cell(self, column: str) -> str:
        return self.row.get(column, "").strip()

    def _word(self, name: str, words: ColumnTranslation) -> str:
        raw = self._cell(words.column)
        if words.prefix is not None:
            code = words.prefix + re.sub(r"[^a-z0-9]+", "-", raw.lower()[:200]).strip("-")[:34]
        else:
            known = words.values.get(raw) or words.values.get(raw.upper())
            code = known or words.other or ""
            if known is None and code:
                self.odd.append(f"{words.column}: word not in the mapping, taken as {code}")
        if code not in self.rules.allowed[name]:
            self.faults.append((words.column, "a word the mapping does not know"))
        return code

    def _moment(self, name: str) -> datetime | None:
        """The moment of a column, None where the cell is empty; of `created_at` none may be."""
        column = getattr(self.rules.mapping, name)
        text = self._cell(column) if column is not None else ""
        if not text:
            if name == "created_at":
                self.faults.append((column, "missing"))
            return None
        try:
            moment, error = self.rules.times.read(text)
        except ValueError as fault:
            self.faults.append((column, str(fault)))
            return None
        if name != "due_at" and moment > self.rules.now:
            self.faults.append((column, "lies in the future"))
        elif name == "due_at" and moment > self.rules.now + FURTHEST:
            self.faults.append((column, "lies more than five years ahead"))
        if error:
            self.odd.append(f"{column}: {error}")
            self.notes[name] = [text, moment]
        return moment

    def _ended(self, status: str, times: Mapping[str, datetime | None]) -> datetime | None:
        """When the matter ended, where it has; the order of its moments is checked."""
        created, closed = times["created_at"], times["closed_at"]
        if created is None:
            return None
        due = times["due_at"]
        if due is not None and due < created:
            self.faults.append((str(self.rules.mapping.due_at), "lies before the matter was created"))
        if closed is not None and closed < created:
            if self.rules.mapping.closed_before_created == "refuse":
                self.faults.append((str(self.rules.mapping.closed_at), "closed before it was created"))
                return None
            self.odd.append("closed before it was created: closed at its creation instead")
            self.notes["closed_at"] = [self._cell(str(self.rules.mapping.closed_at)), created]
            closed = created
        if STATUSES.get(status) in OPEN:
            if closed is not None:
                self.odd.append("has a closing date and is not closed: the date is kept in the timeline")
                self.notes["closed_at"] = [self._cell(str(self.rules.mapping.closed_at)), None]
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

    def _caller(self, raw: str | None, contact: str) -> tuple[ParsedPhone, str | None]:
        """(the number as read, other ways to reach them). A number that cannot be read refuses no row: it stays as it
        was written, among the other ways, and so does one with an extension."""
        who = parse_phone(raw, self.rules.region, self.rules.area_code)
        if who.unread:
            self.odd.append(f"{self.rules.mapping.phone}: {who.unread}")
        if who.words:
            contact = f"{contact}; {who.words}" if contact else who.words
        return who, contact or None

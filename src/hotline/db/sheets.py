"""How a batch of changes lies on the tables: for each table the shape it takes and how a row that exists is treated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import sqlalchemy as sa

from hotline.domain.folding import terms
from hotline.domain.numbering import serial_of
from hotline.domain.stream import Event, events_of
from hotline.domain.ticket import Assignment, Attachment, Call, Caller, Clock, Entry, Escalation, Message, Ticket

from . import tables
from .database import Answer, Entrusted

SHORT = 10_000  # characters, a batch of ordinary calls; more is read beside the loop


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table's part. `derived` are columns computed from the row itself: SQL with `{r}` before each of its
    columns."""

    table: sa.Table
    shape: type
    replace: tuple[str, ...] = ()  # columns set anew where the key exists; empty: insert only
    derived: Mapping[str, str] = field(default_factory=dict)
    gated: bool = True  # written only with its change; False: harmless by itself
    # columns numbered in commit order, where one writer makes that order certain; elsewhere `db/events.place` does
    ordered: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f.name for f in fields(self.shape) if f.name in self.table.c)

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.table.primary_key.columns)


def _all_but_key(table: sa.Table) -> tuple[str, ...]:
    return tuple(c.name for c in table.columns if not c.primary_key)


_RANK = "CASE {r}priority WHEN 'emergency' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END"
SHEETS: tuple[Sheet, ...] = (
    Sheet(tables.caller, Caller, replace=("name", "seen_at"), gated=False),
    Sheet(tables.ticket, Ticket, replace=_all_but_key(tables.ticket)),
    Sheet(
        tables.assignment,
        Assignment,
        replace=_all_but_key(tables.assignment),
        derived={"rank": _RANK, "sort_at": "coalesce({r}due_at, {r}issued_at)"},
    ),
    Sheet(tables.timeline, Entry),
    Sheet(tables.call, Call),
    Sheet(
        tables.outbox,
        Message,
        derived={"status": "'queued'", "attempts": "0", "max_attempts": "8", "created_at": "{r}next_at"},
    ),
    Sheet(tables.attachment, Attachment),
    # a clock that is written is let go by whoever held it
    Sheet(
        tables.clock,
        Clock,
        replace=_all_but_key(tables.clock),
        derived={"lease_until": "NULL", "lease_token": "NULL"},
    ),
    Sheet(tables.escalation, Escalation),
    Sheet(tables.event, Event, ordered={"position": "(SELECT coalesce(max(position), 0) + 1 FROM event)"}),
)


def keep_name(column: str, table: str) -> str:
    """How a replaced column is set: a caller's known name is not lost to a call without one."""
    return (
        f"coalesce(excluded.{column}, {table}.{column})"
        if (table, column) == ("caller", "name")
        else f"excluded.{column}"
    )


@dataclass(slots=True)
class Laid:
    """A batch, table by table, in the order of SHEETS."""

    rows: dict[str, list[Any]]
    guards: list[tuple[int, str, int | None]]  # (place in the batch, ticket, version it must stand at; None: new)
    answers: list[Answer]
    tallies: list[tuple[int, str, str, str, int]]  # (place, noun, place, status, difference)
    words: list[tuple[str, int, list[str]]]  # (number, serial, terms)


def lay(batch: Sequence[Entrusted]) -> Laid:
    """Spread a batch over the tables."""
    rows: dict[str, list[Any]] = {sheet.table.name: [] for sheet in SHEETS}
    laid = Laid(rows, [], [], [], [])
    callers: dict[str, Caller] = {}
    for place, item in enumerate(batch):
        change = item.change
        for caller in change.callers:
            known = callers.get(caller.id)
            callers[caller.id] = caller if known is None or caller.name else known
        for written in change.tickets:
            rows["ticket"].append(written.ticket)
            laid.guards.append((place, written.ticket.number, written.expected))
        rows["assignment"] += change.assignments
        rows["timeline"] += change.entries
        rows["call"] += change.calls
        rows["outbox"] += change.messages
        rows["attachment"] += change.attachments
        rows["clock"] += change.clocks
        rows["escalation"] += change.escalations
        rows["event"] += events_of(change)
        laid.answers.append(item.answer)
        laid.tallies += ((place, *key, n) for key, n in change.tallies.items())
        laid.words += ((t.number, serial_of(t.number), terms(t.title, t.narrative, t.address)) for t in change.texts)
    rows["caller"] = [callers[key] for key in sorted(callers)]
    return laid


def words_in(batch: Iterable[Entrusted]) -> int:
    """How many characters of a batch are read for the search index."""
    return sum(len(t.title) + len(t.narrative) + len(t.address or "") for item in batch for t in item.change.texts)


def numbers_of(batch: Iterable[Entrusted]) -> set[str]:
    return {written.ticket.number for item in batch for written in item.change.tickets}

"""Taking in what another system exported: every row becomes a ticket with its history, or is refused with a reason.

History is played through the life cycle's own tables, so that an imported ticket is one that could have happened here.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from hotline.db import tickets
from hotline.db.database import Answer, Entrusted
from hotline.domain import effects
from hotline.domain.clocks import limits_for
from hotline.domain.directory import Directory
from hotline.domain.lifecycle import decide
from hotline.domain.ticket import (
    CLOCK,
    RULES,
    Actor,
    Call,
    Change,
    Command,
    Entry,
    Facts,
    Refusal,
    Refused,
    Ticket,
    Written,
)
from hotline.domain.vocabulary import (
    Action,
    ActorKind,
    Channel,
    Code,
    Field,
    Kind,
    Priority,
    Role,
    Satisfaction,
    TicketStatus,
)
from hotline.domain.wording import rule_of

from .house import House

BATCH = 50  # rows in one transaction, and apart from the batches people wait for
F = Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How a column's words become ours. `other`: for words not listed; None refuses the row. `prefix`: made from the
    word itself."""

    column: str
    values: Mapping[str, str] = field(default_factory=dict)
    other: str | None = None
    prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What stands where in a file. Columns are named as its heading names them."""

    __pydantic_config__ = {"extra": "forbid"}
    about: str
    source: str
    format: str
    id: str
    zone: str
    time_format: str
    created_at: str
    closed_at: str
    updated_at: str | None = None
    title: tuple[str, ...]
    narrative: tuple[str, ...]
    address: tuple[str, ...] = ()
    lat: str | None = None
    lon: str | None = None
    reply: str | None = None
    default_reply: str
    status: Words
    department: Words
    area: Words
    channel: Words
    category: Words
    odd: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """What became of a file: taken in now, known from an earlier run, refused with (row, reason), taken in with
    something odd."""

    taken: int = 0
    known: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    odd: dict[str, int] = field(default_factory=dict)
    by_status: dict[str, int] = field(default_factory=dict)


def read_mapping(folder: Path) -> Layout:
    """The mapping of a folder. Raises Refused where it is not there or not right."""
    path = folder / "mapping.json"
    if not path.is_file():
        raise Refused(
            Refusal(
                Code.NOT_FOUND, f"no mapping at {folder.name}", errors=(("mapping", "a folder with a mapping.json"),)
            )
        )
    try:
        return TypeAdapter(Layout).validate_json(path.read_bytes())
    except ValidationError as wrong:
        errors = tuple(
            (".".join(map(str, e["loc"])), rule_of(e["type"], e["msg"]))
            for e in wrong.errors(include_input=False, include_url=False)
        )
        raise Refused(Refusal(Code.INVALID, "the mapping is not well formed", errors=errors)) from None


def rows_in(path: Path, form: str) -> Iterator[tuple[str, dict[str, str] | None]]:
    """(place, row) of a CSV or JSON-lines file; None where a line cannot be read."""
    if form == "jsonl":
        with path.open("rb") as file:
            for place, raw in enumerate(file, start=1):
                try:
                    row = json.loads(raw)
                    yield (
                        f"line {place}",
                        {k: "" if v is None else str(v) for k, v in row.items()} if isinstance(row, dict) else None,
                    )
                except (ValueError, UnicodeDecodeError):
                    yield f"line {place}", None
        return
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        for place, row in enumerate(csv.DictReader(text), start=2):
            whole = None not in row and None not in row.values()
            clean = whole and not any("\udc80" <= c <= "\udcff" for v in row.values() for c in v)
            yield f"row {place}", dict(row) if clean else None


async def import_file(
    house: House,
    path: Path,
    mapping: Layout,
    directory: Directory,
    *,
    dry_run: bool,
    progress: Callable[[int], None],
    now: datetime,
) -> Report:
    """Take a file in by this directory, one transaction per batch; a second run goes on where the first one stopped."""
    report = Report()
    pending: list[tuple[str, str, dict[str, str]]] = []
    seen: set[str] = set()
    read = 0
    for place, row in rows_in(path, mapping.format):
        read += 1
        if row is None:
            report.refused.append((place, "cannot be read: wrong number of cells, or not UTF-8"))
        elif not row.get(mapping.id, "").strip():
            report.refused.append((place, f"{mapping.id}: missing"))
        elif not (row[mapping.id].strip().isprintable() and len(row[mapping.id].strip()) <= 80):
            report.refused.append((place, f"{mapping.id}: 1-80 printable characters"))
        elif (ident := row[mapping.id].strip()) in seen:
            report.refused.append((place, f"{mapping.id}: the same id stands in an earlier row"))
        else:
            seen.add(ident)
            pending.append((place, ident, row))
        if len(pending) >= BATCH:
            await _batch(house, directory, mapping, pending, report, dry_run=dry_run, now=now)
            pending = []
        progress(read)
    await _batch(house, directory, mapping, pending, report, dry_run=dry_run, now=now)
    progress(read)
    return report


async def _batch(
    house: House,
    directory: Directory,
    mapping: Layout,
    rows: list[tuple[str, str, dict[str, str]]],
    report: Report,
    *,
    dry_run: bool,
    now: datetime,
) -> None:
    if not rows:
        return
    known = await tickets.known_outers(house.db, mapping.source, [ident for _, ident, _ in rows])
    batch: list[Entrusted] = []
    places: list[str] = []
    odds: list[str] = []
    for place, ident, row in rows:
        if ident in known:
            report.known += 1
            continue
        try:
            number = await house.numbers.take() if not dry_run else _NO_NUMBER
            change, odd = _story(directory, mapping, ident, row, number, now)
        except Refused as refused:
            report.refused.append(
                (place, "; ".join(f"{f}: {r}" for f, r in refused.refusal.errors) or refused.refusal.detail)
            )
            continue
        odds += odd
        report.by_status[change.after.ticket.status] = report.by_status.get(change.after.ticket.status, 0) + 1
        places.append(place)
        batch.append(Entrusted(change, Answer(f"import:{mapping.source}", ident, "import", 201, "", now, "1")))
    if batch and not dry_run:
        batch = await _written(house, batch, places, report)
    report.taken += len(batch)
    for what in odds:
        report.odd[what] = report.odd.get(what, 0) + 1


async def _written(house: House, batch: list[Entrusted], places: list[str], report: Report) -> list[Entrusted]:
    """The changes that were kept. Where the database refuses the batch, each row is tried alone, and its fault told."""
    try:
        await house.db.write(batch)
        return batch
    except Refused:
        raise
    except Exception as fault:
        if len(batch) == 1:
            report.refused.append((places[0], f"the database refused it: {type(fault).__name__}"))
            return []
    kept: list[Entrusted] = []
    for item, place in zip(batch, places, strict=True):
        kept += await _written(house, [item], [place], report)
    return kept


_NO_NUMBER: Any = "000000000"


def _story(
    directory: Directory, m: Layout, ident: str, row: Mapping[str, str], number: Any, now: datetime
) -> tuple[Change, list[str]]:
    """The row as a ticket that was received, triaged, dispatched, and went as far as its state says."""
    errors: list[tuple[str, str]] = []
    odd: list[str] = []

    def word(words: Words, noun: str | None) -> str:
        raw = row.get(words.column, "").strip()
        if words.prefix is not None:
            code = words.prefix + re.sub(r"[^a-z0-9]+", "-", raw.lower()).strip("-")[:34]
        else:
            code = words.values.get(raw) or words.values.get(raw.upper()) or words.other or ""
            if code == words.other and raw not in words.values:
                odd.append(f"{words.column}: word not in the mapping, taken as {code}")
        if not code or (noun is not None and code not in directory.noun(noun)):
            errors.append((words.column, "a word the mapping does not know"))
        return code

    status, department = word(m.status, None), word(m.department, "departments")
    area, channel, category = word(m.area, "areas"), word(m.channel, None), word(m.category, "categories")
    created = _moment(row.get(m.created_at, ""), m, m.created_at, errors)
    closed = _moment(row.get(m.closed_at, ""), m, m.closed_at, errors) if row.get(m.closed_at, "").strip() else None
    lat, lon = _degree(row, m.lat, 90, errors), _degree(row, m.lon, 180, errors)
    if errors or created is None:
        raise Refused(Refusal(Code.INVALID, "the row cannot be taken in", errors=tuple(errors)))
    if created > now:
        raise Refused(Refusal(Code.INVALID, "the row lies ahead", errors=((m.created_at, "lies in the future"),)))
    notes: dict[str, Any] = {}
    ended = closed or created
    if status == "closed" and closed is None:
        odd.append("closed without a date: taken as closed when received")
    if closed is not None and closed < created:
        odd.append("closed before it was created: closed at its creation instead")
        notes["closed_at"] = [row[m.closed_at], created]
        ended = created
    if status != "closed" and closed is not None:
        odd.append("has a closing date and is not closed: the date is kept in the timeline")
        notes["closed_at"] = [row[m.closed_at], None]
    for column, values in m.odd.items():
        if row.get(column, "").strip() in values:
            odd.append(f"{column} {row[column].strip()}: {values[row[column].strip()]}")
            notes[column] = [row[column].strip(), values[row[column].strip()]]
    item = directory.categories[category]
    title = _joined(row, m.title, ": ")
    ticket = Ticket(
        number=number,
        status=TicketStatus.RECEIVED,
        kind=Kind(item.kind),
        channel=Channel(channel),
        title=title[:120],
        narrative=_joined(row, m.narrative, " · "),
        created_at=created,
        updated_at=created,
        category=category,
        priority=Priority(item.priority),
        reply_wanted=False,
        area=area,
        address=_joined(row, m.address, ", ") or None,
        lat=lat,
        lon=lon,
        outer_system=m.source,
        outer_number=ident,
        flags=("imported", *(("odd",) if notes else ())),
        created_by=f"import:{m.source}",
        entries=1,
    )
    who = Actor(
        ActorKind.KEY,
        f"import:{m.source}",
        f"import {m.source}",
        frozenset({Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR}),
    )
    unit = Actor(ActorKind.KEY, f"import:{m.source}", department, frozenset({Role.HANDLER}), frozenset({department}))
    first = Entry(
        number,
        1,
        created,
        who.kind,
        who.id,
        who.name,
        Action.RECEIVE,
        None,
        TicketStatus.RECEIVED,
        changes={"row": [None, ident], **notes},
    )
    steps = [Change(Facts(ticket), (), entries=(first,))]

    def then(action: Action, actor: Actor, at: datetime, order: bool = False, **given: Any) -> None:
        facts = steps[-1].after
        target = facts.assignments[0].id if order else None
        command = Command(
            action, facts.ticket.version, {F(k) if k in set(F) else k: v for k, v in given.items()}, target
        )
        said = decide(facts, command, actor, at)
        if isinstance(said, Refusal):
            raise Refused(said)
        steps.append(said)

    limits = limits_for(directory, ticket.kind, ticket.priority, category, area, created)
    due: dict[str, Any] = {"due_at": limits.due_at, "accept_by": limits.accept_by} if limits else {}
    then(
        Action.TRIAGE,
        RULES,
        created,
        category=category,
        kind=ticket.kind,
        priority=ticket.priority,
        reason=f"as {m.source} had it",
    )
    then(Action.DISPATCH, RULES, created, department=department, reason=f"as {m.source} had it", **due)
    updated = _moment(row.get(m.updated_at or "", ""), m, m.updated_at or "", []) if m.updated_at else None
    if status in ("accepted", "closed", "awaiting_info"):
        at = ended if status == "closed" else max(updated or created, created)
        then(Action.ACCEPT, unit, at, order=True)
    if status == "awaiting_info":
        then(Action.REQUEST_INFO, who, max(updated or created, created), text=f"pending in {m.source}")
    if status == "closed":
        reply = _joined(row, (m.reply or "",), "") if row.get(m.reply or "", "").strip() else m.default_reply
        then(Action.REPORT, unit, ended, order=True, internal_result=reply, public_reply=reply, solved=True)
        then(Action.ACCEPT_REPORT, who, ended, order=True)
        then(Action.CONFIRM, CLOCK, ended, satisfaction=Satisfaction.NO_ANSWER)
    after = steps[-1].after
    call = Call(
        str(uuid5(NAMESPACE_URL, f"{m.source}:{ident}")), number, Channel(channel), created, ticket.narrative, who.id
    )
    return (
        Change(
            after=after,
            tickets=(Written(replace(after.ticket), None),),
            assignments=after.assignments,
            entries=tuple(e for s in steps for e in s.entries),
            calls=(call,),
            tallies=effects.tallied(None, after),
            texts=(after.ticket,),
        ),
        odd,
    )


def _joined(row: Mapping[str, str], columns: tuple[str, ...], between: str) -> str:
    found = [re.sub(r"[\x00-\x1f\x7f]", " ", row.get(c, "")).strip() for c in columns]
    return between.join(dict.fromkeys(x for x in found if x and x not in ("N/A", "Unspecified"))) or "-"


def _moment(text: str, m: Layout, column: str, errors: list[tuple[str, str]]) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), m.time_format).replace(tzinfo=ZoneInfo(m.zone)).astimezone(UTC)
    except ValueError:
        errors.append((column, f"not a moment as {m.time_format}"))
        return None


def _degree(row: Mapping[str, str], column: str | None, most: int, errors: list[tuple[str, str]]) -> float | None:
    text = row.get(column or "", "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -most <= value <= most:
        errors.append((column or "", f"not a degree between -{most} and {most}"))
        return None
    return value

"""Exports of tickets and timelines: written page by page by a worker, within the actor's scope and masked for it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import orjson
import sqlalchemy as sa
import structlog
from pydantic import Field

from hotline.database.keyset import KeysetPage
from hotline.database.prepared import Row
from hotline.open311 import model as open311_model
from hotline.open311 import service_requests
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.replies import ABSENT, reply_from_values, reply_type
from hotline.reporting import drill_down
from hotline.reporting.store import exports
from hotline.reporting.vocabulary import ExportForm, ExportKind, ExportStatus
from hotline.security_log.store import SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed
from hotline.storage.spreadsheets import Workbook, render_csv
from hotline.tickets.act import load_handler_departments
from hotline.tickets.context import Services
from hotline.tickets.model.measures import CountedKind, kind_of
from hotline.tickets.model.publication import NEVER_PUBLIC
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.visibility import visible_caller, visible_entry
from hotline.tickets.model.vocabulary import Colour, TicketStatus
from hotline.tickets.schemas.filters import FILTER_MOMENTS
from hotline.tickets.search import ticket_search
from hotline.tickets.store import facts, lists
from hotline.web.idempotency import ActionResult, Reply, load_earlier_answer, write_once

PAGE = 500
KEPT = timedelta(days=7)
MOST_TRIES = 3
MOST_AT_ONCE = 3  # waiting or being made, of one person
TICKET_COLUMNS = (
    "number", "status", "outcome", "kind", "category", "priority", "channel", "title", "narrative", "area", "address",
    "department", "caller_name", "caller_phone", "caller_contact", "confidential", "created_at", "promised_at",
    "due_at", "ended_at", "public_reply", "satisfaction_first", "satisfaction_final", "calls", "urges",
    "returns", "extensions", "reopens", "flags", "building", "unit", "floor", "room",
    # sums of `matter` and `calls_taken` count each matter and each call once: `calls` includes those of merged tickets
    "parent", "matter", "calls_taken",
)  # fmt: skip
# of a list of orders that were counted there is one line for each order, with these at its end
ORDER_COLUMNS = ("order", "order_department", "order_performer", "order_part", "order_due", "order_done")
LINE = ("number", "seq", "at", "by_kind", "by_name", "action", "from", "to", "assignment", "reason")
log = structlog.get_logger("hotline.exports")


@reply_type()
class ExportFilters:
    """What an export holds, as the queries read it: departments, categories and areas with all below them. A filter
    that was not given is absent."""

    department: list[str] = ABSENT
    category: list[str] = ABSENT
    area: list[str] = ABSENT
    status: list[TicketStatus] = ABSENT
    priority: Priority = ABSENT
    kind: Kind = ABSENT
    channel: Channel = ABSENT
    text: str = ABSENT
    overdue: Annotated[datetime, Field(description="Overdue at this moment")] = ABSENT
    created_from: datetime = ABSENT
    created_before: datetime = ABSENT
    colour: list[Colour] = ABSENT
    colour_at: Annotated[datetime, Field(description="The moment at which they looked so")] = ABSENT
    counted: str = ABSENT
    counted_from: datetime = ABSENT
    counted_before: datetime = ABSENT
    counted_today: Annotated[datetime, Field(description="When the day of the request began")] = ABSENT


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """An export and its progress."""

    id: str
    kind: ExportKind
    form: ExportForm
    filters: ExportFilters
    status: ExportStatus
    rows: int
    error: str | None
    created_at: datetime
    ended_at: datetime | None
    downloads: int
    by: str


def exports_folder(services: Services) -> Path:
    return services.files.parent / "exports"


def export_path(services: Services, row: Row) -> Path:
    kind = "csv" if row.form == ExportForm.OPEN311 else row.form
    return exports_folder(services) / f"{row.id}.{kind}"


async def request_export(
    services: Services, kind: ExportKind, form: ExportForm, filters: Mapping[str, Any], request: WriteRequest
) -> ActionResult:
    """Queue an export. It will hold what the actor may see now, by role and area."""
    actor, now = request.actor, request.now
    if earlier := await load_earlier_answer(services, request.key):
        return earlier
    if form is ExportForm.OPEN311 and kind is not ExportKind.TICKETS:
        rule = "the bulk form of Open311 holds tickets alone"
        raise Refused(Refusal(Code.INVALID, "this cannot be written so", errors=(("form", rule),)))
    owner = f"{actor.kind}:{actor.id}"
    if await exports.count_open_exports(services.db, owner) >= MOST_AT_ONCE:
        raise Refused(Refusal(Code.TOO_MANY, f"at most {MOST_AT_ONCE} files at once; wait until one is ready"))
    row: dict[str, Any] = {
        "id": str(uuid4()), "kind": kind, "form": form, "filters": dict(filters), "actor": _actor_to_record(actor),
        "owner": owner, "status": ExportStatus.WAITING, "rows": 0, "created_at": now, "downloads": 0, "attempts": 0,
    }  # fmt: skip

    event = SecurityEvent(Deed.EXPORT_MADE, actor, now, ("export", row["id"]), {"kind": kind, "form": form})

    def add(c: sa.Connection) -> Reply:
        exports.insert_export(c, row)
        record_deed(c, event)
        return Reply(202, orjson.dumps(render_export(row)).decode())

    done = await write_once(services, request.key, add, now)
    if not done.replayed:
        log.info("export.requested", id=row["id"], kind=kind, form=form, by=owner)
    return done


def _actor_to_record(actor: Actor) -> dict[str, Any]:
    return {
        "kind": actor.kind, "id": actor.id, "name": actor.name, "roles": sorted(actor.roles),
        "departments": sorted(actor.departments), "areas": None if actor.areas is None else sorted(actor.areas),
        "contractor": actor.contractor,
    }  # fmt: skip


def _parse_actor_record(body: Mapping[str, Any]) -> Actor:
    return Actor(
        ActorKind(body["kind"]), body["id"], body["name"], frozenset(map(Role, body["roles"])),
        frozenset(body["departments"]), None if body["areas"] is None else frozenset(body["areas"]),
        contractor=body["contractor"],
    )  # fmt: skip


def can_still_fetch(row: Row, actor: Actor) -> bool:
    """Whether the actor may still download their export: not after losing a role or a part of their scope."""
    then = _parse_actor_record(row.actor)
    wider = actor.areas is not None and (then.areas is None or not then.areas <= actor.areas)
    return then.roles <= actor.roles and then.departments <= actor.departments and not wider and (
        then.contractor or not actor.contractor
    )  # fmt: skip


async def make_next_export(services: Services, now: datetime) -> bool:
    """Write the next export. False: none waits."""
    token = str(uuid4())
    row = await services.db.transact(lambda c: exports.claim_export(c, token))
    if row is None:
        return False
    ended: dict[str, Any]
    try:
        if row.attempts > MOST_TRIES:
            raise RuntimeError("its worker was lost too often")
        rows = await _write_export(services, row, token, now)
        ended = {"status": ExportStatus.READY, "rows": rows}
        log.info("export.made", id=row.id, rows=rows)
    except _LeaseLost:
        return True
    except Exception as fault:
        log.error("export.failed", id=row.id, kind=type(fault).__name__, exc_info=fault)
        ended = {"status": ExportStatus.FAILED, "error": type(fault).__name__}
    done = {**ended, "ended_at": services.clock(), "lease_until": None}
    await services.db.transact(lambda c: exports.update_claimed_export(c, row.id, token, done))
    return True


class _LeaseLost(Exception):
    """Another worker holds the lease."""


async def _write_export(services: Services, row: Row, token: str, now: datetime) -> int:
    directory, actor = await services.directory.now(now), _parse_actor_record(row.actor)
    exports_folder(services).mkdir(mode=0o700, parents=True, exist_ok=True)
    target = export_path(services, row)
    unfinished = target.with_suffix(f".{token[:8]}")
    orders = _counted_orders(row.filters)
    writer = _ExportWriter(unfinished, ExportKind(row.kind), ExportForm(row.form), by_order=orders is not None)
    count = 0
    try:
        async for page in _load_pages(services, actor, row.filters):
            lines = await _render_rows(services, directory, actor, writer, page)
            if orders is not None and writer.by_order:
                lines = await _by_order(services, directory, actor, orders, lines)
            await asyncio.to_thread(writer.add, lines)
            count += len(lines)
            renew = partial(exports.renew_lease, id=row.id, token=token, lease=exports.LEASE, rows=count)
            if not await services.db.transact(renew):
                raise _LeaseLost
        await services.db.transact(lambda c: exports.renew_lease(c, row.id, token, exports.CLOSING, count))
        await asyncio.to_thread(writer.close)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


async def _load_pages(services: Services, actor: Actor, filters: Mapping[str, Any]) -> AsyncIterator[Sequence[Ticket]]:
    """The tickets that match, within the actor's scope, oldest first."""
    after: tuple[datetime, str] | None = None
    given: dict[str, Any] = {
        name: datetime.fromisoformat(v) if name in FILTER_MOMENTS else v for name, v in filters.items()
    }
    if (text := given.get("text")) is not None:
        given["text"] = ticket_search(services, text)
    while True:
        page = await lists.load_full_tickets(services.db, scope_of(actor), given, KeysetPage(PAGE, after))
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = (page[-1].created_at, page[-1].number)


async def _render_rows(
    services: Services, directory: Directory, actor: Actor, writer: "_ExportWriter", page: Sequence[Ticket]
) -> list[Mapping[str, Any] | Sequence[Any]]:
    if writer.form is ExportForm.OPEN311:
        chosen = frozenset(open311_model.published_choices(directory))
        public = [t for t in page if _is_public(t) and f"{t.category}/{t.channel}" in chosen]
        return [service_requests.render_csv_row(directory, _PublicTicket(t), own=False) for t in public]
    if writer.kind is ExportKind.TICKETS:
        numbers = [t.number for t in page]
        holders = await exports.load_holders(services.db, numbers)
        calls = await exports.count_calls_taken(services.db, numbers)
        return [
            {**_render_ticket(t, actor, directory, holders.get(t.number)), "calls_taken": calls.get(t.number, 0)}
            for t in page
        ]
    return [line async for line in _render_entries(services, actor, page)]


def _counted_orders(filters: Mapping[str, Any]) -> drill_down.Counted | None:
    """What of orders is counted in the tickets of an export; None: none are."""
    code = filters.get("counted")
    if code is None or kind_of(code) is not CountedKind.ORDER:
        return None
    first, before, today = (datetime.fromisoformat(filters[f"counted_{name}"]) for name in ("from", "before", "today"))
    departments = {"department": filters["department"]} if filters.get("department") else {}
    return drill_down.Counted(code, first, before, today, departments)


async def _by_order(
    services: Services, directory: Directory, actor: Actor, counted: drill_down.Counted, lines: Sequence[Any]
) -> list[Mapping[str, Any] | Sequence[Any]]:
    """A line for each order that is counted, so that the file has as many as the number on the page. Sums of `matter`
    and `calls_taken` still count each ticket once."""
    of_ticket: dict[str, list[Row]] = {}
    numbers = [line["number"] for line in lines]
    for row in await drill_down.load_counted_orders(services.db, scope_of(actor), counted, numbers):
        of_ticket.setdefault(row.number, []).append(row)
    return [
        {
            **(line if n == 0 else {**line, "matter": 0, "calls_taken": 0}),
            "order": row.order,
            "order_department": _name(directory, "departments", row.unit),
            "order_performer": _name(directory, "departments", row.performer),
            "order_part": row.part,
            "order_due": row.due,
            "order_done": row.done,
        }
        for line in lines
        for n, row in enumerate(of_ticket.get(line["number"], ()))
    ]


async def _render_entries(services: Services, actor: Actor, page: Sequence[Ticket]) -> AsyncIterator[Mapping[str, Any]]:
    """The timeline entries of these tickets that the actor may see, by ticket and sequence."""
    numbers = [t.number for t in page]
    rows = await exports.load_timelines(services.db, numbers)
    authors = await load_handler_departments(services, actor, (row.by_id for row in rows))
    tickets_of = {t.number: t for t in page}
    orders = await facts.load_orders(services.db, numbers) if actor.contractor else {}
    for x in rows:
        visible = visible_entry(x, tickets_of[x.number], orders.get(x.number, ()), actor, authors)
        if visible is not None:
            yield {
                "number": x.number, "seq": x.seq, "at": x.at, "by_kind": x.by_kind, "by_name": visible.by_name,
                "action": x.action, "from": x.status_from, "to": x.status_to, "assignment": x.assignment,
                "reason": visible.reason,
            }  # fmt: skip


def _is_public(ticket: Ticket) -> bool:
    hidden = ticket.confidential or ticket.kind is Kind.REPORT or ticket.status in NEVER_PUBLIC or ticket.unpublished
    return not hidden and ticket.category is not None


class _PublicTicket:
    """A ticket as the Open311 bulk form has it."""

    def __init__(self, ticket: Ticket) -> None:
        self._ticket = ticket
        self.step = None if ticket.status is not TicketStatus.CLOSED else _STEP.get(str(ticket.outcome))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ticket, name)


_STEP = {"answered": "answer", "explained": "explain", "confirmed": "confirm", "silent": "confirm"}


def _render_ticket(ticket: Ticket, actor: Actor, directory: Directory, holder: str | None) -> dict[str, Any]:
    caller = visible_caller(ticket, actor)
    nouns = {"category": "categories", "area": "areas", "department": "departments"}
    named = {name: _name(directory, noun, getattr(ticket, name)) for name, noun in nouns.items()}
    plain = {name: getattr(ticket, name) for name in TICKET_COLUMNS if hasattr(ticket, name)}
    named["department"] = named["department"] or _name(directory, "departments", holder)
    matter = ticket.status not in (TicketStatus.MERGED, TicketStatus.VOID)
    return {
        **plain, **named, "matter": int(matter), "flags": " ".join(ticket.flags), "caller_name": caller and caller.name,
        "caller_phone": caller and caller.phone, "caller_contact": caller and caller.contact,
    }  # fmt: skip


def _name(directory: Directory, noun: str, code: str | None) -> str | None:
    item = directory.noun(noun).get(code or "")
    return item.name if item is not None else code


class _ExportWriter:
    """One file, written page by page."""

    def __init__(self, path: Path, kind: ExportKind, form: ExportForm, *, by_order: bool) -> None:
        self.kind, self.form = kind, form
        self.by_order = by_order and kind is ExportKind.TICKETS and form is not ExportForm.OPEN311
        self._heads: Sequence[str] = (
            service_requests.COLUMNS
            if form is ExportForm.OPEN311
            else (*TICKET_COLUMNS, *ORDER_COLUMNS)
            if self.by_order
            else TICKET_COLUMNS
            if kind is ExportKind.TICKETS
            else LINE
        )
        self._book: Workbook | None = None
        path.touch(mode=0o600)
        self._file = None if form is ExportForm.XLSX else path.open("wb")
        self.add: Callable[[Sequence[Any]], None]
        if form is ExportForm.XLSX:
            self._book = Workbook(path)
            self._book.begin_sheet(kind, self._heads)
            self.add = self._to_book
        elif form is ExportForm.JSONL:
            self.add = self._to_lines
        else:
            self._put(render_csv([self._heads], with_bom=form is ExportForm.CSV))
            self.add = self._to_csv

    def _cells(self, rows: Sequence[Any]) -> list[Sequence[Any]]:
        return [row if not isinstance(row, Mapping) else [row.get(head) for head in self._heads] for row in rows]

    def _put(self, data: bytes) -> None:
        if self._file is not None:
            self._file.write(data)

    def _to_book(self, rows: Sequence[Any]) -> None:
        if self._book is not None:
            self._book.add(self._cells(rows))

    def _to_lines(self, rows: Sequence[Any]) -> None:
        self._put(b"".join(orjson.dumps({h: row.get(h) for h in self._heads}) + b"\n" for row in rows))

    def _to_csv(self, rows: Sequence[Any]) -> None:
        self._put(render_csv(self._cells(rows)))

    def close(self) -> None:
        if self._book is not None:
            self._book.close()
        if self._file is not None:
            self._file.close()


async def delete_expired_exports(services: Services, before: datetime) -> int:
    """Delete the files that were ready before then, and return how many."""
    gone = await services.db.transact(lambda c: exports.expire_exports(c, before, 100))
    for name in gone:
        for file in exports_folder(services).glob(f"{name}.*"):
            file.unlink(missing_ok=True)
    return len(gone)


def render_export(row: Any) -> ExportRecord:
    """An export as its owner sees it."""
    held = row if isinstance(row, Mapping) else row._asdict()
    return ExportRecord(
        id=held["id"],
        kind=held["kind"],
        form=held["form"],
        filters=reply_from_values(ExportFilters, dict(held["filters"])),
        status=held["status"],
        rows=held["rows"],
        error=held.get("error"),
        created_at=held["created_at"],
        ended_at=held.get("ended_at"),
        downloads=held["downloads"],
        by=held["actor"]["name"],
    )

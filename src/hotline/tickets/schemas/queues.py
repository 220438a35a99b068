"""Work that waits as replies show it: a department's orders, the hotline's own lists, the boards in numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any

import orjson
from pydantic import Field

from hotline.organisation.model.directory import Directory, Named
from hotline.organisation.model.vocabulary import Kind, Level, Priority
from hotline.replies import reply_from_values, reply_type
from hotline.tickets.model.ticket import is_unsigned
from hotline.tickets.model.undo import is_arriving
from hotline.tickets.model.vocabulary import AssignmentStatus, Colour, Part, TicketStatus
from hotline.tickets.schemas.briefs import Said, TicketBrief, brief_fields, said_briefly
from hotline.tickets.schemas.sla import NextClockOut, render_next_clock
from hotline.tickets.sla.next_clock import RunningClock, next_of_order


@reply_type()
class WorkBrief(TicketBrief):
    """A ticket that the hotline itself must act on."""

    until: Annotated[datetime | None, Field(description="When the clock of this wait ends")]
    call_backs: Annotated[int, Field(description="Call-backs that reached nobody")]
    said: Said


@reply_type()
class WorkPage:
    items: tuple[WorkBrief, ...]
    next: str | None


def render_work(row: Any, directory: Directory, narrative: str | None, now: datetime) -> WorkBrief:
    """A row of a worklist."""
    said = said_briefly(directory, narrative, row.title)
    more = {"until": row.until, "call_backs": row.call_backs, "said": said}
    return reply_from_values(WorkBrief, {**brief_fields(row, directory, now), **more})


@reply_type()
class QueuedOrder:
    """An assignment in a department's queue."""

    id: str
    number: str
    department: str
    performer: str | None
    assignee: str | None
    part: Part
    status: AssignmentStatus
    priority: Priority
    rank: Annotated[int, Field(description="Of its priority, most urgent first")]
    sort_at: Annotated[datetime, Field(description="Its place within the rank")]
    issued_at: datetime
    due_at: datetime | None
    accept_by: datetime | None
    accepted_at: datetime | None
    signed_at: datetime | None
    unsigned: Annotated[bool, Field(description="Nobody has signed for it: not at all, or the clock alone")]
    contacted_at: datetime | None
    asked_due_at: datetime | None
    ruled: bool
    redos: int
    title: str
    category: Named | None
    kind: Kind
    area: Named | None
    address: str | None
    building: str | None
    unit: str | None
    attachments: int
    flags: tuple[str, ...]
    urges: int
    supervised: Level | None
    ticket_status: TicketStatus
    version: int
    overdue: bool


@reply_type()
class ColouredOrder(QueuedOrder):
    """An order whose colour was asked for."""

    colour: Annotated[Colour, Field(description="How its clock looks now, as the board counts it")]
    next_clock: NextClockOut | None
    said: Said
    arriving: Annotated[bool, Field(description="Whoever sent it may take it back still: nobody was told yet")]


@reply_type()
class OrderPage:
    items: tuple[ColouredOrder | QueuedOrder, ...]
    next: str | None


def render_queued_order(
    row: dict[str, Any],
    directory: Directory,
    now: datetime,
    clocks: Iterable[RunningClock] | None = None,
    narrative: str | None = None,
) -> QueuedOrder:
    """An order in a department's queue. The row is the answer but for names and for what time makes of it."""
    due = row["due_at"]
    row.pop("stamp")
    row["category"] = directory.optional_item_name("categories", row["category"])
    row["area"] = directory.optional_item_name("areas", row["area"])
    works = row["ticket_status"] == TicketStatus.DISPATCHED and row["status"] != AssignmentStatus.REPORTED
    past = due is not None and now > _instant(due)
    row["unsigned"] = is_unsigned(row["status"], row["signed_at"])
    row["overdue"] = works and past  # whoever waits for us, or has reported, is not late
    if clocks is None:
        return reply_from_values(QueuedOrder, row)
    first = next_of_order(clocks, row["id"])
    looks = {
        "colour": first.colour if first else Colour.GREY,
        "next_clock": render_next_clock(first),
        "said": said_briefly(directory, narrative, row["title"]),
        "arriving": is_arriving(Priority(row["priority"]), _flags(row["flags"]), _instant(row["issued_at"]), now),
    }
    return reply_from_values(ColouredOrder, {**row, **looks})


def _flags(stored: Any) -> Sequence[str]:
    """The flags of a row as it was read: they may be JSON that goes into the reply as it is."""
    return orjson.loads(orjson.dumps(stored))  # type: ignore[no-any-return]


def _instant(stored: datetime | str) -> datetime:
    """A moment of a row as it was read: SQLite gives it as text."""
    return datetime.fromisoformat(stored) if isinstance(stored, str) else stored


@reply_type()
class OrderLine:
    """An assignment on a board."""

    id: str
    number: str
    status: AssignmentStatus
    priority: Priority
    title: str
    issued_at: datetime
    due_at: datetime | None


_LINE = tuple(f.name for f in fields(OrderLine))


def render_order_line(row: Any) -> OrderLine:
    """An assignment on a board."""
    return OrderLine(*(getattr(row, name) for name in _LINE))


@reply_type()
class HouseBoard:
    """The number of tickets in each state."""

    counts: dict[TicketStatus, int]
    open: int


@reply_type()
class BoardOut:
    """A department's open assignments in numbers."""

    department: Named
    counts: dict[AssignmentStatus, int]
    colours: Annotated[dict[Colour, int], Field(description="How the orders' clocks look now")]
    states: Annotated[dict[AssignmentStatus, dict[Colour, int]], Field(description="State, then colour")]
    open: int
    oldest: OrderLine | None
    due_next: tuple[OrderLine, ...]
    performing: dict[AssignmentStatus, int]
    performing_open: int
    at: datetime

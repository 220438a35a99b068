"""Tickets in lists as replies show them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hotline.organisation.model.directory import Directory, Named
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.replies import reply_from_values, reply_type
from hotline.tickets.model.ticket import is_unsigned
from hotline.tickets.model.vocabulary import AssignmentStatus, TicketStatus
from hotline.tickets.schemas.sla import NextClockOut, render_next_clock
from hotline.tickets.sla.next_clock import RunningClock, next_clock
from hotline.triage.model.titles import shorten, strip_greeting

_SHORT = 40  # characters
Said = Annotated[
    str | None,
    Field(
        description="The first words of what was said; null: the title is made of them, or the matter is confidential"
    ),
]


@reply_type()
class TicketBrief:
    """A ticket in a list: no whole narrative and no caller, so that a list leaks neither."""

    number: str
    status: TicketStatus
    kind: Kind
    category: Named | None
    priority: Priority
    title: str
    channel: Channel
    area: Named | None
    department: Named | None
    flags: tuple[str, ...]
    confidential: bool
    urges: int
    calls: int
    due_at: datetime | None
    overdue: bool
    unsigned: Annotated[bool, Field(description="Its lead's order is signed for by nobody, or by the clock alone")]
    promised_at: datetime | None
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    version: int


@reply_type()
class ClockedBrief(TicketBrief):
    """A ticket in a list whose clocks were asked for."""

    next_clock: NextClockOut | None
    said: Said


@reply_type()
class TicketPage:
    items: tuple[ClockedBrief | TicketBrief, ...]
    next: str | None


def render_brief(row: Any, directory: Directory, now: datetime) -> TicketBrief:
    """A row of a list of tickets."""
    return reply_from_values(TicketBrief, brief_fields(row, directory, now))


def said_briefly(directory: Directory, narrative: str | None, title: str) -> str | None:
    """The words of a narrative that stand beside a title in a list, without what it greets with."""
    words = strip_greeting(directory, narrative) if narrative else ""
    if not words or shorten(words) == title:
        return None
    return words if len(words) <= _SHORT else words[: _SHORT - 1] + "…"


def render_clocked_brief(
    row: Any, directory: Directory, clocks: Iterable[RunningClock], narrative: str | None, now: datetime
) -> ClockedBrief:
    """The same with the clock of it that ends next, and the first words of its narrative."""
    looks = {
        "next_clock": render_next_clock(next_clock(clocks)),
        "said": said_briefly(directory, narrative, row.title),
    }
    return reply_from_values(ClockedBrief, {**brief_fields(row, directory, now), **looks})


def brief_fields(row: Any, directory: Directory, now: datetime) -> dict[str, Any]:
    """What a row of a list holds, by the fields of `TicketBrief`."""
    return {
        "number": row.number,
        "status": row.status,
        "kind": row.kind,
        "category": directory.optional_item_name("categories", row.category),
        "priority": row.priority,
        "title": row.title,
        "channel": row.channel,
        "area": directory.optional_item_name("areas", row.area),
        "department": directory.optional_item_name("departments", row.department),
        "flags": row.flags,
        "confidential": row.confidential,
        "urges": row.urges,
        "calls": row.calls,
        "due_at": row.due_at,
        "overdue": _is_overdue(row, now),
        "unsigned": is_lead_unsigned(row),
        "promised_at": row.promised_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "closed_at": row.closed_at,
        "version": row.version,
    }


def is_lead_unsigned(row: Any) -> bool:
    """Whether a department has the ticket and nobody of it has signed for it."""
    return row.status == TicketStatus.DISPATCHED and is_unsigned(row.lead_at, row.lead_signed_at)


def _is_overdue(row: Any, now: datetime) -> bool:
    """Past its limit while a department works: whoever has reported, or waits for us, is not late."""
    works = row.status == TicketStatus.DISPATCHED and row.lead_at != AssignmentStatus.REPORTED
    return works and row.due_at is not None and now > row.due_at

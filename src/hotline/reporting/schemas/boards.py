"""Replies for oversight: decisions that wait, the audit log, earlier answers."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from hotline.organisation.model.actors import ActorKind, Role
from hotline.organisation.model.directory import Directory, Named
from hotline.organisation.model.vocabulary import Metric, Priority
from hotline.replies import reply_from_values, reply_type
from hotline.text.personal import hide_long_numbers
from hotline.text.typed_pinyin import name_sounds
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, Part, ReturnReason, TicketStatus
from hotline.tickets.schemas.sla import NextClockOut, render_next_clock
from hotline.tickets.schemas.tickets import OrderResult
from hotline.tickets.schemas.timeline import EntryAuthor
from hotline.tickets.sla.next_clock import RunningClock, next_clock


@reply_type()
class RulingOut:
    """An assignment that waits for a decision: on a return, an extension, or a submitted result."""

    id: str
    number: str
    department: Named
    part: Part
    status: AssignmentStatus
    priority: Priority
    due_at: datetime | None
    asked_due_at: datetime | None
    return_reason: ReturnReason | None
    return_basis: str | None
    suggested: Named | None
    reported_at: datetime | None
    result: OrderResult | None
    title: str
    category: Named | None
    area: Named | None
    version: int
    next_clock: Annotated[NextClockOut | None, Field(description="When it must have been decided")]


@reply_type()
class Rulings:
    items: tuple[RulingOut, ...]


_OF_DECISIONS = frozenset({Metric.RULING, Metric.EXTENSION, Metric.AUDIT})


def render_ruling(row: Any, clocks: Iterable[RunningClock], directory: Directory) -> RulingOut:
    """The reply's item of a row that waits for a decision. `clocks`: those of its ticket."""
    held = row._asdict()
    nouns = {"department": "departments", "suggested": "departments", "category": "categories", "area": "areas"}
    held |= {name: directory.optional_item_name(noun, held[name]) for name, noun in nouns.items()}
    if held["result"] is not None:
        held["result"] = reply_from_values(OrderResult, held["result"])
    own = (c for c in clocks if c.assignment == row.id and c.metric in _OF_DECISIONS)
    return RulingOut(**held, next_clock=render_next_clock(next_clock(own)))


_AS_TOLD = frozenset({Action.ADD_CALL, Action.PROVIDE_INFO})  # whose reason is what was told, whoever wrote it down


class Withheld(StrEnum):
    """Why the log does not tell the reason that stands on the ticket."""

    RESIDENT = "resident"  # a resident wrote or said it
    CONFIDENTIAL = "confidential"


@reply_type(from_="from")
class AuditEntry:
    """Who did what to which ticket, and why. `department`: the unit whose assignment it was about, or that the ticket
    was sent to. `reason`: of what staff did alone; long numbers in it are hidden; the timeline has them. `withheld`:
    there is a reason, and it is not told here. The id of a resident is `resident`."""

    number: str
    seq: int
    at: datetime
    action: Action
    from_: TicketStatus | AssignmentStatus | None
    to: TicketStatus | AssignmentStatus | None
    by: EntryAuthor
    assignment: str | None
    department: Named | None
    reason: str | None
    withheld: Withheld | None


@reply_type()
class AuditPage:
    items: tuple[AuditEntry, ...]
    next: str | None


@reply_type()
class AuditAuthor:
    """Somebody whose deeds can be asked for, as people know them. `id`: what the audit log is asked with."""

    kind: ActorKind
    id: str
    name: str
    login: str | None
    roles: tuple[Role, ...]
    department: Named | None
    active: bool
    sounds: Annotated[tuple[str, ...], Field(description="How a Chinese name may be typed in pinyin")]


@reply_type()
class AuditAuthors:
    items: tuple[AuditAuthor, ...]


def render_audit_author(kind: ActorKind, row: Any, directory: Directory) -> AuditAuthor:
    """The reply's item of a row of people or of keys."""
    is_active = row.active if kind is ActorKind.PERSON else row.revoked_at is None
    return AuditAuthor(
        kind=kind,
        id=row.id,
        name=row.name,
        login=row.login if kind is ActorKind.PERSON else None,
        roles=tuple(row.roles),
        department=directory.optional_item_name("departments", row.department),
        active=is_active,
        sounds=tuple(name_sounds(row.name)),
    )


def render_audit_entry(r: Any, directory: Directory) -> AuditEntry:
    """The reply's item of a row of the audit log."""
    unit = directory.optional_item_name("departments", r.department or _sent_to(r.changes))
    by_resident = r.by_kind == ActorKind.RESIDENT  # whose id is that of the caller
    by = EntryAuthor(r.by_kind, "resident" if by_resident else r.by_id, r.by_name)
    is_told = by_resident or r.action in _AS_TOLD
    withheld = Withheld.CONFIDENTIAL if r.confidential else Withheld.RESIDENT if is_told else None
    reason = None if withheld or not r.reason else hide_long_numbers(r.reason)
    return AuditEntry(
        r.number,
        r.seq,
        r.at,
        r.action,
        r.status_from,
        r.status_to,
        by,
        r.assignment,
        unit,
        reason,
        withheld if r.reason else None,
    )


def _sent_to(changes: Mapping[str, Any]) -> str | None:
    """The department of the first order that a step issued, which is the lead's where there is one."""
    _, issued = changes.get("issued") or (None, None)
    return next((str(order).split(":")[1] for order in issued or ()), None)


@reply_type()
class EarlierAnswer:
    """An answer to a similar ticket."""

    number: str
    title: str
    category: Named | None
    answer: str
    closed_at: datetime | None


@reply_type()
class EarlierAnswers:
    items: tuple[EarlierAnswer, ...]


@reply_type()
class CatalogueRow:
    """An entry of the dispatch catalogue: how many assignments it chose, how many were returned. No route: a person
    chose."""

    route: str | None
    lead: Named | None
    basis: str | None
    orders: int
    returned: int


@reply_type()
class CatalogueRows:
    items: tuple[CatalogueRow, ...]


def render_catalogue_row(row: Any, directory: Directory) -> CatalogueRow:
    """The reply's item for an entry of the dispatch catalogue."""
    route = directory.routes.get(row.route)
    lead = directory.optional_item_name("departments", route.lead) if route else None
    return CatalogueRow(row.route, lead, route.basis if route else None, int(row.n), int(row.returned))

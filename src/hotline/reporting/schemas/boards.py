"""Replies for oversight: the wallboard, the map, decisions that wait, the audit log, earlier answers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from hotline.organisation.model.directory import Directory, Named
from hotline.organisation.model.vocabulary import Metric, Priority
from hotline.replies import reply_from_values, reply_type
from hotline.reporting.model import Share
from hotline.reporting.service.figures import HourlyCounts
from hotline.telephony.service import CallCentreFigures
from hotline.telephony.vocabulary import VoiceState
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, Colour, Part, ReturnReason, TicketStatus
from hotline.tickets.schemas.sla import NextClockOut, render_next_clock
from hotline.tickets.schemas.tickets import OrderResult
from hotline.tickets.schemas.timeline import EntryAuthor
from hotline.tickets.sla.next_clock import RunningClock, next_clock


@reply_type()
class DepartmentOpen:
    """A department's open assignments by the colour of their clocks."""

    department: Named | None
    open: int
    colours: dict[Colour, int]


@reply_type()
class AreaOpen:
    area: Named | None
    open: int


@reply_type()
class Today:
    """The figures of today. `acd`: for those who see every area."""

    counts: dict[str, int]
    shares: dict[str, Share]
    acd: CallCentreFigures | None


@reply_type()
class WallOut:
    """The state of the hotline on one screen."""

    at: datetime
    counts: dict[TicketStatus, int]
    open: int
    colours: dict[Colour, int]
    departments: tuple[DepartmentOpen, ...]
    areas: tuple[AreaOpen, ...]
    calls: Annotated[dict[VoiceState, int], Field(description="Calls now; empty for who sees some areas alone")]
    today: Today
    hours: tuple[HourlyCounts, ...]


@reply_type()
class Point:
    type: Literal["Point"]
    coordinates: Annotated[tuple[float, ...], Field(min_length=2, max_length=2, description="Longitude, latitude")]


@reply_type()
class DotTicket:
    number: str
    title: str
    priority: Priority
    status: TicketStatus
    category: str | None
    late: bool


@reply_type()
class Dot:
    type: Literal["Feature"]
    geometry: Point
    properties: DotTicket


@reply_type()
class Dots:
    """Open tickets with coordinates, as GeoJSON."""

    type: Literal["FeatureCollection"]
    features: tuple[Dot, ...]


def render_dot(row: Any, now: datetime) -> Dot:
    """The map's feature of a row."""
    late = row.due_at is not None and row.due_at < now
    ticket = DotTicket(row.number, row.title, row.priority, row.status, row.category, late)
    return Dot("Feature", Point("Point", (row.lon, row.lat)), ticket)


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


@reply_type(from_="from")
class AuditEntry:
    """Who did what to which ticket."""

    number: str
    seq: int
    at: datetime
    action: Action
    from_: TicketStatus | AssignmentStatus | None
    to: TicketStatus | AssignmentStatus | None
    by: EntryAuthor
    assignment: str | None


@reply_type()
class AuditPage:
    items: tuple[AuditEntry, ...]
    next: str | None


def render_audit_entry(r: Any) -> AuditEntry:
    """The reply's item of a row of the audit log."""
    by = EntryAuthor(r.by_kind, r.by_id, r.by_name)
    return AuditEntry(r.number, r.seq, r.at, r.action, r.status_from, r.status_to, by, r.assignment)


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

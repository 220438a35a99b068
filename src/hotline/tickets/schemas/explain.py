"""Dry runs of the rules as replies show them: the result, and which rules say so."""

from datetime import datetime

from hotline.locales.labels import Label
from hotline.organisation.model.vocabulary import Danger, Kind, Priority
from hotline.replies import reply_type
from hotline.text.reasons import Because
from hotline.tickets.schemas.sla import ClockOut


@reply_type()
class CategoryShare:
    category: str
    confidence: float


@reply_type()
class TriageResult:
    """What triage would suggest for a text."""

    kind: Kind
    priority: Priority
    category: str | None
    area: str | None
    dangers: tuple[Danger, ...]
    confidence: float
    others: tuple[CategoryShare, ...]
    tell: tuple[Label, ...]


@reply_type()
class TriageExplained:
    result: TriageResult
    because: tuple[Because, ...]


@reply_type()
class RoutingResult:
    """Which departments the catalogue would choose, and by when they would have to act. `passed`: rows that lost."""

    lead: str
    assists: tuple[str, ...]
    performer: str | None
    route: str | None
    sure: bool
    passed: tuple[str, ...]
    due_at: datetime | None
    accept_by: datetime | None
    policy: str | None
    provisional: bool | None
    working_hours: bool
    on_duty: tuple[str, ...]


@reply_type()
class RoutingExplained:
    """`result` null: the directory is empty."""

    result: RoutingResult | None
    because: tuple[Because, ...]


@reply_type()
class LimitResult:
    """When a limit by itself ends, in the calendar's own zone."""

    due_at: datetime
    provisional: bool
    calendar: str


@reply_type()
class DeadlineExplained:
    """A ticket's clock, or the end of a limit by itself, with each step of the count."""

    result: ClockOut | LimitResult
    because: tuple[Because, ...]

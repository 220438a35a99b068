"""Dry runs of the rules: what is asked, the result, and which rules say so."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from hotline.locales.labels import Label
from hotline.organisation.model.vocabulary import Channel, Danger, Kind, Priority, Unit
from hotline.replies import ABSENT, reply_type
from hotline.text.reasons import Because
from hotline.tickets.schemas.advice import AddressPartsOut, CategoryShare, DangerQuestion, NamedPlace, SuggestedMatter
from hotline.tickets.schemas.opinions import ModelOpinion
from hotline.tickets.schemas.sla import ClockOut
from hotline.web.field_types import CodeWord, Detail, Line, Moment, Narrative, NumberWord, Strict


class TriageAsk(Strict):
    narrative: Narrative
    address: Detail = None
    area: CodeWord | None = Field(None, description="The area the call is about or comes from: a building is one there")
    channel: Channel = Field(Channel.PHONE, description="In writing nobody can be asked")
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"narrative": "娃儿关到电梯头了"}]}}


class RoutingAsk(Strict):
    category: CodeWord | None = None
    kind: Kind = Kind.REQUEST
    area: CodeWord | None = None
    priority: Priority = Priority.NORMAL
    dangers: list[Danger] = Field(
        [], max_length=len(Danger), description="What must be acted on, as triage names it: who acts on one assists"
    )
    at: Moment | None = Field(None, description="The moment asked about; now where absent")
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"category": "dt-fault", "area": "rq-b3"}]}}


class DeadlineAsk(Strict):
    start: Moment | None = Field(None, description="When the limit starts")
    amount: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] | None = None
    unit: Unit | None = None
    calendar: CodeWord | None = Field(None, description="A calendar's code; the organisation's where absent")
    ticket: NumberWord | None = Field(None, description="A ticket's number, instead of a limit by itself")
    clock: Line | None = Field(None, description="A clock's id or its metric; the resident's (`resolve`) where absent")
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [{"start": "2026-02-13T10:00:00+08:00", "amount": 3, "unit": "working_days", "calendar": "cn"}]
        },
    }


@reply_type()
class TriageResult:
    """What triage would suggest for a text."""

    kind: Kind
    priority: Priority
    category: str | None
    area: str | None
    dangers: tuple[Danger, ...]
    confidence: float
    sure: Annotated[bool, Field(description="Whether the rules may dispatch by it; else a dispatcher decides")]
    others: tuple[CategoryShare, ...]
    tell: tuple[Label, ...]
    location: AddressPartsOut
    places: Annotated[tuple[NamedPlace, ...], Field(description="All that may be meant, nearest to the matter first")]
    ask: tuple[DangerQuestion, ...]
    symptoms: tuple[str, ...]
    matters: tuple[SuggestedMatter, ...]
    title: str
    model: ModelOpinion = ABSENT


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

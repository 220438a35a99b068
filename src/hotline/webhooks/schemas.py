"""Schemas of subscriptions and deliveries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hotline.delivery.egress import EgressRules
from hotline.delivery.model import MessageStatus
from hotline.replies import reply_from_values, reply_type
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, TicketStatus
from hotline.web.field_types import AreaCode, CodeWord, DepartmentCode, Line, PlainLine, Strict
from hotline.web.schemas import LEFT_OUT
from hotline.webhooks.cache import Subscription
from hotline.webhooks.model import EVENT_TYPES, TEST_TYPE, WebhookOrder, WebhookTicket

Url = Annotated[
    PlainLine,
    Field(
        min_length=8, max_length=500, examples=["https://grid.example.org/hook"], json_schema_extra={"format": "uri"}
    ),
]
Events = Annotated[
    list[Annotated[str, Field(max_length=40, json_schema_extra={"enum": ["*", *EVENT_TYPES]})]], Field(max_length=40)
]


class SubscriptionIn(Strict):
    name: Line
    url: Url
    form: Annotated[str, Field(max_length=16)] = "events"
    events: Events = Field(default_factory=list, description="Types of events; none: every one")
    department: DepartmentCode | None = Field(
        None, description="Only of tickets this department, or one below it, works on"
    )
    area: AreaCode | None = Field(None, description="Only of tickets within this area")
    outer_system: CodeWord | None = Field(None, description="Only of orders that came from this other hotline")
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [{"name": "grid platform", "url": "https://grid.example.org/hook", "events": ["ticket.closed"]}]
        },
    }


class SubscriptionChange(Strict):
    name: Annotated[Line | None, LEFT_OUT] = None
    url: Annotated[Url | None, LEFT_OUT] = None
    events: Annotated[Events | None, LEFT_OUT] = None
    active: Annotated[bool | None, LEFT_OUT] = None
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"active": True}]}}


@reply_type()
class SubscriptionOut:
    """A subscription: where events are sent, and of which types. `disabled`: why it was switched off."""

    id: str
    name: str
    url: str
    form: str
    events: Annotated[tuple[str, ...], Field(description="Types of events; none: every one")]
    department: str | None
    area: str | None
    outer_system: str | None
    active: bool
    disabled: str | None
    address_refused: Annotated[bool, Field(description="No delivery goes to this address: it is not allowed here")]
    created_at: datetime
    version: int


@reply_type()
class SubscriptionMade(SubscriptionOut):
    """A subscription that was made just now."""

    secret: Annotated[str, Field(description="Shown here and nowhere else")]


@reply_type()
class SecretOut:
    secret: Annotated[str, Field(description="Shown here and nowhere else")]


@reply_type()
class SubscriptionPage:
    items: tuple[SubscriptionOut, ...]
    next: str | None


@reply_type()
class DeliveryLine:
    """A delivery in the log."""

    id: str
    type: Annotated[str | None, Field(description="Of the event")]
    number: str | None
    status: MessageStatus
    attempts: int
    created_at: datetime
    next_at: Annotated[datetime, Field(description="When it is tried next, while it is queued")]
    last_error: str | None
    tried_at: Annotated[datetime | None, Field(description="Of the last try")]
    answer_status: Annotated[int | None, Field(description="HTTP status of its answer; null: none came")]
    answer_bytes: Annotated[int | None, Field(description="Size of the body of its answer")]


@reply_type()
class DeliveryPage:
    items: tuple[DeliveryLine, ...]
    next: str | None


@reply_type()
class QueuedDelivery:
    """The id of the delivery that will be sent."""

    queued: str


@reply_type()
class DeliveryTry:
    n: int
    at: datetime
    ms: int
    good: bool
    said: str
    answer_status: int | None
    answer_bytes: int | None


@reply_type(from_="from")
class StoredEvent:
    """An event as it is kept with a delivery: what subscribers are sent is made of it."""

    event: Annotated[str, Field(description="Its id: the same for every subscriber")]
    type: str
    action: Action
    at: datetime
    from_: TicketStatus | AssignmentStatus | None
    to: TicketStatus | AssignmentStatus | None
    departments: Annotated[list[str], Field(description="Whom it concerns")]
    area: str | None
    confidential: bool
    outer_system: str | None
    ticket: WebhookTicket
    order: WebhookOrder | None


@reply_type()
class DeliveryOut:
    """One delivery with every attempt."""

    id: str
    status: MessageStatus
    attempts: int
    payload: Annotated[
        StoredEvent | None,
        Field(description="The stored event, from which what is sent is made in the subscription's form; null: a test"),
    ]
    tries: tuple[DeliveryTry, ...]


_FROM_ROW = (
    "id", "name", "url", "form", "events", "department", "area", "outer_system", "active", "disabled", "created_at",
    "version",
)  # fmt: skip


def created_subscription_reply(row: Mapping[str, Any], secret: str) -> SubscriptionMade:
    """A new subscription with its secret."""
    return SubscriptionMade(**{name: row[name] for name in _FROM_ROW}, address_refused=False, secret=secret)


def subscription_reply(s: Subscription, rules: EgressRules) -> SubscriptionOut:
    """A subscription without its secrets. `rules`: where deliveries may go."""
    return SubscriptionOut(
        id=s.id, name=s.name, url=s.url, form=s.form, events=s.event_filter.events, department=s.department,
        area=s.area,
        outer_system=s.event_filter.outer_system, active=s.active, disabled=s.disabled,
        address_refused=rules.broken_by(s.url) is not None, created_at=s.created_at, version=s.version,
    )  # fmt: skip


def delivery_line_reply(row: Any, tried: Any | None) -> DeliveryLine:
    """A row of the delivery log. `tried`: its last try."""
    return DeliveryLine(
        id=row.id, type=row.payload.get("type"), number=row.number or None, status=row.status, attempts=row.attempts,
        created_at=row.created_at, next_at=row.next_at, last_error=row.last_error,
        tried_at=tried and tried.at, answer_status=tried and tried.answer_status,
        answer_bytes=tried and tried.answer_bytes,
    )  # fmt: skip


def delivery_reply(row: Any, tries: Any) -> DeliveryOut:
    """A delivery with its tries."""
    log = tuple(DeliveryTry(t.n, t.at, t.ms, t.good, t.said, t.answer_status, t.answer_bytes) for t in tries)
    is_test = row.payload.get("type") == TEST_TYPE
    payload = None if is_test else reply_from_values(StoredEvent, dict(row.payload))
    return DeliveryOut(row.id, row.status, row.attempts, payload, log)

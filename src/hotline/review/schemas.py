"""Schemas of inbound items, and of the decisions about them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hotline.inbound.model import Effect, InboundKind, InboundStatus
from hotline.replies import reply_type
from hotline.web.field_types import CodeWord, Line, Narrative, NumberWord, Strict


class TakeUp(Strict):
    """As a new ticket, or onto an open one. `narrative` where the item itself says nothing that can be read."""

    narrative: Narrative | None = None
    attach_to: NumberWord | None = None
    category: CodeWord | None = None
    area: CodeWord | None = None
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"attach_to": "100000006"}]}}


class Dismissal(Strict):
    reason: Line
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"reason": "advertising"}]}}


@reply_type()
class InboundOut:
    """An inbound message. For a confidential ticket without sender and details."""

    id: str
    gateway: str
    kind: InboundKind
    status: InboundStatus
    effect: Effect | None
    sender: str | None
    receiver: str | None
    text: str
    number: Annotated[str | None, Field(description="The ticket that came of it")]
    why: Annotated[str | None, Field(description="Why it waits for somebody")]
    urgent: bool
    sent_at: datetime | None
    received_at: datetime
    details: Annotated[Mapping[str, Any], Field(description="What its provider said beside it, by its names")]
    handled_by: str | None


@reply_type()
class InboundWhole(InboundOut):
    """An inbound message with everything that arrived."""

    raw: str


@reply_type()
class InboundPage:
    items: tuple[InboundOut, ...]
    next: str | None


def inbound_reply(row: Any) -> InboundOut:
    """A row of what came in."""
    return InboundOut(**_fields(row))


def inbound_detail_reply(row: Any) -> InboundWhole:
    """The same with all that came; of a confidential matter without it."""
    return InboundWhole(**_fields(row), raw="" if row.confidential else row.raw)


def _fields(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "gateway": row.gateway, "kind": row.kind, "status": row.status, "effect": row.effect,
        "sender": None if row.confidential else row.sender, "receiver": row.receiver, "text": row.text,
        "number": row.number, "why": row.why, "urgent": row.urgent, "sent_at": row.sent_at,
        "received_at": row.received_at, "details": {} if row.confidential else row.details,
        "handled_by": row.handled_by,
    }  # fmt: skip

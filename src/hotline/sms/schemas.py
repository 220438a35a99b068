"""Texts of ours as replies show them, and the numbers that get none, as they are sent and shown."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hotline.organisation.model.actors import Actor
from hotline.replies import reply_type
from hotline.sms.model.status import TextStatus, TextWait
from hotline.sms.waiting_texts import WaitingText
from hotline.tickets.model.visibility import visible_phone
from hotline.web.field_types import PlainLine, Strict


class Stop(Strict):
    phone: Annotated[PlainLine, Field(min_length=1, max_length=40)]
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"phone": "13800138000"}]}}


@reply_type()
class TextOut:
    """A text, and what became of it. `to` is masked by role."""

    id: str
    number: str | None
    to: str | None
    template: str
    language: str
    body: str
    parts: int
    status: TextStatus
    status_at: datetime
    created_at: datetime
    sent_at: datetime | None
    gateway: str | None
    attempts: int
    error: str | None
    waits_for: Annotated[TextWait | None, Field(description="Why it has not been handed over yet")]
    waits_until: Annotated[datetime | None, Field(description="When it is handed over at the earliest")]


@reply_type()
class TextPage:
    items: tuple[TextOut, ...]
    next: str | None


@reply_type()
class TryOut:
    """One attempt to hand over a text: gateway, duration, the provider's answer."""

    n: int
    way: str
    at: datetime
    ms: int
    good: bool
    said: str


@reply_type()
class TextWhole(TextOut):
    """A text with its delivery log."""

    tries: tuple[TryOut, ...]


@reply_type()
class QueuedText:
    """The id of the text that is sent again."""

    queued: str


@reply_type()
class StopOut:
    """A number that gets no texts from us."""

    phone: str
    at: datetime
    by_id: Annotated[str, Field(description="Who put it there")]


@reply_type()
class StopPage:
    items: tuple[StopOut, ...]
    next: str | None


def text_reply(row: Any, actor: Actor) -> TextOut:
    """A row of the texts."""
    return TextOut(**_fields(row, actor))


def text_detail_reply(row: Any, tries: Any, actor: Actor) -> TextWhole:
    """A text with every try to hand it over."""
    log = tuple(TryOut(t.n, t.way, t.at, t.ms, t.good, t.said) for t in tries)
    return TextWhole(**_fields(row, actor), tries=log)


def _fields(row: Any, actor: Actor) -> dict[str, Any]:
    return {
        "id": row.id, "number": row.number,
        "to": visible_phone(row.receiver, actor, confidential=bool(row.confidential)),
        "template": row.template, "language": row.language, "body": row.body, "parts": row.parts, "status": row.status,
        "status_at": row.status_at, "created_at": row.created_at, "sent_at": row.sent_at, "gateway": row.gateway,
        "attempts": row.attempts, "error": row.error, "waits_for": None, "waits_until": None,
    }  # fmt: skip


def waiting_text_reply(waiting: WaitingText, actor: Actor) -> TextOut:
    """A text that has not been handed over yet."""
    text = waiting.text
    return TextOut(
        id=text.id, number=text.number, to=visible_phone(text.to, actor, confidential=False), template=text.template,
        language=text.language, body=text.content.body, parts=text.content.parts, status=TextStatus.CREATED,
        status_at=waiting.created_at, created_at=waiting.created_at, sent_at=None, gateway=None, attempts=0, error=None,
        waits_for=waiting.wait, waits_until=waiting.until,
    )  # fmt: skip

"""Another hotline's platform: its orders in our words, our answers in its.

The form is the one that 12345 platforms share in substance (own knowledge: names differ from city to city, so they
stand in one table here); both ways are signed as Standard Webhooks."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from hotline.delivery.gateway_settings import GatewaySettings, setting
from hotline.delivery.provider import GatewayProvider, Secret, webhook_secret_error
from hotline.organisation.model.vocabulary import Kind
from hotline.refusals import Code, Refusal, Refused
from hotline.replies import reply_type

# our field: theirs
FIELDS = {
    "number": "order_no", "narrative": "content", "title": "title", "phone": "caller_phone", "name": "caller_name",
    "address": "address", "due_at": "deadline", "confidential": "secret", "kind": "order_type",
}  # fmt: skip
MAX_DETAIL_LENGTH = 1000
# what is no reason to refuse an order: our field, and as a call names it
_DETAIL_PATHS = {"title": "title", "phone": "caller.phone", "name": "caller.name", "address": "location.address"}
FIELD_BY_CALL_PATH = {detail: FIELDS[ours] for ours, detail in _DETAIL_PATHS.items()} | {
    "outer.due_at": FIELDS["due_at"]
}
_KINDS = {
    "咨询": Kind.ENQUIRY, "求助": Kind.REQUEST, "投诉": Kind.COMPLAINT, "举报": Kind.REPORT, "建议": Kind.SUGGESTION,
    "表扬": Kind.PRAISE,
}  # fmt: skip
_CONFIDENTIAL_WORDS = frozenset({"true", "1", "yes", "y", "是", "保密"})
_OPEN = frozenset({"", "false", "0", "no", "n", "否", "不保密"})
# our events: what their platform takes as an answer
STEP_BY_EVENT = {
    "ticket.received": ("SIGNED", "已签收"),
    "ticket.dispatched": ("HANDLING", "办理中"),
    "ticket.resolved": ("REPLIED", "已答复"),
    "ticket.answered": ("REPLIED", "已答复"),
    "ticket.closed": ("FINISHED", "已办结"),
    "ticket.declined": ("RETURNED", "申请退回"),
    "ticket.reopened": ("HANDLING", "重新办理"),
    "ticket.shelved": ("SUSPENDED", "挂账"),
    "order.extended": ("DELAYED", "申请延期"),
}


@dataclass(frozen=True, slots=True)
class PartnerOrder:
    """Their order in our words. `confidential` None: it does not say; `unread`: (the field of a call, rule) of details
    that were cut."""

    number: str
    narrative: str
    title: str | None
    phone: str | None
    name: str | None
    address: str | None
    due_at: datetime | None
    confidential: bool | None
    kind: Kind | None
    unread: tuple[tuple[str, str], ...]


def parse_order(body: Any) -> PartnerOrder:
    """Their order in our words. Raises Refused, naming their fields."""
    errors: list[tuple[str, str]] = []
    unread: list[tuple[str, str]] = []
    if not isinstance(body, Mapping):
        raise Refused(Refusal(Code.INVALID, "an order is one object", errors=(("body", "one object"),)))

    def text(ours: str, most: int, *, needed: bool = False) -> str | None:
        theirs = FIELDS[ours]
        value = body.get(theirs)
        if value is None or value == "":
            if needed:
                errors.append((theirs, "required"))
            return None
        if not isinstance(value, str | int) or isinstance(value, bool) or len(str(value)) > most:
            errors.append((theirs, f"text of at most {most} characters"))
            return None
        return str(value).replace("\x00", "")

    def detail(ours: str) -> str | None:
        """Cut to its length, and noted where it was cut."""
        value = body.get(FIELDS[ours])
        detail_text = "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
        words = " ".join(detail_text.replace("\x00", "").splitlines()).strip()
        if len(words) > MAX_DETAIL_LENGTH:
            unread.append((_DETAIL_PATHS[ours], f"too long: the first {MAX_DETAIL_LENGTH} characters are kept"))
        return words[:MAX_DETAIL_LENGTH] or None

    number, narrative = text("number", 80, needed=True), text("narrative", 10_000, needed=True)
    details = {ours: detail(ours) for ours in _DETAIL_PATHS}
    due, due_at = body.get(FIELDS["due_at"]), None
    if due is not None:
        with suppress(ValueError):
            due_at = datetime.fromisoformat(str(due))
        if due_at is None or due_at.tzinfo is None:
            errors.append((FIELDS["due_at"], "a date-time with zone, as 2026-11-25T08:00:00+08:00"))
    confidential_word = str(body.get(FIELDS["confidential"]) or "").strip().casefold()
    # a confidential order must not become an open one because the word was written in another way
    if confidential_word not in _CONFIDENTIAL_WORDS | _OPEN:
        errors.append((FIELDS["confidential"], "true or false"))
    if errors or number is None or narrative is None:
        raise Refused(Refusal(Code.INVALID, "the order cannot be taken in like this", errors=tuple(errors)))
    return PartnerOrder(
        number=number,
        narrative=narrative,
        **details,
        due_at=due_at,
        confidential=confidential_word in _CONFIDENTIAL_WORDS or None,
        kind=_KINDS.get(str(body.get(FIELDS["kind"]) or "")),
        unread=tuple(unread),
    )


@reply_type()
class OrderAnswer:
    """An event as the other platform reads it: its own number first, and our public answer."""

    message_id: str
    order_no: str | None
    work_no: str | None
    step: str
    step_name: str
    department: str | None
    reply: str | None
    return_reason: str | None
    right_channel: str | None
    deadline: str | None
    satisfaction: str | None
    at: str | None


def answer_payload(event: Mapping[str, Any], id: str) -> OrderAnswer:  # noqa: A002
    """The answer made of an event that was stored with a message."""
    ticket = event.get("ticket") or {}
    code, label = STEP_BY_EVENT.get(str(event.get("type")), ("PROGRESS", "办理进展"))
    return OrderAnswer(
        message_id=id,
        order_no=(ticket.get("outer") or {}).get("number"),
        work_no=ticket.get("number"),
        step=code,
        step_name=label,
        department=ticket.get("department"),
        reply=ticket.get("public_reply"),
        return_reason=ticket.get("reason_code") if code == "RETURNED" else None,
        right_channel=ticket.get("channel_told") if code == "RETURNED" else None,
        deadline=ticket.get("promised_at"),
        satisfaction=ticket.get("satisfaction"),
        at=event.get("at"),
    )


class Hotline12345Settings(GatewaySettings):
    system: str | None = setting("its name, in a ticket's `outer`")
    area: str | None = setting("of its orders, where nothing says otherwise")


PROVIDER = GatewayProvider(
    name="hotline_12345",
    about="another hotline's platform: its orders in, our answers out",
    settings=Hotline12345Settings,
    secrets=(Secret("secret", "whsec_…, for both ways", authenticates=True, fault=webhook_secret_error),),
)

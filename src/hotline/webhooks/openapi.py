"""What we send to subscribers, as OpenAPI tells it. The events themselves stand in `webhooks/model`."""

from typing import Any

from hotline.organisation.model.vocabulary import Kind, Priority
from hotline.tickets.model.vocabulary import TicketStatus
from hotline.webhooks.model import TYPES

_TEXT = {"type": "string"}
_MAYBE = {"type": ["string", "null"]}
_MOMENT = {"type": ["string", "null"], "format": "date-time"}
EVENT: dict[str, Any] = {
    "title": "Event",
    "type": "object",
    "description": "Fields may be added, never renamed. No name, number or word of a caller is in it.",
    "required": ["id", "type", "timestamp", "data"],
    "properties": {
        "id": {**_TEXT, "description": "Of the event: the same for every subscriber and every try"},
        "type": {"type": "string", "enum": list(TYPES)},
        "timestamp": {"type": "string", "format": "date-time"},
        "data": {
            "type": "object",
            "required": ["action", "ticket"],
            "properties": {
                "action": _TEXT,
                "from": _MAYBE,
                "to": _MAYBE,
                "ticket": {
                    "type": "object",
                    "required": ["number", "status", "version"],
                    "properties": {
                        "number": _TEXT,
                        "status": {"type": "string", "enum": list(TicketStatus)},
                        "kind": {"type": "string", "enum": list(Kind)},
                        "category": _MAYBE,
                        "priority": {"type": "string", "enum": list(Priority)},
                        "area": _MAYBE,
                        "channel": _TEXT,
                        "department": _MAYBE,
                        "outer": {"type": ["object", "null"], "properties": {"system": _TEXT, "number": _TEXT}},
                        "promised_at": _MOMENT,
                        "created_at": _MOMENT,
                        "closed_at": _MOMENT,
                        "public_reply": _MAYBE,
                        "reason_code": _MAYBE,
                        "channel_told": _MAYBE,
                        "satisfaction": _MAYBE,
                        "parent": _MAYBE,
                        "version": {"type": "integer"},
                    },
                },
                "order": {
                    "type": ["object", "null"],
                    "properties": {
                        "id": _TEXT,
                        "department": _TEXT,
                        "part": _TEXT,
                        "status": _TEXT,
                        "due_at": _MOMENT,
                    },
                },
            },
        },
    },
}
_HEADERS = (
    ("webhook-id", "Of the delivery: the same at every try. Drop what you have seen."),
    ("webhook-timestamp", "Seconds since the epoch, of this try. Refuse what is older than five minutes."),
    (
        "webhook-signature",
        "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several while a secret changes",
    ),
)


SIGNATURE = {
    "type": "apiKey",
    "in": "header",
    "name": "webhook-signature",
    "description": "Standard Webhooks: HMAC-SHA256 with the secret told when the subscription was made",
}


def described() -> dict[str, Any]:
    """The `webhooks` of the OpenAPI document: one for each type of event."""
    return {kind: {"post": _operation(kind)} for kind in TYPES}


def _operation(kind: str) -> dict[str, Any]:
    return {
        "operationId": "on_" + kind.replace(".", "_"),
        "summary": kind,
        "description": "Sent to every subscription that wants it, signed as Standard Webhooks, tried for 75 hours.",
        "tags": ["subscriptions"],
        "security": [{"signature": []}],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": said, "schema": _TEXT}
            for name, said in _HEADERS
        ],
        "requestBody": {
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}},
            "required": True,
        },
        "responses": {
            "2XX": {"description": "Taken: it is not sent again"},
            "410": {"description": "No more: the subscription is switched off"},
            "default": {"description": "Not taken: it is sent again, after Retry-After where that is given"},
        },
    }

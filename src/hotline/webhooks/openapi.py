"""What subscribers are sent, as the OpenAPI document has it. The types of the events are in `webhooks/model`."""

from typing import Any

from hotline.web.published_schemas import schemas_of
from hotline.webhooks.model import EVENT_TYPES, TEST_TYPE, WebhookEvent, WebhookTestEvent

_TEXT_SCHEMA = {"type": "string"}
_HEADERS = (
    ("webhook-id", "Of the delivery: the same at every try. Drop what you have seen."),
    ("webhook-timestamp", "Seconds since the epoch, of this try. Refuse what is older than five minutes."),
    (
        "webhook-signature",
        "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several while a secret changes",
    ),
)


SIGNATURE_SCHEME = {
    "type": "apiKey",
    "in": "header",
    "name": "webhook-signature",
    "description": "Standard Webhooks: HMAC-SHA256 with the secret told when the subscription was made",
}


def webhook_operations() -> tuple[dict[str, Any], dict[str, Any]]:
    """The `webhooks` of the OpenAPI document, one for each type of event; and the components these refer to."""
    (event,), components = schemas_of(WebhookEvent)
    components["WebhookEvent"]["properties"]["type"] = {"type": "string", "enum": list(EVENT_TYPES)}
    (test,), test_components = schemas_of(WebhookTestEvent)
    test_components["WebhookTestEvent"]["properties"]["type"] = {"type": "string", "enum": [TEST_TYPE]}
    operations = {kind: {"post": _operation(kind, event)} for kind in EVENT_TYPES}
    return operations | {TEST_TYPE: {"post": _operation(TEST_TYPE, test)}}, components | test_components


def _operation(kind: str, event: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": "on_" + kind.replace(".", "_"),
        "summary": kind,
        "description": "Sent to every subscription that wants it, signed as Standard Webhooks, tried for 75 hours.",
        "tags": ["subscriptions"],
        "security": [{"signature": []}],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": _TEXT_SCHEMA}
            for name, text in _HEADERS
        ],
        "requestBody": {
            "content": {"application/json": {"schema": event}},
            "required": True,
        },
        "responses": {
            "2XX": {"description": "Taken: it is not sent again"},
            "410": {"description": "No more: the subscription is switched off"},
            "default": {"description": "Not taken: it is sent again, after Retry-After where that is given"},
        },
    }

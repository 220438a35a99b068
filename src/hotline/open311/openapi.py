"""The operations of Open311, as the OpenAPI document has them: their replies are the types of `open311/schemas`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hotline.open311.schemas import (
    Open311Accepted,
    Open311Discovery,
    Open311ExtendedRequest,
    Open311Notice,
    Open311Problem,
    Open311RequestOut,
    Open311ServiceDefinition,
    Open311ServiceOut,
    Open311Token,
    Open311TokenResult,
    Open311UpdateOut,
    Open311UpdateReceipt,
)
from hotline.open311.serializer import CSV, JSON, XML
from hotline.web.published_schemas import schemas_of

API_KEY = {
    "type": "apiKey",
    "in": "query",
    "name": "api_key",
    "description": "The secret of a key with the role gateway; a form may hold it too",
}
_TEXT: dict[str, Any] = {"type": "string"}
_MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


_FORMAT = {
    "name": "format",
    "in": "path",
    "required": True,
    "description": "Of the reply",
    "schema": {"type": "string", "enum": ["json", "xml"]},
}
_JURISDICTION = _query("jurisdiction_id", "Another one than ours is answered 404", _TEXT)
_FILTERS = (
    _query("service_request_id", "One or several, with commas; overrides the other filters", _TEXT),
    _query("service_code", "One or several, with commas", _TEXT),
    _query("start_date", "Reported from then on; default: 90 days before the end", _MOMENT),
    _query("end_date", "Reported until then", _MOMENT),
    _query("updated_after", "Updated from then on", _MOMENT),
    _query("updated_before", "Updated until then", _MOMENT),
    _query("status", "`open`, `closed`, or both with a comma", _TEXT),
)
_PAGED = (
    *_FILTERS,
    _query("page", "From 1", _WHOLE),
    _query("page_size", "At most 1000", _WHOLE),
    _query("extensions", "With answers, channel and public steps", {"type": "string", "enum": ["true", "false"]}),
)
_REPORT = {
    "service_code": _TEXT, "lat": {"type": "number"}, "long": {"type": "number"}, "address_string": _TEXT,
    "address_id": _TEXT, "description": _TEXT, "first_name": _TEXT, "last_name": _TEXT, "phone": _TEXT, "email": _TEXT,
    "account_id": _TEXT, "device_id": _TEXT, "media_url": _TEXT, "client_request_id": _TEXT,
}  # fmt: skip
_UPDATE = {
    "service_request_id": _TEXT, "update_id": _TEXT, "status": _TEXT, "updated_datetime": _MOMENT, "description": _TEXT,
    "media_url": _TEXT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Operation:
    """`reply`: the type of the JSON reply; None: CSV. `form`: the fields of a POST, the first `needed` of them
    required."""

    path: str
    id: str
    summary: str
    description: str
    reply: Any
    parameters: Sequence[dict[str, Any]] = ()
    form: dict[str, Any] | None = None
    needed: Sequence[str] = ()
    public: bool = True


_OPERATIONS = (
    _Operation(
        "/discovery.{format}", "open311_discovery", "Discovery", "Who answers here, where and in which formats.",
        Open311Discovery,
    ),
    _Operation(
        "/services.{format}", "open311_services", "Services", "Every service that can be reported.",
        list[Open311ServiceOut], (_JURISDICTION,),
    ),
    _Operation(
        "/services/{service_code}.{format}", "open311_service_definition", "Service definition",
        "The questions of a service.", Open311ServiceDefinition, (_JURISDICTION,),
    ),
    _Operation(
        "/requests.{format}", "open311_requests", "Requests",
        "Published requests, and those that came with your key, newest first; of the last 90 days where no time is "
        "named.",
        list[Open311RequestOut | Open311ExtendedRequest], (_JURISDICTION, *_PAGED),
    ),
    _Operation(
        "/requests.csv", "open311_requests_csv", "Requests as CSV",
        "All requests that fit the filters, as a table; without a key, 1000 at most.", None,
        (_JURISDICTION, *_FILTERS),
    ),
    _Operation(
        "/requests.{format}", "open311_report", "Report",
        "A new request. Answered with its number, a token, or a notice, as the service has it. Attributes are "
        "`attribute[CODE]`; pictures are files of a multipart form. The same `client_request_id` or "
        "`attribute[fixmystreet_id]` makes one request.",
        list[Open311Accepted | Open311Token | Open311Notice], (), _REPORT, ("service_code",), public=False,
    ),
    _Operation(
        "/requests/{service_request_id}.{format}", "open311_request", "Request", "One request, whatever its age.",
        list[Open311RequestOut | Open311ExtendedRequest],
        (_JURISDICTION, _query("extensions", "`true`: with answers, channel and public steps", _TEXT)),
    ),
    _Operation(
        "/tokens/{token}.{format}", "open311_token", "Token",
        "The number of a report that was answered with a token, as soon as it has one.",
        list[Open311TokenResult | Open311Token], (_JURISDICTION,),
    ),
    _Operation(
        "/servicerequestupdates.{format}", "open311_updates", "Updates",
        "Steps of requests, oldest first; of the last 24 hours where no time is named.", list[Open311UpdateOut],
        (_JURISDICTION, _query("start_date", "From then on", _MOMENT), _query("end_date", "Until then", _MOMENT)),
    ),
    _Operation(
        "/servicerequestupdates.{format}", "open311_update", "Update",
        "What a client says of a request, once for its own `update_id`.", list[Open311UpdateReceipt], (), _UPDATE,
        ("service_request_id", "update_id"), public=False,
    ),
)  # fmt: skip
_NO_SUCH_PATH = {
    "text/plain; charset=utf-8": {"schema": _TEXT},
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},  # it is no path of Open311 at all
}
_ERRORS = {
    "400": "The question or the form is wrong",
    "403": "api_key missing, unknown, or not one of a gateway",
    "404": "There is no such thing, or Open311 is switched off",
    "429": "Too many questions without a key; see Retry-After",
    "500": "A defect of ours",
    "503": "Try again after Retry-After",
}


def described(base: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The path items under `base`, and the components these refer to."""
    reply_types = [o.reply for o in _OPERATIONS if o.reply is not None]
    (errors, *replies), components = schemas_of(list[Open311Problem], *reply_types)
    by_type = iter(replies)
    paths: dict[str, Any] = {}
    for operation in _OPERATIONS:
        reply = None if operation.reply is None else next(by_type)
        method = "get" if operation.form is None else "post"
        paths.setdefault(base + operation.path, {})[method] = _described(operation, reply, errors)
    return paths, components


def _described(operation: _Operation, reply: dict[str, Any] | None, errors: dict[str, Any]) -> dict[str, Any]:
    names = [part.partition("}")[0] for part in operation.path.split("{")[1:]]
    in_path = [
        _FORMAT if name == "format" else {"name": name, "in": "path", "required": True, "schema": _TEXT}
        for name in names
    ]
    found: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": ["open311"],
        "security": [{}, {"open311": []}] if operation.public else [{"open311": []}],
        "parameters": [*in_path, *operation.parameters],
        "responses": {
            "200": {"description": operation.summary, "content": _content(reply)},
            **{status: {"description": text, "content": _content(errors)} for status, text in _ERRORS.items()},
        },
    }
    found["responses"]["404"]["content"] |= _NO_SUCH_PATH
    if operation.form is not None:
        schema = {"type": "object", "properties": operation.form, "required": list(operation.needed)}
        kinds = ("application/x-www-form-urlencoded", "multipart/form-data")
        found["requestBody"] = {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}
    return found


def _content(schema: dict[str, Any] | None) -> dict[str, Any]:
    """A reply in both formats; None: the table."""
    return {CSV: {"schema": _TEXT}} if schema is None else {JSON: {"schema": schema}, XML: {"schema": schema}}

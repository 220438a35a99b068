"""The OpenAPI document: what FastAPI makes of the routes, and what it cannot know of them."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter

from hotline.open311 import openapi as open311_openapi
from hotline.open311.openapi import API_KEY
from hotline.open311.routes.application import BASE
from hotline.organisation.dependencies import KEY_HEADER, VERSION_HEADER, AccessPolicy, access_policy
from hotline.streaming.schemas import MESSAGE_COMPONENTS
from hotline.web.anonymous_limit import HOOKS
from hotline.web.problems import PROBLEM_MEDIA_TYPE
from hotline.web.responses import ETAG
from hotline.web.schemas import Problem
from hotline.webhooks import openapi as webhooks_openapi
from hotline.webhooks.openapi import SIGNATURE_SCHEME

TAGS = {
    "intake": "Logging calls, texts and visits; caller lookup.",
    "tickets": "Reading, searching and acting on tickets.",
    "attachments": "Files of a ticket.",
    "boards": "Queues, worklists, boards, the wallboard, the map, and the live stream.",
    "incidents": "Many calls about one matter, handled as one.",
    "audit": "The security log.",
    "alerts": "Dangers that wait, who is on duty now, robots of group chats, and browsers that are told.",
    "duty": "Who is on duty, and who could take an assignment.",
    "directory": "The organisation as data, and dry runs of its rules.",
    "privacy": "What is held of a caller: exported for them, or erased.",
    "channels": "Inbound messages that wait for a person; outgoing texts and their status.",
    "hooks": "Incoming webhooks from SMS providers, exchanges and other hotlines.",
    "telephony": "Calls on the exchange, callers to call back, call-centre figures.",
    "public": "Public lookup with a ticket's number and query code.",
    "subscriptions": "Outgoing webhooks and their delivery log.",
    "open311": "Open311 GeoReport v2, in JSON and XML. It has errors of its own.",
    "views": "Saved filters of lists, one's own and shared.",
    "figures": "Figures with their formulas, exports and reports.",
    "accounts": "Sign-in, people, and machines' keys.",
    "operations": "Health checks and metrics.",
}
BEARER = {"type": "http", "scheme": "bearer", "description": "A token of `POST /v1/token`, or a key"}
REPLAYED = {
    "description": "`true`: the same key did this before, and this is the answer it was given then",
    "schema": {"type": "string", "const": "true"},
}


def api_routes(app: FastAPI) -> list[APIRoute]:
    """Every operation of the app, in order."""
    contexts = iter_route_contexts(app.router.routes)
    return [c.original_route for c in contexts if isinstance(c.original_route, APIRoute)]


def paths_without_credential(app: FastAPI) -> list[str]:
    """The paths of the operations that anybody may ask; hooks have their providers' signatures."""
    routes = [(route.path, access_policy(route)) for route in api_routes(app)]
    return [path for path, policy in routes if policy is not None and policy.roles is None and HOOKS not in path]


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The document we promise: who may use each operation stands in it too. Made once for an app."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            contact={"name": "Those who run this hotline"},
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            servers=[{"url": "/", "description": "The server this document was read from"}],
            tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        )
        by_id = {r.operation_id: r for r in api_routes(app)}
        for method, operation in _operations(document):
            _complete(operation, method, access_policy(by_id[operation["operationId"]]))
        components = document["components"]
        components["securitySchemes"] = {"bearer": BEARER, "signature": SIGNATURE_SCHEME, "open311": API_KEY}
        paths, of_open311 = open311_openapi.described(BASE)
        document["paths"] |= paths
        document["webhooks"], of_webhooks = webhooks_openapi.webhook_operations()
        components["schemas"] = dict(
            sorted({**of_open311, **of_webhooks, **MESSAGE_COMPONENTS, **_problem(), **components["schemas"]}.items())
        )
        for unused in ("HTTPValidationError", "ValidationError"):
            components["schemas"].pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema


def _problem() -> dict[str, Any]:
    """The schema of a problem document by name, and those it refers to."""
    schema = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    return {**schema.pop("$defs"), "Problem": schema}


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in document["paths"].values():
        yield from path.items()


def _complete(operation: dict[str, Any], method: str, policy: AccessPolicy | None) -> None:
    """Add what stands in no signature: who may, the headers, and that a problem has its own media type."""
    answers = operation["responses"]
    if policy is not None:
        operation["x-authz"] = policy.as_openapi()
        operation["security"] = [{"bearer": []}] if policy.roles is not None else []
    headers = []
    if method == "post":
        headers.append(KEY_HEADER)
        _add_header(answers, "Idempotency-Replayed", REPLAYED)
    if "428" in answers:
        headers.append(VERSION_HEADER)
        _add_header(answers, "ETag", ETAG)
    if headers:
        operation["parameters"] = [*operation.get("parameters", []), *headers]
    for answer in answers.values():
        if PROBLEM_MEDIA_TYPE in answer.get("content", {}):
            answer["content"] = {PROBLEM_MEDIA_TYPE: answer["content"][PROBLEM_MEDIA_TYPE]}


def _add_header(answers: dict[str, Any], name: str, header: dict[str, Any]) -> None:
    for status, answer in answers.items():
        if status.startswith("2"):
            answer.setdefault("headers", {})[name] = header

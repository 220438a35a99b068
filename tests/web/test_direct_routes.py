"""Routes that are answered directly say what FastAPI's own way says, of good requests and of bad ones."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import request_response

from hotline.organisation.dependencies import AuthenticatedRoute, is_direct
from tests.conftest import Cast

CALL = {"channel": "phone", "narrative": "3栋电梯坏了"}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/v1/calls", {"json": CALL}),
    ("POST", "/v1/calls", {"json": {**CALL, "channel": "pigeon", "mood": "bad"}}),
    ("POST", "/v1/calls", {"json": None}),
    ("POST", "/v1/calls", {"json": [CALL]}),
    ("POST", "/v1/calls", {}),
    ("POST", "/v1/calls", {"content": b'{"channel": ', "headers": {"content-type": "application/json"}}),
    ("POST", "/v1/calls", {"content": b'{"a": "\xff"}', "headers": {"content-type": "application/json"}}),
    ("POST", "/v1/calls", {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}}),
    ("POST", "/v1/calls", {"json": CALL, "headers": {"idempotency-key": "not a key"}}),
    ("POST", "/v1/calls", {"json": CALL, "headers": {"authorization": "Bearer hl_no_such"}}),
    ("GET", "/v1/tickets?limit=0&status=asleep&created_from=yesterday", {}),
    ("GET", "/v1/tickets?limit=2&status=dispatched&status=closed", {}),
    ("GET", "/v1/departments/lifts%20/queue?colours=perhaps", {}),
    ("GET", "/v1/departments/lifts/queue?limit=3&colours=yes", {}),
    ("POST", "/v1/tickets/100000006/actions/urge", {"json": {"reason": "居民催问"}}),
    ("POST", "/v1/tickets/100000006/actions/urge", {"json": {}, "headers": {"if-match": '"1"'}}),
    ("DELETE", "/v1/calls", {}),
]


def told(answer: httpx.Response) -> tuple[Any, ...]:
    """What does not differ from one call to the next."""
    body = answer.json() if answer.content else None
    return answer.status_code, answer.headers.get("content-type"), sorted(body or ()), body if answer.is_error else None


async def test_direct_answers_are_those_of_the_framework(
    app: FastAPI, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = (await cast("desk")).http
    direct = [told(await desk.request(method, path, **given)) for method, path, given in REQUESTS]
    routes = [route for route in app.router.routes if isinstance(route, AuthenticatedRoute)]
    for route in routes:
        monkeypatch.setattr(route, "app", request_response(route.get_route_handler()))
    framework = [told(await desk.request(method, path, **given)) for method, path, given in REQUESTS]
    for request, ours, theirs in zip(REQUESTS, direct, framework, strict=True):
        assert ours == theirs, request[:2]


@pytest.mark.parametrize("operation", ["take_call", "read_queue", "list_tickets", "read_ticket"])
async def test_hot_paths_are_direct(app: FastAPI, operation: str) -> None:
    route = next(r for r in app.router.routes if getattr(r, "operation_id", None) == operation)
    assert isinstance(route, AuthenticatedRoute)
    assert is_direct(route)

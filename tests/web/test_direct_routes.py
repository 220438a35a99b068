"""Routes that are answered directly say what FastAPI's own way says, of good requests and of bad ones."""

import inspect
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, UploadFile, params
from fastapi.routing import request_response
from starlette.responses import Response

from hotline.organisation.dependencies import AccessPolicy, AuthenticatedRoute, StaffContext, allow_anonymous, is_direct
from tests.conftest import Cast, broken

CALL = {"channel": "phone", "narrative": "3栋电梯坏了"}
URGE = "/v1/tickets/100000006/actions/urge"
ITEM = "/v1/directory/areas/attachments"  # a path that ends like that of an upload, which may be of any media type
JSON = {"content-type": "application/json"}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/v1/calls", {"json": CALL, "headers": {"idempotency-key": "once"}}),
    ("POST", "/v1/calls", {"json": {**CALL, "channel": "pigeon", "mood": "bad"}}),
    ("POST", "/v1/calls", {"json": None}),
    ("POST", "/v1/calls", {"json": [CALL]}),
    ("POST", "/v1/calls", {}),
    ("POST", "/v1/calls", {"content": b'{"channel": ', "headers": JSON}),
    ("POST", "/v1/calls", {"content": b'{"a": "\xff"}', "headers": JSON}),
    ("POST", "/v1/calls", {"content": b"[" * 100_000, "headers": JSON}),
    ("POST", "/v1/calls", {"json": CALL, "headers": {"idempotency-key": "not a key"}}),
    ("POST", "/v1/calls", {"json": CALL, "headers": {"authorization": "Bearer hl_no_such"}}),
    ("GET", "/v1/tickets?limit=0&status=asleep&created_from=yesterday", {}),
    ("GET", "/v1/tickets?limit=2&status=dispatched&status=closed", {}),
    ("GET", "/v1/departments/lifts%20/queue?colours=perhaps", {}),
    ("GET", "/v1/departments/lifts/queue?limit=3&colours=yes", {}),
    ("POST", URGE, {"json": {"reason": "居民催问"}}),
    ("POST", URGE, {"json": {}, "headers": {"if-match": '"1"'}}),
    ("POST", "/v1/explain/triage", {"content": json.dumps({"narrative": "水管爆了"}), "headers": JSON}),
    ("POST", "/v1/token", {"json": {"login": "nobody", "password": "a wrong password"}}),
    ("PUT", ITEM, {"files": {"file": ("a.txt", b"text")}}),
    ("PUT", ITEM, {"content": b'{"name": "A"}', "headers": {"content-type": "text/plain"}}),
    ("PUT", ITEM, {"content": b'{"name": "A"}', "headers": {"content-type": "application/vnd.a+json; charset=utf-8"}}),
    ("PUT", ITEM, {"content": b'{"name": "A"}'}),
    ("DELETE", "/v1/calls", {}),
]
# values that differ from one request to the next, whichever way it is answered
CHANGING = {"trace_id", "at", "now", "uptime", "time", "seconds", "late_seconds"}
HEADERS = ("content-type", "etag", "retry-after", "www-authenticate", "allow", "location", "cache-control", "vary")


def answer_of(answer: httpx.Response) -> tuple[Any, ...]:
    """Status, headers and the whole body, without what no two answers have in common."""
    is_json = answer.headers.get("content-type", "").partition(";")[0].endswith("json")
    body = stable(answer.json()) if answer.content and is_json else answer.text
    return answer.status_code, [(name, answer.headers.get(name)) for name in HEADERS], body


def stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: stable(each) for key, each in value.items() if key not in CHANGING}
    return [stable(each) for each in value] if isinstance(value, list) else value


def authenticated_routes(app: FastAPI) -> Iterator[AuthenticatedRoute]:
    return (route for route in app.router.routes if isinstance(route, AuthenticatedRoute))


def requests_of(app: FastAPI, number: str) -> list[tuple[str, str, dict[str, Any]]]:
    """One request to each operation that is answered directly: a good one where its path says all, else one about
    nothing that is there, or without the body it needs."""
    found = []
    for route in authenticated_routes(app):
        if is_direct(route) and route.path not in (
            "/metrics",
            "/v1/security-log",
            "/v1/security-log.csv",
        ):  # which tell of the requests
            path = re.sub(r"\{\w+\}", "nobody", route.path.replace("{number}", number).replace("{code}", "lifts"))
            path = path.replace("{noun}", "areas")
            body = {} if route.body_field is None else {"json": {}}
            headers = {"if-match": '"0"', "idempotency-key": f"walk-{route.operation_id}"}
            found += [(method, path, {**body, "headers": headers}) for method in sorted(route.methods)]
    return found


async def test_direct_answers_are_those_of_the_framework(
    app: FastAPI, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, boss = await cast("desk"), await cast("boss")
    number = (await desk.call("3栋电梯坏了"))["number"]
    stale = {"json": {"text": "再来电"}, "headers": {"if-match": '"99"'}}
    requests = [*REQUESTS, ("POST", f"/v1/tickets/{number}/actions/comment", stale), *requests_of(app, number)]
    assert len(requests) > 130

    async def ask() -> list[tuple[Any, ...]]:
        return [
            answer_of(await player.http.request(method, path, **given))
            for method, path, given in requests
            for player in (desk, boss)
        ]

    await ask()  # what a request changes is changed: from here on both ways meet the same
    direct = await ask()
    for route in authenticated_routes(app):
        monkeypatch.setattr(route, "app", request_response(route.get_route_handler()))
    framework = await ask()
    for n, (ours, theirs) in enumerate(zip(direct, framework, strict=True)):
        assert ours == theirs, requests[n // 2][:2]
    codes = {status for status, _, _ in direct}
    assert {200, 201, 400, 401, 403, 404, 405, 412, 422, 428} <= codes


async def test_a_form_with_a_file_is_not_read_as_json(cast: Cast) -> None:
    boss = await cast("boss")
    sent = {"content": b'{"name": "A"}', "headers": {"if-match": '"0"', "content-type": "multipart/form-data"}}
    reply = await boss.http.put(ITEM, **sent)
    assert (reply.status_code, broken(reply.json())) == (422, [("body", "an object")])


async def test_a_route_is_direct_unless_it_asks_for_more_than_path_query_and_json(app: FastAPI) -> None:
    """Whatever a route's function takes beside its context, path, query and JSON body, the framework has to make."""
    more = (params.Header, params.Cookie, params.Form, params.File)
    for route in authenticated_routes(app):
        asked = []
        for name, parameter in inspect.signature(route.endpoint, eval_str=True).parameters.items():
            kind = parameter.annotation
            extras = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
            if kind in (Request, Response, UploadFile) or any(
                isinstance(e, more) or (isinstance(e, params.Depends) and not isinstance(e.dependency, AccessPolicy))
                for e in extras
            ):
                asked.append(name)
        assert is_direct(route) == (not asked), (route.path, asked)


def test_only_a_policy_that_gives_its_context_and_cannot_be_replaced_makes_a_route_direct() -> None:
    policy = allow_anonymous("test")

    async def with_context(context: Annotated[StaffContext, policy]) -> Response:
        return Response(context.actor.id)

    async def without_context() -> Response:
        return Response()

    async def another_reply(context: Annotated[StaffContext, policy]) -> dict[str, str]:
        return {"id": context.actor.id}

    router = APIRouter(route_class=AuthenticatedRoute)
    router.add_api_route("/given", with_context)
    router.add_api_route("/declared", without_context, dependencies=[policy])
    router.add_api_route("/twice", with_context, dependencies=[Depends(with_context)])
    router.add_api_route("/rendered", another_reply)
    assert [is_direct(r) for r in router.routes if isinstance(r, AuthenticatedRoute)] == [True, False, False, False]

    application = FastAPI()  # its routes are made with its `dependency_overrides`
    application.router.route_class = AuthenticatedRoute
    application.add_api_route("/given", with_context)
    overridable = next(r for r in application.routes if isinstance(r, AuthenticatedRoute))
    assert not is_direct(overridable)

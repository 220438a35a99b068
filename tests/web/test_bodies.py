"""What is sent without a good credential: not read, not parsed, whatever route it is sent to."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.open311.routes.forms import MOST_BEFORE_KEY
from hotline.openapi import api_routes
from hotline.organisation.dependencies import access_policy
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewKey, add_key, revoke_key
from hotline.tickets.context import Services
from hotline.web.guard import LARGEST_PUBLIC, PUBLIC_PATHS
from tests.conftest import Cast, Player

BOUNDARY = b"xxboundaryxx"
MEGABYTE = 1024 * 1024
Headers = dict[str, str]


class Body:
    """A body of many pieces, as a server hands it over: counts what is asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self.read, self._ended = pieces, 0, False

    async def receive(self) -> dict[str, Any]:
        piece = next(self._pieces, None)
        if piece is None:
            return {"type": "http.request", "body": b"", "more_body": False}
        self.read += len(piece)
        return {"type": "http.request", "body": piece, "more_body": True}


async def send(app: FastAPI, method: str, path: str, body: Body, headers: Headers, query: str = "") -> int:
    """The status of the answer."""
    status: list[int] = []

    async def answer(message: Any) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "scheme": "http",
        "headers": [(b"host", b"hotline"), *((k.encode(), v.encode()) for k, v in headers.items())],
        "client": ("192.0.2.9", 4711), "server": ("hotline", 80), "state": {},
    }  # fmt: skip
    await app(scope, body.receive, answer)
    return status[0]


def large(piece: bytes = b"x" * 4096, size: int = 11 * MEGABYTE) -> Iterator[bytes]:
    return (piece for _ in range(size // len(piece)))


def writing(app: FastAPI) -> list[tuple[str, APIRoute]]:
    return [(m, r) for r in api_routes(app) for m in sorted(r.methods & {"POST", "PUT", "PATCH"})]


def filled(path: str) -> str:
    known = {"{number}": "100000006", "{action}": "comment"}
    return "/".join(known.get(part, "x1" if part.startswith("{") else part) for part in path.split("/"))


@pytest.fixture
async def bogus(services: Services) -> list[Headers]:
    """No credential, an unknown key, an unknown token, a revoked key."""
    made = await add_key(services, NewKey("gone", Grant(frozenset({Role.OPERATOR}))), "test", services.clock())
    from hotline.organisation.service.accounts import ActorCache

    await revoke_key(services, ActorCache(), made["id"], services.clock())
    keys = ("hl_0123456789abcdef_" + "x" * 43, "hs_" + "x" * 43, made["secret"])
    return [{}, *({"authorization": f"Bearer {key}"} for key in keys)]


async def test_no_route_reads_a_byte_of_a_body_before_the_credential_is_checked(
    app: FastAPI, bogus: list[Headers]
) -> None:
    asked = [(m, r) for m, r in writing(app) if (policy := access_policy(r)) is not None and policy.roles is not None]
    assert len(asked) > 50
    for method, route in asked:
        kind = "multipart/form-data; boundary=x" if route.path.endswith("/attachments") else "application/json"
        for credential in bogus:
            body = Body(large(b'{"a": 1, ', 64 * 1024))
            headers = {"content-type": kind, "transfer-encoding": "chunked", **credential}
            assert (await send(app, method, filled(route.path), body, headers), body.read) == (401, 0), route.path


async def test_whoever_has_not_the_role_sends_no_body_either(app: FastAPI, cast: Cast) -> None:
    gate: Player = await cast("gate")
    headers = {"content-type": "application/json", "authorization": gate.http.headers["authorization"]}
    body = Body(large(b"{", 64 * 1024))
    assert (await send(app, "POST", "/v1/people", body, headers), body.read) == (403, 0)


async def test_every_open_route_takes_little_or_is_a_push(app: FastAPI) -> None:
    open_ones = {r.path for _, r in writing(app) if (policy := access_policy(r)) is not None and policy.roles is None}
    assert {path for path in open_ones if not path.startswith("/v1/hooks/")} <= PUBLIC_PATHS
    pages = [r.path for r in app.routes if type(r) is Route and "POST" in (r.methods or ())]
    assert len(pages) >= 5
    for path in (*PUBLIC_PATHS, *(page.replace("{provider}", "city") for page in pages)):
        body = Body(large(b" " * 1024, MEGABYTE))
        headers = {"content-type": "application/json", "transfer-encoding": "chunked"}
        status = await send(app, "POST", path, body, headers)
        assert status == 413 or body.read == 0, path
        assert body.read <= LARGEST_PUBLIC + 1024, path


@pytest.mark.parametrize("path", ["sms/nobody", "sms/nobody/status", "voice/nobody", "orders/nobody", "sms/listed"])
async def test_a_push_for_no_gateway_or_from_nowhere_on_its_list_is_not_read(
    path: str, app: FastAPI, services: Services
) -> None:
    settings = {"addresses": ["203.0.113.0/24"]}
    await create_gateway(
        services.gateways,
        NewGateway("listed", "kannel", settings, {"token": ["t" * 24], "password": ["p"]}, sends=False, weight=100),
        "test",
        services.clock(),
    )
    body = Body(large(size=900 * 1024))
    status = await send(app, "POST", f"/v1/hooks/{path}", body, {"content-type": "application/json"})
    assert status in (401, 404) and body.read == 0


def part(name: bytes, value: bytes, file: bytes = b"") -> bytes:
    named = b'; filename="' + file + b'"' if file else b""
    disposition = b'Content-Disposition: form-data; name="' + name + b'"' + named
    return b"--" + BOUNDARY + b"\r\n" + disposition + b"\r\n\r\n" + value + b"\r\n"


FORMS = ("application/x-www-form-urlencoded", f"multipart/form-data; boundary={BOUNDARY.decode()}")


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("where", ["nowhere", "first", "query", "last"])
async def test_an_open311_form_is_read_only_as_far_as_a_key_can_stand(
    kind: str, where: str, app: FastAPI, services: Services
) -> None:
    key = "hl_0123456789abcdef_" + "x" * 43

    def pieces() -> Iterator[bytes]:
        first = part(b"api_key", key.encode()) if "multipart" in kind else b"api_key=" + key.encode() + b"&"
        if where == "first":
            yield first
        yield part(b"media", b"x", b"a.jpg")[:-2] if "multipart" in kind else b"description="
        yield from large()
        if where == "last":
            yield first

    body = Body(pieces())
    query = f"api_key={key}" if where == "query" else ""
    headers = {"content-type": kind, "transfer-encoding": "chunked"}
    assert await send(app, "POST", "/open311/v2/requests.json", body, headers, query) == 403
    assert body.read == 0 if where == "query" else body.read <= MOST_BEFORE_KEY + 4096


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("where", ["first", "middle", "query"])
async def test_an_open311_form_with_a_good_key_is_read_whole_wherever_it_was_cut(
    kind: str, where: str, app: FastAPI, cast: Cast
) -> None:
    gate: Player = await cast("gate")
    key = gate.http.headers["authorization"].removeprefix("Bearer ").encode()
    fields = [
        (b"service_code", b"dt-fault"), (b"description", b"the lift stands"), (b"address_string", b"3-2"),
        (b"attribute[x]", b"y" * 60_000),
    ]  # fmt: skip
    if where != "query":
        fields.insert(0 if where == "first" else 2, (b"api_key", key))
    if "multipart" in kind:
        raw = b"".join(part(*field) for field in fields) + b"--" + BOUNDARY + b"--\r\n"
    else:
        raw = b"&".join(name + b"=" + value for name, value in fields)
    for size in (7, 70_000):
        body = Body(raw[n : n + size] for n in range(0, len(raw), size))
        query = f"api_key={key.decode()}" if where == "query" else ""
        status = await send(app, "POST", "/open311/v2/requests.json", body, {"content-type": kind}, query)
        assert status == 200 and body.read == len(raw)

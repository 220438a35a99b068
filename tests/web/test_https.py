"""Behind https: cookies of this host alone, HSTS, pages sent to https; and who may see figures and documentation."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from hotline.application import EdgeSettings, build_app
from hotline.console import app as console
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import ActorCache, NewPerson, add_person
from hotline.storage.file_types import ACCEPTED_TYPES, EXTENSIONS, name_with_extension
from hotline.tickets.context import Services
from hotline.web.addresses import parse_proxy_networks
from hotline.web.operations_port import OPERATIONS_PATHS, OperationsPort
from hotline.web.paging import PageCache
from tests.conftest import Clock

PASSWORD = "a long sentence 9"
PUBLIC = "https://hotline.example.org"
HSTS = "max-age=31536000; includeSubDomains"
Outside = Callable[..., Any]


@pytest.fixture
def outside(services: Services) -> Outside:
    """A client of the hotline: `outside(scheme=…, client=…, operations=…)`."""
    services.public_url = PUBLIC
    edge = EdgeSettings(parse_proxy_networks("10.1.0.5"), public_url=PUBLIC)
    app = build_app(lambda: None, edge=edge)  # type: ignore[arg-type,return-value]
    app.router.routes.extend(console.console_routes())
    app.state.services, app.state.actor_cache, app.state.pages = services, ActorCache(), PageCache()

    @asynccontextmanager
    async def made(client: str = "203.0.113.7", *, operations: bool = False) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(OperationsPort(app) if operations else app, client=(client, 4711))
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC) as http:
            yield http

    return made


async def test_behind_https_cookies_are_of_this_host_alone(outside: Outside, services: Services, clock: Clock) -> None:
    await add_person(services, NewPerson("li.min", "Li Min", PASSWORD, Grant(frozenset({Role.OPERATOR}))), clock())
    async with outside() as http:
        reply = await http.post("/console/session", json={"login": "li.min", "password": PASSWORD})
        assert reply.status_code == 200 and reply.headers["strict-transport-security"] == HSTS
        cookies = reply.headers.get_list("set-cookie")
        assert len(cookies) == 2
        for cookie in cookies:
            assert cookie.startswith("__Host-hotline_") and "Domain" not in cookie
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
        name, _, value = cookies[0].partition(";")[0].partition("=")
        http.cookies.clear()
        assert (await http.get("/v1/me", headers={"cookie": f"{name}={value}"})).status_code == 200
        planted = await http.get("/v1/me", headers={"cookie": f"{name.removeprefix('__Host-')}={value}"})
        assert planted.status_code == 401  # anybody on a connection by http could have set it
        language = (await http.get("/console/language/en")).headers["set-cookie"]
        assert language.startswith("hotline_language=") and "; Secure" in language


async def test_every_answer_carries_the_headers_of_a_safe_page(outside: Outside) -> None:
    async with outside() as http:
        for method, path, status in (
            ("GET", "/healthz", 200), ("GET", "/nowhere", 404), ("POST", "/v1/calls", 415), ("GET", "/v1/me", 401),
            ("PUT", "/v1/token", 405), ("GET", "/console/login", 200), ("GET", "/metrics", 404),
            ("GET", "/open311/v2/nothing.json", 404),
        ):  # fmt: skip
            reply = await http.request(method, path, content=b"x" if method == "POST" else None)
            assert reply.status_code == status, (path, reply.text)
            wanted = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "x-frame-options": "DENY",
                      "cross-origin-opener-policy": "same-origin", "strict-transport-security": HSTS}  # fmt: skip
            assert {name: reply.headers.get(name) for name in wanted} == wanted, path
            assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]


async def test_a_page_asked_for_by_http_is_sent_to_https_where_a_proxy_says_so(outside: Outside) -> None:
    async with outside(client="10.1.0.5") as http:
        said = {"x-forwarded-proto": "http", "x-forwarded-for": "203.0.113.7", "host": "evil.example"}
        for path in ("/", "/console", "/console/queue?at=1"):
            reply = await http.get(path, headers=said)
            assert (reply.status_code, reply.headers["location"]) == (308, f"{PUBLIC}{path}")
        assert (await http.get("/v1/me", headers=said)).status_code == 401
        assert (await http.get("/console/login", headers={"x-forwarded-for": "203.0.113.7"})).status_code == 200
    async with outside() as http:  # anybody else may say what they like
        assert (await http.get("/console/login", headers={"x-forwarded-proto": "http"})).status_code == 200


async def test_figures_and_documentation_are_for_the_machine_and_the_operations_port(outside: Outside) -> None:
    async with outside() as stranger, outside("127.0.0.1") as here, outside(operations=True) as port:
        for path in OPERATIONS_PATHS:
            assert (await stranger.get(path)).status_code == 404, path
            assert (await here.get(path)).status_code in (200, 307), path
            assert (await port.get(path)).status_code in (200, 307), path
        assert (await stranger.get("/docs-files/swagger-ui.css")).status_code == 404
        for http in (stranger, port):
            assert (await http.get("/healthz")).status_code == (await http.get("/readyz/intake")).status_code == 200
        for path in ("/v1/me", "/console/login", "/open311/v2/services.json"):
            assert (await port.get(path)).status_code == 404
    async with outside("10.1.0.5") as proxied:  # a proxy on the machine itself is not who asks
        assert (await proxied.get("/metrics", headers={"x-forwarded-for": "203.0.113.7"})).status_code == 404
        assert (await proxied.get("/metrics", headers={"x-forwarded-for": "127.0.0.1"})).status_code == 200


@pytest.mark.parametrize(
    ("name", "media_type", "given"),
    [
        ("x.html", "image/gif", "x.gif"),
        ("x.GIF", "image/gif", "x.GIF"),
        ("x.gif.", "image/gif", "x.gif"),
        ("x.gif.html. ", "image/gif", "x.gif.gif"),
        ("门.jpeg", "image/jpeg", "门.jpeg"),
        ("record", "audio/amr", "record.amr"),
        (".svg", "image/png", "file.png"),
        ("x.exe", "application/x-unknown", "x.bin"),
    ],
)
def test_a_file_is_named_by_what_its_bytes_are(name: str, media_type: str, given: str) -> None:
    assert name_with_extension(name, media_type) == given
    assert set(EXTENSIONS) == set(ACCEPTED_TYPES)

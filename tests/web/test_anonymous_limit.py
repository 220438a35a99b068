"""What one address may ask without a log-in; nobody who is logged in is ever counted."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from hotline.application import EdgeSettings, build_app
from hotline.console import app as console
from hotline.openapi import api_routes
from hotline.organisation.dependencies import access_policy
from hotline.organisation.service.accounts import ActorCache
from hotline.settings import Settings
from hotline.tickets.context import Services
from hotline.web.anonymous_limit import HEALTH_PATHS, HEALTH_REQUESTS
from hotline.web.guard import RESIDENT_FORMS
from hotline.web.paging import PageCache
from tests.conftest import Cast, Clock, on_one_database

MOST = 3
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def limited(services: Services) -> FastAPI:
    app = build_app(lambda: None, edge=EdgeSettings(anonymous_requests=MOST))  # type: ignore[arg-type, return-value]
    app.router.routes.extend(console.console_routes())
    app.state.services, app.state.actor_cache, app.state.pages = services, ActorCache(), PageCache()
    return app


@pytest.fixture
async def ask(limited: FastAPI) -> Ask:
    async def asked(address: str, path: str, method: str = "GET", **kw: object) -> httpx.Response:
        transport = httpx.ASGITransport(app=limited, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://hotline") as http:
            return await http.request(method, path, **kw)  # type: ignore[arg-type]

    return asked


async def assert_limited(
    ask: Ask, address: str, path: str, method: str = "GET", most: int = MOST, **kw: object
) -> None:
    for _ in range(most):
        assert (await ask(address, path, method, **kw)).status_code != 429, path
    reply = await ask(address, path, method, **kw)
    assert reply.status_code == 429, (path, reply.status_code)
    assert reply.headers["content-type"] == "application/problem+json" and 0 < int(reply.headers["retry-after"]) <= 60
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert (await ask(address.replace("192.0.2", "198.51.100"), path, method, **kw)).status_code != 429


async def test_every_operation_without_a_log_in_has_an_end(limited: FastAPI, ask: Ask) -> None:
    seen = 0
    for route in api_routes(limited):
        policy = access_policy(route)
        if policy is None or policy.roles is not None:
            continue
        seen += 1
        path = route.path.replace("{code}", "water").replace("{gateway}", "nobody")
        most = MOST * HEALTH_REQUESTS if path.startswith(HEALTH_PATHS) else MOST
        body = {"json": {}} if "POST" in route.methods else {}
        await assert_limited(ask, f"192.0.2.{seen}", path, next(iter(route.methods)), most, **body)
    assert seen > 10


@on_one_database
async def test_every_route_has_an_end_for_whoever_is_not_logged_in(limited: FastAPI, ask: Ask) -> None:
    """Whatever it is answered: but for static files, Open311, which has limits of its own, and health."""
    exempt = ("/console/static/", "/resident/static/", "/open311", "/docs-files", *HEALTH_PATHS)
    seen = 0
    for context in iter_route_contexts(limited.router.routes):
        route: Any = context.original_route
        path = re.sub(r"\{[^}]*\}", "water", route.path)
        if path.startswith(exempt):
            continue
        seen += 1
        method = sorted((route.methods or {"GET"}) - {"HEAD", "OPTIONS"})[0]
        body: dict[str, Any] = {"json": {}} if method in ("POST", "PUT", "PATCH") else {}
        if path.endswith("/attachments") and body:
            body = {"files": {"file": b"x"}, "headers": {"authorization": "Bearer hs_unknown"}}
        if path in RESIDENT_FORMS and body:
            body = {"data": {"words": "x"}}
        if path.endswith("/logout"):  # of an identity provider, which sends a form
            body = {"data": {"logout_token": "x"}}
        address = f"192.0.2.{seen % 250}" if seen < 250 else f"198.51.100.{seen % 250}"
        for _ in range(MOST):
            await ask(address, path, method, **body)
        assert (await ask(address, path, method, **body)).status_code == 429, (method, path)
    assert seen > 100


@pytest.mark.parametrize(
    ("path", "method"),
    [("/console/login", "GET"), ("/console/session/passkey", "POST"), ("/console/oidc/city/callback", "GET"),
     ("/console/session/passkey/options", "POST"), ("/console/oidc/city/logout", "POST"), ("/console", "GET"), ("/console/tickets", "GET"), ("/nowhere", "GET"),
     ("/v1/tickets", "GET"), ("/v1/calls", "POST"), ("/console/session", "POST")],
)  # fmt: skip
async def test_pages_paths_and_missing_credentials_are_counted(path: str, method: str, ask: Ask) -> None:
    sent = {"data": {"logout_token": "x"}} if path.endswith("/logout") else {"json": {}}
    await assert_limited(ask, "192.0.2.7", path, method, **(sent if method == "POST" else {}))


async def test_guessing_keys_has_an_end_and_a_good_key_is_never_refused(ask: Ask, cast: Cast) -> None:
    rubbish = {"authorization": "Bearer hl_0123456789abcdef_" + "A" * 43}
    good = {"authorization": str((await cast("desk")).http.headers["authorization"])}
    await assert_limited(ask, "192.0.2.7", "/v1/tickets", headers=rubbish)
    for _ in range(2 * MOST):
        assert (await ask("192.0.2.7", "/v1/tickets", headers=good)).status_code == 200
    assert (await ask("192.0.2.7", "/v1/tickets", headers=rubbish)).status_code == 429
    assert (await ask("192.0.2.7", "/v1/keys", headers=good)).status_code == 403  # a refusal, and no guess
    assert (await ask("192.0.2.7", "/healthz")).status_code == 200  # health has a limit of its own


async def test_an_ipv6_line_is_one_address_and_the_next_minute_is_another(ask: Ask, clock: Clock) -> None:
    for n in range(MOST):
        assert (await ask(f"2001:db8:0:1::{n + 1:x}", "/console/login")).status_code == 200
    refused = await ask("2001:db8:0:1:ffff::9", "/console/login")
    assert refused.status_code == 429
    assert (await ask("2001:db8:0:2::1", "/console/login")).status_code == 200
    clock.forward(seconds=int(refused.headers["retry-after"]))
    assert (await ask("2001:db8:0:1:ffff::9", "/console/login")).status_code == 200


def test_the_limit_is_on_by_default() -> None:
    assert Settings.model_fields["anonymous_requests"].default == 600

"""A log-in at an identity provider as a browser makes it, by https: which cookies it keeps, and which it sends."""

import ast
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from hotline.application import EdgeSettings, build_app
from hotline.console import app as console
from hotline.oidc.provider_client import ProviderClient
from hotline.oidc.providers import set_provider
from hotline.oidc.schemas import ProviderIn
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import ActorCache, NewPerson, add_person
from hotline.tickets.context import Services
from hotline.web.addresses import parse_proxy_networks
from hotline.web.paging import PageCache
from tests.conftest import ROOT, Clock
from tests.oidc.issuer import CLIENT, SECRET, Issuer

PASSWORD = "a long sentence 9"
PUBLIC = "https://hotline.example"
CITY: dict[str, Any] = {
    "name": "市统一身份认证", "issuer": "https://id.example", "client_id": CLIENT,
    "rules": [{"claim": "groups", "value": "hotline", "roles": ["operator"]}],
}  # fmt: skip


@dataclass
class Browser:
    """Keeps and sends cookies by the rules of RFC 6265bis, behind a proxy that ends TLS."""

    http: httpx.AsyncClient
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        site: str = "same-origin",
        headers: dict[str, str] | None = None,
        json: Any = None,
    ) -> httpx.Response:
        """`site`: of the page that asks. Another's gets no strict cookie sent, and no lax one but by a link."""
        follows_link = method == "GET" and site == "cross-site"
        sent = [
            f"{name}={cookie['value']}"
            for name, cookie in self.cookies.items()
            if f"{urlsplit(path).path}/".startswith(cookie["path"].rstrip("/") + "/")
            and (site != "cross-site" or (cookie["samesite"] == "lax" and follows_link))
        ]
        forwarded = {"x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https", "host": "hotline.example"}
        origin = {"origin": PUBLIC if site == "same-origin" else "https://evil.example"} if method != "GET" else {}
        reply = await self.http.request(
            method, path, json=json, headers={
                **forwarded, **origin, "sec-fetch-site": site, **(headers or {}),
                **({"cookie": "; ".join(sent)} if sent else {}),
            },
        )  # fmt: skip
        for line in reply.headers.get_list("set-cookie"):
            self._keep(line)
        return reply

    def _keep(self, line: str) -> None:
        pair, *attributes = (part.strip() for part in line.split(";"))
        name, _, value = pair.partition("=")
        said = {key.lower(): of for key, _, of in (part.partition("=") for part in attributes)}
        if name.startswith("__Host-"):
            assert "secure" in said and said.get("path") == "/" and "domain" not in said, line
        if said.get("max-age") == "0" or not value or value == '""':
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = {"value": value, "path": said["path"], "samesite": said["samesite"].lower()}


@pytest.fixture
async def browser(services: Services) -> AsyncIterator[Browser]:
    services.public_url = PUBLIC
    edge = EdgeSettings(parse_proxy_networks("10.1.0.5"), public_url=PUBLIC)
    app = build_app(lambda: None, edge=edge)  # type: ignore[arg-type,return-value]
    app.router.routes.extend(console.console_routes())
    app.state.services, app.state.actor_cache, app.state.pages = services, ActorCache(), PageCache()
    transport = httpx.ASGITransport(app, client=("10.1.0.5", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline") as http:
        yield Browser(http)


@pytest.fixture
async def city(services: Services, clock: Clock) -> Issuer:
    issuer = Issuer(clock, people={"li": {"preferred_username": "li.min", "name": "李敏", "groups": ["hotline"]}})
    services.add(ProviderClient(clock, httpx.MockTransport(issuer)))
    await set_provider(services, "city", ProviderIn.model_validate(CITY), SECRET, clock())
    return issuer


async def callback(browser: Browser, city: Issuer) -> httpx.Response:
    """The browser comes back from the provider, after a log-in there that a page of ours began."""
    begun = await browser.ask("POST", "/console/oidc/city?next=/console/take")
    assert begun.status_code == 200, begun.text
    back = city.log_in(begun.json()["location"], "li")
    return await browser.ask("GET", f"/console/oidc/city/callback?{httpx.QueryParams(back)}", site="cross-site")


async def test_a_log_in_at_a_provider_is_finished_behind_https_and_left_again(browser: Browser, city: Issuer) -> None:
    assert 'data-provider="/console/oidc/city' in (await browser.ask("GET", "/console/login", site="none")).text
    done = await callback(browser, city)
    assert done.status_code == 200 and "/console/take" in done.text, done.text
    assert sorted(browser.cookies) == ["__Host-hotline_device", "__Host-hotline_session"]  # and none of the way there
    assert (await browser.ask("GET", "/console/take")).status_code == 200
    assert (await browser.ask("GET", "/v1/me")).json()["name"] == "李敏"
    left = await browser.ask("DELETE", "/console/session")
    assert left.json()["location"].startswith("https://id.example/end?")
    assert (await browser.ask("GET", "/v1/me")).status_code == 401


async def test_a_new_log_in_of_a_browser_ends_the_session_it_had(
    browser: Browser, city: Issuer, services: Services, clock: Clock
) -> None:
    """Also where the browser does not send it along: the callback comes from the provider."""
    await add_person(services, NewPerson("wang", "王", PASSWORD, Grant(frozenset({Role.OPERATOR}))), clock())

    async def is_over(token: str) -> bool:
        clock.forward(seconds=2)
        reply = await browser.ask("GET", "/v1/me", site="none", headers={"authorization": f"Bearer {token}"})
        return reply.status_code == 401

    async def by_password() -> None:
        reply = await browser.ask("POST", "/console/session", json={"login": "wang", "password": PASSWORD})
        assert reply.status_code == 200, reply.text

    tokens = []
    for enter in (by_password, lambda: callback(browser, city), by_password, by_password):
        await enter()
        tokens.append(browser.cookies["__Host-hotline_session"]["value"])
    assert len(set(tokens)) == 4
    assert [await is_over(token) for token in tokens] == [True, True, True, False]
    again = await browser.ask(
        "POST", "/v1/token", headers={"authorization": f"Bearer {tokens[3]}"},
        json={"login": "wang", "password": PASSWORD},
    )  # fmt: skip
    assert again.status_code == 200 and await is_over(tokens[3]) and not await is_over(again.json()["token"])


async def test_no_page_of_another_site_begins_a_log_in(browser: Browser, city: Issuer) -> None:
    for method, site in (("GET", "cross-site"), ("POST", "cross-site"), ("GET", "none"), ("POST", "same-site")):
        refused = await browser.ask(method, "/console/oidc/city", site=site)
        assert refused.status_code == (400 if method == "POST" else 303), (method, site)
        assert "id.example" not in refused.headers.get("location", "")
        assert "__Host-hotline_oidc" not in browser.cookies
    assert city.asked == []


def test_every_cookie_of_ours_holds_for_the_whole_host() -> None:
    """Behind https one that does not has no prefix, and is left out of every request; what is chosen about looks may be."""
    seen = 0
    for file in sorted((ROOT / "src/hotline").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr in ("set_cookie", "delete_cookie"):
                seen += 1
                path = next((k.value for k in node.keywords if k.arg == "path"), None)
                whole = isinstance(path, ast.Constant) and path.value == "/"
                assert whole or ast.unparse(node.args[0]) == "cookie", f"{file}: {ast.unparse(node)}"
    assert seen >= 5

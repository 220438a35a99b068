"""A log-in at a real identity provider (oidc-provider, on loopback) in a real browser, and out again from both sides."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, expect

from hotline.oidc.providers import set_provider
from hotline.oidc.schemas import ProviderIn
from tests.conftest import ROOT, on_one_database
from tests.console.browsing import needs_browser
from tests.console.conftest import Office

LIBRARY = ROOT / ".make/generators/node_modules/oidc-provider/lib/index.js"
SECRET = "a secret of ours: 24365/+"
PEOPLE = {
    "li": {"name": "李敏", "preferred_username": "li.min", "groups": ["hotline-operators"]},
    "guest": {"name": "访客", "preferred_username": "guest", "groups": []},
}


@asynccontextmanager
async def provider(hotline: str) -> AsyncIterator[str]:
    """Its address."""
    node = shutil.which("node")
    if node is None or not LIBRARY.exists():
        pytest.skip("oidc-provider is not installed: make lint-openapi installs it")
    at = f"{hotline}/console/oidc/city"
    client = {
        "client_id": "hotline", "client_secret": SECRET, "redirect_uris": [f"{at}/callback"],
        "post_logout_redirect_uris": [f"{hotline}/console/login"],
        "backchannel_logout_uri": f"{at}/logout", "backchannel_logout_session_required": True,
    }  # fmt: skip
    given = json.dumps({"client": client, "people": PEOPLE})
    process = await asyncio.create_subprocess_exec(
        node, str(ROOT / "tests/console/provider.mjs"), str(LIBRARY), given,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = b""
            while not line.startswith(b"issuer "):
                line = await process.stdout.readline()
                assert line, "the provider did not start"
        yield line.decode().split()[1]
    finally:
        process.kill()
        await process.wait()


async def log_in_there(page: Page, login: str) -> None:
    await page.click("[data-provider]")
    await page.wait_for_url(lambda url: "/interaction/" in url)  # our own page has fields of these names
    await page.fill("input[name=login]", login)
    await page.fill("input[name=password]", "whatever")
    await page.click("button[type=submit]")
    await page.wait_for_load_state()
    if "/interaction/" in page.url:  # what is told to us
        await page.click("button[type=submit]")


@needs_browser
@on_one_database
async def test_a_log_in_at_the_citys_provider_and_out_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    import time
    from datetime import UTC, datetime

    office.clock.now = datetime.fromtimestamp(time.time(), UTC)  # the provider has a clock of its own
    services = office.services
    services.public_url = office.address
    async with provider(office.address) as issuer:
        body: dict[str, Any] = {
            "name": "市统一身份认证", "issuer": issuer, "client_id": "hotline",
            "scopes": ["openid", "profile", "groups"],
            "rules": [{"claim": "groups", "value": "hotline-operators", "roles": ["operator"]}],
        }  # fmt: skip
        await set_provider(services, "city", ProviderIn.model_validate(body), SECRET, office.clock())
        context = await office.browser.new_context(locale="zh-CN")
        await context.route("**/*", lambda route: route.abort() if "google" in route.request.url else route.continue_())
        page = await context.new_page()
        page.set_default_timeout(30_000)

        await page.goto(f"{office.address}/console/take")
        await page.wait_for_url(lambda url: "/console/login" in url)
        await log_in_there(page, "li")
        await page.wait_for_url(f"{office.address}/console/take")
        await expect(page.locator(".who .name")).to_have_text("李敏")

        await page.click("#leave")  # and out, there too
        await page.wait_for_url(lambda url: url.startswith(f"{issuer}/session/end"))
        await page.click("button[name=logout]")
        await page.wait_for_url(lambda url: url.startswith(f"{office.address}/console/login"))

        await log_in_there(page, "guest")
        await expect(page.locator("#failure")).to_contain_text("没有权限")
        await context.clear_cookies()

        await page.goto(f"{office.address}/console/take")
        await log_in_there(page, "li")
        await page.wait_for_url(f"{office.address}/console/take")
        await page.goto(f"{issuer}/session/end")  # out there, so out here
        async with page.expect_response(lambda reply: "/session/end" in reply.url):
            await page.click("button[name=logout]")
        for _ in range(100):
            await page.goto(f"{office.address}/console/take")
            if "/console/login" in page.url:
                break
        assert "/console/login" in page.url
        await context.close()

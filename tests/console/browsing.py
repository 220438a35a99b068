"""Real browsers (Debian's Chromium, headless) against a real server in the test's own loop."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.conftest import NOON, ROOT
from tests.sizes import WHOLE

# The shell draws without the windows of a whole browser around it, for half of the processor time.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
MORNING = NOON - timedelta(hours=2)  # ten o'clock: the offices are open
PASSWORD = "a long pass 24365"
SCREENS = ROOT / "build" / "screens"  # pictures to be looked at, of `make whole` or HOTLINE_PICTURES=1
PICTURES = WHOLE or bool(os.environ.get("HOTLINE_PICTURES"))  # to draw them takes time
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@contextlib.asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


PATIENCE = 30_000  # ms that a busy machine may take for what a page does at once


async def keep_picture(page: Page, name: str) -> None:
    """The whole page as it is drawn, where pictures are kept."""
    if PICTURES:
        SCREENS.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=str(SCREENS / f"{name}.png"), full_page=True)


@dataclass
class Seat:
    """Somebody at a screen: what went wrong in their browser, and every address it asked."""

    context: BrowserContext
    page: Page
    address: str
    wrong: list[str]
    asked: list[str]

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.address}{path}")

    async def picture(self, name: str) -> None:
        await keep_picture(self.page, name)


async def sit_down(browser: Browser, address: str, login: str, **more: Any) -> Seat:
    """Log in and land on one's first page. Anything a page says on its console fails the test that looks at `wrong`."""
    context = await browser.new_context(viewport={"width": 1400, "height": 900}, locale="zh-CN", **more)
    await context.clock.set_fixed_time(MORNING)  # the server's own clock
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    seat = Seat(context, page, address, [], [])
    page.on("pageerror", lambda error: seat.wrong.append(str(error)))
    page.on("console", lambda said: seat.wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: seat.asked.append(request.url))
    await seat.open("/console/login")
    await page.fill("input[name=login]", login)
    await page.fill("input[name=password]", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "/login" not in url)
    return seat


def outside(seat: Seat) -> list[str]:
    return [url for url in seat.asked if not url.startswith((seat.address, "data:"))]

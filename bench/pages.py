"""python -m bench.pages: when each page of the console and of residents is first painted, and how much it loads.

A server of our own over the embedded database and the demo's day; headless Chromium with nothing kept, its processor slowed
to a quarter (`--slower`), each page opened `--rounds` times by somebody whose page it is. First contentful paint counts
from the request for the page. The goal is one second. About three minutes."""

import argparse
import asyncio
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from bench.harness import cli, log_in, server, show
from hotline.console.pages import PAGES, Page
from hotline.organisation.model.actors import PERSON_ROLES, Role
from tests.console.browsing import CHROMIUM
from tests.postgres import free_port

MOST_MS = 1000
FIRST, OWN = "seven lamps on the quay", "quite another phrase 7"
RESIDENTS = ("/", "/status", "/embed", "/console/login")
PAINT = """() => new Promise((done) => {
  const observer = new PerformanceObserver((list) => {
    const found = list.getEntries().find((entry) => entry.name === "first-contentful-paint");
    if (found) { observer.disconnect(); done(found.startTime); }
  });
  observer.observe({ type: "paint", buffered: true });
})"""
PACKED = """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A page as somebody opens it."""

    who: str
    path: str


async def paint(browser: Browser, address: str, opened: Opened, cookies: list[Any], slower: float) -> tuple[float, int]:
    """Milliseconds to the first contentful paint, and the bytes that came over the network."""
    context = await browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="zh-CN", service_workers="block"
    )
    await context.add_cookies(cookies)
    page = await context.new_page()
    chrome = await context.new_cdp_session(page)
    await chrome.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    await page.goto(f"{address}{opened.path}")
    if "/login" in page.url and "/login" not in opened.path:
        raise RuntimeError(f"{opened.who} may not open {opened.path}")
    milliseconds = float(await page.evaluate(PAINT))
    await page.wait_for_timeout(500)  # what is loaded after the paint
    packed = int(await page.evaluate(PACKED))
    await context.close()
    return milliseconds, packed


async def log_ins(address: str, browser: Browser, roles: Sequence[Role]) -> dict[str, list[Any]]:
    """The cookies of somebody of each role."""
    found = {}
    for role in roles:
        context = await browser.new_context()
        reply = await context.request.post(
            f"{address}/console/session", data={"login": role.value, "password": OWN}, headers={"origin": address}
        )
        if not reply.ok:
            raise RuntimeError(f"{role.value} cannot log in: {reply.status}")
        found[role.value] = await context.cookies()
        await context.close()
    return found


def pages_of(roles: Sequence[Role], number: str) -> Iterator[Opened]:
    """Each page of the console, by the first role that may open it, and those of residents."""
    for path in RESIDENTS:
        yield Opened("", path)
    for page in PAGES:
        if path := _path(page, number):
            yield Opened(next(role for role in roles if role in page.roles).value, path)


def _path(page: Page, number: str) -> str:
    """Its address. Empty: it needs what the demo's day does not have."""
    path = page.path.replace("{number}", number)
    return "" if "{" in path else path


async def measure(address: str, number: str, rounds: int, slower: float) -> list[tuple[str, ...]]:
    roles = sorted(PERSON_ROLES)
    rows: list[tuple[str, ...]] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        cookies = await log_ins(address, browser, roles)
        for opened in pages_of(roles, number):
            taken = [await paint(browser, address, opened, cookies.get(opened.who, []), slower) for _ in range(rounds)]
            times = [milliseconds for milliseconds, _ in taken]
            rows.append(
                (opened.path, opened.who or "nobody", f"{statistics.median(times):.0f}", f"{max(times):.0f}",
                 f"{max(packed for _, packed in taken) / 1000:.0f}")
            )  # fmt: skip
        await browser.close()
    return rows


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slower", type=float, default=4.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        env = {"HOTLINE_DATA_DIR": str(Path(folder) / "data"), "HOTLINE_LOG_LEVEL": "error"}
        cli(env, "migrate")
        cli(env, "seed", "ruiquan")
        for role in sorted(PERSON_ROLES):
            named = ("user", "add", role.value, "--name", role.value, "--role", role.value)
            where = ("--department", "property-works") if role is Role.HANDLER else ()
            cli({**env, "HOTLINE_PASSWORD": FIRST}, *named, *where)
        port = free_port()
        with server(env, port):
            address = f"http://127.0.0.1:{port}"
            cli(env, "demo", "--url", address)
            for role in PERSON_ROLES:
                log_in(port, role.value, FIRST, OWN)
            rows = asyncio.run(measure(address, "100000006", given.rounds, given.slower))
    heads = ("page", "opened by", f"first paint ms (goal ≤ {MOST_MS})", "longest", "kB")
    show(f"Pages, processor slowed {given.slower:g} times", [heads, *rows])


if __name__ == "__main__":
    main()

"""What a browser keeps when a session ends: nothing that somebody else could read, and nothing lost that was typed."""

import asyncio
import json
from datetime import timedelta

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from hotline.organisation.model.sessions import AccountRules
from tests.conftest import on_one_database
from tests.console.browsing import PASSWORD, PATIENCE, Seat, needs_browser
from tests.console.conftest import Office

pytestmark = [needs_browser, pytest.mark.timeout(150), on_one_database]
TYPED = {
    "input[name=phone]": "13800138000",
    "input[name=caller_name]": "王秀英",
    "textarea[name=narrative]": "6栋漏水，还在说",
}
# whatever the browser holds for this origin, and whatever the document shows or holds in fields
HELD = """async () => JSON.stringify([
  Object.entries(localStorage), Object.entries(sessionStorage), await indexedDB.databases(), await caches.keys(),
  document.documentElement.outerHTML, [...document.querySelectorAll('input, textarea')].map((field) => field.value)])"""


async def held(page: Page) -> str:
    found = str(await page.evaluate(HELD))
    assert "draft_keys" not in found
    return found


async def until(page: Page, holds: str) -> None:
    """Ask the page until it is so: its policy lets nothing ask from within."""
    for _ in range(PATIENCE // 20):
        if await page.evaluate(f"Boolean({holds})"):
            return
        await page.wait_for_timeout(20)  # asked without a pause it would take a whole processor
    raise AssertionError(holds)


async def type_call(seat: Seat) -> None:
    for field, words in TYPED.items():
        await seat.page.fill(field, words)
    await until(seat.page, "Object.keys(localStorage).some((key) => key.startsWith('draft:'))")


async def assert_nothing_readable(page: Page) -> None:
    found = await held(page)
    assert [words for words in TYPED.values() if words in found] == []


async def log_in(page: Page, login: str) -> None:
    await page.fill("input[name=login]", login)
    await page.fill("input[name=password]", PASSWORD)
    await page.keyboard.press("Enter")


async def test_a_session_that_ran_out_leaves_nothing_to_read_and_loses_nothing(office: Office) -> None:
    seat = await office.seat("operator")
    page, idle = seat.page, AccountRules().session_idle
    await type_call(seat)
    stored = await page.evaluate("JSON.stringify(Object.entries(localStorage))")
    assert [words for words in TYPED.values() if words in stored] == []  # sealed from the first letter on
    office.clock.forward(seconds=(idle + timedelta(minutes=1)).total_seconds())
    await seat.context.clock.set_fixed_time(office.clock())
    await page.evaluate("dispatchEvent(new Event('focus'))")  # somebody looks at it again
    await expect(page.locator("dialog input[name=password]")).to_be_visible()
    await assert_nothing_readable(page)  # not even behind the dialog
    await log_in(page, "operator")
    await expect(page.locator("textarea[name=narrative]")).to_have_value("6栋漏水，还在说")
    await expect(page.locator("input[name=caller_name]")).to_have_value("王秀英")

    office.clock.forward(seconds=(idle + timedelta(minutes=1)).total_seconds())
    reply = await page.goto(f"{office.address}/console/take")  # as somebody who comes later
    assert reply is not None and "/console/login" in page.url
    sent = reply.request.redirected_from
    first = await sent.response() if sent is not None else None
    assert first is not None and await first.header_value("clear-site-data") == '"cache"'
    assert [c["name"] for c in await seat.context.cookies() if c["name"] == "hotline_session"] == []
    await assert_nothing_readable(page)

    await log_in(page, "dispatcher")  # another person at the same machine
    await page.wait_for_url(lambda url: "/login" not in url)
    await seat.open("/console/dispatch")
    await assert_nothing_readable(page)
    await page.click("#leave")
    await page.wait_for_url("**/console/login")
    await log_in(page, "operator")  # who typed it
    await page.wait_for_url("**/console/take")
    await expect(page.locator("textarea[name=narrative]")).to_have_value("6栋漏水，还在说")
    await expect(page.locator("input[name=phone]")).to_have_value("13800138000")

    await page.click("#leave")
    await page.wait_for_url("**/console/login")
    assert "draft" not in await held(page)  # who leaves takes it along
    # what was refused is told there, and no script went wrong
    assert [said for said in seat.wrong if not said.startswith("Failed to load resource")] == []


async def test_a_browser_that_was_closed_keeps_no_session_and_no_plain_draft(office: Office) -> None:
    seat = await office.seat("operator")
    await type_call(seat)
    state = await seat.context.storage_state()
    session = next(cookie for cookie in state["cookies"] if cookie["name"] == "hotline_session")
    assert session["expires"] == -1  # goes with the browser
    await seat.context.close()
    for origin in state["origins"]:  # what the browser does when it leaves a page
        entries = origin["localStorage"]
        origin["localStorage"] = [entry for entry in entries if not entry["name"].startswith("open:")]
    kept = json.dumps(state["origins"], ensure_ascii=False)
    assert "draft:" in kept and [words for words in TYPED.values() if words in kept] == []
    again: BrowserContext = await office.browser.new_context(
        storage_state={"cookies": [c for c in state["cookies"] if c["expires"] != -1], "origins": state["origins"]}
    )
    page = await again.new_page()
    await page.goto(f"{office.address}/console/login")
    await assert_nothing_readable(page)
    await log_in(page, "operator")
    await page.wait_for_url("**/console/take")
    await expect(page.locator("textarea[name=narrative]")).to_have_value(TYPED["textarea[name=narrative]"])


async def test_no_page_puts_what_is_looked_for_in_an_address(office: Office) -> None:
    seat = await office.seat("operator")
    await seat.page.fill("textarea[name=narrative]", "3栋路灯坏了")
    await seat.page.fill("input[name=phone]", "13800138000")
    await seat.page.keyboard.press("Control+Enter")
    await expect(seat.page.locator("#number")).not_to_be_empty()
    number = await seat.page.locator("#number").inner_text()
    for path, field, hit in (
        ("/console/take", "#bar-search input[name=q]", "#bar-hits a"),
        ("/console/search", "#search input[name=q]", "#hits a"),
        ("/console/tickets", "#find input[name=q]", "#list tbody .two a"),
    ):
        await seat.open(path)
        await seat.page.fill(field, "138 0013 8000")
        await seat.page.press(field, "Enter")
        await expect(seat.page.locator(hit)).to_have_text([number])
        await expect(seat.page).to_have_url(f"{office.address}{path}")
    assert [url for url in seat.asked if "138" in url] == []
    assert seat.wrong == []


SLOW_READING = """
const read = SubtleCrypto.prototype.decrypt, held = new Promise((go) => { globalThis.release = go; });
SubtleCrypto.prototype.decrypt = async function (...given) { globalThis.reading = true; await held; return read.apply(this, given); };
"""


@pytest.mark.parametrize("pressed", ["Control+Enter", "the button"])
async def test_what_is_pressed_while_a_draft_is_read_is_done_once_it_is(office: Office, pressed: str) -> None:
    seat = await office.seat("operator")
    page = seat.page
    await type_call(seat)
    await page.add_init_script(SLOW_READING)
    await page.reload(wait_until="commit")
    await expect(page.locator("#call")).to_be_attached()
    await until(page, "globalThis.reading")
    async with page.expect_response(lambda reply: reply.url.endswith("/v1/calls")) as sent:
        if pressed == "the button":
            await page.evaluate("document.querySelector('#call').requestSubmit()")
        else:
            await page.keyboard.press(pressed)
        await page.evaluate("release()")
    told = (await sent.value).request.post_data_json
    assert told["narrative"] == TYPED["textarea[name=narrative]"]
    await expect(page).to_have_url(f"{office.address}/console/take")
    assert [url for url in seat.asked if "138" in url] == []


async def test_what_is_pressed_on_the_board_before_its_departments_are_read_counts(office: Office) -> None:
    seat = await office.seat("works")
    page, lists = seat.page, asyncio.Event()

    async def wait(route: Route) -> None:
        await lists.wait()
        await route.continue_()

    await page.route("**/v1/directory/departments*", wait)
    await page.reload(wait_until="commit")
    await expect(page.locator("#sound")).to_be_visible()
    await page.wait_for_load_state("load")
    await page.check("#performing")
    await page.check("#sound")
    async with page.expect_request(lambda asked: "/queue?" in asked.url) as asked:
        lists.set()
    assert "performing=true" in (await asked.value).url
    assert await page.is_checked("#sound") and await page.evaluate("localStorage.getItem('sound')") == "1"
    assert seat.wrong == []

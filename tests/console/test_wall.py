"""The wall across a room, and the figures beside it: measured, followed to their tickets, in one browser."""

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from hotline.organisation.service.outlines import seed_outlines
from hotline.packaged_files import packaged_folder
from hotline.reporting.service.figures import update_rollups
from hotline.tickets.sla.jobs import escalate_due
from tests.conftest import Cast, Player, on_one_database
from tests.console.browsing import Seat, needs_browser, outside
from tests.console.conftest import Office
from tests.console.reading_aloud import violations
from tests.console.test_leavings import until

# what lies beyond the screen, or beyond the panel it belongs to, or is cut within its own box
SPILLED = """() => {
  const spilled = [];
  const name = (e) => `${e.tagName}.${e.getAttribute("class") ?? ""} ${(e.textContent ?? "").slice(0, 30)}`;
  for (const e of document.querySelectorAll(".wall *")) {
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height || e.closest(".hidden")) continue;
    if (box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1) spilled.push(["screen", name(e)]);
    const panel = e.parentElement.closest(".p, .tl8, .em, .hd")?.getBoundingClientRect();
    if (panel && (box.left < panel.left - 1 || box.right > panel.right + 1 || box.top < panel.top - 1 || box.bottom > panel.bottom + 1)) spilled.push(["panel", name(e)]);
    if (e.children.length === 0 && !e.closest("svg") && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline") spilled.push(["cut", name(e)]);
  }
  const texts = [...document.querySelectorAll(".wall *")].filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.getBoundingClientRect().width > 1);
  const small = texts.map((e) => [parseFloat(getComputedStyle(e).fontSize), name(e), Boolean(e.closest("#map, .bar, .m"))]).filter(([size, , map]) => size < (map ? 17 : 20) * innerHeight / 1080 - 0.5);
  return { spilled, small, scrolls: [document.documentElement.scrollWidth > innerWidth, document.documentElement.scrollHeight > innerHeight] };
}"""
WHOLE = {"spilled": [], "small": [], "scrolls": [False, False]}


async def look(seat: Seat, name: str) -> None:
    """The wall on both sizes of a screen: nothing scrolls, spills, is cut or small."""
    for wide, high in ((3840, 2160), (1920, 1080)):
        await seat.page.set_viewport_size({"width": wide, "height": high})
        await until(seat.page, "document.querySelector('#map svg') && document.querySelectorAll('.tl8').length === 9")
        await seat.page.wait_for_timeout(400)  # it is drawn anew for this size
        assert await seat.page.evaluate(SPILLED) == WHOLE, (name, wide)
        await seat.picture(f"wall-{name}-{wide}")


async def rows_of(page: Page) -> int:
    """How many tickets the list shows in the end."""
    while await page.locator("#more").is_visible():
        await page.click("#more")
    return await page.locator("#list tbody a.open").count()


@needs_browser
@pytest.mark.timeout(300)
@on_one_database
async def test_the_wall_and_the_figures_show_what_their_numbers_are_made_of(office: Office, cast: Cast) -> None:
    services, clock = office.services, office.clock
    await seed_outlines(services, packaged_folder("seeds") / "ruiquan", clock())
    seat = await office.seat("supervisor")
    page = seat.page
    await seat.open("/console/wall")
    await look(seat, "first-day")
    assert await page.locator("#map a").count() == 0 and await page.locator("#em a").count() == 0
    assert "NaN" not in await page.inner_text(".wall")
    await seat.open("/console/figures")
    await expect(page.locator(".empty-period")).to_contain_text("还没有来件")

    desk: Player = await cast("desk")
    lifts: Player = await cast("lifts")
    places = [("dt-fault", n) for n in range(1, 13)] + [("hj-rubbish", n) for n in (8, 9)] + [("wx-light", 5)]
    made: list[Any] = [
        await desk.call(f"{n}栋有事情要处理", category=category, location={"area": f"rq-b{n}"})
        for category, n in places
    ]
    await desk.call("8栋电梯困人，有孩子在哭", priority="emergency", category="dt-trapped", location={"area": "rq-b8"})
    done = await lifts.order(await lifts.see(made[0]), "accept")
    await lifts.order(done, "report", internal_result="修好", public_reply="已修好", solved=True)
    # the first day is not blank, though nothing has been summed yet
    await seat.open("/console/figures?figure=first_call")
    await expect(page.locator(".fig[aria-current] .nd")).to_contain_text("÷ 16")
    for day in range(4):
        clock.forward(days=day)
        while (await escalate_due(services, clock())).claimed:
            pass
    while await update_rollups(services, clock()):
        pass

    # days have passed: the page asks for the password, and for nothing else
    await expect(page.locator("dialog input[name=password]")).to_be_visible()
    refused = [text for text in seat.wrong if "401" in text]
    assert seat.wrong == refused and len(refused) <= 5 and outside(seat) == []
    seat = await office.seat("supervisor")
    page = seat.page
    await seat.open("/console/wall")
    await look(seat, "busy")
    assert await violations(page) == []
    text = await page.inner_text(".wall")
    assert "哭" not in text and "13800138000" not in text
    assert "8栋" in await page.locator("#em .one").first.inner_text()
    b8 = page.locator("#map a.e")
    assert "3" in str(await b8.text_content()) and "特急" in str(await b8.get_attribute("aria-label"))
    await b8.focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("console/tickets"))
    await expect(page.locator("#list tbody tr")).to_have_count(3)
    for place in (0, 3, 6):  # overdue, in hand, today's matters
        await seat.open("/console/wall")
        tile = page.locator(".tl8").nth(place)
        number = int(await tile.locator(".v").inner_text())
        await tile.click()
        await page.wait_for_url(re.compile("console/tickets"))
        await page.wait_for_load_state("networkidle")
        assert await rows_of(page) == number, place
        if place != 3:  # a state alone has its field
            await expect(page.locator("#fixed .chip")).to_be_visible()
    await page.set_viewport_size({"width": 1440, "height": 900})
    first = (clock() - timedelta(days=20)).date().isoformat()
    last = clock().date().isoformat()
    await seat.open(f"/console/figures?first={first}&last={last}&figure=on_time")
    above, below = map(int, (await page.locator(".fig[aria-current] .nd").inner_text()).split("样本")[0].split("÷"))
    total, tickets = map(
        int, re.findall(r"\d+", await page.inner_text("#listed-total"))
    )  # orders, and of how many tickets
    assert total == below - above > 0
    async with page.expect_download() as taken:
        await page.click("[data-table=groups]")
    lines = (await (await taken.value).path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == await page.locator("#groups tr").count() and "物业工程部" in "".join(lines)
    seen = await page.locator("#listed tbody tr").count()
    while await page.locator("#next-page").count():
        await seat.open(str(await page.get_attribute("#next-page", "href")))
        seen += await page.locator("#listed tbody tr").count()
    assert seen == total
    told = await page.inner_text("main")
    assert not re.search(r"\d{4}-\d\d-\d\d|Asia/", told)
    for width, theme in ((390, "dark"), (1440, "light"), (1920, "dark")):
        await page.set_viewport_size({"width": width, "height": 900})
        await page.emulate_media(color_scheme=theme)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        await seat.picture(f"figures-{width}-{theme}")
    await page.click("#as-list")
    await page.wait_for_url(re.compile("console/tickets"))
    await expect(page.locator("#fixed")).to_contain_text("没做到的")
    await page.wait_for_load_state("networkidle")
    failed = await rows_of(page)
    assert 0 < failed == tickets <= total  # a ticket stands there once, whatever orders of it failed
    await seat.open(f"/console/figures?first={first}&last={last}")
    await page.locator("#groups tbody td a").first.click()
    await page.wait_for_url(re.compile("department="))
    await seat.open("/console/figures?first=2026-01-01&last=2026-01-07")
    await expect(page.locator(".empty-period a")).to_have_count(1)
    await seat.open(str(await page.get_attribute(".empty-period a", "href")))
    await expect(page.locator(".empty-period")).to_have_count(0)
    assert [text for text in seat.wrong if "ERR_" not in text] == [] and outside(seat) == []

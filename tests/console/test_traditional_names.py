"""Who reads traditional characters finds the directory's names in them, in lists that the browser draws too."""

import re

from playwright.async_api import expect

from tests.conftest import Cast, on_one_database
from tests.console.browsing import needs_browser
from tests.console.conftest import Office

LABEL = (
    "const { label } = await import(`${document.body.dataset.static}/core.js`); return label({ zh: words, en: '' });"
)


@needs_browser
@on_one_database
async def test_lists_show_names_in_the_readers_characters(office: Office, cast: Cast) -> None:
    clerk = await cast("desk")
    ticket = await clerk.call("3栋2单元电梯坏了，不动了")
    assert ticket["category"]["name"] == "电梯故障"  # as the directory gives it, in replies
    seat = await office.seat("dispatcher")
    page = seat.page
    row = page.locator("main", has_text=ticket["number"])
    await seat.open("/console/tickets")
    await expect(row).to_contain_text("物业工程部")
    assert not any("/console/names/" in url for url in seat.asked)  # nothing more to load for others
    for path in ("/console/tickets", f"/console/tickets/{ticket['number']}"):
        await seat.open(f"/console/language/zh-Hant?back={path}")
        await expect(row).to_contain_text("物業工程部")
        await expect(row).to_contain_text("瑞泉馨城3棟")
        await expect(row).not_to_contain_text("物业工程部")
        await expect(page.locator("table td, dd").filter(has_text=re.compile("^瑞泉馨城3栋$"))).to_have_count(0)
    whole = await page.evaluate(f"async (words) => {{ {LABEL} }}", "瑞泉馨城3栋2单元 · 电梯故障")
    assert whole == "瑞泉馨城3棟2單元 · 電梯故障"
    [names] = {url for url in seat.asked if "/console/names/" in url}
    reply = await page.request.get(names)
    assert reply.headers["content-encoding"] == "gzip"
    assert "immutable" in reply.headers["cache-control"] and (await reply.json())["电梯故障"] == "電梯故障"
    clerk_seat = await office.seat("operator")
    await clerk_seat.open("/console/language/zh-Hant?back=/console/take")
    await expect(clerk_seat.page.locator("#areas option[value='瑞泉馨城3棟']")).to_have_count(1)
    assert seat.wrong == [] and clerk_seat.wrong == []

"""A ticket on one page, and the clocks that a board, an order and a ticket share: danger never looks safe."""

import re

import pytest
from playwright.async_api import expect

from hotline.tickets.sla.jobs import escalate_due
from tests.conftest import Cast, Player, on_one_database
from tests.console.browsing import Seat, needs_browser, outside
from tests.console.conftest import Office
from tests.console.test_handler import CUT, looks
from tests.console.test_leavings import until
from tests.console.test_pages import MOST, SPILLS, weigh

pytestmark = [needs_browser, pytest.mark.timeout(240), on_one_database]
CODES = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|role:|duty:|department:|0\.\d\d|时限时限|undefined|\[object")


async def at_time(office: Office, seat: Seat, **later: float) -> None:
    """The clocks of the server and of the page go on; what became due is done."""
    office.clock.forward(**later)
    while (await escalate_due(office.services, office.clock())).claimed:
        pass
    await seat.context.clock.set_fixed_time(office.clock())


async def test_a_danger_nobody_called_back_looks_dangerous_everywhere(office: Office, desk: Player) -> None:
    lift = await desk.call(
        "12栋1单元电梯困人了，里面有娃儿在哭", caller={"phone": "13900139000"}, location={"building": "12", "unit": "1"}
    )
    works = await office.seat("works")
    page, card = works.page, works.page.locator(".od", has_text=lift["number"])
    await expect(card.locator(".clk")).to_contain_text("签收时限")
    await at_time(office, works, minutes=6)  # nobody signed: the clock did, and its limit runs on
    await works.open("/console/board")
    await expect(card.locator(".clk")).to_have_class("clk red")
    await expect(card.locator(".clk")).to_contain_text("签收超时")
    await at_time(office, works, minutes=20)  # and nobody called back
    await works.open("/console/board")
    await expect(card).to_have_class(re.compile(r"\bred\b"))
    await expect(card.locator(".clk")).to_have_class("clk red")
    await expect(card.locator(".clk")).to_contain_text("签收超时")
    await card.locator(".order").click()
    await expect(page.locator("#panel .bigclk .clk")).to_have_class("clk red")
    await expect(page.locator("#panel .bigclk")).to_contain_text("签收时限")
    await works.open(f"/console/tickets/{lift['number']}")
    await expect(page.locator(".tk-next .clk")).to_have_class("clk red")
    await expect(page.locator(".tk-next")).to_contain_text("签收超时")
    await works.open("/console/tickets")
    await expect(page.locator("#list tr", has_text=lift["number"]).locator(".clk")).to_have_class("clk red")
    assert works.wrong == []


async def test_a_handler_reads_a_ticket_in_peoples_words_and_has_one_next_step(
    office: Office, desk: Player, cast: Cast
) -> None:
    lift = await desk.call(
        "3栋2单元电梯坏了，门关不上", caller={"phone": "13800001111", "name": "刘婆婆"}, category="dt-fault", priority="normal",
        location={"building": "3", "unit": "2"},
    )  # fmt: skip
    number, path = lift["number"], f"/console/tickets/{lift['number']}"
    works = await office.seat("works")
    page, head = works.page, works.page.locator(".tk-head")
    await works.open(path)
    await expect(page).to_have_title(re.compile(f"{number} 3栋 2单元"))
    await expect(head.locator("h1")).to_have_text("3栋 2单元 电梯故障")
    await expect(page.locator("button.first")).to_have_count(1)
    await expect(page.locator("button.first")).to_have_attribute("data-action", "accept")
    await expect(head).to_contain_text("还没有签收")
    await page.locator("button.first").click()
    await expect(page.locator("button.first")).to_have_attribute("data-action", "contact_caller")
    await expect(head.locator(".order-card")).to_contain_text("主办 · works")
    await expect(head.locator(".order-card [aria-current]")).to_contain_text("办理中")
    await expect(page.locator(".story li").first).to_contain_text("works 签收 物业工程部")
    await expect(page.locator(".story li").first).to_contain_text("时限内，早")
    await expect(page.locator("[data-part=texts]")).to_have_count(0)  # not theirs to see, and not asked for
    await expect(page.locator("[data-part=clocks]")).to_contain_text("24:00")  # midnight is the end of the day before
    await expect(page.locator("[data-part=clocks]")).not_to_contain_text("00:00")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.locator("[data-part=caller] [data-action=reveal]").click()
    await page.locator("dialog textarea, dialog input").first.fill("联系来电人")
    await page.locator("dialog button.first").click()
    tel = page.locator('[data-part=caller] a[href="tel:+8613800001111"]')
    await expect(tel).to_be_visible()
    await page.locator("[data-part=caller]").get_by_role("button", name="隐藏").click()
    await works.open(path)
    await expect(page.locator("[data-part=caller]")).to_contain_text("看过号码：works")
    watch = await cast("watch")
    await watch.act(await watch.see(number), "supervise", level="red", reason="居民多次反映")
    await page.get_by_role("button", name=re.compile("^全部")).click()
    found = CODES.findall(await page.inner_text("main"))
    assert found == []
    assert await page.locator("svg title").count() == 0  # no drawing of all states
    for width in (390, 1440, 1920):
        await page.set_viewport_size({"width": width, "height": 900})
        await looks(works, f"ticket-{width}")
    assert await weigh(works, path) <= MOST
    assert works.wrong == [] and outside(works) == []


async def test_the_number_of_what_can_be_undone_is_read_as_the_text_beside_it(office: Office, desk: Player) -> None:
    ticket = await desk.call("有点事情想问问")
    operator = await office.seat("operator")
    page = operator.page
    await operator.open(f"/console/tickets/{ticket['number']}")
    await page.locator(".menu-more summary").click()
    assert await page.evaluate(SPILLS) == [] and await page.evaluate(CUT) == []
    await page.keyboard.press("Escape")
    await page.locator('.tk-head [data-action="answer"]').click()
    await page.locator("dialog textarea[name=answer]").fill("办事大厅九点开门")
    await page.locator("dialog button.first").click()
    await expect(page.locator("#undo a")).to_be_visible()
    colour = "(node) => getComputedStyle(node).color"
    assert await page.locator("#undo a").evaluate(colour) == await page.locator("#undo .toast").evaluate(colour)
    await page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    await page.locator("#undo-step").click()
    await expect(page.locator("#status")).to_have_text("待梳理")  # the page shows what is true again
    assert operator.wrong == []


async def test_an_order_that_may_be_taken_back_is_shown_and_rings_later(
    office: Office, desk: Player, switch: Player
) -> None:
    works = await office.seat("works")
    page, alarm = works.page, works.page.locator("#alarm")
    await expect(page.locator("#counts")).to_contain_text("在办 0")
    ticket = await desk.call("有点事情想问问", priority="urgent")
    ticket = await switch.act(ticket, "triage", category="dt-fault", kind="request", priority="urgent")
    ticket = await switch.act(ticket, "dispatch", department="property-works")
    card = page.locator(".od", has_text=ticket["number"])
    await expect(card).to_contain_text("还可能撤回")
    assert await alarm.inner_text() == "" and "(1)" not in await page.title()
    await at_time(office, works, seconds=11)
    ticket = await switch.act(ticket, "comment", text="请尽快")
    await expect(alarm).to_contain_text("新的紧急工单")
    await expect(card).not_to_contain_text("还可能撤回")
    danger = await desk.call("12栋1单元电梯困人了")
    await expect(page.locator(".od", has_text=danger["number"])).not_to_contain_text("还可能撤回")
    await until(page, f"document.querySelector('#alarm').textContent.includes('{danger['title'][:4]}')")
    assert works.wrong == []

"""The dispatcher's page: twenty tickets in a few strokes, nothing sent that was not in sight, nothing back to whoever gave it
back; many at once; views; and how all of it looks."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.conftest import Cast, Player, on_one_database
from tests.console.browsing import MORNING, needs_browser, outside
from tests.console.conftest import Office
from tests.console.reading_aloud import violations
from tests.console.test_handler import looks
from tests.console.test_pages import MOST, weigh
from tests.tickets.test_dispatching import sorted_by_hand
from tests.tickets.test_returned_advice import WISH

pytestmark = [needs_browser, pytest.mark.timeout(150)]
CALLS = (
    "楼道灯坏了还有垃圾", "垃圾桶旁边好臭，还有老鼠", "水管漏水，物业又不管", "有点事情想问问", "健身器材坏了一个",
    "单元门关不上", "井盖坏了", "广场舞声音太大", "车子乱停，挡到门口", "物业费涨价了没人通知",
)  # fmt: skip


async def wait_for_dispatch(desk: Player, switch: Player, count: int = 10) -> list[dict[str, Any]]:
    """Tickets that wait for a department: most of them sorted by hand, some that triage is not certain of."""
    tickets = []
    for n in range(count):
        area = f"rq-b{n % 4 * 4 + 1}"
        place = {"area": area, "building": str(n % 4 * 4 + 1), "unit": str(n % 3 + 1), "address": "门厅旁边"}
        words = CALLS[n % len(CALLS)]
        ticket = await desk.call("有点事情想问问", location=place)
        if n % len(CALLS) not in (1, 2, 3):
            ticket = await switch.act(ticket, "amend", title=words, reason="按原话")
            category = ("wx-light", "wx-gym", "wx-gate", "wx-road", "zy-dance", "tc-illegal", "wy-fee")[n % 7]
            priority = "urgent" if n % 6 == 5 else "normal"
            ticket = await switch.act(ticket, "triage", category=category, kind="request", priority=priority)
        elif words != "有点事情想问问":
            await switch.act(ticket, "void", reason_code="test")
            ticket = await desk.call(words, location=place)
        tickets.append(ticket)
    return tickets


BOXES = """() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const cut = [...document.querySelectorAll("main *")].filter((e) => {
    if (!e.checkVisibility() || e.closest(".sr, .hidden, [data-ok-clip], dialog, svg, textarea, select, thead")) return false;
    const style = getComputedStyle(e);
    return [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && style.overflowX !== "auto" && style.display !== "inline" && e.scrollWidth > e.clientWidth + 1;
  }).map((e) => e.outerHTML.slice(0, 120));
  const page = document.documentElement.clientWidth;
  const out = [...document.querySelectorAll("main *")].filter((e) => e.checkVisibility() && !e.closest(".sr, .hidden, svg, thead") && e.getBoundingClientRect().right > page + 1).map((e) => e.outerHTML.slice(0, 120));
  return { wide, cut: cut.slice(0, 3), out: out.slice(0, 3) };
}"""
FITS = {"wide": 0, "cut": [], "out": []}


class Hand:
    """Counts every stroke and click."""

    def __init__(self, page: Page) -> None:
        self.page, self.strokes = page, 0

    async def press(self, key: str) -> None:
        self.strokes += 1
        await self.page.keyboard.press(key)

    async def ready(self, number: str) -> None:
        """Wait until what would be sent is in sight."""
        await expect(self.page.locator("tr.cur")).to_have_attribute("data-number", number)
        await expect(self.page.locator("#panel .row .muted").first).to_have_text(number)
        await expect(self.page.locator("#panel [data-key=send]")).to_be_visible()

    async def sent(self, number: str) -> None:
        """Wait until its row says so, or is gone: the list is drawn anew without it as soon as the hand rests."""
        await expect(self.page.locator(f'#waiting tr[data-number="{number}"]:not(.done)')).to_have_count(0)


async def test_twenty_waiting_tickets_are_dispatched_in_at_most_twenty_five_strokes(
    office: Office, desk: Player, switch: Player
) -> None:
    """Those that are certain together, without a look at each; the others one by one, each in sight before it is sent."""
    tickets = await wait_for_dispatch(desk, switch, 20)
    vague = [x["number"] for x in tickets if x["title"] == "有点事情想问问"]
    assert len(vague) == 2  # nobody can say where these go: they are sorted before, by somebody who asked
    for number in vague:
        seen = await desk.see(number)
        await switch.act(seen, "triage", category="za", kind="enquiry", priority="normal")
    seat = await office.seat("dispatcher")
    page, hand = seat.page, Hand(seat.page)
    await expect(page.locator("#waiting tbody tr")).to_have_count(20)
    unsure = [x for x in (await switch.get("/v1/queue?unsure=true&sort=due")).json()["items"]]
    numbers = [await row.get_attribute("data-number") for row in await page.locator("#waiting tr[data-number]").all()]

    # the first five one after the other: Enter sends what the preview says, and goes on to the next
    await hand.press("j")
    for number in numbers[:5]:
        assert number is not None
        await hand.ready(number)
        await hand.press("Enter")
        await hand.sent(number)
    # all the others that are certain at once
    await hand.press("Shift+X")
    left = len(unsure) - len([x for x in unsure if x["number"] in numbers[:5]])
    await expect(page.locator("#bulk")).to_contain_text(f"按建议派 {15 - left} 件")
    await hand.press("Shift+Enter")
    await expect(page.locator("#bulk")).to_contain_text(f"已选 {left} 件") if left else None
    for x in unsure:
        if x["number"] in numbers[:5]:
            continue
        await hand.press("j")
        await hand.ready(x["number"])
        await hand.press("1")
        await hand.press("Enter")
        await hand.sent(x["number"])
    await expect(page.locator("#n-waiting")).to_have_text("0")
    states = [(await desk.see(str(number)))["status"] for number in numbers]
    assert states == ["dispatched"] * 20
    assert hand.strokes <= 25, hand.strokes
    await page.reload()
    await expect(page.locator("#waiting .empty")).to_be_visible()
    assert seat.wrong == [] and outside(seat) == []


async def test_enter_in_a_field_and_what_is_not_in_sight_dispatch_nothing(
    office: Office, desk: Player, switch: Player
) -> None:
    first, second = (await wait_for_dispatch(desk, switch, 2))[:2]
    seat = await office.seat("dispatcher")
    page = seat.page
    await expect(page.locator("#waiting tbody tr")).to_have_count(2)
    await page.keyboard.press("j")
    await expect(page.locator("#send")).to_be_visible()
    for field in ("#bar-search input", "#filters select[name=area]", "#filters select[name=sort]", "#panel select"):
        await page.locator(field).first.focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        if await page.locator("#panel").is_hidden():  # the last Escape was the panel's
            await page.keyboard.press("j")
            await expect(page.locator("#send")).to_be_visible()
    await page.locator("#filters select[name=sort]").focus()
    await page.keyboard.press("Shift+Enter")
    # a dialog in front: its keys are its own
    await page.locator("tr.cur .open").focus()
    await page.keyboard.press("x")
    await page.locator("#bulk").get_by_role("button", name="要求补充").click()
    await page.locator("dialog textarea").fill("哪一盏灯？")
    for key in ("Enter", "j", "1", "Shift+Enter"):
        await page.keyboard.press(key)
    assert {(await desk.see(x))["status"] for x in (first, second)} <= {"received", "triaged"}
    await page.keyboard.press("Escape")
    await page.locator("dialog").get_by_role("button", name="放弃填写的内容").click()

    # a preview that is late: Enter sends nothing, for nobody has seen what
    held = asyncio.Event()

    async def late(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/departments", late)
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    for _ in range(3):
        await page.keyboard.press("Enter")
    assert {(await desk.see(x))["status"] for x in (first, second)} <= {"received", "triaged"}
    held.set()
    await expect(page.locator("#panel [data-key=send]")).to_be_visible()
    await page.unroute_all(behavior="wait")
    assert seat.wrong == []


async def test_many_at_once_tell_of_each_what_became_of_it(
    office: Office, desk: Player, switch: Player, lifts: Player, lift_ticket: dict[str, Any], cast: Cast
) -> None:
    tickets = await wait_for_dispatch(desk, switch, 1)
    tickets += [await sorted_by_hand(desk, switch) for _ in range(2)]
    asked = await lifts.order(lift_ticket, "request_return", department="residents-affairs", **WISH)
    back = await switch.order(asked, "approve_return")
    seat = await office.seat("dispatcher")
    page = seat.page
    rows = page.locator("#waiting tr[data-number]")
    await expect(rows).to_have_count(4)
    returned = page.locator(f'tr[data-number="{back["number"]}"]')
    await expect(returned).to_contain_text("退回 1 次")
    await expect(returned).to_contain_text("物业工程部退回")
    await expect(returned.locator(".c-to b")).to_have_text("群众事务部")
    await expect(returned.locator(".c-to")).to_contain_text("物业工程部退单时建议")
    await expect(page.locator('[data-tab="returned"] b')).to_have_text("1")

    # somebody was there meanwhile, and the page has not heard of it: that one stays and says why, the others are sent
    known = await (await page.request.get(f"{seat.address}/v1/queue?sort=due&limit=100")).text()
    await page.route("**/v1/queue?*", lambda route: route.fulfill(body=known, content_type="application/json"))
    await page.keyboard.press("Shift+X")
    await expect(page.locator("#bulk b")).to_have_text("已选 4 件")
    moved = await switch.act(await switch.see(tickets[0]), "comment", text="来电人补充了地点")
    await page.locator("#bulk [data-key='bulk send']").click()
    await expect(page.locator("#alarm")).to_contain_text("3 件已完成，1 件未完成")
    late = page.locator(f'tr[data-number="{moved["number"]}"] .mark')
    await expect(late).to_have_class("mark red")
    await expect(late).to_contain_text("内容已更新")
    assert (await desk.see(moved))["status"] == "triaged"
    assert [(await desk.see(x))["status"] for x in tickets[1:]] == ["dispatched"] * 2
    assert (await desk.see(back))["department"]["code"] == "residents-affairs"
    await page.unroute_all(behavior="wait")

    # what came back and has no suggestion proposes nobody who gave it back, and one department for all asks about it
    again = await (await cast("affairs")).order(
        await switch.see(back), "request_return", place=len((await switch.see(back))["assignments"]) - 1,
        department="property-works", **WISH,
    )  # fmt: skip
    await switch.order(again, "approve_return", place=len(again["assignments"]) - 1)
    await page.reload()
    await expect(rows).to_have_count(2)
    assert await returned.locator(".c-to").inner_text() not in ("群众事务部", "物业工程部")
    await page.keyboard.press("Shift+X")
    await page.locator("#bulk").get_by_role("button", name="都派给").click()
    await page.locator("dialog select").select_option("residents-affairs")
    await expect(page.locator("dialog fieldset")).to_contain_text(back["number"])
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    assert (await desk.see(back))["status"] == "triaged"  # not ticked: it stays
    assert (await desk.see(moved))["department"]["code"] == "residents-affairs"
    assert seat.wrong == []


@on_one_database
async def test_what_nobody_could_classify_is_classified_together_by_pinyin(office: Office, desk: Player) -> None:
    unclear = [await desk.call("有点事情想问问") for _ in range(3)]
    seat = await office.seat("dispatcher")
    page, rows = seat.page, seat.page.locator("#waiting tr[data-number]")
    dialog = page.locator("dialog[open]")
    listed, sought = dialog.locator("select[name=category] option"), dialog.locator("input[name=sought]")
    for language, typed, name in (("zh-Hant", "電梯", "電梯故障"), ("zh-Hans", "电梯", "电梯故障")):
        await seat.open(f"/console/language/{language}?back=/console/dispatch")
        await expect(rows).to_have_count(3)
        await page.keyboard.press("Shift+X")
        await page.locator("#bulk [data-key='bulk triage']").click()
        await sought.fill(typed)
        await expect(listed.filter(has_text=name)).to_have_count(1)
        assert await listed.count() > 1
        composing = "(field) => field.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', isComposing: true, cancelable: true }))"
        assert await sought.evaluate(composing)  # the key is the input method's
        await sought.fill("")
    await expect(sought).to_be_focused()
    everything = await listed.count()
    assert everything > 20 and await dialog.locator("li").count() == 3
    for typed, name in (("dtgz", "电梯故障"), ("diantigu", "电梯故障"), ("路灯", "路灯")):
        await sought.fill(typed)
        await expect(listed.first).to_contain_text(name)
        assert await listed.count() < everything / 2
    await sought.fill("dtgz")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowUp")
    await looks(seat, "bulk-classify")
    await page.keyboard.press("Control+Enter")
    await expect(dialog).to_have_count(0)
    await expect(rows).to_have_count(3)  # they wait still, and it is known for whom
    await expect(page.locator("#waiting .c-to b")).to_have_text(["物业工程部"] * 3)
    seen = [await desk.see(ticket) for ticket in unclear]
    assert {(one["status"], one["category"]["code"]) for one in seen} == {("triaged", "dt-fault")}
    await expect(rows.locator(".c-matter .said")).to_have_text(["“有点事情想问问”"] * 3)  # what was said stays in sight
    beside = await seat.context.new_page()
    await beside.goto(f"{seat.address}/console/tickets")
    await expect(beside.locator("#list .said")).to_have_text(["“有点事情想问问”"] * 3)
    await beside.close()
    await page.locator("#undo-many").click()  # as a dispatch of many is taken back
    await expect(page.locator("#said")).to_contain_text("3")
    await expect(page.locator("#waiting .c-to b")).to_have_text(["先定类别再派"] * 3)
    seen = [await desk.see(ticket) for ticket in unclear]
    assert {(one["status"], one["category"]) for one in seen} == {("received", None)}
    # sorted and sent at one press, a ticket comes back unsorted at one press; by which words it is ranked stands beside it
    likely = await desk.call("那个恼火得很，电梯还是哪个东西有点问题")
    await seat.open("/console/dispatch")
    row = page.locator(f'tr[data-number="{likely["number"]}"]')
    assert likely["status"] == "received" and likely["priority"] == "urgent", likely
    await expect(row.locator(".c-to")).to_contain_text("恼火得很")
    body = {"number": likely["number"], "version": likely["version"], "department": "property-works"}
    body["triage"] = {"category": "dt-fault", "kind": "request", "priority": "urgent"}
    sent = "async (item) => { const { api } = await import(`${document.body.dataset.static}/core.js`); const { offerUndo } = await import(`${document.body.dataset.static}/undo_offer.js`); const { items: [one] } = await api('POST', '/v1/tickets/bulk/dispatch', { body: { items: [item] } }); offerUndo([{ ...one, status: one.ticket_status, sorted: true }], 'x'); }"
    await page.evaluate(sent, body)
    await page.locator("#undo-step").click()
    await expect(page.locator("#undo-step")).to_have_count(0)
    await expect(page.locator("#said")).to_contain_text(likely["number"])
    back = await desk.see(likely)
    assert (back["status"], back["category"]) == ("received", None)
    # a danger that a department has and nobody signed for stands under the tab of dangers, with its state
    danger = await desk.call("7栋1单元电梯里关到人了，老人心脏病")
    assert danger["status"] == "dispatched"
    await seat.open("/console/dispatch?tab=emergency")
    await expect(page.locator("#n-emergency")).to_have_text("1")
    row = page.locator(f'tr[data-number="{danger["number"]}"]')
    await expect(row).to_contain_text("待签收")
    await expect(row.locator("input")).to_be_disabled()
    await row.locator(".open").click()
    await expect(page.locator("#panel")).to_contain_text(danger["number"])
    await looks(seat, "dispatch-dangers")
    async with page.expect_response(lambda reply: "/v1/queue?" in reply.url and "area=rq" in reply.url):
        await page.locator("#filters select[name=area]").select_option("rq")  # the estate, and what lies within it
    await expect(page.locator("#waiting tr[data-number], #waiting tr.none")).to_have_count(1)
    await expect(page.locator("#clear")).to_be_visible()
    await page.wait_for_timeout(500)
    await expect(row).to_be_visible()
    assert seat.wrong == []


@on_one_database
async def test_views_are_kept_shared_by_a_link_and_show_what_is_within_ones_own_scope(
    office: Office, desk: Player, switch: Player
) -> None:
    tickets = await wait_for_dispatch(desk, switch, 4)
    seat = await office.seat("dispatcher")
    page = seat.page
    await expect(page.locator("#waiting tr[data-number]")).to_have_count(4)
    await page.locator("#filters select[name=area]").select_option("rq-b5")
    await page.locator("#filters select[name=sort]").select_option("waited")
    await expect(page.locator("#waiting tr[data-number]")).to_have_count(1)
    await page.locator("[data-key=save]").click()
    await page.fill("dialog input[name=name]", "5栋早班")
    await page.locator("dialog input[name=shared]").check()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#saved .view[aria-current]")).to_have_text("5栋早班 已共享")
    link = page.url
    assert "?view=" in link
    await page.locator("#clear").click()
    await expect(page.locator("#waiting tr[data-number]")).to_have_count(4)
    await expect(page.locator("#saved [data-key=update]")).to_be_visible()
    await page.reload()
    await expect(page.locator("#waiting tr[data-number]")).to_have_count(1)
    await expect(page.locator("#filters select[name=sort]")).to_have_value("waited")

    other = await office.seat("supervisor")
    await other.page.goto(link)
    await expect(other.page.locator("#saved .view[aria-current]")).to_have_text("5栋早班 dispatcher")
    await expect(other.page.locator("#waiting tr[data-number]")).to_have_attribute("data-number", tickets[1]["number"])
    await expect(other.page.locator("#saved [data-key=manage]")).to_be_hidden()
    await page.locator("#saved [data-key=manage]").click()
    await page.locator("dialog").get_by_role("button", name="删除视图").click()
    await expect(page.locator("#saved .view")).to_have_count(0)
    await other.page.goto(link)
    await expect(other.page.locator("#alarm")).to_contain_text("视图不存在")

    # the list of tickets: the same, without the words that were looked for
    await seat.open("/console/tickets")
    await page.locator("#find select[name=status]").select_option("triaged")
    await page.fill("#find input[name=from]", "2026-11-24")
    await page.fill("#find input[name=q]", "13800138000")
    await page.locator("[data-key=save]").click()
    await page.fill("dialog input[name=name]", "待派单的")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#saved .view[aria-current]")).to_have_text("待派单的")
    await page.reload()
    await expect(page.locator("#find select[name=status]")).to_have_value("triaged")
    await expect(page.locator("#find input[name=from]")).to_have_value("2026-11-24")
    assert await page.input_value("#find input[name=q]") == ""
    assert (await switch.get("/v1/views?page=tickets")).json()["items"] == []  # it is not shared
    await expect(page.locator("#list tr[data-number]").first).to_be_visible()

    # of several buildings, made by a machine: all of them are kept and shown
    query = {"area": ["rq-b1", "rq-b5"], "sort": "due"}
    made = await switch.post("/v1/views", {"page": "dispatch", "name": "两栋", "query": query, "shared": True})
    assert made.status_code == 201, made.text
    await seat.open(f"/console/dispatch?view={made.json()['id']}")
    await expect(page.locator("#waiting tr[data-number]")).to_have_count(2)
    await expect(page.locator("#filters select[name=area] option:checked")).to_have_text("瑞泉馨城1栋，瑞泉馨城5栋")
    assert [said for said in seat.wrong if "404" not in said] == []


@on_one_database
async def test_it_fits_every_width_reads_aloud_in_both_themes_and_is_small(
    office: Office, desk: Player, switch: Player, lifts: Player, lift_ticket: dict[str, Any], cast: Cast
) -> None:
    office.clock.forward(minutes=-90)
    await wait_for_dispatch(desk, switch)
    await lifts.order(lift_ticket, "request_return", department="residents-affairs", reason="不归我们管", **WISH)
    office.clock.forward(minutes=90)
    seat = await office.seat("dispatcher")
    page = seat.page
    assert await weigh(seat, "/console/dispatch") <= MOST
    assert await weigh(seat, "/console/tickets") <= MOST

    async def looks(name: str, *, heard: bool) -> None:
        for width in (1440, 1920, 390):
            await page.set_viewport_size({"width": width, "height": 1080 if width == 1920 else 900})
            assert await page.evaluate(BOXES) == FITS, (name, width)
            for look in ("dark", "light"):
                await page.emulate_media(color_scheme=look)
                await seat.picture(f"dispatching-{name}-{width}-{look}")
                if heard and width != 1920:
                    assert await violations(page, other_theme=look == "light") == [], (name, width, look)
        await page.set_viewport_size({"width": 1440, "height": 900})

    await expect(page.locator("#list tr[data-number]").first).to_be_visible()
    await looks("tickets", heard=True)
    await seat.open("/console/dispatch")
    await expect(page.locator("#waiting tr[data-number]")).to_have_count(10)
    for key in ("j", "x", "j", "x"):
        await page.keyboard.press(key)
    await expect(page.locator("#panel .cand").first).to_be_visible()
    await looks("waiting", heard=True)
    await page.keyboard.press("Escape")
    await page.click('[data-tab="rulings"]')
    await page.locator("#rulings tr[data-number] .open").click()
    await expect(page.locator("#panel .history li").first).to_be_visible()
    await looks("rulings", heard=True)
    assert seat.wrong == [] and outside(seat) == []


@on_one_database
async def test_what_a_hand_has_chosen_stays_whatever_a_colleague_does_and_undoing_many_stays_in_sight(
    office: Office, desk: Player, switch: Player
) -> None:
    first, *others = [await sorted_by_hand(desk, switch) for _ in range(4)]
    seat = await office.seat("dispatcher")
    page = seat.page
    await page.clock.install(time=MORNING)
    await page.reload()
    send = page.locator("#panel [data-key=send]")
    await page.locator(f'tr[data-number="{first["number"]}"] td.c-to').click()
    await page.locator("#panel .choice select").select_option("property-works")
    await expect(send).to_contain_text("物业工程部")
    await page.mouse.move(5, 5)
    async with page.expect_response(lambda reply: reply.url.endswith(f"/{first['number']}/departments")):
        await desk.act(await desk.see(first), "comment", text="居民又来电")
    await expect(page.locator("#panel .cand.on")).to_contain_text("物业工程部")
    await expect(send).to_contain_text("物业工程部")
    await send.click()
    await expect(page.locator("#undo-step")).to_be_visible()
    assert (await desk.see(first))["department"]["code"] == "property-works"
    await page.clock.fast_forward(7_000)  # the first offer would end three seconds from now
    for ticket in others:
        await page.locator(f'tr[data-number="{ticket["number"]}"] input').check()
    await page.locator('[data-key="bulk send"]').click()
    await expect(page.locator("#undo-many")).to_be_visible()
    await page.clock.fast_forward(5_000)
    await page.keyboard.press("z")
    await expect(page.locator("#undo-many")).to_have_count(0)
    await expect(page.locator("#waiting tr[data-number]")).to_have_count(3)
    assert [(await desk.see(x))["status"] for x in others] == ["triaged"] * 3
    assert seat.wrong == []

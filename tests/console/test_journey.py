"""A call in Sichuan dialect becomes an order on an open board, is done, and the resident's word closes it; and what a
bad day does to people at their screens."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from playwright.async_api import Route, expect

from hotline.reporting.service.figures import update_rollups
from hotline.tickets.tables import call
from tests.conftest import Cast, Player
from tests.console.browsing import MORNING, PASSWORD, Seat, needs_browser, outside
from tests.console.conftest import Office
from tests.tickets.test_worklists import solved

pytestmark = [needs_browser, pytest.mark.timeout(120)]
DIALECT = "3栋2单元电梯头关到人了，有个娃儿在里头，卡起动不得，遭吓惨了"


async def take(seat: Seat, words: str, phone: str = "13800138000") -> str:
    """Type a call and send it with one key; its number."""
    await seat.page.fill("input[name=phone]", phone)
    await seat.page.fill("textarea[name=narrative]", words)
    await seat.page.keyboard.press("Control+Enter")
    number = seat.page.locator("#number")
    await expect(number).not_to_be_empty()
    return await number.inner_text()


async def test_from_the_call_to_the_residents_word_on_open_screens(office: Office, cast: Cast) -> None:
    operator, works, wall = await office.seat("operator"), await office.seat("works"), await office.seat("supervisor")
    await wall.open("/console/wall")
    in_hand = wall.page.locator(".tl8", has_text="单位在办").locator(".v")
    await expect(in_hand).to_have_text("0")
    await expect(works.page.locator("#columns .column")).to_have_count(4)

    # the operator: danger is shown while they type; one key takes it in and sends it
    await operator.page.fill("input[name=phone]", "13800138000")
    await operator.page.fill("textarea[name=narrative]", DIALECT)
    await expect(operator.page.locator("#danger")).to_contain_text("电梯困人")
    await operator.picture("operator-danger")
    number = await take(operator, DIALECT)
    await expect(operator.page.locator("#status")).to_have_text("待签收")
    await expect(operator.page.locator("#lead")).to_have_text("物业工程部")
    assert await operator.page.input_value("textarea[name=narrative]") == ""
    await operator.picture("operator-taken")

    # the department's board shows it without a reload, and says so
    card = works.page.locator('.column[data-status="issued"] .order')
    await expect(card).to_have_count(1)
    await expect(card).to_contain_text(number)
    await expect(card.locator(".emergency")).to_have_text("特急")
    assert (await works.page.title()).startswith("(1)")
    await works.picture("board-issued")
    await expect(in_hand).to_have_text("1")
    await expect(wall.page.locator("#em .one")).to_contain_text("3栋")

    # accept and report right there
    await card.click()
    async with works.page.expect_response("**/actions/accept"):  # the card moves before it
        await works.page.locator('#panel [data-action="accept"]').click()
    await expect(works.page.locator('.column[data-status="accepted"] .order')).to_have_count(1)
    # who assist report first: the fire watch, and for whoever cannot move the service centre and the guards
    for department, name in (("fire-watch", "firemen"), ("service-centre", "centre"), ("security", "guards")):
        helper = await cast(name)
        seen = await helper.see(number)
        place = next(n for n, a in enumerate(seen["assignments"]) if a["department"]["code"] == department)
        seen = await helper.order(seen, "accept", place=place)
        async with works.page.expect_response(f"**/v1/tickets/{number}"):  # the open panel looks anew by itself
            await helper.order(seen, "report", place=place, internal_result="已到场")
    await works.page.locator('#panel [data-action="report"]').click()
    await works.page.locator("#panel textarea[name=internal_result]").fill("已救出，电梯停用检修")
    await works.page.locator("#panel textarea[name=public_reply]").fill("人已平安救出，电梯正在检修")
    await works.page.locator("#panel .pick", has_text="已办好").click()  # nothing is chosen beforehand
    await works.picture("board-report")
    await works.page.locator('#panel [data-send="report"]').click()
    await expect(works.page.locator('.column[data-status="reported"] .order')).to_have_count(1)

    # the ruling, on the dispatcher's page
    dispatcher = await office.seat("dispatcher")
    await expect(dispatcher.page.locator("#n-review")).to_have_text("1")
    await dispatcher.page.click('[data-tab="review"]')
    await dispatcher.page.locator("#review tr", has_text=number).locator(".open").click()
    await dispatcher.picture("dispatch-review")
    await dispatcher.page.locator('#panel button.first[data-action="accept_report"]').click()
    await dispatcher.page.locator("dialog button.first").click()
    await expect(works.page.locator(".order")).to_have_count(0)

    # the resident is called back: their word closes it
    await operator.open(f"/console/tickets/{number}")
    await expect(operator.page.locator("#status")).to_have_text("待回访")
    await operator.page.locator('header [data-action="confirm"]').click()
    await operator.page.locator("dialog select[name=satisfaction]").select_option("very_satisfied")
    await operator.page.locator("dialog button.first").click()
    await expect(operator.page.locator("#status")).to_have_text("已办结")
    await expect(operator.page.locator(".tk-head .lane [aria-current]").first).to_contain_text("已办结")
    await operator.picture("ticket-closed")
    await expect(in_hand).to_have_text("0")
    await update_rollups(office.services, office.clock())
    await wall.page.reload()
    await expect(wall.page.locator(".tl8", has_text="今日办结").locator(".v")).to_have_text("1")
    lately = wall.page.locator(f"#lately a[href$='/{number}']")  # what happened before it was opened, too
    await expect(lately.first).to_contain_text("电梯困人")
    await wall.picture("wall")
    for seat in (operator, works, wall, dispatcher):
        assert seat.wrong == []
        assert outside(seat) == []


async def test_a_cut_line_loses_nothing_and_comes_back_by_itself(office: Office, desk: Player) -> None:
    works, operator = await office.seat("works"), await office.seat("operator")
    await expect(works.page.locator("#columns .column")).to_have_count(4)
    for seat in (works, operator):
        await seat.context.clock.install(time=MORNING)  # from here on their pages' timers go by the story's clock
        await seat.context.set_offline(True)
    await operator.page.fill("textarea[name=narrative]", "3栋电梯坏了，断网时来电")
    await operator.page.keyboard.press("Control+Enter")
    await expect(operator.page.locator("#line")).to_contain_text("连接中断")
    ticket = await desk.call("3栋2单元电梯坏了", category="dt-fault")  # meanwhile, from elsewhere
    for _ in range(30):  # seconds; each tries again as often as it would
        for seat in (works, operator):
            await seat.context.clock.run_for(1000)
    await expect(works.page.locator(".order")).to_have_count(0)
    await operator.picture("line-cut")
    for seat in (works, operator):
        await seat.context.set_offline(False)
    await expect(works.page.locator(".order", has_text=ticket["number"])).to_have_count(1, timeout=20000)
    await expect(operator.page.locator("#number")).not_to_be_empty(timeout=20000)
    await expect(operator.page.locator("#line")).to_have_text("")
    rows = await office.services.db.transact(lambda c: c.execute(sa.text("SELECT count(*) FROM ticket")).scalar())
    assert rows == 2  # the call was sent again and again, and taken in once


async def test_a_call_sent_before_the_page_has_all_its_names_is_sent(office: Office) -> None:
    operator = await office.seat("operator")

    sent = asyncio.Event()

    async def slowly(route: Route) -> None:
        await sent.wait()
        await route.continue_()

    await operator.page.route("**/v1/directory/*", slowly)
    await operator.page.reload(wait_until="load")
    await operator.page.fill("textarea[name=narrative]", "3栋电梯坏了，有人急")
    await operator.page.fill("input[name=phone]", "13800138000")
    await operator.page.click("button[name=go]")  # not one name of the directory is there yet
    await operator.page.evaluate("() => { document.querySelector('input[name=phone]').value = '13900139000'; }")
    sent.set()  # and the next call has rung meanwhile
    await expect(operator.page.locator("#number")).not_to_be_empty()
    assert "?" not in operator.page.url  # what a resident said stands in no address
    rows = await office.services.db.transact(lambda c: c.execute(sa.select(call.c.phone)).scalars().all())
    assert rows == ["+8613800138000"]


async def test_what_was_chosen_to_be_joined_is_joined_through_a_reload(office: Office, desk: Player) -> None:
    me = {"phone": "13800138000", "name": "王秀英"}
    mine = await desk.call("5栋路灯坏了", caller=me, category="wx-light")
    other = await desk.call("3栋2单元电梯坏了", category="dt-fault", location={"area": "rq-b3"})
    operator = await office.seat("operator")
    page = operator.page
    await page.fill("input[name=phone]", "13800138000")
    await page.locator(f"#card input[value='{mine['number']}']").check()
    await page.fill("textarea[name=narrative]", "还是不亮")
    await page.reload()
    await expect(page.locator(f"#card input[value='{mine['number']}']")).to_be_checked()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#number")).to_have_text(mine["number"])
    # another matter of the same caller, which somebody else has told of already
    await page.fill("input[name=phone]", "13800138000")
    await expect(page.locator("#card input[type=radio]")).to_have_count(1)
    await page.fill("textarea[name=narrative]", "3栋2单元电梯坏了")
    await page.locator("#alike li", has_text=other["number"]).get_by_role("button", name="并入此单").click()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#number")).to_have_text(other["number"])
    # a number nobody can have refuses no call: it is told, by the name of its field
    await page.fill("input[name=phone]", "12")
    await page.fill("textarea[name=narrative]", "打错了")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#unread")).to_contain_text("电话: 不是能识别的电话号码")


async def test_the_operator_is_told_of_a_repeat_before_a_second_ticket_is_made(office: Office, desk: Player) -> None:
    me = {"phone": "13800138000", "name": "王秀英"}
    first = await desk.call("3栋楼道灯不亮", caller=me)
    operator = await office.seat("operator")
    page = operator.page
    await page.fill("input[name=phone]", "13800138000")
    await page.fill("textarea[name=narrative]", "3栋那个灯还是黑的，灯坏了")
    offered = page.locator("#alike li", has_text=first["number"])
    await expect(offered).to_contain_text("同一号码")
    await offered.get_by_role("button", name="并入此单").click()  # one press
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#number")).to_have_text(first["number"])
    # again, and this time it is another matter
    await page.fill("input[name=phone]", "13800138000")
    await page.fill("textarea[name=narrative]", "3栋楼道灯不亮，是另一个单元的")
    await offered.get_by_role("button", name="是另一件事").click()
    await expect(page.locator("#repeats")).to_be_hidden()
    await page.fill("textarea[name=narrative]", "3栋楼道灯不亮，是另一个单元的门口")  # it is not asked again
    await expect(page.locator("#advice")).to_contain_text("瑞泉馨城3栋")
    await expect(page.locator("#repeats")).to_be_hidden()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#number")).not_to_have_text(first["number"])


async def test_the_dispatcher_merges_on_the_tickets_page_what_came_twice(office: Office, desk: Player) -> None:
    first = await desk.call("3栋楼道灯不亮", caller={"phone": "13800138000"})
    second = await desk.call("the stair lamp in building 3 is broken", caller={"phone": "13900139000"})
    dispatcher = await office.seat("dispatcher")
    page = dispatcher.page
    await page.goto(f"{office.address}/console/tickets/{second['number']}")
    await page.locator("#duplicates li", has_text=first["number"]).get_by_role("button").click()
    await expect(page.locator("dialog [name=target]")).to_have_value(first["number"])
    await page.locator("dialog button.first").click()
    await expect(page.locator("#status")).to_have_text("已并单")
    assert (await desk.see(second))["parent"] == first["number"]


async def test_a_call_is_taken_though_the_names_cannot_be_had(office: Office) -> None:
    operator = await office.seat("operator")

    async def refused(route: Route) -> None:
        await route.fulfill(status=429, content_type="application/json", body='{"type":"urn:hotline:problem:too-many"}')

    await operator.page.route("**/v1/directory/*", refused)
    await operator.page.reload(wait_until="load")
    await operator.page.fill("textarea[name=narrative]", "3栋电梯坏了，有人急")
    await operator.page.click("button[name=go]")
    await expect(operator.page.locator("#number")).not_to_be_empty()


async def test_the_resident_is_called_back_from_the_list(
    office: Office, desk: Player, lifts: Player, watch: Player
) -> None:
    ticket = await solved(desk, lifts, watch, caller={"phone": "13800138000", "name": "王秀英"})
    operator = await office.seat("operator")
    await operator.open("/console/waiting")
    await expect(operator.page.locator("#n-call_back")).to_have_text("1")
    await operator.page.locator("#call_back").get_by_text(ticket["number"]).click()
    await expect(operator.page.locator("#panel")).to_contain_text("13800138000")
    await expect(operator.page.locator("#panel")).to_contain_text("电梯已修好")
    await operator.picture("call-back")
    await operator.page.locator('#panel [data-action="confirm"]').click()
    await operator.page.locator("dialog select[name=satisfaction]").select_option("satisfied")
    await operator.page.locator("dialog button.first").click()
    await expect(operator.page.locator("#n-call_back")).to_have_text("0")
    assert (await desk.see(ticket))["status"] == "closed"


async def test_two_at_one_ticket_and_the_slower_one_is_told_kindly(office: Office, lift_ticket: dict[str, Any]) -> None:
    first, second = await office.seat("dispatcher"), await office.seat("supervisor")
    for seat in (first, second):
        await seat.open(f"/console/tickets/{lift_ticket['number']}")
        await expect(seat.page.locator('.order-card [data-action="recall"]')).to_be_visible()
    for seat in (first, second):
        await seat.page.locator('.order-card [data-action="recall"]').click()
        await seat.page.locator("dialog textarea[name=reason]").fill("另派")
    await first.page.locator("dialog button.first").click()
    await expect(first.page.locator("#status")).to_have_text("待派单")
    await second.page.locator("dialog button.first").click()
    await expect(second.page.locator("#alarm")).to_contain_text("dispatcher")
    await expect(second.page.locator("#alarm")).to_contain_text("撤回派单")
    await expect(second.page.locator("#status")).to_have_text("待派单")
    await second.picture("told-kindly")


async def test_a_session_that_ends_keeps_what_was_typed_and_so_does_a_reload(office: Office, app: FastAPI) -> None:
    operator = await office.seat("operator")
    await operator.page.fill("textarea[name=narrative]", "5栋路灯坏了好多天")
    await operator.page.reload()
    await expect(operator.page.locator("textarea[name=narrative]")).to_have_value("5栋路灯坏了好多天")
    await office.services.db.transact(lambda c: c.execute(sa.text("DELETE FROM session")))
    app.state.actor_cache.forget()
    await operator.page.keyboard.press("Control+Enter")
    box = operator.page.locator("dialog[open]")
    await expect(box).to_contain_text("请重新登录")
    await operator.picture("session-over")
    await box.locator("input[name=login]").fill("operator")
    await box.locator("input[name=password]").fill(PASSWORD)
    await box.locator("button.first").click()
    await expect(operator.page.locator("#number")).not_to_be_empty()


async def test_a_call_can_be_taken_without_a_mouse(office: Office) -> None:
    operator = await office.seat("operator")
    keys = operator.page.keyboard
    await expect(operator.page.locator("textarea[name=narrative]")).to_be_focused()
    began = datetime.now(UTC)
    await keys.type("7栋楼道灯不亮了，老人上下楼看不到")
    await keys.press("Control+Enter")
    await expect(operator.page.locator("#number")).not_to_be_empty()
    assert datetime.now(UTC) - began < timedelta(seconds=30)
    assert operator.wrong == []


async def test_a_call_about_two_matters_becomes_two_tickets_of_one_caller(office: Office, desk: Player) -> None:
    """Split with one press: each ticket has the sentences that belong to it, and the caller and place of the call."""
    operator = await office.seat("operator")
    page = operator.page
    await page.fill("input[name=phone]", "13900139077")
    await page.fill("input[name=area_words]", "3栋")
    await page.fill("textarea[name=narrative]", "2单元的灯不亮了。楼下的垃圾堆了三天没人收。")
    await page.click("#split")
    narrative, matters = page.locator("textarea[name=narrative]"), page.locator("dialog textarea[name=matters]")
    await expect(matters).to_have_value("2单元的灯不亮了。\n楼下的垃圾堆了三天没人收。")
    await page.keyboard.press("Control+Enter")
    await expect(narrative).to_have_value("2单元的灯不亮了。")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#number")).not_to_be_empty()
    first = await page.locator("#number").inner_text()
    await page.locator("#waiting").get_by_role("button", name="继续填写").click()
    await expect(narrative).to_have_value("楼下的垃圾堆了三天没人收。")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#number")).not_to_have_text(first)
    listed = (await desk.get("/v1/tickets", params={"sort": "created_at"})).json()["items"]
    tickets = [(await desk.get(f"/v1/tickets/{ticket['number']}")).json() for ticket in listed]
    assert [(t["narrative"], t["category"]["code"], t["location"]["area"]) for t in tickets] == [
        ("2单元的灯不亮了。", "wx-light", "rq-b3"), ("楼下的垃圾堆了三天没人收。", "hj-rubbish", "rq-b3"),
    ]  # fmt: skip
    assert len({t["caller"]["phone"] for t in tickets}) == 1
    await expect(page.locator("#waiting")).to_be_empty()
    assert operator.wrong == []


async def test_what_a_narrative_leaves_open_is_asked_on_the_call(office: Office) -> None:
    operator = await office.seat("operator")
    await operator.page.fill("textarea[name=narrative]", "电梯停在三楼不走了，不晓得里面有没得人")
    await expect(operator.page.locator(".asking")).to_contain_text("电梯里面有人吗")
    await operator.page.fill("textarea[name=narrative]", "电梯停在三楼不走了，里面有个老人")
    await expect(operator.page.locator(".danger")).to_contain_text("电梯")
    await expect(operator.page.locator(".asking")).to_contain_text(
        "具体在什么地方"
    )  # an emergency, and nobody knows where
    await expect(operator.page.locator(".asking")).not_to_contain_text("电梯里面有人吗")
    await operator.page.fill("textarea[name=narrative]", "瑞泉馨城3栋的电梯停在三楼不走了，里面有个老人")
    await expect(operator.page.locator(".asking")).to_have_count(0)
    assert operator.wrong == []


async def test_whoever_may_not_open_a_page_is_told_and_nobody_gets_in_without_a_name(office: Office) -> None:
    works = await office.seat("works")
    await works.open("/console/admin")
    await expect(works.page.locator("h1")).to_have_text("您的角色不能打开此页")
    await works.page.click("#leave")
    await works.page.wait_for_url("**/console/login")
    await works.open("/console/board")
    assert "/console/login?next=" in works.page.url


async def test_the_operator_sees_what_could_not_be_read_in_a_call(office: Office) -> None:
    operator = await office.seat("operator")
    number = await take(operator, "3栋路灯坏了", "问他老婆要")
    await expect(operator.page.locator("#unread")).to_contain_text("不是能识别的电话号码")
    await operator.open(f"/console/tickets/{number}")
    await expect(operator.page.locator("main")).to_contain_text("不是能识别的电话号码")
    await expect(operator.page.locator("main")).to_contain_text("问他老婆要")


async def test_a_logged_ticket_of_two_matters_is_split_on_its_page(office: Office, desk: Player) -> None:
    """The dispatcher chooses which matter stays; each history leads to the other ticket."""
    ticket = await desk.call("3栋2单元的灯不亮了。楼下的垃圾堆了三天没人收。", caller={"phone": "13900139077"})
    dispatcher = await office.seat("dispatcher")
    page = dispatcher.page
    await dispatcher.open(f"/console/tickets/{ticket['number']}")
    matters = page.locator("#matters")
    await expect(matters.locator("input")).to_have_count(2)
    await matters.locator("input").nth(1).check()
    await matters.get_by_role("button", name="拆单").click()
    dialog = page.locator("dialog")
    await expect(dialog.locator("textarea[name=narrative]")).to_have_value("楼下的垃圾堆了三天没人收。")
    await expect(dialog.locator("textarea[name=matters]")).to_have_value("3栋2单元的灯不亮了。")
    await page.keyboard.press("Control+Enter")
    await expect(matters).to_have_count(0)
    story = page.locator(".story li", has_text="拆单")
    await expect(story).to_have_count(1)
    await expect(page.locator(".story li").first).to_contain_text(
        "环境卫生"
    )  # what stays is dispatched by its own words
    await expect(page.locator("#status")).to_have_text("待签收")
    number = await story.locator("a").first.inner_text()
    new = (await desk.get(f"/v1/tickets/{number}")).json()
    assert (new["narrative"], new["category"]["code"]) == ("3栋2单元的灯不亮了。", "wx-light")
    await dispatcher.open(f"/console/tickets/{number}")
    made = page.locator(".story li").last  # the newest is told first
    await expect(made).to_contain_text("拆自")
    await expect(made.locator("a").first).to_have_text(ticket["number"])
    assert dispatcher.wrong == []

"""What a hand does on a page, and what must come of it: nothing goes to the wrong ticket, the wrong department or away."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.async_api import Locator, Page, Route, expect

from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.tickets.tables import ticket
from tests.conftest import Player, on_one_database
from tests.console.browsing import MORNING, Seat, needs_browser
from tests.console.conftest import Office
from tests.tickets.test_returned_advice import WISH

# A page has what it shows from the API, which is tested on both databases; the journeys (test_journey, test_admin) run on
# both in a browser too.
pytestmark = [needs_browser, pytest.mark.timeout(150), on_one_database]
ROSE = {"phone": "13800138000", "name": "王秀英"}


async def story(desk: Player, number: str) -> list[str]:
    return [line["action"] for line in (await desk.get(f"/v1/tickets/{number}/timeline")).json()["items"]]


async def tickets(office: Office) -> int:
    return int(await office.services.db.transact(lambda c: c.execute(sa.text("SELECT count(*) FROM ticket")).scalar()))


async def sent(page: Page) -> str:
    """Send the call with one key; the number it has."""
    await page.locator("#number").evaluate_all("(found) => found.forEach((one) => one.remove())")
    await page.focus("textarea[name=narrative]")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#number")).not_to_be_empty()
    await expect(page.locator("textarea[name=narrative]")).to_have_value("")
    return await page.locator("#number").inner_text()


async def reason(page: Page, words: str) -> Locator:
    box = page.locator("dialog[open]")
    await box.locator("textarea[name=reason]").fill(words)
    return box


async def test_a_revealed_caller_is_seen_can_be_rung_and_is_hidden_again(office: Office, desk: Player) -> None:
    ticket = await desk.call("3栋2单元电梯坏了", caller=ROSE, category="dt-fault")
    number = ticket["number"]
    works = await office.seat("works")
    page = works.page
    await works.open(f"/console/tickets/{number}")
    place = page.locator(f'[data-caller="{number}"]')
    await expect(place).to_contain_text("****")
    await works.context.clock.install(time=MORNING)
    reveal = page.locator('[data-part="caller"] [data-action="reveal"]')
    keys: list[str] = []
    lose = [True]

    async def answers(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            await route.fulfill(
                status=429, content_type="application/json", body='{"type":"urn:hotline:problem:too-many"}'
            )
        elif lose.pop() if lose else False:
            await route.fetch()  # it is logged, and the answer is lost
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/actions/reveal", answers)
    await reveal.click()
    box = await reason(page, "联系居民")
    await page.keyboard.press("Control+Enter")
    await expect(box.locator(".error")).to_contain_text("没有显示来电人信息")
    assert "reveal" not in await story(desk, number)
    await page.keyboard.press("Control+Enter")  # tried again
    await expect(place.locator("a[href='tel:+8613800138000']")).to_be_focused()
    await expect(place).to_contain_text("王秀英")
    await expect(place).to_contain_text("秒后隐藏")
    await works.picture("caller-revealed")
    assert len(keys) == 3 and len(set(keys)) == 1
    assert (await story(desk, number)).count("reveal") == 1  # logged once, however often it was asked for
    await works.context.clock.run_for(30_000)
    await expect(place.locator("a")).to_have_count(1)
    await works.context.clock.run_for(31_000)
    await expect(place.locator("a")).to_have_count(0)
    await expect(place).to_contain_text("****")
    assert [line for line in works.wrong if "Failed to load" not in line] == []

    # on the board, too, and it is gone with the order
    await works.open("/console/board")
    await page.locator(".order").click()
    await page.locator('#panel [data-action="reveal"]').click()  # its reason is told with the press
    await expect(page.locator("#panel .caller a")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#panel")).to_be_hidden()
    await page.locator(".order").click()
    await expect(page.locator("#panel .caller")).to_contain_text("****")

    # where a page has no place for it, it is shown all the same; and a code is told until it was told
    operator = await office.seat("operator")
    page = operator.page
    await page.fill("textarea[name=narrative]", "有人想反映点事情")
    await page.check("input[name=confidential]")
    await page.fill("input[name=phone]", "13900139000")
    secret = await sent(page)
    code = await page.locator("#taken dd").nth(1).inner_text()
    await page.locator('#taken [data-action="reveal"]').click()
    await (await reason(page, "回电")).locator("button.first").click()
    await expect(page.locator("dialog .caller a[href='tel:+8613900139000']")).to_be_focused()
    await page.keyboard.press("Escape")
    await page.locator('#taken [data-action="urge"]').click()
    await (await reason(page, "催")).locator("button.first").click()
    await expect(page.locator("#said")).to_contain_text("催办")
    await expect(page.locator("#taken")).to_contain_text(code)
    await operator.open(f"/console/tickets/{secret}")
    await page.locator(".menu-more summary").click()
    await page.locator('[data-key="code"]').click()
    await expect(page.locator("#code")).to_have_text(code)


async def rings(office: Office, desk: Player, phone: str, name: str) -> None:
    """The exchange says that the operator's telephone rings."""
    event = {"from": phone, "to": "12345", "direction": "in", "callId": name, "event": "answer", "user": "101",
             "answeringNumber": "101", "timestamp": office.clock().timestamp()}  # fmt: skip
    reply = await desk.http.post("/v1/hooks/voice/cti?token=a-token-the-exchange-has", json=event)
    assert reply.status_code == 200, reply.text


async def test_what_was_chosen_for_one_matter_is_seen_and_goes_into_no_other(office: Office, desk: Player) -> None:
    await create_gateway(
        office.services.gateways,
        NewGateway(
            "cti",
            "cti",
            {"agents": {"101": "operator"}},
            {"token": ["a-token-the-exchange-has"]},
            sends=False,
            weight=50,
        ),
        "test",
        office.clock(),
    )
    mine = (await desk.call("5栋路灯坏了", caller=ROSE, category="wx-light"))["number"]
    operator = await office.seat("operator")
    page = operator.page
    chip, go = page.locator("#joining .chip"), page.locator("button[name=go]")
    same = page.locator(f"#card input[value='{mine}']")
    await expect(go).to_contain_text("受理并派单")

    async def choose() -> None:
        await page.fill("input[name=phone]", "13800138000")
        await same.check()
        await expect(chip).to_contain_text(f"并入 {mine}")
        await expect(go).to_contain_text(f"并入 {mine}")
        await expect(page.locator("select[name=priority]")).to_be_hidden()

    async def let_go() -> None:
        await expect(chip).to_have_count(0)
        await expect(go).to_contain_text("受理并派单")
        await expect(page.locator("#card input:checked")).to_have_count(0)

    await choose()
    await operator.picture("join-chosen")
    await chip.get_by_role("button").click()
    await let_go()
    await choose()
    await page.keyboard.press("Escape")
    await let_go()
    await choose()
    await page.fill("input[name=phone]", "13900139000")  # somebody else, whose name is not that of before
    await let_go()
    await expect(page.locator("input[name=caller_name]")).to_have_value("")
    await choose()
    await page.fill("textarea[name=narrative]", "还是不亮")
    await page.fill("input[name=address]", "垃圾房旁边")
    await page.reload()
    await expect(chip).to_contain_text(f"并入 {mine}")
    await expect(same).to_be_checked()
    assert await sent(page) == mine
    calls = (await desk.get(f"/v1/tickets/{mine}/calls")).json()["items"]
    assert "还是不亮\n（地点：垃圾房旁边）" in [call["narrative"] for call in calls]
    await let_go()
    await page.fill("textarea[name=narrative]", "另外一件事：7栋楼道有垃圾")
    await page.select_option("select[name=priority]", "urgent")
    await page.check("input[name=confidential]")
    other = await sent(page)
    assert other != mine
    await expect(page.locator("select[name=priority]")).to_have_value("")
    await expect(page.locator("input[name=confidential]")).not_to_be_checked()

    # a telephone rings while words of somebody else stand there
    await choose()
    await page.fill("textarea[name=narrative]", "没说完的话")
    await rings(office, desk, "13700137000", "c1")
    pick_up = page.locator("#ringing button")
    await expect(pick_up).to_be_visible()
    await let_go()
    await pick_up.click()
    await expect(page.locator("#speaking .chip")).to_be_visible()
    await expect(page.locator("input[name=phone]")).to_have_value("+8613700137000")
    await expect(page.locator("textarea[name=narrative]")).to_have_value("")
    await expect(page.locator("#waiting")).to_contain_text("没说完的话")
    await page.fill("textarea[name=narrative]", "停电了")
    await operator.picture("call-picked-up")
    await sent(page)
    await expect(page.locator("#speaking .chip")).to_have_count(0)
    await page.locator("#waiting").get_by_role("button", name="继续填写").click()
    await expect(page.locator("textarea[name=narrative]")).to_have_value("没说完的话")
    await expect(page.locator("#speaking .chip")).to_have_count(0)

    # two windows: each has a call of its own
    second = await operator.context.new_page()
    await second.goto(page.url)
    await expect(second.locator("#waiting")).to_contain_text("没说完的话")
    await expect(second.locator("textarea[name=narrative]")).to_have_value("")
    await second.fill("textarea[name=narrative]", "第二个窗口的事")
    await page.reload()
    await expect(page.locator("textarea[name=narrative]")).to_have_value("没说完的话")
    assert await sent(second) != await sent(page)
    words = await office.services.db.transact(lambda c: c.execute(sa.select(ticket.c.narrative)).scalars().all())
    assert {"没说完的话", "第二个窗口的事"} <= set(words)


async def test_a_dialog_owns_its_keys_and_loses_no_words(office: Office, desk: Player) -> None:
    operator = await office.seat("operator")
    page = operator.page
    bodies: list[Any] = []
    held = asyncio.Event()

    async def notes(route: Route) -> None:
        bodies.append(route.request.post_data_json)
        await held.wait()
        await route.continue_()

    await page.route("**/v1/calls", notes)
    await page.fill("textarea[name=narrative]", "请问社区几点上班")
    await page.keyboard.press("Alt+a")
    box = page.locator("dialog[open]")
    answer = box.locator("textarea[name=answer]")
    await answer.fill("早上九点到下午五点，周末有人值班，请带身份证")
    await page.keyboard.press("Escape")  # what was typed is asked about first
    await expect(box.get_by_role("alertdialog")).to_contain_text("尚未提交")
    await operator.picture("dialog-asks")
    await page.keyboard.press("Escape")
    await expect(box.get_by_role("alertdialog")).to_have_count(0)
    await expect(answer).to_have_value("早上九点到下午五点，周末有人值班，请带身份证")
    await answer.focus()
    # the input method's own keys
    for key, control in (("Enter", True), ("Escape", False)):
        await answer.dispatch_event(
            "keydown", {"key": key, "ctrlKey": control, "isComposing": True, "keyCode": 229, "bubbles": True}
        )
    ime = await operator.context.new_cdp_session(page)
    await ime.send("Input.imeSetComposition", {"text": "谢谢", "selectionStart": 2, "selectionEnd": 2})
    await page.keyboard.press("Control+Enter")
    await expect(box).to_be_visible()
    assert bodies == []
    await ime.send("Input.insertText", {"text": "谢谢"})
    await page.keyboard.down("Control")
    for _ in range(3):
        await page.keyboard.down("Enter")  # held down
    await page.keyboard.up("Enter")
    await page.keyboard.press("Enter")  # and once more
    await page.keyboard.up("Control")
    held.set()
    await expect(box).to_have_count(0)
    await expect(page.locator("#status")).to_have_text("已办结")
    assert [body["at_once"]["action"] for body in bodies] == ["answer"]
    assert bodies[0]["at_once"]["answer"].endswith("谢谢")
    assert await tickets(office) == 1
    number = await page.locator("#number").inner_text()
    assert await story(desk, number) == ["receive", "answer"]

    # and in the forms of a ticket; the keys of a page are not those of what lies beside its form
    await page.fill("textarea[name=narrative]", "3栋2单元电梯坏了，不动了")
    for key in ({"key": "Enter", "ctrlKey": True}, {"key": "a", "altKey": True}):
        await page.locator("#leave").dispatch_event("keydown", {**key, "bubbles": True})
    await expect(page.locator("dialog")).to_have_count(0)
    assert len(bodies) == 1
    number = await sent(page)
    works = await office.seat("works")
    page = works.page
    await works.open(f"/console/tickets/{number}")
    acted: list[str] = []
    page.on(
        "request",
        lambda request: acted.append(request.url) if request.method == "POST" and "/actions/" in request.url else None,
    )
    await page.locator('.order-card [data-action="accept"]').dblclick()
    await expect(page.locator('.order-card [data-action="report"]')).to_be_visible()
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.locator("#alarm")).to_be_empty()
    await page.locator('.order-card [data-action="contact_caller"]').click()
    contacted = page.locator("dialog input[name=contacted]")
    await contacted.fill("电话")
    await contacted.press("Enter")  # goes on to the next field
    await expect(page.locator("dialog[open]")).to_be_visible()
    await contacted.focus()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    assert [url.rsplit("/", 1)[-1] for url in acted] == ["accept", "contact_caller"]


async def test_what_is_told_late_of_one_order_does_not_stand_under_another(office: Office, desk: Player) -> None:
    lift = await desk.call("3栋2单元电梯坏了", category="dt-fault")
    other = await desk.call("5栋1单元电梯坏了", category="dt-fault")
    works = await office.seat("works")
    await works.open("/console/board")
    page, panel = works.page, works.page.locator("#panel")
    await page.locator(".order", has_text=lift["number"]).click()
    await expect(panel).to_contain_text(lift["number"])
    held, asked = asyncio.Event(), asyncio.Event()

    async def slow(route: Route) -> None:
        asked.set()
        await held.wait()
        await route.continue_()

    await page.route(f"**/v1/tickets/{other['number']}", slow)
    await page.locator(".order", has_text=other["number"]).click()
    await asyncio.wait_for(asked.wait(), 10)
    await desk.act(await desk.see(lift), "urge", reason="又打来了")  # of the one whose panel still stands there
    await page.wait_for_timeout(1000)
    await expect(panel.locator("[data-action=accept]")).to_have_count(1)  # as it was, with all that may be done
    held.set()
    await expect(panel.locator("a").first).to_have_text(other["number"])
    await expect(panel.locator("[data-action=accept]")).to_have_count(1)


async def test_a_door_is_read_from_the_words_and_a_typed_one_wins(office: Office, desk: Player) -> None:
    operator = await office.seat("operator")
    page = operator.page
    await page.fill("textarea[name=narrative]", "我家在十二栋二单元三零一，灯坏了")
    for part, read in (("building", "12"), ("unit", "2"), ("floor", ""), ("room", "301")):
        await expect(page.locator(f"input[name={part}]")).to_have_attribute("placeholder", read)
    await page.fill("input[name=room]", "302")
    await operator.picture("door-read")
    number = await sent(page)
    at = (await desk.see(number))["location"]
    assert (at["area"], at["building"], at["unit"], at["room"]) == ("rq-b12", "12", "2", "302")
    await expect(page.locator("input[name=room]")).to_have_attribute(
        "placeholder", ""
    )  # of the next call nothing is read
    await operator.open(f"/console/tickets/{number}")
    await expect(page.locator(".tk-head")).to_contain_text("瑞泉馨城12栋 2单元 302室")


async def test_of_two_places_in_the_words_the_operator_takes_one(office: Office, desk: Player) -> None:
    operator = await office.seat("operator")
    page = operator.page
    await page.fill("textarea[name=narrative]", "9栋2单元停水了，南门的岗亭玻璃碎了")
    offered = page.locator("#advice .chips button")
    await expect(offered).to_have_text(["瑞泉馨城9栋", "南大门"])
    await operator.picture("places-offered")
    await offered.first.click()
    await expect(page.locator("#place")).to_have_text("地点：瑞泉馨城9栋")
    await expect(page.locator("input[name=unit]")).to_have_value("2")
    at = (await desk.see(await sent(page)))["location"]
    assert (at["area"], at["building"], at["unit"]) == ("rq-b9", "9", "2")


async def test_a_place_that_is_typed_is_kept_and_enter_sends_nothing(office: Office, desk: Player) -> None:
    operator = await office.seat("operator")
    page = operator.page
    area, hint = page.locator("input[name=area_words]"), page.locator("#place")

    async def located(number: str) -> tuple[Any, Any]:
        at = (await desk.see(number))["location"]
        return at["area"], at["address"]

    await page.fill("input[name=phone]", "13800138000")
    await page.fill("textarea[name=narrative]", "路灯不亮了")
    await area.fill("垃圾房旁边第二根灯杆")
    await expect(hint).to_contain_text("按地址文字保存")
    await page.fill("input[name=address]", "南门进来左手边")
    await operator.picture("place-typed")
    for name in ("phone", "caller_name", "contact", "area_words", "address"):
        await page.press(f"input[name={name}]", "Enter")
    await page.press("input[name=reply_wanted]", "Enter")
    await page.press("input[name=address]", "Shift+Enter")
    assert await tickets(office) == 0
    await page.focus("input[name=area_words]")
    await page.keyboard.press("Enter")
    await expect(page.locator("input[name=address]")).to_be_focused()
    _, address = await located(await sent(page))
    assert address == "垃圾房旁边第二根灯杆 南门进来左手边"
    await area.fill("1号灯杆")
    await page.fill("input[name=address]", "11号灯杆对面")
    await page.fill("textarea[name=narrative]", "灯又不亮了")
    assert (await located(await sent(page)))[1] == "1号灯杆 11号灯杆对面"
    for words in (
        "５栋",
        " 5号楼",
        "Building  5",
        "rq-b5",
        "瑞泉馨城5栋",
    ):
        await area.fill(words)
        await expect(hint).to_have_text("地点：瑞泉馨城5栋")
    await page.fill("textarea[name=narrative]", "有人反映灯不亮")
    assert await located(await sent(page)) == ("rq-b5", None)
    await area.fill("很远的地方")
    await page.fill("input[name=address]", "路" * 150)  # longer than an address may be
    await page.fill("textarea[name=narrative]", "井盖不见了")
    seen = await desk.see(await sent(page))
    assert "很远的地方" in seen["location"]["address"] and seen["narrative"].endswith(f"{'路' * 150}）")


async def test_an_approved_return_shows_why_and_does_not_go_back_by_itself(
    office: Office, desk: Player, lifts: Player, lift_ticket: dict[str, Any]
) -> None:
    number = lift_ticket["number"]
    await lifts.order(
        lift_ticket, "request_return", department="residents-affairs", reason="不归我们管，是安置办的事", **WISH
    )
    dispatcher = await office.seat("dispatcher")
    page = dispatcher.page
    await page.click('[data-tab="rulings"]')
    await page.locator("#rulings tr", has_text=number).locator(".open").click()
    panel = page.locator("#panel")
    back = panel.locator(".back")

    async def told() -> None:
        for words in ("物业工程部", "职能不符", "职责清单第12项", "不归我们管", "lifts", "建议转派：群众事务部"):
            await expect(back).to_contain_text(words)

    await told()
    await dispatcher.picture("return-asked")
    await panel.locator('[data-action="approve_return"]').click()
    await page.locator("dialog button.first").click()
    await expect(panel).to_contain_text("待派单")
    await told()
    await dispatcher.picture("return-approved")
    # what the department suggests is proposed, and the department itself is not among those to choose from
    await expect(panel.locator(".cand.on")).to_have_attribute("data-department", "residents-affairs")
    await expect(panel.locator('.cand[data-department="property-works"]')).to_have_count(0)
    await expect(panel.locator('.history li[data-department="property-works"]')).to_contain_text("已退单")
    other = panel.get_by_label("其他部门")
    await other.select_option("property-works")
    again = panel.locator(".choice .tick", has_text="退过此单")
    await expect(again).to_contain_text("职能不符")
    await panel.locator("#send").click()
    await expect(panel.locator("[data-wrong]")).to_have_text("请先确认仍派给退单的单位")
    assert (await desk.see(number))["status"] == "triaged"
    await dispatcher.picture("return-sent-again")
    await panel.locator(".cand").first.click()
    await expect(again).to_have_count(0)
    # the form with every field asks as well
    await panel.locator(".other summary").click()
    await panel.locator('[data-action="dispatch"]').click()
    department = page.locator("dialog select[name=department]")
    await expect(department).to_have_value("residents-affairs")
    await department.select_option("property-works")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("dialog .tick", has_text="退回此单")).to_contain_text("职责清单第12项")
    await page.keyboard.press("Escape")
    await page.locator("dialog").get_by_role("button", name="放弃填写的内容").click()
    await panel.locator('.cand[data-department="property-works"]').click()
    await again.get_by_role("checkbox").check()
    await panel.locator("#send").click()
    await expect(panel.locator('[data-action="recall"]').first).to_be_visible()
    assert (await desk.see(number))["department"]["code"] == "property-works"

    # one that was recalled goes nowhere by itself either
    await panel.locator('[data-action="recall"]').first.click()
    await (await reason(page, "派错了")).locator("button.first").click()
    await expect(panel.locator('.cand[data-department="property-works"]')).to_have_count(0)
    await expect(panel.locator(".choice .tag")).to_contain_text("没有把握")
    await expect(back).to_contain_text("派错了")
    assert dispatcher.wrong == []


async def rows(seat: Seat, selector: str) -> list[str]:
    return [
        str(await row.get_attribute("data-number"))
        for row in await seat.page.locator(f"{selector} tr[data-number]").all()
    ]


async def test_a_list_does_not_move_under_the_hand(office: Office, desk: Player) -> None:
    first = (await desk.call("有点事情想问问"))["number"]
    dispatcher = await office.seat("dispatcher")
    page = dispatcher.page
    line = page.locator(f'#waiting tr[data-number="{first}"] .open')
    await expect(line).to_be_visible()
    box = None
    while box is None:  # it may be drawn anew at this moment
        box = await line.bounding_box()
    await dispatcher.context.clock.install(time=MORNING)
    await dispatcher.context.clock.pause_at(MORNING + timedelta(seconds=1))
    second = (await desk.call("又有点别的事情"))["number"]
    told = page.locator("#n-waiting")
    for step in range(200):  # a hand on its way to what it saw; a quarter of a second on the page's clock each
        await page.mouse.move(box["x"] + 10 + step % 5, box["y"] + 8)
        await dispatcher.context.clock.run_for(250)
        if await told.inner_text() == "2":
            break
    await expect(told).to_have_text("2")  # it is looked at anew
    assert await rows(dispatcher, "#waiting") == [first]
    await page.mouse.click(box["x"] + 10, box["y"] + 8)
    await expect(page.locator("#panel h2")).to_contain_text("有点事情想问问")
    await dispatcher.context.clock.run_for(2000)  # the hand rests
    await expect(page.locator("#waiting tr[data-number]")).to_have_count(2)
    assert set(await rows(dispatcher, "#waiting")) == {first, second}

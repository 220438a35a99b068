"""A call in danger, and the telephone, as an operator has them on one page: what to say, ask and do while the words are
typed; who rings, who took it, and whom to call back."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from tests.conftest import Player, on_one_database
from tests.console.browsing import MORNING, PASSWORD, Seat, needs_browser
from tests.console.conftest import Office
from tests.console.reading_aloud import violations

pytestmark = [needs_browser, pytest.mark.timeout(240), on_one_database]
TOKEN = "a-token-the-exchange-has"
ROUTED = "document.dispatchEvent(new CustomEvent('routed', { detail: 'water' }))"
CRYING = "8栋2单元的电梯里头关到人了，里面有个娃儿在哭"
OVERFLOW = """() => [document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll(
  'section.danger *, #returns *, .rings *, #answers *, aside *, .go button')].filter((one) => one.offsetParent
  && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflow !== 'visible').map((one) => one.outerHTML.slice(0, 120))]"""


async def looked_at(seat: Seat, name: str) -> None:
    """Nothing is cut off, and a screen reader finds nothing wrong: three widths, both themes."""
    page = seat.page
    for look in ("light", "dark"):
        await page.emulate_media(color_scheme=look)
        for width in (390, 1440, 1920):
            await page.set_viewport_size({"width": width, "height": 900})
            wide, *cut = await page.evaluate(OVERFLOW)
            assert (wide <= 0, cut) == (True, []), (name, look, width)
            await seat.picture(f"call-{name}-{width}-{look}")
        assert await violations(page, other_theme=look == "dark") == []
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1400, "height": 900})


async def typed(page: Page, text: str) -> None:
    await page.locator("textarea[name=narrative]").fill(text)


async def test_a_danger_is_told_asked_and_recorded_while_the_caller_speaks(office: Office, desk: Player) -> None:
    operator = await office.seat("operator")
    page = operator.page
    panel = page.locator("#danger section.danger")
    await typed(page, CRYING)
    await expect(panel.locator("header")).to_contain_text("险情：电梯困人")
    assert "急病" not in await panel.inner_text()  # who cries in a lift is not ill
    await expect(panel.locator("header small")).to_contain_text("关到")
    await expect(panel.locator(".say")).to_contain_text("不要扒门")
    assert 2 <= await panel.locator(".questions input").count() <= 4
    await expect(page.locator("#ahead .goes")).to_contain_text("物业工程部")  # whatever the browser's clock says
    await expect(page.locator("#heard .red").first).to_have_text("电梯")
    await expect(panel.locator(".duty-now")).to_contain_text("值班")
    await panel.locator(".questions label").first.click()
    await page.locator("textarea[name=narrative]").focus()
    await page.keyboard.press("F9")
    await expect(panel.locator(".chip")).to_contain_text("已请对方拨打消防救援119")
    await looked_at(operator, "danger")
    # what was done is kept with the draft, and goes with the call
    await page.reload()
    await expect(panel.locator(".chip")).to_contain_text("119")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#taken")).to_be_visible()
    number = await page.locator("#number").inner_text()
    story = (await desk.get(f"/v1/tickets/{number}/timeline")).json()["items"]
    notes = [line["reason"] for line in story if line["action"] == "comment"]
    assert notes[0] == "已请对方拨打消防救援119" and notes[1].startswith("已问：里面几个人？")
    assert (await desk.see(number))["flags"] == ["danger:lift"]
    await expect(panel).to_have_count(0)
    # it is on the ticket's page too, with what was done
    await operator.open(f"/console/tickets/{number}")
    ticket = page.locator("#ticket section.danger")
    await expect(ticket.locator(".say")).to_contain_text("不要扒门")
    await page.keyboard.press("F9")
    await expect(page.locator(".story")).to_contain_text("已请对方拨打急救120")
    # no danger: a person says why, nobody is alarmed, and it is on the ticket
    await operator.open("/console/take")
    await typed(page, CRYING)
    await expect(page.locator("#danger-bar")).to_contain_text("8栋")  # which moves the page as it comes and goes
    await panel.locator("[data-key=deny]").hover()
    await page.mouse.down()
    await page.evaluate(ROUTED)  # what comes in below a press does not swallow it
    await page.wait_for_timeout(300)
    await page.mouse.up()
    await page.locator("dialog[open] [name=text]").fill("回拨核实：是电梯里的广告声")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#danger")).to_contain_text("经核实不是险情（电梯困人）：回拨核实")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#taken")).to_be_visible()
    found = await desk.see(await page.locator("#number").inner_text())
    assert (found["flags"], found["priority"], found["status"]) == ([], "urgent", "received")
    assert [line for line in operator.wrong if "Failed to load" not in line] == []


async def test_the_place_the_answers_and_several_matters_are_told_honestly(office: Office, desk: Player) -> None:
    office.clock.now = MORNING - timedelta(days=200)
    given = {"action": "answer", "answer": "楼道灯归物业工程部，已报修"}
    old = await desk.call("12栋楼道灯不亮", category="wx-light", at_once=given)
    office.clock.now = MORNING
    operator = await office.seat("operator")
    page = operator.page
    await typed(page, "99栋楼道灯不亮")
    answer = page.locator("#answers li")
    await expect(answer.locator(".source")).to_contain_text(f"出自 {old['number']}")
    await expect(answer.locator(".source")).to_contain_text("200 天前")
    await expect(answer).to_contain_text("请先核实再答")
    await expect(page.locator("#place")).to_contain_text("目录里没有99栋")
    await expect(page.locator("#advice .chip")).to_contain_text("照原话保存")
    await typed(page, "8栋楼道灯不亮")
    await expect(page.locator("#place")).to_have_text("")
    await typed(page, "8栋楼道灯不亮。还有垃圾三天没收了")
    await page.keyboard.press("Alt+s")
    lines = page.locator("dialog[open] [name=matters]")
    await expect(lines).to_have_value("8栋楼道灯不亮。\n还有垃圾三天没收了")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("textarea[name=narrative]")).to_have_value("8栋楼道灯不亮。")
    await expect(page.locator("#waiting li")).to_have_count(1)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#taken")).to_be_visible()
    assert [line for line in operator.wrong if "Failed to load" not in line] == []


async def test_a_telephone_that_rings_is_answered_into_the_form(office: Office, desk: Player) -> None:
    await create_gateway(
        office.services.gateways,
        NewGateway("cti", "cti", {"agents": {"101": "operator", "102": "colleague"}}, {"token": [TOKEN]}, sends=False, weight=50),
        "test", office.clock(),
    )  # fmt: skip
    first = await desk.call("8栋2单元电梯停在5楼不动", caller={"phone": "13800138000", "name": "刘婆婆"})

    async def exchange(event: str, call: str, **more: Any) -> None:
        office.clock.forward(seconds=2)
        body = {"event": event, "callId": call, "from": "8613800138000", "to": "24365", "direction": "in",
                "timestamp": office.clock().timestamp(), **more}  # fmt: skip
        reply = await desk.http.post(f"/v1/hooks/voice/cti?token={TOKEN}", json=body)
        assert reply.status_code == 200, reply.text

    colleague = NewPerson("colleague", "小陈", PASSWORD, Grant(frozenset({Role.OPERATOR})))
    await add_person(office.services, colleague, office.clock())
    operator, other = await office.seat("operator"), await office.seat("colleague")
    await expect(other.page.locator("textarea[name=narrative]")).to_be_enabled()
    # it rings at both
    await exchange("newCall", "c1", user=["101", "102"])
    for seat in (operator, other):
        await expect(seat.page.locator(".rings")).to_contain_text("来电振铃")
        await expect(seat.page.locator(".rings")).to_contain_text("未结 1 件")
    await looked_at(operator, "rings")
    # one answers: the other sees that it was taken
    await exchange("answer", "c1", user="101", answeringNumber="101")
    await expect(other.page.locator(".rings")).to_contain_text("同事已接听")
    await expect(operator.page.locator(".rings strong")).to_contain_text("来电")
    await operator.page.keyboard.press("Alt+a")
    await expect(operator.page.locator("[name=phone]")).to_have_value("+8613800138000")
    await expect(operator.page.locator("[name=caller_name]")).to_have_value("刘婆婆")
    await expect(operator.page.locator("#card")).to_contain_text(first["number"])
    await expect(operator.page.locator("dialog[open]")).to_have_count(0)
    await exchange("hangup", "c1", cause="normalClearing")
    # nobody answers the next one: it is to be called back, and the key does it
    await exchange("newCall", "c2", user=["101"], **{"from": "8613900139000"})
    await expect(operator.page.locator(".rings")).to_contain_text("13900139000")
    await exchange("hangup", "c2", cause="cancel", **{"from": "8613900139000"})
    await expect(operator.page.locator(".rings")).to_have_count(0)
    owed = operator.page.locator("#returns li")
    await expect(owed).to_contain_text("未接 1 次")
    await expect(owed.locator(".due")).to_contain_text("剩")
    assert await owed.locator("a").get_attribute("href") == "tel:+8613900139000"
    await operator.page.keyboard.press("Alt+r")
    await expect(operator.page.locator("[name=phone]")).to_have_value("+8613900139000")
    await owed.get_by_text("已接通").click()
    await expect(owed).to_have_text("暂无")
    (done,) = (await desk.get("/v1/return-calls?status=done")).json()["items"]
    assert done["outcome"] == "connected"
    assert datetime.fromisoformat(done["due_at"]) - datetime.fromisoformat(done["at"]) == timedelta(minutes=30)
    assert [line for line in operator.wrong if "Failed to load" not in line] == []

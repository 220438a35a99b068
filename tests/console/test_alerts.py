"""The bar of dangers on the pages of staff, in a real browser."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from tests.conftest import Cast, on_one_database
from tests.console.browsing import PASSWORD, Seat, needs_browser
from tests.console.conftest import Office
from tests.console.test_leavings import until

pytestmark = [needs_browser, pytest.mark.timeout(180), on_one_database]
PLACE = {"area": "rq-b3", "building": "3", "unit": "2", "address": "3栋2单元"}


async def trapped(desk: Any) -> dict[str, Any]:
    ticket = await desk.call("电梯困人了", category="dt-fault", priority="emergency", location=PLACE)
    return dict(ticket)


async def fits(seat: Seat) -> None:
    """Nothing of the bar is cut or makes the page scroll sideways."""
    found = await seat.page.evaluate(
        """() => [document.documentElement.scrollWidth - innerWidth,
        ...[...document.querySelectorAll('#danger-bar b, #danger-bar .btn, #duty .btn')].map((e) => e.scrollWidth - e.clientWidth - 1)]"""
    )
    assert max(found) <= 0, found


async def test_a_danger_stands_on_every_page_of_whoever_must_know_and_goes_when_it_is_signed_for(
    office: Office,
    cast: Cast,
) -> None:
    await add_person(
        office.services,
        NewPerson("water", "water", PASSWORD, Grant(frozenset({Role.HANDLER}), "water")),
        office.clock(),
    )
    desk, lifts = await cast("desk"), await cast("lifts")
    operator, works, supervisor, water = [
        await office.seat(login) for login in ("operator", "works", "supervisor", "water")
    ]
    await works.open("/console/tickets")
    await supervisor.open("/console/figures")
    await operator.page.fill("textarea[name=narrative]", "还在说")
    ticket = await trapped(desk)
    for seat in (operator, works, supervisor):
        bar = seat.page.locator("#danger-bar")
        await expect(bar).to_contain_text("3栋2单元")
        await expect(bar).to_contain_text("待签收")
        await expect(bar.get_by_role("link", name=ticket["number"])).to_be_visible()
        await until(seat.page, "document.title.startsWith('(1) 险情')")
        await fits(seat)
    await expect(operator.page.locator("textarea[name=narrative]")).to_have_value("还在说")
    await expect(water.page.locator("#danger-bar")).to_be_hidden()
    # the sound: blocked until a gesture, and told; then it rings until it was seen on this device, also after a reload
    await operator.page.locator("#danger-bar").get_by_role("button", name="知道了").wait_for()
    await operator.page.click("textarea[name=narrative]")
    await until(operator.page, "Number(document.body.dataset.rung) > 0")
    await operator.page.locator("#danger-bar").get_by_role("button", name="知道了").click()
    await until(operator.page, "!document.title.startsWith('(1)')")
    await expect(operator.page.locator("#danger-bar")).to_contain_text("3栋2单元")  # it waits still
    await operator.page.reload()
    await expect(operator.page.locator("#danger-bar")).to_contain_text("3栋2单元")
    await expect(operator.page.locator("#danger-bar").get_by_role("button", name="知道了")).to_have_count(0)
    # without a line it says of when it is
    await works.context.set_offline(True)
    await works.page.evaluate("dispatchEvent(new Event('offline'))")
    await expect(works.page.locator("#danger-bar")).to_contain_text("已断网")
    await works.context.set_offline(False)
    await works.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(works.page.locator("#danger-bar")).not_to_contain_text("已断网")
    # sizes and themes
    for width in (390, 1440, 1920):
        await supervisor.page.set_viewport_size({"width": width, "height": 900})
        await fits(supervisor)
        await supervisor.picture(f"alert-{width}")
    await operator.page.set_viewport_size({"width": 1440, "height": 900})
    await operator.page.keyboard.press("Escape")
    await operator.picture("alert-take")
    await operator.open("/console/theme/dark?back=/console/take")
    await expect(operator.page.locator("#danger-bar")).to_contain_text("3栋2单元")
    await operator.picture("alert-take-dark")
    # signed for by everybody
    for place, order in enumerate(ticket["assignments"]):
        who = (
            lifts
            if order["department"]["code"] == "property-works"
            else await cast(ACCEPTS[order["department"]["code"]])
        )
        ticket = await who.order(ticket, "accept", place=place)
    for seat in (operator, works, supervisor):
        await expect(seat.page.locator("#danger-bar")).to_be_hidden()
        await until(seat.page, "!document.title.includes('险情')")
        assert [said for said in seat.wrong if "ERR_INTERNET_DISCONNECTED" not in said] == []
        assert await seat.page.evaluate(
            "performance.getEntriesByType('resource').every((e) => e.name.startsWith(origin))"
        )
    # of many the last one is in sight, and the one that waits longest
    for building in ("5栋", "6栋", "7栋"):
        await desk.call(f"{building}1单元电梯关到人了", caller={"phone": f"139001390{building[0]}0"})
        office.clock.forward(seconds=20)
    rows = supervisor.page.locator("#danger-bar li[data-number]")
    await expect(supervisor.page.locator("#danger-bar")).to_contain_text("还有 1 起")
    await expect(rows).to_contain_text(["7栋", "5栋"])
    # the last one stays in sight when all were seen, every danger of it is named, and a limit to sign that has passed
    # is told of each, also of those that are not in sight
    await supervisor.page.get_by_role("button", name="全部知道了").click()
    await desk.call("6栋2单元厨房起火了，有个老人晕倒了喊不答应", caller={"phone": "13900139099"})
    await supervisor.page.locator("#danger-bar li", has_text="火情").get_by_role("button", name="知道了").click()
    await expect(rows).to_contain_text(["火情，急病", "5栋"])
    await supervisor.page.clock.set_system_time(datetime.now(UTC) + timedelta(minutes=8))
    await supervisor.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(rows).to_contain_text(["签收超时", "签收超时"])
    await expect(supervisor.page.locator("#danger-bar")).to_contain_text("还有 2 起，其中 2 起签收超时")


ACCEPTS = {"service-centre": "centre", "fire-watch": "firemen", "property": "property"}


async def test_who_is_on_duty_stands_in_the_bar_with_number_and_gaps(office: Office, cast: Cast) -> None:
    boss = await cast("boss")
    path = "/v1/directory/rosters/service-centre"
    item = (await boss.get(path)).json()
    item["members"] = [{**member, "phone": "6123"} for member in item["members"]]
    version = (await boss.get("/v1/directory/rosters")).headers.get("etag")
    assert (await boss.http.put(path, json=item, headers={"If-Match": version or ""})).status_code == 200
    gone = {"roster": "service-centre", "start": "2026-11-25T22:00:00", "end": "2026-11-26T06:00:00", "member": None,
            "reason": "培训"}  # fmt: skip
    assert (await boss.post("/v1/departments/service-centre/duty/overrides", gone)).status_code == 201
    await asyncio.sleep(0)
    seat = await office.seat("dispatcher")
    duty = seat.page.locator("#duty")
    await expect(duty).to_contain_text("值班长")
    await expect(duty).to_contain_text("6123")
    await expect(duty).to_contain_text("22:00 至 06:00 无人值班")
    await seat.page.keyboard.press("Escape")
    await seat.page.keyboard.press("g")
    await seat.page.keyboard.press("d")
    box = seat.page.get_by_role("group", name="当前值班")
    await expect(box).to_contain_text("物业工程部")
    await expect(box.locator("a[href='tel:6123']")).to_be_visible()
    await seat.picture("duty-dispatch")
    await seat.page.keyboard.press("Escape")
    await expect(box).to_be_hidden()
    for width in (390, 1920):
        await seat.page.set_viewport_size({"width": width, "height": 900})
        await fits(seat)
        await seat.picture(f"duty-{width}")
    for login, path in (("operator", "/console/take"), ("supervisor", "/console/wall")):
        other = await office.seat(login)
        await other.open(path)
        await expect(other.page.locator("#duty")).to_contain_text("6123")
    assert seat.wrong == []


async def test_a_turn_of_duty_that_begins_shows_what_waits_and_a_session_that_ends_is_said(
    office: Office, cast: Cast
) -> None:
    """Nobody presses anything and no event comes: the page reads again by itself, and keeps no session by it."""
    boss, desk = await cast("boss"), await cast("desk")
    path = "/v1/directory/rosters/service-centre"
    item = (await boss.get(path)).json()
    item["members"] = [*item["members"], {**item["members"][0], "code": "auditor", "name": "钟正"}]
    version = (await boss.get("/v1/directory/rosters")).headers.get("etag")
    assert (await boss.http.put(path, json=item, headers={"If-Match": version or ""})).status_code == 200
    turn = {"roster": "service-centre", "start": "2026-11-25T12:00:00", "end": "2026-11-25T20:00:00", "member": "auditor",
            "reason": "代班"}  # fmt: skip
    assert (await boss.post("/v1/departments/service-centre/duty/overrides", turn)).status_code == 201
    office.clock.now = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)  # 11:00 in Chengdu
    await trapped(desk)
    seat = await office.seat("auditor")
    await seat.page.clock.install()
    under_way: set[str] = set()
    seat.page.on("request", lambda request: under_way.add(request.url))
    for ended in ("requestfinished", "requestfailed"):
        seat.page.on(ended, lambda request: under_way.discard(request.url))
    streams = seat.page.expect_response(lambda reply: "/stream" in reply.url)  # never ends, and its beginning is a use
    async with streams, seat.page.expect_response("**/v1/alerts"):
        await seat.open("/console/oversight")
    bar = seat.page.locator("#danger-bar")
    await expect(bar).to_be_hidden()
    while [url for url in under_way if "/stream" not in url]:  # what the page asks for when it opens is a use
        await seat.page.wait_for_timeout(50)
    office.clock.forward(hours=1, minutes=1)
    await seat.page.clock.fast_forward(61_000)
    await expect(bar).to_contain_text("3栋2单元")
    office.clock.forward(hours=3, minutes=58)  # read each minute, used for the last time at eleven
    await office.services.last_use.write(office.services.db)
    await seat.page.clock.fast_forward(61_000)
    await expect(bar).to_have_text("登录已过期：重新登录后才会收到险情提醒")
    await until(seat.page, "document.title.startsWith('登录已过期')")
    await fits(seat)
    await seat.picture("alert-logged-out")
    again = seat.page.get_by_role("dialog", name="请重新登录")
    await again.locator("input[name=login]").fill("auditor")
    await again.locator("input[name=password]").fill(PASSWORD)
    await again.locator("button.first").click()
    await expect(bar).to_contain_text("3栋2单元")
    await until(seat.page, "!document.title.startsWith('登录已过期')")

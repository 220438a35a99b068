"""Calendars, rosters, webhooks and the log of deeds as an administrator sees and changes them, by pointer and by keys."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Locator, Page, expect

from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.outbox import send_due_messages
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from tests.conftest import Cast, Player, on_one_database
from tests.console.browsing import PASSWORD, Seat, keep_picture, needs_browser
from tests.console.conftest import Office
from tests.console.reading_aloud import violations

WIDE, PHONE, HUGE = (1440, 900), (390, 844), (1920, 1080)
SPILLS = """() => [...document.querySelectorAll("main *")].filter((one) => one.offsetParent && !one.closest(".scroll, .hidden, .plan, dialog")
  && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 90)).slice(0, 5)"""
CODE = re.compile("[0-9a-f]{8}-[0-9a-f]{4}|\\b[a-z]+[-_][a-z0-9_-]+\\b")


async def look(page: Page, name: str) -> None:
    """Both themes at three widths: nothing spills over, no serious finding of axe; pictures are kept."""
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for width, height in (WIDE, PHONE, HUGE):
            await page.set_viewport_size({"width": width, "height": height})
            await keep_picture(page, f"{name}-{width}-{theme}")
            assert await page.evaluate(SPILLS) == [], (name, width)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), (name, width)
        await page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        found = await violations(page, other_theme=theme == "dark")
        assert [bad for bad in found if bad[1] in ("serious", "critical")] == []
    await page.emulate_media(color_scheme="light")


@needs_browser
@on_one_database
async def test_a_year_is_changed_by_keys_and_a_notice_is_shown_before_it_counts(
    office: Office, desk: Player, cast: Cast, tmp_path: Path
) -> None:
    boss = await office.seat("boss")
    page = boss.page
    await boss.open("/console/admin#calendars/cn")
    before = (await desk.get("/v1/directory/calendars/cn")).json()
    await expect(page.locator(".month")).to_have_count(12)
    national = page.locator("[data-date='2026-10-01']")
    await expect(national).to_have_attribute("aria-label", re.compile("2026年10月1日.*放假.*国庆节"))
    await look(page, "admin-calendar")

    await page.locator("[data-date='2026-12-21']").click()  # a Monday: now a day off
    await expect(page.locator("[data-date='2026-12-21']")).to_have_class(re.compile("rest changed"))
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("w")  # the Sunday before is worked instead
    await page.locator(".about-day input:not([type=radio])").fill("冬至")
    await page.reload()  # what is not saved yet is there again
    sunday = page.locator("[data-date='2026-12-20']")
    await expect(sunday).to_have_attribute("aria-label", re.compile("调休上班.*冬至.*未保存"))
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.locator(".day.changed")).to_have_count(0)
    after = (await desk.get("/v1/directory/calendars/cn")).json()
    assert (after["days"]["2026-12-21"], after["days"]["2026-12-20"]) == (False, True)
    assert after["names"]["2026-12-20"] == "冬至" and len(after["days"]) == len(before["days"]) + 2

    short = tmp_path / "2026.json"
    day = {"name": "国庆节", "date": "2026-10-01", "isOffDay": True}
    short.write_text(json.dumps({"year": 2026, "days": [day]}))
    await page.locator("input[type=file]").set_input_files(short)
    preview = page.locator(".preview")
    await expect(preview).to_contain_text("请核对")
    assert await preview.locator(".gone li").count() > 30
    await expect(preview).to_contain_text("放假 → 常规")
    assert (await desk.get("/v1/directory/calendars/cn")).json() == after  # shown, and nothing written
    await look(page, "admin-calendar-import")
    await preview.get_by_role("button", name="不导入").click()
    next_year = tmp_path / "2027.csv"
    next_year.write_text("日期,名称,类型\n2027-01-01,元旦,休息\n", encoding="gb18030")
    await page.locator("input[type=file]").set_input_files(next_year)
    await preview.get_by_role("button", name="写入日历").click()
    await expect(page.locator("h3.year")).to_have_text("2027 年")
    written = (await desk.get("/v1/directory/calendars/cn")).json()
    assert written["days"]["2027-01-01"] is False and written["confirmed_to"] == "2027-12-31"

    await page.locator("[data-date='2027-03-02']").click()  # and a colleague makes the same day another one meanwhile
    path, colleague = "/v1/directory/calendars/cn", await cast("boss")
    version = (await colleague.get("/v1/directory/calendars")).headers["etag"]
    theirs = {**written, "days": {**written["days"], "2027-03-02": True}}
    assert (await colleague.http.put(path, json=theirs, headers={"If-Match": version})).status_code == 200
    await page.get_by_role("button", name="保存", exact=True).click()
    met = page.get_by_role("region", name="同事已修改以下日期")
    await expect(met).to_contain_text("2027年3月2日")
    await expect(met).to_contain_text("→ 调休上班 保留您的安排：放假")
    await expect(page.get_by_role("button", name="保存", exact=True)).to_be_hidden()
    await met.get_by_role("button", name="改用同事的安排").click()
    await expect(met).to_be_hidden()
    assert (await desk.get(path)).json()["days"]["2027-03-02"] is True
    assert [w for w in boss.wrong if "412" not in w] == []


@needs_browser
@on_one_database
async def test_a_roster_is_made_of_the_departments_people_by_keys_and_by_drag(office: Office, desk: Player) -> None:
    services = office.services
    roster = (await desk.get("/v1/directory/rosters")).json()["items"][0]
    chen = NewPerson(
        "chen.hao", "陈浩", "an evening by the lake", Grant(frozenset({Role.HANDLER}), roster["department"])
    )
    await add_person(services, chen, services.clock())
    boss = await office.seat("boss")
    page = boss.page
    await boss.open(f"/console/admin#rosters/{roster['code']}")
    cells = page.locator(".plan td[data-date]")
    await expect(cells.first).to_be_visible()
    await expect(page.locator(".gaps")).to_contain_text("每个时段都有人值班")
    await look(page, "admin-roster")

    await page.get_by_label("姓名或拼音").fill("chenh")  # nobody is typed twice: found by pinyin, and chosen
    await page.get_by_role("button", name="加入 陈浩").click()
    first = cells.first
    await page.locator(".members li", has_text="陈浩").drag_to(first)
    await expect(first).to_have_text("陈浩替班")
    rows = page.locator(".plan tbody tr")
    second_day = rows.nth(1).locator("td").first
    other = await second_day.inner_text()
    await first.focus()
    for key in (" ", "ArrowDown", " "):  # taken up, and put down on the day after: the two change places
        await page.keyboard.press(key)
    await expect(second_day).to_contain_text("陈浩")
    await expect(first).to_contain_text(other.split("\n")[0].removesuffix("替班"))
    await page.keyboard.press("Delete")
    await expect(page.locator(".gaps")).to_contain_text("有 1 处无人值班")
    await expect(second_day).to_have_text(re.compile("无人值班"))
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").locator("select").select_option(label="陈浩")
    await page.get_by_role("dialog").get_by_role("button", name="确定").click()
    await expect(page.locator(".gaps")).to_contain_text("每个时段都有人值班")
    await page.reload()  # not saved, and not lost
    await expect(rows.nth(1).locator("td").first).to_contain_text("陈浩")
    await page.get_by_role("button", name="往后").click()
    await page.click("#copy-week")
    await expect(rows.nth(1).locator("td").first).to_contain_text("陈浩")
    await page.get_by_role("button", name="按月").click()
    await expect(rows.nth(27)).to_be_visible()
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.get_by_role("button", name="保存", exact=True)).to_be_hidden()
    after = (await desk.get(f"/v1/directory/rosters/{roster['code']}")).json()
    assert [m["code"] for m in after["members"]] == [*(m["code"] for m in roster["members"]), "chen.hao"]
    assert after["shifts"] == roster["shifts"]
    covers = [o for o in after["overrides"] if o["member"] == "chen.hao"]
    assert len(covers) == 2 and covers[1]["start"][:10] > covers[0]["start"][:10]
    assert boss.wrong == []


@needs_browser
@on_one_database
async def test_two_who_plan_one_roster_at_once_lose_nothing_of_each_other(office: Office, desk: Player) -> None:
    services, code = office.services, "service-centre"
    await add_person(services, NewPerson("lin", "林", PASSWORD, Grant(frozenset({Role.ADMIN}))), services.clock())
    boss, lin = await office.seat("boss"), await office.seat("lin")
    people = {m["code"]: m["name"] for m in (await desk.get(f"/v1/directory/rosters/{code}")).json()["members"]}

    def cell(page: Page, row: int) -> Any:
        return page.locator(".plan tbody tr").nth(row).locator("td").first

    async def put(page: Page, row: int, name: str) -> None:
        await cell(page, row).click()
        await page.get_by_role("dialog").locator("select").select_option(label=name)
        await page.get_by_role("dialog").get_by_role("button", name="确定").click()
        await expect(cell(page, row)).to_contain_text(name)

    async def keep(page: Page) -> None:
        await page.get_by_role("button", name="保存", exact=True).click()

    for seat in (boss, lin):
        await seat.open(f"/console/admin#rosters/{code}")
        await expect(cell(seat.page, 0)).to_be_visible()
    usual = await cell(boss.page, 0).inner_text()
    others = [name for name in people.values() if name not in usual]
    await put(boss.page, 0, others[0])
    await put(lin.page, 0, "无人值班")
    await put(lin.page, 1, others[0])
    await keep(lin.page)
    await expect(lin.page.get_by_role("button", name="保存", exact=True)).to_be_hidden()

    await boss.page.reload()
    met = boss.page.get_by_role("region", name="同事已修改本值班表")
    await expect(met.locator("li")).to_have_count(2)
    await expect(met).to_contain_text(f"→ 无人值班 保留您的安排：{others[0]}")
    await expect(cell(boss.page, 1)).to_contain_text(others[0])
    await look(boss.page, "admin-roster-met")
    await boss.page.reload()  # looked at by nobody yet: it is asked for again
    await expect(boss.page.get_by_role("button", name="保存", exact=True)).to_be_hidden()
    await met.get_by_role("button", name="已核对").click()
    await keep(boss.page)
    await expect(boss.page.get_by_role("button", name="保存", exact=True)).to_be_hidden()

    async def planned() -> dict[int, str | None]:
        kept = (await desk.get(f"/v1/directory/rosters/{code}")).json()["overrides"]
        days = [await cell(lin.page, row).get_attribute("data-date") for row in range(3)]
        return {n: one["member"] for one in kept for n, day in enumerate(days) if one["start"][:10] == day}

    first = next(code for code, name in people.items() if name == others[0])
    assert await planned() == {0: first, 1: first}

    await put(lin.page, 2, others[-1])  # she still sees her own first day: the answer to saving shows what it is now
    await keep(lin.page)
    met = lin.page.get_by_role("region", name="同事已修改本值班表")
    await expect(met).to_contain_text(f"无人值班 → {others[0]}")
    await expect(cell(lin.page, 0)).to_contain_text(others[0])
    assert await planned() == {0: first, 1: first}
    await met.get_by_role("button", name="已核对").click()
    await keep(lin.page)
    await expect(lin.page.get_by_role("button", name="保存", exact=True)).to_be_hidden()
    last = next(code for code, name in people.items() if name == others[-1])
    assert await planned() == {0: first, 1: first, 2: last}

    await put(lin.page, 0, others[-1])  # and it is kept as an earlier release did: the plan alone
    await lin.page.evaluate(
        "Object.entries(sessionStorage).filter(([k]) => k.includes('roster.')).forEach(([k, v]) => sessionStorage.setItem(k, JSON.stringify(JSON.parse(v).roster)))"
    )
    await lin.page.reload()
    await expect(met).to_contain_text(f"→ {others[0]} 保留您的安排：{others[-1]}")
    await expect(cell(lin.page, 0)).to_contain_text(others[-1])
    assert [w for seat in (boss, lin) for w in seat.wrong if "412" not in w] == []


@needs_browser
@on_one_database
async def test_a_webhook_has_boxes_for_events_and_shows_what_a_test_came_to(office: Office) -> None:
    boss = await office.seat("boss")
    page, services = boss.page, office.services
    await boss.open("/console/admin#subscriptions")
    await page.click("#add")
    await page.get_by_label("名称 *", exact=True).fill("网格平台")
    await page.get_by_label("接收地址 *", exact=True).fill("https://grid.example.org/hook")
    await page.get_by_label("全部事件").uncheck()
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.locator("#view .error")).to_have_text("请至少选择一种事件。")
    await page.get_by_label("办结归档").check()
    await page.get_by_label("工单签收").check()
    await page.get_by_role("button", name="保存", exact=True).click()
    await page.get_by_role("button", name="复制").wait_for()  # the secret, once
    await page.get_by_role("dialog").get_by_text("关闭").click()
    await page.click("#test")
    line = page.locator("#deliveries tbody tr")
    await expect(line).to_contain_text("测试")
    ways = DeliveryChannels(
        hooks=httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=b"thank you")))
    )
    try:
        await send_due_messages(services, ways, services.clock())
    finally:
        await ways.close()
    await expect(line).to_contain_text("HTTP 200，9 字节")
    await expect(line).to_contain_text("已送达")
    await page.click("#test")
    await expect(line).to_have_count(2)
    ways = DeliveryChannels(hooks=httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503))))
    try:
        await send_due_messages(services, ways, services.clock())
    finally:
        await ways.close()
    await expect(line.first).to_contain_text("对方返回 HTTP 503")
    text = await page.locator("main").inner_text()
    assert not CODE.search(text.replace("grid.example.org", "")), CODE.search(text)
    await look(page, "admin-webhook")
    assert [w for w in boss.wrong if "422" not in w] == []


async def robots(seat: Seat) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await seat.page.evaluate(
        "fetch('/v1/robots').then(async (r) => (await r.json()).items)"
    )
    return found


@needs_browser
@on_one_database
async def test_the_robot_of_a_group_is_added_tested_limited_and_removed(office: Office) -> None:
    boss = await office.seat("boss")
    page, services = boss.page, office.services
    await boss.open("/console/admin#robots")
    await page.click("#add")
    await page.get_by_label("群名称 *").fill("物业值班群")
    await page.get_by_label("机器人类型").select_option(label="钉钉群机器人")
    await page.get_by_label("机器人地址").fill("dingtalk")
    await page.get_by_label("加签密钥").fill("SEC0123456789")
    await page.get_by_label("全部险情").uncheck()
    keep = page.get_by_role("button", name="保存", exact=True)
    await keep.click()
    await expect(page.locator("#view .error")).to_have_text("请至少选择一种险情。")
    await page.get_by_label("电梯困人").check()
    await keep.click()
    await expect(page.locator("#view .error")).to_contain_text("https://")
    await page.get_by_label("机器人地址").fill("https://oapi.dingtalk.com/robot/send?access_token=t1")
    await keep.click()
    line = page.locator("#deliveries tbody tr")
    await expect(line).to_have_text("暂无")
    assert [(one["title"], one["dangers"], one["signed"]) for one in await robots(boss)] == [
        ("物业值班群", ["lift"], True)
    ]
    await page.reload()
    await expect(page.get_by_label("机器人地址")).to_have_value("")  # neither is shown again
    assert "t1" not in await page.content() and "SEC0" not in await page.content()
    await page.click("#test")
    await expect(line).to_contain_text("测试")
    asked: list[str] = []

    def group(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"errcode": 310000, "errmsg": "sign not match"})

    ways = DeliveryChannels(hooks=httpx.AsyncClient(transport=httpx.MockTransport(group)))
    try:
        await send_due_messages(services, ways, services.clock())
    finally:
        await ways.close()
    await expect(line).to_contain_text("对方返回错误码 310000")
    assert len(asked) == 1 and "access_token=t1" in asked[0] and "sign=" in asked[0]
    await look(page, "admin-robot")
    await page.get_by_label("通知范围").select_option(label="物业工程部")
    await keep.click()  # the address that was left empty stays
    await expect(page.locator("#view .error")).to_be_empty()
    await page.get_by_label("群名称").fill("物业值班群二")  # half done: pausing saves nothing of it, and it stays
    await page.get_by_label("电梯困人").uncheck()
    await page.get_by_role("button", name="停用").click()
    await expect(page.locator("#test")).to_be_disabled()
    (now,) = await robots(boss)
    assert (now["active"], now["department"], now["signed"]) == (False, "property-works", True)
    assert (now["title"], now["dangers"]) == ("物业值班群", ["lift"])
    await expect(page.get_by_role("button", name="启用")).to_be_visible()
    await expect(page.get_by_label("群名称")).to_have_value("物业值班群二")
    await expect(page.get_by_label("电梯困人")).not_to_be_checked()
    text = await page.locator("main").inner_text()
    assert not CODE.search(text), CODE.search(text)
    await page.click("#back")
    item = page.locator("#items tbody tr")
    await expect(item).to_contain_text("物业值班群")
    await expect(item).to_contain_text("错误码 310000")
    await look(page, "admin-robots")
    await item.get_by_role("button").click()
    page.on("dialog", lambda question: question.accept())
    await page.get_by_role("button", name="删除机器人").click()
    await expect(page.locator("#counted")).to_contain_text("0")
    assert await robots(boss) == []
    assert [w for w in boss.wrong if "422" not in w] == []


@needs_browser
@on_one_database
async def test_the_lists_show_names_are_searched_and_fit_a_phone(office: Office, cast: Cast) -> None:
    key = {"name": "网格平台", "roles": ["operator"], "expires_at": "2028-03-01T00:00:00Z"}
    assert (await (await cast("boss")).post("/v1/keys", key)).status_code == 201
    boss = await office.seat("boss")
    page = boss.page
    await boss.open("/console/admin#departments")
    rows = page.locator("#items tbody tr:visible")
    await expect(rows.first).to_be_visible()
    await page.fill("#sought", "自来水")
    found = await rows.count()
    assert 0 < found < await page.locator("#items tbody tr").count()
    await page.fill("#sought", "")
    for noun in ("departments", "categories", "routes", "policies", "ladders", "keys", "incident_rules", "words"):
        await page.evaluate("(noun) => { location.hash = noun; }", noun)
        await expect(page.locator(f"#nouns [data-key='{noun}']")).to_have_attribute("aria-current", "true")
        await expect(page.locator("#counted")).not_to_be_empty()
        text = await page.locator("#items").inner_text()
        assert not CODE.search(text), (noun, CODE.search(text))
        assert noun != "keys" or "有效期至 2028年3月1日" in text  # not of this year
    await page.evaluate("location.hash = 'departments'")
    await look(page, "admin-list")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.select_option("#noun-choice", "people")
    await expect(page.locator("#noun")).to_have_text("人员")
    assert boss.wrong == []


@needs_browser
@on_one_database
async def test_limits_and_escalations_are_chosen_in_words(office: Office, cast: Cast) -> None:
    policies = {
        item["code"]: item for item in (await (await cast("boss")).get("/v1/directory/policies")).json()["items"]
    }
    boss = await office.seat("boss")
    page, box = boss.page, boss.page.locator("dialog[open]")
    await boss.open("/console/admin#policies")
    await page.locator("#items tbody tr:visible button").first.click()
    accept = box.locator("fieldset.span", has=page.locator("legend", has_text="签收"))
    await accept.locator("input").fill("3")
    await accept.locator("select").select_option(label="工作小时")
    assert not CODE.search(await box.inner_text())
    await look(page, "admin-limits")
    kept = await saved(page, "/v1/directory/policies/", box)
    assert kept == {**policies[kept["code"]], "accept": "3 working_hours"}

    await page.evaluate("location.hash = 'ladders'")
    await page.locator("#items tbody tr:visible button").first.click()
    steps = box.locator("fieldset.item")
    await expect(steps.first).to_be_visible()
    before = await steps.count()
    await box.get_by_role("button", name="增加预警步骤").click()
    await expect(steps).to_have_count(before + 1)
    await steps.last.locator("fieldset.span input").fill("2")
    await steps.last.locator("fieldset.span select").select_option(label="工作日")
    for who in ("督办员", "监督委员会"):
        await steps.last.get_by_label(who).check()
    await steps.last.locator("select").last.select_option(label="红色")
    assert not CODE.search(await box.inner_text())
    kept = await saved(page, "/v1/directory/ladders/", box)
    assert kept["steps"] == ["50% handler blue", "100% head yellow", "+2 working_days supervisor+committee red"]
    assert boss.wrong == []


async def saved(page: Page, path: str, box: Locator) -> dict[str, Any]:
    """What the open form sends, once it was taken."""
    async with page.expect_request(lambda sent: sent.method == "PUT" and path in sent.url) as sent:
        await box.locator("button.first").click()
    reply = await (await sent.value).response()
    assert reply is not None and reply.ok, await reply.text() if reply else "no answer"
    await expect(box).to_have_count(0)
    return dict((await sent.value).post_data_json)


@needs_browser
@on_one_database
async def test_deeds_are_asked_for_by_name_kind_and_period(
    office: Office, lift_ticket: dict[str, Any], desk: Player
) -> None:
    services = office.services
    await desk.act(await desk.see(lift_ticket), "urge", reason="催一下")
    committee = await office.seat("auditor")
    page = committee.page
    rows = page.locator("#audit tbody tr")
    await expect(rows.first).to_contain_text("催办")
    await expect(rows.first.locator("a")).to_have_attribute("href", f"/console/tickets/{lift_ticket['number']}")
    who = page.locator("#who")
    await page.get_by_label("按姓名或拼音查找人员").fill("desk")
    await who.locator(".go > button:not([type])").click()
    await expect(rows.first).to_contain_text("desk")
    await who.get_by_label("操作者类型").select_option("rules")
    await expect(rows.first).not_to_contain_text("desk")
    await who.get_by_role("button", name="清除筛选").click()
    await who.get_by_label("动作").select_option("urge")
    await expect(rows).to_have_count(1)
    await who.get_by_role("button", name="今天").click()
    await expect(rows).to_have_count(1)
    await who.locator("[name=last]").fill("2020-01-01")
    await expect(rows).to_have_text("暂无")
    await who.get_by_role("button", name="清除筛选").click()
    text = await page.locator("#directory").inner_text()
    assert "热线" in text or "承办单位" in text or not CODE.search(text)
    await look(page, "oversight")
    assert committee.wrong == [] and services

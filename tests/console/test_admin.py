"""The organisation changed in forms: nothing lost, and what is wrong told beside its field."""

import asyncio
from typing import Any

from playwright.async_api import Route, expect

from hotline.organisation.model.actors import GRANTABLE_ROLES, Role
from hotline.organisation.model.directory import SEED_ORDER_NOUNS
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.tickets.departures import release_departed
from tests.conftest import Player
from tests.console.browsing import needs_browser
from tests.console.conftest import Office

# every item through its form and back, in the browser's own hands: what differs
ROUND = """async (nouns) => {
  const at = document.body.dataset.static;
  const { formOf } = await import(`${at}/items.js`);
  const { directory } = await import(`${at}/core.js`);
  const sorted = (value) => JSON.stringify(value, (key, held) => held && typeof held === "object" && !Array.isArray(held)
    ? Object.fromEntries(Object.entries(held).sort(([a], [b]) => (a < b ? -1 : 1))) : held);
  const different = [];
  let items = 0;
  for (const noun of nouns) {
    const schema = await (await fetch(`/v1/directory-shapes/${noun}`)).json();
    for (const item of await directory(noun)) {
      const form = formOf(schema, item, ["code"]);
      await new Promise((go) => setTimeout(go, 0)); // the names of what can be chosen come in
      items += 1;
      if (sorted(form.read()) !== sorted(item)) different.push(`${noun} ${item.code}: ${sorted(form.read())} instead of ${sorted(item)}`);
    }
  }
  return [items, different];
}"""


@needs_browser
async def test_no_form_loses_or_changes_what_it_was_filled_with(office: Office) -> None:
    boss = await office.seat("boss")
    await boss.open("/console/admin")
    items, different = await boss.page.evaluate(ROUND, list(SEED_ORDER_NOUNS))
    assert different == []
    assert items > 200, items
    assert boss.wrong == []


@needs_browser
async def test_the_boss_writes_a_route_and_is_told_beside_the_field_what_is_wrong(office: Office, desk: Player) -> None:
    boss = await office.seat("boss")
    page = boss.page
    await boss.open("/console/admin#routes")
    await page.click("#add")
    form = page.locator("dialog")
    await form.get_by_label("编码 *", exact=True).fill("night-gas")
    await form.get_by_label("类别", exact=True).select_option("sdq-gas")
    await form.get_by_label("工作时间", exact=True).select_option("duty")
    await form.get_by_text("保存").click()  # nobody leads it yet
    lead = form.get_by_label("主办单位 *", exact=True)
    await lead.and_(page.locator("[aria-invalid=true]")).wait_for()
    await expect(form.locator(".error", has_text="必填")).to_have_count(1)  # in the reader's language
    await boss.picture("admin-form")
    assert "night-gas" not in await codes(desk, "routes")
    await lead.select_option("gas")
    await form.locator("fieldset", has_text="协办单位").locator("input").first.check()
    await form.get_by_text("保存").click()
    await form.wait_for(state="detached")
    route = (await desk.get("/v1/directory/routes/night-gas")).json()
    assert (route["lead"], route["category"], route["hours"], len(route["assists"])) == ("gas", "sdq-gas", "duty", 1)
    assert [line for line in boss.wrong if "422" not in line] == []


@needs_browser
async def test_somebody_new_gets_an_account_and_may_log_in(office: Office, desk: Player) -> None:
    boss = await office.seat("boss")
    page, form = boss.page, boss.page.locator("dialog")
    await boss.open("/console/admin")
    await page.get_by_role("button", name="人员", exact=True).click()
    await page.click("#add")
    await form.get_by_label("账号 *", exact=True).fill("chen.hao")
    await form.get_by_label("名称 *", exact=True).fill("陈浩")
    await form.get_by_label("密码 *", exact=True).fill("short")
    await form.locator("fieldset", has_text="角色").get_by_label("承办人").check()
    await form.get_by_label("承办单位", exact=True).select_option("lifts")
    await form.get_by_text("保存").click()
    await form.get_by_label("密码 *", exact=True).and_(page.locator("[aria-invalid=true]")).wait_for()
    await form.get_by_label("密码 *", exact=True).fill("an evening by the lake")
    await form.get_by_text("保存").click()
    await form.wait_for(state="detached")
    reply = await desk.http.post("/v1/token", json={"login": "chen.hao", "password": "an evening by the lake"})
    assert reply.status_code == 200, reply.text


@needs_browser
async def test_people_keys_and_subscriptions_have_forms_of_what_the_api_takes(office: Office, desk: Player) -> None:
    boss = await office.seat("boss")
    page, form = boss.page, boss.page.locator("dialog")
    await boss.open("/console/admin#people")
    row = page.locator("#items tbody tr").filter(has_text="管理员").first
    await row.get_by_role("button").click()
    await form.get_by_label("名称", exact=True).fill("周敏")  # the password stays empty: it is not changed
    await form.get_by_text("保存").click()
    await form.wait_for(state="detached")
    await expect(page.locator("#items tbody tr", has_text="周敏")).to_contain_text("管理员")

    await boss.open("/console/admin#keys")
    await page.click("#add")
    roles = form.locator("fieldset", has_text="角色").get_by_role("checkbox")
    await expect(roles).to_have_count(len(GRANTABLE_ROLES))  # the clock's role is not for a key
    await form.get_by_label("名称 *", exact=True).fill("grid")
    await roles.last.check()
    await form.get_by_text("保存").click()
    await form.get_by_role("button", name="复制").wait_for()
    await form.get_by_text("关闭").click()
    assert boss.wrong == []


@needs_browser
async def test_a_list_that_comes_late_does_not_stand_under_another_name(office: Office) -> None:
    """Its rows would open the form of what was asked for last."""
    boss = await office.seat("boss")
    page, late = boss.page, asyncio.Event()

    async def held_back(route: Route) -> None:
        await late.wait()
        await route.continue_()

    await boss.open("/console/admin#areas")
    await page.locator("#items tbody tr", has_text="瑞泉").first.wait_for()
    await page.route("**/v1/directory/routes", held_back)
    await page.evaluate("location.hash = 'routes'")
    await page.evaluate("location.hash = 'subscriptions'")
    await expect(page.locator("#noun")).to_have_text("订阅")
    async with page.expect_response("**/v1/directory/routes"):
        late.set()
    await page.evaluate("() => new Promise((done) => setTimeout(done))")  # what the reply starts has run
    await expect(page.locator("#items tbody tr")).to_have_count(0)
    assert boss.wrong == []


@needs_browser
async def test_a_form_turns_into_json_and_back(office: Office) -> None:
    boss = await office.seat("boss")
    page = boss.page
    await boss.open("/console/admin#areas")
    await page.locator("#items tbody tr").first.get_by_role("button").click()
    form = page.locator("dialog")
    await form.get_by_label("英文名称 *", exact=True).fill("Spring Court")
    await form.get_by_text("以 JSON 修改").click()
    text = form.locator("textarea")
    assert '"name_en": "Spring Court"' in await text.input_value()
    await text.fill((await text.input_value()).replace("Spring Court", "Spring Yard"))
    await form.get_by_text("以表单修改").click()
    assert await form.get_by_label("英文名称 *", exact=True).input_value() == "Spring Yard"


@needs_browser
async def test_what_is_added_takes_the_place_of_nothing(office: Office, desk: Player) -> None:
    boss = await office.seat("boss")
    page = boss.page
    await boss.open("/console/admin#departments")
    was = (await desk.get("/v1/directory/departments/water")).json()
    await page.click("#add")
    form = page.locator("dialog")
    await form.get_by_text("保存").click()
    code = form.get_by_label("编码 *", exact=True)
    await code.and_(page.locator("[aria-invalid=true]")).wait_for()
    await expect(form.locator(".field .error", has_text="必填")).to_have_count(1)
    await code.fill("water")
    await form.get_by_label("名称 *", exact=True).fill("另一个部门")
    await form.get_by_text("保存").click()
    await expect(form.locator(".field .error", has_text="已被占用")).to_have_count(1)
    assert (await desk.get("/v1/directory/departments/water")).json() == was


@needs_browser
async def test_an_error_stands_beside_its_line_though_another_line_went(office: Office) -> None:
    boss = await office.seat("boss")
    page = boss.page
    await boss.open("/console/admin#categories")
    await page.locator("#items tbody tr").first.get_by_role("button").click()
    form = page.locator("dialog")
    asked = form.get_by_role("group", name="附加问项", exact=True)
    for code in ("first", "UPPER"):
        await asked.get_by_role("button", name="增加附加问项").click()
        await asked.locator("fieldset.item").last.get_by_label("编码 *", exact=True).fill(code)
        await asked.locator("fieldset.item").last.get_by_label("问题 *", exact=True).fill("哪一户？")
    await asked.get_by_role("button", name="移除: 附加问项 1").click()
    await form.get_by_text("保存").click()
    wrong = asked.get_by_label("编码 *", exact=True).and_(page.locator("[aria-invalid=true]"))
    await wrong.wait_for()
    assert await wrong.input_value() == "UPPER"


@needs_browser
async def test_what_no_form_can_hold_is_not_dropped_in_silence(office: Office) -> None:
    boss = await office.seat("boss")
    page = boss.page
    await boss.open("/console/admin#calendars")
    await page.locator("#items tbody tr").first.get_by_role("button").last.click()
    form = page.locator("dialog")
    days = form.get_by_role("group", name="本单位特别安排", exact=True)
    for hours in ("09:00-12:00", "13:00-15:00"):
        await days.get_by_role("button", name="增加本单位特别安排").click()
        await days.get_by_label("日期或星期").last.fill("2026-12-30")
        await days.get_by_label("本单位特别安排").last.fill(hours)
    await form.get_by_text("保存").click()
    await expect(form.locator("p.error")).to_contain_text("出现两次")
    await days.get_by_role("button", name="移除").last.click()
    await form.get_by_text("以 JSON 修改").click()
    text = form.locator("textarea")
    await text.fill((await text.input_value()).replace('"zone"', '"zoen": "Asia/Shanghai", "zone"'))
    await form.get_by_text("以表单修改").click()
    await expect(form.locator("p.error")).to_contain_text("zoen")
    await form.get_by_text("保存").click()
    await expect(form.locator("p.error")).to_contain_text("没有此字段")  # the API is asked what was written


async def codes(desk: Player, noun: str) -> list[Any]:
    return [item["code"] for item in (await desk.get(f"/v1/directory/{noun}")).json()["items"]]


@needs_browser
async def test_who_closes_an_account_is_told_what_goes_back_and_the_history_says_why(
    office: Office, desk: Player, lift_ticket: dict[str, Any]
) -> None:
    boss = await office.seat("boss")
    services, sam = office.services, {"login": "sam", "password": "an evening by the lake"}
    grant = Grant(frozenset({Role.HANDLER}), "property-works")
    await add_person(services, NewPerson(sam["login"], "沈师傅", sam["password"], grant), services.clock())
    token = (await desk.http.post("/v1/token", json=sam)).json()["token"]
    order = lift_ticket["assignments"][0]["id"]
    accepted = await desk.http.post(
        f"/v1/tickets/{lift_ticket['number']}/assignments/{order}/actions/accept",
        json={},
        headers={"authorization": f"Bearer {token}", "if-match": f'"{lift_ticket["version"]}"'},
    )
    assert accepted.status_code == 200, accepted.text
    page, form = boss.page, boss.page.locator("dialog")
    await boss.open("/console/admin#people")
    await page.locator("#items tbody tr", has_text="沈师傅").get_by_role("button").click()
    await form.get_by_label("使用中").uncheck()
    await form.get_by_text("保存").click()
    await expect(page.get_by_text("退回在办工单 1 件")).to_be_visible()
    assert await release_departed(services, services.clock()) == 1
    seat = await office.seat("dispatcher")
    await seat.open(f"/console/tickets/{lift_ticket['number']}")
    await expect(seat.page.locator(".story")).to_contain_text("账号已停用：沈师傅")
    assert boss.wrong == seat.wrong == []

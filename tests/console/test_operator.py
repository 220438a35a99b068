"""An operator's page by keyboard alone: what will happen is seen before it does, and ten seconds take it back."""

import statistics
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.conftest import Player, on_one_database
from tests.console.browsing import needs_browser
from tests.console.conftest import Office
from tests.sizes import sized

pytestmark = [needs_browser, pytest.mark.timeout(240), on_one_database]


async def _ready(page: Page) -> None:
    await expect(page.locator("textarea[name=narrative]")).to_be_enabled()
    await expect(page.locator("textarea[name=narrative]")).to_have_value("")


async def test_a_step_is_taken_back_from_the_bar(office: Office, desk: Player) -> None:
    first = await desk.call("5栋3单元门口路灯不亮", caller={"phone": "13800138000"})
    operator = await office.seat("operator")
    page = operator.page
    await operator.context.clock.install()
    # what will happen stands beside the words, in words
    narrative = page.locator("textarea[name=narrative]")
    await page.fill("input[name=phone]", "13700137000")
    await page.fill("input[name=building]", "3")
    await narrative.focus()
    await page.keyboard.insert_text("3栋2单元电梯坏了，不动了")
    await expect(page.locator("#ahead .goes")).to_contain_text("物业")
    assert "%" not in await page.locator("#advice").inner_text()
    await expect(page.locator("#advice .sure")).to_contain_text("把握")
    await operator.picture("take-ahead")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#undo-step")).to_be_visible()
    number = await page.locator("#number").inner_text()
    assert (await desk.see(number))["status"] == "dispatched"
    # in an empty text the letter is typed; beside it, it takes the step back: the hint says which
    hint = page.locator("#undo kbd:visible")
    await expect(hint).to_have_text("Alt Z")
    await expect(page.locator("#bar-search kbd")).to_be_hidden()  # "/" would be text
    await page.locator("#main").focus()
    await expect(hint).to_have_text("Z")
    await page.locator("textarea[name=narrative]").focus()
    await page.keyboard.press("Alt+z")
    await expect(page.locator("#said")).to_contain_text("已撤回")
    await expect(page.locator("#undo")).to_be_empty()
    # the call is in the form again, as it was; its ticket has ended, and nobody need send it
    await expect(narrative).to_have_value("3栋2单元电梯坏了，不动了")
    await expect(page.locator("input[name=phone]")).to_have_value("13700137000")
    await expect(page.locator("input[name=building]")).to_have_value("3")
    await expect(page.locator("#draft")).to_contain_text(number)
    await expect(page.locator("#taken")).to_be_hidden()
    await expect(page.locator("#undo")).to_be_empty()
    taken_back = await desk.see(number)
    assert taken_back["status"] == "void"
    assert all(order["status"] == "recalled" for order in taken_back["assignments"])
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#number")).to_be_visible()
    again = await desk.see(await page.locator("#number").inner_text())
    assert again["number"] != number and again["status"] == "dispatched"
    await page.locator("#main").focus()
    await operator.context.clock.run_for(16_000)  # sent for good: no draft of it is left
    await page.reload()
    await _ready(page)
    await expect(page.locator("#waiting section")).to_have_count(0)
    # a danger is not taken back into a form: the desk dispatches it anew, and is told why it waits
    await narrative.focus()
    await page.keyboard.insert_text("7栋1单元电梯里关到人了，老人心脏病")
    await expect(page.locator("#danger .danger")).to_be_visible()
    await expect(page.locator("#answers")).to_contain_text("先处置")
    await expect(page.locator("#answers button")).to_have_count(0)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#undo-step")).to_be_visible()
    number = await page.locator("#number").inner_text()
    await page.keyboard.press("Alt+z")
    await expect(page.locator("#not-sent")).to_contain_text("派单已撤回")
    await expect(page.locator("#lead")).to_have_count(0)
    await expect(narrative).to_have_value("")
    assert (await desk.see(number))["status"] == "triaged"
    dispatcher = await office.seat("dispatcher")
    await dispatcher.open("/console/dispatch")
    await dispatcher.page.locator(f'[data-key="{number}"]').click()
    await expect(dispatcher.page.locator("[data-taken-back]")).to_contain_text("派单已撤回")
    # a call that joined the wrong ticket gets its own
    await page.keyboard.insert_text("7栋楼下有人乱扔垃圾")
    await page.evaluate("(number) => { document.querySelector('[name=attach]').value = number; }", first["number"])
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#undo-step")).to_be_visible()
    assert (await desk.see(first["number"]))["counters"]["calls"] == 2
    await page.locator("#main").focus()
    await page.keyboard.press("z")
    await expect(page.locator("#said")).to_contain_text("已另立工单")
    assert (await desk.see(first["number"]))["counters"]["calls"] == 1
    await expect(page.locator("#number")).not_to_have_text(first["number"])
    own = await desk.see(await page.locator("#number").inner_text())
    told = (await desk.get(f"/v1/tickets/{own['number']}/query-code")).json()["query_code"]
    await expect(page.locator("#code")).to_have_text(told)
    await expect(page.locator("#where")).to_contain_text("7栋")
    # it goes after ten seconds, and is seen on the next page until then
    await page.locator("textarea[name=narrative]").focus()
    await page.keyboard.insert_text("楼道灯不亮")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#undo-step")).to_be_visible()
    before = await page.locator("#number").inner_text()
    await page.keyboard.insert_text("9栋2单元电梯坏了")  # the next call has begun: what is undone does not come over it
    await page.keyboard.press("Alt+z")
    await expect(page.locator("#said")).to_contain_text(before)
    await expect(page.locator("#undo")).to_be_empty()
    await expect(page.locator("#taken")).to_be_hidden()
    await expect(page.locator("#waiting")).to_contain_text("楼道灯不亮")  # it waits beside the next one
    await expect(narrative).to_have_value("9栋2单元电梯坏了")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#undo-step")).to_be_visible()
    third = await page.locator("#number").inner_text()
    await operator.open(f"/console/tickets/{third}")
    await expect(page.locator("#undo-step")).to_be_visible()
    await expect(page.locator("[data-action=undo]")).to_have_count(0)
    await operator.context.clock.run_for(11_000)
    await expect(page.locator("#undo-step")).to_have_count(0)
    # what is amended is filled in, and only what was changed is sent
    await page.locator(".menu-more summary").click()
    await page.locator('header [data-action="amend"]').click()
    box = page.locator("dialog[open]")
    await expect(box.locator("[name=narrative]")).to_have_value("9栋2单元电梯坏了")
    await box.locator("[name=phone]").fill("13900139001")
    await box.locator("[name=reason]").fill("号码记错了")
    sent: list[Any] = []
    page.on("request", lambda r: sent.append(r.post_data_json) if r.url.endswith("/actions/amend") else None)
    await page.keyboard.press("Control+Enter")
    await expect(box).to_have_count(0)
    assert sent == [{"phone": "13900139001", "reason": "号码记错了"}]
    assert (await desk.see(third))["caller"]["phone"] == "+8613900139001"
    assert (await desk.post("/v1/search", {"q": "13900139001"})).json()["items"][0]["number"] == third
    assert [line for line in operator.wrong if "Failed to load" not in line] == []


@dataclass(frozen=True)
class Script:
    """A call as it is said, and what it is about by the duty list, written down by hand."""

    place: str
    words: str
    category: str


SCRIPTS = [
    Script(*line.split("|"))
    for line in """\
8-2|电梯坏了，停在五楼不动了|dt-fault
5-1|电梯里头关到人了，娃儿在哭|dt-trapped
12-1|楼下有人打麻将，都半夜了还吵|zy-noise
3-2-502|楼上漏水把我天花板泡了，邻居不认账|zy-leak
7-3|水管爆了，楼梯上全是水|sdq-burst
9-1|停水了，早饭都煮不成|sdq-water
15-2|单元门禁刷卡刷不开，老人上不了楼|wx-gate
11-1|楼道灯不亮，黑黢黢的|wx-light
18-1|楼顶漏雨漏到我屋头，几次了没人管|wx-roof
21-2|电瓶车上楼充电，拉了根飞线|dt-charge
4-1|消防通道遭停满了车，消防车都进不来|dt-exit
16-1|物业保安态度恶劣，骂我妈|wy-service
13-2|楼上装修电钻从早打到晚，午觉都睡不成|zy-works
19-1|狗叫一晚上，遛狗也不牵绳|zy-dogs
24-2|停电了，一屋都黑的|sdq-power
14-1|单元门对讲坏了，外卖上不来|wx-gate
10-1|下水道堵了，污水冒出来了|hj-sewer
6-1|垃圾三天没收了，臭得很|hj-rubbish
2-1|广场舞声音太大，天天跳到十点|zy-dance
1-1|楼道里堆了好多杂物，走不过去|hj-corridor
17-1|树枝伸到窗子上了，遮光|lh-branches
20-1|树子倒了，把路挡了|lh-fallen
22-1|闻到煤气味道，臭得很|sdq-gasleak
23-1|有人乱停车，把单元门口堵到了|tc-illegal
25-1|道闸坏了，车出不去|tc-barrier
26-1|老鼠多得很，楼道里到处跑|hj-pests
27-1|健身器材坏了，单杠要断了|wx-gym
28-1|路面塌了一个坑，怕老人踩进去|wx-road
8-1|有人从楼上甩东西下来|za-falling
3-1|充电桩充不进去电|tc-charger""".splitlines()
]
# seconds, after the keystroke-level model: a trained clerk types 80 characters a minute by pinyin
CHARACTER, KEY, TURN, READ, REPLY = 60 / 80, 0.28, 1.35, 2.5, 1.0


async def _settled(page: Page, script: Script) -> str:
    """What the page says will happen, once it speaks of what was typed."""
    for _ in range(3000):
        said = await page.locator("#ahead").get_attribute("data-of") or ""
        if (
            said.startswith(f"{script.words}|")
            and script.place.split("-")[0] in said.split("|")[1] + said.split("|")[-1]
        ):
            return await page.locator("#ahead").inner_text()
    raise AssertionError(f"nothing is said of {script.words}: {said}")


async def _call(page: Page, n: int, script: Script, department: str, names: list[str]) -> float:
    """Type one call with the keyboard; the seconds that a clerk would need."""
    phone, seconds = f"1388001{n:04d}", 0.0

    async def typed(keys: str, text: str, each: float) -> None:
        nonlocal seconds
        await page.keyboard.press(keys)
        await page.keyboard.insert_text(text)
        seconds += TURN + 2 * KEY + each * len(text)

    await typed("Alt+t", phone, KEY)
    await typed("Alt+n", script.words, CHARACTER)
    await typed("Alt+p", script.place, KEY)
    await page.keyboard.press("Tab")
    seconds += KEY + REPLY + READ
    said = await _settled(page, script)
    if department not in said:  # seen before it is sent, and put right by its category
        await page.keyboard.press("Alt+d")
        place = names.index(script.category) + 1
        await page.keyboard.press("Home")
        for _ in range(place):
            await page.keyboard.press("ArrowDown")
        seconds += TURN + 2 * KEY + 4 * KEY + REPLY + READ  # by the first letters of its name
        await expect(page.locator("#ahead")).to_contain_text(department)
    await page.keyboard.press("Control+Enter")
    seconds += TURN + 2 * KEY + REPLY
    return seconds


async def test_thirty_calls_are_taken_by_keyboard_alone(office: Office, desk: Player) -> None:
    operator = await office.seat("operator")
    page = operator.page
    named = {d["code"]: d["name"] for d in (await desk.get("/v1/directory/departments?limit=500")).json()["items"]}
    await expect(page.locator("select[name=category] option")).not_to_have_count(1)
    names = await page.locator("select[name=category] option").evaluate_all("(all) => all.map((one) => one.value)")
    names = [name for name in names if name]
    needed, wrong, numbers = [], [], []
    scripts = SCRIPTS[:: sized(3, 1)]
    for n, script in enumerate(scripts):
        asked = {"category": script.category}
        lead = (await desk.post("/v1/explain/routing", asked)).json()["result"]["lead"]
        await _ready(page)
        needed.append(await _call(page, n, script, named[lead], names))
        await expect(page.locator("#number")).not_to_have_text(numbers[-1] if numbers else "-")
        await _ready(page)
        numbers.append(await page.locator("#number").inner_text())
        ticket = await desk.see(numbers[-1])
        assert ticket["narrative"].startswith(script.words)
        assert ticket["location"]["building"] or ticket["area"]["code"].startswith("rq-b"), ticket["location"]
        if (ticket["department"] or {"code": lead})["code"] != lead:
            wrong.append((script.words, ticket["department"]["code"], lead))
    middle = statistics.median(needed)
    print(f"{len(scripts)} calls by keyboard: median {middle:.1f} s, longest {max(needed):.1f} s")
    assert wrong == []
    assert len(set(numbers)) == len(scripts) == sized(10, 30)  # none lost, none merged
    assert middle <= 45, needed
    assert [line for line in operator.wrong if "Failed to load" not in line] == []


async def test_a_door_typed_last_counts_and_nothing_of_a_call_stays_beside_the_next(
    office: Office, desk: Player
) -> None:
    operator = await office.seat("operator")
    page = operator.page
    await operator.context.clock.install()
    await page.keyboard.insert_text("3栋2单元电梯坏了，不动了")  # and it was another building
    await expect(page.locator("#ahead .goes")).to_be_visible()
    await page.keyboard.press("Alt+p")
    await page.keyboard.type("12-1-3")
    await page.keyboard.press("Control+Enter")  # from within the field
    await expect(page.locator("#taken")).to_be_visible()
    location = (await desk.see(await page.locator("#number").inner_text()))["location"]
    assert (location["building"], location["unit"], location["floor"]) == ("12", "1", "3")
    await expect(page.locator("#ahead .goes")).to_have_count(0)
    await page.click("#show-keys")
    shown = await page.locator("dialog .keys").inner_text()
    assert "[object" not in shown and "Alt P" in shown
    assert operator.wrong == []

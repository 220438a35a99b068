"""One's own account in a real browser: the first password, the other log-ins, the language."""

from base64 import b64encode

from playwright.async_api import expect

from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from tests.conftest import on_one_database
from tests.console.browsing import PASSWORD, Seat, needs_browser
from tests.console.conftest import Office
from tests.console.test_leavings import until

OWN, NEXT = "seven grey herons wade", "nine tall poplars sway"


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


async def replace_password(seat: Seat, old: str, new: str, again: str | None = None) -> None:
    for name, value in (("old_password", old), ("new_password", new), ("again", again or new)):
        await seat.page.fill(f"#password input[name={name}]", value)
    await seat.page.click("#password button.first")


async def is_out(seat: Seat) -> bool:
    """Whether the seat's next page is the log-in."""
    await seat.open("/console/account")
    return "/console/login" in seat.page.url


@needs_browser
@on_one_database
async def test_the_first_password_is_replaced_and_refusals_are_said_in_words(office: Office) -> None:
    new = NewPerson("newcomer", "新人", PASSWORD, Grant(frozenset({Role.OPERATOR})), is_first=True)
    await add_person(office.services, new, office.clock())
    seat = await office.seat("newcomer")
    page, why = seat.page, seat.page.locator("#password [role=alert]")
    await expect(page).to_have_url(f"{office.address}/console/password")
    await expect(page.locator("#password .note")).to_contain_text("至少12个字符")
    await replace_password(seat, PASSWORD, OWN, "seven grey herons fly")
    await expect(why).to_have_text("两次输入的新密码不一致")
    await replace_password(seat, PASSWORD, "passwordpassword")
    await expect(why).to_contain_text("新密码: ")
    await expect(why).not_to_contain_text("new_password")
    await replace_password(seat, "not the first one", OWN)
    await expect(why).to_contain_text("当前密码: ")
    await replace_password(seat, PASSWORD, OWN)
    await page.wait_for_url("**/console/take")


@needs_browser
@on_one_database
async def test_other_log_ins_are_seen_and_ended_one_or_all_and_by_a_new_password(office: Office) -> None:
    here = await office.seat("operator")
    office.clock.forward(minutes=5)
    phone = await office.seat(
        "operator", user_agent="Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36"
    )
    rows = here.page.locator("#sessions tbody tr")
    await here.page.click("a.name")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0)).to_contain_text("Chrome, Android")
    await expect(rows.nth(0)).to_contain_text("127.0.0.1")
    await expect(rows.nth(0)).to_contain_text("10:05")
    await expect(rows.nth(1)).to_contain_text("当前登录")
    await expect(rows.nth(1).locator("button")).to_have_count(0)
    await here.picture("account_sessions")
    await rows.nth(0).locator("button").click()
    await expect(rows).to_have_count(1)
    await expect(here.page.locator("#end-others")).to_have_count(0)
    assert await is_out(phone)

    others = [await office.seat("operator") for _ in range(2)]
    await here.open("/console/account")
    await here.page.click("#end-others")
    await expect(rows).to_have_count(1)
    assert [await is_out(seat) for seat in others] == [True, True]

    other = await office.seat("operator")
    await here.open("/console/account")
    await replace_password(here, PASSWORD, NEXT)
    await expect(here.page.locator("#said")).to_contain_text("密码已修改")
    await expect(here.page.locator("#password input[name=old_password]")).to_have_value("")
    assert await is_out(other)

    await here.page.click("#languages a[lang=en]")
    await expect(here.page.locator("h1")).to_have_text("My account")
    assert here.page.url.endswith("/console/account") and here.wrong == []


@needs_browser
@on_one_database
async def test_tokens_of_duty_calendars_are_made_renewed_and_revoked_by_their_department(office: Office) -> None:
    seat = await office.seat("works")
    page, said = seat.page, seat.page.locator("#said")
    rows, token = page.locator("#feed-list tbody tr"), page.locator("#feed-token code")
    await seat.open("/console/account")
    await expect(page.locator("#feed-department option")).to_have_count(1)
    await expect(rows).to_have_count(1)  # the shared one

    async def opens(secret: str) -> int:
        reply = await page.request.get(
            f"{office.address}/v1/departments/property-works/duty.ics", headers=basic("feed", secret)
        )
        return reply.status

    await page.fill("#feed-new input", "值班室电脑")
    await page.press("#feed-new input", "Enter")
    await expect(said).to_contain_text("令牌已新建")
    await expect(rows.nth(1)).to_contain_text("值班室电脑")
    await seat.picture("account_feeds")
    address, user, first = await token.all_inner_texts()
    assert (address, user) == (f"{office.address}/v1/departments/property-works/duty.ics", "feed")
    assert await opens(first) == 200
    await rows.nth(1).locator("[data-do='account.feed_renew']").click()
    await expect(said).to_contain_text("原令牌即时失效")
    second = (await token.all_inner_texts())[2]
    assert (await opens(first), await opens(second)) == (401, 200)
    await rows.nth(1).locator("[data-do='account.feed_revoke']").click()
    await expect(rows).to_have_count(1)
    await expect(page.locator("#feed-token")).to_be_hidden()
    assert await opens(second) == 401
    assert seat.wrong == []
    operator = await office.seat("operator")
    await operator.open("/console/account")
    await expect(operator.page.locator("#factors p").first).to_be_visible()
    await expect(operator.page.locator("#feeds")).to_be_hidden()


@needs_browser
@on_one_database
async def test_devices_that_are_told_of_dangers_are_seen_and_removed(office: Office) -> None:
    """And a browser that somebody else left behind is told no more once another person logs in there."""
    here = await office.seat("operator")
    page, ended = here.page, "Notification.ended"
    key = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    await page.add_init_script(
        f"""const left = {{ endpoint: "https://push.example.org/left", toJSON: () => ({{ endpoint: left.endpoint,
          keys: {{ p256dh: "{key}", auth: "BTBZMqHH6r4Tts7J_aSIgg" }} }}), unsubscribe: async () => {{ {ended} = true; }} }};
        Object.defineProperty(Notification, "permission", {{ get: () => "granted" }});
        navigator.serviceWorker.getRegistration = async () => ({{ pushManager: {{ getSubscription: async () => left }} }});"""
    )
    await here.open("/console/account")
    await expect(page.locator("#devices")).to_contain_text("暂无")
    await until(page, ended)
    put = """(name) => fetch("/v1/me/push", { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({
      endpoint: `https://push.example.org/${name}`, keys: { p256dh: "%s", auth: "BTBZMqHH6r4Tts7J_aSIgg" } }) }).then((r) => r.status)"""
    for name in ("left", "phone"):
        assert await page.evaluate(put % key, name) == 200
    await page.reload()
    rows = page.locator("#devices tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.filter(has_text="本机")).to_have_count(1)
    for width in (390, 1440):
        await page.set_viewport_size({"width": width, "height": 900})
        await here.picture(f"account-devices-{width}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    await rows.filter(has_not_text="本机").get_by_role("button").click()
    await expect(rows).to_have_count(1)
    assert here.wrong == []

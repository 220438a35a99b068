"""Second factors in a real browser: an authenticator of its own makes the passkeys."""

import pyotp
from playwright.async_api import expect

from hotline.organisation.model.actors import Role
from tests.conftest import on_one_database
from tests.console.browsing import PASSWORD, Seat, needs_browser
from tests.console.conftest import Office


async def security_key(seat: Seat) -> None:
    """A virtual authenticator in the seat's browser."""
    devtools = await seat.context.new_cdp_session(seat.page)
    await devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


async def leave(seat: Seat) -> None:
    await seat.page.click("#leave")
    await seat.page.wait_for_url("**/console/login")


async def give_password(seat: Seat, login: str) -> None:
    await seat.page.fill("input[name=login]", login)
    await seat.page.fill("input[name=password]", PASSWORD)
    await seat.page.keyboard.press("Enter")


async def set_codes_up(seat: Seat, office: Office) -> pyotp.TOTP:
    """By hand, as whoever cannot scan."""
    page = seat.page
    await page.click("#set-up-totp button.first")
    await expect(page.locator("img.qr")).to_be_visible()
    assert await page.locator("img.qr").evaluate("image => image.naturalWidth") > 100
    totp = pyotp.TOTP((await page.inner_text("#secret")).replace(" ", ""))
    await page.fill("input[name=code]", totp.at(office.clock()))
    await page.keyboard.press("Enter")
    return totp


@needs_browser
@on_one_database
async def test_codes_and_a_passkey_are_set_up_and_asked_for(office: Office) -> None:
    at = office.address.replace("127.0.0.1", "localhost")  # browsers bind passkeys to names
    office.services.public_url = at
    seat = await office.seat("boss", address=at)
    page = seat.page
    await security_key(seat)
    await page.click("a.name")
    totp = await set_codes_up(seat, office)
    await expect(page.locator("#codes li")).to_have_count(10)
    code = await page.inner_text("#codes li >> nth=0")
    await seat.picture("recovery_codes")
    await page.click("#codes-kept")
    await page.click("#set-up-passkey button.first")
    await expect(page.locator("#factors tbody tr")).to_have_count(2)
    await seat.picture("account")

    await leave(seat)
    await give_password(seat, "boss")
    await page.click("#by-passkey")
    await page.wait_for_url("**/console/admin")

    await leave(seat)
    office.clock.forward(minutes=1)
    await give_password(seat, "boss")
    await page.wait_for_url("**/console/factor*")
    await seat.picture("second_step")
    await page.fill("input[name=code]", totp.at(office.clock()))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/admin")

    await leave(seat)
    await page.click("#passkey")  # and no password at all
    await page.wait_for_url("**/console/admin")

    await page.goto(f"{at}/console/account")
    await page.click("#factors tbody tr:has-text('通行密钥') button")
    await expect(page.locator("#factors tbody tr")).to_have_count(1)
    await leave(seat)
    await give_password(seat, "boss")
    await page.wait_for_url("**/console/factor*")
    await expect(page.locator("input[name=code]")).to_be_visible()
    assert await page.locator("#by-passkey").count() == 0
    await page.fill("input[name=code]", code)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/admin")
    assert seat.wrong == []


@needs_browser
@on_one_database
async def test_whose_role_needs_a_factor_is_led_to_setting_one_up(office: Office) -> None:
    office.services.second_factor_required = frozenset({Role.SUPERVISOR})
    seat = await office.seat("operator")
    await leave(seat)
    await give_password(seat, "supervisor")
    await seat.page.wait_for_url("**/console/factor*")
    await seat.page.goto(f"{office.address}/console/wall")  # nothing else opens
    await seat.page.wait_for_url(lambda url: "/console/factor?next=" in url)
    await seat.picture("factor_required")
    await set_codes_up(seat, office)
    await seat.page.click("#codes-kept")
    await seat.page.wait_for_url("**/console/wall")
    assert [each for each in seat.wrong if "401" not in each] == []  # what was asked as the session ended

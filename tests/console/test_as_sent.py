"""T1 to T4 at the console's form: what is pasted or typed there is read as what comes by any other door."""

from tests.conftest import Player
from tests.console.browsing import needs_browser
from tests.console.conftest import Office

HIDDEN = "\u200b\u200e\u2060\ufe0f\u00ad"


CASES = (
    (f"3栋煤{HIDDEN}气泄\u200b漏了，快来人", "\u202a13800138000\u202c", "+8613800138000", None),
    ("3棟煤氣洩漏了，快來人", "0731-88880000转802", "+8673188880000", "0731-88880000转802"),
    ("3栋煤气\n泄漏了，快来人", "不详", None, "不详"),
)


@needs_browser
async def test_t1_t2_t3_t4_the_form_refuses_nothing_and_misses_no_danger(office: Office, desk: Player) -> None:
    seat = await office.seat("operator")
    for words, number, phone, contact in CASES:
        await seat.open("/console/take")
        await seat.page.fill("input[name=phone]", number)
        await seat.page.fill("textarea[name=narrative]", words)
        async with seat.page.expect_response(lambda reply: reply.url.endswith("/v1/calls")) as sent:
            await seat.page.keyboard.press("Control+Enter")
        reply = await sent.value
        assert reply.status == 201, await reply.text()
        ticket = await desk.see((await reply.json())["ticket"])
        assert (ticket["priority"], "danger:gas" in ticket["flags"]) == ("emergency", True), words
        assert (ticket["caller"]["phone"], ticket["caller"]["contact"]) == (phone, contact), words
    assert seat.wrong == []

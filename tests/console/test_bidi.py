"""A mark of direction in what somebody wrote, or a script that goes from right to left, turns no number on a page round."""

import pytest
import sqlalchemy as sa
from playwright.async_api import Page, expect

from tests.conftest import Player, on_one_database
from tests.console.browsing import needs_browser
from tests.console.conftest import Office
from tests.text.test_bidi import AHMAD, CASES

# A page has what it shows from the API, which is tested on both databases; the journeys (test_journey, test_admin) run on
# both in a browser too.
pytestmark = [needs_browser, pytest.mark.timeout(150), on_one_database]
# every number on the page whose characters do not stand from left to right, and every mark that is left
TURNED = r"""() => {
  const wrong = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = texts.nextNode());) {
    if (["SCRIPT", "OPTION"].includes(node.parentNode.tagName)) continue;
    for (const hit of node.data.matchAll(/2单元301|\+?[0-9*]{3,}/g)) {
      const places = [...hit[0]].map((_, n) => {
        const range = document.createRange();
        range.setStart(node, hit.index + n);
        range.setEnd(node, hit.index + n + 1);
        return range.getClientRects()[0];
      }).filter(Boolean);
      if (places.some((place, n) => n && place.top === places[n - 1].top && place.left < places[n - 1].left)) wrong.push(node.data);
    }
  }
  if (/[\u202a-\u202e\u2066\u2067]/.test(document.documentElement.textContent.replace(/<script.*/s, ""))) wrong.push("a mark");
  return wrong;
}"""
# where a text begins on the page, from the left
LEFT = r"""([place, words]) => {
  const texts = document.createTreeWalker(document.querySelector(place), NodeFilter.SHOW_TEXT);
  for (let node; (node = texts.nextNode());) {
    const at = node.data.indexOf(words);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + words.length);
    return range.getBoundingClientRect().left;
  }
  return null;
}"""


async def left_of(page: Page, place: str, words: str) -> float:
    found = await page.evaluate(LEFT, [place, words])
    assert found is not None, words
    return float(found)


@pytest.mark.unchained
async def test_a_name_turns_neither_number_nor_address_round(office: Office, desk: Player) -> None:
    seat = await office.seat("dispatcher")
    page = seat.page
    for name in ("\u202e王", "\u202e王\u2066秀", AHMAD, f"\u2067{AHMAD}"):
        ticket = await desk.call("3栋2单元电梯坏了", caller={"phone": "13800138032"}, category="dt-fault")
        number = ticket["number"]
        written = {"n": name, "a": "2\u202e单元301", "c": f"{name} 138 0013 8032", "w": f"{name} 2单元301", "k": number}
        change = (
            "UPDATE ticket SET caller_name = :n, address = :a, contact = :c, title = :w, narrative = :w "
            "WHERE number = :k"
        )
        await office.services.db.transact(lambda c, q=change, w=written: c.execute(sa.text(q), w))
        await seat.open(f"/console/tickets/{number}")
        place = f'[data-caller="{number}"]'
        await expect(page.locator(place)).to_contain_text("8032")
        assert await page.evaluate(TURNED) == [], name
        letter = "王" if "王" in name else AHMAD[-1]
        assert await left_of(page, place, letter) < await left_of(page, place, "8032"), name
        title = await page.title()
        assert "2单元301" in title and not any(mark in title for mark in "\u202e\u2066\u2067"), name
    for path in ("tickets", "dispatch", "figures?measure=accepted"):
        await seat.open(f"/console/{path}")
        await page.wait_for_load_state("networkidle") if path != "dispatch" else await page.wait_for_timeout(500)
        assert await page.evaluate(TURNED) == [], path
    assert seat.wrong == []


async def test_pages_isolate_text_as_the_server_does(office: Office) -> None:
    seat = await office.seat("boss")
    module = await seat.page.evaluate("document.body.dataset.static + '/core.js'")
    shown = await seat.page.evaluate(
        """async ([module, texts]) => { const core = await import(module); return texts.map((text) => {
          const option = core.el("option", { title: text, value: text }, text);
          return [core.isolated(text), option.textContent, option.title, core.joined([text], ""), option.value === text];
        }); }""",
        [module, [text for text, _ in CASES]],
    )
    assert shown == [[told, told, told, told, True] for _, told in CASES]


async def test_a_wrong_password_is_told_as_one(office: Office) -> None:
    context = await office.browser.new_context(locale="zh-CN")
    page = await context.new_page()
    for language, said in (
        ("zh-Hans", "账号或密码不正确"), ("zh-Hant", "帳號或密碼不正確"), ("en", "Wrong username or password"),
    ):  # fmt: skip
        await page.goto(f"{office.address}/console/language/{language}?back=/console/login")
        await page.fill("input[name=login]", "operator")
        await page.fill("input[name=password]", "not the password")
        await page.keyboard.press("Enter")
        await expect(page.locator("#why")).to_have_text(said)

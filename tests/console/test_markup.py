"""Markup in what somebody wrote is shown as they wrote it, and is never a part of a page."""

import re

import pytest
from playwright.async_api import expect

from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.tickets.context import Services
from tests.conftest import ROOT, Clock, Player, on_one_database
from tests.console.browsing import PASSWORD, needs_browser
from tests.console.conftest import Office

PLANTED = '<b id="planted">粗</b><img src="/planted" onerror="planted()"></script>'
SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|parseFromString|setHTML|srcdoc|document\.write|"
    r"\beval\(|new Function|\bjavascript:"
)
# pictures and pages that the server makes, whose words it escapes
DRAWN = {("resident.js", "parseFromString")}


def test_no_script_of_a_page_makes_markup_of_a_text() -> None:
    scripts = sorted((ROOT / "src/hotline").rglob("static/*.js"))
    found = {(path.name, sink) for path in scripts for sink in SINKS.findall(path.read_text(encoding="utf-8"))}
    assert len(scripts) > 20 and found == DRAWN


async def test_a_page_escapes_the_name_of_whoever_reads_it(desk: Player, services: Services, clock: Clock) -> None:
    grant = Grant(frozenset({Role.OPERATOR, Role.SUPERVISOR}))
    await add_person(services, NewPerson("li", PLANTED, PASSWORD, grant), clock())
    ask = desk.http
    ask.headers.pop("authorization")
    assert (await ask.post("/console/session", json={"login": "li", "password": PASSWORD})).status_code == 200
    for path in ("/console/take", "/console/account", "/console/figures"):
        page = await ask.get(path)
        assert page.status_code == 200 and "&lt;b id=" in page.text, path
        assert "<b id=" not in page.text and "<img" not in page.text, path


@needs_browser
@pytest.mark.timeout(150)
@on_one_database
async def test_what_a_caller_says_is_shown_as_it_was_said(office: Office, desk: Player) -> None:
    caller = {"phone": "13800138000", "name": PLANTED, "contact": PLANTED}
    ticket = await desk.call(
        PLANTED, caller=caller, title=PLANTED[:40], location={"address": PLANTED}, category="dt-fault"
    )
    await desk.act(ticket, "comment", text=PLANTED)
    seat = await office.seat("dispatcher")
    page = seat.page
    for path, told in (
        (f"tickets/{ticket['number']}", 3),
        ("tickets", 1),
        ("dispatch", 0),
        ("take?phone=13800138000", 0),
    ):
        await seat.open(f"/console/{path}")
        if told:
            await expect(page.get_by_text("<b id=").first).to_be_visible()
            assert (await page.locator("main").inner_text()).count('<b id="planted">') >= told, path
        else:
            await page.wait_for_load_state("networkidle")
        assert await page.locator("#planted, img[src='/planted']").count() == 0, path
    assert not [url for url in seat.asked if "planted" in url]

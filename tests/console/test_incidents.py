"""Incidents on the dispatch page and on the wall."""

import pytest
from playwright.async_api import expect

from hotline.incidents.watch import IncidentWatch
from tests.conftest import Player, on_one_database
from tests.console.browsing import needs_browser
from tests.console.conftest import Office
from tests.incidents.test_stories import BURST, FURTHER, act, call_all, only_incident, settled, storm_of_five

pytestmark = pytest.mark.timeout(120)
LIFTS = [f"3栋电梯坏了，不动了，{floor}楼的人下不来" for floor in range(2, 8)]


@on_one_database
@needs_browser
async def test_a_dispatcher_confirms_an_incident_takes_a_ticket_out_and_ends_it(office: Office, desk: Player) -> None:
    await call_all(desk, LIFTS)
    watch = IncidentWatch(office.services)
    await settled(watch)
    seat = await office.seat("dispatcher")
    await seat.open("/console/dispatch")
    line = seat.page.locator("#incidents li")
    await expect(line).to_contain_text("待确认")
    await expect(line).to_contain_text("6人，6件")
    await seat.picture("incident-proposed")
    await line.get_by_role("button", name="确认").click()
    await expect(line).to_contain_text("处置中")
    await settled(watch)
    await line.get_by_role("button", name="移出工单").click()
    dialog = seat.page.get_by_role("dialog")
    choices = dialog.locator("li")
    await expect(choices).to_have_count(5)
    await expect(choices.first).to_contain_text("电梯坏了，不动了")
    await expect(choices.first).to_contain_text("1390000000")
    await choices.first.locator("input").check()
    await dialog.locator("textarea").fill("另一部电梯")
    await seat.picture("incident-leave")
    await dialog.get_by_role("button", name="移出工单").click()
    await expect(dialog).to_have_count(0)
    await settled(watch)
    await line.get_by_role("button", name="结束").click()
    await dialog.locator("textarea").fill("电梯已恢复")
    await dialog.get_by_role("button", name="结束").click()
    await expect(line).to_have_class("note")
    ended = await only_incident(desk)
    assert (ended["state"], ended["final_word"], ended["ticket_count"]) == ("over", "电梯已恢复", 5)
    assert seat.wrong == []


@on_one_database
@needs_browser
async def test_an_operator_reads_what_to_say_to_a_caller_of_an_incident(office: Office, desk: Player) -> None:
    await call_all(desk, BURST)
    await settled(IncidentWatch(office.services))
    office.clock.forward(seconds=2)
    seat = await office.seat("operator")
    await seat.page.fill("textarea[name=narrative]", FURTHER)
    await seat.page.keyboard.press("Control+Enter")
    await expect(seat.page.locator("#taken")).to_contain_text("这件事我们已知晓")
    assert seat.wrong == []


@on_one_database
@needs_browser
async def test_the_wall_shows_what_many_call_about(office: Office, desk: Player) -> None:
    await call_all(desk, LIFTS)
    await settled(IncidentWatch(office.services))
    seat = await office.seat("auditor")
    await seat.open("/console/wall")
    line = seat.page.locator("#incidents a.inci")
    await expect(line).to_contain_text("瑞泉馨城3栋 · 电梯故障")
    await expect(line.locator(".k")).to_have_text("6")
    await expect(seat.page.locator("#incidents button")).to_have_count(0)
    await seat.picture("wall-incidents")
    assert seat.wrong == []


@on_one_database
@needs_browser
async def test_the_code_of_an_incident_leads_to_its_page_with_every_text_and_caller(
    office: Office, desk: Player
) -> None:
    await call_all(desk, [f"3栋2单元电梯坏了，不动了，{floor}楼的人下不来" for floor in range(2, 8)])
    await settled(IncidentWatch(office.services))
    incident = await only_incident(desk)
    seat = await office.seat("supervisor")
    await seat.open("/console/wall")
    line = seat.page.locator("#incidents a.inci")
    await expect(line).to_contain_text("瑞泉馨城3栋2单元")
    await line.click()
    await seat.page.wait_for_url(f"**/console/incidents/{incident['code']}")
    await expect(seat.page.locator("#incident h1")).to_contain_text("瑞泉馨城3栋2单元")
    members = seat.page.locator("#members li")
    await expect(members).to_have_count(6)
    await expect(members.first).to_contain_text("13900000000")
    await expect(members.first).to_contain_text("2楼的人下不来")
    await expect(seat.page.locator(".story")).to_contain_text("系统规则")
    await seat.picture("incident-page")
    await seat.page.get_by_role("button", name="确认").click()
    await expect(seat.page.locator("#incident header")).to_contain_text("处置中")
    assert seat.wrong == []


@on_one_database
@needs_browser
async def test_a_dispatcher_merges_two_incidents(office: Office, desk: Player) -> None:
    await call_all(desk, BURST)
    await call_all(desk, LIFTS, first=100)
    watch = IncidentWatch(office.services)
    await settled(watch)
    seat = await office.seat("dispatcher")
    await seat.open("/console/dispatch")
    lift = seat.page.locator("#incidents li").filter(has_text="电梯故障")
    await lift.get_by_role("button", name="合并事件").click()
    dialog = seat.page.get_by_role("dialog")
    await expect(dialog.locator("option")).to_have_count(1)
    await expect(dialog.locator("option")).to_contain_text("水管爆裂")
    await dialog.get_by_role("button", name="合并事件").click()
    await expect(dialog).to_have_count(0)
    await expect(seat.page.locator("#incidents li")).to_have_count(1)
    await settled(watch)
    assert {i["state"] for i in (await desk.get("/v1/incidents")).json()["items"]} == {"open", "merged"}
    assert seat.wrong == []


@on_one_database
@needs_browser
async def test_the_page_of_the_parent_shows_how_its_incident_ended(
    office: Office, desk: Player, switch: Player
) -> None:
    _, watch, incident = await storm_of_five(desk, office.services)
    office.clock.forward(minutes=5)
    await act(switch, incident, "end", text="水管已修复")
    await settled(watch)
    seat = await office.seat("dispatcher")
    await seat.open(f"/console/tickets/{incident['parent']}")
    facts = seat.page.locator("dl.facts").first
    await expect(facts.get_by_role("link", name=incident["code"])).to_have_count(1)
    await expect(facts).to_contain_text("已结束")
    await expect(facts).to_contain_text("水管已修复")
    ended = seat.page.locator(".story li").filter(has_text="事件进展更新")
    await expect(ended.get_by_role("link", name=incident["code"])).to_have_count(1)
    await expect(ended).to_contain_text("已结束")
    assert seat.wrong == []

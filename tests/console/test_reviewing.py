"""Whoever judges a result sees what the work came to: pictures before and after, whose they are and of when."""

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.write_request import WriteRequest
from hotline.public.photos import SentPhotos, attach_photos
from hotline.web.idempotency import RequestKey
from tests.conftest import Player, on_one_database
from tests.console.browsing import needs_browser, outside
from tests.console.conftest import Office
from tests.console.test_handler import PHONE, blur, looks, shot
from tests.console.test_residents import picture

pytestmark = [needs_browser, pytest.mark.timeout(180), on_one_database]
RESULT = {"internal_result": "换皮带", "public_reply": "电梯已恢复运行", "solved": True}


class _Photo:
    filename = "IMG_1.png"

    async def read(self, _: int = -1, /) -> bytes:
        return picture(200)


async def _show_all(photos: Locator) -> None:
    await expect(photos.locator("figure img")).to_have_count(3)
    first, second, third = [photos.locator("figure").nth(n) for n in range(3)]
    await expect(first).to_contain_text("处置前")
    await expect(first).to_contain_text("上传人：lifts")
    await expect(second).to_contain_text("处置后")
    await expect(third).to_contain_text("居民提供的照片")
    await expect(third).not_to_contain_text("其他材料")


async def test_whoever_judges_a_result_sees_its_photos_and_whose_they_are(
    office: Office, desk: Player, lifts: Player
) -> None:
    ticket = await desk.call("3栋2单元电梯坏了", caller={"phone": "13800138000"}, category="dt-fault")
    number = ticket["number"]
    resident = Actor(ActorKind.RESIDENT, "hash-of-a-number", "居民", frozenset({Role.RESIDENT}))
    request = WriteRequest(resident, RequestKey("resident", "k1", "x"), office.clock(), SYSTEM_SCOPE)
    assert await attach_photos(office.services, number, SentPhotos((_Photo(),)), request) == 1
    ids: list[Any] = []
    [evidence] = (await desk.get(f"/v1/tickets/{number}/attachments")).json()["items"]
    theirs_too = (await desk.http.get(f"/v1/tickets/{number}/attachments/{evidence['id']}")).content
    for purpose, sent in (("after", theirs_too), ("before", picture(51))):  # one is the resident's own
        file = {"file": (f"{purpose}.png", sent)}
        made = await lifts.http.post(f"/v1/tickets/{number}/attachments", files=file, data={"purpose": purpose})
        assert made.json()["by_name"] == "lifts", made.text
        ids.append(made.json()["id"])
    items = (await desk.get(f"/v1/tickets/{number}/attachments")).json()["items"]
    theirs = {x["purpose"]: (x["by_kind"], x["by_name"]) for x in items}
    assert theirs == {"evidence": ("resident", None), "before": ("key", "lifts"), "after": ("key", "lifts")}
    assert {x["by"] for x in items if x["by_kind"] == "resident"} == {"resident"}
    seen = await lifts.order(await lifts.see(number), "accept")
    await lifts.order(seen, "report", **RESULT, photos=ids)

    seat = await office.seat("supervisor")
    page, panel = seat.page, seat.page.locator("#panel")
    await seat.open("/console/dispatch?tab=review")
    await page.locator("#review .open", has_text="电梯").click()
    await _show_all(panel.locator(".photos"))
    same = panel.locator(".same")
    await expect(same).to_contain_text("同一张图片")
    await expect(same).to_contain_text("处置后")
    await expect(same).to_contain_text("居民提供的照片")
    await expect(same).not_to_contain_text("处置前")
    await looks(seat, "review-photos")
    await panel.locator('[data-action="accept_report"]').click()
    dialog = page.locator("dialog[open]")
    await expect(dialog.locator("figure img")).to_have_count(3)  # also where the decision is written
    await expect(dialog.locator(".same")).to_contain_text("同一张图片")
    await dialog.locator("figure button").first.click()
    await expect(page.locator("dialog.photo img")).to_be_visible()
    await page.keyboard.press("Escape")
    await dialog.locator("button.first").click()
    await expect(page.locator("dialog")).to_have_count(0)
    assert (await desk.see(number))["status"] == "resolved"

    operator = await office.seat("operator")
    page, panel = operator.page, operator.page.locator("#panel")
    await operator.open("/console/waiting")
    await page.locator("#call_back").get_by_text(number).click()
    await _show_all(panel.locator(".photos"))
    await expect(panel.locator("figure", has_text="居民可见")).to_have_count(2)
    await panel.locator('[data-action="confirm"]').click()
    await expect(page.locator("dialog[open] figure img")).to_have_count(3)
    await page.keyboard.press("Escape")
    await operator.open(f"/console/tickets/{number}")
    await _show_all(page.locator(".files .photos"))
    assert outside(seat) == [] and seat.wrong == [] and operator.wrong == []


async def test_a_handler_takes_a_report_back_and_finds_what_was_written(
    office: Office, desk: Player, lifts: Player
) -> None:
    ticket = await desk.call("3栋2单元电梯坏了", caller={"phone": "13800138000"}, category="dt-fault")
    accepted = await lifts.order(ticket, "accept")
    await lifts.order(accepted, "contact_caller", contacted="电话")
    seat = await office.seat("works", **PHONE)
    page, panel, bar = seat.page, seat.page.locator("#panel"), seat.page.locator("#undo")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.reload()
    await page.locator(".order", has_text=ticket["number"]).click()
    await panel.locator('[data-action="report"]').click()
    await panel.locator(".pick", has_text="已办好").click()
    await panel.locator("textarea[name=public_reply]").fill("电梯已恢复运行")
    await panel.locator("textarea[name=internal_result]").fill("换了皮带")
    await panel.locator('[data-send="report"]').click()
    await expect(bar.locator("[data-undo]")).to_be_visible()
    assert (await desk.see(ticket))["assignments"][0]["status"] == "reported"
    await expect(panel.locator('[data-action="undo"]')).to_have_count(0)  # once, in the bar
    await expect(bar).to_contain_text("报结")
    await bar.locator("[data-undo]").tap()
    await expect(bar.locator("[data-undo]")).to_have_count(0)
    await expect(panel.locator('[data-action="report"]')).to_be_visible()
    assert (await desk.see(ticket))["assignments"][0]["status"] == "accepted"
    await page.reload()  # what was written is there after it, too
    await page.locator(".order", has_text=ticket["number"]).click()
    await panel.locator('[data-action="report"]').click()
    await expect(panel.locator("textarea[name=public_reply]")).to_have_value("电梯已恢复运行")
    await expect(panel.locator("textarea[name=internal_result]")).to_have_value("换了皮带")
    await panel.locator('[data-send="report"]').click()
    await expect(bar.locator("[data-undo]")).to_be_visible()
    # the ticket's page has the same form, and there it is taken back as well
    await seat.open(f"/console/tickets/{ticket['number']}")
    await bar.locator("[data-undo]").tap()
    await expect(page.locator("#said")).to_contain_text("已撤销")
    await page.locator('[data-order] [data-action="report"]').click()
    box = page.locator("dialog.report-box")
    await expect(box.locator("textarea[name=public_reply]")).to_have_value("电梯已恢复运行")
    await expect(box.locator(".pick:has(:checked)")).to_contain_text("已办好")
    path = f"/v1/tickets/{ticket['number']}/attachments"
    async with page.expect_response(lambda reply: reply.url.endswith(path) and reply.request.method == "POST"):
        await box.locator('[data-purpose="after"] input').set_input_files(await shot(page, "#88aa99"))
    name = await box.locator("input[name=photos]").get_attribute("value") or ""
    await blur(seat, box, name)
    await looks(seat, "report-dialog")
    await box.locator("textarea[name=internal_result]").fill("换了皮带和轴承")
    await page.keyboard.press("Escape")  # nothing is asked: the words are kept
    await expect(page.locator("dialog")).to_have_count(0)
    # a photo that is opened can be blurred, as in the form
    await page.locator(".files figure", has_text="处置后").first.locator("button").click()
    await page.locator('dialog.photo [data-blur^="after-"]').click()
    await page.locator("canvas.blur").focus()
    await page.keyboard.press("Enter")
    await page.locator('[data-blur="save"]').tap()
    await expect(page.locator(".files figure", has_text="已遮挡")).to_have_count(2)
    await page.locator('[data-order] [data-action="report"]').click()
    await expect(box.locator("textarea[name=internal_result]")).to_have_value("换了皮带和轴承")
    await box.locator('[data-send="report"]').click()
    await expect(page.locator("dialog")).to_have_count(0)
    await looks(seat, "report-undo")
    done = (await desk.see(ticket))["assignments"][0]
    assert done["status"] == "reported" and done["result"]["internal_result"].endswith("换了皮带和轴承")
    assert seat.wrong == []
    # of three reports the record tells which two were taken back, and the words of the one that stands
    bench = await office.seat("supervisor")
    await bench.open("/console/dispatch?tab=review")
    await bench.page.locator("#review .open").click()
    record = bench.page.locator("#panel .back li")
    await expect(record).to_have_count(3)
    await expect(record.filter(has_text="已撤销")).to_have_count(2)
    await expect(record.first).to_contain_text("换了皮带和轴承")
    await expect(record.nth(1)).not_to_contain_text("皮带")
    await looks(bench, "record")

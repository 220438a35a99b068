"""A resident with a phone, in a real browser: the report with a photo, the department's board, the photo after the work,
and "still broken"."""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hotline.public.limits import FormLimits
from hotline.public.model import PublicSettings
from tests.conftest import Player, on_one_database
from tests.console.browsing import PATIENCE, keep_picture, needs_browser
from tests.console.conftest import Office
from tests.console.reading_aloud import violations
from tests.console.test_leavings import until
from tests.public.test_reports import work_done

pytestmark = [needs_browser, pytest.mark.timeout(180)]
LIFT = "3栋2单元电梯坏了，不动了"
MOST = 120_000  # bytes of a page with all it loads, unpacked
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WEIGHT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((entry) => !entry.name.includes("/photos/")).reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
SPILLS = """() => [document.documentElement.scrollWidth - document.documentElement.clientWidth,
  ...[...document.querySelectorAll("main *, header *")].filter((e) => !e.closest(".file, .sr, svg, [hidden]") && e.clientWidth && e.scrollWidth > e.clientWidth + 1
    && getComputedStyle(e).display !== "inline" && !["INPUT", "SELECT", "TEXTAREA"].includes(e.tagName)).map((e) => e.outerHTML.slice(0, 90))]"""


def picture(red: int) -> bytes:
    """A PNG of 2000 by 1500 pixels of one colour."""
    wide, high = 2000, 1500

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\x00" + bytes((red, 120, 60)) * wide) * high
    header = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    place = chunk(b"tEXt", b"GPS\x0030.69N 103.83E")
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + place
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


async def visitor(office: Office, **more: Any) -> tuple[Page, list[str], list[str]]:
    """A resident's browser: the page, what went wrong in it, and every address it asked."""
    context = await office.browser.new_context(locale="zh-CN", **{**PHONE, **more})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    wrong: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    return page, wrong, asked


def easy(office: Office, **more: Any) -> None:
    office.services.add(replace(office.services.part(PublicSettings), work=6, **more))


async def test_a_report_with_a_photo_comes_back_with_the_photo_of_the_work(
    office: Office, lifts: Player, watch: Player, desk: Player
) -> None:
    easy(office)
    works = await office.seat("works")
    await works.open("/console/board")
    page, wrong, asked = await visitor(office)
    await page.goto(f"{office.address}/")
    await page.fill("#words", "3栋2单元着火了，有老人困在五楼")
    await expect(page.locator("[data-heard] [role=alert] a[href='tel:119']")).to_be_visible()
    await page.fill("#words", LIFT)
    await expect(page.locator("[data-heard] .heard")).to_contain_text("电梯")
    await expect(page.locator("[data-heard] [role=alert]")).to_have_count(0)
    await page.select_option("#place", "rq-b3")
    await page.fill("#where", "2单元电梯")
    await page.fill("#phone", "13800138000")
    await page.set_input_files("#album", {"name": "x.png", "mimeType": "image/png", "buffer": picture(200)})
    await expect(page.locator(".photos img")).to_be_visible()
    await page.reload()  # the phone rang
    await expect(page.locator("#words")).to_have_value(LIFT)
    await expect(page.locator("#phone")).to_have_value("13800138000")
    await page.set_input_files("#camera", {"name": "x.png", "mimeType": "image/png", "buffer": picture(90)})
    await expect(page.locator(".photos img")).to_be_visible()

    await page.context.set_offline(True)
    await page.click("button.send[type=submit] >> nth=0")
    await expect(page.locator("[data-told]")).to_contain_text("网络不通")
    await page.context.set_offline(False)
    wrong.clear()  # the browser tells of the request that was cut
    await page.click("button.send[type=submit] >> nth=0")
    await expect(page.locator("[data-number]")).to_be_visible()
    number, code = await page.inner_text("[data-number]"), await page.inner_text("[data-code]")
    await expect(page.locator("[data-department]")).to_contain_text("物业工程部")
    await expect(page.locator(".qr svg")).to_be_visible()
    await page.go_back()  # as in a web view: the form, not the page before it
    await expect(page.locator("#words")).to_be_visible()
    assert page.url.startswith(f"{office.address}/")
    assert await page.evaluate("localStorage.length") == 0 and await page.context.cookies() == []
    await expect(works.page.locator("main")).to_contain_text(re.compile("3 ?栋"))  # live
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 1
    (photo,) = (await lifts.get(f"/v1/tickets/{number}/attachments")).json()["items"]
    assert photo["media_type"] == "image/jpeg"
    stored = (await lifts.get(f"/v1/tickets/{number}/attachments/{photo['id']}")).content
    assert b"GPS" not in stored and len(stored) < 100_000  # scaled, and nothing but the picture

    await work_done(lifts, watch, number, picture)
    await page.goto("about:blank")
    await page.goto(f"{office.address}/status#{number}.{code}")  # as the QR code says
    await expect(page.locator(".shots img")).to_have_count(2)
    await until(page, "[...document.querySelectorAll('.shots img')].every((i) => i.complete && i.naturalWidth > 100)")
    assert code not in page.url
    boxes = [await page.locator(f".verdict.{word} summary").bounding_box() for word in ("no", "yes")]
    assert boxes[0] and boxes[1] and (boxes[0]["height"], boxes[0]["width"]) == (boxes[1]["height"], boxes[1]["width"])
    await page.click(".verdict.no summary")
    await page.fill("#broken-words", "还是不动")
    await page.click(".verdict.no button[type=submit]")
    await expect(page.locator("[data-focus]")).to_contain_text("重新安排办理")
    seen = await desk.see(number)
    assert (seen["status"], seen["counters"]["reopens"]) == ("triaged", 1)
    assert wrong == [] and not [url for url in asked if not url.startswith((office.address, "blob:", "about:"))]
    assert not [url for url in asked if code in url.partition("#")[0]]


async def look(page: Page, name: str, *, kept: bool = True) -> None:
    """The page reads well aloud in both themes, fits three widths, and is small. `kept`: with pictures to be looked at;
    else one theme is enough."""
    assert await page.evaluate(WEIGHT) <= MOST, name
    for wide in (1920, 1440, 390):
        await page.set_viewport_size({"width": wide, "height": 900})
        assert await page.evaluate(SPILLS) == [0], (name, wide)
        for theme in ("light", "dark") if kept else ("light",):
            await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            if wide == 390:
                assert await violations(page, other_theme=theme == "dark") == [], (name, theme)
            if kept:
                await keep_picture(page, f"resident-{name}-{wide}-{theme}")
    await page.emulate_media(color_scheme="light")


@on_one_database
async def test_every_page_of_a_resident_reads_well_in_all_languages_and_in_large_type(
    office: Office, lifts: Player, watch: Player, desk: Player
) -> None:
    easy(office)
    page, wrong, asked = await visitor(office)
    for language in ("zh-Hans", "zh-Hant", "en"):
        for elder in ("", "1"):
            await page.goto(f"{office.address}/?lang={language}&elder={elder}")
            await expect(page.locator("html")).to_have_attribute("lang", language)
            if language == "en":
                shown = await page.inner_text("body")
                assert re.findall("[\u4e00-\u9fff]+", shown.replace("简", "").replace("繁", "")) == []
            if elder:
                await look(page, f"three-{language}", kept=language == "zh-Hans")
                assert await page.locator(".three .btn").count() == 3
                await expect(page.locator("#words")).to_be_hidden()
                await page.click(".three a[href='#report']")
            await page.fill("#words", LIFT)
            await expect(page.locator("[data-heard] .heard")).to_be_visible()
            await look(page, f"home-{language}{'-elder' if elder else ''}", kept=language == "zh-Hans")
            await page.click("[data-clear]")
            await expect(page.locator("#words")).to_have_value("")
    await page.goto(f"{office.address}/?lang=zh-Hans")
    await page.fill("#words", LIFT)
    await page.select_option("#place", "rq-b3")
    await page.click("button.send[type=submit] >> nth=0")
    await expect(page.locator("[data-number]")).to_be_visible()
    number, code = await page.inner_text("[data-number]"), await page.inner_text("[data-code]")
    await look(page, "taken")
    await work_done(lifts, watch, number, picture)
    for elder in ("", "1"):
        await page.goto("about:blank")
        await page.goto(f"{office.address}/status?lang=zh-Hans&elder={elder}#{number}.{code}")
        await expect(page.locator(".verdict.yes")).to_be_visible()
        await page.click(".verdict.yes summary")
        await look(page, f"own{'-elder' if elder else ''}")
    await page.goto(f"{office.address}/status?lang=zh-Hans")
    await page.fill("#number", number)
    await page.fill("#code", "000000" if code != "000000" else "111111")
    await page.click("button.send[type=submit]")
    await expect(page.locator("[role=alert]")).to_contain_text("没查到")
    await look(page, "wrong-code")
    assert [said for said in wrong if "404" not in said] == []
    assert not [url for url in asked if not url.startswith((office.address, "blob:", "about:"))]


@on_one_database
async def test_without_a_script_and_within_a_named_page_it_works_and_elsewhere_it_is_refused(
    office: Office, app: FastAPI, desk: Player
) -> None:
    easy(office)
    page, _, _ = await visitor(office, java_script_enabled=False)
    await page.goto(f"{office.address}/?lang=zh-Hans")
    await page.fill("#words", LIFT)
    await page.set_input_files("#album", {"name": "x.png", "mimeType": "image/png", "buffer": picture(90)})
    await page.click("button.send[type=submit] >> nth=0")
    number, code = await page.inner_text("[data-number]"), await page.inner_text("[data-code]")
    assert (await desk.see(number))["counters"]["attachments"] == 1
    await page.click("button.send[type=submit]")
    await expect(page.locator("h1")).to_contain_text("办理")
    assert code not in page.url

    other = office.address.replace("127.0.0.1", "localhost")  # another origin, on the same machine
    shows = f'<iframe src="{office.address}/embed?lang=zh-Hans"></iframe>'

    async def community(_: Request) -> Response:
        policy = {"content-security-policy": "default-src 'none'; frame-src *"}
        return Response(shows, headers=policy, media_type="text/html")

    app.router.routes.insert(0, Route("/community", community))
    page, _, _ = await visitor(office)
    await page.goto(f"{other}/community")
    await expect(page.frame_locator("iframe").locator("#words")).to_have_count(0)
    easy(office, frames=(other,))
    await page.goto(f"{other}/community")
    await expect(page.frame_locator("iframe").locator("#words")).to_be_visible()
    await page.frame_locator("iframe").locator("#words").fill("路灯不亮")
    await page.frame_locator("iframe").locator("button.send[type=submit]").click()
    await expect(page.frame_locator("iframe").locator("[data-number]")).to_be_visible()


SLOWLY = """const drawn = createImageBitmap;
self.createImageBitmap = async (...given) => { await new Promise((go) => setTimeout(go, 700)); return drawn(...given); };"""


def answering(status: int) -> Callable[[Any], Any]:
    """A proxy's reply, which is no page of ours."""

    async def answer(route: Any) -> None:
        await route.fulfill(status=status, content_type="application/json", body="{}")

    return answer


@on_one_database
async def test_nothing_written_is_lost_to_a_bad_line_another_tab_or_a_quick_hand(office: Office, desk: Player) -> None:
    easy(office)
    page, wrong, _ = await visitor(office)
    await page.add_init_script(SLOWLY)
    await page.goto(f"{office.address}/")
    await page.fill("#words", "路灯不亮")
    other = await page.context.new_page()
    other.set_default_timeout(PATIENCE)
    await other.goto(f"{office.address}/")
    await expect(other.locator("#words")).to_have_value("")  # the first tab writes that
    await expect(other.locator("[data-kept]")).to_contain_text("7 天")
    await other.fill("#words", "井盖松了")
    await other.reload()
    await expect(other.locator("#words")).to_have_value("井盖松了")
    await other.click("button.send[type=submit] >> nth=0")
    await expect(other.locator("[data-number]")).to_be_visible()
    await page.reload()
    await expect(page.locator("#words")).to_have_value("路灯不亮")
    await other.close()

    for status, words in ((413, "照片太大"), (429, "过一分钟"), (400, "没有提交成功")):
        await page.route("**/report", answering(status))
        await page.click("button.send[type=submit] >> nth=0")
        await expect(page.locator("[data-told]")).to_contain_text(words)
        await page.unroute("**/report")
    wrong.clear()
    await page.set_input_files("#album", {"name": "x.png", "mimeType": "image/png", "buffer": picture(200)})
    await page.click("button.send[type=submit] >> nth=0")  # while it is being scaled
    await expect(page.locator("[data-number]")).to_be_visible()
    number, code = await page.inner_text("[data-number]"), await page.inner_text("[data-code]")
    assert (await desk.see(number))["counters"]["attachments"] == 1
    await page.click("header button[value=en]")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    assert (await page.inner_text("[data-number]"), await page.inner_text("[data-code]")) == (number, code)
    await page.click("header button[value=zh-Hans]")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")

    await page.click(".narrow form[data-look] button")
    await page.fill("#tell-words", "在五楼")
    await page.set_input_files("#tell-photos", {"name": "x.png", "mimeType": "image/png", "buffer": picture(20)})
    form = page.locator("form:has(#tell-words)")
    await expect(form.locator(".photos img")).to_be_visible()
    await page.route("**/status/step", lambda route: route.abort())
    await form.locator("button[type=submit]").click()
    await expect(form.locator("[data-told]")).to_contain_text("网络不通")
    await page.unroute("**/status/step")
    office.services.part(FormLimits).forms._spent = {"127.0.0.1": 60}
    await form.locator("button[type=submit]").click()
    await expect(form.locator("[data-told]")).to_contain_text("太多")
    await expect(form.locator("#tell-words")).to_have_value("在五楼")
    office.services.add(FormLimits())
    await form.locator("button[type=submit]").click()
    await expect(page.locator("[data-focus]")).to_contain_text("已补充")
    assert (await desk.see(number))["counters"]["attachments"] == 2

    await page.goto(f"{office.address}/")
    old = '{"words":"很久以前的话","key":"old","at":1}'
    await page.evaluate(f"localStorage.setItem('resident-draft.old', '{old}')")
    await page.reload()
    await until(page, "localStorage.length === 0")
    await expect(page.locator("#words")).to_have_value("")

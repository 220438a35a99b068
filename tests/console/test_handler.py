"""A handler with a phone: signs, photographs and reports in a cellar without a connection; nothing is lost or done twice."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.conftest import Player, on_one_database
from tests.console.browsing import Seat, needs_browser, outside
from tests.console.conftest import Office
from tests.console.reading_aloud import violations
from tests.console.test_pages import SPILLS, WEIGH

pytestmark = [needs_browser, pytest.mark.timeout(240), on_one_database]
PHONE = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
MOST_PACKED = 120_000  # bytes of the page as they come over the air
PLACE = b"GPS 30.6900N 103.8300E"
WORDS = "换了门机皮带，试了十趟，电梯已恢复"
SHOT = """async (shade) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 2400, height: 1800 });
  const pen = canvas.getContext("2d");
  pen.fillStyle = shade; pen.fillRect(0, 0, 2400, 1800); pen.fillStyle = "#d8b13c"; pen.fillRect(600, 500, 1200, 300);
  for (let x = 0; x < 2400; x += 9) { pen.fillStyle = `hsl(${x * 7} 90% 50%)`; pen.fillRect(x, 860, 9, 90); pen.fillRect(x, 1710, 9, 90); }
  for (let x = 0; x < 2400; x += 1) { pen.fillStyle = `rgb(${x / 10} ${x / 10} ${x / 10})`; pen.fillRect(x, 950, 1, 310); }
  const blob = await new Promise((end) => canvas.toBlob(end, "image/jpeg", 0.9));
  return btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(""));
}"""
# whatever the queue holds, as text
STORED = """async () => {
  const request = indexedDB.open("hotline");
  const base = await new Promise((good) => { request.onsuccess = () => good(request.result); });
  const rows = [];
  for (const name of base.objectStoreNames) {
    const asked = base.transaction(name).objectStore(name).getAll();
    rows.push(...await new Promise((good) => { asked.onsuccess = () => good(asked.result); }));
  }
  base.close();
  const text = (value) => value instanceof ArrayBuffer ? new TextDecoder().decode(value) : value && typeof value === "object"
    ? Object.values(value).map(text).join(" ") : String(value);
  return [rows.length, rows.map(text).join(" ")];
}"""
CUT = """() => [...document.querySelectorAll("main *, #outbox *")].filter((one) => one.offsetParent && !one.closest("svg, select, .sr")
  && getComputedStyle(one).overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1).map((one) => one.className + one.textContent.slice(0, 30))"""


@dataclass
class Line:
    """The way to the server: whole, cut, or one that lets requests through and no answer back."""

    target: int
    address: str = ""
    way: str = "whole"
    ways: set[asyncio.StreamWriter] = field(default_factory=set)

    async def carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if self.way == "cut":
            back.transport.abort()
            return
        far, out = await asyncio.open_connection("127.0.0.1", self.target)
        self.ways |= {back, out}

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, answers: bool) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    if answers and self.way == "mute":
                        break
                    sink.write(data)
                    await sink.drain()
            for end in (back, out):
                end.transport.abort()

        await asyncio.gather(pump(near, out, False), pump(far, back, True))

    def cut(self, way: str = "cut") -> None:
        self.way = way
        if way == "cut":
            for end in self.ways:
                end.transport.abort()


@contextlib.asynccontextmanager
async def a_line(target: int) -> AsyncIterator[Line]:
    line = Line(target)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        line.cut()
        server.close()


async def shot(page: Page, shade: str) -> dict[str, Any]:
    """A photo as a phone takes it: large, with the place in it."""
    plain = base64.b64decode(await page.evaluate(SHOT, shade))
    beside = b"Exif\x00\x00" + PLACE
    held = plain[:2] + b"\xff\xe1" + (len(beside) + 2).to_bytes(2) + beside + plain[2:]
    return {"name": "IMG_0001.JPG", "mimeType": "image/jpeg", "buffer": held}


async def looks(seat: Seat, name: str) -> None:
    """Both themes: nothing a machine that reads aloud stumbles over, nothing cut, nothing over the edge."""
    for theme in ("light", "dark"):
        await seat.page.emulate_media(color_scheme=theme)
        await seat.page.evaluate("window.scrollTo(0, 0)")
        found = await violations(seat.page, other_theme=theme == "dark")
        assert [bad for bad in found if bad[1] in ("serious", "critical")] == [], (name, theme)
        assert await seat.page.evaluate(SPILLS) == [], (name, theme)
        assert await seat.page.evaluate(CUT) == [], (name, theme)
        await seat.picture(f"handler-{name}-{theme}")
    await seat.page.emulate_media(color_scheme="light")


async def stands(desk: Player, ticket: Any, status: str) -> dict[str, Any]:
    """The ticket, once its first order is in this state."""
    for _ in range(600):
        seen = await desk.see(ticket)
        if seen["assignments"][0]["status"] == status:
            return seen
    raise AssertionError((seen["assignments"][0]["status"], status))


async def on_the_phone(office: Office, line: Line) -> Seat:
    seat = await office.seat("works", address=line.address, **PHONE)
    await seat.page.set_viewport_size({"width": 390, "height": 844})
    await seat.page.reload()
    return seat


async def test_a_handler_works_through_a_tunnel(office: Office, desk: Player, watch: Player) -> None:
    danger = await desk.call("12栋1单元电梯困人了，里面有娃儿在哭", caller={"phone": "13900139000"})
    lift = await desk.call(
        "3栋2单元电梯坏了，一直停在5楼不动", caller={"phone": "13800001111", "name": "刘婆婆"}, category="dt-fault"
    )
    number = lift["number"]
    async with a_line(int(office.address.rsplit(":", 1)[1])) as line:
        seat = await on_the_phone(office, line)
        page, panel, bar = seat.page, seat.page.locator("#panel"), seat.page.locator("#outbox")
        await expect(page.locator("#states button").first).to_contain_text("待签收")
        packed, _ = await page.evaluate(WEIGH)
        assert 10_000 < packed <= MOST_PACKED
        first = page.locator(".od", has_text=danger["number"])
        await expect(first.locator(".w")).to_have_text("12栋 1单元 电梯困人")
        await expect(page.locator(".od", has_text=number).locator(".w")).to_have_text("3栋 2单元 电梯故障")
        await looks(seat, "list")

        # an emergency is accepted on its card
        await first.locator('[data-action="accept"]').tap()
        await expect(page.locator('.column[data-status="accepted"] .od', has_text=danger["number"])).to_have_count(1)
        await stands(desk, danger, "accepted")

        # the caller: one press, logged once, a number to call, for a minute
        await page.locator(".order", has_text=number).tap()
        await expect(panel.locator("h2")).to_have_text("3栋 2单元 电梯故障")
        await expect(panel.locator(".caller")).to_contain_text("****")
        await panel.locator('[data-action="reveal"]').tap()
        await expect(panel.locator(".caller a")).to_have_attribute("href", "tel:+8613800001111")
        told = [e["action"] for e in (await desk.get(f"/v1/tickets/{number}/timeline")).json()["items"]]
        assert told.count("reveal") == 1
        await looks(seat, "order")
        await panel.locator('.foot [data-action="accept"]').tap()
        await panel.locator('[data-answer="reached"]').tap()
        await expect(panel.locator('[data-answer="reached"]')).to_have_count(0)
        await panel.locator('[data-purpose="before"] input').set_input_files(await shot(page, "#223344"))
        await expect(panel.locator(".photos figure:not(:has(.waits))")).to_have_count(1)
        [before] = (await desk.get(f"/v1/tickets/{number}/attachments")).json()["items"]
        sent = (await desk.http.get(f"/v1/tickets/{number}/attachments/{before['id']}")).content
        assert (
            before["purpose"] == "before"
            and sent.startswith(b"\xff\xd8\xff")
            and PLACE not in sent
            and b"Exif" not in sent
        )
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")

        # the tunnel: a photo and the result are kept, sealed, and marked on the card
        await seat.context.set_offline(True)
        await panel.locator('[data-action="report"]').tap()
        await panel.locator('[data-purpose="after"] input').set_input_files(await shot(page, "#88aa99"))
        await expect(panel.locator(".photos figure .waits")).to_have_count(1)
        await panel.locator(".pick", has_text="已办好").tap()
        await panel.locator("textarea[name=public_reply]").fill(WORDS)
        await panel.locator(f'input[name=photos][value="{before["name"]}"]').check()
        await looks(seat, "report")
        await panel.locator('[data-send="report"]').tap()
        await expect(bar).to_contain_text("没有网络")
        await expect(bar).to_contain_text("2 项已存在手机里")
        await expect(panel.locator(".report")).to_have_count(0)
        await panel.locator(".shut").tap()
        await page.locator("#states button", has_text="待审核").tap()
        await expect(page.locator(".column.now .od", has_text=number)).to_contain_text("报结，待送出")
        await looks(seat, "waiting")
        rows, held = await page.evaluate(STORED)
        assert rows >= 2 and WORDS not in held and "JFIF" not in held and number not in held
        assert (await desk.see(number))["assignments"][0]["status"] == "accepted"
        await page.reload()  # the page itself is not kept: what waits is, and is counted
        await expect(page.locator("#waits")).to_contain_text("2")
        caches = await page.evaluate(
            "caches.keys().then((names) => Promise.all(names.map(async (n) => (await (await caches.open(n)).keys()).map((r) => r.url)))).then((all) => all.flat())"
        )
        assert caches and all("/console/static/" in url or url.endswith("/console/offline") for url in caches)

        # the line is back: sent in order, and told; the resident's photos are those that were ticked
        await seat.context.set_offline(False)
        await page.wait_for_url("**/console/board")
        await expect(page.locator("#said")).to_contain_text("已送出 2 项")
        seen = await stands(desk, number, "reported")
        files = {f["purpose"]: f for f in (await desk.get(f"/v1/tickets/{number}/attachments")).json()["items"]}
        assert sorted(seen["assignments"][0]["result"]["photos"]) == sorted(f["id"] for f in files.values())
        assert seen["assignments"][0]["result"]["public_reply"] == WORDS
        await expect(bar).to_be_hidden()

        # the server dies with the answer on its way, and comes back: done once
        other = await desk.call("5栋1单元电梯坏了，按了没反应", category="dt-fault")
        await page.locator("#states button", has_text="待签收").tap()
        await page.locator(".order", has_text=other["number"]).tap()
        await expect(panel.locator('.foot [data-action="accept"]')).to_be_visible()
        line.cut("mute")
        await panel.locator('.foot [data-action="accept"]').tap()
        await expect(bar).to_contain_text("1 项")
        line.cut()
        await panel.locator(".shut").tap()
        await page.locator("#states button", has_text="办理中").tap()
        await expect(page.locator(".column.now .od", has_text=other["number"])).to_contain_text("签收，待送出")
        line.way = "whole"
        await expect(bar).to_be_hidden()
        told = [e["action"] for e in (await desk.get(f"/v1/tickets/{other['number']}/timeline")).json()["items"]]
        assert told.count("accept") == 1
        await stands(desk, other, "accepted")

        # somebody decided meanwhile: both sides are shown, and nothing is done before a word
        await expect(page.locator(".order", has_text=other["number"])).to_be_visible()
        line.cut()
        await page.locator(".order", has_text=other["number"]).tap()
        await panel.locator('[data-action="report"]').tap()
        await panel.locator(".pick", has_text="已应急").tap()
        await panel.locator("textarea[name=public_reply]").fill("明天再来换配件")
        await panel.locator('[data-send="report"]').tap()
        await expect(bar).to_contain_text("1 项")
        await expect(panel.locator(".report")).to_have_count(0)
        await panel.locator(".shut").tap()
        await desk.act(await desk.see(other), "urge", reason="又打来了")
        # who leaves is asked first
        await page.locator("#leave").tap()
        await expect(page.locator("dialog")).to_contain_text("还有 1 项没送出")
        await page.locator("dialog button", has_text="留下并送出").tap()
        line.way = "whole"
        await expect(bar).to_contain_text("未送出，工单已有变动")
        await bar.locator("button").tap()
        dialog = page.locator("dialog.sides")
        await expect(dialog).to_contain_text("明天再来换配件")
        await expect(dialog).to_contain_text("催办")
        await looks(seat, "conflict")
        assert (await desk.see(other))["assignments"][0]["status"] == "accepted"
        await dialog.locator("button", has_text="仍要送出").tap()
        await expect(bar).to_be_hidden()
        await stands(desk, other, "reported")
        assert outside(seat) == []
        assert [said for said in seat.wrong if "Failed to load" not in said and "ERR_" not in said] == []


async def test_photos_stand_wherever_a_ticket_is_read_and_supervisors_open_on_work(
    office: Office, desk: Player, lifts: Player
) -> None:
    lift = await desk.call("3栋2单元电梯坏了", category="dt-fault")
    dispatcher = await office.seat("supervisor")
    page = dispatcher.page
    await dispatcher.open("/console/board")
    await expect(page.locator(".order")).to_have_count(1)  # of many departments the one with work
    await expect(page.locator("#department option").first).to_have_text("物业工程部（1）")
    await dispatcher.open(f"/console/tickets/{lift['number']}")
    choose = page.locator('.files [data-purpose="evidence"] input')
    await choose.set_input_files(await shot(page, "#335577"))
    await expect(page.locator(".files figure button")).to_have_count(1)
    [file] = (await desk.get(f"/v1/tickets/{lift['number']}/attachments")).json()["items"]
    assert file["purpose"] == "evidence"
    await page.locator(".files figure button").click()
    await expect(page.locator("dialog.photo img")).to_be_visible()
    assert await page.locator("dialog.photo img").evaluate("(img) => img.decode().then(() => img.naturalWidth)") == 1600
    assert dispatcher.wrong == []


# how many shades two strips of a picture have: one in its middle, one at its foot
SHADES = """(src) => fetch(src).then((reply) => reply.blob()).then(createImageBitmap).then((drawn) => {
  const pen = Object.assign(document.createElement("canvas"), { width: drawn.width, height: drawn.height }).getContext("2d");
  pen.drawImage(drawn, 0, 0);
  return [0.5, 0.97].map((down) => {
    const { data } = pen.getImageData(drawn.width * 0.45, drawn.height * down, drawn.width * 0.05, 1);
    return new Set(Array.from({ length: data.length / 4 }, (_, n) => data[n * 4] >> 3)).size;
  });
})"""


# how many squares of one colour stand side by side in what was framed
SQUARES = """(src) => fetch(src).then((reply) => reply.blob()).then(createImageBitmap).then((drawn) => {
  const pen = Object.assign(document.createElement("canvas"), { width: drawn.width, height: drawn.height }).getContext("2d");
  pen.drawImage(drawn, 0, 0);
  const { data } = pen.getImageData(drawn.width * 0.31, drawn.height * 0.6, drawn.width * 0.38, 1);
  const counts = new Map();
  for (let at = 0; at < data.length; at += 4) counts.set(data[at], (counts.get(data[at]) ?? 0) + 1);
  return [...counts.values()].filter((count) => count >= 20).length;
})"""


async def blur(seat: Seat, panel: Locator, photo: str, *, further: bool = False) -> str:
    """Draws a frame around the middle of a photo and keeps the copy; its name."""
    page = seat.page
    await panel.locator(f'[data-blur="{photo}"]').tap()
    canvas = page.locator("canvas.blur")
    await canvas.wait_for()
    box = await canvas.bounding_box()
    assert box is not None
    await expect(page.locator('[data-blur="save"]')).to_be_disabled()
    if not further:
        await looks(seat, "blur")
    await page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.7, steps=3)
    await page.mouse.up()
    if further:
        for leave in (page.keyboard.press("Escape"), page.locator('[data-blur="close"]').tap()):
            await leave  # what was framed is not dropped unasked
            await page.locator("dialog.photo").get_by_role("button", name="继续填写").tap()
    await page.locator('[data-blur="save"]').tap()
    copy = photo.replace(".jpg", "-blurred.jpg")
    await expect(panel.locator(f'input[value="{copy}"]')).to_be_checked()
    return copy


async def test_photos_taken_with_a_connection_are_in_the_result_as_they_were_chosen(
    office: Office, desk: Player, lifts: Player
) -> None:
    lift = await desk.call("3栋2单元电梯坏了", caller={"phone": "13800001111"}, category="dt-fault")
    lift = await lifts.order(lift, "accept")
    path = f"/v1/tickets/{lift['number']}/attachments"
    seat = await office.seat("works", **PHONE)
    page, panel = seat.page, seat.page.locator("#panel")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.reload()
    await page.locator(".order", has_text=lift["number"]).tap()
    await panel.locator('[data-answer="reached"]').tap()
    await panel.locator('[data-action="report"]').tap()
    for count, shade in enumerate(("#88aa99", "#2244aa"), start=1):
        async with page.expect_response(lambda reply: reply.url.endswith(path) and reply.request.method == "POST"):
            await panel.locator('[data-purpose="after"] input').set_input_files(await shot(page, shade))
        await expect(panel.locator(".photos figure")).to_have_count(count)
    names = [await panel.locator("input[name=photos]").nth(n).get_attribute("value") for n in range(2)]
    await panel.locator(f'input[value="{names[0]}"]').uncheck()  # somebody's face is on it
    first = await blur(seat, panel, names[1])
    copy = await blur(seat, panel, first, further=True)  # somebody stands in the background
    await expect(panel.locator(f'input[value="{first}"]')).to_have_count(0)
    await panel.locator(".pick", has_text="已办好").tap()
    await panel.locator("textarea[name=public_reply]").fill(WORDS)
    await panel.locator(".shut").tap()
    await panel.locator('[data-action="report"]').tap()
    await expect(panel.locator(".photos figure")).to_have_count(4)
    assert [await panel.locator(f'input[value="{name}"]').is_checked() for name in (names[0], copy)] == [False, True]
    await expect(panel.locator(f'input[value="{names[1]}"]')).to_have_count(0)
    await panel.locator('[data-send="report"]').tap()
    seen = await stands(desk, lift, "reported")
    files = {file["name"]: file["id"] for file in (await desk.get(path)).json()["items"]}
    assert seen["assignments"][0]["result"]["photos"] == [files[copy]]
    # what was framed is a few squares of one colour each, what lies outside is as it was
    shades = [await page.evaluate(SHADES, f"{path}/{files[name]}") for name in (names[1], copy)]
    assert shades[0][0] > 20 and shades[1][0] <= 9, shades
    assert shades[1][1] > 20, shades
    assert 3 <= await page.evaluate(SQUARES, f"{path}/{files[first]}") <= 7  # however large the part
    # the app opens where its manifest says, also without a line
    await page.evaluate(
        "() => navigator.serviceWorker.register('/console/worker.js', { scope: '/console' }).then(() => navigator.serviceWorker.ready)"
    )
    told = await (await page.request.get(f"{seat.address}/console/app.webmanifest")).json()
    await page.reload()
    await seat.context.set_offline(True)
    await seat.open(told["start_url"])
    await expect(page.locator("h1")).to_contain_text("网络")
    assert [said for said in seat.wrong if "Failed to load" not in said and "ERR_" not in said] == []

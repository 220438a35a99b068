"""A picture of every page, panel and dialog over a day's work: three widths, both themes. They are made where HOTLINE_SHOTS
names a folder (`make screenshots`), and each is measured as it is made."""

import asyncio
import contextlib
import json
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.public.model import PublicSettings
from hotline.tickets.lookup import query_code
from tests.conftest import SECRET, Cast, Player
from tests.console.browsing import PASSWORD, PATIENCE, needs_browser
from tests.console.measures import faults_in_looks
from tests.console.test_call_page import CRYING, TOKEN
from tests.console.test_dispatching import wait_for_dispatch
from tests.console.test_handler import shot
from tests.console.test_residents import LIFT, picture
from tests.console.test_words import WorkedDay, quiet
from tests.console.test_words import worked as worked
from tests.public.test_reports import work_done
from tests.sms.conftest import town as town

FOLDER = os.environ.get("HOTLINE_SHOTS", "")
ONLY = re.compile(os.environ.get("HOTLINE_SHOTS_ONLY", ""))
WIDTHS = ((390, 844), (1440, 900), (1920, 1080))
TALLEST = 3000  # of a picture: what stands below is the same again
THEMES = ("light", "dark")
LANGUAGE = "zh-Hans"  # in which every picture is made; some in the others too
pytestmark = [
    needs_browser, pytest.mark.timeout(3600), pytest.mark.parametrize("db", ["sqlite"], indirect=True),
    pytest.mark.skipif(not FOLDER, reason="HOTLINE_SHOTS names no folder"),
]  # fmt: skip
Step = Callable[[Page], Awaitable[Any]]
URGENT = (
    "12栋1单元电梯困人了，里面有娃儿在哭",
    "3栋2单元电梯坏了，一直停在5楼不动",
    "5栋楼道灯不亮，晚上看不清",
    "7栋门口井盖松了",
    "9栋2单元水管漏水",
)


@dataclass(frozen=True)
class View:
    """What is to be seen: whose page it is, the way to it, and what is done there first. `whole`: the page in its height,
    not the window alone."""

    name: str
    login: str
    path: str
    steps: Step | None = None
    whole: bool = True
    languages: Sequence[str] = ("zh-Hans",)
    sizes: Sequence[tuple[int, int]] = WIDTHS


def click(*selectors: str) -> Step:
    async def steps(page: Page) -> None:
        for selector in selectors:
            await page.locator(selector).first.click()
            await quiet(page)

    return steps


def opened(number: str) -> Step:
    """An order that is in hand, from its board; on a phone its state is chosen first."""

    async def steps(page: Page) -> None:
        if await page.locator("#states button").nth(1).is_visible():
            await page.locator("#states button").nth(1).click()
        await click(f'.order:has-text("{number}")')(page)

    return steps


def fill(selector: str, words: str, *then: str) -> Step:
    async def steps(page: Page) -> None:
        await page.locator(selector).first.fill(words)
        await page.wait_for_timeout(900)
        await quiet(page)
        for other in then:
            await page.locator(other).first.click()
            await quiet(page)

    return steps


def keys(*pressed: str) -> Step:
    async def steps(page: Page) -> None:
        for key in pressed:
            await page.keyboard.press(key)
            await page.wait_for_timeout(250)
        await quiet(page)

    return steps


def file(selector: str, **given: Any) -> Step:
    async def steps(page: Page) -> None:
        await page.locator(selector).first.set_input_files(given)  # type: ignore[arg-type]
        await page.wait_for_timeout(500)

    return steps


async def report_with_photo(page: Page) -> None:
    if await page.locator('#panel [data-answer="reached"]').count():  # once for all widths
        await page.locator('#panel [data-answer="reached"]').first.click()
    await page.locator('#panel [data-purpose="before"] input').first.set_input_files(await shot(page, "#223344"))  # type: ignore[arg-type]
    await expect(page.locator("#panel .photos figure:not(:has(.waits))").first).to_be_visible()
    await page.locator('#panel [data-action="report"]').first.click()
    await quiet(page)


async def blurring(page: Page) -> None:
    await report_with_photo(page)
    await page.locator("[data-blur]").first.click()
    await page.locator("canvas.blur").wait_for()
    await page.wait_for_timeout(400)


ALL = ("zh-Hans", "zh-Hant", "en")
DAY = json.dumps({"year": 2026, "days": [{"name": "国庆节", "date": "2026-10-01", "isOffDay": True}]}).encode()
NOUNS = ("people", "departments", "areas", "categories", "calendars", "rosters", "policies", "routes", "hazards",
         "keys", "subscriptions", "robots")  # fmt: skip


def staff_views(worked: WorkedDay, made: dict[str, str]) -> list[View]:
    incident = f"/console/incidents/{worked.incident}"
    views = [
        View("take", "operator", "/console/take", languages=ALL),
        View("take-typed", "operator", "/console/take", fill("textarea[name=narrative]", "8栋2单元楼道灯不亮。还有垃圾三天没收了", "#advice details summary"), languages=ALL),
        View("take-danger", "operator", "/console/take", fill("textarea[name=narrative]", CRYING), languages=("zh-Hans", "en")),
        View("take-answer", "operator", "/console/take", fill("textarea[name=narrative]", "12栋楼道灯不亮", "#answer"), whole=False),
        View("take-split", "operator", "/console/take", fill("textarea[name=narrative]", "8栋楼道灯不亮。还有垃圾三天没收了", "#split"), whole=False),
        View("take-place", "operator", "/console/take", fill("textarea[name=narrative]", "99栋楼道灯不亮")),
        View("take-keys", "operator", "/console/take", click("#show-keys"), whole=False),
        View("take-rings", "operator", "/console/take?rings", whole=True),
        View("tickets", "operator", "/console/tickets", languages=ALL),
        View("search", "operator", "/console/search", fill("#search input[name=q]", "电梯", "#search button")),
        View("search-none", "operator", "/console/search", fill("#search input[name=q]", "nobody", "#search button")),
        View("waiting", "operator", "/console/waiting", languages=("zh-Hans", "en")),
        View("dispatch", "dispatcher", "/console/dispatch", languages=ALL),
        View("dispatch-panel", "dispatcher", "/console/dispatch", click("#waiting tbody tr .open, #waiting tbody tr .t"), whole=False, languages=ALL),
        View("dispatch-bulk", "dispatcher", "/console/dispatch", keys("x", "j", "x", "j", "x"), whole=False),
        View("dispatch-rulings", "dispatcher", "/console/dispatch", click('[data-tab="rulings"]')),
        View("dispatch-review", "dispatcher", "/console/dispatch", click('[data-tab="review"]')),
        View("dispatch-odd", "dispatcher", "/console/dispatch", click('[data-tab="odd"]')),
        View("incident", "dispatcher", incident, languages=("zh-Hans", "en")),
        View("board", "works", "/console/board", languages=ALL),
        View("board-panel", "works", "/console/board", click(f'.order:has-text("{made["issued"]}")'), whole=False, languages=("zh-Hans", "en")),
        View("board-panel-accepted", "works", "/console/board", opened(made["accepted"]), whole=False),
        View("report-form", "works", f"/console/board?photo#{made['accepted']}", whole=False),
        View("blur", "works", f"/console/board?blur#{made['accepted']}", whole=False),
        View("account", "works", "/console/account", languages=("zh-Hans", "en")),
        View("board-supervisor", "supervisor", "/console/board"),
        View("wall", "supervisor", "/console/wall", languages=("zh-Hans", "en"), sizes=(*WIDTHS, (3840, 2160)), whole=False),
        View("figures", "supervisor", "/console/figures", languages=ALL),
        View("figures-one", "supervisor", "/console/figures?figure=on_time", languages=("zh-Hans", "en")),
        View("figures-category", "supervisor", "/console/figures?by=category&figure=first_call&measure=accepted"),
        View("reports", "supervisor", "/console/reports"),
        View("report-day", "supervisor", "/console/reports/day/2026-11-26", languages=("zh-Hans", "en")),
        View("model", "supervisor", "/console/model", languages=("zh-Hans", "en")),
        View("oversight", "auditor", "/console/oversight", languages=("zh-Hans", "en")),
        *(View(f"admin-{noun}", "boss", f"/console/admin#{noun}", languages=("zh-Hans", "en") if noun in ("people", "departments") else ("zh-Hans",)) for noun in NOUNS),
        View("admin-person", "boss", "/console/admin#people", click("#items tbody tr button"), whole=False),
        View("admin-person-new", "boss", "/console/admin#people", click("#add"), whole=False, languages=("zh-Hans", "en")),
        View("admin-department", "boss", "/console/admin#departments", click("#items tbody tr button"), whole=False),
        View("admin-category", "boss", "/console/admin#categories", click("#items tbody tr button"), whole=False),
        View("admin-policy", "boss", "/console/admin#policies", click("#items tbody tr button"), whole=False),
        View("admin-route-new", "boss", "/console/admin#routes", click("#add"), whole=False),
        View("admin-key-new", "boss", "/console/admin#keys", click("#add"), whole=False),
        View("admin-webhook-new", "boss", "/console/admin#subscriptions", click("#add")),
        View("admin-webhook", "boss", "/console/admin#subscriptions", click("#items tbody tr button")),
        View("admin-robot-new", "boss", "/console/admin#robots", click("#add")),
        View("admin-calendar", "boss", "/console/admin#calendars/cn"),
        View("admin-calendar-import", "boss", "/console/admin#calendars/cn", file("input[type=file]", name="2026.json", mimeType="application/json", buffer=DAY)),
        View("admin-roster", "boss", f"/console/admin#rosters/{made['roster']}"),
        View("nowhere", "boss", "/console/nowhere"),
        View("forbidden", "works", "/console/admin"),
        View("login", "", "/console/login", languages=ALL),
        View("login-wrong", "", "/console/login", fill("input[name=login]", "works", "button.first")),
        View("factor", "codes", "/console/factor"),
        View("password", "fresh", "/console/password", languages=("zh-Hans", "en")),
    ]  # fmt: skip
    views += [
        View(f"ticket-{status}", "supervisor", f"/console/tickets/{number}")
        for status, number in worked.tickets.items()
    ]
    views += [
        View("ticket-danger", "works", f"/console/tickets/{made['danger']}", languages=("zh-Hans", "en")),
        View("ticket-photos", "works", f"/console/tickets/{made['photos']}"),
        View("ticket-handler", "works", f"/console/tickets/{made['accepted']}", languages=ALL),
        View(
            "ticket-menu",
            "dispatcher",
            f"/console/tickets/{made['accepted']}",
            click(".menu-more summary"),
            whole=False,
        ),
        View("ticket-step", "works", f"/console/tickets/{made['issued']}", click("button.first"), whole=False),
        View(
            "ticket-reveal",
            "works",
            f"/console/tickets/{made['accepted']}",
            click("[data-part=caller] [data-action=reveal]"),
            whole=False,
        ),
        View(
            "ticket-return",
            "works",
            f"/console/tickets/{made['accepted']}",
            click(".order-card [data-action=request_return], .menu-more summary"),
            whole=False,
        ),
    ]
    return views


def resident_views(made: dict[str, str]) -> list[View]:
    own = f"#{made['photos']}.{made['code']}"
    return [
        View("home", "resident", "/?lang={}", languages=ALL),
        View("home-typed", "resident", "/?lang={}", fill("#words", LIFT), languages=ALL),
        View("home-danger", "resident", "/?lang={}", fill("#words", "3栋2单元着火了，有老人困在五楼"), languages=ALL),
        View(
            "home-photo",
            "resident",
            "/?lang={}",
            file("#album", name="x.png", mimeType="image/png", buffer=picture(200)),
        ),
        View("home-elder", "resident", "/?lang={}&elder=1", languages=ALL),
        View("home-elder-report", "resident", "/?lang={}&elder=1", click(".three a[href='#report']")),
        View("embed", "resident", "/embed?lang={}"),
        View("status", "resident", "/status?lang={}", languages=ALL),
        View("status-wrong", "resident", "/status?lang={}&wrong"),
        View("own", "resident", f"/status?lang={{}}&own{own}", languages=ALL),
        View("own-elder", "resident", f"/status?lang={{}}&elder=1&own{own}"),
        View("own-yes", "resident", f"/status?lang={{}}&yes{own}", click(".verdict.yes summary")),
        View("own-no", "resident", f"/status?lang={{}}&no{own}", click(".verdict.no summary")),
        View("taken", "resident", "/?lang={}&sent"),
        View("nothing", "resident", "/nothing"),
    ]


async def work_for_pictures(worked: WorkedDay, cast: Cast, desk: Player) -> dict[str, str]:
    """Work of this hour, on top of the day's: what waits, is in hand, has photos; a telephone; people who come first."""
    services, clock = worked.services, worked.clock
    switch, lifts, watch, boss = [await cast(name) for name in ("switch", "lifts", "watch", "boss")]
    services.add(replace(services.part(PublicSettings), work=6))
    await wait_for_dispatch(desk, switch, 8)
    callers = [{"phone": f"1380000111{n}", "name": "刘婆婆"} for n in range(len(URGENT))]
    danger, issued, accepted, other, photos = [
        await desk.call(words, caller=caller, category=None if n == 0 else "dt-fault")
        for n, (words, caller) in enumerate(zip(URGENT, callers, strict=True))
    ]
    made = {
        "danger": danger["number"],
        "issued": issued["number"],
        "accepted": accepted["number"],
        "other": other["number"],
        "photos": photos["number"],
    }
    await lifts.order(await lifts.see(made["accepted"]), "accept")
    await work_done(lifts, watch, made["photos"], picture)
    made["code"] = query_code(SECRET, made["photos"])
    made["roster"] = (await boss.get("/v1/directory/rosters")).json()["items"][0]["code"]
    operator = Grant(frozenset({Role.OPERATOR}))
    await add_person(services, NewPerson("fresh", "新人", PASSWORD, operator, is_first=True), clock())
    await add_person(services, NewPerson("codes", "秦岚", PASSWORD, operator), clock())
    gateway = NewGateway("cti", "cti", {"agents": {"101": "operator"}}, {"token": [TOKEN]}, sends=False, weight=50)
    await create_gateway(services.gateways, gateway, "test", clock())
    return made


async def ring(worked: WorkedDay, desk: Player, event: str, call: str, **more: Any) -> None:
    worked.clock.forward(seconds=2)
    body = {"event": event, "callId": call, "from": "8613800001111", "to": "24365", "direction": "in",
            "timestamp": worked.clock().timestamp(), **more}  # fmt: skip
    assert (await desk.http.post(f"/v1/hooks/voice/cti?token={TOKEN}", json=body)).status_code == 200


class Photographer:
    """Opens each view at each width and keeps its pictures; what was measured stands in `wrong`."""

    def __init__(self, browser: Browser, worked: WorkedDay, desk: Player) -> None:
        self.browser, self.worked, self.desk = browser, worked, desk
        self.wrong: dict[str, list[str]] = {}
        self.missing: list[str] = []
        self.count = 0
        self.states: dict[str, Any] = {}

    async def state(self, login: str) -> Any:
        """The cookies of whoever logged in."""
        if login in ("", "resident"):
            return None
        if login not in self.states:
            context = await self.browser.new_context(locale="zh-CN")
            await context.clock.set_fixed_time(self.worked.clock())
            page = await context.new_page()
            page.set_default_timeout(PATIENCE)
            await self.log_in(page, login)
            if login == "codes":  # a second factor of theirs is asked for at the next log-in
                await page.goto(f"{self.worked.address}/console/account")
                await page.click("#set-up-totp button.first")
                totp = pyotp.TOTP((await page.inner_text("#secret")).replace(" ", ""))
                await page.fill("input[name=code]", totp.at(self.worked.clock()))
                await page.keyboard.press("Enter")
                await page.click("#codes-kept")
                await context.clear_cookies()
                await self.log_in(page, login)
            self.states[login] = await context.storage_state()
            await context.close()
        return self.states[login]

    async def log_in(self, page: Page, login: str) -> None:
        await page.goto(f"{self.worked.address}/console/login")
        await page.fill("input[name=login]", login)
        await page.fill("input[name=password]", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(lambda url: "/login" not in url)

    async def sit(self, view: View, width: int, height: int, language: str) -> BrowserContext:
        touch = {"has_touch": True} if width < 700 else {}
        context = await self.browser.new_context(
            locale="zh-CN", viewport={"width": width, "height": height}, storage_state=await self.state(view.login),
            service_workers="block", **touch,  # type: ignore[arg-type]
        )  # fmt: skip
        await context.clock.set_fixed_time(self.worked.clock())
        host = self.worked.address.rpartition("/")[2].partition(":")[0]
        await context.add_cookies([{"name": "hotline_language", "value": language, "domain": host, "path": "/"}])
        return context

    async def steps(self, view: View, page: Page) -> None:
        if view.name == "take-rings":
            await ring(self.worked, self.desk, "newCall", f"c{(page.viewport_size or {})['width']}", user=["101"])
            await page.locator(".rings").first.wait_for()
        elif view.name in ("report-form", "blur"):
            await opened(view.path.partition("#")[2])(page)
            await (blurring if view.name == "blur" else report_with_photo)(page)
        elif view.name == "taken":
            await page.fill("#words", "6栋楼道灯不亮")
            await page.click("button.send[type=submit] >> nth=0")
            await page.locator("[data-number]").wait_for()
        elif view.name == "status-wrong":
            await page.fill("#number", "100000001")
            await page.fill("#code", "000000")
            await page.click("button.send[type=submit]")
            await page.locator("[role=alert]").wait_for()
        elif view.steps:
            await view.steps(page)

    async def take(self, view: View, size: tuple[int, int], language: str) -> None:
        width, height = size
        context = await self.sit(view, width, height, language)
        try:
            page = await context.new_page()
            page.set_default_timeout(8000)
            await page.goto(f"{self.worked.address}{view.path.format(language)}", wait_until="load")
            await quiet(page)
            await page.wait_for_timeout(150)
            name = f"{view.login or 'nobody'}-{view.name}-{width}-{language}"
            try:
                await self.steps(view, page)
            except Exception as error:
                self.missing.append(f"{name}: {str(error)[:200]}")
            for theme in THEMES if language == LANGUAGE else THEMES[:1]:
                await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                await page.wait_for_timeout(80)
                if found := await faults_in_looks(page, touch=width < 700):
                    self.wrong[f"{name}-{theme}"] = found
                if view.whole:  # what stands at the foot of the window does not lie over the page
                    tall = min(await page.evaluate("document.documentElement.scrollHeight"), TALLEST)
                    await page.set_viewport_size({"width": width, "height": max(tall, height)})
                    await page.evaluate("scrollTo(0, 0)")
                await page.screenshot(path=f"{FOLDER}/{name}-{theme}.png")
                self.count += 1
            if view.name == "take-rings":
                await ring(self.worked, self.desk, "hangup", f"c{(page.viewport_size or {})['width']}", cause="cancel")
        finally:
            await context.close()


async def test_every_page_is_kept_as_a_picture_and_measured(
    worked: WorkedDay, browser: Browser, cast: Cast, desk: Player
) -> None:
    Path(FOLDER).mkdir(parents=True, exist_ok=True)
    made = await work_for_pictures(worked, cast, desk)
    photographer = Photographer(browser, worked, desk)
    turns, telephone = asyncio.Semaphore(2), asyncio.Lock()  # one call rings at a time

    async def in_turn(view: View, size: tuple[int, int], language: str) -> None:
        async with turns, telephone if view.name == "take-rings" else contextlib.nullcontext():
            try:
                await photographer.take(view, size, language)
            except Exception as error:
                photographer.missing.append(f"{view.name} {size} {language}: {str(error)[:300]}")

    views = [view for view in (*staff_views(worked, made), *resident_views(made)) if ONLY.search(view.name)]
    for login in {view.login for view in views}:
        try:
            await photographer.state(login)
        except Exception as error:
            photographer.missing.append(f"{login}: {error}")
    shots = [
        (view, size, lang)
        for view in views
        for size in view.sizes
        for lang in view.languages
        if lang == LANGUAGE or size[0] < 1900
    ]
    await asyncio.gather(*(in_turn(*one) for one in shots))
    report = {"pictures": photographer.count, "missing": photographer.missing, "wrong": photographer.wrong}
    Path(FOLDER, "measured.json").write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    assert photographer.missing == []
    assert photographer.wrong == {}

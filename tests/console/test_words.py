"""Every page as every role in every language, over a database with one of everything: what people read is written in their
language, and nothing of it is a code, an id, a raw time or an empty value. Told short, a role reads in one language, and no
page but its first that another role has read in it."""

import ast
import asyncio
import csv
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, Page, Response, Route

from hotline import demo
from hotline.console.pages import menu_pages
from hotline.incidents.watch import IncidentWatch
from hotline.locales import LANGUAGES
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.reporting.service.figures import update_rollups
from hotline.reporting.service.reports import make_due_reports
from hotline.tickets.context import Services
from hotline.tickets.model.vocabulary import TicketStatus
from hotline.tickets.sla.jobs import escalate_due
from tests.conftest import ROOT, Cast, Clock, Player, on_one_database
from tests.console.browsing import MORNING, PASSWORD, PATIENCE, needs_browser
from tests.console.wording import HAN, READ, Data, faults_of, typed_of
from tests.incidents.test_stories import call_all, settled
from tests.public.test_reports import work_done
from tests.sizes import WHOLE, sized
from tests.sms.conftest import town as town
from tests.sms.town import Town
from tests.streaming.listening import serving
from tests.tickets.test_dispatching import sorted_by_hand

pytestmark = [needs_browser, pytest.mark.timeout(900)]
STAFF = {
    "operator": ("何秀", Grant(frozenset({Role.OPERATOR}))),
    "dispatcher": ("邓超", Grant(frozenset({Role.DISPATCHER}))),
    "supervisor": ("田芳", Grant(frozenset({Role.SUPERVISOR}))),
    "auditor": ("马平", Grant(frozenset({Role.AUDITOR}))),
    "works": ("朱工", Grant(frozenset({Role.HANDLER}), "property-works")),
    "boss": ("方正", Grant(frozenset({Role.ADMIN}))),
}

# in which language each reads where stories are told short; each of the languages is read by somebody
SHORT = {
    "operator": ("zh-Hans",), "dispatcher": ("zh-Hans",), "supervisor": ("zh-Hant",), "auditor": ("en",),
    "works": ("zh-Hans",), "boss": ("zh-Hant",),
}  # fmt: skip


@dataclass
class WorkedDay:
    """The services with their staff and a day's work, on loopback."""

    address: str
    services: Services
    clock: Clock
    tickets: dict[str, str]  # a ticket of each state
    incident: str
    data: Data
    read: set[tuple[str, str]] = field(default_factory=set)  # the pages that were read, by language


def a_day(folder: Path) -> Path:
    """Of the demonstration's day the last line of each story, without those that callers told in English."""
    with (ROOT / "seeds/demo/day.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told: Counter[str] = Counter()
    kept, others = [], set()
    for row in reversed([row for row in rows if not re.search(r"[A-Za-z]{2}", row["words"] + row["name"])]):
        story, _, other = row["then"].partition(":")
        told[story] += 1
        if told[story] <= 1 or row["id"] in others:
            kept.insert(0, row)
            others |= {other}
    with (folder / "day.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    return folder / "day.csv"


async def one_of_each(cast: Cast) -> None:
    """Tickets in the states where the day left none."""
    desk, switch, lifts, watch = [await cast(name) for name in ("desk", "switch", "lifts", "watch")]
    lift = {"category": "dt-fault", "location": {"area": "rq-b3"}}
    await sorted_by_hand(desk, switch)
    asked = await desk.call("单元门关不上", caller={"phone": "13800138001"})
    await switch.act(asked, "request_info", text="请说明是哪一栋")
    done = await desk.call("3栋电梯按键失灵", caller={"phone": "13800138002", "name": "王秀英"}, **lift)
    await work_done(lifts, watch, done["number"])
    back = await desk.call("3栋电梯里有怪味", caller={"phone": "13800138003"}, **lift)
    fields = {"reason_code": "not_our_duty", "basis": "维保合同第四条", "department": "lifts"}
    await lifts.order(await lifts.see(back), "request_return", **fields)
    told = await desk.call("3栋电梯灯不亮", caller={"phone": "13800138004"}, **lift)
    told = await lifts.order(await lifts.see(told), "accept")
    result = {"internal_result": "已换灯管", "public_reply": "电梯照明已恢复", "solved": True}
    await lifts.order(told, "report", **result)


@pytest.fixture
async def worked(
    app: FastAPI, services: Services, clock: Clock, cast: Cast, desk: Player, town: Town, tmp_path: Path
) -> Any:
    clock.now = MORNING
    for login, (name, grant) in STAFF.items():
        await add_person(services, NewPerson(login, name, PASSWORD, grant), clock())
    boss, switch = await cast("boss"), await cast("switch")
    key = boss.http.headers["authorization"].removeprefix("Bearer ")
    data = Data()
    async with serving(app) as address:
        await asyncio.to_thread(demo.run_demo, address, key, a_day(tmp_path), lambda _: None)
        await call_all(desk, ["5栋门口自来水管爆了，满街都是水", "水管爆裂，水喷得有两层楼高", "6栋那边水管子爆了，水流得到处都是",
                              "5栋水管爆了，水淹到门口", "5栋6栋之间水管爆裂，到处是水"])  # fmt: skip
        watch = IncidentWatch(services)
        await settled(watch)
        incidents = (await desk.get("/v1/incidents")).json()["items"]
        await town.writes("路灯又不亮了，黑得很", "+8613900139000")
        await town.writes("查询", "+8613900139000")
        await one_of_each(cast)
        for path, body in (
            ("/v1/subscriptions", {"name": "市热线", "url": "https://example.org/hook", "events": ["ticket.received"]}),
            ("/v1/keys", {"name": "门禁系统", "roles": ["operator"]}),
            ("/v1/departments/service-centre/duty/feeds", {"name": "前台平板"}),
            ("/v1/exports", {"kind": "tickets"}),
        ):
            made = await boss.post(path, body)
            assert made.status_code in (201, 202), (path, made.text)
        await town.send()
        for _ in range(6):
            clock.forward(hours=8)
            while (await escalate_due(services, clock())).claimed:
                pass
        while await update_rollups(services, clock()):
            pass
        await make_due_reports(services, clock())
        tickets: dict[str, str] = {}
        for status in TicketStatus:
            found = (await switch.get("/v1/tickets", params={"status": status, "limit": 1})).json()["items"]
            if found:
                tickets[status] = found[0]["number"]
        directory = await services.directory.now(clock())
        for items in (directory.categories, directory.departments, directory.areas, directory.rosters,
                      directory.policies, directory.routes, directory.calendars):  # fmt: skip
            for item in items.values() if hasattr(items, "values") else items:
                for name in ("name", "name_en", "basis", "source", "source_en"):
                    if isinstance(text := getattr(item, name, None), str):
                        data.add(text, typed=True)
        named = (directory.departments, directory.areas, directory.categories)
        data.named = sorted({i.name for items in named for i in items.values()}, key=len, reverse=True)
        for person in (
            *(m for roster in directory.rosters.values() for m in roster.members),
            *directory.hazards.values(),
        ):
            for name in ("name", "tell"):
                data.add(getattr(person, name, None) or "", typed=True)
        data.codes = frozenset((*directory.categories, *directory.departments, *directory.areas))
        for name, _ in STAFF.values():
            data.add(name, typed=True)
        data.add((tmp_path / "day.csv").read_text(encoding="utf-8"), typed=True)
        for file in (Path(demo.__file__), Path(__file__)):  # what the day and this file have people say
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and HAN.search(node.value):
                    data.add(node.value, typed=True)
        yield WorkedDay(address, services, clock, tickets, incidents[0]["code"], data)


QUIET = """() => new Promise((done) => {
  let count = -1, tries = 0;
  const look = () => {
    const now = performance.getEntriesByType("resource").length;
    if ((now === count && !document.querySelector("[aria-busy=true]")) || ++tries > 20) done(); else { count = now; setTimeout(look, 150); }
  };
  look();
})"""


async def quiet(page: Page) -> None:
    """Wait until the page has asked for nothing for a moment."""
    await page.evaluate(QUIET)


async def read_page(page: Page, worked: WorkedDay, path: str, language: str, opened: bool = False) -> list[Any]:
    """What stands on a page once it is drawn, and in the dialogs its buttons open."""
    await page.goto(f"{worked.address}{path}", wait_until="load")
    await quiet(page)
    texts = list(await page.evaluate(READ))
    if opened:
        buttons = page.locator("#main button:visible")
        for n in range(min(await buttons.count(), 25)):
            button = buttons.nth(n)
            try:
                await button.click(timeout=700, no_wait_after=True)
            except Exception:
                continue
            await page.wait_for_timeout(60)
            texts += await page.evaluate(READ)
            await page.keyboard.press("Escape")
            if page.url.partition("?")[0] != f"{worked.address}{path}":
                await page.goto(f"{worked.address}{path}", wait_until="load")
                await quiet(page)
    return texts


async def walk(context: BrowserContext, worked: WorkedDay, login: str, language: str) -> list[Any]:
    """Every page of a role in one language; what is wrong on it."""
    host = worked.address.rpartition("/")[2].partition(":")[0]
    await context.add_cookies([{"name": "hotline_language", "value": language, "domain": host, "path": "/"}])
    page = await context.new_page()
    page.set_default_timeout(3 * PATIENCE)  # it may be one of many at work here
    read: list[asyncio.Task[Any]] = []

    async def typed_in(reply: Response) -> list[str]:
        try:
            return list(typed_of(json.loads(await reply.body())))
        except Exception:
            return []

    def keep(reply: Response) -> None:
        if "/v1/" in reply.url and "json" in reply.headers.get("content-type", ""):
            read.append(asyncio.ensure_future(typed_in(reply)))

    page.on("response", keep)

    async def refuse(route: Route) -> None:
        if route.request.method == "GET":
            await route.fallback()
        else:
            problem = {"type": "urn:hotline:problem:not-now", "title": "x", "status": 409, "errors": []}
            await route.fulfill(status=409, json=problem, content_type="application/problem+json")

    await context.route(re.compile(r"/v1/tickets/.*/actions/"), refuse)
    _, grant = STAFF[login]
    paths = [(each.path, False) for each in menu_pages(grant.roles)]
    paths += [
        ("/console/account", False),
        ("/console/search?q=1", False),
        (f"/console/incidents/{worked.incident}", False),
    ]
    # the states of a ticket are read in one language each by whoever sees them all, the dialogs by whoever works
    numbers = list(worked.tickets.values())
    deep = (login, language) == ("works", "zh-Hans")
    every = (login, language) in (("supervisor", "zh-Hant"), ("dispatcher", "zh-Hans"), ("auditor", "en"))
    paths += [(f"/console/tickets/{number}", deep) for number in (numbers if every else numbers[-2:])]
    if login in ("supervisor", "auditor", "boss"):
        paths.append(("/console/reports/day/2026-11-25", False))
    found = []
    for n, (path, opened) in enumerate(paths):
        if (
            not WHOLE and n and not opened and (language, path) in worked.read
        ):  # a colleague has read it; n: not one's first page
            continue
        worked.read.add((language, path))
        texts = await read_page(page, worked, path, language, opened)
        if path == "/console/take":
            await page.fill("textarea[name=narrative]", "请问一下，3栋2单元的电梯里困了一个人，急得很")
            await page.wait_for_timeout(900)
            await page.locator("#advice details summary").click()
            await quiet(page)
            texts += await page.evaluate(READ)
        for texts_typed in await asyncio.gather(*read):
            for text in texts_typed:
                worked.data.add(text)
        read.clear()
        for lang, holder, text in texts:
            if lang and lang not in (language, ""):
                continue
            if path == "/console/admin" and text in worked.data.codes:
                continue  # whoever keeps the directory gives its items their codes
            found += [(path, holder, text[:90], fault) for fault in faults_of(text, language, worked.data)]
    await page.close()
    return found


@on_one_database
async def test_no_page_shows_a_code_an_id_or_a_word_of_another_language(worked: WorkedDay, browser: Browser) -> None:
    assert len(worked.tickets) >= 9, worked.tickets
    found: dict[str, set[Any]] = {}

    async def as_one(login: str) -> None:
        context = await browser.new_context(viewport={"width": 1400, "height": 900}, locale="zh-CN")
        await context.clock.set_fixed_time(worked.clock())
        page = await context.new_page()
        page.set_default_timeout(3 * PATIENCE)
        await page.goto(f"{worked.address}/console/login")
        await page.fill("input[name=login]", login)
        await page.fill("input[name=password]", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(lambda url: "/login" not in url)
        await page.close()
        for language in sized(SHORT[login], tuple(LANGUAGES)):
            for fault in await walk(context, worked, login, language):
                found.setdefault(f"{language} {login}", set()).add(fault)
        await context.close()

    turns = asyncio.Semaphore(2)  # more than two at once wait for each other where there are two processors

    async def in_turn(login: str) -> None:
        async with turns:
            await as_one(login)

    await asyncio.gather(*(in_turn(login) for login in STAFF))
    assert found == {}

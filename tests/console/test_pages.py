"""Every page, for everybody: reads well to machines that read aloud, speaks three written languages, asks nobody else,
is small."""

import asyncio
import json
import random
import re
import time
from typing import Any

import pytest
from playwright.async_api import Route, expect

from hotline.console.pages import PAGES, home_page, menu_pages
from hotline.console.rendering import POLICY
from hotline.organisation.model.actors import PERSON_ROLES, Role
from hotline.organisation.service.accounts import SESSION_COOKIE
from hotline.reporting.service.figures import update_rollups
from hotline.reporting.service.reports import make_due_reports
from tests.conftest import ROOT, Cast, Player, on_one_database
from tests.console.browsing import PASSWORD, Seat, needs_browser, outside
from tests.console.conftest import Office
from tests.console.measures import faults_in_looks
from tests.console.reading_aloud import violations
from tests.console.test_journey import DIALECT
from tests.sizes import sized

# What needs a browser runs on one database: a page has what it shows from the API, which is tested on both; the journeys
# (test_journey, test_admin) run on both in a browser too.
pytestmark = pytest.mark.timeout(150)
SEATS = {
    "operator": ("take", "tickets", "board"), "dispatcher": ("dispatch",), "supervisor": ("wall", "figures", "reports", "model"),
    "auditor": ("oversight",), "boss": ("admin",), "works": ("board", "account"),
}  # fmt: skip
MOST = 120_000  # bytes of a page with all it loads and asks for, as they come over the network
MOST_UNPACKED = 272_000  # of pages and files, which a processor reads


# what is read once more when the live stream begins counts once; an observer: the tests' clock stands in for `performance`, and has no entries
WEIGH = """() => Promise.all(["navigation", "resource"].map((type) => new Promise((done) => {
  new PerformanceObserver((list, all) => { all.disconnect(); done(list.getEntries()); }).observe({ type, buffered: true });
}))).then((found) => found.flat().filter((entry, n, all) => all.findIndex((other) => other.name === entry.name) === n).map((entry) => [entry.encodedBodySize, entry.name.includes("/console") * entry.decodedBodySize])
  .reduce(([packed, whole], [sent, file]) => [packed + sent, whole + file], [0, 0]))"""


async def weigh(seat: Seat, path: str) -> int:
    """Bytes of a page with all its files, packed as they come."""
    await seat.open(path)
    await seat.page.wait_for_load_state("load")
    await seat.page.wait_for_timeout(300)
    packed, whole = await seat.page.evaluate(WEIGH)
    assert packed > 10_000 and whole <= MOST_UNPACKED, (path, packed, whole)
    return int(packed)


# what reaches over the edge of its card or of the window, and cannot be scrolled to where it stands
SPILLS = """() => {
  const scrolls = (e) => e && e !== document.documentElement && (["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  const edge = document.documentElement.clientWidth;
  return [...document.querySelectorAll("header *, main *")].filter((e) => {
    const box = e.getBoundingClientRect();
    if (!box.width || !e.checkVisibility() || e.closest(".hidden, svg, [hidden], .skip") || scrolls(e.parentElement)) return false;
    const card = e.parentElement.closest(".card");
    return box.right > edge + 1 || (card && box.right > card.getBoundingClientRect().right + 1);
  }).map((e) => `${e.tagName} ${e.id} ${e.className} ${(e.textContent ?? "").trim().slice(0, 30)}`).slice(0, 5);
}"""
WIDTHS = (390, 1024, 1300, 1920)
DRAWN = {"wall": "#departments a.dep"}  # what shows that a page is drawn


async def spilled(seat: Seat) -> dict[int, list[str]]:
    """What reaches over an edge, and what else is wrong with how a page looks, at each width."""
    found = {}
    for width in WIDTHS:
        await seat.page.set_viewport_size({"width": width, "height": 900})
        over = await seat.page.evaluate(SPILLS)
        if wrong := [*over, *await faults_in_looks(seat.page, touch=width < 700)]:
            found[width] = wrong
    return found


@on_one_database
@needs_browser
async def test_every_page_can_be_read_aloud_is_small_and_stays_at_home(
    office: Office,
    cast: Cast,
    desk: Player,
    lift_ticket: dict[str, Any],
) -> None:
    await desk.call(DIALECT, location={"lat": 30.69, "lon": 103.83})
    await update_rollups(office.services, office.clock())
    office.clock.forward(days=1)
    while await update_rollups(office.services, office.clock()):
        pass
    await make_due_reports(office.services, office.clock())
    seen = 0
    for login, pages in SEATS.items():
        seat = await office.seat(login, service_workers="block")  # what it keeps is told as unpacked
        paths = [f"/console/{page}" for page in pages]
        if login == "supervisor":
            paths += ["/console/reports/day/2026-11-25", f"/console/tickets/{lift_ticket['number']}",
                      "/console/figures?by=category&figure=first_call&measure=accepted"]  # fmt: skip
        for path in paths:
            size = await weigh(seat, path)
            assert size <= MOST, (path, size)
            if (name := path.rpartition("/")[2]) in DRAWN:
                await seat.page.locator(DRAWN[name]).first.wait_for()
            assert await spilled(seat) == {}, path
            await seat.page.set_viewport_size({"width": 1400, "height": 900})
            for look in ("dark", "light"):
                await seat.page.emulate_media(color_scheme=look)
                assert await violations(seat.page, other_theme=look == "light") == [], (login, path, look)
                if look == "dark":
                    await seat.picture(re.sub(r"\W+", "-", f"{path}-dark").strip("-"))
            if login in ("supervisor", "boss", "auditor"):
                await seat.picture(re.sub(r"\W+", "-", path).strip("-"))
            seen += 1
        assert seat.wrong == [], login
        assert outside(seat) == []
        await seat.context.close()
    assert seen >= 12


@on_one_database
@needs_browser
async def test_a_log_in_sent_before_the_page_has_its_texts_is_made(office: Office) -> None:
    page = await (await office.browser.new_context(locale="zh-CN")).new_page()
    asked, sent = asyncio.Event(), asyncio.Event()

    async def slowly(route: Route) -> None:
        asked.set()
        await sent.wait()
        await route.continue_()

    await page.route("**/words.*.json", slowly)
    await page.goto(f"{office.address}/console/login")
    await asked.wait()
    await page.fill("input[name=login]", "works")
    await page.fill("input[name=password]", PASSWORD)
    await page.keyboard.press("Enter")
    sent.set()
    await page.wait_for_url("**/console/board")


@on_one_database
@needs_browser
@pytest.mark.parametrize(("language", "word"), [("zh-Hant", "承辦看板"), ("en", "Board"), ("zh-Hans", "承办看板")])
async def test_whoever_reads_another_language_reads_it_everywhere(office: Office, language: str, word: str) -> None:
    works = await office.seat("works")
    await works.page.click(f'.languages a[lang="{language}"]')
    await expect(works.page.locator("h1")).to_have_text(word)
    assert await works.page.get_attribute("html", "lang") == language
    if language == "en":
        assert not re.search(r"[\u4e00-\u9fff]", await works.page.inner_text("nav"))


@on_one_database
@needs_browser
async def test_whoever_chose_a_dark_page_has_it_on_every_page(office: Office) -> None:
    works = await office.seat("works")
    ground = "() => getComputedStyle(document.documentElement).backgroundColor"
    light = await works.page.evaluate(ground)
    await works.page.click('.themes a[href*="/theme/dark"]')
    await works.open("/console/tickets")
    assert await works.page.get_attribute("html", "data-theme") == "dark"
    assert await works.page.evaluate(ground) != light
    await works.page.emulate_media(color_scheme="dark")
    await works.page.click('.themes a[href*="/theme/light"]')
    assert await works.page.evaluate(ground) == light
    await expect(works.page.locator("#bar-search")).to_have_attribute("data-ready", "")
    await works.page.keyboard.press("/")
    await expect(works.page.locator("#bar-search input")).to_be_focused()
    await works.page.keyboard.type("nobody has this number")
    await works.page.keyboard.press("Enter")
    await expect(works.page.locator("#bar-hits")).to_have_text("暂无")
    await works.page.keyboard.press("Escape")
    await expect(works.page.locator("#bar-found")).to_be_hidden()


@on_one_database
@needs_browser
@pytest.mark.parametrize(("wide", "high"), [(360, 740), (3840, 2160)])
async def test_a_phone_and_a_wall_both_show_it_whole(
    office: Office, desk: Player, wide: int, high: int, lift_ticket: Any
) -> None:
    works = await office.seat("works")
    await works.page.set_viewport_size({"width": wide, "height": high})
    await works.page.reload()
    await expect(works.page.locator(".order")).to_have_count(1)
    spills = await works.page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert spills <= 0
    await works.picture(f"board-{wide}")


@pytest.mark.timeout(300)
@on_one_database
@needs_browser
@pytest.mark.parametrize("language", sized(["en"], ["zh-Hans", "zh-Hant", "en"]))
async def test_nothing_reaches_over_the_edge_of_a_page(
    office: Office, desk: Player, language: str, lift_ticket: dict[str, Any]
) -> None:
    """In simplified Chinese the walk above looks at it too, and alone where stories are told short."""
    await desk.call(DIALECT, location={"lat": 30.69, "lon": 103.83})
    found: dict[str, dict[int, list[str]]] = {}
    for login, pages in SEATS.items():
        seat = await office.seat(login)
        await seat.context.request.get(f"{seat.address}/console/language/{language}")
        for name in (*pages, f"tickets/{lift_ticket['number']}"):
            await seat.open(f"/console/{name}")
            await seat.page.wait_for_load_state("load")
            if name in DRAWN:
                await seat.page.locator(DRAWN[name]).first.wait_for()
            await seat.page.wait_for_timeout(300)
            if over := await spilled(seat):
                found[name] = over
        await seat.context.close()
    assert found == {}


async def test_every_page_has_its_policy_and_asks_who_comes(desk: Player) -> None:
    for page in PAGES:
        path = page.path.format(number="100000006", period="day", first="2026-11-25", code="100002")
        reply = await desk.http.get(path, headers={"authorization": ""})
        assert reply.status_code == 303 and reply.headers["location"].startswith("/console/login"), path
    login = await desk.http.get("/console/login")
    assert login.headers["content-security-policy"] == POLICY and "unsafe" not in POLICY
    assert "https://" not in login.text


async def test_the_cookie_alone_reads_and_writes_only_from_our_own_pages(
    desk: Player, app: Any, services: Any, clock: Any
) -> None:
    from hotline.organisation.model.grants import Grant
    from hotline.organisation.service.accounts import NewPerson, add_person

    await add_person(services, NewPerson("li", "李", "a long pass 24365", Grant(frozenset({Role.OPERATOR}))), clock())
    ask = desk.http
    ask.headers.pop("authorization")
    bad = await ask.post("/console/session", json={"login": "li", "password": "wrong"})
    assert bad.status_code == 401 and "set-cookie" not in bad.headers
    assert (await ask.post("/console/session", json=["x"])).status_code == 400
    assert (
        await ask.post(
            "/console/session", content=b'{"login":' + b"x" * 9000, headers={"content-type": "application/json"}
        )
    ).status_code == 400
    odd = await ask.post("/console/session", json={"login": "li\x00", "password": "x"})
    assert odd.status_code == 401  # nobody's name, and no fault of a database
    made = await ask.post("/console/session", json={"login": "li", "password": "a long pass 24365"})
    cookie = made.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert (await ask.get("/v1/me")).json()["name"] == "李"
    call = {"channel": "phone", "narrative": "路灯坏了"}
    assert (await ask.post("/v1/calls", json=call)).status_code == 401  # no page of ours says so
    for origin, site in (
        ("http://evil.example", None),
        ("http://hotline", "cross-site"),
        ("http://sub.hotline", "same-site"),
    ):
        headers = {"origin": origin, **({"sec-fetch-site": site} if site else {})}
        assert (await ask.post("/v1/calls", json=call, headers=headers)).status_code == 401, origin
    ours = {"origin": "http://hotline", "sec-fetch-site": "same-origin"}
    assert (await ask.post("/v1/calls", json=call, headers=ours)).status_code == 201
    assert (await ask.delete("/console/session")).status_code == 204
    assert (await ask.get("/v1/me")).status_code == 401


def test_password_fields_are_masked_and_take_all_that_may_be_chosen() -> None:
    """A field that takes less than the rules do would cut a password off without a word."""
    from hotline.organisation.model.passwords import MAX_LENGTH, MIN_LENGTH

    fields = [
        field
        for template in (ROOT / "src/hotline/console/templates").glob("*.html")
        for field in re.findall(r"<input[^>]*>", template.read_text(encoding="utf-8"))
        if "password" in field or 'name="again"' in field
    ]
    assert len(fields) == 4
    for field in fields:
        assert 'type="password"' in field and re.search(r'autocomplete="(?:current|new)-password"', field), field
        assert f'maxlength="{MAX_LENGTH}"' in field, field
    said = f"At least {MIN_LENGTH} characters, up to {MAX_LENGTH},"
    assert said in (ROOT / "docs/security.md").read_text(encoding="utf-8")
    scripts = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "src/hotline/console/static").glob("*.js"))
    assert not re.search(r'"(?:paste|onpaste)"', scripts)  # nothing keeps a password manager out


async def test_pages_and_the_directory_are_compressed_and_what_is_told_of_callers_is_not(
    office: Office, desk: Player
) -> None:
    cookie = {"cookie": f"{SESSION_COOKIE}={desk.http.headers['authorization'].removeprefix('Bearer ')}"}
    page = await desk.http.get("/console/take", headers=cookie)
    areas = await desk.http.get("/v1/directory/areas")
    for reply in (page, areas):
        assert reply.headers["content-encoding"] == "gzip" and reply.headers["vary"] == "accept-encoding"
        assert int(reply.headers["content-length"]) < len(reply.content)
    plain = await desk.http.get("/v1/directory/areas", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.content == areas.content
    # a word of the address that is like a key of the page makes it no shorter than one that is not
    keys = json.loads(re.findall('"(?:draft|queue)_keys": (\\[[^]]+])', page.text)[0])
    like = max(re.findall("[A-Za-z0-9]+", keys[0]), key=len)
    others = ["".join(random.Random(n).sample(like, len(like))) for n in range(6)]
    replies = [await desk.http.get("/console/take", params={"q": word}, headers=cookie) for word in (like, *others)]
    assert all(reply.text.count(keys[0]) == 1 for reply in replies) and replies[0].text.count(f"q%3D{like}") > 1
    lengths = [int(reply.headers["content-length"]) for reply in replies]
    assert lengths[0] >= min(lengths[1:]) - 1, (like, lengths)
    for words in (DIALECT, "路灯坏了", "垃圾没人收"):
        await desk.call(words)
    tickets = await desk.http.get("/v1/tickets")
    assert len(tickets.content) > 1000 and "content-encoding" not in tickets.headers


async def test_a_link_sends_nobody_elsewhere(desk: Player) -> None:
    for back in ("https://evil.example", "//evil.example", "/\\evil.example"):
        reply = await desk.http.get("/console/language/en", params={"back": back})
        assert reply.headers["location"] == "/console"


def test_everybody_has_a_page_to_begin_with_and_a_menu_of_their_own() -> None:
    for role in PERSON_ROLES:
        home = home_page({role})
        assert home is not None and role in home.roles
        assert all(role in page.roles for page in menu_pages({role}))
    assert home_page({Role.GATEWAY}) is None


async def test_a_kept_file_is_kept_for_good_and_an_old_one_is_gone(desk: Player) -> None:
    from hotline.console.rendering import static_version

    fresh = await desk.http.get(f"/console/static/{static_version()}/core.js")
    assert "immutable" in fresh.headers["cache-control"] and fresh.headers["content-type"].startswith("text/javascript")
    assert (await desk.http.get("/console/static/0000/core.js")).status_code == 404
    assert (await desk.http.get(f"/console/static/{static_version()}/..%2fapp.py")).status_code in (303, 404)
    began = time.monotonic()
    assert (await desk.http.get("/console/machine/ticket.svg?at=closed")).status_code == 401
    cookie = {"cookie": f"{SESSION_COOKIE}={desk.http.headers['authorization'].removeprefix('Bearer ')}"}
    assert len((await desk.http.get("/console/machine/ticket.svg?at=closed", headers=cookie)).content) > 1000
    assert time.monotonic() - began < 5

"""A resident without a log-in: reports, joins what others reported, looks it up, says that it is not fixed; and whoever
abuses the pages costs nobody else anything."""

import dataclasses
import hashlib
import itertools
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from hotline.database.engine import DatabaseUnavailable
from hotline.delivery.tables import outbox
from hotline.operations.doctor import run_checks
from hotline.organisation.model.actors import CLOCK
from hotline.organisation.service.directory import change
from hotline.public.jobs import retention
from hotline.public.limits import FormLimits
from hotline.public.model import Load, PublicSettings, bits_of_work, draw_map, late_by, listed_places, zero_bits
from hotline.public.photos import photo_address, photo_at
from hotline.public.proofs import ProofState, Purpose, use_proof
from hotline.public.tables import spent_proof
from hotline.runtime.settings import HotlineNumber
from hotline.settings import Settings
from hotline.tickets.context import Services
from hotline.tickets.lookup import format_moment, query_code
from hotline.tickets.tables import ticket as t
from tests.conftest import NOON, SECRET, Cast, Clock, Player, on_one_database
from tests.incidents.test_stories import storm_of_five
from tests.open311.test_open311 import publish
from tests.tickets.test_attachments import jpeg

LIFT = "3栋2单元电梯坏了，不动了"
FORM = {"words": LIFT, "place": "rq-b3", "where": "2单元电梯", "phone": "13800138000", "name": "王秀英", "reply": "1"}
HANS = {"lang": "zh-Hans"}
LIFT_ILL = {"words": "电梯关人，老人心脏病", "lang": "zh-Hans"}
BITS = 8


@pytest.fixture
async def resident(app: FastAPI, services: Services) -> AsyncIterator[httpx.AsyncClient]:
    services.add(replace(services.part(PublicSettings), work=BITS))
    transport = httpx.ASGITransport(app=app, client=("203.0.113.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline") as http:
        yield http


def work_of(proof: str) -> int:
    return zero_bits(hashlib.sha256(proof.encode()).digest())


async def proof_of(resident: httpx.AsyncClient, purpose: str = "report") -> str:
    challenge = (await resident.post("/report/challenge", data={"purpose": purpose})).text
    tries = (f"{challenge}.{n}" for n in itertools.count())
    return next(proof for proof in tries if work_of(proof) >= int(challenge.split(".")[2]))


def shown(page: httpx.Response, name: str) -> str:
    found = re.search(rf"data-{name}>([0-9]+)<", page.text)
    assert found, page.text
    return found[1]


async def report(resident: httpx.AsyncClient, key: str = "k1", *, photos: int = 0, **fields: str) -> httpx.Response:
    files = [("photos", (f"{n}.jpg", jpeg(n), "image/jpeg")) for n in range(photos)]
    return await resident.post("/report", data={**FORM, **HANS, "key": key, **fields}, files=files)


async def number_of_tickets(services: Services) -> int:
    return int(await services.db.transact(lambda c: c.scalar(sa.select(sa.func.count()).select_from(t))) or 0)


async def work_done(lifts: Player, watch: Player, number: str, draw: Callable[[int], bytes] = jpeg) -> None:
    """The department works on it, with photos before and after, and its result is approved."""
    ids = []
    for n, purpose in enumerate(("before", "after")):
        file = {"file": ("x", draw(50 + n))}
        made = await lifts.http.post(f"/v1/tickets/{number}/attachments", files=file, data={"purpose": purpose})
        ids.append(made.json()["id"])
    seen = await lifts.order(await lifts.see(number), "accept")
    result = {"internal_result": "换皮带", "public_reply": "电梯已恢复运行", "solved": True}
    seen = await lifts.order(seen, "report", **result, photos=ids)
    await watch.order(seen, "accept_report")


async def test_a_report_reaches_the_department_and_comes_back_to_the_resident(
    resident: httpx.AsyncClient, lifts: Player, watch: Player, desk: Player, clock: Clock, services: Services
) -> None:
    home = await resident.get("/")
    assert home.status_code == 200 and "119" in home.text and "set-cookie" not in home.headers
    sent = await report(resident, photos=2)
    assert sent.status_code == 201, sent.text
    number, code = shown(sent, "number"), shown(sent, "code")
    assert code == query_code(SECRET, number) and "<svg" in sent.text and code not in str(sent.url)
    seen = await desk.see(number)
    (order,) = seen["assignments"]
    assert re.search(rf"data-department>{order['department']['name']}<", sent.text)
    assert re.search(r"data-promised>\d+月\d+日\S+前<", sent.text) and seen["category"]["name"] in sent.text
    again = await report(resident, photos=2)  # the answer was lost
    assert (shown(again, "number"), await number_of_tickets(services)) == (number, 1)
    seen = await lifts.see(number)
    assert (seen["channel"], seen["area"]["code"], seen["counters"]["attachments"]) == ("web", "rq-b3", 2)
    assert (await desk.see(number))["caller"]["phone"] == "+8613800138000"
    stored = [path.read_bytes() for path in services.files.rglob("*") if path.is_file()]
    assert len(stored) == 2 and not any(b"GPS" in data or b"film" in data for data in stored)

    mine = {"number": number, "code": code, **HANS}
    page = await resident.post("/status", data=mine)
    assert "正在办理" in page.text and "催一催" in page.text
    assert "王秀英" not in page.text and "13800138000" not in page.text
    assert LIFT in page.text and f"我们理解为“{seen['category']['name']}”" in page.text
    assert "会自动上报督办员，不用您再打电话" in page.text
    assert (await desk.see(number))["promised_at"] is not None and "晚了" not in page.text
    clock.forward(days=9)
    late = (await resident.post("/status", data=mine)).text
    assert re.search(r'class="bad".*晚了 \d 天。.*很抱歉', late) and "正在自动上报督办员" in late and "<s>" in late
    clock.now = NOON + timedelta(hours=1)
    urged = await resident.post("/status/step", data={**mine, "step": "urge", "key": "u1"})
    assert "已替您催办" in urged.text and (await desk.see(number))["counters"]["urges"] == 1
    for n in (2, 3):
        urged = await resident.post("/status/step", data={**mine, "step": "urge", "key": f"u{n}"})
    assert "两次" in urged.text and (await desk.see(number))["counters"]["urges"] == 2
    told = await resident.post("/status/step", data={**mine, "step": "tell", "words": "在五楼", "key": "w1"})
    assert "已补充" in told.text and (await desk.see(number))["counters"]["calls"] == 2

    await work_done(lifts, watch, number)
    page = await resident.post("/status", data=mine)
    assert (
        f"{order['department']['name']}" in page.text and "报完工，您说了才算" in page.text and "（按时）" in page.text
    )
    assert LIFT in page.text  # what they added themselves is no other caller
    assert "还没修好" in page.text and "已修好" in page.text and "电梯已恢复运行" in page.text
    pictures = re.findall(r'src="(/status/photos/[^"]+)" alt="(.*?)"', page.text)
    assert [alt for _, alt in pictures] == ["修前", "修后"] and not any(code in at for at, _ in pictures)
    after = await resident.get(pictures[1][0])
    assert (after.status_code, after.headers["content-type"]) == (200, "image/jpeg")
    assert b"GPS" not in after.content and "sandbox" in after.headers["content-security-policy"]
    clock.forward(hours=1)
    assert (await resident.get(pictures[1][0])).status_code == 404  # its address does not hold for ever
    # what is promised of a reopening is what the policy says
    page = await resident.post("/status", data=mine)
    promised = re.search(r"新的办理时限到(.+?)。", page.text)
    broken = await resident.post("/status/step", data={**mine, "step": "broken", "words": "又停了", "key": "b1"})
    assert "重新安排办理" in broken.text
    seen = await desk.see(number)
    assert (seen["status"], seen["counters"]["reopens"]) == ("triaged", 1)
    limit = next(c for c in seen["clocks"]["running"] if c["metric"] == "resolve")["due_at"]
    directory = await services.directory.now(clock())
    assert promised and promised[1] == format_moment(directory, datetime.fromisoformat(limit), "zh-Hans")
    line = (await desk.get(f"/v1/tickets/{number}/timeline")).json()["items"][-1]
    assert line["by"]["kind"] == "resident" and "又停了" in line["reason"]
    # it stands on their page again, with what they said, until a department has it
    again = (await resident.post("/status", data=mine)).text
    assert f"{promised[1]}" in again and "<blockquote>又停了</blockquote>" in again
    looked = (await resident.post("/v1/lookup", json={"number": number, "code": mine["code"]})).json()
    assert datetime.fromisoformat(looked["promised_at"]) == datetime.fromisoformat(limit)


async def test_the_words_of_one_caller_are_not_shown_to_another(resident: httpx.AsyncClient, desk: Player) -> None:
    sent = await report(resident)
    mine = {"number": shown(sent, "number"), "code": shown(sent, "code"), **HANS}
    assert LIFT in (await resident.post("/status", data=mine)).text
    await desk.call("我也是", attach_to=mine["number"], caller={"phone": "13900139000"})
    page = await resident.post("/status", data=mine)
    assert page.status_code == 200 and LIFT not in page.text and "您说的" not in page.text


async def test_an_incident_is_told_to_all_unless_it_is_about_somebody(
    resident: httpx.AsyncClient, desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    _, _, incident = await storm_of_five(desk, services)
    clock.forward(seconds=5)
    home = await resident.get("/", params=HANS)
    assert "已有 5 人反映" in home.text and "水管爆裂" in home.text  # nobody opted to publish anything
    assert "139000" not in home.text
    parent = await switch.see(incident["parent"])
    parent = await switch.act(parent, "amend", reason="核实", kind="complaint")
    assert "已有 5 人反映" not in (await resident.get("/", params=HANS)).text
    parent = await switch.act(parent, "amend", reason="核实", kind="request")
    assert "已有 5 人反映" in (await resident.get("/", params=HANS)).text
    await switch.act(parent, "set_confidential", confidential=True, reason="要求保密")
    assert "已有 5 人反映" not in (await resident.get("/", params=HANS)).text


async def test_the_hotlines_number_stands_on_every_page_or_the_doctor_warns(
    resident: httpx.AsyncClient, services: Services, clock: Clock
) -> None:
    for path in ("/", "/status"):
        assert 'href="tel:24365"' in (await resident.get(path, params=HANS)).text
    assert [f.says for f in await run_checks(services, clock()) if f.check == "phone"] == [
        "residents' pages offer the hotline's number"
    ]
    home = (await services.directory.now(clock())).home
    assert home is not None
    await change(services.directory, [("house", home.code, replace(home, phone=None))], CLOCK, clock())
    for path in ("/", "/status"):
        shown_now = (await resident.get(path, params=HANS)).text
        assert "tel:24365" not in shown_now and "也可以打" not in shown_now
    (found,) = [f for f in await run_checks(services, clock()) if f.check == "phone"]
    assert "HOTLINE_RESIDENT_PHONE" in str(found)
    services.add(HotlineNumber("12345"))
    assert 'href="tel:12345"' in (await resident.get("/", params=HANS)).text


async def test_fixed_asks_for_the_rating_before_it_closes(
    resident: httpx.AsyncClient, lifts: Player, watch: Player, desk: Player, clock: Clock
) -> None:
    sent = await report(resident)
    mine = {"number": shown(sent, "number"), "code": shown(sent, "code"), "lang": "en"}
    await work_done(lifts, watch, mine["number"])
    silent = await resident.post("/status/step", data={**mine, "step": "fixed", "key": "f0"})
    assert "How satisfied" in silent.text and (await desk.see(mine["number"]))["status"] == "resolved"
    rated = await resident.post("/status/step", data={**mine, "step": "fixed", "rating": "satisfied", "key": "f1"})
    assert "Thank you" in rated.text and (await desk.see(mine["number"]))["status"] == "closed"
    clock.forward(days=29)
    page = await resident.post("/status", data=mine)
    assert "Still broken" in page.text and "How satisfied" not in page.text
    clock.forward(days=2)
    page = await resident.post("/status", data=mine)
    assert "Still broken" not in page.text and "report it as a new matter" in page.text
    late = await resident.post("/status/step", data={**mine, "step": "broken", "key": "b9"})
    assert "not possible any more" in late.text and (await desk.see(mine["number"]))["status"] == "closed"


async def test_a_danger_is_told_to_call_and_rings_as_on_every_channel(
    resident: httpx.AsyncClient, desk: Player, services: Services
) -> None:
    fire = "3栋2单元楼道着火了，有老人困在五楼"
    part = await resident.post("/report/advice", data={"words": fire, **HANS})
    assert 'role="alert"' in part.text and "tel:119" in part.text
    sent = await report(resident, words=fire)
    assert 'role="alert"' in sent.text and "tel:119" in sent.text
    seen = await desk.see(shown(sent, "number"))
    assert seen["priority"] == "emergency" and "danger:fire" in seen["flags"]
    by_phone = await desk.call(fire, location={"area": "rq-b3"})
    query = sa.text("SELECT kind FROM outbox WHERE number = :n AND kind = 'duty' ORDER BY 1")
    rung = await services.db.transact(
        lambda c: [list(c.scalars(query, {"n": n})) for n in (seen["number"], by_phone["number"])]
    )
    assert rung[0] == rung[1] and rung[0]
    # so do words of a danger that come with something else
    lift = await report(resident, "k2")
    mine = {"number": shown(lift, "number"), "code": shown(lift, "code")}
    told = await resident.post("/status/step", data={**mine, "step": "urge", "words": fire, "key": "d1"})
    assert "tel:119" in told.text and await number_of_tickets(services) == 4


GAS = "3栋2单元煤气味很大，我妈头晕站不起来了"


async def test_each_danger_has_its_own_words_and_numbers_and_no_time_is_promised(
    resident: httpx.AsyncClient, desk: Player, cast: Cast, services: Services
) -> None:
    """Gas and illness in one report: what to do in both, whom to call for both, and first of all a number to call
    back."""
    boss = await cast("boss")
    gas = (await boss.get("/v1/directory/departments/gas")).json()
    version = (await boss.get("/v1/directory/departments")).headers["etag"]
    body = {**gas, "phone": "028-82723456"}
    assert (
        await boss.http.put("/v1/directory/departments/gas", json=body, headers={"If-Match": version})
    ).status_code == 200
    part = await resident.post("/report/advice", data={"words": GAS, **HANS})
    sent = await report(resident, words=GAS, phone="")
    for page in (part, sent):
        assert all(f'href="tel:{number}"' in page.text for number in ("119", "120", "028-82723456")), page.text
        assert "不开关电器" in page.text and "不要随意移动病人" in page.text and "燃气抢修" in page.text
    for page in (part, sent):
        assert page.text.index("不开关电器") < page.text.index("不要随意移动病人")
    assert "请留下手机号" in part.text and "值班人员已收到警报" in sent.text
    assert sent.text.index("data-ask-phone") < sent.text.index("data-number")
    mine = {"number": shown(sent, "number"), "code": shown(sent, "code"), **HANS}
    seen = await desk.see(mine["number"])
    assert (
        seen["priority"] == "emergency"
        and seen["promised_at"]
        and seen["number"] in (await desk.get("/v1/alerts")).text
    )
    assert not re.search("data-promised|答应您", part.text + sent.text)
    own = await resident.post("/status", data=mine)
    assert "答应您" not in own.text and "tel:120" in own.text and "data-ask-phone" in own.text
    # the number is the ticket's, whether it comes as a call or as an answer; who reads it otherwise must reveal it
    asked = await report(resident, "k9", words="有点事情想问问", place="", where="", phone="")
    other = {"number": shown(asked, "number"), "code": shown(asked, "code"), **HANS}
    for own in (mine, other):
        for key, phone in (("p1", "12ab"), ("p2", "13900139000"), ("p2", "13900139000")):
            if own is other and (before := await desk.see(own["number"]))["caller"]["phone"] is None:
                await desk.act(before, "request_info", text="您的电话？")
            left = {**own, "step": "tell", "key": key, "phone": phone}
            assert (await resident.post("/status/step", data=left)).status_code == 200
        seen = await desk.see(own["number"])
        assert seen["caller"]["phone"] == "+8613900139000" and seen["caller"]["id"]
        assert "data-ask-phone" not in (await resident.post("/status", data=own)).text
    lines = (await (await cast("firemen")).get(f"/v1/tickets/{mine['number']}/timeline")).text
    assert "13900139000" not in lines and "补留了回电号码" in lines and "12ab" not in lines
    assert "12ab" in (await desk.get(f"/v1/tickets/{other['number']}/timeline")).text  # it stands nowhere else
    for language, words in (("zh-Hant", "不開關電器"), ("en", "Touch no switch")):
        page = await resident.post("/report/advice", data={"words": GAS, "lang": language})
        assert words in page.text and "tel:120" in page.text


async def test_who_tells_of_a_danger_and_no_place_is_asked_where_it_is(
    resident: httpx.AsyncClient, desk: Player, services: Services
) -> None:
    asked, where = {"words": "煤气味，头晕", **HANS}, "在哪儿？"
    part = (await resident.post("/report/advice", data=asked)).text
    assert where in part and part.index(where) < part.index("data-ask-more") and 'href="#place"' in part
    assert "马上离开" in part and "马上离开" not in (await resident.post("/report/advice", data=LIFT_ILL)).text
    for told in (
        {"place": "rq-b3"},
        {"where": "大门口"},
        {"lat": "30.6", "lon": "103.8"},
        {"words": "3栋煤气味，头晕"},
    ):
        assert where not in (await resident.post("/report/advice", data={**asked, **told})).text, told
    assert where in (await resident.post("/report/advice", data={**asked, "place": "-"})).text  # not on the list
    home = (await resident.get("/")).text
    first, other = re.findall(r'<option value="(.?)">([^<]+)<', home)[:2]
    assert first == ("", "请选择楼栋") and other == ("-", "不在楼里，或清单里没有")

    placed = await report(resident, words="3栋2单元电梯关人了", place="", where="", phone="")
    assert "data-ask-phone" in placed.text and "danger-place" not in placed.text
    sent = await report(resident, "k2", words="煤气味，头晕", place="-", where="", phone="")
    form = sent.text[sent.text.index("data-ask-phone") :]
    assert "几栋几单元几楼" in form and 'id="danger-phone"' in form and form.count('value="rq-b') > 20
    mine = {"number": shown(sent, "number"), "code": shown(sent, "code"), **HANS}
    assert (await desk.see(mine["number"]))["area"]["code"] == "rq"
    alarms = await alarms_of(services, mine["number"])
    told = {**mine, "step": "tell", "key": "w1", "place": "rq-b16", "where": "1单元5楼 502", "phone": "13900139000"}
    page = await resident.post("/status/step", data={**told, "words": "里面一个老人"})
    assert page.status_code == 200 and "值班人员会打给您" in page.text and "danger-place" not in page.text
    seen = await desk.see(mine["number"])
    assert (seen["caller"]["phone"], seen["area"]["code"]) == ("+8613900139000", "rq-b16")
    assert (seen["location"]["unit"], seen["location"]["floor"]) == ("1", "5") and "16栋" in seen["title"]
    calls = (await desk.get(f"/v1/tickets/{mine['number']}/calls")).text
    assert "里面一个老人" in calls and "502" in calls
    assert await alarms_of(services, mine["number"]) == alarms + 1  # or nobody would look again
    again = await resident.post("/status/step", data={**told, "key": "w2", "place": "rq-b3", "where": ""})
    assert again.status_code == 200
    assert (await desk.see(mine["number"]))["area"]["code"] == "rq-b16"  # what was told first stands; a person amends
    nothing = await resident.post("/status/step", data={**mine, "step": "tell", "key": "w3"})
    assert "已补充" not in nothing.text and (await desk.see(mine["number"]))["counters"]["calls"] == 3
    # asked by the desk, they answer: the same place, without a call
    third = await report(resident, "k3", words="煤气味，头晕", place="", where="", phone="")
    mine = {"number": shown(third, "number"), "code": shown(third, "code"), **HANS}
    assert "danger-place" in (await resident.post("/status", data=mine)).text
    await desk.act(await desk.see(mine["number"]), "request_info", text="在哪里？")
    page = await resident.post("/status/step", data={**mine, "step": "tell", "key": "w1", "words": "在7栋2单元"})
    seen = await desk.see(mine["number"])
    assert (seen["status"], seen["area"]["code"], seen["location"]["unit"]) != ("awaiting_info", "rq", None)
    assert seen["area"]["code"] == "rq-b7" and "已告诉值班人员" in page.text


async def test_only_a_chosen_place_moves_a_danger_and_the_desk_is_told_of_all_that_is_added(
    resident: httpx.AsyncClient, desk: Player, services: Services
) -> None:
    sent = await report(resident, words="煤气味，头晕", place="-", where="", phone="13900139000")
    mine = {"number": shown(sent, "number"), "code": shown(sent, "code"), **HANS, "step": "tell"}
    alarms = await alarms_of(services, mine["number"])
    for n, words in enumerate(
        (
            "我们已经下楼了，都在5栋大门口等消防",
            "We are waiting outside building 5, smell of gas",
            "1单元5楼",
            "味道不大了",
        )
    ):
        page = await resident.post("/status/step", data={**mine, "key": f"w{n}", "words": words})
        assert "已告诉值班人员" in page.text
        assert await alarms_of(services, mine["number"]) == alarms + 1 + n, words
        seen = await desk.see(mine["number"])
        assert (seen["area"]["code"], seen["location"]["building"]) == ("rq", None) and "5栋" not in seen["title"]
        assert "danger-place" in (await resident.post("/status", data=mine)).text
    other = await resident.post("/status/step", data={**mine, "key": "p", "phone": "13700137000"})
    assert "已告诉值班人员" in other.text and "会打给您" not in other.text  # at another number than the ticket's
    assert await alarms_of(services, mine["number"]) == alarms + 5
    await resident.post("/status/step", data={**mine, "key": "c", "words": "下楼了，在5栋门口等", "place": "rq-b16"})
    assert (await desk.see(mine["number"]))["area"]["code"] == "rq-b16"
    # one that was read gives way to one that is chosen; words beside the danger are an answer where there is none
    for key, words, told, area in (
        ("k2", "5栋煤气味，头晕", {"words": "", "place": "rq-b7"}, "rq-b7"),
        ("k3", "煤气味，头晕", {"words": "7栋2单元漏气"}, "rq-b7"),
    ):
        sent = await report(resident, key, words=words, place="", where="", phone="13900139000")
        mine = {"number": shown(sent, "number"), "code": shown(sent, "code"), **HANS, "step": "tell"}
        await resident.post("/status/step", data={**mine, "key": "c", **told})
        seen = await desk.see(mine["number"])
        assert seen["area"]["code"] == area and "7栋" in seen["title"] and "5栋" not in seen["title"], told


async def test_whoever_reports_a_lift_is_asked_for_the_ill_in_it(resident: httpx.AsyncClient) -> None:
    part = (await resident.post("/report/advice", data=LIFT_ILL)).text
    sent = (await report(resident, words=LIFT_ILL["words"], place="", where="", phone="")).text
    for page in (part, sent):
        assert "有没有人受伤、发病？" in page and "tel:119" in page and "tel:120" in page
    assert 'class="heard' not in part or 'class="heard"' not in part  # no tick beside a danger
    english = (await resident.post("/report/advice", data={**LIFT_ILL, "lang": "en"})).text
    assert "Where is it?" in english and "hurt" in english


async def alarms_of(services: Services, number: str) -> int:
    query = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.kind == "alarm", outbox.c.number == number)
    return int(await services.db.transact(lambda c: c.scalar(query)) or 0)


async def test_what_others_reported_is_offered_only_where_it_is_published(
    resident: httpx.AsyncClient, cast: Cast, desk: Player, services: Services
) -> None:
    asked = {"words": LIFT, "place": "rq-b4", **HANS}
    known = await desk.call(LIFT, caller={"phone": "13900139000", "name": "李建国"}, location={"area": "rq-b3"})
    heard = await resident.post("/report/advice", data=asked)
    assert "电梯" in heard.text and "我也遇到" not in heard.text
    refused = await resident.post("/report/join", data={**FORM, "number": known["number"], "key": "j0"})
    assert refused.status_code == 409 and LIFT in refused.text  # nothing typed is lost
    await publish(cast, known["category"]["code"], public_channels=["phone"])
    heard = await resident.post("/report/advice", data=asked)
    assert "我也遇到" in heard.text and known["number"] in heard.text
    assert not any(word in heard.text for word in ("李建国", "13900139000", "不动了"))
    joining = {**FORM, "number": known["number"], "key": "j1", "proof": await proof_of(resident, "join")}
    joined = await resident.post("/report/join", data=joining)
    assert joined.status_code == 201, joined.text
    assert "data-code" not in joined.text and query_code(SECRET, known["number"]) not in joined.text
    await resident.post("/report/join", data=joining)  # pressed twice
    assert (await desk.see(known["number"]))["counters"]["calls"] == 2 and await number_of_tickets(services) == 1
    danger = {**FORM, "words": "电梯里有人被困，喘不上气", "number": known["number"], "key": "j2"}
    apart = await resident.post("/report/join", data=danger)
    assert "tel:1" in apart.text and shown(apart, "number") != known["number"]


async def test_a_proof_counts_once_for_its_purpose_and_for_its_time(
    resident: httpx.AsyncClient, services: Services, clock: Clock
) -> None:
    async def worth(proof: str, used_for: str = "a", purpose: Purpose = Purpose.REPORT) -> str:
        return await use_proof(services, proof, purpose, used_for, clock())

    proof = await proof_of(resident)
    assert await worth(proof, purpose=Purpose.JOIN) == ProofState.FORGED
    assert [await worth(proof), await worth(proof), await worth(proof, "b")] == ["good", "good", "used"]
    other = await proof_of(resident)
    version, purpose, bits, expires, *rest = other.split(".")
    forged = (
        ".".join((version, purpose, "0", expires, *rest)),
        ".".join((version, purpose, bits, str(int(expires) + 999), *rest)),
        "1.report.8.9.x.00.1", f"{other}.é", "....", "é" * 300,
    )  # fmt: skip
    assert {await worth(each) for each in forged} == {ProofState.FORGED} and await worth("") == ProofState.NONE
    tries = (f"{other.rpartition('.')[0]}.{n}" for n in itertools.count())
    assert await worth(next(each for each in tries if work_of(each) < BITS)) == ProofState.UNSOLVED
    clock.forward(minutes=11)
    assert await worth(other) == ProofState.EXPIRED
    assert await retention()[0].tidy(services, clock()) == 1
    assert await services.db.transact(lambda c: c.scalar(sa.select(sa.func.count()).select_from(spent_proof))) == 0
    assert (await resident.post("/report/challenge", data={"purpose": "other"})).status_code == 422
    asked = [(await resident.post("/report/challenge", data={"purpose": "report"})).text for _ in range(27)]
    hard = [int(challenge.split(".")[2]) for challenge in asked]
    assert (hard[0], hard[-1]) == (BITS, BITS + 3)  # whoever asks for many works more


async def test_an_address_that_sends_too_many_is_held_back_and_loses_nothing(
    resident: httpx.AsyncClient, services: Services, clock: Clock
) -> None:
    services.add(replace(services.part(PublicSettings), plain_reports=2, reports=3))
    for n in range(2):
        assert (await report(resident, f"p{n}", words=f"路灯坏了第{n}盏")).status_code == 201
    held = await report(resident, "p9", words="路灯又坏了一盏 <b>")
    assert held.status_code == 429 and int(held.headers["retry-after"]) > 60
    assert "路灯又坏了一盏 &lt;b&gt;" in held.text and 'value="p9"' in held.text and "13800138000" in held.text
    assert (await report(resident, "p1", words="路灯坏了第1盏")).status_code == 201  # a repeat is no further report
    assert (await report(resident, "p8", words="3栋着火了，人困在里面")).status_code == 201  # a danger is taken
    used = await proof_of(resident)
    assert (await report(resident, "q0", words="井盖松了", proof=used)).status_code == 201
    assert (await report(resident, "q1", words="井盖又松了", proof=used)).status_code == 429  # it counts once
    for n in (2, 3, 4):
        sent = await report(resident, f"q{n}", words=f"井盖{n}", proof=await proof_of(resident))
        assert sent.status_code == (201 if n < 4 else 429)
    clock.forward(hours=1, seconds=1)
    assert (await report(resident, "p9", words="路灯又坏了一盏")).status_code == 201
    services.add(FormLimits())
    statuses = [(await resident.post("/report", data={})).status_code for _ in range(31)]
    assert statuses[:30] == [422] * 30 and statuses[30] == 429


async def test_what_is_odd_loses_no_report_and_harms_nobody(
    resident: httpx.AsyncClient, desk: Player, services: Services
) -> None:
    script = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> 路灯不亮"
    odd = {
        "place": "nowhere",
        "lat": "91",
        "lon": "abc",
        "phone": "not a number",
        "name": "\u202e<b>x",
        "where": script,
    }
    sent = await report(resident, words=script, **odd)
    assert sent.status_code == 201
    number, code = shown(sent, "number"), shown(sent, "code")
    seen = await desk.see(number)
    assert seen["narrative"].startswith("<script>") and seen["location"].get("lat") is None
    for page in (
        await resident.post("/status", data={"number": number, "code": code}),
        await resident.post("/report", data={"words": "", "where": script, "name": script}),
        await resident.post("/report/advice", data={"words": script, "where": script}),
        await resident.get("/", params={"lang": "<script>", "elder": '"><script>'}),
    ):
        assert "<script>alert" not in page.text and "<img src=x" not in page.text
        policy = page.headers["content-security-policy"]
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy and "script-src 'self'" in policy
    program = [("photos", ("x.jpg", b"MZ\x90 a program", "image/jpeg"))]
    lost = await resident.post("/report", data={**FORM, **HANS, "key": "odd"}, files=program)
    assert lost.status_code == 201 and "没能收下" in lost.text
    picture = [("photos", ("x.jpg", jpeg(3), "image/jpeg"))]
    five = await resident.post("/report", data={**FORM, **HANS, "key": "five"}, files=picture * 5)
    assert "收到 3 张" in five.text and "有 2 张" in five.text
    assert (await resident.post("/report", data={}, files=picture)).status_code == 201
    large = {"content-type": "multipart/form-data; boundary=x", "content-length": str(33 << 20)}
    assert (await resident.post("/report", content=b"x", headers=large)).status_code == 413
    assert (await resident.post("/report", json={"words": "x"})).status_code == 415
    assert (await resident.post("/report/advice", data={"words": "字" * 40_000})).status_code == 413
    many = {f"f{n}": "x" for n in range(100)}
    assert (await resident.post("/report", data={**FORM, **many}, files=picture)).status_code == 400
    wrong = {"number": number, "code": "000000" if code != "000000" else "111111"}
    for status in (404,) * 5 + (429,):
        page = await resident.post("/status", data=wrong)
        assert page.status_code == status and "路灯" not in page.text
    # what is confidential is not looked up by its code
    hidden = await report(resident, "h1", hidden="1")
    assert "data-code" not in hidden.text and "保密" in hidden.text
    assert (await desk.see(shown(hidden, "number")))["caller"]["confidential"] is True


@on_one_database
async def test_only_named_pages_may_show_the_form(resident: httpx.AsyncClient, services: Services) -> None:
    plain = await resident.get("/embed")
    assert plain.headers["content-security-policy"].endswith("frame-ancestors 'none'")
    assert plain.headers["x-frame-options"] == "DENY"
    services.add(replace(services.part(PublicSettings), frames=("https://community.example",)))
    for reply in (await resident.get("/embed"), await resident.post("/embed", data={**FORM, "key": "e1"})):
        assert reply.headers["content-security-policy"].endswith("frame-ancestors https://community.example")
        assert "x-frame-options" not in reply.headers and "<header" not in reply.text
    assert (await resident.get("/")).headers["x-frame-options"] == "DENY"
    with pytest.raises(ValueError, match="an origin is"):
        Settings(embed_origins="https://a.example; script-src *")


@on_one_database
async def test_the_pages_answer_while_the_database_is_away(
    resident: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resident.get("/")

    async def away(*_: Any, **__: Any) -> Any:
        raise DatabaseUnavailable("away")

    for verb in ("rows", "transact", "snapshot"):
        monkeypatch.setattr(services.db, verb, away)
    assert (await resident.get("/")).status_code == 200
    page = await report(resident)
    assert page.status_code == 503 and LIFT in page.text and "119" in page.text  # there is no spool in this process
    assert (await resident.post("/status", data={"number": "100000006", "code": "1"})).status_code == 503


def test_work_lateness_and_addresses_follow_their_rules() -> None:
    loads = (Load(1, 1), Load(59, 5), Load(60, 1), Load(120, 1), Load(1, 6), Load(9999, 999))
    assert [bits_of_work(16, load) for load in loads] == [16, 16, 17, 18, 17, 21]
    spans = (timedelta(0), timedelta(seconds=5), timedelta(hours=3), timedelta(days=2, hours=5))
    told = [late_by(NOON, NOON + span) for span in spans]
    assert [(x.unit, x.amount) if x else None for x in told] == [None, ("minutes", 1), ("hours", 3), ("days", 2)]
    address = photo_address(SECRET, "100000006", "abc", NOON)
    assert photo_at(SECRET, address, NOON) == ("100000006", "abc")
    wrong = (address[:-4], "AAAA", "é", "", address.swapcase())
    assert [photo_at(SECRET, each, NOON) for each in wrong] == [None] * 5
    assert photo_at(b"another secret, which is long enough", address, NOON) is None


@on_one_database
async def test_buildings_stand_in_the_order_of_their_numbers_and_on_a_map(
    services: Services, cast: Cast, resident: httpx.AsyncClient
) -> None:
    directory = await services.directory.now(NOON)
    (group,) = [g for g in listed_places(directory) if len(g.places) > 20]
    assert [a.code for a in group.places[:3]] == ["rq-b1", "rq-b2", "rq-b3"] and group.places[9].code == "rq-b10"
    whole = draw_map(group.places)
    assert whole is not None and len(whole.points) == len(group.places)
    assert draw_map([dataclasses.replace(place, lat=None, lon=None) for place in group.places]) is None
    boss, areas = await cast("boss"), "/v1/directory/areas"

    async def put(code: str, lat: float, lon: float | None) -> httpx.Response:
        tag = (await boss.get(areas)).headers["etag"]
        item = {**(await boss.get(f"{areas}/{code}")).json(), "lat": lat, "lon": lon}
        return await boss.http.put(f"{areas}/{code}", json=item, headers={"if-match": tag})

    assert (
        (await put("rq-b1", 30.6901, 103.8301)).status_code
        == (await put("rq-b2", 30.6911, 103.8321)).status_code
        == 200
    )
    half = await put("rq-b3", 95, None)
    assert half.status_code == 422 and "WGS84" in half.text and "go together" in half.text
    page = (await resident.get("/")).text
    assert page.count('<g data-place="rq-b') == len(group.places) and "data-map" in page
    moved = draw_map([p for g in listed_places(await services.directory.now(NOON)) for p in g.places])
    assert moved is not None
    assert [(p.lat, p.lon) for p in moved.points if p.code in ("rq-b1", "rq-b2")] == [
        (30.6901, 103.8301),
        (30.6911, 103.8321),
    ]

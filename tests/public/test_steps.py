"""What residents do on the page of their ticket: a danger rings once and has a number, limits hold, nothing is lost."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from hotline.database.engine import DatabaseUnavailable
from hotline.delivery.tables import outbox
from hotline.inbound.spool import Spool
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Area
from hotline.organisation.model.vocabulary import AreaLevel
from hotline.public.limits import FormLimits
from hotline.public.model import MOST_LISTED, PublicSettings, listed_places, read_report
from hotline.public.photos import photo_address, photo_at
from hotline.tickets.context import Services
from tests.conftest import NOON, SECRET, Cast, Clock, Player, on_one_database
from tests.inbound.test_spool import Cut
from tests.open311.test_open311 import publish
from tests.public.test_reports import FORM, HANS, LIFT, number_of_tickets, report, resident, shown, work_done
from tests.tickets.test_attachments import jpeg

__all__ = ["resident"]
FIRE = "3栋2单元楼道着火了，有老人困在五楼"


async def mine(resident: httpx.AsyncClient, key: str = "k1", **fields: str) -> dict[str, str]:
    sent = await report(resident, key, **fields)
    return {"number": shown(sent, "number"), "code": shown(sent, "code"), **HANS}


async def step(
    resident: httpx.AsyncClient, own: dict[str, str], word: str, key: str, photos: int = 0, **fields: str
) -> httpx.Response:
    files = [("photos", (f"{n}.jpg", jpeg(len(key) * 10 + n), "image/jpeg")) for n in range(photos)]
    return await resident.post("/status/step", data={**own, "step": word, "key": key, **fields}, files=files)


async def sent_about(services: Services, kind: str) -> list[str]:
    query = sa.select(outbox.c.number).where(outbox.c.kind == kind)
    return list(await services.db.transact(lambda c: c.scalars(query).all()))


def danger(page: httpx.Response, name: str = "number") -> str:
    found = re.search(rf"data-danger-{name}>([0-9]+)<", page.text)
    assert found, page.text
    return found[1]


async def test_a_danger_told_as_the_answer_to_a_question_rings_and_has_a_number(
    resident: httpx.AsyncClient, desk: Player, services: Services
) -> None:
    own = await mine(resident, words="有点事情想问问", place="", where="")
    seen = await desk.act(await desk.see(own["number"]), "request_info", text="在哪里？")
    told = await step(resident, own, "tell", "t1", photos=1, words=FIRE)
    assert "tel:119" in told.text and "值班人员已收到" in told.text
    apart, code = danger(told), danger(told, "code")
    rung = await desk.see(apart)
    assert (rung["priority"], rung["counters"]["attachments"]) == ("emergency", 1) and "danger:fire" in rung["flags"]
    assert rung["caller"]["phone"] == "+8613800138000"  # the crew can call back
    assert await sent_about(services, "alarm") == [own["number"]] and apart in await sent_about(services, "duty")
    assert (await desk.see(seen))["status"] != "awaiting_info"
    assert (await resident.post("/status", data={"number": apart, "code": code})).status_code == 200
    # the same danger again: the operators are alarmed, nobody is woken anew
    rings = await sent_about(services, "duty")
    for key in ("t2", "t2", "t3"):
        assert danger(await step(resident, own, "tell", key, words=f"{FIRE}，火更大了 {key}")) == apart
    assert await number_of_tickets(services) == 2 and await sent_about(services, "duty") == rings
    assert (await desk.see(apart))["counters"]["calls"] == 3
    assert (await sent_about(services, "alarm")).count(apart) == 2
    urged = await step(resident, own, "urge", "u1", words=FIRE)
    assert danger(urged) == apart and (await desk.see(own["number"]))["counters"]["urges"] == 1


async def test_the_duty_staff_are_said_to_know_only_where_they_were_alarmed(
    resident: httpx.AsyncClient,
    desk: Player,
    cast: Cast,
    watch: Player,
    services: Services,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, unknown = "值班人员已收到警报", "值班人员还不知道这一险情"
    own = await mine(resident, words=FIRE)
    for n in range(3):  # of a danger that the ticket knows of, more often than it may be urged
        urged = await step(resident, own, "urge", f"u{n}", words=f"火又烧起来了，烧到{n + 3}楼了")
        assert known in urged.text and await sent_about(services, "alarm") == [own["number"]] * (n + 1)
    seen = await desk.see(own["number"])
    assert (seen["counters"]["calls"], seen["counters"]["urges"]) == (4, 0)
    # asked for something, they tell of the danger again
    await desk.act(seen, "request_info", text="几楼？")
    told = await step(resident, own, "tell", "t1", words="五楼，火还在烧，有人困在里面")
    assert known in told.text and len(await sent_about(services, "alarm")) == 4
    # found to be none, it is one when it is told again: with a ticket of its own
    await desk.act(await desk.see(own["number"]), "amend", priority="normal", reason="烧烤的烟")
    again = await step(resident, own, "urge", "u9", words="真的起火了，三楼在烧")
    assert known in again.text and (await desk.see(danger(again)))["priority"] == "emergency"
    # nor does anybody act on one whose ticket has ended
    ended = await mine(resident, "k2", words="5栋着火了，人困在里面")
    await desk.act(await desk.see(ended["number"]), "withdraw", reason="火已经灭了")
    for n in range(2):
        late = await step(resident, ended, "tell", f"b{n}", words="又着火了，人困在里面")
        assert known in late.text and (await desk.see(danger(late)))["status"] == "dispatched"
    # what is kept for later has alerted nobody
    services.spool = Spool(tmp_path / "spool", SECRET)
    with Cut(services.db, monkeypatch):
        kept = await report(resident, "k3", words=FIRE)
    assert kept.status_code == 202 and unknown in kept.text and "提交后，值班人员" not in kept.text
    services.spool.close()
    services.spool = None


async def test_steps_are_counted_for_each_ticket_and_each_address(
    resident: httpx.AsyncClient, cast: Cast, desk: Player, services: Services, clock: Clock
) -> None:
    services.add(replace(services.part(PublicSettings), plain_reports=2))
    own = await mine(resident)
    for n in range(12):
        reply = await step(resident, own, "tell", f"w{'x' * n}", photos=3, words=f"说{n}")
        assert reply.status_code == 200
    assert "没能收下" in reply.text  # the ticket has enough of them
    seen = await desk.see(own["number"])
    assert seen["counters"]["attachments"] == 30
    held = await step(resident, own, "tell", "w99", words="再说一句 <b>")
    assert held.status_code == 429 and int(held.headers["retry-after"]) > 60
    assert "再说一句 &lt;b&gt;" in held.text and own["code"] in held.text and 'value="w99"' in held.text
    assert (await step(resident, own, "tell", "w", words="说0")).status_code == 200  # a repeat is no further one
    # a danger has a count of its own, that of all dangers of this address
    assert danger(await step(resident, own, "tell", "d0", words=FIRE))
    told = [await report(resident, f"f{n}", words=f"{n + 5}栋着火了，人困在里面") for n in range(6)]
    assert [each.status_code for each in told] == [201] * 5 + [429] and "着火了" in told[5].text
    rings = await number_of_tickets(services)
    gas = await step(resident, own, "tell", "d1", words="楼道里煤气泄漏，味道很大，有人晕倒")
    assert gas.status_code == 429 and "煤气泄漏" in gas.text and await number_of_tickets(services) == rings
    # a resident's own words make no further caller
    await publish(cast, seen["category"]["code"], public_channels=["web"])
    heard = await resident.post("/report/advice", data={"words": LIFT, "place": "rq-b4", **HANS})
    assert own["number"] in heard.text and "1 人反映" in heard.text and "14 人" not in heard.text
    clock.forward(hours=1, seconds=1)
    assert (await step(resident, own, "tell", "w99", words="再说一句")).status_code == 200
    # pressed again, an urge is the same urge
    for _ in range(3):
        urged = await step(resident, own, "urge", "same")
        assert "已替您催办" in urged.text
    assert (await desk.see(own["number"]))["counters"]["urges"] == 1
    assert "已替您催办" in (await step(resident, own, "urge", "other")).text
    # in the second minute's worth of forms only a danger is taken, and words come back
    services.add(FormLimits())
    for _ in range(30):
        await resident.post("/report", data={})
    busy = await step(resident, own, "tell", "b1", words="写了半天的话")
    assert busy.status_code == 429 and "写了半天的话" in busy.text and own["code"] in busy.text
    back = await report(resident, "b2", words="路灯也坏了")
    assert back.status_code == 429 and "路灯也坏了" in back.text
    assert (await report(resident, "b3", words="9栋着火了，人困在里面")).status_code == 201


@on_one_database
async def test_a_step_that_could_not_be_done_comes_back_with_its_words(
    resident: httpx.AsyncClient,
    lifts: Player,
    watch: Player,
    desk: Player,
    services: Services,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = await mine(resident)
    await work_done(lifts, watch, own["number"])
    unrated = await step(resident, own, "fixed", "f0", words="师傅很好")
    assert "师傅很好</textarea>" in unrated.text and (await desk.see(own["number"]))["status"] == "resolved"
    await step(resident, own, "fixed", "f1", rating="satisfied")
    clock.forward(days=31)
    late = await step(resident, own, "broken", "b1", words="又停了，还有异响")
    assert "现在不能这样操作" in late.text and "又停了，还有异响" in late.text

    async def away(*_: Any, **__: Any) -> Any:
        raise DatabaseUnavailable("away")

    for verb in ("rows", "transact", "snapshot"):
        monkeypatch.setattr(services.db, verb, away)
    gone = await step(resident, own, "broken", "b2", words="很长的一段话写了半天")
    assert gone.status_code == 503 and 'value="b2"' in gone.text and 'value="broken"' in gone.text
    assert all(word in gone.text for word in ("很长的一段话写了半天", own["number"], own["code"]))


async def test_a_result_is_told_once_its_approval_can_be_undone_no_longer(
    resident: httpx.AsyncClient, lifts: Player, watch: Player, services: Services, clock: Clock
) -> None:
    services.hold = timedelta(seconds=10)
    own = await mine(resident)
    await work_done(lifts, watch, own["number"])
    page = await resident.post("/status", data=own)
    assert 'value="fixed"' not in page.text and "电梯已恢复运行" not in page.text and "正在办理" in page.text
    for word, more in (("fixed", {"rating": "satisfied"}), ("broken", {"words": "还是坏的"})):
        early = await step(resident, own, word, f"early {word}", **more)
        assert "现在不能这样操作" in early.text and 'value="fixed"' not in early.text
    looked = (await resident.post("/v1/lookup", json={"number": own["number"], "code": own["code"]})).json()
    assert (looked["status"], looked["reply"], looked["photos"]) == ("dispatched", None, [])
    assert "accept_report" not in {each["action"] for each in looked["steps"]}
    undone = await watch.act(await watch.see(own["number"]), "undo")
    assert undone["status"] == "dispatched"
    await watch.order(undone, "accept_report")
    clock.forward(seconds=11)
    page = await resident.post("/status", data=own)
    assert 'value="fixed"' in page.text and "电梯已恢复运行" in page.text
    assert "谢谢" in (await step(resident, own, "fixed", "f1", rating="satisfied")).text


async def test_me_too_takes_the_photos_and_stays_within_its_frame(
    resident: httpx.AsyncClient, cast: Cast, desk: Player, services: Services
) -> None:
    frame = "https://community.example"
    services.add(replace(services.part(PublicSettings), frames=(frame,)))
    known = await desk.call(LIFT, caller={"phone": "13900139000"}, location={"area": "rq-b3"})
    page = (await resident.get("/embed")).text
    assert 'name="embedded" value="1"' in page
    joining = {**FORM, **HANS, "number": known["number"], "embedded": "1"}
    picture = [("photos", ("1.jpg", jpeg(1), "image/jpeg"))]
    ended = await resident.post("/report/join", data={**joining, "key": "j0"}, files=picture)
    assert ended.status_code == 409 and 'action="/embed"' in ended.text and "<header" not in ended.text
    assert ended.headers["content-security-policy"].endswith(f"frame-ancestors {frame}")
    await publish(cast, known["category"]["code"], public_channels=["phone"])
    for _ in range(2):
        joined = await resident.post("/report/join", data={**joining, "key": "j1"}, files=picture)
        assert joined.status_code == 201 and 'href="/embed?' in joined.text and "x-frame-options" not in joined.headers
    assert (await desk.see(known))["counters"]["attachments"] == 1 and "收到 1 张" in joined.text
    own = await mine(resident)
    for shown_as in ({"shown": "taken"}, {}):
        again = await resident.post("/status", data={**own, "lang": "en", **shown_as})
        assert again.status_code == 200 and own["code"] in again.text and 'lang="en"' in again.text
        assert ("data-code>" in again.text) is bool(shown_as)
    assert 'href="/?lang=en"' in (await report(resident, "n1", words="")).text


def test_words_and_addresses_are_read_as_they_were_meant() -> None:
    read = read_report({"words": "电话12345678\u300013800138000\t5楼\u00a0\u200b东", "where": "a\u3000b"})
    assert (read.words, read.where) == ("电话12345678 13800138000 5楼 东", "a b")
    address = photo_address(SECRET, "100000006", "abc", NOON)
    assert "MTAwMDAwMDA2" not in address and re.fullmatch(r"[\w.-]+", address) and photo_at(SECRET, address, NOON)
    other = photo_address(SECRET, "100000006", "abc", NOON)
    assert other != address and photo_at(SECRET, other, NOON) == ("100000006", "abc")

    class Counted(dict[str, Area]):
        looked = 0

        def values(self) -> Any:
            for area in super().values():
                self.looked += 1
                yield area

    many = Counted(
        {str(n): Area(code=str(n), name=f"{n}栋", name_en="", level=AreaLevel.BUILDING) for n in range(9 * MOST_LISTED)}
    )
    assert listed_places(replace(Directory(1), areas=many)) == () and many.looked == MOST_LISTED + 1

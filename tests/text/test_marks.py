"""What people paste and exchanges send: marks nobody sees, numbers nobody can read. A call is never refused for them,
danger is found in it, and it is found again."""

import asyncio
import base64
import json
import sys
import threading
import unicodedata
from codecs import BOM_UTF8
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from standardwebhooks import Webhook

from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.inbound.spool import Spool
from hotline.inbound.spool_drain import drain_spooled_records
from hotline.sms import text_intake, webhook_intake
from hotline.sms.model.requests import Intent, parse_text
from hotline.text.normalisation import fold_text, index_terms, query_terms
from hotline.text.numbering import parse_number
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import mask_phone
from hotline.tickets import intake
from hotline.tickets.context import Services
from hotline.tickets.model.vocabulary import Satisfaction
from hotline.tickets.routes import explain
from tests.conftest import Cast, Clock, Player, broken
from tests.inbound.test_spool import SECRET, Cut
from tests.open311.test_open311 import LIFT, Far, keyed
from tests.sms.test_texting import Town, newest, solved
from tests.telephony.test_calls import TOKEN, Exchange, a_call

HALF = "\ud83d"  # of an emoji that a program cut in two
GAS = "煤气泄漏了，快来人"
# by their names, so that this list and the one of the code are made in two ways
NAMED = ("VARIATION SELECTOR", "BRAILLE PATTERN BLANK", "HANGUL CHOSEONG FILLER", "HANGUL JUNGSEONG FILLER", "HANGUL FILLER", "HALFWIDTH HANGUL FILLER",
         "KHMER VOWEL INHERENT", "COMBINING GRAPHEME JOINER", "ZERO WIDTH", "MONGOLIAN VOWEL SEPARATOR")  # fmt: skip
BLANK = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"


def unseen() -> list[str]:
    """Every character that nobody sees: format and control characters, and those whose names say so."""
    found = []
    for code in range(sys.maxunicode + 1):
        c = chr(code)
        if unicodedata.category(c) in ("Cf", "Cc") or unicodedata.name(c, "").startswith(NAMED):
            found.append(c)
    return [*found, "\u2065", "\ufff0", "\U000e0fff", "\u2028", "\u2029"]  # ignorable, not yet given to anything


def test_no_mark_hides_a_word_from_matching_or_search() -> None:
    marks = unseen()
    assert len(marks) > 400
    for c in marks:
        assert fold_text(f"煤{c}气泄{c}漏") == "煤气泄漏", f"U+{ord(c):04X}"
        assert fold_text(f"{c}3{c}栋") == "3栋" or c in BLANK, f"U+{ord(c):04X}"
        assert index_terms(f"停{c}电") == index_terms("停电"), f"U+{ord(c):04X}"
        assert query_terms(f"停{c}电") == query_terms("停电") or c in BLANK, f"U+{ord(c):04X}"
        assert fold_text(f"gas{c}leak") == ("gas leak" if c in BLANK else "gasleak"), f"U+{ord(c):04X}"
    for broken_up in (
        "煤\r\n气",
        "煤 \u3000\t气",
        "煤\n\n气",
        "煤\u00a0气",
        "煤\ufe0f\u200d气",
        "煤\u0336气\u0336",
        "煤\u20dd气",
    ):
        assert fold_text(broken_up) == "煤气"


def test_words_that_are_parted_stay_parted() -> None:
    assert fold_text("gas\nleak") == fold_text("Gas\x0bleak") == "gas leak"
    assert query_terms("停电 电梯") == [("停电", False), ("电梯", False)]
    assert fold_text("1\n2栋") == "1 2栋" and fold_text("Señor Muñoz") == "señor muñoz"


@pytest.mark.parametrize("c", ["\u200e", "\u200b", "\ufe0f", "\u2066", "\x0b", "\x85", "\U000e0041"])
def test_a_text_means_the_same_whatever_is_pasted_into_it(c: str) -> None:
    assert parse_text(f"{c}不满{c}意{c}").satisfaction is Satisfaction.DISSATISFIED
    assert parse_text(f"退{c}订").intent is Intent.OPT_OUT
    assert parse_text(f"{c}100{c}000006{c}").numbers == ("100000006",) or c in "\x0b\x85"
    assert parse_text(f"1{c}").satisfaction is Satisfaction.VERY_SATISFIED
    assert parse_number(f"{c}100 000 006{c}") == "100000006"


def test_a_keycap_is_its_digit_and_a_line_break_parts_no_word() -> None:
    assert parse_text("5\ufe0f\u20e3").satisfaction is Satisfaction.VERY_DISSATISFIED
    assert parse_text("不满\n意").satisfaction is Satisfaction.DISSATISFIED
    assert parse_text("满意\n还要修路灯").words == "还要修路灯"
    assert parse_text("1 栋漏水").intent is Intent.MATTER


async def test_a_call_full_of_marks_is_taken_and_its_danger_is_found(desk: Player) -> None:
    for c in (
        "\u200e",
        "\u202e",
        "\u2066",
        "\x0b",
        "\x0c",
        "\x07",
        "\x85",
        "\u200b",
        "\ufffe",
        "\ufeff",
        "\u2028",
        "\u00ad",
    ):
        said = f"{c}3{c}栋煤{c}气泄{c}漏了{c}"
        ticket = await desk.call(said, title=f"煤气{c if c not in BLANK else ''}", location={"address": f"3栋{c}2单元"})
        assert (ticket["priority"], ticket["narrative"]) == ("emergency", said), f"U+{ord(c):04X}"
        assert "danger:gas" in ticket["flags"]
        if c not in BLANK:
            assert ticket["area"]["code"] == "rq-b3"
    nul = await desk.call("煤\x00气泄漏了")  # the database cannot hold it
    assert (nul["priority"], nul["narrative"]) == ("emergency", "煤气泄漏了")


async def test_a_past_danger_in_another_line_hides_none_that_is_broken_by_a_line_break(desk: Player) -> None:
    for said in ("昨天着火已扑灭。\n现在煤\n气泄漏", "昨天电梯困人已经救出来了\n3栋起\u2028火了"):
        assert (await desk.call(said))["priority"] == "emergency", said
    assert (await desk.call("昨天着火已扑灭\n谢谢"))["priority"] != "emergency"


async def test_what_was_written_with_marks_is_found_by_its_words(desk: Player) -> None:
    first = await desk.call("5栋停\u200b电了", title="供电")
    second = await desk.call("路灯坏了")
    second = await desk.act(second, "amend", reason="补充", narrative="路\u2060灯\n坏了，又停\u200c电")
    for words in ("停电", "停\u200b电", "\u202a停电\u202c", "停\x00电"):
        found = (await desk.get("/v1/tickets", params={"q": words})).json()["items"]
        assert {t["number"] for t in found} == {first["number"], second["number"]}, repr(words)
    found = (await desk.get("/v1/tickets", params={"q": "停电 路灯"})).json()["items"]
    assert [t["number"] for t in found] == [second["number"]]


@pytest.fixture
async def town(app: FastAPI, services: Services, clock: Clock) -> Any:
    from tests.sms.handset import Handset
    from tests.sms.providers import PUBLIC

    services.public_url = services.gateways._url = PUBLIC
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as http:
        made = Town(services, http, Handset(), clock)
        await made.gateway()
        yield made
        await made.ways.close()


async def test_a_dissatisfied_text_reopens_whatever_mark_stands_before_it(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    ticket = await solved(desk, lifts, switch)
    await town.writes("\u200e不\u200b满意")
    ticket = await desk.see(ticket)
    assert (ticket["status"], ticket["counters"]["reopens"]) == ("triaged", 1)


async def test_a_resident_looks_up_with_full_width_digits(desk: Player) -> None:
    reply = await desk.post("/v1/calls", {"channel": "phone", "narrative": "路灯坏了"})
    number, code = reply.json()["ticket"]["number"], reply.json()["query_code"]
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    for body in (
        {"number": number.translate(wide), "code": code.translate(wide)},
        {"number": f"\u202a{number}\u202c", "code": f"{code}\u200b"},
    ):
        assert (await desk.post("/v1/lookup", body)).status_code == 200


# Numbers

READ = [  # as written, as read, its extension
    ("0731-88880000转802", "+8673188880000", "802"),
    ("0731-88880000-802", "+8673188880000", "802"),
    ("0731-88880000ext 802", "+8673188880000", "802"),
    ("0731-88880000#802", "+8673188880000", "802"),
    ("(0731) 88880000 分机：802", "+8673188880000", "802"),
    ("88880000轉802", "+862888880000", "802"),
    ("tel:+86-731-88880000;ext=802", "+8673188880000", "802"),
    ("85291234567", "+85291234567", None),
    ("85366123456", "+85366123456", None),
    ("886912345678", "+886912345678", None),
    ("9013800138000", "+8613800138000", None),
    ("913800138000", "+8613800138000", None),
    ("013800138000", "+8613800138000", None),
    ("988880000", "+862888880000", None),
    ("00442079460018", "+442079460018", None),
    ("+0086 138 0013 8000", "+8613800138000", None),
    ("sip:13800138000@10.0.0.1:5060", "+8613800138000", None),
    ("13800138000@10.0.0.1", "+8613800138000", None),
    ("\u202a13800138000\u202c", "+8613800138000", None),
    ("138\u200b0013\u20608000\n", "+8613800138000", None),
    ("１３８００１３８０００", "+8613800138000", None),
    ("1008611", "1008611", None),
    ("4008001234", "4008001234", None),
    ("8001234567", "8001234567", None),
    ("95588", "95588", None),
    ("9618888", "9618888", None),
    ("+8610086", "10086", None),
]
IN_PART = [
    "13800138000/13900139000", "13800138000 13900139000", "13800138000、13900139000", "13800138000或13900139000",
    "13800138000（儿子）", "手机：13800138000", "打我儿子电话13800138000，我听不见",
]  # fmt: skip
UNREAD = [
    "无", "不详", "没有", "abc", "12", "1380013800", "1" * 40, "wang@example.com", "13800138000@139.com", "sip:wang@example.org",
    "转802", "+1", "号" * 300, "问他老婆要",
]  # fmt: skip
NONE = ["", " ", "—", "--", "\u200e", "\u202a\u202c", "anonymous", "匿名", "sip:anonymous@anonymous.invalid"]


@pytest.mark.parametrize(("raw", "phone", "extension"), READ)
def test_a_number_is_read_however_it_is_written(raw: str, phone: str, extension: str | None) -> None:
    found = parse_phone(raw, "CN", "28")
    assert (found.phone, found.extension, found.unread) == (phone, extension, None)


async def test_a_call_is_taken_whatever_stands_in_the_field_of_the_number(desk: Player) -> None:
    for raw in (*UNREAD, *IN_PART, *NONE, *(raw for raw, _, _ in READ), 13800138000):
        reply = await desk.post("/v1/calls", {"channel": "phone", "narrative": GAS, "caller": {"phone": raw}})
        assert reply.status_code == 201, (raw, reply.text)
        ticket, told = reply.json()["ticket"], reply.json()["unread"]
        assert ticket["priority"] == "emergency"
        seen = await desk.see(ticket)
        (call,) = (await desk.get(f"/v1/tickets/{ticket['number']}/calls")).json()["items"]
        if raw in UNREAD:
            assert seen["caller"]["phone"] is None and seen["caller"]["contact"] == raw
            assert call["raw_phone"] == raw and call["withheld"] is False
        if raw in IN_PART:
            assert seen["caller"]["phone"] == "+8613800138000" and seen["caller"]["contact"] == raw
        if raw in NONE:
            assert (seen["caller"], call["withheld"]) == (None, True)
        assert bool(told) == bool(seen["unread"]) == (raw in UNREAD or raw in IN_PART), raw
        assert all(e["field"] == "caller.phone" and e["rule_zh"] != e["rule"] for e in told)


async def test_an_extension_is_kept_for_whoever_rings_back(desk: Player) -> None:
    ticket = await desk.call("路灯坏了", caller={"phone": "0731-88880000转802"})
    assert (ticket["caller"]["phone"], ticket["caller"]["contact"]) == ("+8673188880000", "0731-88880000转802")
    given = await desk.call("路灯坏了", caller={"phone": "0731-88880000转802", "contact": "微信 wang"})
    assert given["caller"]["contact"] == "微信 wang"
    (call,) = (await desk.get(f"/v1/tickets/{given['number']}/calls")).json()["items"]
    assert call["raw_phone"] == "0731-88880000转802"


async def test_no_detail_of_a_caller_refuses_a_call(desk: Player) -> None:
    long = "长" * 5000
    body = {
        "channel": "phone",
        "narrative": GAS,
        "caller": {"phone": long, "name": long, "contact": long},
        "location": {"address": long},
    }
    reply = await desk.post("/v1/calls", body)
    assert reply.status_code == 201
    assert {f for f, _ in broken({"errors": reply.json()["unread"]})} == {
        "caller.phone", "caller.name", "caller.contact", "location.address",
    }  # fmt: skip
    seen = await desk.see(reply.json()["ticket"])
    assert seen["caller"]["name"] == long[:1000]
    odd = {"name": "王\n秀英", "contact": "\u200b", "phone": None}
    ticket = await desk.call(GAS, caller=odd, location={"address": "3栋\r\n2单元"})
    assert (ticket["caller"]["name"], ticket["caller"]["contact"]) == ("王 秀英", None)
    assert ticket["location"]["address"] == "3栋 2单元"


async def sent(desk: Player, body: dict[str, Any]) -> httpx.Response:
    """As JSON with escapes, so that half of a character can travel."""
    return await desk.http.post("/v1/calls", content=json.dumps(body), headers={"content-type": "application/json"})


async def test_half_a_character_refuses_no_call(desk: Player) -> None:
    cut = f"王{HALF}秀英"
    body = {
        "channel": "phone", "narrative": f"{GAS}{HALF}", "title": cut,
        "caller": {"phone": f"13800138000{HALF}", "name": cut, "contact": cut}, "location": {"address": cut},
    }  # fmt: skip
    reply = await sent(desk, body)
    assert reply.status_code == 201, reply.text
    seen = await desk.see(reply.json()["ticket"])
    assert (seen["priority"], seen["narrative"], seen["title"]) == ("emergency", f"{GAS}\ufffd", "王\ufffd秀英")
    assert (seen["caller"]["phone"], seen["caller"]["name"]) == ("+8613800138000", "王\ufffd秀英")
    at_once = {"action": "answer", "answer": cut}
    assert (await sent(desk, {"channel": "phone", "narrative": "问一下", "at_once": at_once})).status_code == 201


@pytest.mark.parametrize("field", ["phone", "name", "contact"])
async def test_a_detail_of_another_json_type_is_kept_as_it_was_sent(field: str, desk: Player) -> None:
    kept: list[tuple[Any, str | None]] = [
        (13800138000.0, "13800138000"), (1.5, "1.5"), (-1, "-1"), (True, "true"), (10**30, str(10**30)), (False, None),
        (["13800138000"], '["13800138000"]'), ({"a": "王"}, '{"a": "王"}'), ([], None), ({}, None),
    ]  # fmt: skip
    for value, words in kept:
        reply = await sent(desk, {"channel": "phone", "narrative": GAS, "caller": {field: value}})
        assert reply.status_code == 201, (value, reply.text)
        ticket = await desk.see(reply.json()["ticket"])
        (call,) = (await desk.get(f"/v1/tickets/{ticket['number']}/calls")).json()["items"]
        told = call["raw_phone"] if field == "phone" else (ticket["caller"] or {}).get(field)
        assert told == words, value


async def test_an_object_with_nothing_filled_in_may_be_null_or_empty(desk: Player) -> None:
    for empty in (None, "", [], {}):
        body = {"channel": "phone", "narrative": GAS, "title": "\u200b", "caller": empty, "location": empty}
        reply = await sent(desk, body)
        assert reply.status_code == 201 and reply.json()["ticket"]["title"], (empty, reply.text)


async def test_a_call_that_joins_tells_what_could_not_be_read(desk: Player, lift_ticket: dict[str, Any]) -> None:
    body = {
        "channel": "phone",
        "narrative": "又打来",
        "caller": {"phone": "不详"},
        "attach_to": f"\u200e{lift_ticket['number']}",
    }
    reply = await desk.post("/v1/calls", body)
    assert reply.status_code == 201 and [e["field"] for e in reply.json()["unread"]] == ["caller.phone"]
    calls = (await desk.get(f"/v1/tickets/{lift_ticket['number']}/calls")).json()["items"]
    assert "不详" in [c["raw_phone"] for c in calls]


async def test_departments_see_nothing_of_a_number_that_could_not_be_read(desk: Player, lifts: Player) -> None:
    ticket = await desk.call("3栋2单元电梯坏了", category="dt-fault", caller={"phone": "0731-88880000转80233"})
    words = await desk.call("3栋2单元电梯坏了", category="dt-fault", caller={"phone": "张三家的座机"})
    for number in (ticket["number"], words["number"]):
        for path in ("", "/calls", "/timeline"):
            told = (await lifts.get(f"/v1/tickets/{number}{path}")).text
            assert "80233" not in told and "张三家" not in told
    assert mask_phone("0731-88880000转802") == mask_phone("张三家的座机电话") == "*******"


async def test_an_operator_is_told_that_a_number_cannot_be_read_when_looking_it_up(desk: Player) -> None:
    for raw in ("不详", "1" * 40, "\u202a无\u202c"):
        reply = await desk.post("/v1/callers/lookup", {"phone": raw})
        assert reply.status_code == 200
        assert (reply.json()["match"], [e["field"] for e in reply.json()["unread"]]) == ("unknown", ["phone"])
    await desk.call("路灯坏了", caller={"phone": "13800138000", "name": "王秀英"})
    found = await desk.post("/v1/callers/lookup", {"phone": "\u202a13800138000\u202c"})
    assert (found.json()["match"], found.json()["unread"]) == ("known", [])


@pytest.fixture
async def exchange(app: FastAPI, services: Services, clock: Clock) -> Any:
    services.public_url = services.gateways._url = "https://hotline.example.org"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as http:
        yield Exchange(services, http, clock)


async def test_a_caller_whose_number_cannot_be_read_is_rung_back_all_the_same(
    exchange: Exchange, desk: Player, clock: Clock
) -> None:
    await exchange.set_up("cti")
    odd = {"1": "unbekannt-77@trunk", "2": "5" * 40, "3": "anonymous", "4": "95588", "5": "8600000000000"}
    for name, raw in odd.items():
        for event in a_call(clock, name, answered=False, **{"from": raw}):
            await exchange.tells("cti", event)
    owed = (await desk.get("/v1/return-calls")).json()["items"]
    assert {(r["phone"], r["unread"]) for r in owed} == {(odd[name], True) for name in "125"}
    clock.forward(minutes=5)
    for event in a_call(clock, "again", **{"from": odd["1"]}):  # rings again, and is spoken to
        await exchange.tells("cti", event)
    owed = (await desk.get("/v1/return-calls")).json()["items"]
    assert {r["phone"] for r in owed} == {odd["2"], odd["5"]}
    (call,) = [c for c in (await desk.get("/v1/me/calls?agent=101")).json()["items"] if c["outcome"] == "answered"]
    assert call["card"]["phone"] == odd["1"] and call["card"]["unread"]
    ticket = await desk.call("路灯坏了", voice_call=call["id"])
    assert ticket["caller"]["contact"] == odd["1"]


async def test_half_a_character_loses_no_call_of_an_exchange(exchange: Exchange, desk: Player, clock: Clock) -> None:
    await exchange.set_up("cti")
    for event in a_call(clock, f"c{HALF}", queue=HALF):
        path, body = f"/v1/hooks/voice/cti?token={TOKEN}", json.dumps(event)
        reply = await exchange.http.post(path, content=body, headers={"content-type": "application/json"})
        assert reply.status_code == 200, reply.text
    assert [c["outcome"] for c in (await desk.get("/v1/me/calls?agent=101")).json()["items"]] == ["answered"]


@pytest.fixture
async def hands_over(desk: Player, services: Services, clock: Clock) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Another hotline's orders: `await hands_over(order_no=…)`, with a mark before the JSON where that is asked for; our
    answer."""
    secret = "whsec_" + base64.b64encode(b"1" * 32).decode()
    await create_gateway(
        services.gateways,
        NewGateway("city", "hotline_12345", {"system": "12345"}, {"secret": [secret]}, sends=False, weight=50),
        "test",
        clock(),
    )

    async def send(*, mark: bytes = b"", **order: Any) -> dict[str, Any]:
        body = mark + json.dumps({"content": GAS, **order}).encode()
        signed = Webhook(secret).sign("o-1", clock(), body.decode())
        headers = {"webhook-id": "o-1", "webhook-timestamp": str(int(clock().timestamp())), "webhook-signature": signed}
        reply = await desk.http.post("/v1/hooks/orders/city", content=body, headers={**headers, "authorization": ""})
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    return send


async def test_an_order_is_taken_with_a_mark_before_it_and_a_deadline_that_is_past(
    hands_over: Callable[..., Awaitable[dict[str, Any]]], desk: Player, clock: Clock
) -> None:
    late = (clock() - timedelta(days=1)).isoformat()
    for _ in range(2):
        done = await hands_over(mark=BOM_UTF8, order_no="late", deadline=late)
        assert [(u["field"], u["rule"].partition(":")[0]) for u in done["unread"]] == [("deadline", "left out")]
        assert done["unread"][0]["rule_zh"].startswith("未采用")
    assert [u["field"] for u in (await desk.see(done["work_no"]))["unread"]] == ["outer.due_at"]
    soon = (clock() + timedelta(hours=6)).isoformat()
    assert (await hands_over(mark=BOM_UTF8, order_no="soon", deadline=soon))["unread"] == []
    clock.forward(hours=7)
    again = await hands_over(mark=BOM_UTF8, order_no="soon", deadline=soon)
    assert (again["known"], again["unread"]) == (True, [])


async def test_another_hotlines_order_is_taken_whatever_its_details(
    hands_over: Callable[..., Awaitable[dict[str, Any]]], desk: Player
) -> None:
    for n, phone in enumerate(
        [
            "不详",
            "0731-88880000转802",
            13800138000,
            ["13800138000"],
            "1" * 2000,
            "\x00",
            "\u202a13800138000",
            f"13800138000{HALF}",
        ]
    ):
        done = await hands_over(order_no=f"o{n}", caller_phone=phone, caller_name="王" * 300, address="3栋\n2单元")
        ticket = await desk.see(done["work_no"])
        assert ticket["priority"] == "emergency" and ticket["caller"]["name"] == "王" * 300
        assert bool(done["unread"]) == (n in (0, 3, 4, 7)), (phone, done)
        assert {e["field"] for e in done["unread"]} <= {"caller_phone"}


async def test_a_call_kept_while_the_database_is_away_tells_and_keeps_its_words(
    services: Services, desk: Player, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.spool = services.inbox._spool = Spool(tmp_path / "spool", SECRET)
    await desk.get("/v1/me")
    with Cut(services.db, monkeypatch):
        clock.forward(minutes=5)
        body = {"channel": "phone", "narrative": GAS, "caller": {"phone": "号" * 300}}
        kept = await desk.post("/v1/calls", body)
        assert kept.status_code == 202 and [e["field"] for e in kept.json()["unread"]] == ["caller.phone"]
    assert await drain_spooled_records(services) == 1
    services.spool.close()
    ticket = await newest(desk)
    assert (ticket["caller"]["contact"], ticket["priority"]) == ("号" * 300, "emergency")
    assert ticket["unread"]


async def test_an_open311_report_keeps_what_could_not_be_read(app: FastAPI, services: Services, desk: Player) -> None:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline") as http:
        far = Far(http, await keyed(services, "fms"))
        for phone, kept in (
            ("0731-88880000转802", "0731-88880000转802"),
            ("不详", "不详"),
            ("\u202a13800138000\u202c", None),
        ):
            await far.post({**LIFT, "phone": phone})
            assert ((await newest(desk))["caller"] or {})["contact"] == kept
            assert bool((await newest(desk))["unread"]) == (phone == "不详")


# The event loop


async def test_nothing_long_is_analysed_on_the_event_loop(
    town: Town, desk: Player, services: Services, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each analysis notes the thread it runs on: the loop's may be held by short texts alone."""
    here = threading.get_ident()
    seen: list[tuple[str, int, bool]] = []

    def watched(name: str, work: Any) -> Any:
        def run(*given: Any, **named: Any) -> Any:
            size = sum(len(g) for g in given if isinstance(g, str))
            seen.append((name, size, threading.get_ident() == here))
            return work(*given, **named)

        return run

    for module, name in (
        (intake, "advise"), (explain, "advise"), (webhook_intake, "advise"), (text_intake, "advise"), (text_intake, "parse_text"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, watched(f"{module.__name__}.{name}", getattr(module, name)))
    long = "三" * 10_000
    ticks = 0

    async def others() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    served = asyncio.create_task(others())
    await asyncio.gather(*(desk.call(long) for _ in range(4)))
    await desk.post("/v1/explain/triage", {"narrative": long})
    await town.writes("1" * 10_000)
    for who in ("+8613900139001", "+8613900139002"):
        await town.writes(long, who)
        await town.writes(long + "不满意", who)
    served.cancel()
    assert {name for name, _, _ in seen} == {
        f"hotline.{place}" for place in (
            "tickets.intake.advise", "tickets.routes.explain.advise", "sms.webhook_intake.advise", "sms.text_intake.advise",
            "sms.text_intake.parse_text",
        )
    }  # fmt: skip
    assert [entry for entry in seen if entry[1] > 3000 and entry[2]] == []
    assert ticks > 100
    assert (await desk.see(await newest(desk)))["narrative"]


async def test_a_body_of_unknown_fields_is_refused_in_one_word(desk: Player) -> None:
    body = {"channel": "phone", "narrative": "路灯坏了", **{f"a{n}": 1 for n in range(12_000)}}
    reply = await desk.post("/v1/calls", body)
    assert reply.status_code == 422 and [r for _, r in broken(reply.json())] == ["at most 200 fields"]

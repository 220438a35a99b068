"""Text as people and systems send it, kind by kind and door by door: what is invisible hides nothing, what cannot be
read refuses nothing, whatever script, width or wrapping it comes in."""

from typing import Any
from urllib.parse import urlencode

import pytest

from hotline.sms.model.requests import Intent, parse_text
from hotline.tickets.model.vocabulary import Satisfaction
from tests.conftest import Player
from tests.open311.test_open311 import keyed
from tests.sms.providers import FAR, LEFT_OUT
from tests.sms.test_incoming_routes import Line
from tests.sms.test_texting import newest, solved
from tests.telephony.test_calls import TOKEN, Exchange, a_call
from tests.text.doors import DOORS, Doors

S = Satisfaction
MARKS = {
    "a zero-width space": "\u200b", "a joiner": "\u200d", "a word joiner": "\u2060", "a byte order mark": "\ufeff",
    "a mark of direction": "\u200e", "an embedding": "\u202a", "an isolate": "\u2068", "a variation selector": "\ufe0f",
    "a grapheme joiner": "\u034f", "a Mongolian separator": "\u180e", "a soft hyphen": "\u00ad", "a tag": "\U000e0041",
    "a line break": "\n", "a carriage return": "\r\n", "a line separator": "\u2028", "a vertical tab": "\x0b",
    "a form feed": "\x0c", "a bell": "\x07", "an escape": "\x1b", "next line": "\x85", "an ideographic blank": "\u3000",
}  # fmt: skip
ALARMING = ("a call", "a text", "an order")  # an import rings for nothing, and Open311 tells its danger by category


async def found(desk: Player, words: str) -> list[str]:
    reply = await desk.get("/v1/tickets", params={"q": words})
    assert reply.status_code == 200, reply.text
    return [ticket["number"] for ticket in reply.json()["items"]]


@pytest.mark.parametrize("door", DOORS)
async def test_t1_no_mark_hides_a_word_from_search(door: str, doors: Doors, desk: Player) -> None:
    said = "".join(f"停{c}电" for c in MARKS.values())
    ticket = await doors.said(door, f"3栋{said}，路灯也坏了")
    assert await found(desk, "停电") == [ticket["number"]]
    for name, c in MARKS.items():
        assert await found(desk, f"停{c}电") == [ticket["number"]] or c.isspace(), name


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("door", ALARMING)
async def test_t1_no_mark_hides_a_danger(door: str, mark: str, doors: Doors) -> None:
    c = MARKS[mark]
    ticket = await doors.said(door, f"3栋煤{c}气泄{c}漏了，快来人")
    assert (ticket["priority"], "danger:gas" in ticket["flags"]) == ("emergency", True)


@pytest.mark.parametrize("door", DOORS)
async def test_t3_what_is_pasted_refuses_nothing_and_is_kept_as_it_was_written(door: str, doors: Doors) -> None:
    for c in ("\u200e", "\u202a", "\x0b", "\x0c", "\x07", "\u2028"):
        said = f"{c}路灯坏{c}了，已经两天"
        ticket = await doors.said(door, said, f"\u202a138{c}00138000\u202c")
        kept = (
            said.replace(c, " ") if door == "an import" and c in "\x0b\x0c\x07\u2028" else said
        )  # in a cell they part words
        assert ticket["narrative"].strip() == kept.strip(), repr(c)
        assert ticket["caller"]["phone"] == "+8613800138000" or door == "a text"


# T2: the field of the number

TAKEN = {  # as written: what is rung, what stands beside it
    "0731-88880000转802": ("+8673188880000", True),
    "010-88880000": ("+861088880000", False),
    "0838-2223344": ("+868382223344", False),
    "sip:13800138000@pbx.example.com;transport=udp": ("+8613800138000", False),
    "tel:+86-138-0013-8000": ("+8613800138000", False),
    "+14155550123": ("+14155550123", False),
    "13800138000，13900139000": ("+8613800138000", True),
    "家13800138000 单位028-88880000": ("+8613800138000", True),
    "10086/13800138000": ("+8613800138000", True),
    "一三八零零一三八零零零": ("+8613800138000", False),
    "138\u200b0013\u20608000": ("+8613800138000", False),
    "无": (None, True),
    "不详": (None, True),
    "sip:1001@pbx.local": (None, True),
    "张三家的座机": (None, True),
    "1380013800": (None, True),
}
SERVICE = ("10086", "12345", "1008611", "95598", "950-5105-5555", "9618888", "400-800-1234", "8008001234", "010-12345",
           "1010 1234", "114", "106575001234")  # fmt: skip


@pytest.mark.parametrize("door", [door for door in DOORS if door != "a text"])
async def test_t2_what_cannot_be_read_as_a_number_refuses_nothing(door: str, doors: Doors) -> None:
    for written, (phone, has_more) in TAKEN.items():
        ticket = await doors.said(door, "3栋路灯坏了，没有人来修", written)
        assert ticket["caller"]["phone"] == phone, written
        assert (ticket["caller"]["contact"] or "").endswith(written) == has_more, written


@pytest.mark.parametrize("door", [door for door in DOORS if door != "a text"])
async def test_t2_a_number_of_an_organisation_refuses_nothing_and_is_no_caller(door: str, doors: Doors) -> None:
    for written in SERVICE:
        ticket = await doors.said(door, "3栋路灯坏了，没有人来修", written)
        assert ticket["caller"] is None or ticket["caller"]["id"] is None, written


async def test_t2_every_number_can_be_looked_up(doors: Doors, desk: Player) -> None:
    await doors.said("a call", "路灯坏了")
    for written, (phone, _) in TAKEN.items():
        reply = await desk.post("/v1/callers/lookup", {"phone": written})
        assert reply.status_code == 200, written
        assert reply.json()["match"] == ("known" if phone == "+8613800138000" else "unknown") or phone, written


async def test_t2_who_rang_in_vain_is_rung_back_whatever_the_exchange_tells_of_their_number(
    doors: Doors, desk: Player
) -> None:
    exchange = Exchange(doors.services, doors.http, doors.clock)
    await exchange.set_up("cti")
    for n, written in enumerate([*TAKEN, *SERVICE, "anonymous", "未知号码", ""]):
        for event in a_call(doors.clock, f"c{n}", answered=False, **{"from": written}):
            await exchange.tells("cti", event)
    owed = {row["phone"]: row["unread"] for row in (await desk.get("/v1/return-calls")).json()["items"]}
    assert owed == {phone or written: phone is None for written, (phone, _) in TAKEN.items()}


# T4, T5: what residents reply


@pytest.mark.parametrize(
    ("said", "intent", "satisfaction"),
    [
        ("滿意", Intent.RATE, S.SATISFIED), ("非常滿意", Intent.RATE, S.VERY_SATISFIED), ("不滿意", Intent.RATE, S.DISSATISFIED),
        ("不滿意！還是壞的", Intent.RATE, S.DISSATISFIED), ("解決了，謝謝", Intent.RATE, S.SATISFIED), ("沒解決", Intent.RATE, S.DISSATISFIED),
        ("沒有修好", Intent.RATE, S.DISSATISFIED), ("退訂", Intent.OPT_OUT, None), ("恢復", Intent.OPT_IN, None),
        ("訂閱", Intent.OPT_IN, None), ("幫助", Intent.HELP, None), ("謝謝", Intent.THANKS, None), ("查詢", Intent.PROGRESS, None),
        ("查詢進度", Intent.PROGRESS, None), ("我家又壞了", Intent.MATTER, None),
    ],
)  # fmt: skip
def test_t4_a_reply_in_traditional_characters_is_read(said: str, intent: Intent, satisfaction: S | None) -> None:
    request = parse_text(said)
    assert (request.intent, request.satisfaction) == (intent, satisfaction)
    assert request.is_recurring == any(word in said for word in ("又壞", "還是壞", "沒解決", "沒有修好"))


@pytest.mark.parametrize(
    "written", ["５", "⑤", "❺", "➄", "⓹", "5️⃣", "(5)", "⑸", "⒌", "５分", "5星", "“5”", "【5】", "回复5", "选5", "五", "٥", "5👎", "👎5", "5!!"]
)  # fmt: skip
def test_t4_a_digit_is_read_in_whatever_width_and_wrapping(written: str) -> None:
    assert parse_text(written).satisfaction is S.VERY_DISSATISFIED


@pytest.mark.parametrize(
    "written", ["满意👍", "👍满意", "满意 👍👍", "满意[强]".replace("[强]", "💪"), "“满意”", "【满意】", "满意的", "满意谢谢", "满意☺️", "满\n意", "满\u200b意"]
)  # fmt: skip
def test_t4_what_stands_about_a_word_changes_nothing(written: str) -> None:
    assert parse_text(written).satisfaction is S.SATISFIED


async def test_t4_a_reply_in_traditional_characters_does_what_it_says(
    doors: Doors, desk: Player, lifts: Player, switch: Player
) -> None:
    await doors.said("a text", "3栋2單元電梯壞了，不動了")
    await solved(desk, lifts, switch)
    await doors.town.writes("又壞了")
    again = await newest(desk)
    assert (again["status"], again["counters"]["reopens"]) == ("triaged", 1)


@pytest.mark.parametrize("door", DOORS)
async def test_t4_what_is_written_in_one_script_is_found_in_the_other(door: str, doors: Doors, desk: Player) -> None:
    taiwan = await doors.said(door, "樓下環保箱旁邊有老鼠，臺階也裂了")
    mainland = await doors.said(door, "路面塌陷，自行车摔了跟头")
    for words in ("环保箱", "環保箱", "台阶", "臺階", "老鼠"):
        assert await found(desk, words) == [taiwan["number"]], words
    for words in ("塌陷", "自行車", "跟頭"):
        assert await found(desk, words) == [mainland["number"]], words


@pytest.mark.parametrize("door", ALARMING)
@pytest.mark.parametrize("said", ["煤氣洩漏了，快來人", "電梯困人了", "樓上着火了，有人喊救命", "樓上著火了"])
async def test_t4_a_danger_is_found_in_traditional_characters(door: str, said: str, doors: Doors) -> None:
    assert (await doors.said(door, said))["priority"] == "emergency"


STOPS = [
    "TD", " td ", "ＴＤ", "“TD”", "\"td\"", "'T'", "【TD】", "TD。", "TD退订", "退订TD", "回复TD", "回T退订", "退订", "退訂", "「退訂」", "退订。",
    "请退订", "我要退订，谢谢", "退订短信", "退\u200b订", "退\n订", "退订👋", "STOP", "stop!", "Stop.", "STOP ALL", "END", "QUIT", "CANCEL",
    "“cancel”", "Unsubscribe", "UNSUBSCRIBE🙏", "please stop",
]  # fmt: skip
STARTS = ["START", "start!", "UNSTOP", "恢复", "恢復", "订阅", "訂閱", "“恢复”", "恢复订阅", "START👍"]
HELPS = ["HELP", "help?".rstrip("?"), "帮助", "幫助", "“HELP”", "帮助！", "?", "？？"]
MATTERS = [
    "停电", "停電了", "取消订单的投诉", "T恤店噪音太大", "TD-LTE没信号", "END of the road is flooded", "stop the noise please!!",
    "退订短信还是收到，怎么回事", "cancel my appointment", "help me, the lift is stuck", "帮助老人搬家", "恢复供水", "订阅的报纸没送来", "TNT", "N/A",
    "退订?", "T1", "end", "STOP 3栋漏水",
]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        *((said, Intent.OPT_OUT) for said in STOPS),
        *((said, Intent.OPT_IN) for said in STARTS),
        *((said, Intent.HELP) for said in HELPS),
        *((said, Intent.MATTER) for said in MATTERS if said != "end"),
    ],
)
def test_t5_a_keyword_counts_alone_whatever_stands_about_it(said: str, intent: Intent) -> None:
    assert parse_text(said).intent is intent


async def twilio(doors: Doors) -> tuple[Line, Any]:
    line = Line(doors.services, doors.http, doors.clock)
    return line, await line.set_up("twilio")


async def stopped(desk: Player) -> list[str]:
    return [row["phone"] for row in (await desk.get("/v1/stop-list")).json()["items"]]


@pytest.mark.parametrize("mark", ["STOP", "Stop"])
async def test_t5_what_twilio_marks_as_stop_stops_our_texts_too(mark: str, doors: Doors, desk: Player) -> None:
    line, far = await twilio(doors)
    await line.says(far, "ARRET", OptOutType=mark)  # a keyword of the account's own
    await line.work()
    assert await stopped(desk) == ["+8613800138000"]
    assert (await desk.get("/v1/tickets")).json()["items"] == []
    assert await doors.town.send() == []  # Twilio has answered, and takes no more for this number
    await line.says(far, "HOLA", OptOutType="START")
    await line.work()
    assert await stopped(desk) == []


async def test_t5_what_twilio_marks_is_not_lost_where_it_says_more(doors: Doors, desk: Player) -> None:
    line, far = await twilio(doors)
    await line.says(far, "3栋煤气泄漏，别再发短信了", OptOutType="STOP")
    await line.work()
    assert (await newest(desk))["priority"] == "emergency"
    assert await stopped(desk) == ["+8613800138000"]
    await line.says(far, "3栋路灯坏了", sender="+8613900139000", OptOutType=LEFT_OUT)
    await line.work()
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 2
    await line.says(far, "help", sender="+8613900139000", OptOutType="HELP")
    await line.work()
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 2


@pytest.mark.parametrize("name", sorted(set(FAR) - {"twilio"}))
async def test_t5_every_provider_brings_a_keyword(name: str, doors: Doors, desk: Player) -> None:
    line = Line(doors.services, doors.http, doors.clock)
    far = await line.set_up(name)
    await line.says(far, "“退訂”")
    await line.work()
    assert await stopped(desk) == ["+8613800138000"]


# T6: at the doors beside the gateways of texts, which have tests/sms/test_charsets.py


async def reported(doors: Doors, body: bytes, content_type: str) -> dict[str, Any]:
    reply = await doors.http.post("/open311/v2/requests.json", content=body, headers={"content-type": content_type})
    assert reply.status_code == 200, reply.text
    return await newest(doors.desk)


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
@pytest.mark.parametrize("is_declared", [True, False])
async def test_t6_a_report_is_read_as_declared_or_else_as_it_strictly_is(
    charset: str, is_declared: bool, doors: Doors
) -> None:
    key = await keyed(doors.services, "fms")
    said = "北门路灯坏了，晚上看不见路"
    fields = {"api_key": key, "service_code": "sdq-water", "address_string": "9栋1单元", "description": said}
    form = urlencode(fields, encoding=charset).encode()
    of = f"; charset={charset}" if is_declared else ""
    assert (await reported(doors, form, f"application/x-www-form-urlencoded{of}"))["narrative"] == said
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    )
    of = f"; charset={charset}" if is_declared else ""
    whole = f"{parts}--b--\r\n".encode(charset)
    assert (await reported(doors, whole, f"multipart/form-data; boundary=b{of}"))["narrative"] == said


async def test_t6_a_report_that_nobody_can_read_is_taken_and_shows_its_bytes(doors: Doors) -> None:
    key = await keyed(doors.services, "fms")
    fields = {"api_key": key, "service_code": "sdq-water", "address_string": "9栋1单元"}
    form = urlencode(fields).encode() + b"&description=Se%F1or+Mu%F1oz:+no+hay+agua"
    ticket = await reported(doors, form, "application/x-www-form-urlencoded")
    assert ticket["narrative"] == "Se\\xF1or Mu\\xF1oz: no hay agua"


async def test_t6_a_log_of_asterisk_in_gbk_is_read(doors: Doors, watch: Player) -> None:
    exchange = Exchange(doors.services, doors.http, doors.clock)
    await exchange.set_up("asterisk")
    stamp = int(doors.clock().timestamp())
    log = f"{stamp}|1.1|投诉|NONE|ENTERQUEUE||13900139000|1\n{stamp + 9}|1.1|投诉|NONE|ABANDON|1|1|9"
    path, headers = f"/v1/hooks/voice/asterisk?token={TOKEN}", {"content-type": "text/plain"}
    assert (await doors.http.post(path, content=log.encode("gbk"), headers=headers)).status_code == 200
    (call,) = await exchange.calls(watch)
    assert (call["queue"], call["outcome"]) == ("投诉", "abandoned")

"""What providers push in whatever character set: read as declared, else as it strictly is, else kept and shown. `Größe`
and `Muñoz` are written by people; `燃气` is what may not be lost."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from hotline.delivery.payloads import UNKNOWN_CHARSET
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.sms.providers import FORM, PUBLIC
from tests.sms.test_incoming_routes import BATCHES, LAMP, NAMES, WANG, Line, alarms

GAS = "燃气泄漏，快来人"
GERMAN, SPANISH = "Größe der Lücke im Fußweg", "Señor Muñoz"
FORMS = {"twilio": "Body", "vonage": "text", "huawei": "body"}


@pytest.fixture
async def line(app: FastAPI, services: Services, clock: Clock) -> AsyncIterator[Line]:
    services.public_url = services.gateways._url = PUBLIC
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://internal:8000") as http:
        yield Line(services, http, clock)


@pytest.mark.parametrize("text", [GERMAN, SPANISH, "5 € für “so”", "Ærø: naïve", GAS])
@pytest.mark.parametrize("name", NAMES)
async def test_t6_an_accent_is_taken_for_no_garbled_chinese(name: str, text: str, line: Line) -> None:
    await line.says(await line.set_up(name), text)
    assert [row.text for row in await line.rows("kept")] == [text]


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
@pytest.mark.parametrize("name", ["aliyun", "tencent", "huawei"])
async def test_t6_what_was_garbled_on_its_way_is_mended(name: str, charset: str, line: Line) -> None:
    await line.says(await line.set_up(name), GAS.encode(charset).decode("latin-1"))
    (row,) = await line.rows("kept")
    assert (row.text, row.urgent) == (GAS, True)


@pytest.mark.parametrize("name", sorted(FORMS))
async def test_t6_a_form_is_read_as_declared_or_else_as_it_strictly_is(name: str, line: Line) -> None:
    far = await line.set_up(name)
    for n, declared in enumerate(["; charset=GBK", ""]):
        push = far.text(f"f-{n}", WANG, "12345", "?", line.clock())
        gbk = GAS.encode("gbk").decode("utf-8", "surrogateescape")
        if push.method == "POST":  # a query declares nothing
            push = replace(push, headers={**push.headers, "Content-Type": FORM + declared})
        push = far.resign(push, **{FORMS[name]: gbk})
        assert (await line.push(push)).status_code == 200
    assert [row.text for row in await line.rows("kept")] == [GAS, GAS], [r.why for r in await line.rows("odd")]


@pytest.mark.parametrize("name", sorted(FORMS))
async def test_t6_a_form_that_nobody_can_read_is_shown_with_its_bytes(name: str, line: Line, desk: Player) -> None:
    far = await line.set_up(name)
    for n, raw in enumerate([SPANISH.encode("latin-1"), GAS.encode("gbk") + b"\xff"]):
        push = far.text(f"f-{n}", WANG, "12345", "?", line.clock())
        kept = raw.decode("utf-8", "surrogateescape")
        assert (await line.push(far.resign(push, **{FORMS[name]: kept}))).status_code == 200
    assert await line.rows("kept") == []
    odd = {row.urgent: row for row in await line.rows("odd")}
    assert UNKNOWN_CHARSET in odd[False].why and UNKNOWN_CHARSET in odd[True].why
    assert "Se\\udcf1or Mu\\udcf1oz" in odd[False].raw and "\ufffd" not in odd[False].raw
    assert await alarms(line) == [odd[True].id]
    shown = (await desk.get(f"/v1/inbound/{odd[False].id}")).json()
    assert "Mu\\udcf1oz" in shown["raw"] and WANG.removeprefix("+") in shown["raw"]


@pytest.mark.parametrize("name", BATCHES)
async def test_t6_one_item_that_nobody_can_read_takes_no_other_along(name: str, line: Line) -> None:
    far = await line.set_up(name)
    items = [(f"b-{n}", WANG, "12345", text, line.clock()) for n, text in enumerate(["FIRST", LAMP, "THIRD"])]
    push = far.texts(items)
    body = push.body.replace(b"FIRST", SPANISH.encode("latin-1")).replace(b"THIRD", GAS.encode("gbk"))
    assert (await line.push(far.sealed(replace(push, body=body)))).status_code == 200
    assert sorted(row.text for row in await line.rows("kept")) == sorted([LAMP, GAS])
    (odd,) = await line.rows("odd")
    assert UNKNOWN_CHARSET in odd.why and "Mu\\udcf1oz" in odd.raw


@pytest.mark.parametrize("charset", ["GBK", "UTF-16", "Big5"])
async def test_t6_json_is_read_as_declared(charset: str, line: Line) -> None:
    far = await line.set_up("aliyun")
    push = far.text("j-1", WANG, "12345", "漏水", line.clock())
    body = json.dumps(json.loads(push.body), ensure_ascii=False).encode(charset)
    headers = {**push.headers, "Content-Type": f"application/json; charset={charset}"}
    assert (await line.push(replace(push, body=body, headers=headers))).status_code == 200
    assert [row.text for row in await line.rows("kept")] == ["漏水"]


async def test_t6_kannel_is_read_as_it_declares_and_never_guessed(line: Line) -> None:
    far: Any = await line.set_up("kannel")

    async def sends(name: str, raw: bytes, charset: str) -> None:
        push = far.text(name, WANG, "12345", raw, line.clock(), charset=charset, coding=2)
        assert (await line.push(push)).status_code == 200

    await sends("half", f"{GAS}😀".encode("utf-16-be")[:-2], "UTF-16BE")
    await sends("odd byte", f"{GAS}灯".encode("utf-16-be")[:-1], "UTF-16BE")
    await sends("inside", f"{GAS}\ud83d灯".encode("utf-16-be", "surrogatepass"), "UTF-16BE")
    await sends("mark", b"\xff\xfe" + GAS.encode("utf-16-le"), "UTF-16")
    await sends("no mark", GAS.encode("utf-16-be"), "UTF-16")
    await sends("latin", GERMAN.encode("latin-1"), "ISO-8859-1")
    await sends("binary", GAS.encode("gbk"), "8-BIT")
    texts = {row.key: row.text for row in await line.rows("kept")}
    assert texts == {
        "half": f"{GAS}\ufffd", "odd byte": f"{GAS}\ufffd", "inside": f"{GAS}\ufffd灯", "mark": GAS, "no mark": GAS,
        "latin": GERMAN, "binary": GAS,
    }  # fmt: skip
    assert await line.rows("odd") == []


async def test_t6_kannels_bytes_that_nobody_can_read_are_kept_and_danger_in_them_is_told(line: Line) -> None:
    far: Any = await line.set_up("kannel")
    for name, raw in (("u-1", SPANISH.encode("latin-1")), ("u-2", GAS.encode("gbk") + b"\xff")):
        for charset in ("8-BIT", "UTF-8"):
            push = far.text(name, WANG, "12345", raw, line.clock(), charset=charset)
            assert (await line.push(push)).status_code == 200
            post = replace(
                far.post(name, WANG, "12345", "?", line.clock(), charset=charset.replace("8-BIT", "utf-8")), body=raw
            )
            assert (await line.push(post)).status_code == 200
    assert await line.rows("kept") == []
    odd = await line.rows("odd")
    assert all(UNKNOWN_CHARSET in row.why for row in odd)
    assert {("Mu%F1oz" in row.raw or row.raw.startswith("base64:")) for row in odd if not row.urgent} == {True}
    assert {
        quote(GAS.encode("gbk") + b"\xff") in row.raw or row.raw.startswith("base64:") for row in odd if row.urgent
    } == {True}
    assert len(odd) == 6 and len(await alarms(line)) == 3


@pytest.mark.parametrize("given", [1, 1.0])
@pytest.mark.parametrize(("name", "field"), [("aliyun", "content"), ("tencent", "text"), ("infobip", "text"), ("generic", "text"),
                                             ("aws", "messageBody")])  # fmt: skip
async def test_t5_a_reply_that_comes_as_a_number_is_its_digit(name: str, field: str, given: float, line: Line) -> None:
    far = await line.set_up(name)
    push = far.text("n-1", WANG, "12345", "?", line.clock(), **({field: given} if name == "aws" else {}))
    assert (await line.push(push if name == "aws" else far.resign(push, **{field: given}))).status_code == 200
    assert [row.text for row in await line.rows("kept")] == ["1"], [row.why for row in await line.rows("odd")]

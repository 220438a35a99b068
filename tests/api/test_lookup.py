"""A resident asks how it stands: number and code, no names, and nobody finds a code by trying."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.services.house import House
from hotline.services.lookup import query_code
from tests.conftest import Clock, Player


async def look(app: FastAPI, number: str, code: str, address: str = "198.51.100.1") -> httpx.Response:
    transport = httpx.ASGITransport(app=app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline") as http:
        return await http.post("/v1/lookup", json={"number": number, "code": code})


async def test_number_and_code_tell_how_it_stands_and_not_a_word_about_anybody(
    app: FastAPI, house: House, desk: Player, lifts: Player, switch: Player
) -> None:
    ticket = await desk.call(
        "我是王秀英，3栋2单元电梯坏了", caller={"phone": "13800138000", "name": "王秀英"}, category="dt-fault",
        location={"address": "3栋2单元1202"},
    )  # fmt: skip
    number, code = ticket["number"], query_code(house.secret, ticket["number"])
    for spoken in (number, f"{number[:3]} {number[3:6]} {number[6:]}"):
        reply = await look(app, spoken, f"{code[:3]} {code[3:]}")
        assert reply.status_code == 200, reply.text
    said = reply.json()
    assert (said["status"], said["department"]["code"], said["label"]["zh"]) == (
        "dispatched",
        "property-works",
        "办理中",
    )
    assert [s["action"] for s in said["steps"]] == ["receive", "dispatch"]
    for secret in ("王秀英", "13800138000", "1202", "电梯坏了"):
        assert secret not in reply.text
    ticket = await lifts.order(ticket, "accept")
    ticket = await lifts.order(
        ticket, "request_return", reason_code="not_our_duty", basis="不归我们管", department="water"
    )
    ticket = await switch.order(ticket, "refuse_return", reason="归你们")
    ticket = await lifts.order(ticket, "report", internal_result="内部：换主板", public_reply="电梯已修好", solved=True)
    await switch.act(ticket, "accept_report")
    reply = await look(app, number, code)
    assert reply.json()["reply"] == "电梯已修好"
    assert "return" not in reply.text and "不归" not in reply.text and "内部" not in reply.text


async def test_a_wrong_code_a_wrong_number_and_a_confidential_matter_are_the_same_404(
    app: FastAPI, house: House, desk: Player
) -> None:
    ticket = await desk.call("3栋电梯坏了", category="dt-fault")
    hidden = await desk.call("举报有人吃回扣", category="za-misconduct")
    right = query_code(house.secret, ticket["number"])
    wrong = "000000" if right != "000000" else "000001"
    replies = [
        await look(app, ticket["number"], wrong),
        await look(app, "100000014", wrong),
        await look(app, "12345", "123456"),
        await look(app, hidden["number"], query_code(house.secret, hidden["number"])),
    ]
    assert {(r.status_code, r.text) for r in replies} == {(404, replies[0].text)}


async def test_five_wrong_codes_for_a_ticket_and_thirty_from_an_address_are_enough(
    app: FastAPI, house: House, desk: Player, clock: Clock
) -> None:
    ticket = await desk.call("3栋电梯坏了", category="dt-fault")
    number, right = ticket["number"], query_code(house.secret, ticket["number"])
    guesses = [c for c in ("111111", "222222", "333333", "444444", "555555", "666666") if c != right][:5]
    for n, guess in enumerate(guesses):
        assert (await look(app, number, guess, f"198.51.100.{n}")).status_code == 404
    blocked = await look(app, number, right, "198.51.100.9")
    assert blocked.status_code == 429 and blocked.headers["retry-after"]
    clock.forward(minutes=61)
    assert (await look(app, number, right, "198.51.100.9")).status_code == 200
    seen: list[int] = []
    for _ in range(32):
        seen.append(
            (await look(app, f"1{clock().minute:02d}00000{len(seen) % 10}", "123123", "203.0.113.5")).status_code
        )
    assert seen[:30] == [404] * 30 and seen[30:] == [429, 429]


@pytest.mark.parametrize(
    ("body", "field"), [({}, "number"), ({"number": "1"}, "code"), ({"number": "1", "code": "x"}, "code")]
)
async def test_a_question_that_cannot_be_right(body: dict[str, Any], field: str, app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as http:
        reply = await http.post("/v1/lookup", json=body)
    assert reply.status_code == 422 and field in [e["field"] for e in reply.json()["errors"]]


async def test_whoever_takes_the_call_can_tell_the_code_and_the_desk_can_look_it_up(
    desk: Player, house: House, lifts: Player
) -> None:
    taken = (
        await desk.post("/v1/calls", {"channel": "phone", "narrative": "3栋电梯坏了", "category": "dt-fault"})
    ).json()
    number = taken["ticket"]["number"]
    assert taken["query_code"] == query_code(house.secret, number)
    again = await desk.get(f"/v1/tickets/{number}/query-code")
    assert again.json() == {"number": number, "query_code": taken["query_code"]}
    assert (await lifts.get(f"/v1/tickets/{number}/query-code")).status_code == 403

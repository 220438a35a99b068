"""A resident asks how it stands: number and code, no names, and nobody finds a code by trying."""

import asyncio
from datetime import datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.refusals import Refused
from hotline.text.numbering import number_from_serial
from hotline.tickets.context import Services
from hotline.tickets.lookup import Requester, check_query_code, query_code
from tests.conftest import Clock, Player


async def look(
    app: FastAPI, number: str, code: str, address: str = "198.51.100.1", device: str | None = None
) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline") as http:
        sent = {"number": number, "code": code} | ({"device": device} if device else {})
        return await http.post("/v1/lookup", json=sent)


async def test_number_and_code_tell_how_it_stands_and_not_a_word_about_anybody(
    app: FastAPI, services: Services, desk: Player, lifts: Player, switch: Player
) -> None:
    ticket = await desk.call(
        "我是王秀英，3栋2单元电梯坏了", caller={"phone": "13800138000", "name": "王秀英"}, category="dt-fault",
        location={"address": "3栋2单元1202"},
    )  # fmt: skip
    number, code = ticket["number"], query_code(services.secret, ticket["number"])
    for spoken in (number, f"{number[:3]} {number[3:6]} {number[6:]}"):
        reply = await look(app, spoken, f"{code[:3]} {code[3:]}")
        assert reply.status_code == 200, reply.text
    said = reply.json()
    assert (said["status"], said["department"]["code"], said["label"]["zh"]) == (
        "dispatched",
        "property-works",
        "已转办，尚未签收",
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
    app: FastAPI, services: Services, desk: Player
) -> None:
    ticket = await desk.call("3栋电梯坏了", category="dt-fault")
    hidden = await desk.call("举报有人吃回扣", category="za-misconduct")
    right = query_code(services.secret, ticket["number"])
    wrong = "000000" if right != "000000" else "000001"
    replies = [
        await look(app, ticket["number"], wrong),
        await look(app, "100000014", wrong),
        await look(app, "12345", "123456"),
        await look(app, hidden["number"], query_code(services.secret, hidden["number"])),
    ]
    assert {(r.status_code, r.text) for r in replies} == {(404, replies[0].text)}


DEVICE = "kF3sW1b9Qz7LxN2vTt0Y"


def wrong_codes(right: str, count: int) -> list[str]:
    return [code for n in range(count + 1) if (code := f"{n:06d}") != right][:count]


@pytest.fixture
async def asked_for(services: Services, desk: Player) -> tuple[str, str]:
    """A ticket's number and its code."""
    number = (await desk.call("3栋电梯坏了", category="dt-fault"))["number"]
    return number, query_code(services.secret, number)


async def test_wrong_codes_from_elsewhere_do_not_keep_a_resident_from_their_own_ticket(
    app: FastAPI, asked_for: tuple[str, str]
) -> None:
    number, right = asked_for
    for n, guess in enumerate(wrong_codes(right, 110)):
        assert (await look(app, number, guess, f"198.51.100.{n}")).status_code == 404
    assert (await look(app, number, right, "203.0.113.9")).status_code == 200


async def test_an_address_is_heard_five_times_an_hour_for_a_ticket_and_asking_on_does_not_make_it_longer(
    app: FastAPI, asked_for: tuple[str, str], clock: Clock
) -> None:
    number, right = asked_for
    for guess in wrong_codes(right, 5):
        assert (await look(app, number, guess)).status_code == 404
    clock.forward(minutes=59)
    for guess in (*wrong_codes(right, 3), right):
        stopped = await look(app, number, guess)
        assert (stopped.status_code, stopped.headers["retry-after"]) == (429, "60")
    clock.forward(minutes=1)
    assert (await look(app, number, right)).status_code == 200


async def test_where_the_code_was_right_before_it_is_heard_whatever_others_try(
    app: FastAPI, asked_for: tuple[str, str], desk: Player, services: Services
) -> None:
    number, right = asked_for
    assert (await look(app, number, right)).status_code == 200
    for n in range(30):  # a neighbour behind the same address tries other tickets
        await look(app, number_from_serial(5000 + n), "123123")
    other = (await desk.call("5栋电梯坏了", category="dt-fault"))["number"]
    assert (await look(app, other, query_code(services.secret, other))).status_code == 429
    assert (await look(app, number, right)).status_code == 200


async def test_an_address_that_tried_too_many_tickets_is_slowed_and_not_shut_out(
    app: FastAPI, asked_for: tuple[str, str], clock: Clock
) -> None:
    number, right = asked_for
    seen = [(await look(app, number_from_serial(5000 + n), "123123")).status_code for n in range(32)]
    assert seen == [404] * 30 + [429, 429]
    for n in range(7):
        stopped = await look(app, number_from_serial(9000 + n), "123123")
        assert (stopped.status_code, stopped.headers["retry-after"]) == (429, str(min(2**n, 60)))
        clock.forward(seconds=min(2**n, 60))
        assert (await look(app, number_from_serial(9000 + n), "123123")).status_code == 404
    clock.forward(minutes=1)
    assert (await look(app, number, right)).status_code == 200


async def test_after_a_hundred_wrong_codes_an_address_with_one_of_them_is_heard_no_more_that_day(
    app: FastAPI, asked_for: tuple[str, str], clock: Clock
) -> None:
    number, right = asked_for
    guesses = wrong_codes(right, 101)
    for n, guess in enumerate(guesses[:100]):
        assert (await look(app, number, guess, f"198.51.100.{n}")).status_code == 404
    clock.forward(hours=2)
    for code in (guesses[100], right):
        assert (await look(app, number, code, "198.51.100.7")).status_code == 429
    clock.forward(hours=23)
    assert (await look(app, number, right, "198.51.100.7")).status_code == 200


async def is_heard(services: Services, number: str, code: str, address: str, now: datetime) -> bool:
    try:
        return not await check_query_code(services, number, code, Requester.at(address), now)
    except Refused:
        return False


async def test_a_thousand_tries_from_fifty_addresses_keep_no_resident_from_their_ticket(
    app: FastAPI, asked_for: tuple[str, str], services: Services, clock: Clock
) -> None:
    number, right = asked_for
    assert (await look(app, number, right, "203.0.113.9", "a portal of the city's own")).status_code == 422
    assert (await look(app, number, right, "203.0.113.9", DEVICE)).status_code == 200
    heard = 0
    for n, guess in enumerate(wrong_codes(right, 1000)):
        heard += await is_heard(services, number, guess, f"198.51.100.{n % 50}", clock())
        clock.forward(seconds=30)
    assert heard <= 200  # and the chance of a right one among them is 1 in 5,000
    assert (await look(app, number, right, "198.51.100.200")).status_code == 200  # a new address beside theirs
    assert (await look(app, number, right, "203.0.113.9")).status_code == 200
    assert (await look(app, number, right, "198.51.100.7")).status_code == 429  # one of theirs
    assert (await look(app, number, right, "198.51.100.7", DEVICE)).status_code == 200  # but the portal's own users


async def test_beyond_thousands_of_wrong_codes_a_network_that_sent_none_is_still_heard(
    app: FastAPI, asked_for: tuple[str, str], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotline.tickets.lookup.WIDE_AFTER_FAILURES", 102)
    number, right = asked_for
    guesses = wrong_codes(right, 104)
    for n, guess in enumerate(guesses[:103]):
        assert (await look(app, number, guess, f"198.51.{n}.1")).status_code == 404
        clock.forward(minutes=8)
    assert (await look(app, number, right, "198.51.102.77")).status_code == 429  # beside the last of them
    assert (await look(app, number, guesses[103], "203.0.113.9")).status_code == 404  # a network of its own
    assert (await look(app, number, right, "203.0.113.200")).status_code == 429
    assert (await look(app, number, right, "192.0.2.1")).status_code == 200


async def test_one_line_with_many_ipv6_addresses_is_one_place(app: FastAPI, asked_for: tuple[str, str]) -> None:
    number, right = asked_for
    for n, guess in enumerate(wrong_codes(right, 5)):
        assert (await look(app, number, guess, f"2001:db8:1:2::{n + 1:x}")).status_code == 404
    assert (await look(app, number, right, "2001:db8:1:2:ffff::1")).status_code == 429
    assert (await look(app, number, right, "2001:db8:1:3::1")).status_code == 200


async def test_many_tries_at_once_are_as_many_as_one_after_the_other(app: FastAPI, asked_for: tuple[str, str]) -> None:
    number, right = asked_for
    tries = await asyncio.gather(*(look(app, number, guess) for guess in wrong_codes(right, 12)))
    assert sorted(reply.status_code for reply in tries) == [404] * 5 + [429] * 7


@pytest.mark.parametrize(
    ("body", "field"), [({}, "number"), ({"number": "1"}, "code"), ({"number": "1", "code": "x"}, "code")]
)
async def test_a_question_that_cannot_be_right(body: dict[str, Any], field: str, app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as http:
        reply = await http.post("/v1/lookup", json=body)
    assert reply.status_code == 422 and field in [e["field"] for e in reply.json()["errors"]]


async def test_whoever_takes_the_call_can_tell_the_code_and_the_desk_can_look_it_up(
    desk: Player, services: Services, lifts: Player
) -> None:
    taken = (
        await desk.post("/v1/calls", {"channel": "phone", "narrative": "3栋电梯坏了", "category": "dt-fault"})
    ).json()
    number = taken["ticket"]["number"]
    assert taken["query_code"] == query_code(services.secret, number)
    again = await desk.get(f"/v1/tickets/{number}/query-code")
    assert again.json() == {"number": number, "query_code": taken["query_code"]}
    assert (await lifts.get(f"/v1/tickets/{number}/query-code")).status_code == 403


async def test_who_called_about_the_same_matter_reads_its_answer_under_their_own_number(
    app: FastAPI, services: Services, desk: Player, lifts: Player, switch: Player
) -> None:
    parent = await desk.call("3栋2单元电梯坏了", category="dt-fault", location={"area": "rq-b3"})
    child = await desk.call("3栋的电梯又不动了", category="dt-fault", location={"area": "rq-b3"})
    await switch.act(child, "merge", target=parent["number"])
    code = query_code(services.secret, child["number"])
    assert (await look(app, child["number"], code)).json()["reply"] is None
    parent = await lifts.order(await lifts.see(parent), "accept")
    parent = await lifts.order(parent, "report", internal_result="换主板", public_reply="电梯已修好", solved=True)
    await switch.act(parent, "accept_report")
    said = (await look(app, child["number"], code)).json()
    assert (said["status"], said["merged_into"], said["reply"]) == ("merged", parent["number"], "电梯已修好")

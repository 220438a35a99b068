"""Residents who write: what a text does, and what they are written. `wang` writes from a mobile; the provider is the
generic one, with a far side that remembers what it was given."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from hotline.delivery import attempts
from hotline.delivery import store as outbox_store
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.gateways import GatewayChange, change_gateway
from hotline.delivery.outbox import send_due_messages
from hotline.inbound.processing import process_due
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.service.directory import change as change_directory
from hotline.review import store as review_store
from hotline.sms import store as sms_store
from hotline.sms.send_plan import shift_weights
from hotline.tickets.lookup import query_code
from tests.conftest import Player
from tests.sms.providers import FAR
from tests.sms.town import LI, WANG, Town

LAMP = "3栋楼下路灯坏了"


async def newest(desk: Player) -> dict[str, Any]:
    number = (await desk.get("/v1/tickets?limit=1")).json()["items"][0]["number"]
    return await desk.see(number)


async def count(desk: Player) -> int:
    return len((await desk.get("/v1/tickets?limit=200")).json()["items"])


async def solved(desk: Player, lifts: Player, switch: Player) -> dict[str, Any]:
    ticket = await newest(desk)
    ticket = await lifts.order(ticket, "accept")
    ticket = await lifts.order(ticket, "report", internal_result="换了主板", public_reply="电梯已修好", solved=True)
    return await switch.act(ticket, "accept_report")


async def test_a_text_becomes_a_ticket_and_its_sender_gets_the_number_back(town: Town, desk: Player) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    ticket = await newest(desk)
    assert (ticket["channel"], ticket["status"], ticket["caller"]["phone"]) == ("sms", "dispatched", WANG)
    (text,) = await town.send()
    assert ticket["number"] in text and query_code(town.services.secret, ticket["number"]) in text
    assert "您反映的事项已转" in text  # received and handed on, in one text
    (row,) = (await desk.get(f"/v1/tickets/{ticket['number']}/texts")).json()["items"]
    assert (row["status"], row["to"], row["gateway"]) == ("sent", WANG, "generic")


async def test_an_english_text_is_answered_in_english(town: Town, desk: Player) -> None:
    await town.writes("The lift in building 3 is broken")
    (text,) = await town.send()
    assert "Your request is with" in text and not re.search("[\u4e00-\u9fff]", text)


async def test_the_reply_1_closes_the_call_back(town: Town, desk: Player, lifts: Player, switch: Player) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    await solved(desk, lifts, switch)
    asked = (await town.send())[-1]
    assert "电梯已修好" in asked and "1非常满意" in asked
    await town.writes("1")
    ticket = await newest(desk)
    assert (ticket["status"], ticket["result"]["satisfaction"]["final"]) == ("closed", "very_satisfied")
    by = (await desk.get(f"/v1/tickets/{ticket['number']}/timeline")).json()["items"][-1]["by"]
    assert by["kind"] == "resident"
    assert "感谢您的评价" in (await town.send())[-1]


@pytest.mark.parametrize(
    ("said", "status", "first"),
    [
        ("２", "closed", "satisfied"), ("满意", "closed", "satisfied"), ("3。", "closed", "fair"),
        ("very satisfied", "closed", "very_satisfied"), ("已解决", "closed", "satisfied"),
        ("5", "triaged", "very_dissatisfied"), ("不满意，还是不动", "triaged", "dissatisfied"),
        ("没修好", "triaged", "dissatisfied"), ("not fixed", "triaged", "dissatisfied"),
    ],
)  # fmt: skip
async def test_what_residents_answer(
    said: str, status: str, first: str, town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    await solved(desk, lifts, switch)
    await town.send()
    await town.writes(said)
    ticket = await newest(desk)
    assert (ticket["status"], ticket["result"]["satisfaction"]["first"]) == (status, first)
    assert await count(desk) == 1


async def test_a_house_number_is_no_opinion(town: Town, desk: Player, lifts: Player, switch: Player) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    await solved(desk, lifts, switch)
    await town.send()
    await town.writes("1 栋路灯坏了")
    assert await count(desk) == 2
    assert [t["status"] for t in (await desk.get("/v1/tickets")).json()["items"]].count("closed") == 0


async def test_the_number_in_the_text_says_which_ticket_is_meant(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    first = await solved(desk, lifts, switch)
    town.clock.forward(minutes=30)
    await town.writes("9栋停水了一整天")
    assert await count(desk) == 2
    await town.send()
    await town.writes(f"{first['number']} 1")
    assert (await desk.see(first["number"]))["status"] == "closed"
    await town.writes(f"{first['number'][:-1]}{(int(first['number'][-1]) + 1) % 10} 1")  # mistyped: it hits nobody's
    assert [t["status"] for t in (await desk.get("/v1/tickets")).json()["items"]].count("closed") == 1


async def test_more_words_join_the_open_ticket_and_another_matter_does_not(town: Town, desk: Player) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    await town.writes("就是左边那台，下午三点开始的")
    assert await count(desk) == 1
    ticket = await newest(desk)
    assert ticket["counters"]["calls"] == 2
    await town.writes("另外9栋停水了，水管没水")  # surely something else
    assert await count(desk) == 2
    await town.writes("路灯坏了", receiver="54321")  # on another line of ours
    assert await count(desk) == 3


async def test_thanks_open_nothing_and_do_not_count_as_another_call(town: Town, desk: Player) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    for polite in ("谢谢", "好的", "OK", "收到，谢谢"):
        await town.writes(polite)
    assert await count(desk) == 1
    assert (await newest(desk))["counters"]["calls"] == 1


async def test_after_closing_the_same_again_reopens_and_a_new_matter_does_not(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    await solved(desk, lifts, switch)
    await town.send()
    await town.writes("1")
    assert (await newest(desk))["status"] == "closed"
    await town.writes("电梯又坏了")
    ticket = await newest(desk)
    assert (ticket["status"], ticket["counters"]["reopens"]) == ("triaged", 1)
    assert any("重新办理" in text for text in await town.send())
    await desk.act(ticket, "withdraw", reason="test")
    town.clock.forward(days=31)
    await town.writes("电梯又坏了")
    assert await count(desk) == 2


async def test_what_was_asked_for_comes_back_as_an_answer(town: Town, desk: Player) -> None:
    await town.writes("路灯坏了")
    ticket = await newest(desk)
    await town.send()
    ticket = await desk.act(ticket, "request_info", text="请问是哪一栋楼下？")
    (asked,) = [text for text in await town.send() if "哪一栋楼下" in text]
    assert re.search(r"请在\d+月\d+日\d\d:\d\d前直接回复", asked)
    await town.writes("7栋楼下")
    assert (await newest(desk))["status"] in ("dispatched", "triaged", "received")
    steps = [e["action"] for e in (await desk.get(f"/v1/tickets/{ticket['number']}/timeline")).json()["items"]]
    assert "provide_info" in steps and await count(desk) == 1


async def test_progress_is_told_to_the_owner_and_to_whoever_has_the_code(town: Town, desk: Player) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    number = (await newest(desk))["number"]
    await town.send()
    await town.writes("查询")
    (text,) = await town.send()
    assert number in text and "尚未签收" in text
    await town.writes(f"查询 {number}", LI)  # not theirs, and no code
    assert "没有查到" in (await town.send())[0]
    await town.writes(f"查询 {number} {query_code(town.services.secret, number)}", LI)
    assert "尚未签收" in (await town.send())[0]
    await town.writes(f"{number[:3]} {number[3:6]} {number[6:]}")  # the number alone, said in threes
    assert "尚未签收" in (await town.send())[0]
    assert await count(desk) == 1


@pytest.mark.parametrize(
    ("said", "stops"),
    [
        ("TD", True), (" td ", True), ("ＴＤ", True), ("退订", True), ("T", True), ("STOP", True),
        ("T恤店噪音太大", False), ("TD-LTE没信号", False), ("请退订垃圾短信", False),
    ],
)  # fmt: skip
async def test_case_15_only_the_exact_word_opts_out(said: str, stops: bool, town: Town, desk: Player) -> None:
    await town.writes(said)
    stopped = (await desk.get("/v1/stop-list")).json()["items"]
    assert [s["phone"] for s in stopped] == ([WANG] if stops else [])
    assert await count(desk) == (0 if stops else 1)
    told = await town.send()
    assert ("已退订" in told[0] or "no more texts" in told[0]) is stops


async def test_who_opted_out_is_heard_but_not_written_to_until_it_burns(town: Town, desk: Player) -> None:
    await town.writes("退订")
    await town.send()
    await town.writes(LAMP)
    assert await count(desk) == 1 and await town.send() == []
    number = (await newest(desk))["number"]
    assert (await desk.get(f"/v1/tickets/{number}/texts")).json()["items"][0]["status"] == "stopped"
    await town.writes("3栋着火了")
    assert "求助已收到" in (await town.send())[0]
    await town.writes("恢复")
    assert "已恢复" in (await town.send())[0]
    await town.writes("5栋楼道灯坏了")
    assert len(await town.send()) == 1


async def test_residents_sleep_but_answers_and_emergencies_do_not_wait(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    await town.send()
    town.clock.now = datetime(2026, 11, 25, 15, 30, tzinfo=UTC)  # 23:30 in Chengdu
    await solved(desk, lifts, switch)
    assert await town.send() == []
    await town.writes("查询")
    assert len(await town.send()) == 1  # they are awake: they just wrote
    town.clock.now = datetime(2026, 11, 25, 23, 59, tzinfo=UTC)
    assert await town.send() == []
    town.clock.now = datetime(2026, 11, 26, 0, 1, tzinfo=UTC)  # 8:01
    assert "电梯已修好" in (await town.send())[0]
    row = (await desk.get(f"/v1/tickets/{(await newest(desk))['number']}/texts")).json()["items"][-1]
    assert row["attempts"] == 1


async def test_nobody_gets_more_texts_than_they_can_bear(town: Town, desk: Player) -> None:
    for n in range(6):
        await desk.call(f"{n}栋楼下的路灯坏了，很黑", caller={"phone": "13800138000"})
    sent = await town.send()
    assert len(sent) == 4
    await desk.call("3栋着火了", caller={"phone": "13800138000"})
    assert len(await town.send()) == 1


async def test_the_receipt_of_a_request_above_the_cap_waits_is_shown_and_follows(town: Town, desk: Player) -> None:
    tickets = [await desk.call(f"{n}栋楼下的路灯坏了，很黑", caller={"phone": "13800138000"}) for n in range(6)]
    assert len(await town.send()) == 4
    shown = [(await desk.get(f"/v1/tickets/{t['number']}/texts")).json()["items"] for t in tickets]
    assert all(len(texts) == 1 for texts in shown)
    waiting = [text for (text,) in shown if text["waits_for"] == "cap"]
    assert len(waiting) == 2
    assert {(text["status"], text["sent_at"], text["to"]) for text in waiting} == {("created", None, WANG)}
    assert all(text["number"] in text["body"] and text["waits_until"] is not None for text in waiting)
    town.clock.forward(minutes=5)
    assert await town.send() == []
    town.clock.forward(minutes=6)
    assert len(await town.send()) == 2
    after = [(await desk.get(f"/v1/tickets/{t['number']}/texts")).json()["items"] for t in tickets]
    assert {(text["status"], text["waits_for"]) for (text,) in after} == {("sent", None)}


async def test_who_asks_is_answered_however_many_texts_they_had(town: Town, desk: Player) -> None:
    for n in range(6):
        await desk.call(f"{n}栋楼下的路灯坏了，很黑", caller={"phone": "13800138000"})
    await town.send()
    await town.writes("查询")
    assert len(await town.send()) == 1


async def test_what_came_of_a_request_does_not_wait_behind_its_receipt(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    for n in range(4):
        await desk.call(f"{n}栋楼下的路灯坏了，很黑", caller={"phone": "13800138000"})
    lift = await desk.call("3栋2单元电梯坏了，不动了", caller={"phone": "13800138000"})
    assert len(await town.send()) == 4
    await solved(desk, lifts, switch)
    assert any("1非常满意" in text for text in await town.send())
    town.clock.forward(minutes=11)
    late = await town.send()
    assert not any(lift["number"] in text for text in late)  # of a solved matter nobody is told that it was received


async def test_steps_that_nobody_asked_for_are_dropped_above_the_cap(town: Town, desk: Player, switch: Player) -> None:
    tickets = [await desk.call("说不清楚的一件事情", caller={"phone": "13800138000"}) for _ in range(4)]
    await town.send()
    town.clock.forward(minutes=1)
    for ticket in tickets:
        triaged = await switch.act(ticket, "triage", category="wx-light", kind="request", priority="normal")
        if triaged["status"] == "triaged":
            await switch.act(triaged, "dispatch", department="property-works")
    await town.send()
    held = [r for r in await sms_store.load_texts(town.services.db, SYSTEM_SCOPE, "capped", "", 50)]
    assert {r.template for r in held} == {"dispatched"}


async def test_a_confidential_caller_and_a_landline_are_not_written_to(town: Town, desk: Player) -> None:
    secret = await desk.call(
        "举报有人吃回扣", category="za-misconduct", caller={"phone": "13800138000", "name": "赵某"}
    )
    fixed = await desk.call(LAMP, caller={"phone": "02887654321"})
    quiet = await desk.call("5栋楼道灯坏了", caller={"phone": "13900139001"}, reply_wanted=False)
    assert await town.send() == []
    why = [
        (await desk.get(f"/v1/tickets/{t['number']}/texts")).json()["items"][0]["error"] for t in (secret, fixed, quiet)
    ]
    assert why == ["confidential", "a landline takes no texts", "no reply wanted"]
    (row,) = await sms_store.load_ticket_texts(town.services.db, secret["number"])
    assert row.body == ""


async def test_declined_and_extended_matters_say_where_to_turn_and_why(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    ticket = await desk.call("说不清楚的一件事情", caller={"phone": "13800138000"})
    await town.send()
    await desk.act(ticket, "decline", reason_code="legal_procedure", channel_told="区人民法院 87651234")
    assert "区人民法院" in (await town.send())[0]
    lift = await desk.call("3栋电梯坏了", caller={"phone": "13900139000"}, category="dt-fault")
    lift = await lifts.order(lift, "accept")
    due = (town.clock() + timedelta(days=20)).isoformat()
    lift = await lifts.order(lift, "request_extension", due_at=due, reason="等配件")
    await town.send()
    await switch.order(lift, "approve_extension", reason="配件从厂家调货")
    told = await town.send()
    assert "需延长办理" in told[0] and "配件从厂家调货" in told[0]


async def test_callers_of_merged_tickets_are_notified_too(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    first = await desk.call("3栋2单元电梯坏了", caller={"phone": "13800138000"}, category="dt-fault")
    second = await desk.call("电梯停了", caller={"phone": "13900139000"}, category="dt-fault")
    await desk.act(second, "merge", target=first["number"])
    await town.send()
    ticket = await desk.see(first)
    ticket = await lifts.order(ticket, "accept")
    ticket = await lifts.order(ticket, "report", internal_result="换件", public_reply="已修好", solved=True)
    town.handset.got.clear()
    await switch.act(ticket, "accept_report")
    await town.send()
    told = {t["to"]: t["text"] for t in town.handset.got}
    assert set(told) == {WANG, LI}
    assert "1非常满意" in told[WANG] and "1非常满意" not in told[LI] and second["number"] in told[LI]


async def test_officers_on_duty_are_texted_at_any_hour(town: Town, desk: Player) -> None:
    town.clock.now = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)  # 02:00 in Chengdu
    await desk.call("3栋着火了", caller={"phone": "13800138000", "name": "王秀英"})
    assert not [t for t in await town.send() if "值班提醒" in t]
    dead = await outbox_store.load_messages(town.services.db, "dead", "", 50)
    assert dead and all("no phone number on the roster" in m.last_error for m in dead)  # told, not lost
    h = town.services
    roster = (await h.directory.now(town.clock())).rosters["service-centre"]
    phoned = replace(roster, members=tuple(replace(m, phone="0086 137-0000-0001") for m in roster.members))
    await change_directory(h.directory, [("rosters", roster.code, phoned)], desk.actor, town.clock())
    await desk.call("5栋着火了", caller={"phone": "13900139000", "name": "王秀英"})
    officers = [t for t in await town.send() if "值班提醒" in t]
    assert officers and "王秀英" not in str(officers) and "139" not in "".join(officers)
    assert {t["to"] for t in town.handset.got if "值班提醒" in t["text"]} == {"+8613700000001"}


async def test_officers_are_told_the_door(town: Town, desk: Player) -> None:
    h = town.services
    roster = (await h.directory.now(town.clock())).rosters["service-centre"]
    phoned = replace(roster, members=tuple(replace(m, phone="0086 137-0000-0001") for m in roster.members))
    await change_directory(h.directory, [("rosters", roster.code, phoned)], desk.actor, town.clock())
    await desk.call("3栋2单元501着火了")
    await desk.call("着火了", location={"area": "rq-b5", "address": "5栋1单元", "unit": "1"})
    told = [t for t in await town.send() if "值班提醒" in t]
    assert any("瑞泉馨城3栋2单元501室" in text for text in told)
    assert any("瑞泉馨城5栋5栋1单元" in text for text in told)  # a part that the address has is not told twice


# Delivery


async def test_case_14_reports_never_lower_what_is_known(town: Town, desk: Player) -> None:
    await town.writes(LAMP)
    number = (await newest(desk))["number"]
    text_id = f"{number}.1.0"

    async def stands() -> str:
        await town.work()
        row = await sms_store.load_text(town.services.db, SYSTEM_SCOPE, text_id)
        return str(row.status) if row else "unknown"

    await town.reports(text_id, "delivered")  # before we have even sent it: it waits for its text
    assert await stands() == "unknown"
    await town.send()
    town.clock.forward(seconds=6)
    assert await stands() == "delivered"
    for late in ("buffered", "sent", "undelivered", "delivered", "expired"):
        await town.reports(text_id, late)
        assert await stands() == "delivered"
    await town.reports("nobody", "delivered", "p-77")
    await town.work()
    town.clock.forward(hours=25)
    await town.work()
    shown = (await desk.get("/v1/inbound")).json()["items"]
    assert [s["why"] for s in shown] == ["a report on a text that is not ours"]


async def test_a_report_with_an_unreadable_time_counts_from_when_it_came_not_from_when_it_was_processed(
    town: Town, desk: Player
) -> None:
    await town.writes(LAMP)
    text_id = f"{(await newest(desk))['number']}.1.0"
    await town.send()
    town.clock.forward(seconds=6)
    came = town.clock()
    item = {"id": "p-1", "reference": text_id, "status": "delivered", "at": "03/04/2026 10:00:00"}
    push = FAR["generic"]._push(FAR["generic"].status, {"reports": [item]}, came)
    reply = await town.http.request(push.method, push.path, headers=push.headers, content=push.body)
    assert (reply.status_code, reply.json()) == (200, {"accepted": 1, "set_aside": 0})
    town.clock.forward(minutes=20)
    await town.work()
    row = await sms_store.load_text(town.services.db, SYSTEM_SCOPE, text_id)
    assert row is not None and (row.status, row.status_at) == ("delivered", came)
    (kept,) = [
        r for r in await review_store.load_items(town.services.db, SYSTEM_SCOPE, "done", "", 50) if r.kind == "report"
    ]
    assert kept.details["said_at"] == "03/04/2026 10:00:00"


async def test_case_14_undelivered_becomes_delivered_and_an_unknown_word_is_an_alarm(town: Town, desk: Player) -> None:
    await town.writes(LAMP)
    number = (await newest(desk))["number"]
    text_id = f"{number}.1.0"
    await town.send()
    await town.reports(text_id, "strange")
    await town.work()
    assert (await sms_store.load_text(town.services.db, SYSTEM_SCOPE, text_id)).status == "technical_failure"
    assert any(
        "unknown report" in str(m.payload) for m in await outbox_store.load_messages(town.services.db, "queued", "", 50)
    )
    await town.reports(text_id, "undelivered")
    await town.work()
    await town.reports(text_id, "delivered")
    await town.work()
    assert (await sms_store.load_text(town.services.db, SYSTEM_SCOPE, text_id)).status == "delivered"


async def test_case_25_a_time_out_keeps_the_same_reference_and_tries_again(
    town: Town, desk: Player, watch: Player
) -> None:
    await town.writes(LAMP)
    number = (await newest(desk))["number"]
    town.handset.say = lambda text: httpx.ReadTimeout("slow")
    assert await town.send() == []
    row = await sms_store.load_text(town.services.db, SYSTEM_SCOPE, f"{number}.1.0")
    assert (row.status, row.attempts) == ("created", 1) and "ReadTimeout" in row.error
    town.handset.say = lambda text: None
    assert await town.send() == []  # not yet
    town.clock.forward(seconds=10)
    assert len(await town.send()) == 1
    references = {r.headers["webhook-id"] for r in town.handset.requests}
    assert references == {f"{number}.1.0"}
    shown = (await watch.get(f"/v1/texts/{number}.1.0")).json()
    assert [(t["good"], t["way"]) for t in shown["tries"]] == [(False, "generic"), (True, "generic")]


async def test_case_25_forty_eight_tries_end_in_a_failure_that_is_seen_and_can_be_sent_again(
    town: Town, desk: Player, watch: Player
) -> None:
    await town.writes("3栋着火了")  # an emergency: no quiet hours on the way
    number = (await newest(desk))["number"]
    town.handset.say = lambda text: httpx.Response(503)
    begun = town.clock()
    for _ in range(60):
        await town.send()
        town.clock.forward(minutes=7)
    tries = await attempts.load_attempts(town.services.db, f"{number}.1.0")
    assert len(tries) == 48
    assert tries[-1].at - begun > timedelta(hours=3.5)
    assert (await sms_store.load_text(town.services.db, SYSTEM_SCOPE, f"{number}.1.0")).status == "technical_failure"
    listed = (await watch.get("/v1/texts")).json()["items"]
    assert f"{number}.1.0" in [t["id"] for t in listed]
    town.handset.say = lambda text: None
    assert (await watch.post(f"/v1/texts/{number}.1.0/resend")).status_code == 202
    assert len(await town.send()) >= 1
    assert (await sms_store.load_text(town.services.db, SYSTEM_SCOPE, f"{number}.1.0")).status == "sent"
    assert (await watch.post(f"/v1/texts/{number}.1.0/resend")).status_code == 409


async def test_a_crash_between_sending_and_marking_sends_again_under_the_same_reference(
    town: Town, desk: Player
) -> None:
    await town.writes(LAMP)
    number = (await newest(desk))["number"]

    def crash(text: dict[str, Any]) -> None:
        raise asyncio.CancelledError

    sender_ways = DeliveryChannels(texts=httpx.AsyncClient(transport=httpx.MockTransport(town.handset)))
    town.handset.say = crash  # type: ignore[assignment]
    await send_due_messages(town.services, sender_ways, town.clock())
    town.handset.say = lambda text: None
    town.clock.forward(seconds=46)  # the lease ends
    assert len(await town.send()) == 1
    rows = await sms_store.load_ticket_texts(town.services.db, number)
    assert [(r.id, r.attempts, r.status) for r in rows] == [(f"{number}.1.0", 2, "sent")]
    await sender_ways.close()


async def test_weights_move_by_tens_away_from_what_fails_and_drift_back(town: Town, desk: Player) -> None:
    await town.gateway("second", weight=50)
    h = town.services

    async def weights() -> dict[str, int]:
        return {n: g.weight for n, g in (await h.gateways.now(town.clock())).items()}

    town.handset.say = lambda t: httpx.Response(503) if t["host"] == "generic.example" else None
    await town.writes("5栋停电了", "+8613700000001")
    await town.send()
    assert await shift_weights(h, town.clock()) == {}  # never on one error
    await asyncio.gather(*(desk.call(f"{n}栋停电了", caller={"phone": f"1371111{n:04d}"}) for n in range(24)))
    await town.send()
    assert await shift_weights(h, town.clock()) == {"generic": 40, "second": 60}
    assert await shift_weights(h, town.clock()) == {}  # a pause between two
    seen = [await weights()]
    for _ in range(12):
        at = town.clock()
        numbers = [f"137{at.minute:02d}{n:02d}{at.second:04d}" for n in range(24)]
        calls = (desk.call(f"{n}栋停电了", caller={"phone": phone}) for n, phone in enumerate(numbers))
        await asyncio.gather(*calls)
        town.clock.forward(seconds=61)
        await town.send()
        await shift_weights(h, town.clock())
        seen.append(await weights())
    assert 10 <= seen[-1]["generic"] <= 30 and seen[-1]["second"] >= 70  # as far as there are tries enough to tell
    town.handset.say = lambda t: None
    back = []
    for _ in range(10):
        town.clock.forward(minutes=6)
        await town.send()
        await shift_weights(h, town.clock())
        back.append((await weights())["generic"])
    assert back[-1] == 50 and all(b - a <= 10 for a, b in pairwise(back))


async def test_a_resident_is_answered_by_the_gateway_they_wrote_to(town: Town, desk: Player) -> None:
    await town.gateway("second", weight=100, url="http://second.example/send")
    await town.writes("查询")
    await town.send()
    assert [t["host"] for t in town.handset.got] == ["generic.example"]


async def test_a_gateway_that_is_switched_off_takes_nothing_in_and_sends_nothing(town: Town, desk: Player) -> None:
    await town.writes(LAMP)
    h = town.services
    await change_gateway(h.gateways, "generic", GatewayChange(active=False), town.clock())
    assert await town.send() == []
    push = FAR["generic"].text("off", WANG, "12345", LAMP, town.clock())
    assert (await town.http.request(push.method, push.path, headers=push.headers, content=push.body)).status_code == 404


async def test_a_burst_is_worked_off_with_the_dangers_first(town: Town, desk: Player) -> None:
    push = FAR["generic"].texts(
        [
            (f"q-{n}", f"+86137{n:08d}", "12345", "5栋停水了" if n != 60 else "5栋燃气泄漏", town.clock())
            for n in range(80)
        ]
    )
    assert (await town.http.request("POST", push.path, headers=push.headers, content=push.body)).status_code == 200
    await process_due(town.services, town.clock())
    urgent = [t for t in (await desk.get("/v1/tickets?limit=200")).json()["items"] if t["priority"] == "emergency"]
    assert len(urgent) == 1
    await town.work()
    assert await count(desk) == 80


# What goes before what, and whose ticket it is


@pytest.mark.parametrize(
    "said", ["3 着火了", "满意，但是现在3栋燃气泄漏了", "谢谢，电梯困人了", "查询 燃气泄漏了怎么办"]
)
async def test_a_danger_goes_before_an_opinion_thanks_and_questions(
    said: str, town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    await solved(desk, lifts, switch)
    await town.send()
    await town.writes(said)
    items = (await desk.get("/v1/tickets")).json()["items"]
    assert [t["priority"] for t in items].count("emergency") == 1
    assert [t["status"] for t in items].count("closed") == 0


@pytest.mark.parametrize(
    ("said", "status", "first"),
    [
        ("1 谢谢", "closed", "very_satisfied"), ("2，非常感谢", "closed", "satisfied"), ("5分，谢谢", "triaged", "very_dissatisfied"),
        ("5，又漏水了没人管", "triaged", "very_dissatisfied"), ("1 没修好", "triaged", "dissatisfied"),
    ],
)  # fmt: skip
async def test_thanks_or_a_reason_may_stand_beside_the_digit(
    said: str, status: str, first: str, town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    await solved(desk, lifts, switch)
    await town.send()
    await town.writes(said)
    ticket = await newest(desk)
    assert (ticket["status"], ticket["result"]["satisfaction"]["first"]) == (status, first)


@pytest.mark.parametrize("said", ["谢谢，没有再次停过", "再次感谢", "Thank you again!", "电梯没有又停"])
async def test_what_only_sounds_like_again_reopens_nothing(
    said: str, town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    ticket = await solved(desk, lifts, switch)
    await town.send()
    await town.writes(said)
    assert (await desk.see(ticket))["status"] == "resolved"
    assert await count(desk) == 1


@pytest.mark.parametrize("said", ["1栋停水了", "2 days without water in block 9", "5号楼路灯坏了"])
async def test_a_digit_is_an_opinion_only_alone(
    said: str, town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    ticket = await solved(desk, lifts, switch)
    await town.send()
    await town.writes(said)
    assert (await desk.see(ticket))["status"] == "resolved"
    assert (await desk.see(ticket))["result"]["satisfaction"]["final"] is None


async def test_an_officers_reply_is_no_opinion_of_the_caller(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    """Officers are sent texts about tickets of others: what they write back decides nothing there."""
    ticket = await desk.call("3栋2单元电梯坏了", caller={"phone": "13800138000"}, category="dt-fault")
    await town.send()
    await solved(desk, lifts, switch)
    await town.send()
    row = (await sms_store.load_ticket_texts(town.services.db, ticket["number"]))[-1]
    theirs = {**row._asdict(), "id": "officer.1", "receiver": LI}
    theirs.pop("confidential")
    await town.services.db.transact(lambda c: sms_store.insert_texts(c, [theirs]))
    await town.writes("1", LI)
    assert (await desk.see(ticket))["status"] == "resolved"
    await town.writes("5", LI)
    assert (await desk.see(ticket))["status"] == "resolved"


async def test_who_asked_with_a_code_may_not_answer_for_the_caller(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    ticket = await solved(desk, lifts, switch)
    await town.send()
    await town.writes(f"查询 {ticket['number']} {query_code(town.services.secret, ticket['number'])}", LI)
    await town.send()
    await town.writes("1", LI)
    assert (await desk.see(ticket))["status"] == "resolved"


async def test_an_opinion_reaches_its_question_by_whatever_gateway_it_comes(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await desk.call("3栋2单元电梯坏了", caller={"phone": "13800138000"}, category="dt-fault")
    await solved(desk, lifts, switch)
    await town.send()
    await town.writes("1", receiver="10690000999")  # not the line the question came from
    assert (await newest(desk))["status"] == "closed"


async def test_a_danger_waits_for_no_other_text_of_its_sender(town: Town, desk: Player) -> None:
    push = FAR["generic"].texts(
        [(f"w-{n}", WANG, "12345", "5栋停水了" if n < 40 else "5栋燃气泄漏了", town.clock()) for n in range(41)]
    )
    assert (await town.http.request("POST", push.path, headers=push.headers, content=push.body)).status_code == 200
    await process_due(town.services, town.clock())
    items = (await desk.get("/v1/tickets?limit=200")).json()["items"]
    assert [t["priority"] for t in items].count("emergency") == 1


async def test_asking_without_a_code_uses_up_no_guesses(town: Town, desk: Player) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    number = (await newest(desk))["number"]
    await town.send()
    for _ in range(8):
        await town.writes(f"查询 {number}", LI)
        town.clock.forward(minutes=11)
    await town.send()
    await town.writes(f"查询 {number} {query_code(town.services.secret, number)}", LI)
    assert "尚未签收" in (await town.send())[-1]


async def test_too_many_wrong_codes_are_answered_like_a_wrong_one(town: Town, desk: Player) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    number = (await newest(desk))["number"]
    await town.send()
    right = query_code(town.services.secret, number)
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(7):
        await town.writes(f"查询 {number} {wrong}", LI)
        assert "没有查到" in (await town.send())[-1]
        town.clock.forward(minutes=1)
    await town.writes(f"查询 {number} {right}", LI)
    told = await town.send()
    assert told and "没有查到" in told[-1]


@pytest.mark.parametrize("said", ["你好", "您好！", "hello", "Hi"])
async def test_a_greeting_is_told_what_can_be_written(said: str, town: Town, desk: Player) -> None:
    await town.writes(said)
    assert await count(desk) == 0
    assert len(await town.send()) == 1


async def test_content_with_this_and_with_something_new_loses_nothing(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    await town.writes("3栋2单元电梯坏了，不动了")
    await solved(desk, lifts, switch)
    await town.send()
    await town.writes("满意，另外9栋停水了，水管没水")
    listed = (await desk.get("/v1/tickets")).json()["items"]
    told = [(await desk.see(t["number"]))["narrative"] for t in listed]
    assert any("9栋停水了" in words for words in told)


async def test_the_question_and_what_follows_from_an_answer_are_never_capped(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    for n in range(6):
        await desk.call(f"{n}栋楼下的路灯坏了，很黑", caller={"phone": "13800138000"})
    await town.writes("3栋2单元电梯坏了，不动了")
    await town.send()
    await solved(desk, lifts, switch)
    assert any("1非常满意" in text for text in await town.send())
    await town.writes("5")
    assert any("重新办理" in text for text in await town.send())


async def test_each_caller_of_a_merged_ticket_gets_a_message_of_their_own(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    first = await desk.call("3栋2单元电梯坏了", caller={"phone": "13800138000"}, category="dt-fault")
    for n in range(5):
        other = await desk.call("电梯停了", caller={"phone": f"1390013900{n}"}, category="dt-fault")
        await desk.act(other, "merge", target=first["number"])
    await town.send()
    ticket = await lifts.order(await desk.see(first), "accept")
    ticket = await lifts.order(ticket, "report", internal_result="换件", public_reply="已修好", solved=True)
    await switch.act(ticket, "accept_report")
    town.handset.got.clear()
    down = {"+8613900139002"}
    town.handset.say = lambda text: httpx.Response(500) if text["to"] in down else None
    await town.send()
    told = [t["to"] for t in town.handset.got if "已修好" in t["text"]]
    assert sorted(told) == sorted({WANG, *(f"+861390013900{n}" for n in (0, 1, 3, 4))})
    down.clear()
    town.clock.forward(hours=1)
    await town.send()
    told = [t["to"] for t in town.handset.got if "已修好" in t["text"]]
    assert len(told) == len(set(told)) == 6  # the one that failed follows; nobody is told twice


@pytest.mark.parametrize("word", ["undelivered", "expired", "rejected"])
async def test_a_text_that_did_not_arrive_can_be_sent_again(word: str, town: Town, desk: Player, watch: Player) -> None:
    await town.writes(LAMP)
    await town.send()
    (row,) = await sms_store.load_ticket_texts(town.services.db, (await newest(desk))["number"])
    assert (await watch.post(f"/v1/texts/{row.id}/resend")).status_code == 409  # it is on its way
    await town.reports(row.id, word)
    await town.work()
    assert (await watch.post(f"/v1/texts/{row.id}/resend")).status_code == 202
    assert len(await town.send()) == 1
    await town.reports(row.id, "delivered", "p-2")
    await town.work()
    assert (await sms_store.load_text(town.services.db, SYSTEM_SCOPE, row.id)).status == "delivered"


async def test_a_refused_resend_changes_nothing(town: Town, desk: Player, watch: Player) -> None:
    await town.writes(LAMP)
    await town.send()
    (row,) = await sms_store.load_ticket_texts(town.services.db, (await newest(desk))["number"])
    await town.reports(row.id, "undelivered")
    await town.work()
    assert (await watch.post(f"/v1/texts/{row.id}/resend")).status_code == 202
    # told meanwhile
    await town.services.db.transact(lambda c: sms_store.advance_status(c, row.id, "undelivered", town.clock(), {}))
    assert (await watch.post(f"/v1/texts/{row.id}/resend")).status_code == 409  # it is queued already
    assert (await sms_store.load_text(town.services.db, SYSTEM_SCOPE, row.id)).status == "undelivered"


async def test_a_dead_text_is_sent_again_from_the_command_line_too(town: Town, desk: Player) -> None:
    from hotline.sms.send_plan import resend

    await town.writes(LAMP)
    (number,) = [(await newest(desk))["number"]]
    town.handset.say = lambda text: httpx.Response(400)
    for _ in range(60):
        await town.send()
        town.clock.forward(minutes=10)
    (row,) = await sms_store.load_ticket_texts(town.services.db, number)
    assert row.status in ("technical_failure", "rejected")
    town.handset.say = lambda text: None
    assert await town.services.db.transact(lambda c: resend(c, row.id, town.clock()))
    assert len(await town.send()) == 1


async def test_something_odd_is_taken_up_once_whoever_tries(town: Town, desk: Player, switch: Player) -> None:
    await town.writes("1")  # nobody asked
    (item,) = (await desk.get("/v1/inbound")).json()["items"]
    unread = {"narrative": "回拨后得知：3栋路灯坏了"}
    said = await asyncio.gather(
        *(p.post(f"/v1/inbound/{item['id']}/take", unread) for p in (desk, switch, desk, switch))
    )
    assert sorted(r.status_code for r in said)[0] == 201
    assert all(r.status_code in (201, 409) for r in said), [r.text for r in said]
    assert await count(desk) == 1


async def test_who_sees_some_areas_sees_no_texts_of_others(town: Town, desk: Player, cast: Any, watch: Player) -> None:
    await town.writes("1")
    (item,) = (await desk.get("/v1/inbound")).json()["items"]
    await town.writes("退订", LI)
    block3 = await cast("block3")
    assert (await block3.get("/v1/inbound")).json()["items"] == []
    assert (await block3.get(f"/v1/inbound/{item['id']}")).status_code == 404
    assert (await block3.post(f"/v1/inbound/{item['id']}/take", {"narrative": "x"})).status_code == 404
    assert (await block3.post(f"/v1/inbound/{item['id']}/dismiss", {"reason": "x"})).status_code == 404
    assert (await block3.get("/v1/stop-list")).json()["items"] == []
    assert len((await desk.get("/v1/stop-list")).json()["items"]) == 1


async def test_what_came_in_and_went_out_is_forgotten_after_half_a_year(town: Town, desk: Player) -> None:
    from hotline.runtime.retention import tidy

    await town.writes(LAMP)
    await town.writes("1", LI)  # nobody asked: it waits for somebody
    await town.send()
    assert (await tidy(town.services, town.clock()))["texts"] == 0
    town.clock.forward(days=181)
    done = await tidy(town.services, town.clock())
    assert (done["texts"], done["inbound"]) == (1, 1) and done["tries"] >= 1
    number = (await newest(desk))["number"]
    assert await sms_store.load_ticket_texts(town.services.db, number) == []
    assert len((await desk.get("/v1/inbound")).json()["items"]) == 1
    assert await outbox_store.load_messages(town.services.db, "sent", "", 50) == []


async def test_a_sender_is_told_how_many_were_set_aside_and_why_stands_in_the_log(town: Town, desk: Player) -> None:
    push = FAR["generic"].texts([(f"x-{n}", WANG, "12345", LAMP, town.clock()) for n in range(101)])
    reply = await town.http.request("POST", push.path, headers=push.headers, content=push.body)
    assert reply.json() == {"accepted": 0, "set_aside": 1}
    (item,) = (await desk.get("/v1/inbound")).json()["items"]
    assert "at most 100" in item["why"]


async def test_what_needs_nobody_is_dismissed_with_a_reason(town: Town, desk: Player) -> None:
    await town.writes("1")  # nobody asked: it waits for somebody
    (item,) = (await desk.get("/v1/inbound")).json()["items"]
    reply = await desk.post(f"/v1/inbound/{item['id']}/dismiss", {"reason": "打错了"})
    assert reply.status_code == 200 and reply.json()["status"] == "dismissed"
    assert (await desk.get("/v1/inbound")).json()["items"] == []


async def test_the_caller_of_a_merged_ticket_sees_what_waits_for_them(
    town: Town, desk: Player, lifts: Player, switch: Player
) -> None:
    first = await desk.call("3栋2单元电梯坏了", caller={"phone": "13800138000"}, category="dt-fault")
    other = await desk.call("电梯停了", caller={"phone": "13900139001"}, category="dt-fault")
    await desk.act(other, "merge", target=first["number"])
    await town.send()
    town.clock.now = datetime(2026, 11, 25, 15, 30, tzinfo=UTC)  # 23:30 in Chengdu
    ticket = await lifts.order(await desk.see(first), "accept")
    ticket = await lifts.order(ticket, "report", internal_result="换件", public_reply="已修好", solved=True)
    await switch.act(ticket, "accept_report")
    await town.send()
    for number in (first["number"], other["number"]):
        waiting = (await desk.get(f"/v1/tickets/{number}/texts")).json()["items"][-1]
        assert (waiting["waits_for"], waiting["number"]) == ("quiet_hours", number)
        assert "已修好" in waiting["body"]

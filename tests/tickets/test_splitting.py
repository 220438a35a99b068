"""A ticket that tells of several matters is split after it was logged."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.delivery.tables import outbox
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.sms.send_plan import plan_texts
from hotline.tickets.context import Services
from hotline.tickets.store.facts import load_facts
from tests.conftest import Cast, Clock, Player, broken

LIFT, LAMP = "3栋2单元电梯坏了，不动了", "5栋楼道灯不亮"
BOTH = f"{LIFT}，{LAMP}"
CALLER = {"phone": "13800138000", "name": "王秀英"}


def into(ticket: dict[str, Any]) -> list[str]:
    return [flag.partition(":")[2] for flag in ticket["flags"] if flag.startswith("split_into:")]


@pytest.fixture
async def both(desk: Player) -> dict[str, Any]:
    return await desk.call(BOTH, caller=CALLER)


async def test_the_other_matter_becomes_a_ticket_of_the_same_caller(
    both: dict[str, Any], switch: Player, clock: Clock
) -> None:
    told = both["advice"]["triage"]["matters"]
    assert [one["text"] for one in told] == [f"{LIFT}，", LAMP]
    clock.forward(minutes=20)
    after = await switch.act(both, "split", narrative=LIFT, matters=[LAMP])
    assert after["narrative"] == LIFT and after["status"] == "dispatched"
    (number,) = into(after)
    new = await switch.see(number)
    assert new["narrative"] == LAMP and new["caller"] == both["caller"] and new["channel"] == both["channel"]
    assert new["area"]["code"] == "rq-b5" and new["flags"] == [f"split_from:{both['number']}"]
    assert new["category"]["name"] and new["assignments"], "triaged and dispatched as a call is"
    found = (await switch.get(f"/v1/tickets?flag=split_from:{both['number']}")).json()["items"]
    assert [one["number"] for one in found] == [number]


async def test_each_history_names_the_other(both: dict[str, Any], switch: Player) -> None:
    (number,) = into(await switch.act(both, "split", narrative=LIFT, matters=[LAMP]))
    lines = (await switch.get(f"/v1/tickets/{both['number']}/timeline")).json()["items"]
    (here,) = [line for line in lines if line["action"] == "split"]
    there = (await switch.get(f"/v1/tickets/{number}/timeline")).json()["items"][0]
    assert here["action"] == "split" and here["by"]["name"] == "switch"
    assert here["changes"]["narrative"] == [BOTH, LIFT] and f"split_into:{number}" in here["changes"]["flags"][1]
    assert there["action"] == "receive" and there["changes"]["split_from"] == [None, both["number"]]
    # what was said on the telephone is kept whole, and counted once
    calls = (await switch.get(f"/v1/tickets/{both['number']}/calls")).json()["items"]
    assert [call["narrative"] for call in calls] == [BOTH]
    assert (await switch.get(f"/v1/tickets/{number}/calls")).json()["items"] == []


async def test_pressed_again_nothing_more_is_split(both: dict[str, Any], switch: Player) -> None:
    fields: dict[str, Any] = {"narrative": LIFT, "matters": [LAMP]}
    after = await switch.act(both, "split", key="once", **fields)
    assert await switch.act(both, "split", key="once", **fields) == after  # the first answer once more
    assert (await switch.act(both, "split", expect=412, **fields))["type"].endswith("stale")
    refused = await switch.act(after, "split", expect=409, **fields)
    assert broken(refused) == [("not_split", "the ticket was split before")]
    assert "split" not in {move["action"] for move in (await switch.see(both))["allowed_actions"]}
    assert len((await switch.get("/v1/tickets")).json()["items"]) == 2


async def test_the_resident_has_waited_since_the_call(both: dict[str, Any], switch: Player, clock: Clock) -> None:
    called_at = both["created_at"]
    clock.forward(days=2)
    (number,) = into(await switch.act(both, "split", narrative=LIFT, matters=[LAMP]))
    new = await switch.see(number)
    assert new["created_at"] == called_at
    clocks = {c["metric"]: c for c in (await switch.get(f"/v1/tickets/{number}/clocks")).json()["items"]}
    alone = await switch.call(LAMP, caller=CALLER)
    fresh = {c["metric"]: c for c in (await switch.get(f"/v1/tickets/{alone['number']}/clocks")).json()["items"]}
    assert clocks["resolve"]["due_at"] < fresh["resolve"]["due_at"]
    assert clocks.keys() == fresh.keys()


async def test_a_matter_that_nobody_can_sort_yet_waits_since_the_call_too(
    both: dict[str, Any], switch: Player, clock: Clock
) -> None:
    clock.forward(days=2)
    (number,) = into(await switch.act(both, "split", narrative=LIFT, matters=["还有一件事，就是上次说的那个"]))
    assert (await switch.see(number))["status"] == "received"
    clocks = (await switch.get(f"/v1/tickets/{number}/clocks")).json()["items"]
    alone = await switch.call("还有一件事，就是上次说的那个", caller=CALLER)
    fresh = (await switch.get(f"/v1/tickets/{alone['number']}/clocks")).json()["items"]
    assert {c["metric"]: c["due_at"] for c in clocks}["dispatch"] < {c["metric"]: c["due_at"] for c in fresh}[
        "dispatch"
    ]


async def test_a_danger_in_a_part_rings(desk: Player, switch: Player, services: Services, clock: Clock) -> None:
    ticket = await desk.call("楼下垃圾没人收", caller=CALLER)
    clock.forward(hours=1)
    after = await switch.act(ticket, "split", narrative="楼下垃圾没人收", matters=["7栋的电梯卡在半层，里头关了个娃儿"])
    (number,) = into(after)
    new = await switch.see(number)
    assert new["priority"] == "emergency" and "danger:lift" in new["flags"]
    rung = sa.select(sa.func.count()).where(outbox.c.number == number, outbox.c.kind == "duty")
    assert await services.db.transact(lambda c: c.scalar(rung))


async def test_a_confidential_caller_stays_so(desk: Player, switch: Player) -> None:
    ticket = await desk.call(BOTH, caller={**CALLER, "confidential": True})
    await switch.act(ticket, "split", narrative=LIFT, matters=[LAMP])
    briefs = (await switch.get("/v1/tickets")).json()["items"]
    assert [brief["confidential"] for brief in briefs] == [True, True]


async def test_who_may_not_take_calls_splits_none(
    both: dict[str, Any], watch: Player, lifts: Player, cast: Cast, switch: Player
) -> None:
    fields: dict[str, Any] = {"narrative": LIFT, "matters": [LAMP]}
    for player in (watch, lifts, await cast("committee")):
        await player.act(both, "split", expect=403, **fields)
    elsewhere = await switch.call("12栋没得水", caller=CALLER)
    await (await cast("block3")).act(elsewhere, "split", expect=404, **fields)


@pytest.mark.parametrize("matters", [[], [""], [LAMP] * 5])
async def test_what_is_split_off_has_words_and_an_end(both: dict[str, Any], switch: Player, matters: list[str]) -> None:
    await switch.act(both, "split", expect=422, narrative=LIFT, matters=matters)
    assert len((await switch.get("/v1/tickets")).json()["items"]) == 1


async def test_a_ticket_that_has_ended_is_split_no_more(desk: Player, switch: Player) -> None:
    ticket = await desk.call(BOTH, at_once={"action": "answer", "answer": "已告知"})
    await switch.act(ticket, "split", expect=409, narrative=LIFT, matters=[LAMP])


async def test_three_matters_become_three_tickets(desk: Player, switch: Player) -> None:
    ticket = await desk.call(f"{BOTH}，小区垃圾没人收", caller=CALLER)
    numbers = into(await switch.act(ticket, "split", narrative=LIFT, matters=[LAMP, "小区垃圾没人收"]))
    assert len(set(numbers)) == 2
    shown = [(await switch.see(number))["narrative"] for number in numbers]
    assert shown == [LAMP, "小区垃圾没人收"]


KEPT, OTHER_FLOOR = "16栋2单元电梯坏了", "另外3楼楼道灯不亮"


async def test_what_stays_is_sorted_by_its_own_sentence(desk: Player, switch: Player) -> None:
    ticket = await desk.call(f"{KEPT}，{OTHER_FLOOR}", caller=CALLER)
    alone = await desk.call(KEPT, caller={"phone": "13800138001"})
    after = await switch.act(ticket, "split", narrative=KEPT, matters=[OTHER_FLOOR])
    for name in ("category", "priority", "status", "title", "due_at", "location"):
        assert after.get(name) == alone.get(name), name
    assert after["assignments"] and alone["assignments"]
    assert after["advice"]["triage"]["category"] == alone["advice"]["triage"]["category"]
    assert not after["advice"]["triage"].get("matters")
    lines = (await switch.get(f"/v1/tickets/{ticket['number']}/timeline")).json()["items"]
    assert [line["action"] for line in lines] == ["receive", "split", "triage", "dispatch"]


async def test_what_somebody_has_sorted_stays_so(desk: Player, switch: Player) -> None:
    ticket = await desk.call(f"{KEPT}，{OTHER_FLOOR}", caller=CALLER, category="hj-sewer")
    after = await switch.act(ticket, "split", narrative=KEPT, matters=[OTHER_FLOOR])
    assert (after["category"], after["status"]) == (ticket["category"], ticket["status"])


async def test_a_split_off_matter_sends_one_receipt_and_not_at_night(
    both: dict[str, Any], switch: Player, services: Services, clock: Clock
) -> None:
    clock.forward(hours=1)
    (number,) = into(await switch.act(both, "split", narrative=LIFT, matters=[LAMP]))
    query = sa.select(outbox).where(outbox.c.number == number, outbox.c.kind == "resident")
    rows = await services.db.transact(lambda c: list(c.execute(query)))
    facts = await load_facts(services.db, SYSTEM_SCOPE, number)
    assert len(rows) == 2
    planned = [(await plan_texts(services, row, facts, clock())).texts for row in rows]
    assert [text.template for texts in planned for text in texts] == ["received_dispatched"]
    clock.forward(hours=24 - clock().hour + 18 + 1)  # between two and three at night
    assert [plan for row in rows if (plan := await plan_texts(services, row, facts, clock())).texts] == []


async def test_what_was_split_is_not_offered_as_a_repeat(desk: Player, switch: Player) -> None:
    same = "16栋2单元电梯又停了"
    ticket = await desk.call(f"{KEPT}，{same}，{OTHER_FLOOR}", caller=CALLER)
    after = await switch.act(ticket, "split", narrative=KEPT, matters=[same, OTHER_FLOOR])
    numbers = [ticket["number"], *into(after)]
    for number in numbers:
        offered = (await switch.get(f"/v1/tickets/{number}/duplicates")).json()["result"]
        assert {one["number"] for one in offered}.isdisjoint(numbers)


async def test_an_order_of_another_hotline_keeps_its_deadline(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    due = (clock() + timedelta(days=2)).isoformat()
    ticket = await desk.call(BOTH, caller=CALLER, outer={"system": "12345", "number": "A1", "due_at": due})
    (number,) = into(await switch.act(ticket, "split", narrative=LIFT, matters=[LAMP]))
    new = await switch.see(number)
    facts = await load_facts(services.db, SYSTEM_SCOPE, number)
    assert facts is not None and facts.ticket.outer_due_at is not None and facts.ticket.incident is None
    assert facts.ticket.outer_due_at.isoformat() == due and new["number"] == number

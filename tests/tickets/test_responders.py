"""Whoever must act on a danger is sent, also where another danger leads; and what is proposed follows a correction."""

from typing import Any

import pytest

from hotline.delivery import store as outbox
from hotline.delivery.model import MessageStatus
from hotline.tickets.context import Services
from tests.conftest import Player


def sent(taken: dict[str, Any]) -> tuple[str, set[str]]:
    """The lead of a ticket and who assists."""
    (lead,) = [order["department"]["code"] for order in taken["assignments"] if order["part"] == "lead"]
    return lead, {order["department"]["code"] for order in taken["assignments"] if order["part"] != "lead"}


@pytest.mark.parametrize(
    ("narrative", "lead", "assists"),
    [
        # two dangers of equal weight in one sentence: the more pressing leads, nobody waits for a person to choose
        ("电梯困了个老人，心脏病犯了，27栋", "service-centre", {"property-works", "fire-watch"}),
        ("楼下煤气泄漏，有两个人晕倒了，23栋", "service-centre", {"gas", "security", "fire-watch"}),
        ("My dad had a heart attack in the lift and we are stuck, building 1", "service-centre", {"property-works"}),
        ("He was stabbed and is bleeding heavily, building 9", "service-centre", {"police-post"}),
        ("煤气爆炸，有人被压在楼板下面，8栋", None, {"gas", "fire-watch"}),
    ],
)
async def test_every_danger_has_its_responders(
    desk: Player, narrative: str, lead: str | None, assists: set[str]
) -> None:
    ticket = (await desk.post("/v1/calls", {"channel": "phone", "narrative": narrative})).json()["ticket"]
    assert ticket["priority"] == "emergency"
    leads, others = sent(ticket)
    assert lead in (None, leads), ticket["advice"]["triage"]["because"]
    assert assists <= others | {leads}
    assert leads not in others


async def test_one_danger_sends_no_more_than_its_own(desk: Player) -> None:
    told = {"channel": "phone", "narrative": "3栋电梯困人了"}
    ticket = (await desk.post("/v1/calls", told)).json()["ticket"]
    assert sent(ticket) == ("service-centre", {"property-works", "fire-watch"})  # it is night


async def test_what_is_proposed_follows_a_corrected_category(desk: Player, switch: Player) -> None:
    """A dispatcher finds that the strange smell is gas: the desk's fallback is proposed no longer."""
    told = {"channel": "phone", "narrative": "楼道里有点怪，麻烦来个人看下"}
    ticket = (await desk.post("/v1/calls", told)).json()["ticket"]
    assert ticket["assignments"] == []
    assert ticket["advice"]["routing"]["sure"] is False
    corrected = await switch.act(
        ticket, "triage", category="sdq-gasleak", kind="request", priority="urgent", reason="it is gas"
    )
    routing = (await switch.get(f"/v1/tickets/{corrected['number']}")).json()["advice"]["routing"]
    assert (routing["lead"], set(routing["assists"])) == ("gas", {"security", "fire-watch"})
    assert routing["sure"] is True


async def test_a_false_alarm_proposes_nobody_for_the_danger(desk: Player, switch: Player) -> None:
    told = {"channel": "phone", "narrative": "电梯困了个老人，心脏病犯了，27栋"}
    ticket = (await desk.post("/v1/calls", told)).json()["ticket"]
    recalled = await switch.act(ticket, "recall", reason="nobody was in it")
    found = await switch.act(recalled, "triage", category="dt-fault", kind="request", priority="normal", reason="stuck")
    assert found["advice"]["routing"]["assists"] == []


@pytest.mark.parametrize("asked", ["你好，我想问一下如果电梯里困了人应该打哪个电话？", "请问假如着火了该打哪个电话"])
async def test_what_to_do_if_it_happened_sends_nobody_out(desk: Player, asked: str) -> None:
    ticket = (await desk.post("/v1/calls", {"channel": "phone", "narrative": asked})).json()["ticket"]
    assert (ticket["kind"], ticket["priority"], ticket["category"]) == ("enquiry", "normal", None)
    assert ticket["assignments"] == []


LIFT_AND_ILLNESS = "8栋2单元电梯困了个老人，心脏病犯了"


async def test_a_lift_firm_comes_though_somebody_in_the_lift_is_ill(
    desk: Player, watch: Player, switch: Player, cast: Any, services: Services
) -> None:
    """Two dangers in one call: whoever acts on either is sent, its contractors too, and each is called."""
    ticket = (await desk.post("/v1/calls", {"channel": "phone", "narrative": LIFT_AND_ILLNESS})).json()["ticket"]
    assert set(ticket["flags"]) == {"danger:medical", "danger:lift"}
    leads, others = sent(ticket)
    assert leads == "service-centre" and {"property-works", "fire-watch", "lifts"} <= others, others
    assert all(order["status"] == "issued" for order in ticket["assignments"])
    waiting = await outbox.load_messages(services.db, MessageStatus.QUEUED, "", 200)
    told_of = {m.payload.get("department") for m in waiting if m.kind in ("duty", "department")}
    assert {leads, *others} <= told_of, told_of
    # the page says so before the call is sent
    asked = {"category": "za-medical", "priority": "emergency", "area": "rq-b8", "dangers": ["medical", "lift"]}
    told = (await desk.post("/v1/explain/routing", asked)).json()["result"]
    assert (told["lead"], set(told["assists"])) == (leads, others)
    assert "lifts" not in (await desk.post("/v1/explain/routing", {**asked, "dangers": []})).json()["result"]["assists"]
    # whichever way it is told
    by_machine = (
        await (await cast("gate")).post("/v1/calls", {"channel": "sms", "narrative": LIFT_AND_ILLNESS})
    ).json()["ticket"]
    assert sent((await watch.get(f"/v1/tickets/{by_machine['number']}")).json()) == (leads, others)
    # whoever sends it anew by hand is proposed the same
    recalled = await switch.act(ticket, "recall", reason="sent anew")
    (first, *_) = (await switch.get(f"/v1/tickets/{recalled['number']}/departments")).json()["items"]
    assert "lifts" in {one["code"] for one in first["assists"]}

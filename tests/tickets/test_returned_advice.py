"""What a ticket's advice proposes once a department is out of it."""

from datetime import timedelta
from typing import Any

from tests.conftest import Cast, Clock, Player

WISH = {"reason_code": "not_our_duty", "basis": "职责清单第12项"}


async def lead(who: Player, ticket: dict[str, Any]) -> Any:
    """Which department the advice of the ticket proposes now."""
    return (await who.see(ticket))["advice"]["routing"]["lead"]


async def test_an_approved_return_is_not_proposed_to_the_department_that_gave_it_back(
    lift_ticket: dict[str, Any], lifts: Player, switch: Player
) -> None:
    assert await lead(switch, lift_ticket) == "property-works"
    asked = await lifts.order(lift_ticket, "request_return", department="residents-affairs", **WISH)
    assert await lead(switch, asked) == "property-works"  # nothing is ruled yet
    back = await switch.order(asked, "approve_return")
    routing = back["advice"]["routing"]
    assert (routing["lead"], routing["route"], routing["sure"]) == ("residents-affairs", None, False)
    assert routing["because"] == [{"rule": "returned", "matched": ["property-works"]}]
    assert back["status"] == "triaged" and len(back["assignments"]) == 1 + len(lift_ticket["assignments"][1:])


async def test_two_departments_that_suggest_each_other_leave_nothing_to_propose(
    lift_ticket: dict[str, Any], lifts: Player, switch: Player, cast: Cast
) -> None:
    affairs = await cast("affairs")
    asked = await lifts.order(lift_ticket, "request_return", department="residents-affairs", **WISH)
    sent = await switch.act(await switch.order(asked, "approve_return"), "dispatch", department="residents-affairs")
    place = len(sent["assignments"]) - 1
    asked = await affairs.order(sent, "request_return", place=place, department="property-works", **WISH)
    back = await switch.order(asked, "approve_return", place=place)
    assert back["advice"]["routing"]["lead"] is None


async def test_a_recalled_or_reopened_ticket_proposes_nobody(
    lift_ticket: dict[str, Any], desk: Player, lifts: Player, switch: Player, clock: Clock
) -> None:
    recalled = await switch.act(lift_ticket, "recall", reason="派错了")
    assert recalled["advice"]["routing"]["lead"] is None
    sent = await switch.act(recalled, "dispatch", department="property-works")
    place = len(sent["assignments"]) - 1
    taken = await lifts.order(sent, "accept", place=place)
    clock.now += timedelta(minutes=5)
    done = await lifts.order(
        taken, "report", place=place, internal_result="换了皮带", public_reply="电梯已修好", solved=True
    )
    solved = await switch.order(done, "accept_report", place=place)
    again = await desk.act(solved, "reopen", reason="还是不动")
    assert again["status"] == "triaged" and again["advice"]["routing"]["lead"] is None


async def test_a_ticket_nobody_had_yet_keeps_the_catalogues_proposal(desk: Player, switch: Player) -> None:
    fresh = await desk.call("有点事情想问问")
    triaged = await switch.act(fresh, "triage", category="za", kind="request", priority="normal")
    assert triaged["assignments"] == []
    assert triaged["advice"]["routing"]["lead"] is not None

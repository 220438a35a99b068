"""The clock that ends next: one answer for boards, lists and tickets. A danger nobody called back is never green."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from hotline.organisation.model.vocabulary import Metric
from hotline.tickets.act import load_visible_ticket
from hotline.tickets.context import Services
from hotline.tickets.model.vocabulary import Colour
from hotline.tickets.next_step import next_step
from hotline.tickets.sla.jobs import escalate_due
from hotline.tickets.sla.next_clock import RunningClock, next_clock
from tests.conftest import LIFT, NOON, Cast, Clock, Player

QUEUE = "/v1/departments/property-works/queue?colours=true"
M, C = Metric, Colour


def a_clock(metric: Metric, minutes: int, colour: Colour = C.GREEN, *, paused: bool = False) -> RunningClock:
    return RunningClock(metric, "1", NOON + timedelta(minutes=minutes), colour, paused)


@pytest.mark.parametrize(
    ("clocks", "metric", "colour", "running"),
    [
        ([a_clock(M.REPORT, 300), a_clock(M.CONTACT, 20)], M.CONTACT, C.GREEN, True),
        ([a_clock(M.REPORT, 300), a_clock(M.CONTACT, -1, C.RED)], M.CONTACT, C.RED, True),
        ([a_clock(M.REPORT, 300, C.YELLOW), a_clock(M.CONTACT, 20)], M.CONTACT, C.YELLOW, True),
        ([a_clock(M.CONTACT, 5, C.GREY, paused=True), a_clock(M.REPORT, 300)], M.REPORT, C.GREEN, True),
        ([a_clock(M.REPORT, 300, C.GREY, paused=True)], M.REPORT, C.GREY, False),
        ([a_clock(M.RESOLVE, 60), a_clock(M.REPORT, 60)], M.REPORT, C.GREEN, True),
        ([a_clock(M.SILENCE, 5, C.YELLOW), a_clock(M.CALL_BACK, 60)], M.CALL_BACK, C.GREEN, True),
    ],
)
def test_the_clock_that_ends_first_is_named_with_the_worst_colour(
    clocks: list[RunningClock], metric: Metric, colour: Colour, running: bool
) -> None:
    found = next_clock(clocks)
    assert found is not None
    assert (found.metric, found.colour, found.running) == (metric, colour, running)


def test_without_a_clock_there_is_none() -> None:
    assert next_clock([]) is None
    assert next_clock([a_clock(M.SILENCE, 5)]) is None


def of_lift(ticket: dict[str, Any]) -> dict[str, Any]:
    return next(dict(o) for o in ticket["assignments"] if o["department"]["code"] == "property-works")


async def test_a_danger_signed_for_by_the_clock_is_red_until_somebody_has_called_back(
    desk: Player, lifts: Player, services: Services, clock: Clock
) -> None:
    clock.forward(hours=3)
    lift = await desk.call(LIFT, category="dt-fault", priority="emergency")
    looks = []
    for minutes in (0, 6, 60):  # five to sign for it, half an hour to call back, more to solve it
        clock.forward(minutes=minutes)
        while (await escalate_due(services, clock())).claimed:
            pass
        (order,) = (await lifts.get(QUEUE)).json()["items"]
        seen, listed = await lifts.see(lift), (await lifts.get("/v1/tickets?clocks=true")).json()["items"]
        shown = {
            (each["metric"], each["colour"])
            for each in (
                order["next_clock"],
                of_lift(seen)["next_clock"],
                seen["clocks"]["next"],
                listed[0]["next_clock"],
            )
        }
        assert len(shown) == 1, shown  # board, order, ticket and list say the same
        assert order["colour"] == order["next_clock"]["colour"]
        looks.append((order["status"], *shown.pop()))
    assert looks == [("issued", "accept", "green"), ("accepted", "accept", "red"), ("accepted", "accept", "red")]


async def test_the_board_is_in_the_order_of_the_clock_it_shows(
    desk: Player, lifts: Player, services: Services, clock: Clock
) -> None:
    clock.forward(hours=3)
    reached = await desk.call("3栋电梯坏了", category="dt-fault", priority="urgent")
    reached = await lifts.order(reached, "accept")
    await lifts.order(reached, "contact_caller", contacted="phone")
    clock.forward(minutes=20)
    fresh = await desk.call("5栋电梯坏了", category="dt-fault", priority="urgent")
    items = (await lifts.get(QUEUE)).json()["items"]
    assert [each["number"] for each in items] == [fresh["number"], reached["number"]]
    assert [datetime.fromisoformat(each["sort_at"]) for each in items] == [
        datetime.fromisoformat(each["next_clock"]["due_at"]) for each in items
    ]
    assert items[0]["due_at"] > items[1]["due_at"]  # the one sorted by is not the one to solve it by
    assert [each["arriving"] for each in items] == [True, False]


async def test_each_is_told_their_own_next_step_and_why(cast: Cast, clock: Clock, services: Services) -> None:
    desk, lifts, watch = await cast("desk"), await cast("lifts"), await cast("watch")
    clock.forward(hours=3)
    told = []

    async def note(*players: Player) -> None:
        for player in players:
            seen = await player.see(number)
            primary = [m["action"] for m in seen["allowed_actions"] if m["primary"]]
            primary += [m["action"] for o in seen["assignments"] for m in o["allowed_actions"] if m["primary"]]
            step = seen["next_step"]
            assert primary == ([step["action"]] if step else [])
            told.append((player.name, step and (step["action"], step["because"])))

    ticket = await desk.call(LIFT, category="dt-fault", caller={"phone": "13800001111"})
    number = ticket["number"]
    await note(desk, watch, lifts)
    ticket = await lifts.order(ticket, "accept")
    assert ticket["assignments"][0]["assignee_name"] == lifts.actor.name
    await note(lifts)
    ticket = await lifts.order(ticket, "contact_caller", contacted="phone")
    await note(lifts)
    ticket = await lifts.order(ticket, "report", internal_result="修好了", public_reply="修好了", solved=True)
    await note(lifts, watch)
    await watch.order(ticket, "accept_report")
    await note(desk)
    assert told == [
        ("desk", None),  # it is with the department, and in time
        ("watch", None),
        ("lifts", ("accept", "not_accepted")),
        ("lifts", ("contact_caller", "not_contacted")),
        ("lifts", ("report", "work_to_report")),
        ("lifts", None),
        ("watch", ("accept_report", "result_to_review")),
        ("desk", ("confirm", "resident_to_ask")),
    ]
    facts = await load_visible_ticket(services, number, watch.actor)
    assert next_step(facts, watch.actor, (), {}, clock()) is None  # nothing is said that the tables refuse
    assert facts.assignments[0].assignee_name == lifts.actor.name


async def test_who_was_told_is_told_by_name(desk: Player, watch: Player, services: Services, clock: Clock) -> None:
    clock.forward(hours=3)
    ticket = await desk.call(LIFT, category="dt-fault", priority="emergency")
    clock.forward(hours=2)
    while (await escalate_due(services, clock())).claimed:
        pass
    told = [
        t
        for e in (await watch.get(f"/v1/tickets/{ticket['number']}/clocks")).json()["escalations"]
        for t in e["told_to"]
    ]
    assert told
    for one in told:
        assert one["role"] or one["name"] or one["department"]["name"], one

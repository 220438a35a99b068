"""A department's board: what is open, how its clocks look, what waits longest and what is due next."""

import asyncio
from collections import Counter
from typing import Any

from hotline.tickets.act import load_visible_ticket
from hotline.tickets.context import Services
from hotline.tickets.sla.colours import colour_of, order_colour
from hotline.tickets.sla.jobs import escalate_due
from tests.conftest import LIFT, Cast, Clock, Player


async def test_the_board_shows_states_and_colours_as_each_clock_says(
    cast: Cast, services: Services, clock: Clock
) -> None:
    desk, lifts, watch = await cast("desk"), await cast("lifts"), await cast("watch")
    tickets = []
    for hours in (0, 1, 3, 20):
        clock.forward(hours=hours)
        tickets.append(await desk.call(LIFT, category="dt-fault", priority="urgent" if hours % 2 else "normal"))
        while (await escalate_due(services, clock())).claimed:
            pass
    accepted = await lifts.order(tickets[3], "accept")
    done = await lifts.order(
        await lifts.see(tickets[2]), "report", internal_result="修好了", public_reply="修好了", solved=True
    )
    await watch.order(done, "accept_report")
    board = (await lifts.get("/v1/departments/property-works/board")).json()
    queue = (await lifts.get("/v1/departments/property-works/queue?colours=true")).json()["items"]
    shown = {order["id"]: order["colour"] for order in queue}
    truth: Counter[tuple[str, str]] = Counter()
    for t in tickets:
        facts = await load_visible_ticket(services, t["number"], watch.actor)
        for order in facts.assignments:
            if order.closed_at is None:
                looks = order_colour([c for c in facts.clocks if c.assignment == order.id], clock())
                truth[(order.status, looks)] += 1
                assert shown[order.id] == looks
    assert {(s, c): n for s, colours in board["states"].items() for c, n in colours.items()} == dict(truth)
    assert len({c for _, c in truth}) >= 2, truth  # the story has more than one colour
    assert board["open"] == 3 and board["counts"]["accepted"] >= 1
    assert sum(board["colours"].values()) == 3
    assert board["oldest"]["number"] == tickets[0]["number"]
    dues = [d["due_at"] for d in board["due_next"]]
    assert dues == sorted(dues)
    assert accepted["number"] in {d["number"] for d in board["due_next"]}


async def test_the_longest_page_of_a_queue_tells_of_the_order_behind_it(cast: Cast) -> None:
    desk, lifts = await cast("desk"), await cast("lifts")
    tickets = []
    for many in (*[20] * 10, 1):  # all at once a busy machine has more to wait for than a request may
        tickets += await asyncio.gather(*(desk.call(LIFT, category="dt-fault") for _ in range(many)))
    path = "/v1/departments/property-works/queue"
    first = (await lifts.get(path, params={"limit": 200})).json()
    last = (await lifts.get(path, params={"limit": 200, "cursor": first["next"]})).json()
    assert (len(first["items"]), len(last["items"]), last["next"]) == (200, 1, None)
    shown = [(order["rank"], order["sort_at"], order["id"]) for order in (*first["items"], *last["items"])]
    assert shown == sorted(shown)
    assert {order["number"] for order in (*first["items"], *last["items"])} == {t["number"] for t in tickets}
    short = (await lifts.get(path, params={"limit": 7})).json()
    assert short["items"] == first["items"][:7]


async def test_a_colour_turns_while_nobody_touches_the_queue(
    services: Services, lifts: Player, lift_ticket: dict[str, Any], clock: Clock
) -> None:
    path = "/v1/departments/property-works/queue"
    plain = (await lifts.get(path)).json()["items"]
    assert "colour" not in plain[0]
    seen_so_far = []
    for hours in (0, 6, 200):
        clock.forward(hours=hours)
        while (await escalate_due(services, clock())).claimed:
            pass
        (order,) = (await lifts.get(f"{path}?colours=true", headers={"if-none-match": "x"})).json()["items"]
        board = (await lifts.get("/v1/departments/property-works/board")).json()
        assert board["colours"][order["colour"]] == 1
        seen_so_far.append(order["colour"])
    assert seen_so_far[0] == "green" and seen_so_far[-1] == "red"


async def test_an_order_looks_as_the_worst_of_its_clocks(
    desk: Player, lifts: Player, services: Services, clock: Clock
) -> None:
    clock.forward(hours=3)  # the offices are open
    ticket = await desk.call("3栋电梯关到人了", category="dt-trapped")
    place = next(n for n, o in enumerate(ticket["assignments"]) if o["department"]["code"] == "property-works")
    path, looks = "/v1/departments/property-works", []
    for minutes in (0, 4, 0):  # five to sign for it, hours to solve it
        clock.forward(minutes=minutes)
        while (await escalate_due(services, clock())).claimed:
            pass
        (order,) = (await lifts.get(f"{path}/queue?colours=true")).json()["items"]
        assert (await lifts.get(f"{path}/board")).json()["colours"][order["colour"]] == 1
        looks.append(order["colour"])
        if len(looks) == 2:
            await lifts.order(await lifts.see(ticket), "accept", place=place)
    assert looks == ["green", "yellow", "green"]  # signed for: what counts from here on is what still runs


async def test_what_a_ruling_takes_too_long_over_is_not_the_departments_lateness(
    desk: Player, cast: Cast, services: Services, clock: Clock
) -> None:
    affairs = await cast("affairs")
    clock.forward(hours=3)
    ticket = await desk.call("5栋路灯坏了", category="wx-light")
    ticket = await affairs.order(ticket, "accept")
    ticket = await affairs.order(ticket, "contact_caller", contacted="phone")
    await affairs.order(ticket, "request_return", reason_code="not_our_duty", basis="职责清单", department="water")
    clock.forward(hours=36)  # a working day is over, the limit to solve it is not
    while (await escalate_due(services, clock())).claimed:
        pass
    facts = await load_visible_ticket(services, ticket["number"], desk.actor)
    late = {c.metric for c in facts.clocks if c.assignment and c.stopped_at is None and colour_of(c, clock()) == "red"}
    assert late == {"ruling"}
    (order,) = (await affairs.get("/v1/departments/residents-affairs/queue?colours=true")).json()["items"]
    assert order["colour"] == order_colour(facts.clocks, clock()) != "red"


async def test_the_board_of_a_contractor_is_what_it_performs(cast: Cast, lift_ticket: dict[str, Any]) -> None:
    liftmen = await cast("liftmen")
    board = (await liftmen.get("/v1/departments/lifts/board")).json()
    assert (board["open"], board["performing_open"]) == (0, 1)


async def test_the_board_of_others_is_not_there(pipes: Player, lift_ticket: dict[str, Any]) -> None:
    assert (await pipes.get("/v1/departments/property-works/board")).status_code == 404

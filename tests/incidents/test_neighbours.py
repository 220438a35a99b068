"""A call about an estate beside ours joins no incident of ours by itself, but where an operator files it there."""

from dataclasses import replace

import pytest

from hotline.incidents.model.grouping import MARGIN_UNSEEN, CallReport, matching_incident, propose
from hotline.tickets.context import Services
from tests.conftest import NOON, Clock, Player
from tests.incidents.test_grouping import DIRECTORY, burst, known, proposed, report
from tests.incidents.test_stories import act, phone, settled, storm_of_five

NEXT_DOOR = (
    "隔壁阳光花园没水了",
    "对面小区的水管爆了",
    "隔籬屋苑冇水",
    "旁邊嗰個屋邨爆水喉",
    "The estate next door has no water",
    "no water in building 3 of Sunshine Gardens",
    "我住金色家园，没水了",
    "我住西街社区，停水了",
)
OURS = (
    "9栋停水了",
    "我们小区没水了",
    "no water since this morning",
    "我家没水了，隔壁小区也没水",
    "隔壁小区有水，我们没有水",
)


@pytest.mark.parametrize("text", [*NEXT_DOOR[:-1]])
@pytest.mark.parametrize("area", ["rq", "rq-b9", None])
def test_what_is_told_of_another_estate_is_near_no_incident_of_ours(text: str, area: str | None) -> None:
    (main,) = propose(DIRECTORY, burst(5), NOON)
    assert matching_incident(DIRECTORY, [known(main)], report(text, area=area), MARGIN_UNSEEN) is None


@pytest.mark.parametrize("text", OURS)
def test_what_is_told_of_ours_joins_whatever_it_says_of_the_neighbours(text: str) -> None:
    (main,) = propose(DIRECTORY, burst(5), NOON)
    assert matching_incident(DIRECTORY, [known(main)], report(text), MARGIN_UNSEEN) is not None


def test_calls_about_another_estate_make_no_incident_of_ours() -> None:
    assert proposed([report(text) for text in NEXT_DOOR[:2] * 6]) == []


def named(text: str, filed: str, *told: str) -> CallReport:
    return report(text, area=filed, told_areas=frozenset(told), elsewhere=False)


def test_a_community_that_is_named_comes_before_the_one_that_a_call_is_filed_under() -> None:
    beside = DIRECTORY.areas["rq"]
    other = replace(beside, code="bx", name="百兴社区", name_en="Baixing")
    directory = replace(DIRECTORY, areas={**DIRECTORY.areas, "bx": other})
    (main,) = propose(directory, burst(5), NOON)
    assert matching_incident(directory, [known(main)], named("百兴社区停水了", "rq", "bx")) is None
    assert matching_incident(directory, [known(main)], named("百兴社区和3栋都停水了", "rq", "bx", "rq-b3")) is not None
    assert matching_incident(directory, [known(main)], named("涌泉街道停水了", "rq", "yq")) is not None
    assert propose(directory, [named("百兴社区停水了", "rq", "bx") for _ in range(6)], NOON) == []


async def test_callers_about_the_estates_beside_ours_keep_tickets_of_their_own(
    desk: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    apart = [await desk.call(text, caller=phone(30 + n)) for n, text in enumerate(NEXT_DOOR)]
    filed = await desk.call(NEXT_DOOR[0], caller=phone(50), location={"area": "rq-b9"})  # the operator knows better
    ours = [await desk.call(text, caller=phone(60 + n)) for n, text in enumerate(OURS)]
    for _ in range(3):
        clock.forward(seconds=5)
        await settled(watch)
    seen = [await desk.see(ticket) for ticket in apart]
    assert [(t["narrative"], t["incident"], t["parent"]) for t in seen if t["incident"] or t["parent"]] == []
    assert [(await desk.see(ticket))["incident"] for ticket in (filed, *ours)] == [incident["code"]] * (len(OURS) + 1)


async def test_an_operator_may_still_join_such_a_call_by_hand(desk: Player, services: Services, clock: Clock) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    ticket = await desk.call(NEXT_DOOR[0], caller=phone(30))
    await act(desk, incident, "join", ticket=ticket["number"])
    await settled(watch)
    seen = await desk.see(ticket)
    assert (seen["status"], seen["incident"]) == ("merged", incident["code"])


async def test_the_address_that_is_given_counts_as_well(desk: Player, services: Services, clock: Clock) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    apart = await desk.call("没水了", caller=phone(30), location={"address": "阳光花园3栋"})
    ours = await desk.call("没水了", caller=phone(31), location={"address": "瑞泉馨城3栋"})
    await settled(watch)
    assert [(await desk.see(ticket))["incident"] for ticket in (apart, ours)] == [None, incident["code"]]

"""A call that may belong to several incidents: the nearest takes it, and none is opened beside them."""

from dataclasses import replace
from typing import Any

from hotline.incidents.model.grouping import matching_incident, propose
from hotline.incidents.model.wording import features, learn_wording
from hotline.incidents.watch import IncidentWatch
from hotline.tickets.context import Services
from tests.conftest import NOON, Clock, Player
from tests.incidents.test_grouping import DIRECTORY, burst, known, report
from tests.incidents.test_stories import act, call_all, phone, settled, storm_of_five


async def incidents(player: Player) -> dict[str, dict[str, Any]]:
    return {i["code"]: i for i in (await player.get("/v1/incidents")).json()["items"]}


async def test_calls_after_a_split_join_one_of_the_two_parts(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    tickets, watch, incident = await storm_of_five(desk, services)
    apart = [t["number"] for t in tickets if t["number"] != incident["parent"]][:2]
    await act(switch, incident, "split", tickets=apart, reason="另一根管子")
    await settled(watch)
    clock.forward(seconds=2)
    further = await call_all(desk, [f"{n}栋门口的水管爆了，水往外冲" for n in range(5, 12)], first=20)
    await settled(watch)
    known = await incidents(switch)
    assert len(known) == 2
    joined = [await desk.see(ticket) for ticket in further]
    assert {(t["status"], t["incident"] in known) for t in joined} == {("merged", True)}


async def test_the_lifts_of_two_units_leave_no_third_incident_to_calls_without_a_unit(
    desk: Player, services: Services, clock: Clock
) -> None:
    watch = IncidentWatch(services)
    for unit in (1, 2):
        await call_all(desk, [f"3栋{unit}单元电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 7)], first=10 * unit)
        await settled(watch)
        clock.forward(seconds=2)
    vague = await call_all(desk, [f"3栋电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 9)], first=40)
    named = await desk.call("3栋2单元电梯坏了，不动了", caller=phone(60))
    await settled(watch)
    by_unit = {i["unit"]: i["code"] for i in (await incidents(desk)).values()}
    assert set(by_unit) == {"1", "2"}
    assert [(await desk.see(ticket))["incident"] for ticket in vague] == [None] * 7
    assert (await desk.see(named))["incident"] == by_unit["2"]


def test_the_incident_of_the_unit_that_is_named_comes_before_that_of_the_whole_building() -> None:
    (lift,) = propose(DIRECTORY, [report("3栋电梯坏了，不动了") for _ in range(5)], NOON)
    building, second = known(lift), known(replace(lift, unit="2"))
    both = [building, second]
    assert matching_incident(DIRECTORY, both, report("3栋2单元电梯坏了")) is second
    assert matching_incident(DIRECTORY, both, report("3栋1单元电梯坏了")) is building
    assert matching_incident(DIRECTORY, both, report("3栋电梯坏了")) is building


def test_of_two_incidents_of_one_place_the_likelier_takes_the_call_and_else_the_older() -> None:
    (main,) = propose(DIRECTORY, burst(5), NOON)
    as_seen = known(main)
    otherwise = replace(
        as_seen, wording=learn_wording([features("车库的水管爆了，地下室泡水")] * 5, [features("电梯坏了")])
    )
    asked = report("地下室的水管爆了，车库都泡水了")
    assert matching_incident(DIRECTORY, [as_seen, otherwise], asked) is otherwise
    assert matching_incident(DIRECTORY, [otherwise, as_seen], asked) is otherwise
    older, younger = replace(as_seen), replace(as_seen)
    assert matching_incident(DIRECTORY, [older, younger], asked) is older

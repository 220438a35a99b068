"""One outage is one incident, and the matters of single households are none."""

from dataclasses import replace
from typing import Any

import pytest

from hotline.incidents.model.grouping import MARGIN_UNSEEN, matching_incident, propose
from hotline.incidents.watch import IncidentWatch
from hotline.tickets.context import Services
from hotline.tickets.jobs import check_counters
from tests.conftest import NOON, Clock, Player
from tests.incidents.test_grouping import DIRECTORY, HOUSEHOLDS, burst, known, proposed, report
from tests.incidents.test_stories import (
    BURST,
    act,
    call_all,
    messages,
    only_incident,
    phone,
    settled,
    storm_of_five,
)

NO_WATER = (
    "9栋停水了",
    "我家没得水了，饭都煮不成",
    "水龙头放不出水",
    "no water since this morning",
    "12栋水压太小了，洗不了澡",
    "点解停水嘅",
)
AT_HOME = (
    "我家洗手间的下水管漏水",
    "卫生间下水管漏水了，请派人来修",
    "厨房水管漏水",
    "我屋厕所水管爆了",
    "洗衣机的软管裂了，水流了一地",
    "the pipe under my sink is leaking",
)


async def merge(player: Player, incident: dict[str, Any], into: str, expect: int = 200) -> dict[str, Any]:
    reply = await player.post(
        f"/v1/incidents/{incident['code']}/actions/merge",
        {"incident": into, "reason": "同一处抢修"},
        headers={"If-Match": f'"{incident["version"]}"'},
    )
    assert reply.status_code == expect, reply.text
    return dict(reply.json())


@pytest.mark.parametrize("text", NO_WATER)
def test_no_water_beside_a_burst_main_is_the_same_outage_however_it_is_told(text: str) -> None:
    (main,) = propose(DIRECTORY, burst(5), NOON)
    assert matching_incident(DIRECTORY, [known(main)], report(text), MARGIN_UNSEEN) is not None


@pytest.mark.parametrize("text", ["停水又停电了", "电梯停了，家里也没水", "只有我家没水，邻居家都有水", "9栋停电了"])
def test_what_is_not_only_the_effect_of_a_burst_main_is_another_matter(text: str) -> None:
    (main,) = propose(DIRECTORY, burst(5), NOON)
    assert matching_incident(DIRECTORY, [known(main)], report(text), MARGIN_UNSEEN) is None


def test_no_water_in_another_community_is_another_outage() -> None:
    (main,) = propose(DIRECTORY, burst(5), NOON)
    beside = replace(DIRECTORY.areas["rq"], code="bx", name="百兴社区", name_en="Baixing")
    directory = replace(DIRECTORY, areas={**DIRECTORY.areas, "bx": beside})
    assert matching_incident(directory, [known(main)], report("停水了", area="bx")) is None
    assert matching_incident(directory, [known(main)], report("停水了", area="rq-g1")) is not None


def test_a_call_that_tells_no_place_joins_neither_of_two_burst_mains() -> None:
    (main,) = propose(DIRECTORY, burst(5), NOON)
    one, two = known(main), known(main)
    assert matching_incident(DIRECTORY, [one, two], report("停水了", area=None)) is None
    assert matching_incident(DIRECTORY, [one], report("停水了", area=None)) is one


def test_those_who_only_see_the_effect_count_once_two_have_told_of_the_cause() -> None:
    effects = [report("9栋停水了") for _ in range(4)]
    assert proposed([*burst(2), *effects]) == [("sdq-burst", 6)]
    assert proposed([*burst(1), *effects]) == []
    assert proposed([*burst(1), *effects, report("10栋停水了")]) == [("sdq-water", 5)]


def test_leaks_in_one_flat_each_are_no_incident() -> None:
    assert proposed([report(text, area="rq-b3") for text in AT_HOME * 2]) == []
    assert proposed([report("3栋楼上漏水，滴到我家了") for _ in range(6)]) == []
    assert proposed([report("3栋马桶堵了") for _ in range(6)]) == []


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("{}栋停气了，热水器打不着火", "sdq-gas"),
        ("{}栋没气了，灶具点不燃", "sdq-gas"),
        ("no gas in building {}, the stove does not light", "sdq-gas"),
        ("{}栋停水了，楼上楼下都有人说没水", "sdq-water"),
        ("{}栋停水了，隔壁都有好几家也没水", "sdq-water"),
        ("no water in building {}, my neighbours have no water either", "sdq-water"),
        ("{}栋停电了，邻居都有人下楼来问", "sdq-power"),
    ],
)
def test_an_outage_counts_whatever_stands_still_at_home_and_whatever_neighbours_say(text: str, category: str) -> None:
    assert proposed([report(text.format(n)) for n in range(5, 13)]) == [(category, 8)]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("3栋污水从马桶往上冒", "hj-sewer"),
        ("3栋主下水道堵了，污水从马桶冒出来", "hj-sewer"),
        ("3栋我家楼下的路灯不亮", "wx-light"),
        ("3栋家里出来楼道灯不亮", "wx-light"),
        ("3栋我们家这个单元门禁坏了", "wx-gate"),
    ],
)
def test_what_all_of_a_building_share_counts_though_it_is_told_from_home(text: str, category: str) -> None:
    assert proposed([report(text) for _ in range(8)]) == [(category, 8)]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("只有我家没气，灶具点不燃", "sdq-gas"),
        ("我家没水，邻居家都有水", "sdq-water"),
        ("we have no power but the neighbours have power", "sdq-power"),
        ("厨房的下水道堵了", "hj-sewer"),
        ("我家马桶堵了", "hj-sewer"),
        ("the toilet in my flat is blocked", "hj-sewer"),
        ("卫生间的门坏了", "wx"),
        ("热水器坏了", "wx"),
    ],
)
def test_what_one_household_alone_has_is_private(text: str, category: str) -> None:
    assert category in HOUSEHOLDS.find_private(text)


def test_what_bursts_before_the_door_counts_whatever_runs_dry_inside() -> None:
    assert proposed([report(f"{n}栋门口的水管爆了。我家厨房一滴水都没有") for n in range(5, 10)]) == [("sdq-burst", 5)]
    assert proposed([report("厨房的龙头没水了") for _ in range(5)]) == [("sdq-water", 5)]


@pytest.mark.parametrize("text", AT_HOME)
def test_a_leak_in_a_flat_does_not_join_a_burst_main(text: str) -> None:
    (main,) = propose(DIRECTORY, burst(5), NOON)
    assert matching_incident(DIRECTORY, [known(main)], report(text)) is None


def test_the_lifts_of_two_units_are_two_matters() -> None:
    second = [report("3栋2单元电梯坏了，不动了") for _ in range(3)]
    assert proposed([*second, *(report("3栋1单元电梯坏了") for _ in range(3))]) == []
    (lift,) = propose(DIRECTORY, [*second, *(report("3栋电梯坏了") for _ in range(2))], NOON)
    assert (lift.callers, lift.reach, lift.unit) == (5, "rq-b3", "2")
    assert matching_incident(DIRECTORY, [known(lift)], report("3栋1单元电梯坏了")) is None
    assert matching_incident(DIRECTORY, [known(lift)], report("3栋2单元电梯坏了")) is not None
    assert matching_incident(DIRECTORY, [known(lift)], report("3栋电梯坏了")) is not None


async def test_calls_without_water_join_the_open_burst_main_as_they_come_in(
    desk: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    tickets = await call_all(desk, NO_WATER, first=20)
    assert [(t["incident"], t["status"]) for t in tickets] == [(incident["code"], "merged")] * len(NO_WATER)
    filed = await desk.call("9栋4楼用不了水", caller=phone(30), category="sdq-water")
    assert filed["incident"] == incident["code"]
    await settled(watch)
    assert (await only_incident(desk))["callers"] == 5 + len(NO_WATER) + 1


async def test_an_outage_that_was_noticed_before_its_cause_is_one_incident_with_one_order(
    desk: Player, services: Services, clock: Clock
) -> None:
    dry = await call_all(desk, [f"{n}栋停水了，一滴水都没有" for n in range(9, 19)], first=20)
    watch = IncidentWatch(services)
    await settled(watch)
    first = await only_incident(desk)
    assert (first["category"]["code"], first["state"]) == ("sdq-water", "open")
    clock.forward(minutes=2)
    tickets = await call_all(desk, BURST)
    await settled(watch)
    found = {i["state"]: i for i in (await desk.get("/v1/incidents")).json()["items"]}
    assert set(found) == {"open", "merged"}
    main = found["open"]
    assert (found["merged"]["code"], found["merged"]["merged_into"]) == (first["code"], main["code"])
    assert (main["category"]["code"], main["ticket_count"]) == ("sdq-burst", len(dry) + len(tickets))
    detail = (await desk.get(f"/v1/incidents/{main['code']}")).json()
    assert len([o for o in detail["orders"] if o["part"] == "lead"]) == 1
    assert {m["status"] for m in detail["tickets"] if m["number"] != main["parent"]} == {"merged"}
    told = [m.number for m in await messages(services, "resident") if m.payload.get("incident")]
    everybody = [t["number"] for t in [*dry, *tickets] if t["number"] != main["parent"]]
    assert sorted(told) == sorted(everybody)  # nobody twice
    lines = (await desk.get(f"/v1/incidents/{main['code']}/timeline")).json()["items"]
    assert lines[-1]["action"] == "merge"
    assert lines[-1]["changes"] == {"incident": [first["code"], None]}
    assert await check_counters(services) == 0


async def test_callers_of_a_proposal_are_told_as_it_goes_into_the_incident_of_the_cause(
    desk: Player, services: Services, clock: Clock
) -> None:
    dry = await call_all(desk, [f"{n}栋停水了，一滴水都没有" for n in range(9, 15)], first=20)
    watch = IncidentWatch(services)
    await settled(watch)
    assert (await only_incident(desk))["state"] == "proposed"
    clock.forward(minutes=2)
    tickets = await call_all(desk, BURST)
    await settled(watch)
    main = next(i for i in (await desk.get("/v1/incidents")).json()["items"] if i["state"] == "open")
    told = [m.number for m in await messages(services, "resident") if m.payload.get("incident")]
    assert sorted(told) == sorted(t["number"] for t in [*dry, *tickets] if t["number"] != main["parent"])


async def test_a_dispatcher_merges_two_incidents_and_refuses_a_proposal(
    desk: Player, switch: Player, services: Services
) -> None:
    _, watch, main = await storm_of_five(desk, services)
    await call_all(desk, [f"3栋电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 7)], first=100)
    await settled(watch)
    lift = next(i for i in (await switch.get("/v1/incidents")).json()["items"] if i["code"] != main["code"])
    assert "dismiss" in {m["action"] for m in lift["allowed_actions"]}
    assert (await merge(switch, lift, "100000", expect=422))["errors"][0]["field"] == "incident"
    assert (await merge(switch, lift, lift["code"], expect=422))["errors"][0]["field"] == "incident"
    merged = await merge(switch, lift, main["code"])
    assert (merged["state"], merged["merged_into"]) == ("merged", main["code"])
    assert [m["action"] for m in merged["allowed_actions"]] == ["comment"]
    await settled(watch)
    after = (await switch.get(f"/v1/incidents/{main['code']}")).json()
    assert (after["ticket_count"], len(after["tickets"])) == (10, 10)
    assert [t["status"] for t in after["tickets"]].count("merged") == 9
    assert len([o for o in after["orders"] if o["part"] == "lead"]) == 1
    assert (await switch.get(f"/v1/incidents/{lift['code']}")).json()["tickets"] == []


async def test_a_confirmed_incident_is_not_merged_into_a_proposal(
    desk: Player, switch: Player, services: Services
) -> None:
    _, watch, main = await storm_of_five(desk, services)
    await call_all(desk, [f"3栋电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 7)], first=100)
    await settled(watch)
    lift = next(i for i in (await switch.get("/v1/incidents")).json()["items"] if i["code"] != main["code"])
    refused = await merge(switch, main, lift["code"], expect=422)
    assert "merge the proposed one" in refused["errors"][0]["rule"]


async def test_the_lift_of_one_unit_is_an_incident_of_that_unit(desk: Player, services: Services) -> None:
    await call_all(desk, [f"3栋2单元电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 7)])
    await call_all(desk, ["3栋1单元电梯坏了，不动了"], first=50)
    await settled(IncidentWatch(services))
    incident = await only_incident(desk)
    assert (incident["area"]["code"], incident["unit"], incident["ticket_count"]) == ("rq-b3", "2", 5)
    assert incident["title"]["zh"].startswith("瑞泉馨城3栋2单元 · ")
    assert "unit 2" in incident["title"]["en"]


async def test_incidents_that_may_be_one_are_named_on_each_other(
    desk: Player, switch: Player, services: Services
) -> None:
    tickets, watch, incident = await storm_of_five(desk, services)
    apart = [t["number"] for t in tickets if t["number"] != incident["parent"]][:2]
    await act(switch, incident, "split", tickets=apart, reason="另一根管子")
    await settled(watch)
    detail = (await switch.get(f"/v1/incidents/{incident['code']}")).json()
    (other,) = detail["related"]
    assert other["code"] != incident["code"]
    await merge(switch, other, incident["code"])
    await settled(watch)
    detail = (await switch.get(f"/v1/incidents/{incident['code']}")).json()
    assert (detail["related"], len(detail["tickets"])) == ([], 5)

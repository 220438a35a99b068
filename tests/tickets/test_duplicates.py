"""Who calls about a matter that is known already: the operator is shown the earlier ticket before a second is made."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.delivery.tables import outbox
from hotline.tickets import duplicates as search
from hotline.tickets import intake
from hotline.tickets.context import Services
from hotline.tickets.store import facts
from tests.conftest import Cast, Clock, Player, broken

WANG, LI = {"phone": "13800138000", "name": "王秀英"}, {"phone": "13900139000", "name": "李强"}
LIGHT = "瑞泉馨城3栋楼道灯不亮，摸黑上楼"


async def duplicates(player: Player, narrative: str, **asked: Any) -> list[dict[str, Any]]:
    reply = await player.post("/v1/explain/duplicates", {"narrative": narrative, **asked})
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert [line["rule"] for line in body["because"]] == [f"duplicate:{one['number']}" for one in body["result"]]
    return list(body["result"])


async def numbers(player: Player, narrative: str, **asked: Any) -> list[str]:
    return [one["number"] for one in await duplicates(player, narrative, **asked)]


async def test_the_same_caller_again_is_told_before_a_second_ticket_is_made(desk: Player) -> None:
    first = await desk.call(LIGHT, caller=WANG)
    (found,) = await duplicates(desk, "3栋那个灯还是黑的，灯坏了没人修", phone="138 0013 8000")
    assert (found["number"], found["same_caller"], found["open"]) == (first["number"], True, True)
    assert found["score"] >= 0.75
    joined = await desk.call("3栋的灯还没修", caller=WANG, attach_to=first["number"])
    assert (joined["number"], joined["counters"]["calls"]) == (first["number"], 2)


async def test_a_caller_need_not_say_again_where_it_is(desk: Player) -> None:
    first = await desk.call(LIGHT, caller=WANG)
    assert await numbers(desk, "楼道灯还是不亮", phone=WANG["phone"]) == [first["number"]]
    assert await numbers(desk, "楼道灯还是不亮", phone=LI["phone"]) == []


async def test_a_neighbour_of_the_same_building_is_offered_the_ticket_at_intake(desk: Player) -> None:
    first = await desk.call(LIGHT, caller=WANG)
    second = await desk.call("the stair lamp in building 3 is broken", caller=LI)
    assert second["number"] != first["number"]  # offered, never joined by itself
    (offered,) = second["advice"]["duplicates"]
    assert (offered["number"], offered["same_caller"], offered["status"]) == (first["number"], False, first["status"])
    assert "duplicates" not in (await desk.see(second))["advice"]  # of the moment: looked for anew when it is asked


@pytest.mark.parametrize(
    "said",
    [
        "瑞泉馨城4栋楼道灯不亮，摸黑上楼",  # another building
        "3栋垃圾好几天没人收",  # another matter of the same building
        "3栋有人打架",
        "有件事情想问一下",
    ],
)
async def test_another_place_and_another_matter_are_no_repeat(said: str, desk: Player) -> None:
    await desk.call(LIGHT, caller=WANG)
    assert await numbers(desk, said, phone=LI["phone"]) == []


async def test_the_lift_of_another_unit_is_another_lift(desk: Player) -> None:
    first = await desk.call("3栋2单元电梯坏了，不动了", caller=WANG)
    assert await numbers(desk, "3栋1单元的电梯坏了", phone=LI["phone"]) == []
    assert await numbers(desk, "3栋2单元的电梯又不走了", phone=LI["phone"]) == [first["number"]]
    assert await numbers(desk, "3栋电梯坏了", phone=LI["phone"]) == [first["number"]]  # which one is not said


async def test_what_is_chosen_wins_over_what_is_read(desk: Player) -> None:
    first = await desk.call(LIGHT, caller=WANG)
    assert await numbers(desk, "灯坏了", area="rq-b3") == [first["number"]]
    assert await numbers(desk, LIGHT, area="rq-b4") == []
    assert await numbers(desk, LIGHT, category="hj-rubbish") == []
    reply = await desk.post("/v1/explain/duplicates", {"narrative": LIGHT, "area": "nowhere"})
    assert (reply.status_code, broken(reply.json())[0][0]) == (422, "area")


async def test_what_ended_last_week_is_heard_anew(desk: Player, switch: Player, clock: Clock) -> None:
    answered = await desk.call(
        "瑞泉馨城3栋楼道灯不亮", caller=WANG, at_once={"action": "answer", "answer": "已登记"}, category="wx-light"
    )
    clock.forward(hours=3)
    (found,) = await duplicates(desk, "3栋楼道灯不亮", phone=WANG["phone"])
    assert (found["number"], found["open"]) == (answered["number"], False)
    clock.forward(days=6)
    assert await numbers(desk, "3栋楼道灯不亮", phone=WANG["phone"]) == []


async def test_a_report_is_old_when_the_window_of_its_category_is_over(desk: Player, clock: Clock) -> None:
    light, fight = await desk.call(LIGHT, caller=WANG), await desk.call("3栋楼下有人打架", caller=WANG)
    clock.forward(hours=1)
    assert await numbers(desk, "3栋有两个人打起来了", phone=LI["phone"]) == [fight["number"]]
    clock.forward(days=2)
    assert await numbers(desk, "3栋有两个人打起来了", phone=LI["phone"]) == []  # another fight
    assert await numbers(desk, "3栋楼道灯不亮", phone=LI["phone"]) == [light["number"]]
    clock.forward(days=30)
    assert await numbers(desk, "3栋楼道灯不亮", phone=LI["phone"]) == []


async def test_at_most_three_are_offered_the_most_alike_first(desk: Player, clock: Clock) -> None:
    made = []
    for who in (WANG, LI, {"phone": "13700137000"}, {"phone": "13600136000"}):
        made.append((await desk.call(LIGHT, caller=who))["number"])
        clock.forward(minutes=1)
    found = await duplicates(desk, LIGHT, phone=WANG["phone"])
    assert len(found) == 3 and found[0]["number"] == made[0] and found[0]["same_caller"]
    assert [one["number"] for one in found[1:]] == [made[3], made[2]]
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)


async def test_what_is_not_yours_to_see_is_not_in_the_list(
    desk: Player, lifts: Player, pipes: Player, cast: Cast
) -> None:
    ticket = await desk.call("瑞泉馨城12栋电梯坏了，停在一楼不动", caller=WANG, category="dt-fault")
    assert await numbers(lifts, "12栋电梯坏了") == [ticket["number"]]  # they hold its order
    assert await numbers(pipes, "12栋电梯坏了") == []
    assert await numbers(await cast("block3"), "12栋电梯坏了", phone=WANG["phone"]) == []
    gate = await cast("gate")
    assert await numbers(gate, "12栋电梯坏了", phone=WANG["phone"]) == []
    own = await gate.call("12栋电梯坏了", caller=WANG, channel="web")
    (found,) = await duplicates(gate, "12栋电梯坏了", phone=WANG["phone"])
    assert (found["number"], found["same_caller"]) == (own["number"], True)


async def test_whose_ticket_it_is_is_not_told_to_who_sees_no_callers(desk: Player, lifts: Player) -> None:
    """Else a department could try out numbers until one fits a masked caller."""
    ticket = await desk.call("瑞泉馨城12栋电梯坏了", caller=WANG, category="dt-fault")
    theirs, others = [await duplicates(lifts, "12栋电梯坏了", phone=phone) for phone in (WANG["phone"], LI["phone"])]
    assert theirs == others and theirs[0]["number"] == ticket["number"] and not theirs[0]["same_caller"]
    assert await numbers(lifts, "电梯坏了", phone=WANG["phone"]) == []


async def test_a_confidential_matter_is_not_shown_to_the_operator_of_the_next_call(desk: Player) -> None:
    secret = await desk.call("3栋楼道灯不亮，举报物业不作为", caller={**WANG, "confidential": True})
    assert secret["caller"]["confidential"]
    assert await numbers(desk, "3栋楼道灯不亮，举报物业不作为", phone=WANG["phone"]) == []
    second = await desk.call(LIGHT, caller=LI)
    assert second["advice"]["duplicates"] == []
    await desk.call("3栋楼道灯还是不亮", caller={**WANG, "confidential": True}, attach_to=second["number"])
    (found,) = await duplicates(desk, LIGHT, phone=WANG["phone"])
    assert (found["number"], found["same_caller"]) == (second["number"], False)  # that they called too is a secret


async def test_the_dispatcher_is_offered_to_merge_what_was_made_twice(
    desk: Player, switch: Player, lifts: Player, cast: Cast
) -> None:
    first = await desk.call(LIGHT, caller=WANG)
    second = await desk.call(LIGHT, caller=LI)
    reply = await switch.get(f"/v1/tickets/{second['number']}/duplicates")
    assert [one["number"] for one in reply.json()["result"]] == [first["number"]]  # and not itself
    second = await switch.see(second)
    await switch.act(second, "merge", target=first["number"])
    reply = await switch.get(f"/v1/tickets/{first['number']}/duplicates")
    assert reply.json()["result"] == []
    assert (await lifts.get(f"/v1/tickets/{first['number']}/duplicates")).status_code == 403
    outside = await (await cast("block3")).get(f"/v1/tickets/{(await desk.call('12栋停电'))['number']}/duplicates")
    assert outside.status_code == 404


async def test_a_call_kept_under_its_key_is_offered_the_same_again(desk: Player) -> None:
    await desk.call(LIGHT, caller=WANG)
    key = {"Idempotency-Key": "one-call-once"}
    first = await desk.call(LIGHT, caller=LI, headers=key)
    assert (await desk.call(LIGHT, caller=LI, headers=key)) == first


async def test_an_intake_asks_once_for_repeats_and_a_gateways_not_at_all(
    desk: Player, cast: Cast, services: Services
) -> None:
    async def round_trips(player: Player, **fields: Any) -> int:
        before = services.db.round_trips
        await player.call(LIGHT, caller=WANG, **fields)
        return services.db.round_trips - before

    gate = await cast("gate")
    await desk.call(LIGHT), await gate.call(LIGHT, channel="web")  # what is read once for each of them
    by_gateway = await round_trips(gate, channel="web")
    assert await round_trips(desk) == by_gateway + 1
    answered = {"action": "answer", "answer": "已登记"}
    assert await round_trips(desk, at_once=answered, category="wx-light") == by_gateway


async def test_a_full_area_hides_neither_the_callers_own_nor_the_newest(
    desk: Player, services: Services, clock: Clock
) -> None:
    own = await desk.call(LIGHT, caller=WANG)
    for n in range(12):
        clock.forward(minutes=1)
        newest = await desk.call(LIGHT, caller={"phone": f"1370000{n:04d}"})
    found = await numbers(desk, LIGHT, phone=WANG["phone"])
    assert found[:2] == [own["number"], newest["number"]]


async def test_a_fault_in_what_only_helps_refuses_no_call(
    desk: Player, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the search for repeats nor the open incidents, whether they fail or never come back."""

    def fails(*_: object, **__: object) -> object:
        raise KeyError("weights")

    async def hangs(*_: object, **__: object) -> object:
        await asyncio.Event().wait()
        return None

    monkeypatch.setattr(intake, "HELP_WITHIN", 0.01)
    monkeypatch.setattr(search, "compare_matters", fails)
    await desk.call("3栋停电了")
    assert (await desk.call("3栋又停电了"))["number"]
    assert services.open_incidents is not None
    monkeypatch.setattr(services.open_incidents, "match", hangs)
    assert (await desk.call("有人触电了，快来"))["priority"] == "emergency"


async def test_a_danger_in_a_call_that_the_desk_joins_alarms_the_operators(desk: Player, services: Services) -> None:
    lift = await desk.call("3栋2单元电梯坏了，等了半天")
    await desk.call("还是3栋那个电梯，没人来", attach_to=lift["number"])

    async def alarms() -> list[str]:
        told = sa.select(outbox.c.number).where(outbox.c.kind == "alarm")
        return list(await services.db.transact(lambda c: c.scalars(told).all()))

    assert await alarms() == []
    joined = await desk.call("3栋2单元电梯里头困了个老人，喊救命", attach_to=lift["number"])
    assert joined["number"] == lift["number"] and await alarms() == [lift["number"]]


async def test_an_order_of_another_hotline_that_comes_by_two_lines_at_once_is_one_ticket(
    desk: Player, switch: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither line finds the other's when it looks: the database knows."""

    look, looks = facts.load_number_by_outer, iter((True, True))

    async def none_yet(*order: Any) -> str | None:
        return None if next(looks, False) else await look(*order)

    monkeypatch.setattr(facts, "load_number_by_outer", none_yet)
    order = {"channel": "phone", "narrative": "路灯不亮", "outer": {"system": "12345", "number": "CD-1"}}
    replies = await asyncio.gather(*(player.post("/v1/calls", order) for player in (desk, switch)))
    assert sorted(reply.status_code for reply in replies) == [201, 409]
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 1

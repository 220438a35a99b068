"""Dangers that wait: who must know of them, until when, and who is on duty."""

from typing import Any

import sqlalchemy as sa

from hotline.alerts.store import _alert_query
from hotline.database.engine_sqlite import Sqlite
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.tickets.context import Services
from hotline.tickets.sla.jobs import escalate_due
from tests.conftest import Cast, Clock, Player

TRAPPED = "3栋2单元电梯困人了，快来"
HANDLERS = {"property-works": "lifts", "service-centre": "centre", "fire-watch": "firemen", "property": "property"}
PLACE = {"area": "rq-b3", "building": "3", "unit": "2", "address": "3栋2单元"}


async def trapped(desk: Player, **more: Any) -> dict[str, Any]:
    return await desk.call(TRAPPED, category="dt-fault", priority="emergency", location=PLACE, **more)


async def with_numbers(boss: Player, code: str) -> None:
    """Every member of a roster has a duty number."""
    path = f"/v1/directory/rosters/{code}"
    item = (await boss.get(path)).json()
    body = {**item, "members": [{**member, "phone": "6123"} for member in item["members"]]}
    version = (await boss.get("/v1/directory/rosters")).headers.get("etag")
    reply = await boss.http.put(path, json=body, headers={"If-Match": version} if version else {})
    assert reply.status_code in (200, 201), reply.text


async def alerts(who: Player) -> list[dict[str, Any]]:
    reply = await who.get("/v1/alerts")
    assert reply.status_code == 200, reply.text
    return list(reply.json()["items"])


async def numbers(who: Player) -> list[str]:
    return [alert["number"] for alert in await alerts(who)]


async def test_whoever_must_know_is_told_of_a_danger_until_somebody_has_it(
    desk: Player, lifts: Player, switch: Player, watch: Player, pipes: Player, cast: Cast, clock: Clock
) -> None:
    block3, committee, boss = await cast("block3"), await cast("committee"), await cast("boss")
    await with_numbers(boss, "service-centre")
    ticket = await trapped(desk)
    clock.forward(minutes=4)
    for who in (desk, switch, watch, lifts, block3):
        (alert,) = await alerts(who)
        assert alert["number"] == ticket["number"] and alert["waits_for"] == "acceptance"
    assert alert["dangers"] == ["lift"] and (alert["building"], alert["unit"]) == ("3", "2")
    assert alert["since"] == ticket["created_at"]
    order = alert["orders"][0]
    assert order["department"]["code"] == "property-works" and order["duty"][0]["phone"] == "6123"
    # not theirs, and those who only look on
    for who in (pipes, committee, boss):
        assert await numbers(who) == []
    assert [a["mine"] for a in await alerts(lifts)] == [True] and [a["mine"] for a in await alerts(desk)] == [False]
    # the ordinary matter of another building rings nobody
    await desk.call("9栋路灯坏了", location={"area": "rq-b9"})
    far = await desk.call("9栋电梯困人", priority="emergency", location={"area": "rq-b9", "building": "9"})
    assert await numbers(block3) == [ticket["number"]] and await numbers(watch) == [ticket["number"], far["number"]]
    ticket = await lifts.order(ticket, "accept")
    assert ticket["number"] not in await numbers(lifts) and ticket["number"] in await numbers(
        desk
    )  # others have not signed yet
    for place, order in enumerate(ticket["assignments"][1:], start=1):
        who = await cast(HANDLERS[order["department"]["code"]])
        ticket = await who.order(ticket, "accept", place=place)
    for who in (desk, switch, watch, block3, lifts):
        assert ticket["number"] not in await numbers(who)


async def test_a_danger_waits_for_a_department_for_a_ruling_and_never_for_one_that_is_taken_back(
    desk: Player, switch: Player, lifts: Player, clock: Clock
) -> None:
    ticket = await desk.call("有人说要出事了，说不清在哪里", priority="emergency")
    if ticket["assignments"]:
        ticket = await switch.order(ticket, "recall", reason="先问清楚")
    (alert,) = await alerts(switch)
    assert (alert["waits_for"], alert["orders"], alert["since"]) == ("dispatch", [], ticket["created_at"])
    assert alert["duty"] and await numbers(lifts) == []
    ticket = await switch.act(ticket, "triage", category="dt-fault", kind="request", priority="emergency")
    if ticket["assignments"]:
        ticket = await switch.order(ticket, "recall", reason="先问清楚")
    ticket = await switch.act(ticket, "dispatch", department="property-works")
    (alert,) = await alerts(lifts)
    ticket = await lifts.order(
        ticket, "request_return", place=-1, reason_code="not_our_duty", basis="职责清单 11", department="water"
    )
    assert await numbers(lifts) == [] and [a["waits_for"] for a in await alerts(switch)] == ["ruling"]
    ticket = await switch.order(ticket, "recall", place=-1, reason="另派")
    assert [a["waits_for"] for a in await alerts(switch)] == ["dispatch"]
    await switch.act(ticket, "void", reason_code="test", reason="误报")
    assert await numbers(switch) == []


async def test_what_the_clock_alone_accepted_still_waits_for_a_person(
    desk: Player, lifts: Player, watch: Player, cast: Cast, services: Services, clock: Clock
) -> None:
    ticket = await trapped(desk)
    for _ in range(12):
        clock.forward(minutes=10)
        await escalate_due(services, clock())
    ticket = await desk.see(ticket)
    assert ticket["assignments"][0]["status"] == "accepted"  # by the clock
    assert await numbers(desk) == await numbers(lifts) == [ticket["number"]]
    # and looks so wherever it is shown: on its page, on the board, in lists and on the wall
    orders = ticket["assignments"]
    assert {(o["next_clock"]["metric"], o["next_clock"]["colour"]) for o in orders} == {("accept", "red")}, orders
    assert ticket["clocks"]["next"]["colour"] == "red"
    department = orders[0]["department"]["code"]
    (row,) = (await lifts.get(f"/v1/departments/{department}/queue?colours=true")).json()["items"]
    assert (row["colour"], row["next_clock"]["metric"]) == ("red", "accept")
    red = (await watch.get("/v1/tickets?colour=red&clocks=true")).json()["items"]
    assert [(one["number"], one["next_clock"]["colour"]) for one in red] == [(ticket["number"], "red")]
    assert (await watch.get("/v1/tickets?colour=green")).json()["items"] == []
    await (await cast("liftmen")).order(ticket, "contact_caller", contacted="reached")
    assert await numbers(lifts) == []
    ticket = await desk.see(ticket)
    assert ticket["assignments"][0]["next_clock"]["metric"] == "report"
    # the others have not signed for theirs
    assert {o["next_clock"]["metric"] for o in ticket["assignments"][1:]} <= {"accept"}


async def test_a_confidential_danger_tells_no_address(desk: Player, watch: Player) -> None:
    await trapped(desk, caller={"phone": "13800138000", "confidential": True})
    assert [a["address"] for a in await alerts(watch)] == [None]


async def test_who_is_on_duty_is_told_with_number_and_gaps(
    desk: Player, lifts: Player, cast: Cast, services: Services, clock: Clock
) -> None:
    boss = await cast("boss")
    await with_numbers(boss, "service-centre")
    posts = (await desk.get("/v1/duty")).json()["items"]
    home = posts[0]
    assert home["department"]["code"] == "service-centre" and home["now"][0]["phone"] == "6123" and home["gaps"] == []
    shown = {post["department"]["code"] for post in (await lifts.get("/v1/duty")).json()["items"]}
    assert "service-centre" in shown and "property-works" in shown
    assert len(posts) >= len(shown)
    contractor = (await (await cast("liftmen")).get("/v1/duty")).json()["items"]
    assert {post["department"]["code"] for post in contractor} <= {"lifts"}
    made = await boss.post(
        "/v1/departments/service-centre/duty/overrides",
        {"roster": home["roster"]["code"], "start": "2026-11-25T22:00:00", "end": "2026-11-26T06:00:00", "member": None,
         "reason": "全员培训"},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    (gap,) = (await desk.get("/v1/duty")).json()["items"][0]["gaps"]
    assert gap == {"start": "2026-11-25T14:00:00+00:00", "end": "2026-11-25T22:00:00+00:00"}
    clock.forward(hours=11)
    post = (await desk.get("/v1/duty")).json()["items"][0]
    assert post["now"] == [] and post["gaps"][0]["start"] == "2026-11-25T15:00:00+00:00"


async def test_alerts_are_found_by_their_index(db: Any, desk: Player) -> None:
    """However many tickets a city has, an emergency that waits is found among the open emergencies alone."""
    query = _alert_query(SYSTEM_SCOPE, own_alone=False, one=False).statement
    explain = "EXPLAIN QUERY PLAN " if isinstance(db, Sqlite) else "EXPLAIN "

    await desk.call("5栋楼道灯不亮")

    def plan(c: sa.Connection) -> str:
        if not isinstance(db, Sqlite):  # which looks at how many there are
            closed = "jsonb_build_object('number', 'x' || n, 'status', 'closed', 'outer_number', n)"
            many = f"SELECT (jsonb_populate_record(t, {closed})).* FROM ticket AS t, generate_series(1, 3000) AS n"
            c.exec_driver_sql(f"INSERT INTO ticket {many}")
            c.exec_driver_sql("ANALYZE ticket")
        text = str(query.compile(c, compile_kwargs={"literal_binds": True}))
        return " ".join(map(str, c.exec_driver_sql(explain + text).all()))

    assert "ix_ticket_alert" in await db.transact(plan)

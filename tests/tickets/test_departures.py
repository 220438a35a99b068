"""T12: somebody leaves, or a department is retired. What they had goes back, is told, and stands in the timeline."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.database.prepared import PreparedQuery
from hotline.delivery import tables as outbox_tables
from hotline.operations.departure_checks import (
    check_names_of_departed,
    check_orders_of_departed,
    notify_departed_names,
)
from hotline.operations.findings import Finding
from hotline.organisation.model.actors import COMMAND_LINE, Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.items import Member
from hotline.organisation.service.accounts import NewKey, add_key
from hotline.organisation.service.directory import change
from hotline.tickets.context import Services
from hotline.tickets.departures import release_departed
from hotline.tickets.jobs import DEPARTURES_EVERY, ticket_jobs
from hotline.tickets.store import counters
from tests.conftest import Cast, Clock, Player, keep_first_passwords

_OUT = PreparedQuery(
    sa.select(outbox_tables.outbox.c.kind, outbox_tables.outbox.c.partition, outbox_tables.outbox.c.payload)
)
PASSWORD = "correct horse 9"


@dataclass
class Staff:
    """Somebody with an account: `act` sends as them, `patch` changes them as the administrator."""

    id: str
    headers: dict[str, str]
    boss: Player
    version: int = 1

    async def order(self, ticket: dict[str, Any], action: str, **fields: Any) -> dict[str, Any]:
        order = ticket["assignments"][0]["id"]
        headers = {**self.headers, "if-match": f'"{ticket["version"]}"'}
        path = f"/v1/tickets/{ticket['number']}/assignments/{order}/actions/{action}"
        reply = await self.boss.http.post(path, json=fields, headers=headers)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    async def patch(self, **fields: Any) -> dict[str, Any]:
        headers = {"if-match": f'"{self.version}"'}
        reply = await self.boss.http.patch(f"/v1/people/{self.id}", json=fields, headers=headers)
        assert reply.status_code == 200, reply.text
        self.version += 1
        return dict(reply.json())


Hire = Callable[..., Awaitable[Staff]]


@pytest.fixture
async def boss(cast: Cast) -> Player:
    return await cast("boss")


@pytest.fixture
async def hire(boss: Player) -> Hire:
    async def hired(login: str, department: str = "property-works") -> Staff:
        body = {"login": login, "name": login, "password": PASSWORD, "roles": ["handler"], "department": department}
        made = await boss.post("/v1/people", body)
        assert made.status_code == 201, made.text
        await keep_first_passwords(boss.http._transport.app.state.services)  # type: ignore[attr-defined]
        token = await boss.http.post(
            "/v1/token", json={"login": login, "password": PASSWORD}, headers={"authorization": ""}
        )
        return Staff(made.json()["id"], {"authorization": f"Bearer {token.json()['token']}"}, boss)

    return hired


async def retire(services: Services, clock: Clock, department: str, **also: Any) -> None:
    """As an import does: the routes that name it end, and the department with them, in one change."""
    directory = await services.directory.now(clock.now)
    routes = [
        ("routes", code, replace(r, active=False))
        for code, r in directory.routes.items()
        if department in (r.lead, r.performer, *r.assists) and r.active
    ]
    gone = replace(directory.departments[department], active=False, **also)
    await change(services.directory, [*routes, ("departments", department, gone)], COMMAND_LINE, clock.now)


async def told(services: Services) -> list[tuple[str, str]]:
    """(line, reason) of the messages about orders that must be assigned anew."""
    return [(r.partition, r.payload["reason"]) for r in await services.db.rows(_OUT) if r.kind == "reassignment"]


async def newest(desk: Player, ticket: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(action, by, reason) of its timeline, newest last."""
    items = (await desk.get(f"/v1/tickets/{ticket['number']}/timeline?limit=100")).json()["items"]
    return [(line["action"], line["by"]["kind"], line["reason"]) for line in items]


async def doubts(services: Services, clock: Clock) -> list[str]:
    """What the doctor asks about those who are gone."""
    directory = await services.directory.now(clock.now)
    found: list[Finding] = []
    for check in (check_orders_of_departed, check_names_of_departed):
        found += await check(services, directory, clock.now)
    return [f.says for f in found if f.warns]


async def test_t12_a_deactivated_handler_gives_back_the_order_they_accepted(
    desk: Player, lifts: Player, services: Services, clock: Clock, hire: Hire, lift_ticket: dict[str, Any]
) -> None:
    """Named after the fault: the order stayed accepted, nobody was told, and the doctor said nothing."""
    wang = await hire("wang")
    mine = await wang.order(lift_ticket, "accept")
    due = mine["assignments"][0]["due_at"]
    assert await release_departed(services, clock.now) == 0 and await doubts(services, clock) == []
    clock.forward(hours=1)
    assert (await wang.patch(active=False))["held"] == 1
    assert any("1 (wang)" in doubt for doubt in await doubts(services, clock))
    assert not any("nobody" in doubt for doubt in await doubts(services, clock))  # the department has others
    assert await release_departed(services, clock.now) == 1
    after = await desk.see(lift_ticket)
    order = after["assignments"][0]
    assert (after["status"], order["status"], order["assignee"], order["due_at"]) == (
        "dispatched",
        "accepted",
        None,
        due,
    )
    assert (await newest(desk, after))[-1] == ("release", "clock", "account_closed: wang")
    assert await told(services) == [("department:property-works", "account_closed: wang")]
    assert await release_departed(services, clock.now) == 0 and await doubts(services, clock) == []  # once
    claimed = await lifts.order(after, "claim")  # it is in the department's queue, for whoever comes first
    assert claimed["assignments"][0]["assignee"] == lifts.actor.id
    assert not await counters.load_counter_drift(services.db)


async def test_t12_the_doctor_asks_about_a_department_whose_last_handler_is_gone(
    desk: Player, boss: Player, services: Services, clock: Clock, hire: Hire, lift_ticket: dict[str, Any]
) -> None:
    """The order is back in a queue that nobody reads; one that never had an account is told in other ways."""
    assert await doubts(services, clock) == []
    wang = await hire("wang")
    await wang.order(lift_ticket, "accept")
    await wang.patch(active=False)
    assert await release_departed(services, clock.now) == 1
    [doubt] = await doubts(services, clock)
    assert "nobody" in doubt and "property-works" in doubt
    await hire("li", "property")  # the department above acts for it
    assert await doubts(services, clock) == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"department": "water"}, "other_department"),
        ({"roles": ["operator"], "department": None}, "no_longer_handler"),
        ({"name": "Wang", "roles": ["handler", "operator"]}, None),
    ],
)
async def test_t12_who_moves_to_another_department_leaves_the_orders_behind(
    changed: dict[str, Any],
    reason: str | None,
    desk: Player,
    services: Services,
    clock: Clock,
    hire: Hire,
    lift_ticket: dict[str, Any],
) -> None:
    wang = await hire("wang")
    await wang.order(lift_ticket, "accept")
    assert (await wang.patch(**changed))["held"] == (reason is not None)
    assert await release_departed(services, clock.now) == (reason is not None)
    after = await desk.see(lift_ticket)
    assert after["assignments"][0]["assignee"] == (None if reason else wang.id)
    assert [said for _, said in await told(services)] == ([f"{reason}: wang"] if reason else [])


async def test_t12_the_key_of_a_machine_ends_as_an_account_does(
    desk: Player, boss: Player, services: Services, clock: Clock, cast: Cast
) -> None:
    lifts, affairs = await cast("lifts"), await cast("affairs")
    first = await desk.call("电梯坏了", category="dt-fault", caller={"phone": "13800138000"})
    await lifts.order(first, "accept")
    assert (await boss.http.delete(f"/v1/keys/{lifts.actor.id}")).status_code == 204
    assert await release_departed(services, clock.now) == 1
    assert (await desk.see(first))["assignments"][0]["assignee"] is None
    # one that runs out changes nothing that anybody could notice: the job looks again by itself
    until = clock.now + timedelta(hours=1)
    made = await add_key(
        services, NewKey("shift", Grant(frozenset({Role.HANDLER}), "property-works"), until), "test", clock.now
    )
    headers = {"authorization": f"Bearer {made['secret']}", "if-match": f'"{(await desk.see(first))["version"]}"'}
    path = f"/v1/tickets/{first['number']}/assignments/{first['assignments'][0]['id']}/actions/claim"
    assert (await affairs.http.post(path, json={}, headers=headers)).status_code == 200
    job = next(job for job in ticket_jobs(services) if job.name == "departures")
    assert not await job.step()
    clock.now = until + DEPARTURES_EVERY
    assert await job.step() and not await job.step()
    assert (await desk.see(first))["assignments"][0]["assignee"] is None


async def test_t12_the_worker_looks_when_an_account_or_a_department_has_changed(
    desk: Player, services: Services, clock: Clock, hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once; and not whenever somebody logs out, for the look reads every open order."""
    looks = 0

    async def counted(services: Services, now: Any) -> int:
        nonlocal looks
        looks += 1
        return await release_departed(services, now)

    monkeypatch.setattr("hotline.tickets.jobs.release_departed", counted)
    wang, li = await hire("wang"), await hire("li")
    first, second = [await desk.call(f"{n}栋电梯坏了", category="dt-fault") for n in (3, 4)]
    await wang.order(first, "accept")
    job = next(job for job in ticket_jobs(services) if job.name == "departures")
    assert not await job.step() and not await job.step() and looks == 1
    assert (await desk.http.delete("/v1/token", headers=li.headers)).status_code == 204
    assert not await job.step() and looks == 1
    await wang.patch(active=False)
    assert await job.step() and not await job.step() and looks == 3
    assert (await desk.see(first))["assignments"][0]["assignee"] is None
    await retire(services, clock, "property-works")
    clock.forward(seconds=2)
    assert await job.step() and not await job.step() and looks == 5
    assert [(await desk.see(t))["status"] for t in (first, second)] == ["triaged", "triaged"]


async def test_t12_a_retired_department_gives_its_orders_back_to_the_dispatcher(
    desk: Player, switch: Player, lifts: Player, services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    accepted = await lifts.order(lift_ticket, "accept")
    await switch.order(accepted, "assist", department="security")
    await retire(services, clock, "property-works")
    assert any("property-works" in doubt or "物业工程部" in doubt for doubt in await doubts(services, clock))
    clock.forward(minutes=5)
    assert await release_departed(services, clock.now) == 1
    after = await desk.see(lift_ticket)
    assert (after["status"], [o["status"] for o in after["assignments"]]) == ("triaged", ["recalled", "recalled"])
    assert {c["metric"] for c in after["clocks"]["running"]} == {"resolve", "dispatch"}
    reason = "department_retired: 物业工程部"
    lines = await newest(desk, after)
    assert lines[-2:] == [("recall", "clock", reason), ("recall", "clock", "the lead's order ended")]
    assert await told(services) == [("role:dispatcher", reason)]
    assert await release_departed(services, clock.now) == 0
    waiting = (await switch.get("/v1/tickets?status=triaged")).json()["items"]
    assert [t["number"] for t in waiting] == [after["number"]]
    sent = await switch.act(after, "dispatch", department="residents-affairs")
    assert sent["status"] == "dispatched" and not await counters.load_counter_drift(services.db)


async def test_t12_an_assisting_department_that_is_retired_leaves_the_lead_at_work(
    desk: Player, switch: Player, lifts: Player, services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    helped = await switch.order(await lifts.order(lift_ticket, "accept"), "assist", department="security")
    await retire(services, clock, "security")
    assert await release_departed(services, clock.now) == 1
    after = await desk.see(helped)
    assert (after["status"], [o["status"] for o in after["assignments"]]) == ("dispatched", ["accepted", "recalled"])
    # nobody waits for the help that will not come
    done = await lifts.order(after, "report", internal_result="belt", public_reply="fixed", solved=True)
    assert done["assignments"][0]["status"] == "reported"


async def test_t12_a_contractor_that_is_retired_leaves_the_order_with_the_department(
    desk: Player, lifts: Player, services: Services, clock: Clock, cast: Cast, lift_ticket: dict[str, Any]
) -> None:
    liftmen = await cast("liftmen")
    await liftmen.order(await liftmen.see(lift_ticket), "accept")
    await retire(services, clock, "lifts")
    assert await release_departed(services, clock.now) == 1
    after = await desk.see(lift_ticket)
    order = after["assignments"][0]
    assert (order["status"], order["performer"], order["assignee"]) == ("accepted", None, None)
    assert (await newest(desk, after))[-1][0] == "release"
    await liftmen.see(lift_ticket, expect=404)
    await lifts.order(after, "claim")


async def test_t12_what_waits_for_the_caller_or_is_shelved_stays_so_without_its_order(
    desk: Player,
    switch: Player,
    watch: Player,
    lifts: Player,
    services: Services,
    clock: Clock,
    lift_ticket: dict[str, Any],
) -> None:
    waiting = await desk.act(await lifts.order(lift_ticket, "accept"), "request_info", text="which lift?")
    light = await desk.call("车库路灯不亮了", category="wx-light", location={"area": "rq-garage"})
    put_off = await watch.act(light, "shelve", reason="parts", review_at=(clock.now + timedelta(days=9)).isoformat())
    await retire(services, clock, "property-works")
    assert await release_departed(services, clock.now) == 2
    assert [(await desk.see(t))["status"] for t in (waiting, put_off)] == ["awaiting_info", "shelved"]
    told_it = await desk.act(await desk.see(waiting), "provide_info", text="the left one")
    back = await watch.act(await desk.see(put_off), "unshelve", reason="parts are here")
    assert (told_it["status"], back["status"]) == ("triaged", "triaged")


async def test_t12_a_result_that_waits_for_review_is_not_thrown_away(
    switch: Player, lifts: Player, services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    """The department has done its part; only where the result is rejected does somebody else have to act."""
    done = await lifts.order(
        await lifts.order(lift_ticket, "accept"), "report", internal_result="belt", public_reply="fixed", solved=True
    )
    await retire(services, clock, "property-works")
    assert await release_departed(services, clock.now) == 0
    rejected = await switch.order(done, "reject_report", fault="evasive", reason="not fixed")
    assert rejected["assignments"][0]["status"] == "accepted"
    assert await release_departed(services, clock.now) == 1
    assert (await switch.see(rejected))["status"] == "triaged"


async def test_t12_a_successor_takes_over_where_one_is_named(
    desk: Player, services: Services, clock: Clock, lift_ticket: dict[str, Any], boss: Player
) -> None:
    bad = {**(await boss.get("/v1/directory/departments/water")).json(), "successor": "nobody"}
    tag = (await boss.get("/v1/directory/departments/water")).headers["etag"]
    refused = await boss.http.put("/v1/directory/departments/water", json=bad, headers={"if-match": tag})
    assert refused.status_code == 422 and "successor" in refused.text
    await retire(services, clock, "property-works", successor="residents-affairs")
    assert await release_departed(services, clock.now) == 1
    after = await desk.see(lift_ticket)
    orders = [(o["department"]["code"], o["status"]) for o in after["assignments"]]
    assert (after["status"], orders) == (
        "dispatched",
        [("property-works", "recalled"), ("residents-affairs", "issued")],
    )
    lines = await newest(desk, after)
    assert [(action, by) for action, by, _ in lines[-2:]] == [("recall", "clock"), ("dispatch", "rules")]


async def test_t12_a_successor_has_the_help_of_those_who_assisted(
    desk: Player, switch: Player, services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    await switch.order(lift_ticket, "assist", department="security")
    await retire(services, clock, "property-works", successor="residents-affairs")
    await release_departed(services, clock.now)
    orders = [(o["department"]["code"], o["part"], o["status"]) for o in (await desk.see(lift_ticket))["assignments"]]
    assert orders[-2:] == [("residents-affairs", "lead", "issued"), ("security", "assist", "issued")]


async def test_t12_an_emergency_that_nobody_has_any_more_alarms_the_operators(
    desk: Player, services: Services, clock: Clock
) -> None:
    await desk.call("3栋电梯坏了", category="dt-fault")
    await retire(services, clock, "property-works")
    await release_departed(services, clock.now)
    assert [r.partition for r in await services.db.rows(_OUT) if r.kind == "alarm"] == []
    rung = await desk.call("3栋2单元电梯里头关了人，喊救命")
    (lead,) = [o["department"]["code"] for o in rung["assignments"] if o["part"] == "lead"]
    await retire(services, clock, lead)
    await release_departed(services, clock.now)
    alarms = [r.payload["text"] for r in await services.db.rows(_OUT) if r.kind == "alarm"]
    assert len(alarms) == 1 and rung["number"] in alarms[0]


async def test_t12_many_orders_go_back_in_batches_and_two_workers_do_not_do_it_twice(
    desk: Player, services: Services, clock: Clock
) -> None:
    made = [await desk.call(f"{n}栋电梯坏了", category="dt-fault") for n in range(1, 31)]
    await retire(services, clock, "property-works")
    assert await release_departed(services, clock.now, 10) == 10
    both = await asyncio.gather(*(release_departed(services, clock.now) for _ in range(2)))
    assert sum(both) == 20
    for ticket in made:
        assert [action for action, _, _ in await newest(desk, ticket)].count("recall") == 1
    assert not await counters.load_counter_drift(services.db)


async def test_t12_retiring_says_how_much_is_held(
    desk: Player, boss: Player, services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    async def delete(path: str) -> dict[str, Any]:
        tag = (await boss.get("/v1/directory/house")).headers["etag"]
        reply = await boss.http.delete(f"/v1/directory/{path}", headers={"if-match": tag})
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    route = lift_ticket["assignments"][0]["route"]
    assert (await delete(f"routes/{route}"))["held"] == 1
    assert any(route in doubt for doubt in await doubts(services, clock))  # it stays where it is, and is asked about
    directory = await services.directory.now(clock.now)
    for code, row in directory.routes.items():
        if row.active and "property-works" in (row.lead, row.performer, *row.assists):
            await delete(f"routes/{code}")
    assert (await delete("departments/property-works"))["held"] == 1
    assert (await delete("areas/rq-b3"))["held"] is None
    assert await release_departed(services, clock.now) == 1


async def test_t12_the_doctor_asks_about_rosters_heads_and_accounts_that_name_who_is_gone(
    services: Services, clock: Clock, hire: Hire
) -> None:
    wang = await hire("wang", "water")
    directory = await services.directory.now(clock.now)
    roster = next(r for r in directory.rosters.values() if r.active)
    on_it = replace(roster, members=(*roster.members, Member(code="wang", name="王师傅")))
    head = replace(directory.departments["power"], head="wang")
    await change(
        services.directory, [("rosters", roster.code, on_it), ("departments", "power", head)], COMMAND_LINE, clock.now
    )
    assert await doubts(services, clock) == []
    await retire(services, clock, "water")
    assert [d for d in await doubts(services, clock) if "log in" in d and "wang" in d]
    await wang.patch(active=False)
    said = "\n".join(await doubts(services, clock))
    assert (
        await notify_departed_names(services, clock.now) == 2 and await notify_departed_names(services, clock.now) == 0
    )
    assert f"roster {roster.code}" in said and "王师傅" in said and "power" in said and "log in" not in said

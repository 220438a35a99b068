"""Limits that move while they run: raised, extended, set by hand or from outside, waited for. Each story was told wrongly
once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.operations.doctor import notify_roster_gaps
from hotline.organisation.model.actors import CLOCK
from hotline.organisation.model.items import Override
from hotline.organisation.model.vocabulary import Starts
from hotline.organisation.service.directory import change
from hotline.organisation.service.seeding import seed_directory
from hotline.packaged_files import packaged_folder
from hotline.tickets import tables as ticket_tables
from hotline.tickets.context import Services
from hotline.tickets.sla.jobs import escalate_due, recalculate_due, start_missing_clocks
from tests.conftest import Cast, Clock, Player, broken
from tests.tickets.test_clocks import LIFT_STUCK, clock_of, lamp_ticket, moment, pass_time, rung, told

__all__ = ["lamp_ticket"]  # the same dark lamp


async def extended(ticket: dict[str, Any], lifts: Player, switch: Player, until: datetime) -> dict[str, Any]:
    asked = await lifts.order(ticket, "request_extension", due_at=until.isoformat(), reason="parts")
    return await switch.order(asked, "approve_extension")


async def test_an_extended_order_that_becomes_an_emergency_is_chased_as_one(
    desk: Player, lifts: Player, switch: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    accepted = await lifts.order(lamp_ticket, "accept")
    given = await extended(accepted, lifts, switch, clock.now + timedelta(days=29))
    raised = await desk.act(given, "amend", priority="emergency", reason="it hangs by a wire")
    soon = clock.now + timedelta(hours=2)
    assert [moment(clock_of(raised, m)["limit_at"]) for m in ("report", "resolve")] == [soon, soon]
    assert moment(raised["promised_at"]) == soon
    await pass_time(services, clock, soon + timedelta(minutes=1), timedelta(minutes=5))
    assert {m for m, _, colour in await rung(services) if colour == "red"} >= {"report", "resolve"}
    lowered = await desk.act(await desk.see(raised), "amend", priority="normal", reason="it does not")
    assert moment(clock_of(lowered, "report")["due_at"]) == moment(given["assignments"][0]["due_at"])  # as approved


@pytest.mark.parametrize("days", [0, 13])
async def test_what_was_approved_comes_back_with_the_priority_it_was_approved_under(
    days: int, desk: Player, lifts: Player, switch: Player, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    until = clock.now + timedelta(days=25)
    given = await extended(await lifts.order(lamp_ticket, "accept"), lifts, switch, until)
    clock.forward(days=days, hours=1)
    seen = await desk.see(given)
    urgent = await desk.act(seen, "amend", priority="urgent", reason="it drips")
    assert moment(urgent["assignments"][0]["due_at"]) == clock.now + timedelta(hours=24)
    first = clock.now
    clock.forward(hours=1)
    worse = await desk.act(urgent, "amend", priority="emergency", reason="it sparks")
    assert moment(worse["promised_at"]) == clock.now + timedelta(hours=2)
    clock.forward(minutes=30)
    again = await desk.act(worse, "amend", priority="urgent", reason="it drips")
    assert moment(again["assignments"][0]["due_at"]) == first + timedelta(hours=24)  # still urgent, since then
    calm = await desk.act(again, "amend", priority="normal", reason="it does not")
    assert moment(calm["assignments"][0]["due_at"]) == until
    assert moment(clock_of(calm, "resolve")["limit_at"]) == until == moment(calm["promised_at"])


async def test_a_lowered_priority_takes_nothing_from_an_approved_extension(
    desk: Player, lifts: Player, switch: Player, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    raised = await desk.act(await lifts.order(lamp_ticket, "accept"), "amend", priority="emergency", reason="sparks")
    until = clock.now + timedelta(days=20)
    given = await extended(raised, lifts, switch, until)
    lowered = await desk.act(given, "amend", priority="normal", reason="none")
    assert moment(lowered["assignments"][0]["due_at"]) == until == moment(lowered["promised_at"])


async def test_a_missed_limit_is_not_escalated_again_because_its_policy_changed(
    desk: Player, services: Services, clock: Clock
) -> None:
    ticket = await desk.call("有点事情想说")
    await pass_time(services, clock, moment(clock_of(ticket, "dispatch")["due_at"]) + timedelta(minutes=1))
    seen = await desk.see(ticket)
    missed = clock_of(seen, "dispatch")["breached_at"]
    assert missed
    before = await rung(services, "dispatch")
    for priority in ("emergency", "normal", "emergency", "normal"):
        seen = await desk.act(seen, "amend", priority=priority, reason="again")
        assert clock_of(seen, "dispatch")["breached_at"] == missed
        while (await escalate_due(services, clock.now)).claimed:
            pass
        seen = await desk.see(ticket)
    assert await rung(services, "dispatch") == before


async def test_a_missed_limit_by_hand_stays_missed_through_a_pause(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    loose = await desk.call("有点事情想说")
    sorted_ = await switch.act(loose, "triage", category="wx-light", kind="request", priority="normal")
    due = clock.now + timedelta(hours=7)  # 19:00: no office is open between 18:00 and then
    clock.forward(hours=6)
    given = await switch.act(sorted_, "dispatch", department="property-works", due_at=due.isoformat())
    clock.now = due + timedelta(hours=1)
    asked = await desk.act(given, "request_info", text="where?")
    clock.forward(hours=2)
    back = await desk.act(asked, "provide_info", text="there")
    assert moment(back["assignments"][0]["due_at"]) == due


async def test_a_limit_by_hand_and_one_from_outside_give_way_to_an_emergencys(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    outer = (clock.now + timedelta(days=12)).isoformat()
    soon = clock.now + timedelta(hours=2)
    ticket = await desk.call(
        "路灯不亮", category="wx-light", outer={"system": "12345", "number": "B1", "due_at": outer}
    )
    raised = await desk.act(ticket, "amend", priority="emergency", reason="sparks")
    assert moment(clock_of(raised, "resolve")["due_at"]) == soon == moment(raised["assignments"][0]["due_at"])
    loose = await desk.call("有点事情想说")
    sorted_ = await switch.act(loose, "triage", category="wx-light", kind="request", priority="normal")
    far = (clock.now + timedelta(days=20)).isoformat()
    by_hand = await switch.act(sorted_, "dispatch", department="property-works", due_at=far, assists=["water"])
    raised = await desk.act(by_hand, "amend", priority="emergency", reason="sparks")
    assert [moment(a["due_at"]) for a in raised["assignments"]] == [soon, soon]


async def test_after_a_raise_the_new_escalation_policy_starts_over(
    desk: Player, lifts: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    accepted = await lifts.order(lamp_ticket, "accept")
    await pass_time(
        services, clock, moment(accepted["assignments"][0]["due_at"]) - timedelta(hours=9), timedelta(hours=1)
    )
    assert [x[1:] for x in await rung(services, "report")] == [(1, "blue"), (2, "yellow")]
    raised = await desk.act(await desk.see(lamp_ticket), "amend", priority="emergency", reason="sparks")
    await pass_time(
        services, clock, moment(clock_of(raised, "report")["due_at"]) + timedelta(minutes=1), timedelta(minutes=5)
    )
    # half of it gone; its end
    assert [x[1:] for x in await rung(services, "report")][2:] == [
        (3, "yellow"),
        (4, "red"),
    ]


async def test_what_was_extended_after_all_escalations_is_quiet_until_its_new_end(
    desk: Player, lifts: Player, switch: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    accepted = await lifts.order(lamp_ticket, "accept")
    await lifts.order(accepted, "contact_caller", contacted="phone")
    due = moment(accepted["assignments"][0]["due_at"])
    clock.now = due - timedelta(minutes=5)
    later = due + timedelta(days=20)
    asked = await lifts.order(
        await lifts.see(lamp_ticket), "request_extension", due_at=later.isoformat(), reason="parts"
    )
    await pass_time(services, clock, due + timedelta(days=4), timedelta(hours=2))
    told_so_far = len(await rung(services, "report")) + len(await rung(services, "resolve"))
    assert ("report", 4, "red") in await rung(services)
    await switch.order(await switch.see(asked["number"]), "approve_extension")
    await pass_time(services, clock, later - timedelta(days=8), timedelta(hours=2))
    assert len(await rung(services, "report")) + len(await rung(services, "resolve")) == told_so_far
    await pass_time(services, clock, later + timedelta(minutes=1), timedelta(hours=2))
    assert [x for x in await rung(services, "report") if x[2] == "red"][-1][1] > 4  # its new end is told


async def test_a_deadline_from_outside_does_not_stand_still_while_we_do(
    desk: Player, watch: Player, services: Services, clock: Clock
) -> None:
    outer = clock.now + timedelta(days=12)
    ticket = await desk.call(
        "路灯不亮", category="wx-light", outer={"system": "12345", "number": "C1", "due_at": outer.isoformat()}
    )
    review = (clock.now + timedelta(days=60)).isoformat()
    await watch.act(ticket, "shelve", reason="the council votes", review_at=review)
    await pass_time(services, clock, outer + timedelta(minutes=1), timedelta(hours=6))
    assert ("resolve", 1, "red") in await rung(services)


async def test_a_pause_never_makes_an_extended_limit_sooner(
    desk: Player, lifts: Player, switch: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    sunday_night = datetime(2026, 12, 13, 12, tzinfo=UTC)
    given = await extended(await lifts.order(lamp_ticket, "accept"), lifts, switch, sunday_night)
    asked = await desk.act(given, "request_info", text="which lamp?")
    clock.forward(minutes=1)
    back = await desk.act(asked, "provide_info", text="the second")
    assert moment(back["assignments"][0]["due_at"]) >= sunday_night
    far = (clock.now + timedelta(days=3000)).isoformat()
    refused = await lifts.order(back, "request_extension", due_at=far, reason="x", expect=422)
    assert broken(refused) == [("due_at", "within five years")]


async def test_neither_our_review_nor_our_shelf_makes_a_department_late(
    desk: Player,
    lifts: Player,
    switch: Player,
    watch: Player,
    services: Services,
    clock: Clock,
    lamp_ticket: dict[str, Any],
) -> None:
    accepted = await lifts.order(lamp_ticket, "accept")
    due = moment(accepted["assignments"][0]["due_at"])
    clock.now = due - timedelta(hours=1)
    said = {"internal_result": "bulb", "public_reply": "it shines", "solved": True}
    reported = await lifts.order(await lifts.see(lamp_ticket), "report", **said)
    clock.now = due + timedelta(days=2)
    waiting = await desk.see(reported)
    assert not waiting["assignments"][0]["overdue"] and not waiting["clocks"]["overdue"]
    listed = (await desk.get("/v1/tickets")).json()["items"]
    assert [i["overdue"] for i in listed] == [False] and not (await desk.get("/v1/tickets?overdue=true")).json()[
        "items"
    ]
    row = (await lifts.get("/v1/departments/property-works/queue")).json()["items"][0]
    assert row["number"] == reported["number"] and not row["overdue"]
    done = await switch.order(reported, "accept_report")
    assert done["assignments"][0]["overdue"] is False
    other = await desk.call("车库路灯又不亮了", category="wx-light", location={"area": "rq-garage"})
    shelved = await watch.act(other, "shelve", reason="vote", review_at=(clock.now + timedelta(days=80)).isoformat())
    clock.forward(days=40)
    assert not (await desk.see(shelved))["clocks"]["overdue"]
    gone = await desk.act(await desk.see(shelved), "withdraw", reason="moved away")
    assert gone["assignments"][0]["overdue"] is False


async def test_a_clock_that_began_with_the_dispatch_runs_on_after_a_recall(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    policies = (await services.directory.now(clock.now)).policies
    late = replace(policies["request"], starts=Starts.DISPATCHED)
    await change(services.directory, [("policies", "request", late)], CLOCK, clock.now)
    ticket = await desk.call("路灯不亮", category="wx-light")
    assert clock_of(ticket, "resolve")["started_at"]
    back = await switch.act(ticket, "recall", reason="another one")
    asked = await desk.act(back, "request_info", text="which lamp?")
    clock.forward(hours=1)
    told_ = await desk.act(asked, "provide_info", text="the second")
    assert told_["status"] == "triaged" and clock_of(told_, "resolve")["paused_at"] is None
    await pass_time(services, clock, clock.now + timedelta(days=20), timedelta(hours=6))
    assert await rung(services, "resolve")


async def test_another_policy_brings_its_own_calendar(
    desk: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    policies = (await services.directory.now(clock.now)).policies
    nights = replace(policies["emergency"], calendar="always", resolve="2 working_hours")
    await change(services.directory, [("policies", "emergency", nights)], CLOCK, clock.now)
    clock.now = datetime(2026, 11, 28, 18, tzinfo=UTC)  # Sunday 02:00
    raised = await desk.act(lamp_ticket, "amend", priority="emergency", reason="sparks")
    assert moment(clock_of(raised, "resolve")["due_at"]) == clock.now + timedelta(hours=2)
    assert clock_of(raised, "resolve")["calendar"] == "always"


async def test_a_limit_in_minutes_is_kept_to_the_second(desk: Player, clock: Clock) -> None:
    ticket = await desk.call(LIFT_STUCK)
    assert moment(clock_of(ticket, "accept")["due_at"]) == clock.now + timedelta(minutes=5)
    assert moment(clock_of(ticket, "contact")["due_at"]) == clock.now + timedelta(minutes=15)


async def test_clocks_found_missing_do_not_end_what_is_waited_for(
    desk: Player, lifts: Player, switch: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    resolved = await switch.order(
        await lifts.order(await lifts.order(lamp_ticket, "accept"), "report", internal_result="x", public_reply="y", solved=True),
        "accept_report",
    )  # fmt: skip
    loose = await desk.call("有点事情想说")
    other = await desk.call("车库路灯又不亮了", category="wx-light", location={"area": "rq-garage"})
    clock.forward(days=10)
    asked = await desk.act(await desk.see(loose), "request_info", text="what about?")
    back = await lifts.order(
        await lifts.see(other), "request_return", reason_code="not_our_duty", basis="row 1", department="water"
    )
    await services.db.transact(lambda c: c.execute(sa.delete(ticket_tables.clock)))
    clock.forward(minutes=10)
    assert await start_missing_clocks(services, clock.now) == 3
    while (await escalate_due(services, clock.now)).claimed:
        pass
    assert [(await desk.see(t))["status"] for t in (resolved, asked, back)] == [
        "resolved",
        "awaiting_info",
        "dispatched",
    ]
    assert await rung(services, "ruling") == []


async def test_an_emergency_nobody_could_route_calls_the_hotlines_duty_officer_at_night(
    desk: Player, services: Services, clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 28, 18, tzinfo=UTC)
    taken = await desk.call("不晓得是啥子味道，怪得很", priority="emergency")
    assert taken["status"] in ("received", "triaged") and [x[:19] for x in await told(services, "duty")] == [
        "duty:service-centre"
    ]
    normal = await desk.call("有点事情想说")
    assert len(await told(services, "duty")) == 1
    await desk.act(normal, "amend", priority="emergency", reason="he cannot breathe")
    assert len(await told(services, "duty")) == 2


async def test_a_step_for_a_head_nobody_named_goes_to_the_supervisors_too(
    desk: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    await pass_time(
        services, clock, moment(lamp_ticket["assignments"][0]["accept_by"]) + timedelta(minutes=1), timedelta(minutes=5)
    )
    lines = await told(services, "escalation")
    assert "head:property-works" in lines and "role:supervisor" in lines


async def test_a_poisoned_ticket_does_not_stop_the_recount_of_the_others(
    desk: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    other = await desk.call("5栋路灯不亮", category="wx-light")
    bad = sa.update(ticket_tables.clock).where(ticket_tables.clock.c.number == lamp_ticket["number"])
    await services.db.transact(lambda c: c.execute(bad.values(marks=[["dance", "2026-11-25T04:00:00+00:00", {}]])))
    cn = (await services.directory.now(clock.now)).calendars["cn"]
    shut = replace(cn, exceptions={"2026-11-26": ()})
    await change(services.directory, [("calendars", "cn", shut)], CLOCK, clock.now)
    assert await recalculate_due(services, clock.now) == 1
    assert moment((await desk.see(other))["assignments"][0]["due_at"]) == datetime(2026, 12, 7, 16, tzinfo=UTC)


async def test_a_gap_is_notified_once_however_the_week_ahead_moves_over_it(services: Services, clock: Clock) -> None:
    roster = (await services.directory.now(clock.now)).rosters["service-centre"]
    gone = Override(start="2026-12-03T02:00", end="2026-12-03T11:00", member=None)
    await change(services.directory, [("rosters", roster.code, replace(roster, overrides=(gone,)))], CLOCK, clock.now)
    new = 0
    while clock.now < datetime(2026, 12, 3, 6, tzinfo=UTC):
        new += await notify_roster_gaps(services, clock.now)
        clock.forward(hours=3)
    assert new == 1
    ended = tuple(replace(s, until="2026-12-10") for s in roster.shifts)
    await change(services.directory, [("rosters", roster.code, replace(roster, shifts=ended))], CLOCK, clock.now)
    for _ in range(60):
        new += await notify_roster_gaps(services, clock.now)
        clock.forward(hours=12)
    assert new <= 4  # the hole that never ends: told when it is seen, when it has lasted long; not at every look


async def test_dates_nobody_means_are_refused_and_break_nothing(
    watch: Player, desk: Player, services: Services, cast: Cast
) -> None:
    duty = "/v1/departments/service-centre/duty"
    for start, end in (("0001-01-01T00:00:00", "0001-01-02T00:00:00"), ("9999-12-30T00:00:00", "9999-12-31T00:00:00")):
        body = {"roster": "service-centre", "start": start, "end": end, "member": None, "reason": "x"}
        assert (await watch.post(f"{duty}/overrides", body)).status_code == 422
    turn = {"date": "9999-12-31", "shift": "night"}
    swap = {"roster": "service-centre", "first": turn, "second": {"date": "2026-12-01", "shift": "day"}, "reason": "x"}
    assert (await watch.post(f"{duty}/swaps", swap)).status_code == 422
    assert (await watch.get(duty)).status_code == 200 and (await desk.get("/readyz")).status_code == 200


async def test_a_turn_that_was_swapped_is_swapped_again_as_it_stands(watch: Player) -> None:
    duty = "/v1/departments/service-centre/duty"

    async def nights() -> dict[str, str]:
        seen = (await watch.get(duty, params={"from": "2026-12-01T04:00:00Z", "to": "2026-12-06T04:00:00Z"})).json()
        return {t["start"][:10]: t["member"]["code"] for t in seen["turns"] if t["shift"] == "night"}

    async def swap(first: str, second: str) -> None:
        body = {"roster": "service-centre", "first": {"date": first, "shift": "night"}, "second": {"date": second, "shift": "night"},
                "reason": "互换"}  # fmt: skip
        reply = await watch.post(f"{duty}/swaps", body)
        assert reply.status_code == 201, reply.text

    before = await nights()
    await swap("2026-12-01", "2026-12-02")
    await swap("2026-12-01", "2026-12-03")
    after = await nights()
    assert after["2026-12-01"] == before["2026-12-03"]
    assert after["2026-12-02"] == before["2026-12-01"] and after["2026-12-03"] == before["2026-12-02"]


@pytest.mark.parametrize(("who", "sees"), [("desk", True), ("gate", False), ("liftmen", False), ("pipes", False)])
async def test_the_numbers_of_those_on_duty_are_for_the_desk_and_their_own(
    who: str, sees: bool, services: Services, clock: Clock, cast: Cast
) -> None:
    roster = (await services.directory.now(clock.now)).rosters["service-centre"]
    known = tuple(replace(m, phone="13800138000") for m in roster.members)
    await change(services.directory, [("rosters", roster.code, replace(roster, members=known))], CLOCK, clock.now)
    player = await cast(who)
    listed = (await player.get("/v1/directory/rosters")).json()["items"]
    one = (await player.get("/v1/directory/rosters/service-centre")).json()
    phones = {m["phone"] for r in (*listed, one) if r["code"] == "service-centre" for m in r["members"]}
    assert phones == ({"13800138000"} if sees else {None})


async def test_a_calendar_whose_change_moves_nothing_fills_no_timeline(
    desk: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    cn = (await services.directory.now(clock.now)).calendars["cn"]
    far = replace(cn, days={**cn.days, "2026-12-31": False})
    await change(services.directory, [("calendars", "cn", far)], CLOCK, clock.now)
    assert await recalculate_due(services, clock.now) == 1 and await recalculate_due(services, clock.now) == 0
    after = await desk.see(lamp_ticket)
    assert after["version"] == lamp_ticket["version"]
    assert {c["calendar_version"] for c in after["clocks"]["running"]} == {2}


async def test_local_directory_values_stay_when_it_is_seeded_again(services: Services, clock: Clock) -> None:
    d = await services.directory.now(clock.now)
    cn = replace(
        d.calendars["cn"], confirmed_to="2027-12-31", days={"2027-01-01": False}, exceptions={"2026-12-01": ()}
    )
    roster = replace(
        d.rosters["service-centre"],
        overrides=(Override(start="2026-12-01T20:00", end="2026-12-02T08:00", member="duty-2", reason="ill"),),
    )
    mine = [("calendars", "cn", cn), ("rosters", roster.code, roster)]
    await change(services.directory, mine, CLOCK, clock.now)
    again = await seed_directory(
        services.directory, packaged_folder("seeds") / "ruiquan", packaged_folder("seeds"), CLOCK, clock.now
    )
    assert (again.calendars["cn"], again.rosters["service-centre"]) == (cn, roster)


async def test_a_word_that_reads_like_no_decides_nothing_about_a_day(cast: Cast) -> None:
    boss = await cast("boss")
    item = await boss.get("/v1/directory/calendars/cn")
    body = {**item.json(), "days": {"2026-12-24": "off"}}
    reply = await boss.http.put("/v1/directory/calendars/cn", json=body, headers={"If-Match": item.headers["etag"]})
    assert reply.status_code == 422
    assert broken(reply.json()) == [("days.2026-12-24", "true (worked) or false (off)")]


async def test_an_extension_is_decided_before_the_limit_it_would_move(
    lifts: Player, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    accepted = await lifts.order(lamp_ticket, "accept")
    clock.now = moment(accepted["assignments"][0]["due_at"]) - timedelta(hours=1)
    later = (clock.now + timedelta(days=5)).isoformat()
    asked = await lifts.order(await lifts.see(lamp_ticket), "request_extension", due_at=later, reason="parts")
    assert clock_of(asked, "extension")["due_at"] == asked["assignments"][0]["due_at"]

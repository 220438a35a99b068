"""Time acts by itself: every missed limit is told once for each step, whoever crashes; and it stops when its cause ends."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.database.prepared import PreparedQuery
from hotline.delivery import tables as outbox_tables
from hotline.organisation.model.actors import CLOCK
from hotline.organisation.model.items import Override
from hotline.organisation.model.vocabulary import Metric
from hotline.organisation.service.directory import change
from hotline.tickets import tables as ticket_tables
from hotline.tickets.context import Services
from hotline.tickets.sla import store as sla_store
from hotline.tickets.sla.jobs import _escalate_ticket, escalate_due, recalculate_due, start_missing_clocks
from hotline.tickets.store import facts as ticket_facts
from tests.conftest import Cast, Clock, Player

LIFT_STUCK = "3栋电梯关到人了，娃儿在里头哭"
_RUNGS = PreparedQuery(
    sa.select(*ticket_tables.escalation.c).order_by(ticket_tables.escalation.c.at, ticket_tables.escalation.c.due_at)
)
_OUT = PreparedQuery(
    sa.select(*outbox_tables.outbox.c).order_by(outbox_tables.outbox.c.created_at, outbox_tables.outbox.c.id)
)


async def rung(services: Services, metric: str | None = None) -> list[tuple[str, int, str]]:
    """(metric, level, colour) of every step told so far."""
    return [(r.metric, r.level, r.colour) for r in await services.db.rows(_RUNGS) if metric in (None, r.metric)]


async def told(services: Services, kind: str) -> list[str]:
    """Whose lines in the outbox have messages of this kind, in order."""
    return [r.partition for r in await services.db.rows(_OUT) if r.kind == kind]


async def pass_time(services: Services, clock: Clock, until: datetime, step: timedelta = timedelta(minutes=30)) -> None:
    """Let the worker look as time goes by."""
    while clock.now < until:
        clock.now = min(until, clock.now + step)
        while (await escalate_due(services, clock.now)).claimed:
            pass


@pytest.fixture
async def lamp_ticket(desk: Player) -> dict[str, Any]:
    """A dark lamp in the garage, nothing urgent: seven working days, from Wednesday noon to the end of Friday week."""
    return await desk.call(
        "车库路灯不亮了", caller={"phone": "13800138000"}, category="wx-light", location={"area": "rq-garage"}
    )


def clock_of(ticket: dict[str, Any], metric: str) -> dict[str, Any]:
    return next(c for c in ticket["clocks"]["running"] if c["metric"] == metric)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


async def test_an_order_nobody_signs_is_signed_by_the_clock_and_its_limit_runs_on(
    desk: Player, lifts: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    due = lamp_ticket["assignments"][0]["due_at"]
    await pass_time(
        services, clock, moment(lamp_ticket["assignments"][0]["accept_by"]) + timedelta(minutes=1), timedelta(minutes=5)
    )
    after = await desk.see(lamp_ticket)
    assert (after["assignments"][0]["status"], after["assignments"][0]["due_at"]) == ("accepted", due)
    assert await rung(services, "accept") == [("accept", 1, "blue"), ("accept", 2, "yellow")]
    assert (await told(services, "escalation")).count("head:property-works") == 1
    mine = await lifts.order(after, "claim")  # somebody takes it: whoever comes second is told so
    assert mine["assignments"][0]["assignee"] == lifts.actor.id
    await lifts.order(mine, "claim", expect=409)


async def test_a_missed_limit_is_escalated_once_for_each_step_however_often_we_look(
    desk: Player, lifts: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    accepted = await lifts.order(lamp_ticket, "accept")
    await lifts.order(accepted, "contact_caller", contacted="phone 09:20")
    due = moment(accepted["assignments"][0]["due_at"])
    for _ in range(3):
        await pass_time(services, clock, due + timedelta(hours=58))  # until the offices have opened on Monday
        assert await rung(services, "report") == [
            ("report", n, c) for n, c in enumerate(("blue", "yellow", "red", "red"), 1)
        ]
        assert await rung(services, "resolve") == [("resolve", 1, "red"), ("resolve", 2, "red")]
    late = await desk.see(lamp_ticket)
    assert (late["clocks"]["overdue"], late["escalated"]) == (True, "red")
    report = clock_of(late, "report")
    assert (report["colour"], report["level"], moment(report["breached_at"])) == ("red", 4, due)
    assert "department:supervision-committee" in await told(services, "escalation")
    # it is said again every working day
    await pass_time(services, clock, moment(report["next_at"]) + timedelta(minutes=1))
    assert (await rung(services, "report"))[4:] == [("report", 5, "red")]


async def test_escalation_ends_by_itself_when_its_cause_does(
    desk: Player, switch: Player, lifts: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    accepted = await lifts.order(lamp_ticket, "accept")
    clock.now = moment(accepted["assignments"][0]["due_at"]) - timedelta(hours=1)
    done = await lifts.order(accepted, "report", internal_result="belt", public_reply="fixed", solved=True)
    checked = await switch.order(done, "accept_report")
    closed = await desk.act(checked, "confirm", satisfaction="satisfied")
    before = await rung(services)
    await pass_time(services, clock, clock.now + timedelta(days=20), timedelta(hours=6))
    assert await rung(services) == before and not (await desk.see(closed))["clocks"]["running"]
    reply = (await desk.get(f"/v1/tickets/{closed['number']}/clocks")).json()
    assert {c["metric"] for c in reply["items"]} >= {"resolve", "report", "accept", "contact", "audit", "call_back"}
    assert all(c["stopped_at"] and not c["breached_at"] for c in reply["items"] if c["metric"] in ("report", "resolve"))


async def test_after_a_long_downtime_every_step_fires_once_in_order_and_is_flagged_late(
    services: Services, clock: Clock, lifts: Player, lamp_ticket: dict[str, Any]
) -> None:
    accepted = await lifts.order(lamp_ticket, "accept")
    clock.now = moment(accepted["assignments"][0]["due_at"]) + timedelta(days=10)
    while (await escalate_due(services, clock.now)).claimed:
        pass
    rows = [r for r in await services.db.rows(_RUNGS) if r.metric == "report"]
    assert [r.level for r in rows] == [1, 2, 3, 4] and all(r.late for r in rows)
    assert sorted(r.due_at for r in rows) == [r.due_at for r in rows]


async def test_two_workers_that_claim_the_same_clock_tell_its_step_once(
    services: Services, clock: Clock, lifts: Player, lamp_ticket: dict[str, Any]
) -> None:
    await lifts.order(lamp_ticket, "accept")
    clock.forward(days=30)
    held = await services.db.transact(
        lambda c: sla_store.claim_due_clocks(c, clock.now, "a worker that is stopped now", 64)
    )
    assert held and (await escalate_due(services, clock.now)).claimed == 0  # leased: nobody else touches them
    clock.forward(seconds=11)  # past its lease
    assert (await escalate_due(services, clock.now)).fired > 0
    told_by_the_second = await rung(services)
    stale = [r for r in held if r.number]
    directory = await services.directory.now(clock.now)
    facts = (await ticket_facts.load_facts_by_number(services.db, [lamp_ticket["number"]], directory))[
        lamp_ticket["number"]
    ]
    # the first one wakes with what it held
    assert await _escalate_ticket(services, directory, facts, stale, "a worker that is stopped now", clock.now) == 0
    assert await rung(services) == told_by_the_second


async def test_a_clock_set_back_two_hours_neither_repeats_nor_loses_a_step(
    services: Services, clock: Clock, lifts: Player, lamp_ticket: dict[str, Any]
) -> None:
    accepted = await lifts.order(lamp_ticket, "accept")
    due = moment(accepted["assignments"][0]["due_at"])
    clock.now = due + timedelta(minutes=1)
    await services.db.transact(
        lambda c: sla_store.claim_due_clocks(
            c, clock.now + timedelta(hours=2), "taken under a clock two hours fast", 64
        )
    )
    clock.forward(seconds=11)  # by the database's clock, that lease ends as early as any other
    while (await escalate_due(services, clock.now)).claimed:
        pass
    once = await rung(services, "report")
    clock.now = due - timedelta(hours=2)
    assert not (await escalate_due(services, clock.now)).fired
    await pass_time(services, clock, due + timedelta(hours=1), timedelta(minutes=5))
    assert (
        await rung(services, "report") == once == [("report", 1, "blue"), ("report", 2, "yellow"), ("report", 3, "red")]
    )


async def test_waiting_for_the_caller_gives_the_time_back_and_no_more(
    desk: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    due = moment(clock_of(lamp_ticket, "resolve")["due_at"])
    clock.forward(days=1)
    asked = await desk.act(lamp_ticket, "request_info", text="which building?")
    assert clock_of(asked, "resolve")["paused_at"] and clock_of(asked, "info")["due_at"]
    clock.forward(hours=20)  # over one midnight of a working day
    told = await desk.act(asked, "provide_info", text="building 3")
    assert moment(clock_of(told, "resolve")["due_at"]) == due + timedelta(days=3)  # from Friday to Monday
    assert told["assignments"][0]["due_at"] == clock_of(told, "report")["due_at"] == clock_of(told, "resolve")["due_at"]


async def test_a_caller_who_never_answers_does_not_stop_time_for_ever(
    desk: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    asked = await desk.act(lamp_ticket, "request_info", text="which building?")
    bare = await desk.call("有点事情想说")
    bare = await desk.act(bare, "request_info", text="what is it about?")
    urgent = await desk.call("不晓得是啥子味道，怪得很", priority="emergency")
    urgent = await desk.act(urgent, "request_info", text="where?")
    await pass_time(services, clock, clock.now + timedelta(hours=25))
    assert (await desk.see(asked))["status"] == "dispatched"  # work goes on with what is known
    assert (await desk.see(bare))["status"] == "void"
    assert (await desk.see(urgent))["status"] in ("received", "triaged")  # an emergency is never given up in silence


async def test_a_resolved_matter_nobody_says_a_word_about_is_closed_out_of_the_satisfaction_base(
    desk: Player, switch: Player, lifts: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    accepted = await lifts.order(lamp_ticket, "accept")
    done = await lifts.order(accepted, "report", internal_result="belt", public_reply="fixed", solved=True)
    resolved = await switch.order(done, "accept_report")
    clock.forward(days=3)
    tried = await desk.act(await desk.see(resolved), "call_back", reached="no_reply")
    silence = moment(clock_of(tried, "silence")["due_at"])
    assert silence > clock.now + timedelta(days=6)  # every attempt gives the resident the days anew
    await pass_time(services, clock, silence + timedelta(minutes=1), timedelta(hours=2))
    after = await desk.see(resolved)
    assert (after["status"], after["result"]["satisfaction"]["final"]) == ("closed", "no_answer")
    assert ("call_back", 2, "yellow") in await rung(services)  # and before that the desk was told to ring


async def test_a_shelved_matter_is_looked_at_again_and_its_clock_stands_still_meanwhile(
    desk: Player, watch: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    left = moment(clock_of(lamp_ticket, "resolve")["due_at"]) - clock.now
    review = clock.now + timedelta(days=30)
    shelved = await watch.act(lamp_ticket, "shelve", reason="the council votes", review_at=review.isoformat())
    await pass_time(services, clock, review + timedelta(minutes=1), timedelta(hours=6))
    assert await rung(services, "review") == [("review", 1, "yellow")]
    assert ("resolve", 1, "red") not in await rung(services)
    back = await watch.act(await desk.see(shelved), "unshelve", reason="voted")
    assert moment(clock_of(back, "resolve")["due_at"]) > clock.now + left / 2


async def test_an_extension_moves_its_own_clock_and_the_promise_and_keeps_the_old_date(
    desk: Player, switch: Player, lifts: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    accepted = await lifts.order(lamp_ticket, "accept")
    old = accepted["assignments"][0]["due_at"]
    longer = (moment(old) + timedelta(days=5)).isoformat()
    asked = await lifts.order(accepted, "request_extension", due_at=longer, reason="a part is missing")
    assert clock_of(asked, "extension") and clock_of(asked, "report")["due_at"] == old
    given = await switch.order(asked, "approve_extension")
    report, resolve = clock_of(given, "report"), clock_of(given, "resolve")
    assert (moment(report["due_at"]), report["first_due_at"]) == (moment(longer), old)
    assert (resolve["due_at"], moment(resolve["limit_at"])) == (old, moment(longer))
    assert (moment(given["promised_at"]), given["assignments"][0]["first_due_at"]) == (moment(longer), old)
    assert not [c for c in given["clocks"]["running"] if c["metric"] == "extension"]
    await pass_time(services, clock, moment(old) + timedelta(hours=1), timedelta(hours=2))
    assert ("report", 3, "red") not in await rung(services) and ("resolve", 1, "red") not in await rung(services)
    await pass_time(services, clock, moment(longer) + timedelta(minutes=1), timedelta(hours=2))
    assert ("report", 3, "red") in await rung(services) and ("resolve", 1, "red") in await rung(services)


async def test_return_and_re_dispatch_never_reset_the_residents_clock(
    desk: Player, switch: Player, lifts: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    due = clock_of(lamp_ticket, "resolve")["due_at"]
    clock.forward(days=1)
    asked = await lifts.order(
        lamp_ticket, "request_return", reason_code="not_our_duty", basis="row 12", department="water", reason="pipes"
    )
    assert clock_of(asked, "ruling")["due_at"] and clock_of(asked, "report")["due_at"] == due
    clock.forward(days=1)
    back = await switch.order(asked, "approve_return")
    assert clock_of(back, "resolve")["due_at"] == due and clock_of(back, "dispatch")["started_at"]
    again = await switch.act(back, "dispatch", department="water")
    assert again["assignments"][-1]["due_at"] == due == clock_of(again, "report")["due_at"]
    assert clock_of(again, "resolve")["due_at"] == due


async def test_an_approved_return_is_charged_to_the_dispatch_and_a_refused_one_to_the_department(
    desk: Player, switch: Player, lifts: Player, services: Services, lamp_ticket: dict[str, Any]
) -> None:
    why = {"reason_code": "not_our_duty", "basis": "row 12", "department": "water"}
    refused = await switch.order(
        await lifts.order(lamp_ticket, "request_return", **why), "refuse_return", reason="yours"
    )
    assert await charged(services) == {("property-works", "return_refused"): 1}
    await lifts.order(refused, "request_return", expect=409, **why)  # ruled: it may not go back a second time
    other = await desk.call("车库路灯又不亮了", category="wx-light", location={"area": "rq-garage"})
    back = await switch.order(await lifts.order(other, "request_return", **why), "approve_return")
    again = await switch.act(back, "dispatch", department="property-works")
    await switch.order(await lifts.order(again, "request_return", place=1, **why), "approve_return", place=1)
    assert await charged(services) == {
        ("property-works", "return_refused"): 1,
        ("r-wx-light-garage", "return_approved"): 1,  # the catalogue's row
        (switch.actor.id, "return_approved"): 1,  # the person's choice
    }


async def charged(services: Services) -> dict[tuple[str, str], int]:
    c = ticket_tables.counter.c
    rows = await services.db.transact(
        lambda db: db.execute(sa.select(c.place, c.status, c.n).where(c.noun == "charged")).all()
    )
    return {(r.place, r.status): r.n for r in rows}


async def test_a_priority_raised_gives_a_new_short_limit_from_now_and_a_lowered_one_counts_from_the_start(
    desk: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    first = clock_of(lamp_ticket, "resolve")["due_at"]
    clock.forward(days=2)
    raised = await desk.act(lamp_ticket, "amend", priority="emergency", reason="somebody is inside")
    assert moment(clock_of(raised, "resolve")["due_at"]) == clock.now + timedelta(hours=2)  # and has not failed at once
    assert clock_of(raised, "resolve")["policy"] == "emergency"
    clock.forward(minutes=30)
    lowered = await desk.act(raised, "amend", priority="normal", reason="nobody was inside")
    assert clock_of(lowered, "resolve")["due_at"] == first == lowered["assignments"][0]["due_at"]
    assert (
        raised["assignments"][0]["due_at"]
        == clock_of(raised, "report")["due_at"]
        == clock_of(raised, "resolve")["due_at"]
    )


async def test_an_outer_deadline_ends_ours_one_working_day_earlier(desk: Player, clock: Clock) -> None:
    outer = datetime(2026, 12, 7, 9, 0, tzinfo=UTC)  # Monday 17:00 in Chengdu
    ticket = await desk.call(
        "路灯不亮", category="wx-light", outer={"system": "12345", "number": "A1", "due_at": outer.isoformat()}
    )
    assert moment(clock_of(ticket, "resolve")["due_at"]) == datetime(2026, 12, 4, 9, 0, tzinfo=UTC)  # Friday 17:00
    assert moment(ticket["assignments"][0]["due_at"]) == datetime(2026, 12, 4, 9, 0, tzinfo=UTC)
    assert moment(ticket["promised_at"]) == outer
    fast = await desk.call(LIFT_STUCK, outer={"system": "12345", "number": "A2", "due_at": outer.isoformat()})
    assert moment(clock_of(fast, "resolve")["due_at"]) == clock.now + timedelta(hours=2)  # ours is sooner
    near = await desk.call("路灯不亮", category="wx-light", outer={"system": "12345", "number": "A3",
                                                             "due_at": (clock.now + timedelta(hours=3)).isoformat()})  # fmt: skip
    assert moment(clock_of(near, "resolve")["due_at"]) <= clock.now + timedelta(hours=3)


async def test_an_urge_brings_the_next_warning_forward(
    desk: Player, lifts: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    await lifts.order(lamp_ticket, "accept")
    clock.forward(hours=1)
    assert not (await escalate_due(services, clock.now)).fired
    await desk.act(await desk.see(lamp_ticket), "urge", reason="又打来了")
    while (await escalate_due(services, clock.now)).claimed:
        pass
    assert await rung(services, "report") == [("report", 1, "blue")]
    await desk.act(await desk.see(lamp_ticket), "urge", reason="第三次打来了")
    await desk.act(await desk.see(lamp_ticket), "urge", reason="第四次打来了")
    while (await escalate_due(services, clock.now)).claimed:
        pass
    # not red: it is not late yet
    assert await rung(services, "report") == [
        ("report", 1, "blue"),
        ("report", 2, "yellow"),
    ]


async def test_an_emergency_at_night_calls_the_officer_on_duty_at_once(
    desk: Player, services: Services, clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 28, 18, 0, tzinfo=UTC)  # Sunday 02:00 in Chengdu
    ticket = await desk.call(LIFT_STUCK)
    assert ticket["priority"] == "emergency" and ticket["status"] == "dispatched"
    lines = await told(services, "duty")
    assert lines and all(line.startswith("duty:") for line in lines)
    await pass_time(services, clock, clock.now + timedelta(minutes=5), timedelta(minutes=1))
    assert ("accept", 2, "red") in await rung(services)
    assert (await desk.see(ticket))["assignments"][0]["status"] == "accepted"


async def without_officers(services: Services, clock: Clock) -> None:
    """Nobody is on duty tonight, though rosters are kept."""
    gone = Override(start="2026-11-28T20:00", end="2026-11-29T08:00", member=None, reason="ill")
    rosters = (await services.directory.now(clock.now)).rosters
    items = [("rosters", code, replace(r, overrides=(gone,))) for code, r in rosters.items()]
    await change(services.directory, items, CLOCK, clock.now)


async def test_with_nobody_on_duty_a_matter_without_a_department_goes_to_the_supervisors_at_once(
    desk: Player, services: Services, clock: Clock
) -> None:
    await without_officers(services, clock)
    clock.now = datetime(2026, 11, 28, 18, 0, tzinfo=UTC)
    ticket = await desk.call("有点事情想说")
    assert ticket["status"] in ("received", "triaged")
    await escalate_due(services, clock.now)
    assert await rung(services, "dispatch") == [("dispatch", 1, "blue")]
    assert "role:supervisor" in await told(services, "escalation")
    await desk.call(LIFT_STUCK)
    assert "role:supervisor" in await told(services, "duty")  # nobody to call: the supervisors are


async def test_a_notice_announced_moves_provisional_limits_and_says_so(
    desk: Player, services: Services, clock: Clock, cast: Cast
) -> None:
    clock.now = datetime(2026, 12, 18, 4, 0, tzinfo=UTC)
    ticket = await desk.call(
        "物业费乱收费，我要投诉", category="wy-fee", kind="complaint", caller={"phone": "13800138000"}
    )
    assert ticket["clocks"]["provisional"]
    before = ticket["assignments"][0]["due_at"]
    directory = await services.directory.now(clock.now)
    cn = directory.calendars["cn"]
    news = replace(cn, days={**cn.days, "2027-01-01": False}, confirmed_to="2027-12-31")
    await change(services.directory, [("calendars", "cn", news)], CLOCK, clock.now)
    assert await recalculate_due(services, clock.now) == 1 and await recalculate_due(services, clock.now) == 0
    after = await desk.see(ticket)
    assert not after["clocks"]["provisional"] and moment(after["assignments"][0]["due_at"]) > moment(before)
    line = (await desk.get(f"/v1/tickets/{ticket['number']}/timeline")).json()["items"][-1]
    assert (line["action"], line["by"]["kind"]) == ("reckon", "clock") and "due_at" in line["changes"]
    assert "department:" + after["assignments"][0]["department"]["code"] in await told(services, "department")
    assert after["promised_at"] == after["assignments"][0]["due_at"]


async def test_an_open_ticket_without_a_clock_is_found_and_given_the_clocks_it_should_have(
    desk: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    due = lamp_ticket["assignments"][0]["due_at"]
    await services.db.transact(lambda c: c.execute(sa.delete(ticket_tables.clock)))
    clock.forward(hours=5)
    assert await start_missing_clocks(services, clock.now) == 1 and await start_missing_clocks(services, clock.now) == 0
    after = await desk.see(lamp_ticket)
    assert {c["metric"] for c in after["clocks"]["running"]} == {"resolve", "accept", "contact", "report"}
    assert clock_of(after, "resolve")["started_at"] == lamp_ticket["created_at"]
    assert clock_of(after, "resolve")["due_at"] == after["assignments"][0]["due_at"] == due


async def test_a_poisonous_clock_is_put_off_and_its_neighbours_ring(
    desk: Player, services: Services, clock: Clock, lamp_ticket: dict[str, Any]
) -> None:
    other = await desk.call("5栋路灯不亮", category="wx-light")
    bad = sa.update(ticket_tables.clock).where(ticket_tables.clock.c.number == lamp_ticket["number"])
    await services.db.transact(
        lambda c: c.execute(bad.values(terms={"policy": "x", "steps": ["rubbish"], "repeat": "never"}))
    )
    clock.forward(days=30)
    while (await escalate_due(services, clock.now)).fired:
        pass
    assert (await escalate_due(services, clock.now)).claimed == 0  # put off: nobody looks at it again and again
    numbers = {r.number for r in await services.db.rows(_RUNGS)}
    assert numbers == {other["number"]}
    count, oldest = await sla_store.load_overdue_steps(services.db, clock.now)
    assert count > 0 and oldest is not None  # and the doctor sees it


@pytest.mark.parametrize("metric", [Metric.DISPATCH])
async def test_a_ticket_nobody_dispatches_is_escalated_to_the_dispatchers(
    metric: Metric, desk: Player, services: Services, clock: Clock
) -> None:
    await desk.call("有点事情想说")
    await pass_time(services, clock, clock.now + timedelta(hours=30))
    assert [x for x in await rung(services) if x[0] == metric][:2] == [
        ("dispatch", 1, "blue"),
        ("dispatch", 2, "yellow"),
    ]
    lines: Sequence[str] = await told(services, "escalation")
    assert "role:dispatcher" in lines and "role:supervisor" in lines


async def test_a_clock_tells_its_length_by_the_rule_and_no_source_tells_another(
    desk: Player, lifts: Player, switch: Player, watch: Player
) -> None:
    ticket = await desk.call("电梯有点响", category="dt-fault", kind="request", priority="normal")
    if ticket["status"] == "triaged":
        ticket = await switch.act(ticket, "dispatch", department="property-works")
    path = f"/v1/tickets/{ticket['number']}/clocks"

    async def spans() -> dict[str, str]:
        return {c["metric"]: c["span"] for c in (await desk.get(path)).json()["items"] if not c["stopped_at"]}

    first = await spans()
    assert (first["resolve"], first["report"], first["accept"]) == (
        "7 working_days",
        "7 working_days",
        "2 working_hours",
    )
    seen = await lifts.order(await lifts.see(ticket), "accept")
    seen = await lifts.order(seen, "report", internal_result="x", public_reply="x", solved=True)
    seen = await watch.order(seen, "accept_report")
    await desk.act(seen, "reopen", reason="还是响")
    assert (await spans())["resolve"] == "4 working_days"  # half of it, and that is said
    policies = (await desk.get("/v1/directory/policies")).json()["items"]
    length = re.compile(r"[一二三四五六七八九十\d]+ ?(个?工作|个?小时|分钟|天|日|working|hours?|minutes?|days?)")
    assert [p["code"] for p in policies if length.search(p["source"]) or length.search(p["source_en"])] == []

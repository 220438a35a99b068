"""The demo community lives a month: a make-up Sunday, the Mid-Autumn and the National Day holidays, dozens of calls,
departments that work, dawdle or never stir. Nobody is forgotten."""

import csv
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.operations.doctor import READINESS_CHECKS, run_checks
from hotline.organisation.model.scopes import Scope
from hotline.packaged_files import packaged_folder
from hotline.tickets import tables as ticket_tables
from hotline.tickets.context import Services
from hotline.tickets.model.queues import current_wait
from hotline.tickets.model.ticket import Clock, Facts
from hotline.tickets.model.vocabulary import FINAL, OPEN, TicketStatus
from hotline.tickets.sla import store as sla_store
from hotline.tickets.sla.jobs import escalate_due
from hotline.tickets.sla.policies import working_time_of
from hotline.tickets.sla.timers import replay
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.store import history
from tests.conftest import Cast, Player
from tests.conftest import Clock as HouseClock
from tests.sizes import sized

BEGINS = datetime(2026, 9, 18, 0, 0, tzinfo=UTC)  # a Friday; the Sunday after it is worked
DAYS, STEP = 30, timedelta(hours=4)
SILENT = {"water", "power", "gas", "housing-office"}  # never touch an order: time does it for them
SAID = {"internal_result": "done", "public_reply": "done", "solved": True}


async def test_every_ticket_of_a_month_has_ended_or_stands_in_a_named_queue(
    services: Services, clock: HouseClock, cast: Cast, desk: Player, switch: Player, watch: Player
) -> None:
    chance = random.Random(24365)
    clock.now = BEGINS
    lines = list(
        csv.DictReader((packaged_folder("seeds") / "demo" / "day.csv").read_text(encoding="utf-8").splitlines())
    )[:: sized(10, 2)]
    calls = sorted((BEGINS + timedelta(minutes=chance.randrange(20 * 1440)), n) for n in range(len(lines)))
    open_now: list[str] = []
    done: Counter[str] = Counter()
    boss = await cast("boss")
    while clock.now < BEGINS + timedelta(days=DAYS):
        clock.now += STEP
        while calls and calls[0][0] <= clock.now:
            line = lines[calls.pop(0)[1]]
            taken = await desk.call(
                line["words"],
                caller={"phone": line["phone"]} if line["phone"].isdigit() else {},
                location={"address": line["place"]} if line["place"] else {},
                **({"category": line["category"]} if line["category"] else {}),
            )
            open_now.append(taken["number"])
        while (await escalate_due(services, clock.now)).claimed:
            pass
        for number in chance.sample(open_now, min(len(open_now), sized(5, 9))):
            ticket = await boss.see(number)
            if ticket["status"] not in set(OPEN):
                open_now.remove(number)
                continue
            await somebody_acts(ticket, chance, done, desk, switch, watch, cast, clock)
    facts = await all_of(services)
    assert len(facts) == len(lines)
    directory = await services.directory.now(clock.now)
    ends: Counter[str] = Counter()
    for f in facts:
        ends[f.ticket.status] += 1
        waiting = current_wait(f)
        if f.ticket.status in FINAL | {TicketStatus.CLOSED}:
            assert waiting is None and not f.clocks
            continue
        assert waiting is not None and (waiting.role or waiting.department) and waiting.until, f.ticket
        assert waiting.department is None or waiting.department in directory.departments
        assert any(c.next_at and c.next_at > clock.now for c in f.clocks), "and time will ask for it"
    await nothing_was_missed(services, clock, facts)
    print(f"a month: {dict(ends)}, {dict(done)}")
    assert ends["closed"] > sized(4, 20) and done["dawdled"] > sized(2, 10)


async def somebody_acts(
    ticket: dict[str, Any], chance: random.Random, done: Counter[str], desk: Player, switch: Player, watch: Player,
    cast: Cast, clock: HouseClock,
) -> None:  # fmt: skip
    """One move of whoever's turn it is, or none."""
    what = ticket["waits_for"]["queue"]
    if what == "department":
        order = next(a for a in ticket["assignments"] if a["part"] == "lead" and a["status"] in ("issued", "accepted"))
        code = order["department"]["code"]
        if code in SILENT or chance.random() < 0.4:
            done["dawdled"] += 1
            return
        place = ticket["assignments"].index(order)
        who = {"property-works": "lifts", "residents-affairs": "affairs", "property": "property"}.get(code)
        if who is None:  # a department without anybody in the cast: the dispatcher takes it back now and then
            if chance.random() < 0.1:
                await switch.order(ticket, "recall", place=place, reason="another one")
                done["recalled"] += 1
            return
        player = await cast(who)
        if order["status"] == "issued":
            if chance.random() < 0.1 and not order["ruled"]:
                await player.order(
                    ticket, "request_return", place=place, reason_code="not_our_duty", basis="row 3", department="water"
                )
                done["returned"] += 1
            else:
                await player.order(ticket, "accept", place=place)
        elif chance.random() < 0.1 and not order["overdue"] and not order["asked_due_at"] and order["extensions"] < 2:
            later = datetime.fromisoformat(order["due_at"]) + timedelta(days=3)
            await player.order(ticket, "request_extension", place=place, due_at=later.isoformat(), reason="parts")
            done["extensions"] += 1
        elif all(
            a["status"] not in ("issued", "accepted", "reported")
            for a in ticket["assignments"]
            if a["part"] == "assist"
        ):
            await player.order(ticket, "report", place=place, **SAID)
        else:
            for n, a in enumerate(ticket["assignments"]):
                if a["part"] == "assist" and a["status"] in ("issued", "accepted"):
                    await switch.order(ticket, "recall", place=n, reason="the lead does it alone")
                    break
    elif what == "dispatch" and chance.random() < 0.7:
        if ticket["status"] == "received":
            await switch.act(ticket, "triage", category="wx-light", kind="request", priority="normal")
        else:
            await switch.act(
                ticket, "dispatch", department=chance.choice(["property-works", "residents-affairs", "water"])
            )
    elif what == "rulings":
        action = chance.choice(["approve_return", "refuse_return"])
        place = next(n for n, a in enumerate(ticket["assignments"]) if a["status"] == "return_requested")
        await switch.order(ticket, action, place=place, reason="ruled")
    elif what == "review":
        action = "accept_report" if chance.random() < 0.8 else "reject_report"
        more = {"fault": "no_evidence"} if action == "reject_report" else {}
        place = next(
            n for n, a in enumerate(ticket["assignments"]) if a["status"] == "reported" and a["part"] == "lead"
        )
        await switch.order(ticket, action, place=place, reason="read", **more)
    elif what == "call_back" and chance.random() < 0.5:
        if chance.random() < 0.1 and ticket["counters"]["reopens"] < 2:
            await desk.act(ticket, "reopen", reason="not solved", satisfaction="dissatisfied")
            done["reopened"] += 1
        elif chance.random() < 0.7:
            await desk.act(ticket, "confirm", satisfaction="satisfied")
        else:
            await desk.act(ticket, "call_back", reached="no_reply")
    elif what == "information" and chance.random() < 0.5:
        await desk.act(ticket, "provide_info", text="building 3")
    elif what == "shelf" and chance.random() < 0.2:
        await watch.act(ticket, "unshelve", reason="voted")


async def all_of(services: Services) -> list[Facts]:
    numbers = [
        n for (n,) in await services.db.transact(lambda c: c.execute(sa.select(ticket_tables.ticket.c.number)).all())
    ]
    found = [await ticket_facts.load_facts(services.db, Scope(True, None, frozenset()), n) for n in numbers]
    return [f for f in found if f is not None]


async def nothing_was_missed(services: Services, clock: HouseClock, facts: list[Facts]) -> None:
    """Every stored clock is the fold of its marks; every step that lay behind was told once, in order; the doctor has
    nothing to say."""
    directory = await services.directory.now(clock.now)
    rungs: dict[str, list[Any]] = {}
    for r in await services.db.transact(lambda c: c.execute(sa.select(ticket_tables.escalation)).all()):
        rungs.setdefault(r.clock, []).append(r)
    count = 0
    for f in facts:
        for clock_row in await history.load_clocks(services.db, f.ticket.number):
            reckoner = working_time_of(directory, clock_row.calendar)
            assert reckoner is not None
            c = clock_row
            bare = Clock(c.id, c.number, c.assignment, c.metric, c.terms, c.marks, "", 0, c.started_at)
            assert replay(bare, reckoner, c.calendar_version) == c
            levels = sorted(r.level for r in rungs.get(c.id, ()))
            assert len(set(levels)) == len(levels) and (levels[-1] if levels else 0) == c.level
            assert all(r.at - r.due_at <= STEP for r in rungs.get(c.id, ())), c.id
            assert c.next_at is None or c.next_at > clock.now
            if c.breached_at is not None and c.stopped_at is None:
                assert levels, c.id
            count += 1
    assert count > sized(35, 200)
    assert await sla_store.load_overdue_steps(services.db, clock.now) == (
        0,
        None,
    ) and not await sla_store.load_stuck_clocks(services.db)
    assert not [f for f in await run_checks(services, clock.now, READINESS_CHECKS) if f.wrong and f.check != "outbox"]

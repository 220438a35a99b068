"""A year of the street passes; every figure is then worked out again by hand, from what the timelines tell."""

import asyncio
import random
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from hotline.composition import assemble_worker
from hotline.database.engine_postgres import Postgres
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewKey, add_key
from hotline.reporting import rollups
from hotline.reporting import tables as report_tables
from hotline.reporting.model import (
    FIGURES,
    MIN_DENOMINATOR,
    HandlingTimes,
    handling_times,
    last_complete_period,
    period_bounds,
    rank_units,
    shares,
)
from hotline.reporting.service import figures
from hotline.reporting.service.figures import load_rollup_drift, rebuild_rollups, update_rollups
from hotline.reporting.vocabulary import Period
from hotline.runtime.jobs import WorkerContext
from hotline.runtime.subprocess import EXIT_DRIFT, NORMAL_EXITS, WorkerSubprocess
from hotline.streaming import store as streaming_store
from hotline.tickets.context import Services
from hotline.tickets.model.measures import DIMENSIONS, MEASURES, OVERDUE_NAMES
from hotline.tickets.sla.jobs import escalate_due
from tests.conftest import SECRET, Cast, Clock, Player
from tests.sizes import sized

ZONE = ZoneInfo("Asia/Shanghai")
TALK = [
    ("dt-fault", "3栋2单元电梯坏了", "rq-b3"), ("hj-rubbish", "楼下垃圾没人收", "rq-b9"), ("dt-fault", "7栋电梯不动", "rq-b7"),
    ("sdq-water", "水压太低", "rq-b9"),
]  # fmt: skip
HANDLERS = {"property-works": "lifts", "water": "pipes", "residents-affairs": "affairs"}


class Street:
    """Who lives through the year, and what they do."""

    def __init__(self, cast: dict[str, Player], services: Services, clock: Clock, seed: int) -> None:
        self.cast, self.services, self.clock, self.dice = cast, services, clock, random.Random(seed)
        self.numbers: list[str] = []
        self.open: list[str] = []

    async def ring(self) -> None:
        while (await escalate_due(self.services, self.clock())).claimed:
            pass

    async def come(self) -> None:
        category, words, area = self.dice.choice(TALK)
        channel = self.dice.choice(["phone", "phone", "web", "walk_in"])
        ticket = await self.cast["desk"].call(
            words, channel=channel, category=category, location={"area": area}, caller={"phone": "13800138000"}
        )
        self.numbers.append(ticket["number"])
        self.open.append(ticket["number"])

    async def step(self) -> None:
        """Something happens to one of the open tickets: whatever is allowed then."""
        number = self.dice.choice(self.open)
        see = await self.cast["watch"].see(number)
        desk, watch, switch = self.cast["desk"], self.cast["watch"], self.cast["switch"]
        live = [a for a in see["assignments"] if a["status"] in ("issued", "accepted", "return_requested", "reported")]
        order = next((a for a in live if a["part"] == "assist"), live[0] if live else None)
        chance = self.dice.random()
        if see["status"] == "triaged":
            if chance < 0.3:
                await desk.act(await desk.see(number), "answer", answer="已当场答复", satisfaction="satisfied")
            elif chance < 0.4:
                await switch.act(see, "decline", reason_code="beyond_public_duty", channel_told="物业")
            else:
                await switch.act(see, "dispatch", department=self.dice.choice(["property-works", "water"]))
        elif see["status"] == "dispatched" and order is not None:
            player = self.cast[HANDLERS.get(order["department"]["code"], "property")]
            place = see["assignments"].index(order)
            if order["status"] == "issued" and chance < 0.15:
                await watch.act(see, "recall", reason="另派")
            elif order["status"] == "issued" and chance < 0.3 and len(self.numbers) > 1 and number != self.numbers[0]:
                target = next((n for n in self.open if n != number), None)
                if target and (await watch.see(target))["status"] == "dispatched":  # its order stays, the other ends
                    await switch.act(see, "merge", target=target)
            elif order["status"] == "issued" and chance < 0.75:
                await player.order(see, "accept", place=place)
            elif order["status"] in ("issued", "accepted") and chance < 0.85:
                other = "water" if order["department"]["code"] != "water" else "property-works"
                reply = await player.post(
                    f"/v1/tickets/{number}/assignments/{order['id']}/actions/request_return",
                    {"reason_code": "not_our_duty", "basis": "职责清单", "department": other},
                    headers={"if-match": str(see["version"])},
                )
                assert reply.status_code in (200, 403, 404, 409), reply.text
            elif order["status"] == "accepted":
                if chance > 0.93:
                    see = await player.order(see, "contact_caller", place=place, contacted="电话")
                await player.order(
                    see, "report", place=place, internal_result="修好", public_reply="已修好", solved=True
                )
            elif order["status"] == "return_requested":
                await switch.order(
                    see, self.dice.choice(["approve_return", "refuse_return"]), place=place, reason="核定"
                )
            elif order["status"] == "reported":
                if chance < 0.2:
                    await watch.order(see, "reject_report", place=place, fault="evasive", reason="不够具体")
                else:
                    await watch.order(see, "accept_report", place=place)
        elif see["status"] == "resolved":
            desk_sees = await desk.see(number)
            if chance < 0.2 and see["counters"]["reopens"] < 2:
                await desk.act(desk_sees, "reopen", reason="没修好", satisfaction="dissatisfied")
            elif chance < 0.7:
                await desk.act(
                    desk_sees, "confirm", satisfaction=self.dice.choice(["very_satisfied", "fair", "dissatisfied"])
                )
            elif chance < 0.75:
                await watch.act(
                    see, "explain", reason="条件不具备", public_reply="暂不具备条件", satisfaction="dissatisfied"
                )
        if (await watch.see(number))["status"] in ("closed", "declined", "merged", "withdrawn", "void"):
            self.open.remove(number)


def day(at: str) -> date:
    return datetime.fromisoformat(at).astimezone(ZONE).date()


async def by_hand(watch: Player, numbers: list[str], first: date, last: date, today: date) -> dict[str, Counter[str]]:
    """The figures from the timelines alone (limits from the orders): department -> counts; "" is the whole organisation."""
    found: dict[str, Counter[str]] = {"": Counter()}

    def count(what: str, when: date, department: str | None) -> None:
        if first <= when <= last:
            found[""][what] += 1
            if department is not None:
                found.setdefault(department, Counter())[what] += 1

    for number in numbers:
        ticket = await watch.see(number)
        lines: list[dict[str, Any]] = []
        while len(lines) % 200 == 0:
            page = await watch.get(f"/v1/tickets/{number}/timeline", params={"limit": 200, "after": len(lines)})
            lines += page.json()["items"]
        began = day(lines[0]["at"])
        ends: dict[str, Any] | None = None
        first_word, last_word, reopened = None, None, False
        for line in lines:
            said = line["changes"].get("satisfaction_final", [None, None])[1]
            said_first = line["changes"].get("satisfaction_first", [None, None])[1]
            first_word = first_word or said_first
            if line["action"] in ("answer", "confirm", "explain", "decline", "merge", "withdraw", "void"):
                ends, last_word = line, said
            if line["action"] == "reopen":
                ends, last_word, reopened = None, None, True
        spoken = {"very_satisfied", "satisfied", "fair", "dissatisfied", "very_dissatisfied"}
        leads = [
            o for o in ticket["assignments"] if o["part"] == "lead" and o["status"] not in ("returned", "recalled")
        ]
        lead = leads[-1]["department"]["code"] if leads else None
        count("accepted", began, lead)
        for line in lines:
            if line["action"] in ("receive", "add_call"):
                count("calls", day(line["at"]), None)
        how = ends["action"] if ends else None
        if how not in ("merge", "void"):
            count("matters", began, lead)
        if how == "answer":
            count("answered", began, lead)
        if how == "merge":
            count("merged", began, lead)
        if ends is not None:
            over = day(ends["at"])
            if how in ("answer", "confirm", "explain"):
                count("closed", over, lead)
                if reopened:
                    count("reopened", over, lead)
                if first_word in spoken:
                    count("rated_first", over, lead)
                    if "dis" not in first_word:
                        count("pleased_first", over, lead)
                if last_word in spoken:
                    count("rated_final", over, lead)
                    if "dis" not in last_word:
                        count("pleased_final", over, lead)
            if how in ("confirm", "explain"):
                count("visited", over, lead)
                if last_word in spoken:
                    count("reached", over, lead)
                    if how == "confirm":
                        count("solved", over, lead)
        for order in ticket["assignments"]:
            unit = order["department"]["code"]
            theirs = [x for x in lines if x["assignment"] == order["id"]]
            at = {x["action"]: x["at"] for x in reversed(theirs)}
            issued = day(order["issued_at"])
            count("dispatched", issued, unit)
            actions = [x["action"] for x in theirs]
            if "approve_return" in actions:
                count("returned", issued, unit)
            elif "refuse_return" in actions:
                count("refused", issued, unit)
            signs = [x for x in theirs if x["action"] in ("accept", "auto_accept", "refuse_return")]
            if signs and order["accept_by"]:
                count("signed", issued, unit)
                if signs[0]["action"] != "auto_accept" and signs[0]["at"] < order["accept_by"]:
                    count("signed_in_time", issued, unit)
            if order["due_at"] and not {"approve_return", "recall"} & set(actions) and how != "merge":
                due = day(order["due_at"])
                reports = [x["at"] for x in theirs if x["action"] == "report"]
                sent_back = [x["at"] for x in theirs if x["action"] == "reject_report"]
                standing = reports[-1] if reports and (not sent_back or reports[-1] > sent_back[-1]) else None
                spoke = at.get("contact_caller")
                in_time = bool(spoke and spoke <= order["due_at"])
                if standing:
                    if in_time:
                        count("contacted", due, unit)
                    count("met" if standing <= order["due_at"] else "missed", due, unit)
                elif due < today:
                    count("overdue", due, unit)
                    if in_time:
                        count("contacted_overdue", due, unit)
    return found


@pytest.fixture
async def year(cast: Cast, services: Services, clock: Clock) -> Street:
    people = {name: await cast(name) for name in ("desk", "switch", "watch", "lifts", "pipes", "property", "affairs")}
    street = Street(people, services, clock, seed=24365)
    clock.now = datetime(2025, 11, 25, 1, 0, tzinfo=ZONE)
    await update_rollups(services, clock())
    for _ in range(sized(37, 73)):  # a year, ten or five days at a time
        for _ in range(street.dice.randint(0, 2)):
            await street.come()
            clock.forward(hours=street.dice.randint(1, 5))
        for _ in range(6):
            if street.open:
                await street.step()
            clock.forward(minutes=street.dice.randint(5, 400))
        clock.forward(hours=sized(88 + 120, 88))
        await street.ring()
        street.open = [n for n in street.open if (await people["watch"].see(n))["status"] not in
                       ("closed", "declined", "merged", "withdrawn", "void")]  # fmt: skip
        while await update_rollups(services, clock()):
            pass
    return street


async def asked(player: Player, **query: Any) -> dict[str, Any]:
    reply = await player.get("/v1/figures", params=query)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


@pytest.mark.timeout(400)
async def test_every_figure_of_a_year_is_what_the_timelines_say(year: Street, services: Services, clock: Clock) -> None:
    watch, today = year.cast["watch"], clock().astimezone(ZONE).date()
    assert len(year.numbers) > sized(25, 50)
    for first, last in ((today - timedelta(days=370), today), (date(2026, 3, 1), date(2026, 3, 31))):
        truth = await by_hand(watch, year.numbers, first, last, today)
        told = await asked(watch, first=first, last=last)
        [whole] = told["groups"]
        seen = 0
        for figure in FIGURES.values():
            share = whole["shares"][figure.code]
            assert share["numerator"] == sum(truth[""][m] for m in figure.numerator), figure.code
            assert share["denominator"] == sum(truth[""][m] for m in figure.denominator), figure.code
            seen += share["denominator"] > 0
        assert seen >= 10  # the story touches nearly every figure
        for group in (await asked(watch, first=first, last=last, by="department"))["groups"]:
            if group["code"]:
                for figure in FIGURES.values():
                    share, counts = group["shares"][figure.code], truth[group["code"]]
                    assert share["numerator"] == sum(counts[m] for m in figure.numerator), (group["code"], figure.code)
                    assert share["denominator"] == sum(counts[m] for m in figure.denominator), (
                        group["code"],
                        figure.code,
                    )
    by_unit = {
        g["code"]: g
        for g in (await asked(watch, first=today - timedelta(days=370), last=today, by="department"))["groups"]
    }
    for code in FIGURES:  # a ranking says of each what its figure says
        told = await watch.get(
            "/v1/figures/ranking", params={"figure": code, "first": today - timedelta(days=370), "last": today}
        )
        for line in told.json()["items"]:
            share = by_unit[line["department"]["code"]]["shares"][code]
            assert (line["value"], line["denominator"]) == (share["value"], share["denominator"]), code
    # the days, the areas, the categories and the channels add up to the whole
    span = {"first": today - timedelta(days=370), "last": today}
    [whole] = (await asked(watch, **span))["groups"]
    for by in ("day", *DIMENSIONS):
        groups = (await asked(watch, **span, by=by))["groups"]
        for name, n in whole["counts"].items():
            if name == "calls" and by == "department":  # of no department
                assert not any(name in g["counts"] for g in groups)
                continue
            assert sum(g["counts"][name] for g in groups) == n, (by, name)
    # what came, less what left, is what stays; and the stock is what the board counts
    board = (await watch.get("/v1/board")).json()
    assert (
        whole["stock"]["open"]
        == board["open"]
        == whole["stock"]["carried_over"] + whole["stock"]["entered"] - whole["stock"]["left"]
    )
    march = (await asked(watch, first=date(2026, 3, 1), last=date(2026, 3, 31)))["groups"][0]["stock"]
    april = (await asked(watch, first=date(2026, 4, 1), last=date(2026, 4, 30)))["groups"][0]["stock"]
    assert march["open"] == april["carried_over"]
    # rollups are what counting everything anew gives, before and after they are made anew
    assert await load_rollup_drift(services, clock()) == {}
    assert await rebuild_rollups(services, clock(), force=True)
    assert await load_rollup_drift(services, clock()) == {}
    assert (await asked(watch, **span))["groups"] == [whole]
    # behind every number stand exactly so many tickets, within any filter
    month = {"first": "2026-03-01", "last": "2026-03-31", "department": "property-works"}
    [works] = (await asked(watch, **month))["groups"]
    for measure in (*MEASURES, *OVERDUE_NAMES.values()):
        rows: list[Any] = []
        cursor = None
        while True:
            page = (await watch.get(f"/v1/figures/measures/{measure}",
                                    params={**month, "limit": 3, **({"cursor": cursor} if cursor else {})})).json()  # fmt: skip
            assert "items" in page, page
            rows += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
        assert len({(r["number"], r["order"]) for r in rows}) == len(rows)
        if measure in works["counts"]:
            assert len(rows) == works["counts"][measure], measure


async def test_a_department_reads_its_own_work_and_ranks_nobody(
    desk: Player,
    lifts: Player,
    pipes: Player,
    watch: Player,
    services: Services,
    clock: Clock,
    lift_ticket: dict[str, Any],
) -> None:
    await update_rollups(services, clock())
    [own] = (await asked(lifts))["groups"]
    assert own["counts"]["dispatched"] == 1
    assert (await asked(pipes))["groups"][0]["counts"]["dispatched"] == 0
    reply = await pipes.get("/v1/figures", params={"department": "property-works"})
    assert reply.json()["groups"] == [] or reply.json()["groups"][0]["counts"]["dispatched"] == 0
    assert (await lifts.get("/v1/figures/ranking", params={"figure": "on_time"})).status_code == 403
    assert (await desk.get("/v1/figures")).status_code == 403
    theirs = (await pipes.get("/v1/figures/measures/dispatched")).json()
    assert theirs["items"] == []
    places = (await watch.get("/v1/figures/ranking", params={"figure": "on_time"})).json()
    assert all(p["place"] is None for p in places["items"])  # one order is not enough to rank anybody


async def test_filters_that_no_rollup_answers_are_refused_by_name(watch: Player) -> None:
    reply = await watch.get("/v1/figures", params={"category": "dt-fault", "channel": "phone"})
    assert reply.status_code == 422 and reply.json()["errors"][0]["field"] == "by"
    reply = await watch.get("/v1/figures", params={"area": "nowhere", "first": "2026-02-01", "last": "2026-01-01"})
    assert {e["field"] for e in reply.json()["errors"]} == {"last", "area"}


def test_ranking_asks_for_enough_and_for_peers() -> None:
    def of(figure: str, **counts: int) -> Any:
        return shares(counts)[figure]

    units = [
        ("a", "office", of("on_time", met=27, missed=3)), ("b", "office", of("on_time", met=38, missed=2)),
        ("c", "office", of("on_time", met=38, missed=2)), ("small", "office", of("on_time", met=MIN_DENOMINATOR - 1)),
        ("d", "contractor", of("on_time", met=10, missed=30)),
    ]  # fmt: skip
    places = {r.code: r.place for r in rank_units(FIGURES["on_time"], units)}
    assert places == {"b": 1, "c": 1, "a": 3, "small": None, "d": 1}
    low = rank_units(
        FIGURES["reopen"],
        [("x", "o", of("reopen", reopened=3, closed=30)), ("y", "o", of("reopen", reopened=15, closed=30))],
    )
    assert [(r.code, r.place) for r in low] == [("x", 1), ("y", 2)]


def test_median_and_ninetieth_are_of_the_nearest_rank() -> None:
    counts = {"took:5": 1, "took:60": 4, "took:1400": 5, "handled": 10, "handled_minutes": 7245}
    assert handling_times(counts) == HandlingTimes(n=10, mean=724.5, p50=60, p90=1400)
    assert handling_times({}) == HandlingTimes(n=0, mean=None, p50=None, p90=None)


def test_periods_begin_and_end_where_people_think() -> None:
    assert period_bounds(Period.WEEK, date(2026, 11, 28)) == (date(2026, 11, 23), date(2026, 11, 29))
    assert period_bounds(Period.MONTH, date(2026, 2, 14)) == (date(2026, 2, 1), date(2026, 2, 28))
    assert last_complete_period(Period.MONTH, date(2026, 1, 5)) == date(2025, 12, 1)
    assert last_complete_period(Period.DAY, date(2026, 1, 1)) == date(2025, 12, 31)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/figures",
        "/v1/figures/measures/met",
        "/v1/figures/ranking?figure=on_time",
        "/v1/figures/catalogue",
        "/v1/figures/acd",
    ],
)
async def test_a_filter_that_is_misspelt_is_refused_by_name(path: str, watch: Player, lifts: Player) -> None:
    """Without it the figures of everybody would be taken for those of one department."""
    assert (await watch.get(path)).status_code == 200
    between = "&" if "?" in path else "?"
    refused = await watch.get(f"{path}{between}departmnt=property-works&colour=red")
    assert refused.status_code == 422 and refused.headers["content-type"] == "application/problem+json"
    errors = {error["field"]: error["rule"] for error in refused.json()["errors"]}
    assert errors == {"departmnt": "unknown parameter", "colour": "unknown parameter"}


async def test_who_may_not_ask_is_told_that_before_what_is_misspelt(lifts: Player, cast: Cast) -> None:
    assert (await lifts.get("/v1/figures/ranking?figure=on_time&colour=red")).status_code == 403
    stranger = {"authorization": "Bearer nobody"}
    assert (await lifts.http.get("/v1/figures?colour=red", headers=stranger)).status_code == 401


async def test_weeks_and_months_add_up_their_days(
    desk: Player, watch: Player, services: Services, clock: Clock
) -> None:
    await update_rollups(services, clock())
    for _ in range(4):
        await desk.call("电梯坏了", category="dt-fault")
        clock.forward(days=3)
    while await update_rollups(services, clock()):
        pass
    span = {"first": "2026-11-20", "last": "2026-12-20"}
    for by, counts in (
        ("week", {"2026-11-23": 2, "2026-11-30": 2}),  # the 25th and 28th; the 1st and 4th
        ("month", {"2026-11-01": 2, "2026-12-01": 2}),
    ):
        groups = (await asked(watch, **span, by=by))["groups"]
        assert {g["code"]: g["counts"]["accepted"] for g in groups if g["counts"]["accepted"]} == counts
    assert (await watch.get("/v1/figures", params={"by": "year"})).status_code == 422


def beside(services: Services, folder: Path) -> WorkerSubprocess:
    """A process of its own over the same database."""
    db = services.db
    if isinstance(db, Postgres):
        where = db.url.set(drivername="postgresql").render_as_string(hide_password=False)
    else:
        where = f"sqlite:///{db.path}"
    env = {"HOTLINE_DATABASE_URL": where, "HOTLINE_DATA_DIR": str(folder), "HOTLINE_SECRET": SECRET.decode()}
    return WorkerSubprocess(env)


async def test_a_large_database_is_counted_in_a_process_of_its_own(
    watch: Player, services: Services, clock: Clock, lift_ticket: dict[str, Any], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(figures, "MAX_TICKETS_COUNTED_INLINE", 0)  # one ticket is many

    async def never(*_: Any, **__: Any) -> bool:
        raise AssertionError("counted while requests wait")

    monkeypatch.setattr(figures, "rebuild_rollups", never)
    aside = beside(services, tmp_path)
    worker = assemble_worker(WorkerContext(services, subprocess=aside))
    fold_figures = worker.jobs["figures"].step
    assert not await fold_figures()
    assert (await rollups.load_fold_mark(services.db)).position is not None
    assert await load_rollup_drift(services, clock()) == {}
    assert (await asked(watch))["groups"][0]["counts"]["accepted"] == 1
    assert await aside.run("figures", "check") == (0, "0 rollups differ\n")
    await services.db.transact(lambda c: c.execute(sa.update(report_tables.rollup).where(report_tables.rollup.c.dimension == "house")
                                                .values(counts={"accepted": 7})))  # fmt: skip
    code, said = await aside.run("figures", "check")
    assert code == EXIT_DRIFT and "differ" in said
    await services.db.transact(lambda c: rollups.claim_rebuild(c, clock(), clock(), "another process", force=True))
    assert not await fold_figures()  # which is at it: this one waits, and counts nothing itself
    worker.stop()
    assert await aside.run("figures", "check") == (-15, "")


async def test_a_subprocess_ends_when_the_worker_stops(services: Services, tmp_path: Path) -> None:
    aside = beside(services, tmp_path)
    running = asyncio.create_task(aside.run("work"))  # which runs until it is told to leave
    while aside._running is None and not running.done():
        await asyncio.sleep(0)
    aside.stop()
    code, _ = await asyncio.wait_for(running, 20)
    assert code in NORMAL_EXITS


async def test_a_subprocess_that_is_starting_ends_when_the_worker_stops(services: Services, tmp_path: Path) -> None:
    aside = beside(services, tmp_path)
    running = asyncio.create_task(aside.run("work"))
    await asyncio.sleep(0)  # it is being begun, and is not there yet
    assert aside._running is None
    aside.stop()
    code, _ = await asyncio.wait_for(running, 20)
    assert code in NORMAL_EXITS


async def test_very_many_rollups_are_put_in_place_piece_by_piece(
    services: Services, clock: Clock, lift_ticket: dict[str, Any], monkeypatch: Any
) -> None:
    await update_rollups(services, clock())
    monkeypatch.setattr(rollups, "ROOM", 10)  # two rows in a piece
    monkeypatch.setattr(figures, "ROLLUPS_PER_TRANSACTION", 3)
    assert await rebuild_rollups(services, clock(), force=True)
    assert await load_rollup_drift(services, clock()) == {}


async def test_whoever_died_counting_is_followed_by_another_soon(
    services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    assert await figures.needs_rebuild(services)
    assert await services.db.transact(lambda c: rollups.claim_rebuild(c, clock(), clock(), "first"))
    assert not await figures.needs_rebuild(services)
    clock.forward(minutes=2)
    await services.db.transact(lambda c: rollups.renew_rebuild(c, clock(), "first"))
    await services.db.transact(lambda c: rollups.renew_rebuild(c, clock.now + timedelta(hours=1), "somebody else"))
    clock.forward(minutes=2)
    assert not await figures.needs_rebuild(services) and not await rebuild_rollups(services, clock())
    clock.forward(minutes=2)
    assert await figures.needs_rebuild(services)
    assert await rebuild_rollups(services, clock()) and not await figures.needs_rebuild(services)
    assert not await rebuild_rollups(services, clock())  # what stands is not counted a second time
    assert await load_rollup_drift(services, clock()) == {}


async def test_a_rebuild_that_was_taken_over_puts_nothing_in_place(
    desk: Player, watch: Player, services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    await update_rollups(services, clock())
    assert await services.db.transact(lambda c: rollups.claim_rebuild(c, clock(), clock(), "first", force=True))
    assert await services.db.transact(lambda c: rollups.claim_rebuild(c, clock(), clock(), "second", force=True))
    key = ("house", "2026-11-25", "")
    assert not await services.db.transact(
        lambda c: rollups.add_rebuilt_sums(c, {key: Counter(accepted=7)}, "first", clock())
    )
    assert not await services.db.transact(lambda c: rollups.install_rebuilt(c, rollups.FoldMark(0), "first"))
    assert (
        await update_rollups(services, clock()) == 0 and await load_rollup_drift(services, clock()) == {}
    )  # nothing is said meanwhile
    assert await rebuild_rollups(services, clock(), force=True)
    assert await load_rollup_drift(services, clock()) == {}
    assert (await asked(watch))["groups"][0]["counts"]["accepted"] == 1


async def test_whoever_sees_a_part_has_its_figures_by_category_and_channel(
    cast: Cast, services: Services, clock: Clock
) -> None:
    desk = await cast("desk")
    await update_rollups(services, clock())
    await desk.call("3栋路灯坏了", category="wx-light", location={"area": "rq-b3"})
    await desk.call("9栋路灯坏了", category="wx-light", location={"area": "rq-b9"})
    while await update_rollups(services, clock()):
        pass
    made = await add_key(services, NewKey("part", Grant(frozenset({Role.SUPERVISOR}), None, "rq-g1")), "test", clock())
    headers = {"authorization": f"Bearer {made['secret']}"}
    for by, code in (("category", "wx-light"), ("channel", "phone"), ("area", "rq-b3")):
        groups = (await desk.get("/v1/figures", params={"by": by}, headers=headers)).json()["groups"]
        assert {g["code"]: g["counts"]["accepted"] for g in groups if g["counts"]["accepted"]} == {code: 1}
    rows = (await desk.get("/v1/catalogue-rows", headers=headers)).json()["items"]
    assert sum(r["orders"] for r in rows) in (0, 1)
    assert (await desk.get("/v1/reports", headers=headers)).status_code == 403
    assert (await desk.get("/v1/exports", params={"everybody": True}, headers=headers)).status_code == 403


async def test_the_stream_loses_its_beginning_and_never_its_middle(
    desk: Player, services: Services, clock: Clock
) -> None:
    await update_rollups(services, clock())
    for back in (30, 0, 40, 0):  # an old import among new calls
        clock.forward(days=-back)
        await desk.call("路灯坏了")
        clock.forward(days=back)
    while await update_rollups(services, clock()):
        pass
    places = [r.position for r in await streaming_store.load_events_after(services.db, 0)]
    mark = (await rollups.load_fold_mark(services.db)).position
    await services.db.transact(lambda c: streaming_store.delete_old_events(c, clock() - timedelta(days=7), mark, 100))
    left = [r.position for r in await streaming_store.load_events_after(services.db, 0)]
    assert left == places[places.index(left[0]) :] and len(left) < len(places)

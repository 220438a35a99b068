"""Figures count matters and calls apart: every call counts once, and only a ticket of its own is a matter."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.reporting import tables as report_tables
from hotline.reporting.model import FIGURES
from hotline.reporting.service import reports
from hotline.reporting.service.figures import load_rollup_drift, rebuild_rollups, update_rollups
from hotline.reporting.vocabulary import Period
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.reporting.test_exports import rows_of, taken_out

BURST = "12栋门口水管爆了，水喷得很高"


async def fold(services: Services, clock: Clock) -> None:
    while await update_rollups(services, clock()):
        pass


async def counts(player: Player, **query: Any) -> dict[str, Any]:
    reply = await player.get("/v1/figures", params=query)
    assert reply.status_code == 200, reply.text
    [group] = reply.json()["groups"]
    return dict(group)


@pytest.fixture
async def storm(desk: Player, switch: Player, services: Services, clock: Clock) -> dict[str, dict[str, Any]]:
    """Five calls on Wednesday: one opens the matter, two are added to it, one is a ticket that is merged into it, one is
    a prank. On Thursday the first caller rings again, and somebody has another matter."""
    await update_rollups(services, clock())
    first = await desk.call(BURST, category="sdq-burst", location={"area": "rq-b9"}, caller={"phone": "13800138000"})
    for n in range(2):
        clock.forward(minutes=1)
        await desk.call(
            f"水还在喷 {n}", attach_to=first["number"], channel="walk_in", caller={"phone": f"1380013800{n + 1}"}
        )
    clock.forward(minutes=1)
    again = await desk.call(
        "楼下好多水", category="sdq-water", location={"area": "rq-b9"}, caller={"phone": "13800138003"}
    )
    await switch.act(again, "merge", target=first["number"])
    prank = await desk.call("喂喂喂", caller={"phone": "13800138004"})
    await desk.act(prank, "void", reason_code="nuisance")
    clock.forward(days=1)
    await desk.call("水停了没有", attach_to=first["number"], caller={"phone": "13800138000"})
    other = await desk.call(
        "3栋电梯坏了", category="dt-fault", location={"area": "rq-b3"}, caller={"phone": "13800138005"}
    )
    await fold(services, clock)
    return {"first": await desk.see(first), "again": await desk.see(again), "other": other}


async def test_each_call_counts_on_its_day_and_each_matter_once(
    watch: Player, services: Services, clock: Clock, storm: dict[str, dict[str, Any]]
) -> None:
    today = clock.now.date()
    days = {"first": today - timedelta(days=1), "last": today}
    whole = await counts(watch, **days)
    assert (whole["counts"]["calls"], whole["counts"]["matters"]) == (7, 2)
    assert whole["shares"]["new_matters"] == {"numerator": 2, "denominator": 7, "value": 0.2857, "enough": False}
    each = [await counts(watch, first=d, last=d) for d in days.values()]
    assert [(g["counts"]["calls"], g["counts"]["matters"]) for g in each] == [
        (5, 1),
        (2, 1),
    ]
    # a merged ticket is none of those that were closed or solved, and is told apart of those that left
    assert (whole["counts"]["closed"], whole["stock"]["left"], whole["stock"]["merged"]) == (0, 2, 1)
    by_channel = (await watch.get("/v1/figures", params={**days, "by": "channel"})).json()["groups"]
    assert {g["code"]: (g["counts"]["calls"], g["counts"]["matters"]) for g in by_channel} == {
        "phone": (5, 2),
        "walk_in": (2, 0),
    }
    departments = (await watch.get("/v1/figures", params={**days, "by": "department"})).json()["groups"]
    assert (
        not any("calls" in g["counts"] for g in departments) and sum(g["counts"]["matters"] for g in departments) == 2
    )
    assert await load_rollup_drift(services, clock()) == {}


async def test_the_formula_is_named_and_behind_the_number_stand_the_calls(
    watch: Player, clock: Clock, storm: dict[str, dict[str, Any]]
) -> None:
    catalogue = (await watch.get("/v1/figures/catalogue")).json()
    figure = next(f for f in catalogue["figures"] if f["code"] == "new_matters")
    assert (figure["formula"], figure["numerator"], figure["denominator"]) == (
        "matters / calls",
        ["matters"],
        ["calls"],
    )
    measures = {m["code"]: m for m in catalogue["measures"]}
    assert (measures["calls"]["of"], measures["calls"]["day_of"], measures["calls"]["where"]) == ("call", "at", [])
    assert measures["matters"]["where"] == ["status not_in merged | void"]
    day = {"first": clock.now.date() - timedelta(days=1), "last": clock.now.date(), "area": "rq-b9"}
    page = (await watch.get("/v1/figures/measures/calls", params={**day, "limit": 4})).json()
    rest = (await watch.get("/v1/figures/measures/calls", params={**day, "limit": 4, "cursor": page["next"]})).json()
    assert len({row["call"] for row in page["items"] + rest["items"]}) == 5 and page["items"][0]["order"] is None
    numbers = [row["number"] for row in page["items"] + rest["items"]]
    first, again = storm["first"]["number"], storm["again"]["number"]
    assert numbers == [first, first, first, again, first] and rest["next"] is None
    [matter] = (await watch.get("/v1/figures/measures/matters", params=day)).json()["items"]
    assert (matter["number"], matter["call"]) == (first, None)


async def test_what_becomes_of_a_ticket_moves_no_call(
    desk: Player, switch: Player, watch: Player, services: Services, clock: Clock, storm: dict[str, dict[str, Any]]
) -> None:
    """A matter that turns out to lie elsewhere is counted there; the calls stay where they were taken."""
    await switch.act(storm["first"], "amend", reason="next door", area="rq-b3")
    await desk.call("还在漏", attach_to=storm["first"]["number"])
    await fold(services, clock)
    days = {"first": clock.now.date() - timedelta(days=1), "last": clock.now.date()}
    here, there = [(await counts(watch, **days, area=area))["counts"] for area in ("rq-b9", "rq-b3")]
    assert [(c["calls"], c["matters"]) for c in (here, there)] == [(5, 0), (2, 2)]
    assert await load_rollup_drift(services, clock()) == {}
    assert await rebuild_rollups(services, clock(), force=True)
    assert await load_rollup_drift(services, clock()) == {}


async def test_the_wall_and_the_report_show_both(
    watch: Player, services: Services, clock: Clock, storm: dict[str, dict[str, Any]]
) -> None:
    wall = (await watch.get("/v1/wall")).json()["today"]
    assert (wall["counts"]["calls"], wall["counts"]["matters"], wall["shares"]["new_matters"]["denominator"]) == (
        2,
        1,
        2,
    )
    yesterday = clock.now.date() - timedelta(days=1)
    made = await reports.build_report(services, Period.DAY, yesterday, clock.now)
    assert (made.whole.counts["calls"], made.whole.counts["matters"]) == (5, 1)
    clock.forward(days=1)
    await fold(services, clock)
    assert await reports.make_due_reports(services, clock.now)
    day = (clock.now.date() - timedelta(days=1)).isoformat()
    kept = await reports.load_report(services, Period.DAY, day)
    assert (
        "Calls taken,2" in reports.render_report_csv(kept, "en").decode()
        and "Matters,1" in reports.render_report_csv(kept, "en").decode()
    )

    def forget(c: sa.Connection) -> None:  # a report that was made before the figure was known
        t = report_tables.report
        body = c.execute(sa.select(t.c.body).where(t.c.first == day, t.c.period == "day")).scalar_one()
        for group in (body["whole"], *(g for found in body["by"].values() for g in found)):
            group["shares"].pop("new_matters")
            group["counts"] = {k: v for k, v in group["counts"].items() if k not in ("calls", "matters")}
            if group["stock"]:
                group["stock"].pop("merged")
        c.execute(sa.update(t).where(t.c.first == day, t.c.period == "day").values(body=body))

    await services.db.transact(forget)
    old = await reports.load_report(services, Period.DAY, day)
    assert old.whole.shares.keys() == set(FIGURES) and old.whole.shares["new_matters"].value is None
    assert reports.render_report_csv(old, "zh-Hans") and reports.render_xlsx(old, "en")


async def test_a_file_of_tickets_can_be_summed_without_counting_a_call_twice(
    desk: Player, services: Services, clock: Clock, storm: dict[str, dict[str, Any]]
) -> None:
    _, data = await taken_out(desk, services, clock, form="csv")
    rows = rows_of(data)
    by_number = {row["number"]: row for row in rows}
    first, again = storm["first"]["number"], storm["again"]["number"]
    assert (by_number[first]["calls"], by_number[first]["calls_taken"], by_number[first]["matter"]) == ("5", "4", "1")
    assert (by_number[again]["parent"], by_number[again]["calls_taken"], by_number[again]["matter"]) == (
        first,
        "1",
        "0",
    )
    assert (sum(int(r["calls_taken"]) for r in rows), sum(int(r["matter"]) for r in rows)) == (7, 2)

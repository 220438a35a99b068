"""The wall's numbers and the lists behind them, the map, and what a figure's failures are."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from starlette.requests import Request

from hotline.console.figure_pages import figures_page
from hotline.demo_history import add_earlier_days
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.outlines import OutlineErrors, parse_outlines
from hotline.organisation.service.accounts import ActorCache, authenticate
from hotline.organisation.service.outlines import import_outlines, seed_outlines
from hotline.packaged_files import packaged_folder
from hotline.refusals import Refused
from hotline.reporting import drill_down
from hotline.reporting.model import FIGURES, Share, contributions, period_before, shares, year_before
from hotline.reporting.service.exports import make_next_export
from hotline.reporting.service.figures import update_rollups
from hotline.tickets.context import Services
from hotline.tickets.model.measures import FAILURES, counted_parts
from hotline.tickets.sla.jobs import escalate_due
from tests.conftest import CAST, LIFT, Cast, Clock, Player

ONE = timedelta(days=1)
RUIQUAN = packaged_folder("seeds") / "ruiquan"


async def listed(player: Player, filters: dict[str, Any]) -> list[str]:
    """Every ticket of a list, page by page."""
    found: list[str] = []
    cursor = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = (await player.get("/v1/tickets", params={**filters, "limit": 2, **more})).json()
        found += [x["number"] for x in page["items"]]
        if (cursor := page["next"]) is None:
            return found


async def figures_shown(services: Services, who: Player, **asked: str) -> Any:
    """What the page of figures shows this person."""
    secret = who.http.headers["authorization"].removeprefix("Bearer ")
    actor = await authenticate(services, ActorCache(), secret, services.clock())
    app = SimpleNamespace(state=SimpleNamespace(services=services))
    request = Request({"type": "http", "app": app, "query_string": urlencode(asked).encode(), "headers": []})
    return await figures_page(request, actor, "zh-Hans")


async def test_each_tile_counts_what_its_list_shows(cast: Cast, services: Services, clock: Clock) -> None:
    desk, watch, lifts, block = await cast("desk"), await cast("watch"), await cast("lifts"), await cast("block3")
    late = await desk.call(LIFT, category="dt-fault", caller={"phone": "13800138000", "name": "陈桂芳"})
    clock.forward(days=20)
    while (await escalate_due(services, clock())).claimed:
        pass
    done = await desk.call("5栋电梯坏了", category="dt-fault", location={"area": "rq-b5"})
    done = await lifts.order(await lifts.see(done), "accept")
    await lifts.order(done, "report", internal_result="修好", public_reply="已修好", solved=True)
    await desk.call("9栋2单元电梯困人，有孩子", priority="emergency", category="dt-trapped", location={"area": "rq-b9"})
    waits = await desk.call("楼下有怪味")
    asked = await desk.act(await desk.call("有点事情想问问"), "request_info", text="在哪里？")
    wall = (await watch.get("/v1/wall")).json()
    tiles = {tile["code"]: tile for tile in wall["tiles"]}
    for code, tile in tiles.items():
        assert len(await listed(watch, tile["filters"])) == tile["count"], code
    assert await listed(watch, tiles["red"]["filters"]) == [late["number"]]
    while await update_rollups(services, clock()):
        pass
    stock = [tiles[code]["count"] for code in ("waiting", "in_hand", "paused", "call_back")]
    today = await watch.get(
        "/v1/figures", params={"first": clock().date().isoformat(), "last": clock().date().isoformat()}
    )
    assert sum(stock) == wall["open"] == today.json()["groups"][0]["stock"]["open"] and 0 not in stock[:3]
    assert await listed(watch, tiles["paused"]["filters"]) == [asked["number"]]
    assert tiles["matters"]["count"] == 4 and tiles["emergency"]["count"] == wall["emergency_count"] == 1
    assert waits["number"] in await listed(watch, tiles["waiting"]["filters"])
    looks = {p["area"]["code"]: p["looks"] for p in wall["places"]}
    assert looks["rq-b3"] == "red" and looks["rq-b9"] == "emergency"
    assert {p["lat"] is not None for p in wall["places"]} == {True}
    told = json.dumps(wall, ensure_ascii=False)
    assert "13800138000" not in told and "陈桂芳" not in told and "怪味" not in told
    own = (await block.get("/v1/wall")).json()
    assert {p["area"]["code"] for p in own["places"]} == {"rq-b3"} and own["emergencies"] == []
    assert {e["number"] for e in own["entries"]} == {late["number"]}


async def test_the_demonstration_has_days_to_stand_beside(services: Services, cast: Cast, clock: Clock) -> None:
    day = packaged_folder("seeds") / "demo" / "day.csv"
    for taken, known in ((240, 0), (0, 240)):  # once for each day
        report = await add_earlier_days(services, day, clock())
        assert (report.taken, report.known, report.refused) == (taken, known, [])
    while await update_rollups(services, clock()):
        pass
    watch, today = await cast("watch"), clock().date()
    for first, last in ((30, 1), (60, 31), (370, 360)):  # this period, the one before, a year ago
        span = {"first": (today - first * ONE).isoformat(), "last": (today - last * ONE).isoformat()}
        (whole,) = (await watch.get("/v1/figures", params=span)).json()["groups"]
        shares = {name: whole["shares"][name] for name in ("on_time", "signed_in_time")}
        assert all(0 < share["numerator"] <= share["denominator"] for share in shares.values()), shares
        assert whole["counts"]["closed"] >= 10 and whole["stock"]["open"] <= 5
    late = (await watch.get("/v1/tickets", params={"overdue": True})).json()["items"]
    assert late == [] and (await watch.get("/v1/board")).json()["open"] == 0


async def test_who_failed_is_a_list_that_can_be_kept_and_taken_along(
    cast: Cast, services: Services, clock: Clock
) -> None:
    desk, watch, lifts, pipes = await cast("desk"), await cast("watch"), await cast("lifts"), await cast("pipes")
    numbers = [(await desk.call(f"{n}栋电梯坏了", category="dt-fault"))["number"] for n in (1, 2, 3, 4, 5)]
    done = await lifts.order(await lifts.see(numbers[0]), "accept")
    await lifts.order(done, "report", internal_result="修好", public_reply="已修好", solved=True)
    clock.forward(days=20)
    while await update_rollups(services, clock()):
        pass
    last = clock().date().isoformat()
    span = {"first": "2026-11-01", "last": last}
    share = (await watch.get("/v1/figures", params=span)).json()["groups"][0]["shares"]["on_time"]
    rows = (await watch.get("/v1/figures/measures/failed.on_time", params=span)).json()["items"]
    assert len(rows) == share["denominator"] - share["numerator"]
    period = {"counted_from": "2026-11-01T00:00:00+08:00", "counted_before": f"{last}T00:00:00+08:00"}
    filters = {"counted": "failed.on_time", **period}
    failed = await listed(watch, filters)
    assert sorted(failed) == sorted({x["number"] for x in rows}) and set(numbers[1:]) <= set(failed)
    assert numbers[0] not in await listed(watch, {**filters, "department": "property-works"})
    assert await listed(watch, {**filters, "department": "water"}) == []
    assert await listed(pipes, filters) == []  # another department's
    view = {"page": "tickets", "name": "谁没做到", "query": {**filters, "department": ["property-works"]}}
    kept = (await watch.post("/v1/views", view)).json()
    assert kept["query"]["counted"] == "failed.on_time"
    asked = await watch.post("/v1/exports", {"form": "csv", "filters": filters})
    assert await make_next_export(services, clock())
    made = (await watch.get(f"/v1/exports/{asked.json()['id']}")).json()
    assert (made["status"], made["rows"]) == ("ready", len(failed))
    wrong = await watch.get("/v1/tickets", params={"counted": "failed.nothing"})
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["field"] == "counted"


async def test_every_page_gives_one_day_the_same_numbers(
    cast: Cast, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wall, figures, the list behind each number and its file, as everybody who sees them. A danger has several orders
    of one ticket: they are counted as orders everywhere."""
    monkeypatch.setitem(CAST, "watch3", Grant(frozenset({Role.SUPERVISOR}), None, "rq-g1"))  # of buildings 1-4 alone
    desk, watch, lifts, switch, around = [await cast(name) for name in ("desk", "watch", "lifts", "switch", "watch3")]
    trapped = await desk.call(
        "3栋2单元电梯困人", priority="emergency", category="dt-trapped", location={"area": "rq-b3"}
    )
    mended = await desk.call("5栋电梯坏了", category="dt-fault", location={"area": "rq-b5"})
    hands = {"property-works": "lifts", "service-centre": "centre", "fire-watch": "firemen", "property": "property"}
    for place, order in enumerate(trapped["assignments"]):
        who = await cast(hands[order["department"]["code"]])
        await who.order(await who.see(trapped["number"]), "accept", place=place)
    assert len(trapped["assignments"]) > 1
    done = await lifts.order(await lifts.see(mended["number"]), "accept")
    await lifts.order(done, "report", internal_result="修好", public_reply="已修好", solved=True)
    clock.forward(hours=9)
    due = [o["due_at"] for t in (trapped, mended) for o in (await watch.see(t["number"]))["assignments"]]
    days = sorted({datetime.fromisoformat(at).astimezone(ZoneInfo("Asia/Shanghai")).date() for at in due})
    counted: list[tuple[int, int]] = []
    count = drill_down.count_counted_rows
    for day in (clock().astimezone(ZoneInfo("Asia/Shanghai")).date(), *days):
        clock.now = max(clock(), datetime.combine(day, time(23), ZoneInfo("Asia/Shanghai")).astimezone(UTC))
        span = {"first": day.isoformat(), "last": day.isoformat()}
        for who in (watch, around, lifts, switch):
            while await update_rollups(services, clock()):
                pass
            groups = (await who.get("/v1/figures", params=span)).json()["groups"]
            if who is not lifts:
                wall = (await who.get("/v1/wall")).json()
                if groups:
                    assert wall["today"]["shares"] == groups[0]["shares"]
                    assert wall["today"]["counts"] == groups[0]["counts"]
                    tiles = {tile["code"]: tile["count"] for tile in wall["tiles"]}
                    for code in ("matters", "closed"):
                        assert tiles[code] == groups[0]["counts"][code]
            for group in groups:
                page = await figures_shown(services, who, **span, measure="dispatched")
                shown = {tile["code"]: (tile["share"].numerator, tile["share"].denominator) for tile in page["tiles"]}
                assert shown == {c: (x["numerator"], x["denominator"]) for c, x in group["shares"].items()}
                assert page["listed_total"] == len(page["listed"]) == group["counts"]["dispatched"], (who.name, day)
                with monkeypatch.context() as small:  # many are not counted to the last on every view
                    small.setattr(drill_down, "COUNTED_AT_MOST", 1)
                    small.setattr(drill_down, "count_counted_rows", lambda *a: counted.append(count(*a)) or counted[-1])
                    page = await figures_shown(services, who, **span, measure="dispatched")
                    n = len(page["listed"])
                    assert (page["listed_total"], counted[-1][0]) == ("1+" if n > 1 else n, min(n, 2))
                asked = {"counted_from": f"{day}T00:00:00+08:00", "counted_before": f"{day + ONE}T00:00:00+08:00"}
                share = group["shares"]["on_time"]
                numbers = {**{c: group["counts"][c] for c in ("matters", "dispatched", "met", "missed", "overdue")},
                           "failed.on_time": share["denominator"] - share["numerator"]}  # fmt: skip
                for code, n in numbers.items():
                    rows = (await who.get(f"/v1/figures/measures/{code}", params={**span, "limit": 100})).json()[
                        "items"
                    ]
                    assert len(rows) == n, (code, who.name, day)
                    own = {"department": ["property-works"]} if who is lifts else {}
                    filters = {"counted": code, **asked, **own}
                    assert set(await listed(who, filters)) == {row["number"] for row in rows if row["ticket"]}
                    if who in (watch, lifts) and n:
                        reply = await who.post("/v1/exports", {"form": "jsonl", "filters": filters})
                        assert await make_next_export(services, clock())
                        file = await who.get(f"/v1/exports/{reply.json()['id']}/file")
                        lines = [json.loads(line) for line in file.text.splitlines()]
                        assert len(lines) == n, (code, who.name, day)
                        assert sum(line["matter"] for line in lines) <= len({line["number"] for line in lines})
                        if code != "matters":
                            assert {line["order"] for line in lines} == {row["order"] for row in rows}
                            assert {x["order_department"] for x in lines} == {x["department"]["name"] for x in rows}


async def test_who_failed_names_the_unit_whose_order_broke_the_limit(
    cast: Cast, services: Services, clock: Clock
) -> None:
    """The lead answers for the ticket; the order that was late is an assisting one, at another department."""
    desk, watch, lifts, centre = [await cast(name) for name in ("desk", "watch", "lifts", "centre")]
    call = await desk.call("3栋电梯坏了", category="dt-fault", location={"area": "rq-b3"})
    ticket = await lifts.order(await lifts.see(call["number"]), "accept")
    ticket = await lifts.order(ticket, "assist", department="service-centre", reason="请联系住户")
    clock.forward(days=5)
    place = next(n for n, o in enumerate(ticket["assignments"]) if o["department"]["code"] == "service-centre")
    await centre.order(await centre.see(call["number"]), "accept", place=place)  # too late, the lead was in time
    clock.forward(days=20)
    while await update_rollups(services, clock()):
        pass
    span = {"first": "2026-11-01", "last": clock().date().isoformat()}
    orders = {o["id"]: o for o in (await watch.see(call["number"]))["assignments"]}
    late = {
        "on_time": ("due_at", {"property-works", "service-centre"}),
        "signed_in_time": ("accept_by", {"service-centre"}),
    }
    for figure, (limit, units) in late.items():
        rows = (await watch.get(f"/v1/figures/measures/failed.{figure}", params=span)).json()["items"]
        assert sorted(row["department"]["code"] for row in rows) == sorted(units), figure
        for row in rows:
            assert row["due"] == orders[row["order"]][limit]
            assert row["done"] == (orders[row["order"]]["accepted_at"] if limit == "accept_by" else None)
    (shown,) = (await figures_shown(services, watch, **span, figure="signed_in_time"))["listed"]
    assert shown["unit"].code == "service-centre" and shown["assists"] and shown["late"] > 0


async def test_figures_of_some_areas_are_shown_with_any_filter_that_can_be_counted(
    cast: Cast, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What limits a person is a dimension as well: a part that cannot be counted is left out, and the page stands."""
    monkeypatch.setitem(CAST, "watch3", Grant(frozenset({Role.SUPERVISOR}), None, "rq-g1"))
    desk, around = await cast("desk"), await cast("watch3")
    await desk.call("3栋电梯坏了", category="dt-fault", location={"area": "rq-b3"})
    for asked in ({"category": "dt-fault"}, {"channel": "phone"}, {"category": "dt-fault", "by": "day"},
                  {"department": "property-works", "by": "category"}):  # fmt: skip
        page = await figures_shown(services, around, **asked)
        assert page["tiles"] and (page["table"] is None) == (asked.get("by") != "day"), asked


def test_the_failures_of_a_figure_are_what_its_line_divides() -> None:
    for code, parts in FAILURES.items():
        figure = FIGURES[code]
        above, below = set(figure.numerator), set(figure.denominator)
        assert set(parts.any_of) == (above if not figure.high else below - above if above < below else below), code
        assert set(parts.none_of) == (set() if not figure.high or above < below else above), code
    assert FIGURES.keys() - FAILURES.keys() == {"new_matters"}
    assert counted_parts("met").any_of == ("met",)


def test_what_moved_a_figure_adds_up_to_the_whole_change() -> None:
    def of(met: int, missed: int) -> Share:
        return shares({"met": met, "missed": missed})["on_time"]

    now = {"a": of(50, 50), "b": of(90, 10), "new": of(10, 0)}
    before = {"a": of(90, 10), "b": of(45, 5), "gone": of(0, 20)}
    total, former = of(150, 60), of(135, 35)
    moved = {c.code: c.moved for c in contributions(now, before, total, former)}
    assert sum(moved.values()) == pytest.approx(150 / 210 - 135 / 170)
    assert moved["a"] < 0 < moved["gone"] and contributions(now, {}, total, of(0, 0)) == []


def test_periods_are_compared_with_those_before() -> None:

    assert period_before(date(2026, 11, 1), date(2026, 11, 30)) == (date(2026, 10, 1), date(2026, 10, 31))
    assert period_before(date(2026, 11, 9), date(2026, 11, 15)) == (date(2026, 11, 2), date(2026, 11, 8))
    assert year_before(date(2028, 2, 29), date(2028, 3, 1)) == (date(2027, 2, 28), date(2027, 3, 1))


async def test_outlines_are_shown_before_they_replace_any(
    cast: Cast, services: Services, clock: Clock, tmp_path: Path
) -> None:
    watch, block, desk = await cast("watch"), await cast("block3"), await cast("desk")
    made = await seed_outlines(services, RUIQUAN, clock())
    assert made is not None and made.added > 28
    page = (await watch.get("/v1/map/outlines", params={"area": "rq"})).json()
    codes = {f["properties"]["code"] for f in page["features"]}
    assert {"rq-land", "rq-b8", "rq-road1"} <= codes and len(codes) == made.added
    own = {f["properties"]["code"] for f in (await block.get("/v1/map/outlines")).json()["features"]}
    assert "rq-b3" in own and "rq-b9" not in own
    assert (await watch.get("/v1/map/outlines", params={"area": "nowhere"})).status_code == 404
    square = [[103.8, 30.7], [103.81, 30.7], [103.81, 30.71], [103.8, 30.7]]
    one = {"type": "Feature", "properties": {"area": "rq-b8"}, "geometry": {"type": "Polygon", "coordinates": [square]}}
    ours = {"type": "FeatureCollection", "features": [one]}
    shown = await import_outlines(services, ours, clock(), save=False)
    assert (shown.changed, shown.removed) == (1, made.added - 1)
    assert len((await watch.get("/v1/map/outlines")).json()["features"]) == made.added
    await import_outlines(services, ours, clock(), save=True)
    assert [f["properties"]["area"]["name"] for f in (await desk.get("/v1/map/outlines")).json()["features"]] == [
        "瑞泉馨城8栋"
    ]
    with pytest.raises(Refused):
        await import_outlines(services, {**ours, "features": [one, one]}, clock(), save=True)


def test_an_outline_that_cannot_be_drawn_is_named() -> None:
    def feature(kind: str = "building", coordinates: Any = ((1, 2),), **properties: Any) -> dict[str, Any]:
        shape = {"type": "Polygon", "coordinates": [[list(p) for p in coordinates]]}
        return {"type": "Feature", "properties": {"kind": kind, **properties}, "geometry": shape}

    wrong = [feature(area="elsewhere"), feature(), feature("castle", code="x"), feature(code="y", coordinates=((1, 200),)),
             feature(code="z", coordinates=((True, 2),)), feature("label", code="w"), {"type": "Point"}]  # fmt: skip
    with pytest.raises(OutlineErrors) as caught:
        parse_outlines({"type": "FeatureCollection", "features": wrong}, {"rq"})
    assert [where for where, _ in caught.value.errors] == [f"feature {n}" for n in range(1, len(wrong) + 1)]
    with pytest.raises(OutlineErrors):
        parse_outlines({"features": []}, {"rq"})

"""Exports: within one's view, masked by one's role, and never as a formula; and the reports."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.reporting.service import exports, reports
from hotline.reporting.service.figures import update_rollups
from hotline.reporting.vocabulary import Period
from hotline.storage import spreadsheets
from hotline.tickets.context import Services
from tests.conftest import LIFT, Cast, Clock, Player


async def taken_out(player: Player, services: Services, clock: Clock, **body: Any) -> tuple[dict[str, Any], bytes]:
    """Ask for a file, let the worker make it, fetch it."""
    asked = await player.post("/v1/exports", body)
    assert asked.status_code == 202, asked.text
    while await exports.make_next_export(services, clock()):
        pass
    told = (await player.get(f"/v1/exports/{asked.json()['id']}")).json()
    assert told["status"] == "ready", told
    file = await player.get(f"/v1/exports/{told['id']}/file")
    assert file.status_code == 200, file.text
    return told, file.content


def rows_of(data: bytes) -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf")  # a spreadsheet takes it for Chinese
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


async def test_the_desk_takes_all_of_it_and_a_department_its_own_masked(
    cast: Cast, services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    desk, lifts, pipes = await cast("desk"), await cast("lifts"), await cast("pipes")
    await desk.call("场馆怎么预约", category="wt-venue", caller={"phone": "13800138001", "name": "李明"})
    told, data = await taken_out(desk, services, clock, form="csv")
    assert told["rows"] == 2 and [r["caller_phone"] for r in rows_of(data)] == ["'+8613800138000", "'+8613800138001"]
    told, data = await taken_out(lifts, services, clock, form="csv")
    [row] = rows_of(data)
    assert row["number"] == lift_ticket["number"]
    assert "13800138000" not in data.decode() and row["caller_name"] == "王**"
    assert (await pipes.get(f"/v1/exports/{told['id']}")).status_code == 404
    assert (await pipes.get(f"/v1/exports/{told['id']}/file")).status_code == 404


async def test_a_confidential_caller_leaves_with_nobody(cast: Cast, services: Services, clock: Clock) -> None:
    desk, watch = await cast("desk"), await cast("watch")
    await desk.call("举报有人私占公共收益", kind="report", caller={"phone": "13800138009", "name": "赵某"})
    for form in ("csv", "jsonl"):
        _, data = await taken_out(watch, services, clock, form=form)
        assert b"13800138009" not in data and "赵某" not in data.decode()
    _, data = await taken_out(desk, services, clock, form="open311")
    assert len(rows_of(b"\xef\xbb\xbf" + data)) == 0  # the public form knows nothing of it


@pytest.mark.parametrize("words", ["=1+1", "+8613800138000", "-2+3", "@SUM(A1)", "\t=1"])
async def test_a_residents_words_are_never_a_formula(
    desk: Player, services: Services, clock: Clock, words: str
) -> None:
    await desk.call(f"{words}", title=words.strip() or "x", category="dt-fault")
    _, data = await taken_out(desk, services, clock, form="csv")
    [row] = rows_of(data)
    assert row["title"][:1] not in ("=", "+", "-", "@", "\t") and row["narrative"][:1] not in ("=", "+", "-", "@", "\t")
    _, data = await taken_out(desk, services, clock, form="xlsx")
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "hyperlink" not in sheet.lower()


async def test_histories_go_line_by_line_and_filters_hold(
    desk: Player, services: Services, clock: Clock, lift_ticket: Any
) -> None:
    clock.forward(days=2)
    later = await desk.call("路灯坏了", category="wx-light")
    told, data = await taken_out(
        desk, services, clock, kind="timeline", form="jsonl", filters={"created_from": clock().isoformat()}
    )
    lines = [json.loads(line) for line in data.splitlines()]
    assert {x["number"] for x in lines} == {later["number"]} and lines[0]["action"] == "receive"
    assert told["rows"] == len(lines)
    _, data = await taken_out(desk, services, clock, filters={"category": ["dt"], "status": ["dispatched"]})
    assert [r["number"] for r in rows_of(data)] == [lift_ticket["number"]]


async def test_many_pages_are_one_file_and_a_lost_worker_begins_anew(
    desk: Player, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    numbers = [(await desk.call(f"第{n}盏路灯坏了"))["number"] for n in range(7)]
    asked = (await desk.post("/v1/exports", {"form": "csv"})).json()
    from hotline.reporting.store import exports as report_exports

    await services.db.transact(lambda c: report_exports.claim_export(c, "a worker that died"))
    assert not await exports.make_next_export(services, clock())
    assert (await desk.get(f"/v1/exports/{asked['id']}/file")).status_code == 409
    clock.forward(minutes=3)
    assert await exports.make_next_export(services, clock())
    file = await desk.get(f"/v1/exports/{asked['id']}/file")
    assert [r["number"] for r in rows_of(file.content)] == numbers
    assert not list(exports.exports_folder(services).glob("*.a worke*"))


async def test_who_took_what_is_on_record_and_a_file_does_not_lie_about(
    desk: Player, watch: Player, services: Services, clock: Clock, lift_ticket: Any
) -> None:
    told, _ = await taken_out(desk, services, clock)
    log = (await watch.get("/v1/exports", params={"everybody": True})).json()["items"]
    assert [(x["by"], x["rows"], x["downloads"]) for x in log] == [("desk", 1, 1)]
    assert (await desk.get("/v1/exports", params={"everybody": True})).status_code == 403
    clock.forward(days=8)
    assert await exports.delete_expired_exports(services, clock()) == 1
    assert list(Path(exports.exports_folder(services)).iterdir()) == []
    assert (await desk.get(f"/v1/exports/{told['id']}/file")).status_code == 409


async def test_one_person_has_so_many_files_made_at_once(desk: Player) -> None:
    for _ in range(exports.MOST_AT_ONCE):
        assert (await desk.post("/v1/exports", {})).status_code == 202
    assert (await desk.post("/v1/exports", {})).status_code == 429
    reply = await desk.post("/v1/exports", {"kind": "timeline", "form": "open311"})
    assert reply.status_code in (422, 429)


async def test_reports_are_made_once_when_their_period_is_over(
    desk: Player, watch: Player, pipes: Player, services: Services, clock: Clock
) -> None:
    await update_rollups(services, clock())
    await desk.call(LIFT, category="dt-fault")
    assert await reports.make_due_reports(services, clock()) == 3  # yesterday, last week, last month
    clock.forward(days=1)
    assert (
        await reports.make_due_reports(services, clock()) == 0
    )  # what happened is not folded yet: no report leaves it out
    while await update_rollups(services, clock()):
        pass
    assert await reports.make_due_reports(services, clock()) == 1
    assert await reports.make_due_reports(services, clock()) == 0
    listed = (await watch.get("/v1/reports")).json()["items"]
    day = next(r for r in listed if r["period"] == "day" and r["first"] == "2026-11-25")
    told = (await watch.get(f"/v1/reports/day/{day['first']}")).json()
    assert told["whole"]["counts"]["accepted"] == 1
    await desk.call(LIFT, category="dt-fault")  # what comes later changes no report
    clock.forward(minutes=1)
    while await update_rollups(services, clock()):
        pass
    assert (await watch.get(f"/v1/reports/day/{day['first']}")).json()["whole"] == told["whole"]
    table = await watch.get(f"/v1/reports/day/{day['first']}", params={"form": "csv", "language": "en"})
    assert "On-time rate" in table.text and table.content.startswith(b"\xef\xbb\xbf")
    book = await watch.get(f"/v1/reports/day/{day['first']}", params={"form": "xlsx"})
    assert zipfile.is_zipfile(io.BytesIO(book.content))
    assert (await watch.get("/v1/reports/day/2020-01-01")).status_code == 404
    assert (await pipes.get("/v1/reports")).status_code == 403


async def test_a_week_and_a_month_are_reported_on_their_last_day_plus_one(services: Services, clock: Clock) -> None:
    await update_rollups(services, clock())
    clock.now = clock.now.replace(month=12, day=1, hour=0)  # a Tuesday, eight in the morning in the organisation's zone
    assert await reports.make_due_reports(services, clock()) == 3
    for period, first in ((Period.DAY, "2026-11-30"), (Period.WEEK, "2026-11-23"), (Period.MONTH, "2026-11-01")):
        assert (await reports.load_report(services, period, first)).first.isoformat() == first
    clock.now += timedelta(hours=1)
    assert await reports.make_due_reports(services, clock()) == 0


async def test_whoever_lost_a_role_cannot_fetch_what_they_took_with_it(
    desk: Player, services: Services, clock: Clock, lift_ticket: Any, app: Any
) -> None:
    told, _ = await taken_out(desk, services, clock)
    await services.db.transact(lambda c: c.execute(sa.text("UPDATE api_key SET roles = :r WHERE id = :i"),
                                                {"r": '["auditor"]', "i": desk.actor.id}))  # fmt: skip
    app.state.actor_cache.forget()
    assert (await desk.get(f"/v1/exports/{told['id']}/file")).status_code == 404


async def test_a_file_that_loses_its_worker_again_and_again_is_given_up(
    desk: Player, services: Services, clock: Clock
) -> None:
    asked = (await desk.post("/v1/exports", {})).json()
    from hotline.reporting.store import exports as report_exports

    for _ in range(exports.MOST_TRIES):
        await services.db.transact(lambda c: report_exports.claim_export(c, "lost"))
        clock.forward(minutes=5)
    assert await exports.make_next_export(services, clock())
    assert (await desk.get(f"/v1/exports/{asked['id']}")).json()["status"] == "failed"


async def test_reports_missed_while_the_worker_was_away_are_made_up_for(services: Services, clock: Clock) -> None:
    await update_rollups(services, clock())
    assert await reports.make_due_reports(services, clock()) == 3
    clock.forward(days=5)
    assert await reports.make_due_reports(services, clock()) == 5 + 1  # five days, and the week that ended meanwhile


def test_a_sheet_that_is_full_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_ROWS", 4)
    out = io.BytesIO()
    book = spreadsheets.Workbook(out)
    book.begin_sheet("tickets", ["n"])
    book.add([[n] for n in range(8)])
    book.close()
    with zipfile.ZipFile(out) as made:
        sheets = [n for n in made.namelist() if n.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 3 and sum(made.read(n).count(b"<row ") for n in sheets) == 8 + 3

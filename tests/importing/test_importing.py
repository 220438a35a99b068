"""Another system's tickets: nothing dropped in silence, right states and timelines, a second run adds nothing."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.database.keyset import KeysetPage
from hotline.delivery import store as outbox_store
from hotline.importing.mapping import load_mapping
from hotline.importing.service.importer import ImportJob, import_file
from hotline.importing.service.report import ImportReport
from hotline.operations.doctor import run_checks
from hotline.organisation.model.actors import CLOCK
from hotline.organisation.model.items import Override
from hotline.organisation.model.scopes import Scope
from hotline.organisation.service.directory import change
from hotline.organisation.service.seeding import add_missing_items
from hotline.packaged_files import packaged_folder
from hotline.refusals import Refused
from hotline.tickets.context import Services
from hotline.tickets.sla.jobs import escalate_due, start_missing_clocks
from hotline.tickets.store import callers, counters, lists
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.tables import call
from tests.conftest import ROOT, Clock, Player
from tests.importing.test_import_mapping import layout
from tests.sizes import sized

SHARED = ROOT.parent / "shared" / "data" / "nyc311-2023-02-28.csv"
HEAD = [
    "Unique Key",
    "Created Date",
    "Closed Date",
    "Agency",
    "Complaint Type",
    "Descriptor",
    "Location Type",
    "Incident Zip",
    "Incident Address",
    "City",
    "Status",
    "Resolution Description",
    "Resolution Action Updated Date",
    "Borough",
    "Open Data Channel Type",
    "Latitude",
    "Longitude",
    "Intersection Street 1",
    "Intersection Street 2",
    "Cross Street 1",
    "Cross Street 2",
]
GOOD = {
    "Unique Key": "1",
    "Created Date": "02/28/2023 11:45:00 PM",
    "Closed Date": "03/01/2023 01:00:00 AM",
    "Agency": "DOT",
    "Complaint Type": "Street Condition",
    "Descriptor": "Pothole",
    "Incident Zip": "10033",
    "Incident Address": "11 AVENUE",
    "Status": "Closed",
    "Borough": "MANHATTAN",
    "Open Data Channel Type": "PHONE",
    "Latitude": "40.7",
    "Longitude": "-74.0",
    "Resolution Description": "Repaired.",
    "Resolution Action Updated Date": "03/01/2023 01:00:00 AM",
}


def written(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, HEAD)
        out.writeheader()
        out.writerows({h: row.get(h, "") for h in HEAD} for row in rows)
    return path


async def taken(services: Services, path: Path, clock: Clock, desk: Player, **over: Any) -> ImportReport:
    folder = packaged_folder("seeds") / "nyc311"
    dry = over.get("dry_run", False)
    directory = await add_missing_items(
        services.directory, folder, packaged_folder("seeds"), desk.actor, clock(), save=not dry
    )
    return await import_file(services, ImportJob(path, load_mapping(folder), directory, dry_run=dry), clock())


async def test_a_closed_request_arrives_with_its_whole_story(
    services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    report = await taken(services, written(tmp_path / "f.csv", GOOD), clock, desk)
    assert (report.taken, report.refused) == (1, [])
    t = (await desk.get("/v1/tickets", params={"outer_number": "1"})).json()["items"][0]
    whole = await desk.see(t)
    assert (whole["status"], whole["created_at"], whole["closed_at"]) == (
        "closed",
        "2023-03-01T04:45:00+00:00",
        "2023-03-01T06:00:00+00:00",
    )
    assert (whole["assignments"][0]["department"]["code"], whole["result"]["public_reply"]) == ("nyc-dot", "Repaired.")
    told = (await desk.get(f"/v1/tickets/{t['number']}/timeline")).json()["items"]
    assert [e["action"] for e in told] == [
        "receive",
        "triage",
        "dispatch",
        "accept",
        "report",
        "accept_report",
        "confirm",
    ]
    assert await counters.load_counter_drift(services.db) == {}


async def test_dirty_rows_are_kept_and_say_what_was_odd(
    services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    rows = [
        {**GOOD, "Unique Key": "early", "Closed Date": "01/01/2023 01:00:00 AM"},
        {**GOOD, "Unique Key": "zip", "Incident Zip": "66666"},
        {
            **GOOD,
            "Unique Key": "itself",
            "Agency": "NYC311-PRD",
            "Status": "Open",
            "Closed Date": "03/09/2023 12:00:00 AM",
        },
    ]
    report = await taken(services, written(tmp_path / "f.csv", *rows), clock, desk)
    assert (report.taken, report.refused) == (3, [])
    assert len(report.odd) == 4
    early = (await desk.get("/v1/tickets", params={"outer_number": "early"})).json()["items"][0]
    assert early["closed_at"] == early["created_at"]
    first = (await desk.get(f"/v1/tickets/{early['number']}/timeline")).json()["items"][0]
    assert first["changes"]["closed_at"][0] == "01/01/2023 01:00:00 AM"
    itself = (await desk.get("/v1/tickets", params={"outer_number": "itself"})).json()["items"][0]
    assert (itself["department"]["code"], itself["status"]) == ("nyc-dep", "dispatched")


BAD = [
    ({"Unique Key": ""}, "Unique Key"),
    ({"Created Date": "yesterday"}, "Created Date"),
    ({"Status": "Dreaming"}, "Status"),
    ({"Complaint Type": "Dragons"}, "Complaint Type"),
    ({"Latitude": "north"}, "Latitude"),
    ({"Latitude": "140"}, "Latitude"),
    ({"Created Date": "02/28/2099 11:45:00 PM", "Closed Date": ""}, "Created Date"),
    ({"Unique Key": "x" * 81}, "Unique Key"),
    ({"Closed Date": "13/45/2023 01:00:00 AM"}, "Closed Date"),
]


@pytest.mark.parametrize(("change", "column"), BAD, ids=[c for _, c in BAD])
async def test_a_row_that_cannot_be_taken_is_refused_by_column_and_its_neighbours_are_not(
    change: dict[str, str], column: str, services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    path = written(
        tmp_path / "f.csv",
        {**GOOD, "Unique Key": "a"},
        {**GOOD, "Unique Key": "b", **change},
        {**GOOD, "Unique Key": "c"},
    )
    report = await taken(services, path, clock, desk)
    assert report.taken == 2
    assert [place for place, _ in report.refused] == ["row 3"]
    assert column in report.refused[0][1]


async def test_a_second_run_goes_on_and_a_dry_run_keeps_nothing(
    services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    rows = [{**GOOD, "Unique Key": str(n)} for n in range(120)]
    dry = await taken(services, written(tmp_path / "f.csv", *rows), clock, desk, dry_run=True)
    assert dry.taken == 120
    assert (await services.directory.now(clock())).version == 1
    assert await lists.load_tickets(services.db, Scope(True, None, frozenset()), {}, KeysetPage(10)) == []
    half = await taken(services, written(tmp_path / "half.csv", *rows[:70]), clock, desk)
    whole = await taken(services, written(tmp_path / "f.csv", *rows, rows[0]), clock, desk)
    assert (half.taken, whole.taken, whole.known) == (70, 50, 70)
    assert whole.refused == [("row 122", "Unique Key: the same id stands in an earlier row")]


async def test_bytes_that_are_no_text_are_refused_by_row(
    services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    path = written(tmp_path / "f.csv", {**GOOD, "Unique Key": "a"}, {**GOOD, "Unique Key": "b", "Descriptor": "XX"})
    path.write_bytes(path.read_bytes().replace(b"XX", b"\xff\xfe"))
    report = await taken(services, path, clock, desk)
    assert (report.taken, len(report.refused)) == (1, 1)


# of a day's cases one in so many; taken, by status, at work in the largest department, odd: closed before created, the
# hotline itself as agency
EVERY, NEW_YORK = sized(
    (8, (625, {"closed": 545, "dispatched": 79, "awaiting_info": 1}, 224, 1, 17)),
    (1, (4999, {"closed": 4419, "dispatched": 576, "awaiting_info": 4}, 1801, 2, 73)),
)  # fmt: skip


async def test_all_of_a_real_day_of_new_york(
    services: Services, clock: Clock, desk: Player, db: Any, tmp_path: Path
) -> None:
    if not SHARED.exists():
        pytest.skip("../shared/data is not here")
    with SHARED.open(encoding="utf-8", newline="") as file:
        heading, *cases = csv.reader(file)
    with (tmp_path / "day.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([heading, *cases[::EVERY]])
    count, by_status, largest, turned, own = NEW_YORK
    report = await taken(services, tmp_path / "day.csv", clock, desk)
    assert (report.taken, report.refused) == (count, [])
    assert report.by_status == by_status
    assert report.odd["closed before it was created: closed at its creation instead"] == turned
    assert report.odd["Agency NYC311-PRD: the hotline itself stands where the agency should"] == own
    assert await counters.load_counter_drift(db) == {}
    held = await counters.load_counts(db, "assignment", frozenset({"nyc-hpd"}))
    assert sum(held.values()) == largest


CASE = {
    "No": "1", "Created": "2026-11-20 08:00:00", "Closed": "", "Due": "", "Title": "电梯", "Text": "3栋电梯坏了",
    "Phone": "13800138000", "Caller": "王秀英", "Wechat": "", "Reply": "", "Status": "办理中", "Dept": "水务",
    "Area": "3栋", "Category": "电梯", "Priority": "",
}  # fmt: skip


async def moved(services: Services, folder: Path, clock: Clock, *cases: dict[str, str], **over: Any) -> ImportReport:
    """Take these cases of the city's old hotline in, by its mapping with these changes."""
    with (folder / "city.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, [*CASE])
        out.writeheader()
        out.writerows({**CASE, **case} for case in cases)
    options = {name: over.pop(name) for name in ("dry_run", "notify", "rejected") if name in over}
    directory = await services.directory.now(clock())
    job = ImportJob(folder / "city.csv", layout(folder, **over), directory, **options)
    return await import_file(services, job, clock())


async def the_case(services: Services, outer: str, desk: Player) -> dict[str, Any]:
    found = (await desk.get("/v1/tickets", params={"outer_number": outer})).json()["items"]
    assert len(found) == 1, outer
    return await desk.see(found[0])


async def test_a_case_that_moves_house_keeps_whom_to_call_back_and_by_when(
    services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    report = await moved(
        services, tmp_path, clock, {"Due": "2026-12-20 18:00:00", "Priority": "特急", "Wechat": "wangxiuying"}
    )
    assert (report.taken, report.refused) == (1, [])
    case = await the_case(services, "1", desk)
    facts = await ticket_facts.load_facts(services.db, Scope(True, None, frozenset()), case["number"])
    assert facts is not None
    t = facts.ticket
    assert (t.phone, t.caller_name, t.contact, t.reply_wanted) == ("+8613800138000", "王秀英", "wangxiuying", True)
    assert (t.priority, t.area, t.department, t.outer_number) == ("emergency", "rq-b3", "water", "1")
    assert str(t.outer_due_at) == str(t.promised_at) == "2026-12-20 10:00:00+00:00"
    known = (await desk.post("/v1/callers/lookup", {"phone": "13800138000"})).json()
    assert [x["number"] for x in known["open"]] == [case["number"]]


@pytest.mark.parametrize(
    "phone", ["0731-88880000转802", "不详请加微信", "85291234567x", "13800138000或找王阿姨", "1" * 80]
)
async def test_a_number_nobody_can_read_is_kept_as_it_was_written(
    phone: str, services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    report = await moved(services, tmp_path, clock, {"Phone": phone, "Wechat": "wx"})
    assert (report.taken, report.refused) == (1, [])
    case = await the_case(services, "1", desk)
    facts = await ticket_facts.load_facts(services.db, Scope(True, None, frozenset()), case["number"])
    assert facts is not None and facts.ticket.reply_wanted
    assert facts.ticket.contact == f"wx; {phone}"
    assert await services.db.transact(lambda c: c.scalar(sa.select(call.c.raw_phone))) == phone


ENDS = {  # the word in the file: (our word in the mapping, the state the ticket must be in)
    "待派": ("triaged", "triaged"),
    "受理": ("received", "received"),
    "转派": ("dispatched", "dispatched"),
    "办理": ("accepted", "dispatched"),
    "补充": ("awaiting_info", "awaiting_info"),
    "待回访": ("resolved", "resolved"),
    "挂账": ("shelved", "shelved"),
    "办结": ("closed", "closed"),
    "撤回": ("withdrawn", "withdrawn"),
    "不予受理": ("declined", "declined"),
    "废单": ("void", "void"),
}


@pytest.mark.parametrize("with_department", [True, False])
async def test_every_case_ends_in_the_state_the_mapping_says(
    with_department: bool, services: Services, clock: Clock, desk: Player, db: Any, tmp_path: Path
) -> None:
    """A cancelled case is no open order of a department."""
    ends = {w: e for w, e in ENDS.items() if with_department or e[0] not in ("dispatched", "accepted", "resolved")}
    over: dict[str, Any] = {} if with_department else {"department": None}
    report = await moved(
        services, tmp_path, clock,
        *({"No": word, "Status": word, "Closed": "2026-11-21 08:00:00"} for word in ends),
        status={"column": "Status", "values": {word: target for word, (target, _) in ends.items()}},
        decline_reason="legal_procedure", void_reason="test", **over,
    )  # fmt: skip
    assert (report.taken, report.refused) == (len(ends), [])
    found = {word: await the_case(services, word, desk) for word in ends}
    assert {word: t["status"] for word, t in found.items()} == {word: state for word, (_, state) in ends.items()}
    for word in ("办结", "撤回", "不予受理", "废单"):
        live = [a for a in found[word]["assignments"] if a["status"] not in ("done", "recalled")]
        assert live == [], word
    assert await counters.load_counter_drift(db) == {}


@pytest.mark.parametrize("at_night", [False, True])
async def test_an_import_tells_nobody_of_the_past_and_its_limits_begin_now(
    at_night: bool, services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    """An open case of last spring is late nowhere here, and no department is flooded; not at night either,
    with nobody on duty, when what comes in new is told at once."""
    if at_night:
        clock.forward(hours=12)
        gap = Override(start="2026-11-25T18:00", end="2026-11-26T08:00", member=None)
        rosters = (await services.directory.now(clock())).rosters
        nobody = [("rosters", code, replace(roster, overrides=(gap,))) for code, roster in rosters.items()]
        await change(services.directory, nobody, CLOCK, clock())
    cases = [{"No": str(n), "Created": "2026-03-02 08:00:00", "Priority": "特急" if n % 2 else "",
              "Status": "办理中" if n < 8 else "待派"} for n in range(10)]  # fmt: skip
    status = {"column": "Status", "values": {"办理中": "issued", "待派": "triaged"}}
    assert (await moved(services, tmp_path, clock, *cases, status=status)).taken == 10
    assert await outbox_store.load_messages(services.db, "queued", "", 50) == []
    case = await the_case(services, "2", desk)
    running = case["clocks"]["running"]
    assert {c["metric"] for c in running} >= {"resolve", "report", "accept"}
    assert all(c["due_at"] > clock().isoformat() for c in running)
    assert await start_missing_clocks(services, clock()) == 0  # nothing is left for a worker to start, and to tell of
    assert (await escalate_due(services, clock())).fired == 0
    assert await outbox_store.load_messages(services.db, "queued", "", 50) == []
    assert not [f for f in await run_checks(services, clock()) if f.wrong and f.check in ("tickets", "clocks")]


async def test_departments_hear_of_the_orders_they_get_where_it_is_asked_for(
    services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    ended = {"No": "2", "Status": "办结", "Closed": "2026-11-21 08:00:00"}
    await moved(services, tmp_path, clock, {}, ended, notify=True)
    told = await outbox_store.load_messages(services.db, "queued", "", 50)
    assert [(m.kind, m.partition) for m in told] == [("department", "department:water")]


async def test_an_old_export_does_not_change_what_is_known_of_a_caller(
    services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    await desk.call("路灯不亮", caller={"phone": "13800138000", "name": "王秀英（新）"})
    before = await callers.load_caller(services.db, "+8613800138000")
    clock.forward(hours=1)
    await moved(services, tmp_path, clock, {"Caller": "王小姐"})
    assert await callers.load_caller(services.db, "+8613800138000") == before


WRONG: list[tuple[dict[str, str], str, str]] = [
    ({"Created": "12/31/9999"}, "Created", "not a moment"),
    ({"Created": "9999-12-31 23:59:59"}, "Created", "future"),
    ({"Created": "0001-01-01 00:00:00"}, "Created", "lies"),
    ({"Created": "1900-01-01 00:00:00"}, "Created", "lies before 1971"),
    ({"Created": ""}, "Created", "missing"),
    ({"Status": "办结", "Closed": "2031-01-01 00:00:00"}, "Closed", "future"),
    ({"Status": "办结", "Closed": "2026-11-01 00:00:00"}, "Closed", "closed before it was created"),
    ({"Due": "2026-11-01 00:00:00"}, "Due", "before the matter was created"),
    ({"Due": "2099-11-01 00:00:00"}, "Due", "five years"),
    ({"Status": "梦想"}, "Status", "does not know"),
    ({"Category": "龙"}, "Category", "does not know"),
    ({"Text": "长" * 10_001}, "Text", "at most 10000 characters"),
    ({"Caller": "长" * 121}, "Caller", "at most 120 characters"),
    ({"Title": " ", "Text": "N/A"}, "Title / Text", "at least one of them is needed"),
]


async def test_what_cannot_be_is_refused_by_line_column_and_rule(
    services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    cases = [{"No": str(n), **change} for n, (change, _, _) in enumerate(WRONG)]
    report = await moved(services, tmp_path, clock, *cases, {"No": "good"}, rejected=tmp_path / "rejected.csv")
    assert report.taken == 1 and report.refused_count == len(WRONG)
    for (_, column, rule), (place, why), line in zip(WRONG, report.refused, range(2, 99), strict=False):
        assert place == f"row {line}" and why.startswith(f"{column}: ") and rule in why, (why, column, rule)
        assert "13800138000" not in why and "王秀英" not in why
    assert sum(report.by_rule.values()) == len(WRONG)
    with (tmp_path / "rejected.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["No"] for row in csv.DictReader(file)] == [case["No"] for case in cases]


@pytest.mark.parametrize(
    "over",
    [
        {"status": {"column": "Status", "values": {"办理中": "issued", "Cancelled": "cancelled"}}},
        {"channel": {"column": "Status", "values": {"Email": "email"}, "other": "phone"}},
        {"zone": "Mars/Base"},
        {"reply": "Answer"},
    ],
)
async def test_nothing_is_taken_in_where_mapping_and_heading_do_not_fit(
    over: dict[str, Any], services: Services, clock: Clock, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="nothing was taken in"):
        await moved(services, tmp_path, clock, {}, **over)
    assert await lists.load_tickets(services.db, Scope(True, None, frozenset()), {}, KeysetPage(10)) == []


async def test_a_report_of_misconduct_stays_confidential_when_it_is_imported(
    services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    await moved(services, tmp_path, clock, {}, kind={"column": "Status", "other": "report"})
    facts = await ticket_facts.load_facts(
        services.db, Scope(True, None, frozenset()), (await the_case(services, "1", desk))["number"]
    )
    assert facts is not None and facts.ticket.confidential


async def test_a_matter_without_a_department_was_answered_at_once(
    services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    answered = {"Status": "办结", "Closed": "2026-11-20 08:10:00", "Reply": "按规定每月十日发放"}
    await moved(services, tmp_path, clock, answered, department=None,
                status={"column": "Status", "values": {"办结": "closed"}})  # fmt: skip
    case = await the_case(services, "1", desk)
    assert (case["status"], case["result"]["public_reply"], case["assignments"]) == ("closed", "按规定每月十日发放", [])


async def test_a_written_offset_counts_for_a_case_too(
    services: Services, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    await moved(services, tmp_path, clock, {"Created": "2020-01-01T12:00:00+00:00"},
                zone="America/Los_Angeles", time_format="%Y-%m-%dT%H:%M:%S%z")  # fmt: skip
    assert (await the_case(services, "1", desk))["created_at"] == "2020-01-01T12:00:00+00:00"

"""Another system's tickets: nothing dropped in silence, right states and timelines, a second run adds nothing."""

import csv
from pathlib import Path
from typing import Any

import pytest

from hotline.db import counters, tickets
from hotline.domain.privacy import Scope
from hotline.services.house import House
from hotline.services.importing import Report, import_file, read_mapping
from hotline.services.seeding import complete
from hotline.shipped import shipped
from tests.conftest import ROOT, Clock, Player

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


async def taken(house: House, path: Path, clock: Clock, desk: Player, **over: Any) -> Report:
    folder = shipped("seeds") / "nyc311"
    dry = over.get("dry_run", False)
    directory = await complete(house.db, house.directory, folder, shipped("seeds"), desk.actor, clock(), keep=not dry)
    return await import_file(
        house, path, read_mapping(folder), directory, dry_run=dry, progress=lambda n: None, now=clock()
    )


async def test_a_closed_request_arrives_with_its_whole_story(
    house: House, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    report = await taken(house, written(tmp_path / "f.csv", GOOD), clock, desk)
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
    assert await counters.drift(house.db) == {}


async def test_dirty_rows_are_kept_and_say_what_was_odd(
    house: House, clock: Clock, desk: Player, tmp_path: Path
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
    report = await taken(house, written(tmp_path / "f.csv", *rows), clock, desk)
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
    change: dict[str, str], column: str, house: House, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    path = written(
        tmp_path / "f.csv",
        {**GOOD, "Unique Key": "a"},
        {**GOOD, "Unique Key": "b", **change},
        {**GOOD, "Unique Key": "c"},
    )
    report = await taken(house, path, clock, desk)
    assert report.taken == 2
    assert [place for place, _ in report.refused] == ["row 3"]
    assert column in report.refused[0][1]


async def test_a_second_run_goes_on_and_a_dry_run_keeps_nothing(
    house: House, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    rows = [{**GOOD, "Unique Key": str(n)} for n in range(120)]
    dry = await taken(house, written(tmp_path / "f.csv", *rows), clock, desk, dry_run=True)
    assert dry.taken == 120
    assert (await house.directory.now(clock())).version == 1
    assert await tickets.listed(house.db, Scope(True, None, frozenset()), {}, 10) == []
    half = await taken(house, written(tmp_path / "half.csv", *rows[:70]), clock, desk)
    whole = await taken(house, written(tmp_path / "f.csv", *rows, rows[0]), clock, desk)
    assert (half.taken, whole.taken, whole.known) == (70, 50, 70)
    assert whole.refused == [("row 122", "Unique Key: the same id stands in an earlier row")]


async def test_bytes_that_are_no_text_are_refused_by_row(
    house: House, clock: Clock, desk: Player, tmp_path: Path
) -> None:
    path = written(tmp_path / "f.csv", {**GOOD, "Unique Key": "a"}, {**GOOD, "Unique Key": "b", "Descriptor": "XX"})
    path.write_bytes(path.read_bytes().replace(b"XX", b"\xff\xfe"))
    report = await taken(house, path, clock, desk)
    assert (report.taken, len(report.refused)) == (1, 1)


async def test_all_of_a_real_day_of_new_york(house: House, clock: Clock, desk: Player, db: Any) -> None:
    if not SHARED.exists():
        pytest.skip("../shared/data is not here")
    report = await taken(house, SHARED, clock, desk)
    assert (report.taken, report.refused) == (4999, [])
    assert report.by_status == {"closed": 4419, "dispatched": 576, "awaiting_info": 4}
    assert report.odd["closed before it was created: closed at its creation instead"] == 2
    assert report.odd["Agency NYC311-PRD: the hotline itself stands where the agency should"] == 73
    assert await counters.drift(db) == {}
    held = await counters.counted(db, "assignment", frozenset({"nyc-hpd"}))
    assert sum(held.values()) == 1801

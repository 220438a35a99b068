"""The command that imports a year's holiday notice."""

import json
from pathlib import Path

from tests.cli.commands import hotline


def test_a_years_notice_is_imported_whole_or_not_at_all(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    day = {"name": "元旦", "date": "2027-01-01", "isOffDay": True}
    (folder / "2027.json").write_text(json.dumps({"year": 2027, "days": [day, {**day, "date": "2026-02-30"}]}))
    refused = hotline(folder, "calendar", "import", "2027.json", code=1).stderr
    assert "days.1: a date" in refused and "nothing is changed" in refused
    (folder / "2027.json").write_text(json.dumps({"year": 2026, "days": [{**day, "date": "2026-01-01"}]}))
    assert "named for 2027" in hotline(folder, "calendar", "import", "2027.json", code=1).stderr
    (folder / "2027.json").write_text("{")
    assert "cannot read" in hotline(folder, "calendar", "import", "2027.json", code=1).stderr
    (folder / "2027.json").write_text(json.dumps({"year": 2027, "days": [day]}))
    assert "no calendar mars" in hotline(folder, "calendar", "import", "2027.json", "--calendar", "mars", code=1).stderr
    said = hotline(folder, "calendar", "import", "2027.json", "--year", "2027").stderr
    assert "announced to 2027-12-31; directory version 2" in said
    assert "please check: the notice has 1 days; a whole year's has about thirty" in said
    again = hotline(folder, "calendar", "import", "2027.json").stderr
    assert "already matches the notice; directory version 2" in again and "nothing changed" in again
    assert "recalculates" in said and "recalculates" not in again


def test_a_dry_run_of_a_notice_warns_as_the_import_does(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    (folder / "next.json").write_text(the_notice(2027, "2027-01-01"))
    dry, real = (hotline(folder, "calendar", "import", "next.json", *more).stderr for more in (["--dry-run"], []))
    warned = [[line for line in said.splitlines() if line.startswith("please check")] for said in (dry, real)]
    assert warned[0] == warned[1] == ["please check: the notice has 1 days; a whole year's has about thirty"]
    assert "nothing changed" in dry and "directory version 2" in real
    (folder / "two.json").write_text(the_notice(2026, "2026-01-01", "2026-05-01"))
    dry, asked = (
        hotline(folder, "calendar", "import", "two.json", *more, code=code).stderr
        for more, code in ((["--dry-run"], 0), ([], 2))
    )
    for said in (dry, asked):
        assert "please check: the calendar had 39 days of 2026, the notice has 2" in said
        assert "37 announced days would be removed and 0 changed" in said and "--replace" in said


def the_notice(year: int, *days: str) -> str:
    listed = [{"name": "节", "date": day, "isOffDay": True} for day in days]
    return json.dumps({"year": year, "papers": ["https://www.gov.cn"], "days": listed})


def test_announced_days_are_not_removed_without_being_asked(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    (folder / "two.json").write_text(the_notice(2026, "2026-01-01", "2026-05-01"))
    asked = hotline(folder, "calendar", "import", "two.json", code=2)
    assert "37 announced days would be removed" in asked.stderr and "--replace" in asked.stderr
    assert "- 2026-10-01  day off -> ordinary day  国庆节" in asked.stdout
    assert "nothing changed" in hotline(folder, "calendar", "import", "two.json", "--dry-run").stderr
    (folder / "next.json").write_text(the_notice(2027, "2026-12-31", "2027-01-01"))
    added = hotline(folder, "calendar", "import", "next.json")
    assert "+ 2026-12-31  ordinary day -> day off  节" in added.stdout and "directory version 2" in added.stderr
    replaced = hotline(folder, "calendar", "import", "two.json", "--replace")
    assert "2026-12-31" not in replaced.stdout and "directory version 3" in replaced.stderr
    (folder / "shorter.json").write_text(the_notice(2027, "2027-01-01"))
    assert "1 announced days would be removed" in hotline(folder, "calendar", "import", "shorter.json", code=2).stderr


def test_a_file_that_is_no_notice_is_told_by_name(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    for content in (b"[" * 100_000, b"\xff\xfe", b'{"year": 2026, "year": 2027, "days": []}', b""):
        (folder / "odd.json").write_bytes(content)
        said = hotline(folder, "calendar", "import", "odd.json", code=1).stderr
        assert "cannot read odd.json" in said and "Traceback" not in said

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
    said = hotline(folder, "calendar", "import", "2027.json", "--year", "2027", "--apply").stderr
    assert "announced to 2027-12-31; directory version 2" in said
    assert "please check: the notice has 1 days; a whole year's has about thirty" in said
    again = hotline(folder, "calendar", "import", "2027.json").stderr
    assert "already matches the notice; directory version 2" in again and "nothing changed" in again
    assert "recalculates" in said and "recalculates" not in again


def the_notice(year: int, *days: str) -> str:
    listed = [{"name": "节", "date": day, "isOffDay": True} for day in days]
    return json.dumps({"year": year, "papers": ["https://www.gov.cn"], "days": listed})


def test_nothing_is_written_before_it_was_shown_and_confirmed(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    (folder / "two.json").write_text(the_notice(2026, "2026-01-01", "2026-05-01"))
    (folder / "next.json").write_text(the_notice(2027, "2026-12-31", "2027-01-01"))
    for more, code in (([], 2), (["--dry-run"], 0)):
        asked = hotline(folder, "calendar", "import", "two.json", *more, code=code)
        assert "0 days added, 0 changed, 37 removed" in asked.stderr
        assert "please check: the calendar had 39 days of 2026, the notice has 2" in asked.stderr
        assert "- 2026-10-01  day off -> ordinary day  国庆节" in asked.stdout
    assert "nothing changed" in asked.stderr
    asked = hotline(folder, "calendar", "import", "next.json", code=2)  # what is only added is confirmed as well
    assert "+ 2026-12-31  ordinary day -> day off  节" in asked.stdout and "--apply" in asked.stderr
    assert "directory version 2" in hotline(folder, "calendar", "import", "next.json", "--apply").stderr
    replaced = hotline(folder, "calendar", "import", "two.json", "--apply")
    assert "2026-12-31" not in replaced.stdout and "directory version 3" in replaced.stderr
    (folder / "shorter.json").write_text(the_notice(2027, "2027-01-01"))
    assert "0 changed, 1 removed" in hotline(folder, "calendar", "import", "shorter.json", code=2).stderr


def test_a_table_and_a_calendar_file_are_notices_too(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    table = "日期,节日,类型\n2027/1/1,元旦,休息\n2027年1月3日,元旦,补班\n"
    (folder / "2027.csv").write_bytes(table.encode("gb18030"))
    said = hotline(folder, "calendar", "import", "2027.csv", "--apply")
    assert "+ 2027-01-01  ordinary day -> day off  元旦" in said.stdout
    assert "+ 2027-01-03  ordinary day -> working day  元旦" in said.stdout
    (folder / "cn.ics").write_text(CALENDAR)
    same = hotline(folder, "calendar", "import", "cn.ics", "--year", "2027", code=2)
    assert "1 days added, 0 changed, 0 removed" in same.stderr  # the other year and the festival do not count
    assert "+ 2027-01-02  ordinary day -> day off  元旦" in same.stdout
    assert "several years" in hotline(folder, "calendar", "import", "cn.ics", code=1).stderr
    (folder / "2028.csv").write_text("date,name,kind\n2028-01-01,x,perhaps\n2028-13-01,x,rest\n")
    wrong = hotline(folder, "calendar", "import", "2028.csv", code=1).stderr
    assert "row 2: rest or work" in wrong and "row 3: a date" in wrong


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//x//ZH
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20270101
DTEND;VALUE=DATE:20270103
SUMMARY:元旦 假期 第1天/共2天
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;VALUE=DATE:20270103
SUMMARY:元旦（班）
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART;VALUE=DATE:20270214
SUMMARY:情人节
END:VEVENT
BEGIN:VEVENT
UID:4
DTSTART;VALUE=DATE:20281001
SUMMARY:国庆节（休）
END:VEVENT
END:VCALENDAR
"""


def test_a_file_that_is_no_notice_is_told_by_name(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    for content in (b"[" * 100_000, b"\xff\xfe", b'{"year": 2026, "year": 2027, "days": []}', b""):
        (folder / "odd.json").write_bytes(content)
        said = hotline(folder, "calendar", "import", "odd.json", code=1).stderr
        assert "cannot read odd.json" in said and "Traceback" not in said

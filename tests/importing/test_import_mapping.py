"""What is wrong with a mapping is told by its path, all at once; a time is read as it was written."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hotline.importing.mapping import (
    STATUSES,
    ImportMapping,
    TimeParser,
    load_mapping,
    load_partial_mapping,
    mapping_errors,
    time_format_error,
)
from hotline.importing.service.importer import open_source
from hotline.organisation.model.directory import SEED_ORDER_NOUNS, Directory
from hotline.organisation.service.seeding import read_seed_items
from hotline.packaged_files import packaged_folder
from hotline.refusals import Refused

CITY: dict[str, Any] = {
    "about": "the city's old hotline",
    "source": "city",
    "format": "csv",
    "id": "No",
    "zone": "Asia/Shanghai",
    "time_format": ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M"],
    "created_at": "Created",
    "closed_at": "Closed",
    "due_at": "Due",
    "title": ["Title"],
    "narrative": ["Text"],
    "phone": "Phone",
    "name": "Caller",
    "contact": ["Wechat"],
    "reply": "Reply",
    "default_reply": "已办结",
    "status": {"column": "Status", "values": {"办结": "closed", "办理中": "issued"}},
    "department": {"column": "Dept", "values": {"水务": "water"}, "other": "service-centre"},
    "area": {"column": "Area", "values": {"3栋": "rq-b3"}, "other": "rq"},
    "category": {"column": "Category", "values": {"电梯": "dt-fault"}},
    "priority": {"column": "Priority", "values": {"特急": "emergency"}, "other": "normal"},
}


@pytest.fixture(scope="module")
def directory() -> Directory:
    root = packaged_folder("seeds")
    found: dict[str, Any] = {noun: {} for noun in SEED_ORDER_NOUNS}
    for noun, code, item in read_seed_items(root / "ruiquan", root):
        found[noun][code] = item
    return Directory(1, **found)


def layout(folder: Path, **over: Any) -> ImportMapping:
    (folder / "mapping.json").write_text(json.dumps({**CITY, **over}, ensure_ascii=False), encoding="utf-8")
    return load_mapping(folder)


def test_a_right_mapping_has_no_fault(directory: Directory, tmp_path: Path) -> None:
    assert mapping_errors(layout(tmp_path), directory) == []


def test_the_mapping_that_is_shipped_reads_what_it_says() -> None:
    assert load_mapping(packaged_folder("seeds") / "nyc311").source == "nyc311"


def words(**values: str) -> dict[str, Any]:
    return {"column": "X", "values": values}


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"zone": "Mars/Base"}, "zone", "unknown time zone"),
    ({"zone": "../../etc/passwd"}, "zone", "unknown time zone"),
    ({"zone": ""}, "zone", "unknown time zone"),
    ({"source": "The City!"}, "source", "a-z 0-9"),
    ({"source": "x" * 41}, "source", "1-40"),
    ({"time_format": "%Q"}, "time_format", "not a format"),
    ({"time_format": []}, "time_format", "at least one"),
    ({"time_format": ["%Y-%m-%d", "%H:%M"]}, "time_format.1", "no whole date"),
    ({"time_format": "%d/%m/%Y %I:%M"}, "time_format", "%I with %p"),
    ({"time_format": "%a %b %d %H:%M:%S %Z %Y"}, "time_format", "names of zones"),
    ({"status": words(Cancelled="cancelled")}, "status.values.Cancelled", "one of"),
    ({"status": words(Duplicate="merged")}, "status.values.Duplicate", "into which ticket is not known"),
    ({"status": {"column": "X", "other": "done"}}, "status.other", "one of"),
    ({"status": {"column": "X"}}, "status", "values, other or prefix"),
    ({"status": {"column": "X", "prefix": "c"}}, "status.prefix", "only for department"),
    ({"status": words(No="declined")}, "decline_reason", "needed"),
    ({"status": words(Test="void")}, "void_reason", "needed"),
    ({"department": None}, "department", "needed where a status is issued"),
    ({"department": words(Water="wasser")}, "department.values.Water", "unknown or retired"),
    ({"department": words(Watchers="supervision-committee")}, "department.values.Watchers", "committee"),
    ({"area": words(Moon="moon")}, "area.values.Moon", "unknown or retired"),
    ({"category": words(Dragon="dragon")}, "category.values.Dragon", "unknown or retired"),
    ({"category": {"column": "X", "prefix": "nothing-begins-so-"}}, "category.prefix", "no code"),
    ({"category": {"column": "X", "prefix": "dt-", "other": "dt-fault"}}, "category.prefix", "not both"),
    ({"channel": words(Email="email")}, "channel.values.Email", "one of phone"),
    ({"priority": words(High="high")}, "priority.values.High", "one of emergency"),
    ({"kind": words(Ask="question")}, "kind.values.Ask", "one of enquiry"),
    ({"confidential": words(Y="true")}, "confidential.values.Y", "one of yes, no"),
    ({"closed_at": "Created"}, "closed_at", "the same column as created_at"),
    ({"lat": "Lat"}, "lon", "left out together"),
    ({"narrative": []}, "narrative", "at least one column"),
    ({"default_reply": " "}, "default_reply", "characters"),
    ({"id": " No"}, "id", "without blanks"),
]


@pytest.mark.parametrize(("over", "where", "rule"), FAULTS, ids=[f"{n}-{w}" for n, (_, w, _) in enumerate(FAULTS)])
def test_what_is_wrong_with_a_mapping_is_named_by_its_path(
    over: dict[str, Any], where: str, rule: str, directory: Directory, tmp_path: Path
) -> None:
    if "committee" in rule and directory.home is not None:
        over = {"department": words(Watchers=str(directory.home.committee))}
    found = dict(mapping_errors(layout(tmp_path, **over), directory))
    assert where in found and rule in found[where], found


MALFORMED: list[tuple[str, str]] = [
    ("[]", "mapping"),
    ("{", "mapping.json"),
    ('"text"', "mapping"),
    (json.dumps({**CITY, "fone": "Phone"}), "fone"),
    (json.dumps({**CITY, "status": {**CITY["status"], "colum": "x"}}), "status.colum"),
    (json.dumps({**CITY, "format": "xlsx"}), "format"),
    (json.dumps({**CITY, "id": 5}), "id"),
    (json.dumps({k: v for k, v in CITY.items() if k != "status"}), "status"),
    (json.dumps({**CITY, "status": {"column": "S", "values": {"a": 1}}}), "status.values.a"),
    (json.dumps({**CITY, "decline_reason": "because"}), "decline_reason"),
    (json.dumps(CITY).replace('"closed"', '"closed", "\\u529e\\u7ed3": "issued"'), "mapping.json"),
]


@pytest.mark.parametrize(("text", "where"), MALFORMED, ids=[f"{n}-{w}" for n, (_, w) in enumerate(MALFORMED)])
def test_a_mapping_that_is_not_well_formed_is_refused_by_path(text: str, where: str, tmp_path: Path) -> None:
    (tmp_path / "mapping.json").write_text(text, encoding="utf-8")
    with pytest.raises(Refused) as refused:
        load_mapping(tmp_path)
    assert where in dict(refused.value.refusal.errors), refused.value.refusal


def test_what_is_not_well_formed_hides_nothing_else(directory: Directory, tmp_path: Path) -> None:
    for name in ("about", "source", "format", "id", "zone", "created_at", "title", "narrative", "status", "category"):
        text = json.dumps({**CITY, name: 5, "colour": "x", "priority": {"column": "P", "values": {"a": "no"}}})
        (tmp_path / "mapping.json").write_text(text, encoding="utf-8")
        (tmp_path / "f.csv").write_text("No,Created\n", encoding="utf-8")
        with pytest.raises(Refused) as refused:
            open_source(tmp_path / "f.csv", load_partial_mapping(tmp_path), directory)
        told = dict(refused.value.refusal.errors)
        assert {name, "colour", "priority.values.a"} <= told.keys(), told
        assert ("closed_at" in told) is (name != "format")  # the heading was looked at
        assert "-" not in " ".join(told.values()).split(), told


def test_every_word_of_a_status_names_a_state_there_is() -> None:
    assert {"closed", "withdrawn", "declined", "void", "resolved", "shelved"} <= STATUSES.keys()


LA = "America/Los_Angeles"
TIMES = [
    # zone, format, written, the moment in UTC
    (LA, "%Y-%m-%dT%H:%M:%S%z", "2020-01-01T12:00:00+00:00", "2020-01-01T12:00:00"),
    (LA, "%Y-%m-%dT%H:%M:%S%z", "2020-01-01T12:00:00Z", "2020-01-01T12:00:00"),
    (LA, "%Y-%m-%dT%H:%M:%SZ", "2020-01-01T12:00:00Z", "2020-01-01T12:00:00"),
    (LA, "%Y-%m-%d %H:%M:%S UTC", "2020-01-01 12:00:00 UTC", "2020-01-01T12:00:00"),
    (LA, "%Y-%m-%d %H:%M:%S %Z", "2020-01-01 12:00:00 GMT", "2020-01-01T12:00:00"),
    (LA, "%Y-%m-%dT%H:%M:%S+08:00", "2020-01-01T12:00:00+08:00", "2020-01-01T04:00:00"),
    (LA, "%Y-%m-%dT%H:%M:%S", "2020-01-01T12:00:00+0530", "2020-01-01T06:30:00"),
    (LA, "%m/%d/%Y %I:%M:%S %p", "01/01/2020 12:00:00 PM +00:00", "2020-01-01T12:00:00"),
    (LA, "%m/%d/%Y %I:%M:%S %p", "01/01/2020 12:00:00 PM", "2020-01-01T20:00:00"),
    (LA, "iso8601", "2020-01-01T12:00:00.1234567+00:00", "2020-01-01T12:00:00.123456"),
    (LA, "iso8601", "2020-01-01 12:00", "2020-01-01T20:00:00"),
    (LA, "unix", "1577880000", "2020-01-01T12:00:00"),
    (LA, "%d-%m-%Y", "01-02-2020", "2020-02-01T08:00:00"),
    ("Asia/Shanghai", "%Y年%m月%d日 %H时%M分", "2020年01月02日 08时30分", "2020-01-02T00:30:00"),
]


@pytest.mark.parametrize(("zone", "form", "text", "moment"), TIMES)
def test_a_written_offset_counts_whatever_the_zone_of_the_file(zone: str, form: str, text: str, moment: str) -> None:
    assert time_format_error(form) is None
    assert TimeParser(zone, (form,)).read(text) == (datetime.fromisoformat(moment).replace(tzinfo=UTC), None)


def test_several_ways_to_write_a_time_may_stand_in_one_file() -> None:
    times = TimeParser("Asia/Shanghai", ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "iso8601"))
    written = ("2020-01-02 08:00:00", "2020/01/02 08:00", "2020-01-02T00:00:00Z")
    assert {times.read(text)[0] for text in written} == {datetime(2020, 1, 2, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("text", "moment", "odd"),
    [
        ("2023-11-05 01:30:00", "2023-11-05T05:30:00", "came twice"),
        ("2023-03-12 02:30:00", "2023-03-12T07:30:00", "was skipped"),
        ("2023-11-05T01:30:00-05:00", "2023-11-05T06:30:00", None),
    ],
)
def test_an_hour_that_came_twice_or_never_is_decided_and_told(text: str, moment: str, odd: str | None) -> None:
    read, said = TimeParser("America/New_York", ("%Y-%m-%d %H:%M:%S", "iso8601")).read(text)
    assert read == datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert (said is None) if odd is None else odd in str(said)


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59", "0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00",
        "1900-01-01T00:00:00", "1970-01-01T00:00:00Z", "2020-02-30T00:00:00", "2020-01-01T25:00:00", "soon", "",
        "2020-01-01T12:00:00+99:99", "12/31/9999",
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_is_refused(text: str) -> None:
    """Years beyond what can be counted end in no fault, and dates that stand for none are no dates."""
    with pytest.raises(ValueError):
        TimeParser(LA, ("iso8601", "%Y-%m-%dT%H:%M:%S")).read(text)

"""A year's notice replaces its own days and no others, and nothing that was announced goes unseen."""

import json
from dataclasses import replace
from typing import Any

import pytest

from hotline.organisation.model.holidays import (
    calendar_change,
    days_of_notice,
    parse_notice,
    partial_notice_warning,
    with_notice,
    with_notices_of,
)
from hotline.organisation.model.items import Calendar
from hotline.refusals import Refused
from tests.conftest import ROOT

NOTICES = ROOT.parent / "shared" / "data"
CN = Calendar(
    code="cn", name="日历", name_en="calendar", zone="Asia/Shanghai", hours=("09:00-17:00",), confirmed_to="2025-12-31",
    days={"2025-10-01": False, "2024-12-29": True}, names={"2025-10-01": "国庆节", "2024-12-29": "元旦"},
)  # fmt: skip


def notice(year: int, *days: tuple[str, bool], **over: Any) -> dict[str, Any]:
    listed = [{"name": "节", "date": day, "isOffDay": off} for day, off in days]
    return {"year": year, "papers": [f"https://www.gov.cn/{year}"], "days": listed, **over}


def put(calendar: Calendar, data: dict[str, Any]) -> Calendar:
    return with_notice(calendar, parse_notice(data, "notice.json"))


OF_2026 = notice(2026, ("2026-10-01", True), ("2026-10-10", False))
OF_2027 = notice(2027, ("2026-12-31", True), ("2027-01-01", True), ("2027-01-03", False))
CORRECTED = notice(2026, ("2026-10-01", True), ("2026-10-11", False))


def test_a_corrected_notice_keeps_the_days_that_the_next_one_gave() -> None:
    both = put(put(CN, OF_2026), OF_2027)
    corrected = put(both, CORRECTED)
    assert corrected.days == {
        "2024-12-29": True, "2025-10-01": False, "2026-10-01": False, "2026-10-11": True,
        "2026-12-31": False, "2027-01-01": False, "2027-01-03": True,
    }  # fmt: skip
    assert corrected.names["2026-12-31"] == "节" and "2026-10-10" not in corrected.names
    assert corrected.notices["2026"] == ("2026-10-01", "2026-10-11")
    assert corrected.notices["2027"] == ("2026-12-31", "2027-01-01", "2027-01-03")
    assert corrected.papers == {"2026": ("https://www.gov.cn/2026",), "2027": ("https://www.gov.cn/2027",)}
    assert put(corrected, CORRECTED) == corrected


def test_a_correction_of_the_next_notice_takes_its_own_december_days_with_it() -> None:
    both = put(put(CN, OF_2026), OF_2027)
    corrected = put(both, notice(2027, ("2027-01-01", True)))
    assert [d for d in corrected.days if d > "2026-10-10"] == ["2027-01-01"]


def test_days_kept_before_notices_were_recorded_are_told_apart_all_the_same() -> None:
    """As an older version kept them: without a word of which notice gave them."""
    old = replace(put(put(CN, OF_2026), OF_2027), notices={}, papers={})
    assert days_of_notice(old, 2027) == {"2026-12-31", "2027-01-01", "2027-01-03"}
    assert put(old, CORRECTED).days["2026-12-31"] is False
    assert days_of_notice(CN, 2025) == {"2025-10-01", "2024-12-29"}


def test_a_december_day_of_the_notices_own_year_goes_with_it() -> None:
    own = put(CN, notice(2026, ("2026-10-01", True), ("2026-12-24", True)))
    assert "2026-12-24" not in put(put(own, OF_2027), CORRECTED).days
    assert put(put(own, OF_2027), CORRECTED).days["2026-12-31"] is False


def test_what_an_import_would_remove_and_change_is_told_day_by_day() -> None:
    before = put(put(CN, OF_2026), OF_2027)
    read = parse_notice(notice(2026, ("2026-10-01", False), ("2026-10-12", True), ("2026-12-31", False)), "x.json")
    found = calendar_change(before, with_notice(before, read), read)
    assert found.added == (("2026-10-12", None, False),)
    assert found.removed == (("2026-10-10", True, None),)
    assert found.changed == (("2026-10-01", False, True),)
    assert found.kept == ("2026-12-31",)  # the later notice says otherwise, and stays
    assert found.has_replacements and partial_notice_warning(before, read) is not None
    fresh = parse_notice(OF_2027, "x.json")
    assert not calendar_change(put(CN, OF_2026), before, fresh).has_replacements


WRONG: list[tuple[dict[str, Any], str]] = [
    (notice(2027, ("2027-01-01", True), colour="red"), "field 4"),
    (notice(2027, days=[{"name": "x", "date": "2027-01-01", "isOffDay": True, "note": "y"}]), "days.0"),
    (notice(2027, days=[{"name": ["x"], "date": "2027-01-01", "isOffDay": True}]), "days.0"),
    (notice(2027, days=[{"name": "x" * 61, "date": "2027-01-01", "isOffDay": True}]), "days.0"),
    (notice(2027, days=[{"name": "x\u0000", "date": "2027-01-01", "isOffDay": True}]), "days.0"),
    (notice(2027, days=["2027-01-01"]), "days.0"),
    (notice(2027, ("20270101", True)), "days.0"),
    (notice(2027, ("2027-W01-1", True)), "days.0"),
    (notice(2027, ("2027-1-1", True)), "days.0"),
    (notice(2027, ("2027-01-01", True), ("2027-01-01", False)), "days.1.date"),  # a holiday and worked
    (notice(2027, ("2028-01-01", True)), "days.0.date"),
    (notice(2027, ("2026-11-30", True)), "days.0.date"),
    (notice(99999, ("2027-01-01", True)), "year"),
    (notice(-1, ("2027-01-01", True)), "year"),
    (notice(2027, ("2027-01-01", True), papers="http://x"), "papers"),
    (notice(2027), "days"),
]


@pytest.mark.parametrize(("data", "where"), WRONG, ids=[f"{n}-{w}" for n, (_, w) in enumerate(WRONG)])
def test_a_notice_that_is_not_right_names_each_fault(data: dict[str, Any], where: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_notice(data, "notice.json")
    assert where in dict(refused.value.refusal.errors)


@pytest.mark.skipif(not NOTICES.is_dir(), reason="the notices' files are not there")
def test_the_real_notices_can_be_imported_in_order_and_each_again_without_a_change() -> None:
    files = [json.loads((NOTICES / f"holiday-cn-{y}.json").read_text(encoding="utf-8")) for y in range(2023, 2027)]
    calendar = replace(CN, days={}, names={}, confirmed_to="")
    for data in files:
        calendar = put(calendar, data)
    assert calendar.confirmed_to == "2026-12-31" and len(calendar.days) == sum(len(d["days"]) for d in files)
    for data in files:
        assert put(calendar, data) == calendar


def test_a_seed_brings_the_years_it_alone_knows_and_takes_no_day_away() -> None:
    mine = put(CN, notice(2026, ("2026-10-01", True)))
    seed = replace(put(put(CN, OF_2026), OF_2027), notices={}, papers={})
    after = with_notices_of(mine, seed)
    assert after.days["2026-12-31"] is False and after.confirmed_to == "2027-12-31"
    assert "2026-10-10" not in after.days  # 2026 is announced here: what was imported counts
    assert with_notices_of(seed, mine) == seed
    assert with_notices_of(replace(CN, confirmed_to=""), seed).days == {**CN.days, **seed.days}

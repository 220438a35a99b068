"""When a limit ends: 326 dated cases worked out independently (deadlines.csv), and what must hold for every calendar."""

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.organisation.model.items import Calendar, parse_span
from hotline.organisation.model.vocabulary import Counting, DayEnd, Metric, Unit
from hotline.organisation.model.working_time import WorkingTime, calculate_limit, explain_limit
from hotline.organisation.service.seeding import read_seed_items
from hotline.packaged_files import packaged_folder
from hotline.text.numbering import FIRST, number_from_serial
from hotline.tickets.model.ticket import Clock
from hotline.tickets.sla.timers import replay, timer_event


def _seeded(code: str) -> Calendar:
    found: dict[str, Any] = {
        c: i
        for noun, c, i in read_seed_items(packaged_folder("seeds") / "ruiquan", packaged_folder("seeds"))
        if noun == "calendars"
    }
    return found[code]  # type: ignore[no-any-return]


def _calendar(**over: Any) -> Calendar:
    return Calendar(**{"code": "x", "name": "x", "name_en": "x", "confirmed_to": "2030-12-31", **over})


CN = _seeded("cn")
CALENDARS = {
    "cn": CN,
    "cn1418": replace(CN, hours=("09:00-12:00", "14:00-18:00")),
    "cnclose": replace(CN, day_ends=DayEnd.CLOSE),
    "always": _seeded("always"),
    "night": _calendar(zone="Asia/Shanghai", hours=("22:00-06:00",), confirmed_to="2026-12-31"),
    "ams": _calendar(zone="Europe/Amsterdam", hours=("09:00-17:00",), counting=Counting.ELAPSED),
    "nyc": _calendar(zone="America/New_York", hours=("08:00-12:00", "13:00-17:00")),
    "ny24": _calendar(zone="America/New_York", hours=("00:00-24:00",), workdays=(0, 1, 2, 3, 4, 5, 6)),
}
RECKONERS = {code: WorkingTime(calendar) for code, calendar in CALENDARS.items()}
CASES = list(csv.DictReader((Path(__file__).parent / "deadlines.csv").read_text(encoding="utf-8").splitlines()))
TERMS = {
    "policy": "x",
    "version": 1,
    "source": "x",
    "ladder": "x",
    "steps": ["50% handler", "100% head"],
    "repeat": "1 working_days",
}


def a_clock(*marks: Any, reckoner: WorkingTime, terms: Any = TERMS) -> Clock:
    start = datetime.fromisoformat(marks[0][1])
    bare = Clock("x", number_from_serial(FIRST), None, Metric.RESOLVE, terms, tuple(marks), "x", 1, start)
    return replay(bare, reckoner, 1)


def test_there_are_cases_enough_and_each_make_up_day_is_among_them() -> None:
    assert len(CASES) >= 120
    days = {c["due"][:10] for c in CASES} | {c["start"][:10] for c in CASES}
    for made_up in ("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"):
        assert made_up in days, made_up


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_a_limit_ends_when_the_law_says(case: dict[str, str]) -> None:
    reckoner, start = RECKONERS[case["calendar"]], datetime.fromisoformat(case["start"])
    span = f"{case['amount']} {case['unit']}"
    marks = [timer_event("start", start, span=span)]
    for pause in filter(None, case["pauses"].split(";")):
        begun, ended = (datetime.fromisoformat(x) for x in pause.split("/"))
        marks += [timer_event("pause", begun), timer_event("resume", ended)]
    clock = a_clock(*marks, reckoner=reckoner)
    assert clock.due_at == datetime.fromisoformat(case["due"])
    assert clock.provisional == (case["provisional"] == "yes")
    if not case["pauses"]:
        reckoned = calculate_limit(reckoner, start, parse_span(span))
        assert (reckoned.due_at, reckoned.provisional) == (clock.due_at, clock.provisional)
        said = explain_limit(reckoner, start, reckoned.due_at, parse_span(span))
        assert (said[0].rule, said[-1].rule) == ("starts", "due")
        assert said[-1].matched == (datetime.fromisoformat(case["due"]).isoformat(timespec="seconds"),)


def test_an_explanation_names_the_holidays_and_the_worked_weekend() -> None:
    start = datetime(2026, 2, 13, 2, 0, tzinfo=UTC)
    due = calculate_limit(RECKONERS["cn"], start, parse_span("7 working_days")).due_at
    said = {b.rule: b.matched for b in explain_limit(RECKONERS["cn"], start, due, parse_span("7 working_days"))}
    assert "2026-02-16 春节" in said["holidays passed over"] and len(said["holidays passed over"]) == 9
    assert said["worked days off (调休)"] == ("2026-02-14 春节", "2026-02-28 春节")
    rolled = calculate_limit(
        RECKONERS["cn"], datetime(2026, 9, 24, 2, 0, tzinfo=UTC), parse_span("7 calendar_days")
    ).due_at
    why = explain_limit(RECKONERS["cn"], datetime(2026, 9, 24, 2, 0, tzinfo=UTC), rolled, parse_span("7 calendar_days"))
    assert ("2026-10-01 国庆节", "2026-10-08") in [b.matched for b in why]


def test_local_exceptions_and_saturday_mornings_count_as_they_are_worked() -> None:
    flooded = WorkingTime(replace(CN, exceptions={"2026-11-26": (), "2026-11-28": ("09:00-12:00",)}))
    start = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)  # Wednesday 17:00
    assert calculate_limit(flooded, start, parse_span("1 working_hours")).due_at == datetime(
        2026, 11, 27, 1, 30, tzinfo=UTC
    )
    assert calculate_limit(flooded, start, parse_span("2 working_days")).due_at == datetime(
        2026, 11, 28, 16, 0, tzinfo=UTC
    )
    saturdays = WorkingTime(replace(CN, workdays=(0, 1, 2, 3, 4, 5), weekday_hours={"5": ("09:00-12:00",)}))
    friday = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    assert calculate_limit(saturdays, friday, parse_span("1.5 working_hours")).due_at == datetime(
        2026, 11, 28, 2, 0, tzinfo=UTC
    )


MOMENTS = st.integers(0, 455 * 86_400).map(lambda s: datetime(2025, 12, 1, tzinfo=UTC) + timedelta(seconds=s))
WHICH = st.sampled_from(sorted(RECKONERS))
SPANS = st.one_of(
    st.tuples(st.integers(1, 240), st.sampled_from(["calendar_hours", "working_hours"])).map(
        lambda x: f"{x[0] / 4} {x[1]}"
    ),
    st.tuples(st.integers(1, 40), st.sampled_from(["calendar_days", "working_days"])).map(lambda x: f"{x[0]} {x[1]}"),
)


@given(WHICH, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=30)), SPANS)
def test_whoever_starts_later_is_never_due_sooner(which: str, start: datetime, later: timedelta, span: str) -> None:
    r = RECKONERS[which]
    assert (
        start
        < calculate_limit(r, start, parse_span(span)).due_at
        <= calculate_limit(r, start + later, parse_span(span)).due_at
    )


@given(WHICH, MOMENTS, st.integers(1, 60), st.integers(0, 60), st.sampled_from(list(Unit)))
def test_a_longer_limit_never_ends_sooner(which: str, start: datetime, amount: int, more: int, unit: Unit) -> None:
    r = RECKONERS[which]
    assert (
        calculate_limit(r, start, parse_span(f"{amount} {unit}")).due_at
        <= calculate_limit(r, start, parse_span(f"{amount + more} {unit}")).due_at
    )


@given(
    WHICH,
    MOMENTS,
    SPANS,
    st.floats(0, 1.5),
    st.timedeltas(timedelta(0), timedelta(days=20)),
    st.timedeltas(timedelta(0), timedelta(days=5)),
)
def test_a_pause_of_no_length_changes_nothing_and_a_longer_one_never_gives_less(
    which: str, start: datetime, span: str, share: float, length: timedelta, more: timedelta
) -> None:
    r = RECKONERS[which]
    begins = timer_event("start", start, span=span)
    due = a_clock(begins, reckoner=r).due_at
    assert due is not None
    at = (start + (due - start) * share).replace(microsecond=0)
    assert a_clock(begins, timer_event("pause", at), timer_event("resume", at), reckoner=r).due_at == due
    paused = a_clock(begins, timer_event("pause", at), timer_event("resume", at + length), reckoner=r).due_at
    longer = a_clock(begins, timer_event("pause", at), timer_event("resume", at + length + more), reckoner=r).due_at
    assert paused is not None and longer is not None and due <= paused <= longer
    assert paused <= due + length + timedelta(days=30)  # and no more than it lasted, but for days off at its end


@given(WHICH, MOMENTS, st.integers(1, 400))
def test_what_is_counted_forth_is_counted_back(which: str, start: datetime, quarters: int) -> None:
    r = RECKONERS[which]
    for unit in (Unit.CALENDAR_HOURS, Unit.WORKING_HOURS):
        measure = r.measures[unit]
        amount = quarters * 900_000_000
        assert measure.elapsed(start, measure.after(start, amount, start.date()), start.date()) == amount

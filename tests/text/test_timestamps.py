"""Times as other systems write them: read for certain, or not at all."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.text.timestamps import DateOrder, parse_timestamp

NOW = datetime(2026, 11, 28, 13, 0, tzinfo=UTC)
HOME = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
EVENING = datetime(2026, 11, 28, 12, 54, 22, tzinfo=UTC)  # 20:54:22 at home
DAY = datetime(2026, 4, 3, 2, 0, tzinfo=UTC)  # 3 April, 10:00 at home

THE_SAME_EVENING = [
    "11/28/2026 08:54:22 PM", "11/28/2026 8:54:22 PM", "11/28/2026 8:54:22\u202fPM", "11/28/2026 8:54:22 p. m.",
    "11/28/2026, 8:54:22 pm", "28.11.2026 20:54:22", "28/11/2026 20:54:22", "28-11-2026 20:54:22", "2026/11/28 20:54:22",
    "2026/11/28 8:54:22 PM", "2026-11-28 20:54:22", " 2026-11-28  20:54:22\n", "2026.11.28 20:54:22",
    "2026-11-28T20:54:22+08:00", "2026-11-28T20:54:22+0800", "2026-11-28 20:54:22 +08", "2026-11-28T12:54:22Z",
    "2026-11-28t12:54:22z", "2026-11-28 12:54:22 UTC", "2026-11-28 20:54:22 UTC+8", "2026-11-28T07:54:22-05:00",
    "20261128205422", "20261128T125422Z", "2026-11-28T12:54:22-00:00", "1795870462", "1795870462.0", "1795870462000",
    "1795870462000000", "1795870462000000000", 1795870462, 1795870462.0, 1795870462000, "Sat, 28 Nov 2026 20:54:22 +0800",
    "28 Nov 2026 12:54:22 GMT", "Sat Nov 28 20:54:22 2026", "28-Nov-2026 20:54:22", "Nov 28, 2026 8:54:22 PM",
    "November 28, 2026 8:54:22 PM", "2026年11月28日 20:54:22", "2026年11月28日 20时54分22秒", "2026年11月28日 下午8:54:22",
    "2026/11/28 下午 08:54:22", "2026/11/28 晚上8:54:22", "2026/11/28 午後8:54:22", "2026-11-28 오후 8:54:22",
    "\u200e11/28/2026 8:54:22 PM", "11/28/2026 20:54:22 PM",
]  # fmt: skip
NO_TIME = [
    "8:54:22 PM", "20:54:22", "2026-11-28", "11/28/2026", "20261128", "202611282054", "Nov 28 20:54:22", "28 Nov 20:54:22",
    "03/04/2026 10:00:00", "3-4-2026 10:00", "11/28/26 8:54 PM", "26-11-28 20:54:22", "13/13/2026 10:00:00",
    "2026-02-30 10:00:00", "2026-11-28 24:00:00", "2026-11-28 20:60:00", "2026-11-28 20:54:61", "2026-11-28T20:54:22+25:00",
    "2026-11-28T20:54:22+08:75", "2026-11-28 20:54:22 CST", "Sat Nov 28 20:54:22 CST 2026", "Sat, 28 Nov 2026 20:54:22 EST",
    "Fri, 28 Nov 2026 12:54:22 GMT", "28 Smarch 2026 20:54:22", "28.11.2026 20:54:22 Uhr", "11/28/2026 8:54:22 PM today",
    "11/28/2026 13:00:00 AM", "11/28/2026 0:30:00 PM", "2026/11/28 晚上12:10:00", "下午 11/28/2026 8:54:22 PM",
    "2026-11-28T20:54:22 08:00", "2026-11-2820:54:22", "2026-W48-6T20:54:22", "0", "-1", "1e9", "nan", "inf", "17958704620",
    "1970-01-01T00:00:00Z", "1999-12-31 23:59:59", "946684799", "2026-11-30 13:00:00Z", "2099-01-01 00:00:00", "9999999999",
    "99999999999999999999", "yesterday", "", " ", "[CallStartTimeUTC]", "2026-11-28T20:54:22" + "0" * 60, True, None, {}, [],
    float("nan"), float("inf"), 10**5000, b"2026-11-28 20:54:22", "٢٠٢٦-11-28 20:54:22", "2026-11-28 20:5422",
]  # fmt: skip


@pytest.mark.parametrize("said", THE_SAME_EVENING)
def test_every_way_of_writing_it_is_the_same_evening(said: Any) -> None:
    assert parse_timestamp(said, HOME, NOW) == EVENING


@pytest.mark.parametrize("said", NO_TIME, ids=range(len(NO_TIME)))
def test_what_cannot_be_read_for_certain_is_no_time(said: Any) -> None:
    assert parse_timestamp(said, HOME, NOW) is None


@pytest.mark.parametrize(
    ("said", "order", "expected"),
    [
        ("03/04/2026 10:00:00", DateOrder.DMY, DAY),
        ("04/03/2026 10:00 AM", DateOrder.MDY, DAY),
        ("3.4.2026 10:00", DateOrder.DMY, DAY),
        ("3.4.26 10:00", DateOrder.DMY, DAY),
        ("26-04-03 10:00", DateOrder.YMD, DAY),
        ("4/3/26 10:00", DateOrder.MDY, DAY),
        ("2026-04-03 10:00", DateOrder.DMY, DAY),  # the year first says its order itself
        # the setting and the sender disagree: nobody knows which is right
        (
            "28/11/2026 20:54:22",
            DateOrder.MDY,
            None,
        ),
        ("11/28/2026 20:54:22", DateOrder.DMY, None),
        ("03/04/2026 10:00:00", DateOrder.YMD, None),
        ("26/4/3 10:00", DateOrder.DMY, None),
    ],
)
def test_the_order_of_day_and_month_is_a_setting(said: str, order: DateOrder, expected: datetime | None) -> None:
    assert parse_timestamp(said, HOME, NOW, order) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2026-03-29 02:30:00", None),  # the hour that was skipped
        ("2026-10-25 02:30:00", None),  # the hour that came twice
        ("2026-10-25 02:30:00+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25 03:30:00", datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),
        ("2026-03-29 01:59:59", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_hour_that_was_skipped_or_came_twice_is_no_time(said: str, expected: datetime | None) -> None:
    assert parse_timestamp(said, BERLIN, NOW) == expected


def test_fractions_are_kept_to_the_microsecond_and_a_leap_second_is_the_next_minute() -> None:
    assert parse_timestamp("2026-11-28T12:54:22.123456789Z", HOME, NOW) == EVENING + timedelta(microseconds=123456)
    assert parse_timestamp("1795870462.5", HOME, NOW) == EVENING + timedelta(milliseconds=500)
    assert parse_timestamp("2016-12-31T23:59:60Z", HOME, NOW) == datetime(2017, 1, 1, tzinfo=UTC)


def test_a_day_ahead_is_a_wrong_clock_and_more_is_no_time() -> None:
    assert parse_timestamp((NOW + timedelta(days=1)).isoformat(), HOME, NOW) == NOW + timedelta(days=1)
    assert parse_timestamp((NOW + timedelta(days=1, seconds=1)).isoformat(), HOME, NOW) is None


@given(st.text(max_size=200))
def test_whatever_is_written_it_is_a_time_of_ours_or_none(said: str) -> None:
    found = parse_timestamp(said, HOME, NOW)
    assert found is None or datetime(2000, 1, 1, tzinfo=UTC) <= found <= NOW + timedelta(days=1)


@given(st.datetimes(datetime(2000, 1, 2), datetime(2026, 11, 28)))  # noqa: DTZ001
def test_what_we_write_ourselves_we_read_again(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert parse_timestamp(aware.isoformat(), HOME, NOW) == aware


@pytest.mark.parametrize("piece", ["1", " ", "2026-", "a", "上午", "1:", "\u202f", "+", "11/28/2026 "])
def test_a_long_text_costs_no_more_than_a_short_one(piece: str) -> None:
    def cost(length: int) -> float:
        said = piece * (length // len(piece))
        begun = time.perf_counter()
        for _ in range(200):
            parse_timestamp(said, HOME, NOW)
        return time.perf_counter() - begun

    assert min(cost(100_000) for _ in range(3)) < 20 * max(min(cost(60) for _ in range(3)), 1e-4)

"""Who is on duty: turns, nights, overrides, swaps, gaps, and up whose chain a call goes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.organisation.model import duty
from hotline.organisation.model.items import Member, Override, Roster, Shift
from hotline.organisation.model.vocabulary import Kind
from hotline.organisation.service.duty import swap_overrides
from hotline.refusals import Refused
from hotline.tickets.model.routing import choose_route
from tests.triage.seeded import seeded_directory

ZONE = ZoneInfo("Asia/Shanghai")
A, B, C = (Member(code=c, name=c.upper()) for c in "abc")
ROSTER = Roster(
    code="r", name="值班", name_en="duty", department="water", zone="Asia/Shanghai", members=(A, B, C),
    shifts=(
        Shift(code="day", hours="08:00-20:00", turns=("a", "b", "c"), since="2026-11-23"),
        Shift(code="night", hours="20:00-08:00", turns=("b", "c", "a"), since="2026-11-23"),
    ),
)  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def who(roster: Roster, text: str) -> list[str]:
    moment = at(text)
    return [t.member.code for t in duty.duty_turns(roster, moment, moment + timedelta(seconds=1))]


@pytest.mark.parametrize(
    ("moment", "member"),
    [
        ("2026-11-23T08:00", "a"),
        ("2026-11-23T19:59", "a"),
        ("2026-11-23T20:00", "b"),
        ("2026-11-24T03:00", "b"),  # the night belongs to the day it began on
        ("2026-11-24T08:00", "b"),
        ("2026-11-24T23:00", "c"),
        ("2026-11-26T09:00", "a"),  # round again
        ("2026-12-31T23:59", "a"),
    ],
)
def test_turns_go_round_and_nights_belong_to_the_day_they_began(moment: str, member: str) -> None:
    assert who(ROSTER, moment) == [member]


def test_before_the_first_turn_and_after_the_last_nobody_is_on_duty() -> None:
    assert who(ROSTER, "2026-11-22T09:00") == []
    ended = replace(ROSTER, shifts=tuple(replace(s, until="2026-11-30") for s in ROSTER.shifts))
    assert who(ended, "2026-11-30T21:00") and who(ended, "2026-12-01T09:00") == []


def test_weekly_turns_and_weekends() -> None:
    weekly = Shift(code="w", hours="00:00-24:00", turns=("a", "b"), since="2026-11-23", every=7)
    assert who(replace(ROSTER, shifts=(weekly,)), "2026-11-29T23:59") == ["a"]
    assert who(replace(ROSTER, shifts=(weekly,)), "2026-11-30T00:00") == ["b"]
    weekend = replace(weekly, weekdays=(5, 6))
    assert who(replace(ROSTER, shifts=(weekend,)), "2026-11-27T12:00") == []
    assert who(replace(ROSTER, shifts=(weekend,)), "2026-11-28T12:00") == ["a"]


def test_an_override_replaces_a_member_for_its_hours_and_no_longer() -> None:
    ill = Override(start="2026-11-23T22:00", end="2026-11-24T02:00", member="c", instead_of="b", reason="ill")
    covered = replace(ROSTER, overrides=(ill,))
    assert [who(covered, f"2026-11-{t}") for t in ("23T21:00", "23T22:00", "24T01:59", "24T02:00")] == [
        ["b"],
        ["c"],
        ["c"],
        ["b"],
    ]
    turns = duty.duty_turns(covered, at("2026-11-23T20:00"), at("2026-11-24T08:00"))
    assert [(t.member.code, t.reason) for t in turns] == [("b", ""), ("c", "ill"), ("b", "")]
    other = replace(ROSTER, overrides=(replace(ill, instead_of="a"),))
    assert who(other, "2026-11-23T23:00") == ["b"]  # a is not on duty then: nothing to replace


def test_a_gap_is_found_to_the_minute() -> None:
    gone = Override(start="2026-11-28T02:00", end="2026-11-28T06:00", member=None)
    holed = replace(ROSTER, overrides=(gone,))
    found = duty.duty_gaps(holed, at("2026-11-25T12:00"), at("2026-12-02T12:00"))
    assert found == [(at("2026-11-28T02:00"), at("2026-11-28T06:00"))]
    assert duty.duty_gaps(replace(holed, whole=False), at("2026-11-25T12:00"), at("2026-12-02T12:00")) == []
    assert duty.duty_gaps(ROSTER, at("2026-11-25T12:00"), at("2026-12-02T12:00")) == []


def test_two_swap_their_turns_and_each_works_the_others() -> None:
    pair = swap_overrides(ROSTER, (date(2026, 11, 23), "night"), (date(2026, 11, 25), "day"), "换班")
    changed = replace(ROSTER, overrides=pair)
    assert who(changed, "2026-11-24T01:00") == ["c"] and who(changed, "2026-11-25T10:00") == ["b"]
    assert who(changed, "2026-11-23T19:00") == ["a"] and who(changed, "2026-11-25T20:30") == ["a"]
    with pytest.raises(Refused, match="swapped"):
        swap_overrides(ROSTER, (date(2026, 11, 23), "dawn"), (date(2026, 11, 25), "day"), "x")
    with pytest.raises(Refused, match="swapped"):
        swap_overrides(ROSTER, (date(2026, 11, 23), "day"), (date(2026, 11, 26), "day"), "x")  # both are a's


@given(st.integers(0, 400 * 1440), st.integers(1, 20 * 1440))
def test_a_whole_roster_has_exactly_one_on_duty_at_every_minute(offset: int, length: int) -> None:
    start = at("2026-11-23T08:00") + timedelta(minutes=offset)
    turns = duty.duty_turns(ROSTER, start, start + timedelta(minutes=length))
    assert turns[0].start == start and turns[-1].end == start + timedelta(minutes=length)
    assert all(x.end == y.start for x, y in pairwise(turns))


def test_a_duty_desk_where_nobody_sits_is_sent_nothing() -> None:
    d, night = seeded_directory("ruiquan"), at("2026-11-28T02:00")
    manned = choose_route(d, "dt-trapped", Kind.REQUEST, "rq-b3", night)
    gone = Override(start="2026-11-28T00:00", end="2026-11-28T08:00", member=None)
    desk = {**d.rosters, "service-centre": replace(d.rosters["service-centre"], overrides=(gone,))}
    empty = choose_route(replace(d, rosters=desk), "dt-trapped", Kind.REQUEST, "rq-b3", night)
    assert manned is not None and (manned.route, manned.lead) == ("r-dt-trapped-duty", "service-centre")
    assert empty is not None and (empty.route, empty.lead) == ("r-dt-trapped", "property-works")


def test_a_call_goes_up_the_chain_until_somebody_is_there() -> None:
    d = seeded_directory("ruiquan")
    now = at("2026-11-28T02:00")
    assert duty.duty_chain(d, "property-works") == ["property-works", "property", "service-centre"]
    assert [t.department for t in duty.officers_to_call(d, "property-works", now)] == ["property-works"]
    # it keeps no roster: the organisation's
    assert [t.department for t in duty.officers_to_call(d, "water", now)] == ["service-centre"]
    assert not duty.has_no_duty_officer(d, "water", now)
    gone = Override(start="2026-11-28T00:00", end="2026-11-28T08:00", member=None)
    bare = replace(d, rosters={c: replace(r, overrides=(gone,)) for c, r in d.rosters.items()})
    assert duty.officers_to_call(bare, "property-works", now) == [] and duty.has_no_duty_officer(
        bare, "property-works", now
    )
    assert not duty.has_no_duty_officer(
        replace(d, rosters={}), "water", now
    )  # no rosters are kept: nothing can be said

"""Chance walks the house with its clocks running, and time acts too. What the clocks say is compared with a calculator
that knows only the timeline and the calendar."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, rule
from hypothesis.strategies import integers

from hotline.domain.clocks import commands_of, fold, reckoner_of, settle
from hotline.domain.directory import NOUNS, Directory
from hotline.domain.lifecycle import decide
from hotline.domain.ticket import CLOCK, Change, Clock, Command, Refusal
from hotline.domain.vocabulary import LIVE, Action, Metric, TicketStatus
from hotline.services.seeding import items_in
from hotline.shipped import shipped
from tests.conftest import NOON
from tests.domain.make import as_role, complete
from tests.walks.test_walk import Walk


def _seeded() -> Directory:
    found: dict[str, dict[str, Any]] = {noun: {} for noun in NOUNS}
    for noun, code, item in items_in(shipped("seeds") / "ruiquan", shipped("seeds")):
        found[noun][code] = item
    return Directory(1, **found)


RUIQUAN = _seeded()
ZONE = ZoneInfo("Asia/Shanghai")
RUNNING = {"received", "triaged", "dispatched"}
SEEN = {"rungs": 0, "compared": 0, "pauses": 0}


def works(day: date) -> bool:
    return RUIQUAN.calendars["cn"].days.get(day.isoformat(), day.weekday() < 5)


def due_by_the_timeline(states: list[tuple[datetime, str]], start: datetime, days: int) -> datetime:
    """The end of the n-th working day after `start` at whose 24:00 the matter was in hand."""
    day = start.astimezone(ZONE).date()
    while True:
        day += timedelta(days=1)
        midnight = datetime.combine(day + timedelta(days=1), time.min, ZONE).astimezone(UTC)
        at = [state for moment, state in states if moment < midnight][-1]
        days -= works(day) and at in RUNNING
        if days == 0:
            return midnight


class ClockWalk(Walk):
    def __init__(self) -> None:
        super().__init__()
        bare = replace(self.facts, directory=RUIQUAN)
        begun = settle(bare, bare.ticket, (), Command(Action.RECEIVE, 0), NOON)
        self.facts = replace(bare, clocks=begun.running)
        self.rows: dict[str, Clock] = {c.id: c for c in begun.touched}
        self.rungs: set[tuple[str, int]] = set()

    def _settle(self, said: Change | Refusal) -> None:
        super()._settle(said)
        if isinstance(said, Change):
            self.rows |= {c.id: c for c in said.clocks}
            for rung in said.escalations:
                assert (rung.clock, rung.level) not in self.rungs, "told twice"
                assert rung.due_at <= self.now
                assert all(level < rung.level for clock, level in self.rungs if clock == rung.clock), "out of order"
                self.rungs.add((rung.clock, rung.level))
                SEEN["rungs"] += 1

    @rule(hours=integers(0, 60))
    def time_acts(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        for _ in range(60):
            due = [c for c in self.facts.clocks if c.next_at is not None and c.next_at <= self.now]
            if not due:
                return
            clock = min(due, key=lambda c: (c.next_at, c.id))
            for command in commands_of(clock, self.facts):
                said = decide(self.facts, command, CLOCK, self.now)
                if isinstance(said, Change):
                    break
            assert isinstance(said, Change), said  # time is never refused
            self._settle(said)
        raise AssertionError("time acts for ever")

    @rule(hours=integers(0, 90))
    def the_caller_is_asked_and_answers(self, hours: int) -> None:
        for action in (Action.REQUEST_INFO, Action.PROVIDE_INFO):
            self._settle(decide(self.facts, complete(action, self.facts), as_role("operator"), self.now))
            self.now += timedelta(hours=hours)

    @rule(hours=integers(0, 90))
    def the_matter_is_shelved_and_taken_up(self, hours: int) -> None:
        for action in (Action.SHELVE, Action.UNSHELVE):
            review = self.now + timedelta(days=30)
            command = complete(action, self.facts, review_at=review)
            self._settle(decide(self.facts, command, as_role("supervisor"), self.now))
            self.now += timedelta(hours=hours)

    @rule()
    def a_department_gets_it(self) -> None:
        for action in (Action.TRIAGE, Action.DISPATCH):
            self._settle(decide(self.facts, complete(action, self.facts, due_at=None), as_role("operator"), self.now))

    @invariant()
    def every_row_is_the_fold_of_its_marks(self) -> None:
        for clock in self.rows.values():
            reckoner = reckoner_of(RUIQUAN, clock.calendar)
            assert reckoner is not None
            bare = Clock(clock.id, clock.number, clock.assignment, clock.metric, clock.terms, clock.marks, "", 0, NOON)
            assert fold(bare, reckoner, clock.calendar_version) == clock

    @invariant()
    def the_running_clocks_are_those_that_have_not_stopped(self) -> None:
        assert {c.id for c in self.facts.clocks} == {c.id for c in self.rows.values() if c.stopped_at is None}
        if self.facts.ticket.status not in (
            "received",
            "awaiting_info",
            "triaged",
            "dispatched",
            "resolved",
            "shelved",
        ):
            assert not self.facts.clocks
        else:
            assert self.facts.clocks, "time has lost an open ticket"
        for clock in self.facts.clocks:
            held = clock.metric is Metric.REPORT and clock.marks[-1][0] in ("hold", "ring")
            assert clock.next_at is not None or clock.paused_at is not None or held

    @invariant()
    def orders_show_what_their_clocks_say(self) -> None:
        reports = {c.assignment: c for c in self.facts.clocks if c.metric is Metric.REPORT}
        for order in self.facts.assignments:
            if order.status in LIVE:
                assert order.due_at == reports[order.id].due_at

    @invariant()
    def the_residents_clock_is_what_the_timeline_says(self) -> None:
        clock = next((c for c in self.facts.clocks if c.metric is Metric.RESOLVE), None)
        if clock is None or clock.paused_at is not None:
            return
        words = set(TicketStatus)
        states = [(NOON, "received")] + [(e.at, str(e.status_to)) for e in self.entries if e.status_to in words]
        reopened = [e.at for e in self.entries if e.action is Action.REOPEN]
        start, days = (reopened[-1], 4) if reopened else (NOON, 7)
        assert clock.due_at == due_by_the_timeline(states, start, days)
        SEEN["compared"] += 1
        SEEN["pauses"] += any(m[0] == "pause" for m in clock.marks)


ClockWalk.TestCase.settings = settings(
    max_examples=60, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


class TestClockWalk(ClockWalk.TestCase):  # type: ignore[misc]
    pass


def test_the_walk_met_what_it_is_for() -> None:
    ClockWalk.TestCase("runTest").runTest()
    assert SEEN["rungs"] >= 200 and SEEN["compared"] >= 300 and SEEN["pauses"] >= 100, SEEN

"""Random walks with the clocks running, and time acts too. What the clocks say is compared with a calculator
that knows only the timeline and the calendar."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, rule
from hypothesis.strategies import integers, sampled_from

from hotline.organisation.model.actors import CLOCK
from hotline.organisation.model.vocabulary import Metric, Priority
from hotline.refusals import Refusal
from hotline.tickets.lifecycle import decide
from hotline.tickets.model.ticket import Change, Clock, Command
from hotline.tickets.model.vocabulary import LIVE, OPEN, Action, TicketStatus
from hotline.tickets.sla.clock_updates import update_clocks
from hotline.tickets.sla.escalation import step_commands
from hotline.tickets.sla.policies import working_time_of
from hotline.tickets.sla.timers import replay
from tests.conftest import NOON
from tests.sizes import sized
from tests.tickets.make import as_role, complete
from tests.triage.seeded import seeded_directory
from tests.walks.test_walk import Walk

RUIQUAN = seeded_directory("ruiquan")
ZONE = ZoneInfo("Asia/Shanghai")
RUNNING = {"received", "triaged", "dispatched"}
SEEN = {"rungs": 0, "compared": 0, "pauses": 0, "raises": 0, "extensions": 0}


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


_BEGINS_ANEW = (Action.REOPEN, Action.UNMERGE)


class ClockWalk(Walk):
    def __init__(self) -> None:
        super().__init__()
        bare = replace(self.facts, directory=RUIQUAN)
        begun = update_clocks(bare, bare.ticket, (), Command(Action.RECEIVE, 0), NOON)
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
            for command in step_commands(clock, self.facts):
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
            reckoner = working_time_of(RUIQUAN, clock.calendar)
            assert reckoner is not None
            bare = Clock(clock.id, clock.number, clock.assignment, clock.metric, clock.terms, clock.marks, "", 0, NOON)
            assert replay(bare, reckoner, clock.calendar_version) == clock

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
            held = ([m[0] for m in clock.marks if m[0] in ("hold", "run_on")] or [""])[-1] == "hold"
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
        begun = [e for e in self.entries if e.action in _BEGINS_ANEW]  # an unmerged ticket has its whole limit again
        start = begun[-1].at if begun else NOON
        days = 4 if any(e.action is Action.REOPEN for e in begun) else 7
        assert clock.due_at == due_by_the_timeline(states, start, days)
        SEEN["compared"] += 1
        SEEN["pauses"] += any(m[0] == "pause" for m in clock.marks)


ClockWalk.TestCase.settings = settings(
    max_examples=sized(20, 60),
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


def test_the_walk_met_what_it_is_for() -> None:
    ClockWalk.TestCase("runTest").runTest()
    told = sized(1, 3)
    assert SEEN["rungs"] >= 65 * told and SEEN["compared"] >= 100 * told and SEEN["pauses"] >= 33 * told, SEEN


class RoughWalk(ClockWalk):
    """The same with limits that move: priorities up and down, extensions, limits by hand. What the timeline alone says
    of the resident's clock no longer suffices; everything else must hold."""

    @rule(priority=sampled_from(Priority), hours=integers(0, 40))
    def the_priority_changes(self, priority: Priority, hours: int) -> None:
        self.now += timedelta(hours=hours)
        before = {c.id: c for c in self.facts.clocks}
        said = decide(self.facts, complete(Action.AMEND, self.facts, priority=priority), as_role("operator"), self.now)
        self._settle(said)
        for clock in self.facts.clocks:
            was = before.get(clock.id)
            if was is not None and was.limit_at is not None and was.limit_at > self.now:
                assert clock.limit_at is not None and clock.limit_at > self.now, "failed at the moment of the change"
            if was is not None and was.breached_at is not None and clock.limit_at == was.limit_at:
                assert clock.breached_at == was.breached_at, "a missed limit is no longer missed"
        SEEN["raises"] += isinstance(said, Change)

    @rule(days=integers(1, 40))
    def more_time_is_asked_for_and_given(self, days: int) -> None:
        lead = self.facts.lead()
        if lead is None:
            return
        who = as_role("handler", departments=frozenset({lead.department}))
        self._settle(decide(self.facts, complete(Action.ACCEPT, self.facts, lead.id), who, self.now))
        later = (lead.due_at or self.now) + timedelta(days=days)
        self._settle(
            decide(self.facts, complete(Action.REQUEST_EXTENSION, self.facts, lead.id, due_at=later), who, self.now)
        )
        command = complete(Action.APPROVE_EXTENSION, self.facts, lead.id, due_at=later)
        said = decide(self.facts, command, as_role("supervisor"), self.now)
        self._settle(said)
        if isinstance(said, Change):
            report = next(c for c in self.facts.clocks if c.metric is Metric.REPORT and c.assignment == lead.id)
            assert report.due_at == later
            SEEN["extensions"] += 1

    @invariant()
    def the_residents_clock_is_what_the_timeline_says(self) -> None:
        """Limits move here."""

    @invariant()
    def a_breach_lies_behind_its_limit(self) -> None:
        for clock in self.facts.clocks:
            if clock.breached_at is not None:
                assert clock.breached_at == clock.limit_at and clock.limit_at <= self.now

    def teardown(self) -> None:
        """Left alone for two months, time tells the end of everything that still runs."""
        if self.facts.ticket.status not in OPEN:
            return
        for _ in range(60):
            self.time_acts(24)
        for clock in self.facts.clocks:
            if clock.next_at is not None and clock.limit_at is not None and clock.limit_at < self.now:
                assert clock.breached_at == clock.limit_at, (clock.metric, clock.marks)


RoughWalk.TestCase.settings = settings(
    max_examples=sized(17, 50),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


def test_the_rough_walk_met_what_it_is_for() -> None:
    RoughWalk.TestCase("runTest").runTest()
    assert SEEN["raises"] >= sized(20, 60) and SEEN["extensions"] >= 1, SEEN

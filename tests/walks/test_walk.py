"""Random walks: no step may lead where no table leads, and every invariant holds."""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import integers, sampled_from

from hotline.organisation.model.actors import Role
from hotline.refusals import Refusal
from hotline.tickets.lifecycle import ASSIGNMENT_MOVES, TICKET_MOVES, allowed_moves, allowed_order_moves, decide
from hotline.tickets.model.ticket import Change
from hotline.tickets.model.vocabulary import FINAL, LIVE, Action, Part, TicketStatus
from tests.conftest import NOON
from tests.sizes import sized
from tests.tickets.make import as_role, complete, facts

EDGES = {(m.at, m.action, m.to) for m in (*TICKET_MOVES, *ASSIGNMENT_MOVES)}
TAKEN = {"steps": 0, "done": 0}


class Walk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.facts, self.now = facts(entries=0), NOON
        self.entries: list[Any] = []
        self.tallies: dict[tuple[str, str, str], int] = {("ticket", "", TicketStatus.RECEIVED): 1}

    def _settle(self, said: Change | Refusal) -> None:
        TAKEN["steps"] += 1
        if isinstance(said, Refusal):
            return
        TAKEN["done"] += 1
        for e in said.entries:
            if e.number == self.facts.ticket.number and "assignment.status" not in e.changes:
                assert (e.status_from, e.action, e.status_to) in EDGES, e
        assert said.tickets[0].expected == self.facts.ticket.version
        self.entries += [e for e in said.entries if e.number == self.facts.ticket.number]
        for key, n in said.tallies.items():
            self.tallies[key] = self.tallies.get(key, 0) + n
        self.facts = said.after

    @rule(action=sampled_from(Action), role=sampled_from(Role), hours=integers(0, 100))
    def somebody_acts_on_the_ticket(self, action: Action, role: Role, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self._settle(decide(self.facts, complete(action, self.facts), as_role(role), self.now))

    @rule(
        action=sampled_from(sorted({m.action for m in ASSIGNMENT_MOVES})), role=sampled_from(Role), place=integers(0, 5)
    )
    def somebody_acts_on_an_order(self, action: Action, role: Role, place: int) -> None:
        if self.facts.assignments:
            order = self.facts.assignments[place % len(self.facts.assignments)]
            homes = frozenset({order.department}) if role is Role.HANDLER else frozenset()
            who = as_role(role, departments=homes)
            self._settle(
                decide(
                    self.facts,
                    complete(action, self.facts, order.id, due_at=self.now + timedelta(days=90)),
                    who,
                    self.now,
                )
            )

    @rule(place=integers(0, 40), role=sampled_from(Role))
    def somebody_does_what_is_offered(self, place: int, role: Role) -> None:
        who = as_role(role)
        if offered := allowed_moves(self.facts, who, self.now):
            self._settle(decide(self.facts, complete(offered[place % len(offered)].action, self.facts), who, self.now))

    @invariant()
    def never_stuck(self) -> None:
        it = self.facts
        if it.ticket.status in FINAL:
            return
        moves = [m for role in Role for m in allowed_moves(it, as_role(role), self.now)]
        orders = [
            m for a in it.assignments for role in Role for m in allowed_order_moves(it, a, as_role(role), self.now)
        ]
        leaving = {m.to for m in TICKET_MOVES if m.at is it.ticket.status and m.to is not it.ticket.status}
        assert leaving
        assert moves or orders

    @invariant()
    def history_explains_the_present(self) -> None:
        assert [e.seq for e in self.entries] == list(range(1, len(self.entries) + 1))
        at: str = TicketStatus.RECEIVED
        orders: dict[str, str] = {}
        for e in self.entries:
            if e.status_from in set(TicketStatus):  # the two machines share no word
                assert e.status_from == at
                at = str(e.status_to)
            moved = e.changes.get("assignment.status") or (
                e.status_from not in set(TicketStatus) and (e.status_from, e.status_to)
            )
            if moved:
                assert moved[0] == orders.get(str(e.assignment), "issued")
                orders[str(e.assignment)] = str(moved[1])
        assert {a.id: a.status for a in self.facts.assignments} == {
            a.id: orders.get(a.id, "issued") for a in self.facts.assignments
        }
        assert at == self.facts.ticket.status

    @invariant()
    def the_counts_are_right(self) -> None:
        expected: dict[tuple[str, str, str], int] = {
            ("ticket", self.facts.ticket.area or "", self.facts.ticket.status): 1
        }
        for a in self.facts.assignments:
            for key in [("assignment", a.department, a.status)] + (
                [("performing", a.performer, a.status)] if a.performer else []
            ):
                expected[key] = expected.get(key, 0) + 1
        assert {k: n for k, n in self.tallies.items() if n and k[0] not in ("queue", "charged")} == expected

    @invariant()
    def an_ended_ticket_has_nobody_at_work(self) -> None:
        live = [a for a in self.facts.assignments if a.status in LIVE]
        if self.facts.ticket.status not in ("dispatched", "shelved", "awaiting_info"):
            assert live == []
        leads = [a for a in live if a.part is Part.LEAD]
        assert len(leads) <= 1
        assert self.facts.ticket.department == (leads[0].department if leads else None)
        if self.facts.ticket.status is TicketStatus.DISPATCHED:
            assert len(leads) == 1


Walk.TestCase.settings = settings(
    max_examples=sized(30, 80),
    stateful_step_count=80,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


def test_the_walk_was_long_enough() -> None:
    Walk.TestCase("runTest").runTest()
    assert TAKEN["steps"] >= sized(700, 2000), TAKEN
    assert TAKEN["done"] >= sized(170, 500), TAKEN

"""Ten seconds to take the last step back: every cell of the tables, and what stood before stands again."""

from dataclasses import fields, replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from hotline.delivery.model import HOLD
from hotline.organisation.model.actors import Role
from hotline.organisation.model.vocabulary import Priority
from hotline.refusals import Code, Refusal
from hotline.tickets.guards import GUARDS
from hotline.tickets.lifecycle import ASSIGNMENT_MOVES, TICKET_MOVES, allowed_moves, decide
from hotline.tickets.model.ticket import Change, Facts, Ticket
from hotline.tickets.model.undo import UNDO_WITHIN, UNDOABLE, hold_messages, standing_steps
from hotline.tickets.model.vocabulary import LIVE, Action, Guard, Part, TicketStatus
from tests.conftest import NOON
from tests.tickets import transcript
from tests.tickets.make import an_order, as_role, complete, facts

DESK = frozenset({Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR})
WRITTEN_ANEW = {"updated_at", "version", "entries", "head", "chained"}
STEPS = [(Action(action), at) for action, places in transcript.UNDONE.items() for at in sorted(places)]
REPORTS = {"report": ("accepted",), "accept_report": ("reported",)}
SOON = NOON + timedelta(seconds=9)


def _before(at: str, action: str = "", **over: Any) -> Facts:
    """With two orders where any runs: one asks for more time."""
    orders: tuple[Any, ...] = ()
    if action in REPORTS:  # what is reported on has no assisting order that runs
        lead = an_order(*REPORTS[action], asked_due_at=NOON + timedelta(days=9))
        over = {"department": lead.department, "due_at": lead.due_at, "promised_at": lead.due_at, **over}
        return facts(at, lead, an_order("done", Part.ASSIST, place=2, department="water", closed_at=NOON), **over)
    if at in ("dispatched", "shelved"):
        asked = NOON + timedelta(days=9)
        lead = an_order(asked_due_at=asked)
        orders = (lead, an_order("issued", Part.ASSIST, place=2, department="water"))
        over = {"department": lead.department, "due_at": lead.due_at, "promised_at": lead.due_at, **over}
    return facts(at, *orders, **over)


def _taken(it: Facts, action: Action) -> tuple[Change, Any]:
    """The step, by somebody who may take it and undo it."""
    for role in sorted(UNDOABLE[action]):
        who = as_role(role)
        command = complete(action, it, department="pipes", incident=None)
        done = decide(it, command, who, NOON)
        if isinstance(done, Change):
            return done, who
    raise AssertionError(f"nobody may {action} at {it.ticket.status}")


def _columns(ticket: Ticket) -> dict[str, Any]:
    return {f.name: getattr(ticket, f.name) for f in fields(Ticket) if f.name not in WRITTEN_ANEW}


@pytest.mark.parametrize(("action", "at"), STEPS)
def test_what_is_undone_is_as_if_it_had_not_been(action: Action, at: str) -> None:
    it = _before(at, action)
    done, who = _taken(it, action)
    assert Action.UNDO in {m.action for m in allowed_moves(done.after, who, SOON)}
    back = decide(done.after, complete(Action.UNDO, done.after), who, SOON)
    assert isinstance(back, Change), back
    assert _columns(back.after.ticket) == _columns(it.ticket)
    known = {a.id for a in it.assignments}
    # where an order stands on a board follows from its clocks, which a ticket made by hand has none of
    assert tuple(replace(a, sort_at=None) for a in back.after.assignments if a.id in known) == it.assignments
    assert not [a for a in back.after.assignments if a.id not in known and a.status in LIVE]
    assert back.messages == ()  # nobody had heard of it
    assert back.entries[0].action is Action.UNDO and back.entries[0].changes["undone"] == [None, action]
    # an undo is none that can be undone
    again = decide(back.after, complete(Action.UNDO, back.after), who, SOON)
    assert isinstance(again, Refusal) and again.detail == GUARDS[Guard.UNDOABLE][1]


def test_the_table_has_these_rows_and_no_others() -> None:
    steps = {(m.action, m.at, m.to) for m in TICKET_MOVES}
    expected = {(to, at) for action, at in STEPS for did, was, to in steps if did is action and was == at}
    rows = [m for m in TICKET_MOVES if m.action is Action.UNDO]
    assert {(m.at, m.to) for m in rows} == expected
    department = {Role.HANDLER, Role.PERFORMER}
    assert all(m.by == DESK for m in rows if m.by != department)
    assert [(m.at, m.to) for m in rows if m.by == department] == [(TicketStatus.DISPATCHED, TicketStatus.DISPATCHED)]
    assert all(m.guards == (Guard.UNDOABLE, Guard.OWN_STEP, Guard.IN_TEN_SECONDS) for m in rows)


@pytest.mark.parametrize(("at", "role"), list(product(TicketStatus, Role)))
def test_no_other_step_is_undone_and_nobody_else_undoes(at: TicketStatus, role: Role) -> None:
    """Every cell: each step somebody of this role can take there, and who may undo it then."""
    who = as_role(role)
    for action in Action:
        it = _before(at, action if at in transcript.UNDONE.get(action, set()) else "")
        done = decide(it, complete(action, it, department="pipes"), who, NOON)
        if not isinstance(done, Change):
            continue
        undoable = at in transcript.UNDONE.get(action, set()) and (role in DESK) == (action != "report")
        command = complete(Action.UNDO, done.after)
        assert isinstance(decide(done.after, command, who, SOON), Change) == undoable, action
        assert (Action.UNDO in {m.action for m in allowed_moves(done.after, who, SOON)}) == undoable, action
        for other in Role:  # the same role in another's hands, and any other
            stranger = replace(as_role(other), id="p2")
            said = decide(done.after, command, stranger, SOON)
            assert isinstance(said, Refusal), (action, other)
            assert said.code in (Code.NOT_NOW, Code.NOT_YOUR_ROLE)
        assert isinstance(decide(done.after, command, who, NOON + UNDO_WITHIN + timedelta(microseconds=1)), Refusal)


def test_after_anybody_elses_step_it_is_too_late() -> None:
    done, who = _taken(_before("triaged"), Action.DISPATCH)
    order = done.after.assignments[0]
    handler = replace(as_role("handler", departments=frozenset({"pipes"})), id="p3")
    accepted = decide(done.after, complete(Action.ACCEPT, done.after, order.id), handler, SOON)
    assert isinstance(accepted, Change)
    said = decide(accepted.after, complete(Action.UNDO, accepted.after), who, SOON)
    assert isinstance(said, Refusal) and said.detail == GUARDS[Guard.UNDOABLE][1]


def test_an_order_is_not_undone_by_itself() -> None:
    rows = [m for m in ASSIGNMENT_MOVES if m.action is Action.UNDO]
    reports = {("reported", "accepted"), ("done", "accepted"), ("done", "reported")}
    assert {(m.at, m.to) for m in rows} == {("issued", "recalled")} | {("recalled", to) for to in LIVE} | reports
    for at, role in product(("issued", "recalled", "reported", "done"), (*sorted(DESK), Role.HANDLER)):
        it = facts("dispatched", an_order(at))
        said = decide(it, complete(Action.UNDO, it, it.assignments[0].id), as_role(role), NOON)
        assert isinstance(said, Refusal)
        assert said.code is Code.NOT_YOUR_ROLE or said.detail == GUARDS[Guard.WITH_TICKET][1], (at, role)


def test_a_danger_is_told_at_once_and_told_again_when_it_is_recalled() -> None:
    for over, waits in (({}, True), ({"priority": Priority.EMERGENCY}, False), ({"flags": ("danger:gas",)}, False)):
        it = _before("triaged", **over)
        done, who = _taken(it, Action.DISPATCH)
        held = hold_messages(done, who, HOLD)
        assert held.messages and {m.next_at > SOON for m in held.messages} == {waits}
        back = decide(held.after, complete(Action.UNDO, held.after), who, SOON)
        assert isinstance(back, Change)
        assert [m.payload["status"] for m in back.messages] == ([] if waits else ["recalled"])


def test_residents_are_not_told_of_what_was_undone() -> None:
    done, who = _taken(_before("triaged"), Action.DISPATCH)
    back = decide(done.after, complete(Action.UNDO, done.after), who, SOON)
    assert isinstance(back, Change)
    assert standing_steps([*done.entries, *back.entries]) == []
    assert standing_steps(done.entries) == list(done.entries)


def test_an_assisting_departments_report_is_taken_back_and_nobody_elses() -> None:
    mine = an_order("accepted", Part.ASSIST, place=2, department="water", asked_due_at=NOON + timedelta(days=3))
    it = facts("dispatched", an_order("accepted"), mine)
    who = replace(as_role("handler"), departments=frozenset({"water"}))
    done = decide(it, complete(Action.REPORT, it, mine.id), who, NOON)
    assert isinstance(done, Change) and [a.status for a in done.after.assignments] == ["accepted", "done"]
    colleague = replace(who, id="p2")
    assert isinstance(decide(done.after, complete(Action.UNDO, done.after), colleague, SOON), Refusal)
    back = decide(done.after, complete(Action.UNDO, done.after), who, SOON)
    assert isinstance(back, Change)
    assert tuple(replace(a, sort_at=None) for a in back.after.assignments) == it.assignments
    assert [(line.action, line.status_to, line.assignment) for line in back.entries] == [
        ("undo", "dispatched", None),
        ("undo", "accepted", mine.id),
    ]

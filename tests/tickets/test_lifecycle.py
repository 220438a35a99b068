"""Every cell of both machines against the transcript; the lint of the tables; the guards' own stories."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from hotline.organisation.model.actors import Role
from hotline.refusals import Code, Refusal
from hotline.tickets.guards import GUARD_FIELDS, GUARDS
from hotline.tickets.lifecycle import (
    ASSIGNMENT_MOVES,
    TICKET_MOVES,
    allowed_moves,
    allowed_order_moves,
    decide,
)
from hotline.tickets.model.ticket import Change
from hotline.tickets.model.vocabulary import (
    ENDED,
    FINAL,
    SIGNS,
    Action,
    AssignmentStatus,
    Part,
    Satisfaction,
    TicketStatus,
)
from tests.conftest import NOON
from tests.tickets import transcript
from tests.tickets.machine_lint import table_errors
from tests.tickets.make import NUMBER, OTHER, a_ticket, an_order, as_role, complete, facts


def _said(it: Any, role: str) -> dict[str, str]:
    said = {action: decide(it, complete(action, it), as_role(role), NOON) for action in Action}
    return {str(action): str(done.after.ticket.status) for action, done in said.items() if isinstance(done, Change)}


@pytest.mark.parametrize(("at", "role"), list(product(TicketStatus, Role)))
def test_every_cell_of_the_ticket(at: TicketStatus, role: Role) -> None:
    it = facts(at)
    expected = transcript.cell(transcript.TICKET[at], at, role)
    assert _said(it, role) == expected


@pytest.mark.parametrize(("at", "role", "part"), list(product(AssignmentStatus, Role, Part)))
def test_every_cell_of_the_assignment(at: AssignmentStatus, role: Role, part: Part) -> None:
    lead = an_order(place=2) if part is Part.ASSIST else an_order(at)
    order = an_order(at, part, place=1) if part is Part.ASSIST else lead
    it = facts("dispatched", *({order, lead} if part is Part.ASSIST else {order}))
    who = as_role("handler", departments=frozenset({"crew"})) if role is Role.PERFORMER else as_role(role)
    text = (transcript.ASSIST if part is Part.ASSIST else transcript.LEAD)[at]
    said = {action: decide(it, complete(action, it, order.id), who, NOON) for action in Action}
    moved = {str(a): str(d.after.order(order.id).status) for a, d in said.items() if isinstance(d, Change)}  # type: ignore[union-attr]
    assert moved == transcript.cell(text, at, role)


def test_nothing_is_refused_without_a_reason_a_caller_can_use() -> None:
    for at, role, action in product(TicketStatus, Role, Action):
        it = facts(at)
        said = decide(it, complete(action, it), as_role(role), NOON)
        if isinstance(said, Refusal):
            assert said.code in (Code.NOT_NOW, Code.NOT_YOUR_ROLE, Code.INCOMPLETE)
            assert said.detail


@pytest.mark.parametrize(
    ("table", "first", "final"),
    [(TICKET_MOVES, TicketStatus.RECEIVED, FINAL), (ASSIGNMENT_MOVES, AssignmentStatus.ISSUED, ENDED)],
)
def test_the_tables_have_no_dead_ends_no_orphans_and_no_twins(table: Any, first: Any, final: Any) -> None:
    assert table_errors(table, first, final) == []


def test_the_lint_sees_each_kind_of_fault() -> None:
    stuck = tuple(m for m in TICKET_MOVES if m.at is not TicketStatus.SHELVED)
    assert "shelved cannot reach an end" in table_errors(stuck, TicketStatus.RECEIVED, FINAL)
    unreached = tuple(m for m in TICKET_MOVES if m.to is not TicketStatus.VOID or m.at is TicketStatus.VOID)
    assert "void is never reached" in table_errors(unreached, TicketStatus.RECEIVED, FINAL)
    idle = (*TICKET_MOVES, replace(TICKET_MOVES[0], by=frozenset()))
    assert "received triage: nobody may" in table_errors(idle, TicketStatus.RECEIVED, FINAL)
    assert any(
        f.startswith("twice") for f in table_errors((*TICKET_MOVES, TICKET_MOVES[0]), TicketStatus.RECEIVED, FINAL)
    )
    undead = (*TICKET_MOVES, replace(TICKET_MOVES[0], at=TicketStatus.VOID))
    assert "void is final, yet triage leaves it" in table_errors(undead, TicketStatus.RECEIVED, FINAL)


@pytest.mark.parametrize("move", [m for m in TICKET_MOVES if m.fields], ids=lambda m: f"{m.at}-{m.action}")
def test_an_action_without_one_of_its_fields_is_incomplete(move: Any) -> None:
    it = facts(move.at)
    role = next(iter(sorted(move.by)))
    for field in move.fields:
        command = complete(move.action, it)
        command = replace(command, fields={k: v for k, v in command.fields.items() if k is not field})
        said = decide(it, command, as_role(role), NOON)
        others = [
            m
            for m in TICKET_MOVES
            if m.at is move.at and m.action is move.action and role in m.by and field not in m.fields
        ]
        if isinstance(said, Refusal) and said.code is Code.INCOMPLETE:
            assert (field, "required") in said.errors
        else:
            assert others or any(not GUARDS[g][0](it, None, None, as_role(role), NOON) for g in move.guards)


def test_what_is_offered_would_be_accepted() -> None:
    for at, role in product(TicketStatus, Role):
        it, who = facts(at), as_role(role)
        for move in allowed_moves(it, who, NOON):
            assert isinstance(decide(it, complete(move.action, it), who, NOON), Change), (at, role, move.action)
    for at, part in product(AssignmentStatus, Part):
        order = an_order(at, part)
        it = facts("dispatched", order)
        for role in Role:
            for offered in allowed_order_moves(it, order, as_role(role), NOON):
                assert isinstance(decide(it, complete(offered.action, it, order.id), as_role(role), NOON), Change)


def test_the_one_who_is_late_is_told_so_before_anything_else() -> None:
    it = facts()
    said = decide(it, replace(complete(Action.TRIAGE, it), version=7), as_role("auditor"), NOON)
    assert isinstance(said, Refusal)
    assert said.code is Code.STALE


def test_information_leads_back_to_where_it_was_missing() -> None:
    waiting = facts("awaiting_info")
    operator = as_role("operator")
    for it, to in (
        (waiting, "received"),
        (replace(waiting, ticket=replace(waiting.ticket, triaged_at=NOON)), "triaged"),
        (replace(waiting, assignments=(an_order(),)), "dispatched"),
    ):
        done = decide(it, complete(Action.PROVIDE_INFO, it), operator, NOON)
        assert isinstance(done, Change)
        assert done.after.ticket.status == to


def _blocked(it: Any, action: Action, role: str, order: str | None = None, now: Any = NOON, **fields: Any) -> str:
    command = complete(action, it, order, **fields)
    said = decide(it, command, as_role(role), now)
    assert isinstance(said, Refusal), said
    guard = next(guard for guard, (_, sentence) in GUARDS.items() if sentence == said.detail)
    assert said.errors == ((GUARD_FIELDS[guard] if GUARD_FIELDS.get(guard) in command.fields else guard, said.detail),)
    return str(guard)


def test_each_guard_stops_what_it_is_there_to_stop() -> None:
    accepted = facts("dispatched", an_order())
    mine = an_order().id
    assert _blocked(facts("dispatched", an_order(ruled=True)), Action.REQUEST_RETURN, "handler", mine) == "not_ruled"
    ruled_before = facts("dispatched", an_order(), ruled=("lifts-dept",))
    assert _blocked(accepted, Action.REQUEST_RETURN, "handler", mine, department="lifts-dept") == "other_department"
    assert _blocked(ruled_before, Action.REQUEST_RETURN, "handler", mine) == "not_ruled"
    assert (
        _blocked(facts("dispatched", an_order(), returns=2), Action.REQUEST_RETURN, "handler", mine) == "returns_left"
    )
    assert _blocked(accepted, Action.REQUEST_EXTENSION, "handler", mine, now=NOON + timedelta(days=8)) == "before_due"
    assert _blocked(accepted, Action.REQUEST_EXTENSION, "handler", mine, due_at=NOON + timedelta(days=6)) == "later_due"
    asked = facts("dispatched", an_order(asked_due_at=NOON + timedelta(days=9)))
    assert _blocked(asked, Action.REQUEST_EXTENSION, "handler", mine) == "no_extension_asked"
    assert _blocked(accepted, Action.APPROVE_EXTENSION, "dispatcher", mine) == "extension_asked"
    assert (
        _blocked(facts("dispatched", an_order(extensions=2)), Action.REQUEST_EXTENSION, "handler", mine)
        == "extension_left"
    )
    assert (
        _blocked(asked, Action.APPROVE_EXTENSION, "dispatcher", mine, due_at=NOON - timedelta(days=1)) == "later_limit"
    )
    assert _blocked(replace(facts(), children=1), Action.VOID, "operator") == "not_parent"
    helped = facts("dispatched", an_order(), an_order("issued", Part.ASSIST, 2, department="water"))
    assert _blocked(helped, Action.REPORT, "handler", mine) == "assists_done"
    assert _blocked(helped, Action.ASSIST, "handler", mine, department="water") == "new_department"
    assert _blocked(facts("shelved"), Action.REPORT, "handler", mine) == "in_hand"
    assert _blocked(facts("closed"), Action.REOPEN, "operator", now=NOON + timedelta(days=31)) == "in_30_days"
    assert _blocked(facts("closed", reopens=2), Action.REOPEN, "resident") == "reopens_left"
    assert (
        _blocked(facts("resolved"), Action.CONFIRM, "operator", satisfaction=Satisfaction.NO_ANSWER)
        == "unreachable_tried"
    )
    assert _blocked(replace(facts(), children=1), Action.WITHDRAW, "operator") == "not_parent"
    assert _blocked(replace(facts(), target=a_ticket("closed", OTHER)), Action.MERGE, "operator") == "target_open"
    assert _blocked(replace(facts(), target_chain=(NUMBER,)), Action.MERGE, "operator") == "no_cycle"
    undispatched = replace(facts("dispatched", an_order()), target=a_ticket("triaged", OTHER))
    assert _blocked(undispatched, Action.MERGE, "operator") == "target_has_order"
    assert (
        _blocked(facts("triaged"), Action.SHELVE, "supervisor", review_at=NOON + timedelta(days=91)) == "review_ahead"
    )
    assert _blocked(facts(confidential=True), Action.REVEAL, "handler") == "not_confidential"
    assert set(GUARDS) == {g for m in (*TICKET_MOVES, *ASSIGNMENT_MOVES) for g in m.guards}


def test_a_supervisor_may_reopen_what_the_caps_would_leave_closed() -> None:
    it = facts("closed", reopens=5)
    assert isinstance(decide(it, complete(Action.REOPEN, it), as_role("supervisor"), NOON + timedelta(days=90)), Change)


def test_a_resident_without_a_number_needs_no_call_back_attempts() -> None:
    it = facts("resolved", phone=None)
    assert isinstance(
        decide(it, complete(Action.CONFIRM, it, satisfaction=Satisfaction.NO_ANSWER), as_role("operator"), NOON), Change
    )


def test_no_order_stays_alive_on_a_ticket_that_has_ended() -> None:
    for action in (Action.WITHDRAW, Action.MERGE, Action.RECALL, Action.SHELVE):
        it = facts("dispatched", an_order(), an_order("issued", Part.ASSIST, 2, department="water"))
        role = {Action.RECALL: "dispatcher", Action.SHELVE: "supervisor"}.get(action, "operator")
        done = decide(it, complete(action, it), as_role(role), NOON)
        assert isinstance(done, Change)
        alive = [a for a in done.after.assignments if a.status not in ENDED]
        assert len(alive) == (2 if action is Action.SHELVE else 0), action


def test_every_step_of_a_handler_on_an_order_signs_for_it() -> None:
    """Whom an order is given to, who assists, and that a step is taken back says nothing of who has it."""
    handlers = {Role.HANDLER, Role.PERFORMER}
    assert {move.action for move in ASSIGNMENT_MOVES if move.by & handlers} - {
        Action.ASSIST,
        Action.ASSIGN,
        Action.UNDO,
    } == SIGNS

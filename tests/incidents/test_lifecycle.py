"""Every cell of the incident's table against the transcript; the lint of the table; what each action does."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from hotline.incidents.model.codes import FIRST_INCIDENT, code_from_serial, parse_code
from hotline.incidents.model.incident import Incident, IncidentChange, IncidentCommand, IncidentFacts, IncidentMember
from hotline.incidents.model.lifecycle import (
    INCIDENT_MOVES,
    allowed_incident_moves,
    choose_parent,
    decide_incident,
    incident_diagram,
)
from hotline.incidents.model.vocabulary import ENDED_STATES, IncidentAction, IncidentField, IncidentState
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.vocabulary import Priority
from hotline.refusals import Code, Refusal
from hotline.text.numbering import FIRST, number_from_serial, parse_number
from hotline.tickets.model.vocabulary import TicketStatus
from tests.conftest import NOON, ROOT
from tests.incidents.transcript import INCIDENT, ROLES
from tests.tickets.machine_lint import table_errors

F = IncidentField
ONE, TWO, OTHER = (number_from_serial(FIRST + n) for n in range(3))
CODE = code_from_serial(FIRST_INCIDENT)
OTHER_CODE = code_from_serial(FIRST_INCIDENT + 7)
COMPLETE = {F.TEXT: "repaired", F.REASON: "because", F.TICKET: TWO, F.TICKETS: [TWO], F.INCIDENT: str(OTHER_CODE)}


def an_incident(state: str = "open", **over: Any) -> Incident:
    made = Incident(
        CODE, IncidentState(state), "sdq-burst", "rq", "rq", NOON, NOON, NOON, NOON, parent=ONE, entries=1, version=3
    )
    return replace(made, **over)


def a_member(number: str = ONE, status: str = "dispatched", **over: Any) -> IncidentMember:
    made = IncidentMember(number, TicketStatus(status), NOON, 2, Priority.NORMAL, "sdq-burst", department="water")
    return replace(made, **over)


def facts(state: str = "open") -> IncidentFacts:
    members = (a_member(ONE), a_member(TWO, "merged"))
    named = {ONE: CODE, TWO: CODE, OTHER: None}
    target = an_incident(code=OTHER_CODE)
    new_code = code_from_serial(FIRST_INCIDENT + 1)
    return IncidentFacts(an_incident(state), members, target, named=named, new_code=new_code)


def as_role(role: str) -> Actor:
    return Actor(ActorKind.PERSON, "p1", "Li", frozenset({Role(role)}))


def complete(action: IncidentAction, version: int = 3) -> IncidentCommand:
    fields = {**COMPLETE, F.TICKET: OTHER} if action is IncidentAction.JOIN else COMPLETE
    return IncidentCommand(action, version, fields)


@pytest.mark.parametrize(("state", "role"), list(product(IncidentState, Role)))
def test_every_cell_of_the_incident(state: IncidentState, role: Role) -> None:
    said = {action: decide_incident(facts(state), complete(action), as_role(role), NOON) for action in IncidentAction}
    moved = {str(a): str(done.after.state) for a, done in said.items() if isinstance(done, IncidentChange)}
    expected: dict[str, str] = {}
    for line in INCIDENT[state].strip().splitlines():
        who, _, what = line.partition(":")
        if role in {ROLES[letter] for letter in who.strip()}:
            for part in what.split(","):
                action, _, to = part.strip().partition(">")
                expected[action] = to or state
    assert moved == expected
    refused = [done for done in said.values() if isinstance(done, Refusal)]
    assert all(r.code in (Code.NOT_NOW, Code.NOT_YOUR_ROLE) and r.detail for r in refused)


def test_the_table_has_no_dead_ends_no_orphans_and_no_twins() -> None:
    assert table_errors(INCIDENT_MOVES, IncidentState.PROPOSED, ENDED_STATES - {IncidentState.OVER}) == []


def test_an_incident_that_changed_meanwhile_is_left_alone() -> None:
    said = decide_incident(facts(), complete(IncidentAction.CONTAIN, version=2), as_role("dispatcher"), NOON)
    assert isinstance(said, Refusal)
    assert (said.code, said.version) == (Code.STALE, 3)
    assert {m.action for m in said.moves} == {
        m.action for m in allowed_incident_moves(an_incident(), as_role("dispatcher"), can_reopen=False)
    }


def test_what_an_action_needs_is_named() -> None:
    said = decide_incident(facts(), IncidentCommand(IncidentAction.END, 3), as_role("dispatcher"), NOON)
    assert isinstance(said, Refusal)
    assert (said.code, said.errors) == (Code.INCOMPLETE, (("text", "required"),))


@pytest.mark.parametrize(
    ("action", "fields", "rule"),
    [
        ("join", {F.TICKET: "1"}, "no such ticket"),
        ("leave", {F.TICKET: ONE, F.REASON: "x"}, "carries the incident"),
        ("leave", {F.TICKET: OTHER, F.REASON: "x"}, "does not belong"),
        ("split", {F.TICKETS: [TWO, ONE], F.REASON: "x"}, "carries the incident"),
        ("split", {F.TICKETS: [OTHER], F.REASON: "x"}, "does not belong"),
    ],
)
def test_a_ticket_that_cannot_move_is_refused_by_name(action: str, fields: Any, rule: str) -> None:
    said = decide_incident(facts(), IncidentCommand(IncidentAction(action), 3, fields), as_role("dispatcher"), NOON)
    assert isinstance(said, Refusal)
    assert (said.code, said.errors[0][0]) == (Code.INVALID, next(iter(fields)))
    assert rule in said.errors[0][1]


def test_a_ticket_of_another_incident_does_not_join() -> None:
    taken = replace(facts(), named={OTHER: "100019"})
    said = decide_incident(taken, complete(IncidentAction.JOIN), as_role("operator"), NOON)
    assert isinstance(said, Refusal)
    assert "another incident" in said.detail


@pytest.mark.parametrize("action", ["join", "leave", "split"])
def test_a_ticket_that_has_ended_stays_where_it_is(action: str) -> None:
    members = (a_member(ONE), a_member(TWO, "closed"))
    ended = replace(facts(), members=members, ended=frozenset({TWO, OTHER}))
    said = decide_incident(ended, complete(IncidentAction(action)), as_role("dispatcher"), NOON)
    assert isinstance(said, Refusal)
    assert "ended" in said.detail


@pytest.mark.parametrize("action", ["leave", "split"])
def test_a_ticket_out_of_sight_is_not_named_as_a_member(action: str) -> None:
    hidden = replace(facts(), named={})
    said = decide_incident(hidden, complete(IncidentAction(action)), as_role("dispatcher"), NOON)
    assert isinstance(said, Refusal)
    assert "does not belong" in said.detail


def test_a_closed_ticket_never_carries_what_is_split_off() -> None:
    members = (a_member(ONE), a_member(TWO, "closed"), a_member(OTHER, "merged", created_at=NOON + timedelta(hours=1)))
    apart = IncidentCommand(IncidentAction.SPLIT, 3, {F.TICKETS: [TWO, OTHER], F.REASON: "because"})
    said = decide_incident(replace(facts(), members=members), apart, as_role("dispatcher"), NOON)
    assert isinstance(said, IncidentChange)
    assert said.images[1][0].parent == OTHER


def test_the_parent_is_never_the_call_of_somebody_in_danger_while_there_is_another() -> None:
    danger = a_member(ONE, priority=Priority.EMERGENCY, dangers=True)
    without_order = a_member(TWO, "received", department=None, created_at=NOON + timedelta(seconds=1))
    ordered = a_member(OTHER, created_at=NOON + timedelta(seconds=9))
    assert choose_parent(an_incident("proposed"), [danger, without_order, ordered]) == OTHER
    assert choose_parent(an_incident("proposed"), [danger, without_order]) == TWO
    assert choose_parent(an_incident("proposed"), [danger]) == ONE
    assert choose_parent(an_incident("proposed"), [a_member(ONE, "closed")]) is None


def test_a_split_makes_a_second_incident_in_the_same_state() -> None:
    said = decide_incident(facts("contained"), complete(IncidentAction.SPLIT), as_role("supervisor"), NOON)
    assert isinstance(said, IncidentChange)
    (first, expected), (second, new) = said.images
    assert (first.version, expected, new) == (4, 3, None)
    assert (second.state, second.parent, second.version) == (IncidentState.CONTAINED, TWO, 1)
    assert first.moves == ((TWO, second.code, "Li: because"),)
    assert [entry.action for entry in said.entries] == [IncidentAction.SPLIT, IncidentAction.PROPOSE]


def test_codes_are_short_checked_and_never_the_number_of_a_ticket() -> None:
    for serial in range(FIRST_INCIDENT, FIRST_INCIDENT + 300):
        code = code_from_serial(serial)
        assert parse_code(f" {code[:3]} {code[3:]}") == code
        assert parse_number(code) is None
        swapped = code[1] + code[0] + code[2:]
        assert swapped == code or parse_code(swapped) is None
    assert parse_code(number_from_serial(FIRST)) is None
    assert parse_code("") is None
    assert parse_code("1" * 1000) is None


def test_the_guide_draws_the_table_as_it_is() -> None:
    drawn = re.findall(r"```mermaid\n(.*?)\n```", Path(ROOT / "docs/incidents.md").read_text("utf-8"), re.DOTALL)
    assert drawn == [incident_diagram()]


def test_an_incident_that_turns_out_to_be_the_cause_gives_its_matter_to_the_one_it_goes_into() -> None:
    dry = an_incident(code=OTHER_CODE, category="sdq-water", symptom="no-water", version=9)
    burst = replace(facts(), incident=an_incident(symptom="pipe-burst"), target=dry)
    for is_cause, category in ((True, "sdq-burst"), (False, "sdq-water")):
        done = decide_incident(
            replace(burst, is_cause_of_target=is_cause), complete(IncidentAction.MERGE), as_role("dispatcher"), NOON
        )
        assert isinstance(done, IncidentChange)
        (merged, before), (target, seen) = done.images
        assert (merged.state, merged.merged_into, before) == ("merged", OTHER_CODE, 3)
        assert (target.category, target.state, target.version, seen) == (category, "open", 10, 9)
        assert [(e.code, e.action) for e in done.entries] == [(CODE, "merge"), (OTHER_CODE, "merge")]


def test_what_has_ended_takes_no_other_incident_in() -> None:
    for target, rule in ((None, "no such incident"), (an_incident("over", code=OTHER_CODE), "has ended")):
        said = decide_incident(
            replace(facts(), target=target), complete(IncidentAction.MERGE), as_role("dispatcher"), NOON
        )
        assert isinstance(said, Refusal)
        assert rule in said.errors[0][1]

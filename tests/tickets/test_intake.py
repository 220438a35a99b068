"""What comes of a call, said without a database: the contact, the ticket, its first steps, who is told."""

from datetime import UTC, datetime

import pytest

from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Channel
from hotline.refusals import Code, Refused
from hotline.text.numbering import TicketNumber
from hotline.text.phone_parsing import parse_phone
from hotline.tickets.model.intake import IncomingCall, IntakeRequest, opened, refusal_of
from hotline.tickets.model.ticket import Change
from hotline.tickets.model.vocabulary import Action, Field, TicketStatus
from hotline.triage.model.advising import advise
from tests.triage.seeded import seeded_directory, seeded_lexicon

NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)
DESK = Actor(ActorKind.PERSON, "desk", "李敏", frozenset({Role.OPERATOR}))
NUMBER = TicketNumber("100000006")


@pytest.fixture(scope="module")
def directory() -> Directory:
    return seeded_directory("ruiquan")


def taken_in(directory: Directory, intake_request: IntakeRequest) -> Change:
    who = parse_phone(intake_request.phone, "CN", "28")
    call = IncomingCall(intake_request, who, "caller-1" if who.caller else None, "call-1", DESK, NOON)
    return opened(
        call, NUMBER, advise(seeded_lexicon("ruiquan"), intake_request.narrative, intake_request.address), directory
    )


def actions(change: Change) -> list[Action]:
    return [entry.action for entry in change.entries]


def test_a_matter_the_rules_are_sure_of_is_dispatched_in_the_same_change(directory: Directory) -> None:
    change = taken_in(directory, IntakeRequest(Channel.PHONE, "3栋电梯关到人了", phone="13800138000", name="王秀英"))
    assert actions(change) == [Action.RECEIVE, Action.TRIAGE, Action.DISPATCH]
    assert [entry.seq for entry in change.entries] == [1, 2, 3]
    assert [(w.ticket.status, w.expected) for w in change.tickets] == [(TicketStatus.DISPATCHED, None)]
    assert change.assignments[0].department == change.after.ticket.department
    assert {clock.id for clock in change.clocks} == {clock.id for clock in change.after.clocks}
    assert len({message.id for message in change.messages}) == len(change.messages)
    (call,), (caller,) = change.calls, change.callers
    assert (call.number, call.caller, caller.name, caller.phone) == (NUMBER, "caller-1", "王秀英", "+8613800138000")


def test_what_nobody_is_sure_of_waits_for_the_desk_with_its_clocks_running(directory: Directory) -> None:
    change = taken_in(directory, IntakeRequest(Channel.PHONE, "有件事情想反映一下"))
    assert actions(change) == [Action.RECEIVE]
    assert change.after.ticket.status is TicketStatus.RECEIVED
    assert change.clocks and change.clocks == change.after.clocks
    assert change.callers == ()  # withheld


def test_what_is_answered_on_the_line_is_closed_and_runs_against_no_clock(directory: Directory) -> None:
    answered = IntakeRequest(
        Channel.PHONE, "请问几点开门", at_once=Action.ANSWER, at_once_fields={Field.ANSWER: "九点"}
    )
    change = taken_in(directory, answered)
    assert actions(change) == [Action.RECEIVE, Action.ANSWER]
    assert (change.after.ticket.status, change.clocks) == (TicketStatus.CLOSED, ())


def test_an_answer_that_says_nothing_settles_nothing(directory: Directory) -> None:
    with pytest.raises(Refused) as refused:
        taken_in(directory, IntakeRequest(Channel.PHONE, "请问几点开门", at_once=Action.ANSWER))
    assert refused.value.refusal.code is Code.INCOMPLETE


def test_a_secret_matter_keeps_the_name_from_the_callers_card(directory: Directory) -> None:
    secret = IntakeRequest(Channel.PHONE, "举报有人违建", phone="13800138000", name="王秀英", confidential=True)
    change = taken_in(directory, secret)
    assert (change.calls[0].confidential, change.callers[0].name) == (True, None)


def test_all_that_is_wrong_is_told_at_once(directory: Directory) -> None:
    intake_request = IntakeRequest(Channel.PHONE, "路灯坏了", category="nothing", area="nowhere", outer_due_at=NOON)
    refusal = refusal_of(intake_request, directory, DESK, NOON)
    assert refusal is not None
    assert [field for field, _ in refusal.errors] == ["category", "location.area", "outer.due_at"]
    assert refusal_of(IntakeRequest(Channel.PHONE, "路灯坏了", phone="abc"), directory, DESK, NOON) is None

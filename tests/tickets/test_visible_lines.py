"""Who is shown which line of a timeline: one table, written by hand. Every reader of timelines asks `visible_entry`, and
what is told live goes to whom it shows the line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.tickets.model.ticket import Entry, Facts
from hotline.tickets.model.visibility import VisibleEntry, entry_parties, visible_entry
from hotline.tickets.model.vocabulary import Action, Part, TicketStatus
from tests.conftest import NOON
from tests.tickets.make import NUMBER, a_ticket, an_order

A, R, P = Action, Role, ActorKind.PERSON


def actor(name: str, role: Role, *departments: str, contractor: bool = False) -> Actor:
    return Actor(P, name, name, frozenset({role}), frozenset(departments), contractor=contractor)


WORKS, WATER = actor("works", R.HANDLER, "property-works"), actor("water", R.HANDLER, "water")
LIFTS, PAINT = actor("lifts", R.HANDLER, "lifts", contractor=True), actor("paint", R.HANDLER, "paint", contractor=True)
READERS = {
    "operator": actor("operator", R.OPERATOR),
    "dispatcher": actor("dispatcher", R.DISPATCHER),
    "supervisor": actor("supervisor", R.SUPERVISOR),
    "auditor": actor("auditor", R.AUDITOR),
    "admin": actor("admin", R.ADMIN),
    "lead": WORKS,
    "assisting": WATER,
    "own contractor": LIFTS,
    "its colleague": actor("another liftman", R.HANDLER, "lifts", contractor=True),
    "other contractor": PAINT,
}
AUTHORS = {"works": "property-works", "water": "water", "lifts": "lifts", "paint": "paint"}  # id -> department
LEAD, ASSIST, PAINTS = f"{NUMBER}-1", f"{NUMBER}-2", f"{NUMBER}-3"


@dataclass(frozen=True)
class Line:
    """`by`: an id; `order`: the assignment; `shown`: to operator, dispatcher, supervisor | auditor, admin | lead,
    assisting | own contractor, its colleague, other contractor. `A`: whole. `M`: whole, with nothing of the caller. `o`:
    with what concerns the own work, its reason left out. `w`: the same with its reason. `-`: not at all."""

    by: str
    action: Action
    order: str | None
    shown: str


LINES: Mapping[str, Line] = {
    "the desk receives": Line("desk", A.RECEIVE, None, "AAA MM MM ooo"),
    "the desk's note": Line("desk", A.COMMENT, None, "AAA MM MM ---"),
    "the desk amends": Line("desk", A.AMEND, None, "AAA MM MM ooo"),
    "the desk dispatches": Line("desk", A.DISPATCH, None, "AAA MM MM www"),
    "the desk urges": Line("desk", A.URGE, None, "AAA MM MM www"),
    "the desk supervises": Line("desk", A.SUPERVISE, None, "AAA MM MM www"),
    "the desk shelves": Line("desk", A.SHELVE, None, "AAA MM MM ooo"),
    "the desk calls back": Line("desk", A.CALL_BACK, None, "AAA MM MM ---"),
    "the desk reveals": Line("desk", A.REVEAL, None, "AAA MM MM ---"),
    "the desk hides the caller": Line("desk", A.SET_CONFIDENTIAL, None, "AAA MM MM ---"),
    "the desk's file": Line("desk", A.ATTACH, None, "AAA MM MM ooo"),
    "another ticket is merged in": Line("desk", A.ABSORB, None, "AAA MM MM ooo"),
    "the caller rings again": Line("desk", A.ADD_CALL, None, "AAA MM MM www"),
    "the lead's note": Line("works", A.COMMENT, None, "AAA MM MM ---"),
    "the lead's file": Line("works", A.ATTACH, None, "AAA MM MM ---"),
    "the lead reveals": Line("works", A.REVEAL, None, "AAA MM MM ---"),
    "the assisting one's note": Line("water", A.COMMENT, None, "AAA MM MM ---"),
    "the assisting one's file": Line("water", A.ATTACH, None, "AAA MM MM ---"),
    "the contractor's note": Line("lifts", A.COMMENT, None, "AAA MM MM AA-"),
    "the contractor's file": Line("lifts", A.ATTACH, None, "AAA MM MM AA-"),
    "the lead's order is accepted": Line("lifts", A.ACCEPT, LEAD, "AAA MM MM AA-"),
    "the lead's order is reported": Line("works", A.REPORT, LEAD, "AAA MM MM AA-"),
    "the lead asks to return it": Line("works", A.REQUEST_RETURN, LEAD, "AAA MM MM AA-"),
    "the assisting order is reported": Line("water", A.REPORT, ASSIST, "AAA MM MM ---"),
    "the assisting order is recalled": Line("desk", A.RECALL, ASSIST, "AAA MM MM ---"),
    "the painter's order is reported": Line("paint", A.REPORT, PAINTS, "AAA MM MM --A"),
    "the clock escalates the painter's order": Line("clock", A.ESCALATE, PAINTS, "AAA MM MM --A"),
    "the clock escalates the ticket": Line("clock", A.ESCALATE, None, "AAA MM MM ooo"),
}
CHANGES = {
    "status": ["received", "triaged"],
    "phone": [None, "+8613800138000"],
    "caller_name": [None, "王秀英"],
    "narrative": ["王秀英的电梯", "电梯"],
    "cost": [None, 5],
    f"assignment.{ASSIST}.due_at": [None, "x"],
    "issued": [None, [f"{LEAD}:property-works:lead", f"{ASSIST}:water:assist", f"{PAINTS}:paint:assist"]],
}
TICKET = a_ticket(TicketStatus.DISPATCHED, phone="+8613800138000", caller_name="王秀英", caller="c")
ORDERS = (
    an_order(id=LEAD, department="property-works", performer="lifts"),
    an_order(id=ASSIST, department="water", part=Part.ASSIST),
    an_order(id=PAINTS, department="paint", part=Part.ASSIST),
)


def entry_of(line: Line) -> Entry:
    kind = ActorKind.CLOCK if line.by == "clock" else P
    return Entry(NUMBER, 7, NOON, kind, line.by, line.by, line.action, None, None, line.order, "words", CHANGES)


def grade(seen: VisibleEntry | None) -> str:
    if seen is None:
        return "-"
    names = set(seen.changes)
    if names == set(CHANGES):
        return "A"
    assert not names & {"phone", "caller_name"} and "王秀英" not in str(seen.changes)
    if seen.reason and "cost" in names and f"assignment.{ASSIST}.due_at" in names:
        return "M"
    assert "water" not in str(seen.changes)
    if "cost" in names:
        return "A"  # a contractor's own line: all but the caller and others' orders
    assert names <= {"status", "issued"}
    return "w" if seen.reason else "o"


@pytest.mark.parametrize("what", LINES)
def test_every_line_is_shown_to_whom_the_table_says(what: str) -> None:
    line = LINES[what]
    seen = [grade(visible_entry(entry_of(line), TICKET, ORDERS, reader, AUTHORS)) for reader in READERS.values()]
    assert "".join(seen) == line.shown.replace(" ", "")


@pytest.mark.parametrize("what", LINES)
def test_a_line_is_told_live_to_those_whom_it_is_shown_to(what: str) -> None:
    entry = entry_of(LINES[what])
    author = {"works": WORKS, "water": WATER, "lifts": LIFTS, "paint": PAINT}.get(LINES[what].by)
    told = entry_parties(entry, Facts(TICKET, ORDERS), author.handler_departments if author else ())
    # no directory: every party is taken for a contractor, those that take part of themselves as well
    for reader in (LIFTS, PAINT):
        shown: Any = visible_entry(entry, TICKET, ORDERS, reader, AUTHORS)
        assert (told >= reader.departments) == (shown is not None), reader.name

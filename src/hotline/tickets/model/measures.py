"""The table of measures: what is counted, of which tickets, orders and calls, on which day. Figures are made of them.

One notation: a measure counts the tickets (or orders) that pass its tests, on the day of one of their moments. The same
rows are read by the rollups, by the drill-down to exactly those tickets and by the docs. What a measure counts follows
from a ticket and its orders as they stand: a change is what it counts after, less what it counted before.
"""

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hotline.tickets.model.ticket import Facts
from hotline.tickets.model.vocabulary import (
    HELD,
    LIVE,
    OPEN,
    AssignmentStatus,
    Outcome,
    Part,
    Satisfaction,
    TicketStatus,
)


class CountedKind(StrEnum):
    """What is counted."""

    TICKET = "ticket"
    ORDER = "order"
    CALL = "call"


class Op(StrEnum):
    """How a field is tested."""

    IN = "in"  # one of these words
    NOT_IN = "not_in"
    SET = "set"
    UNSET = "unset"
    OVER = "over"  # more than this number
    BEFORE = "before"  # earlier than another moment of the same row; both are set
    BY = "by"  # not later than it
    AFTER = "after"  # later than it


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a field of the row; `value` is a set of words, a number, or the other moment's field."""

    field: str
    op: Op
    value: Any = None

    @property
    def said(self) -> str:
        """As the catalogue of figures tells it."""
        value = " | ".join(sorted(map(str, self.value))) if isinstance(self.value, frozenset) else self.value
        return " ".join(str(part) for part in (self.field, self.op, value) if part is not None)


@dataclass(frozen=True, slots=True)
class Measure:
    """`at`: the moment whose day it is counted on; None: as long as it is so (a stock)."""

    code: str
    of: CountedKind
    at: str | None
    where: tuple[Condition, ...]
    sums_minutes: bool = False  # of minutes from `created_at` to `at`, instead of one for each


def _in(field: str, *words: Any) -> Condition:
    return Condition(field, Op.IN, frozenset(words))


def _not(field: str, *words: Any) -> Condition:
    return Condition(field, Op.NOT_IN, frozenset(words))


def _set(field: str) -> Condition:
    return Condition(field, Op.SET)


def _unset(field: str) -> Condition:
    return Condition(field, Op.UNSET)


T, A, C, O, S = CountedKind.TICKET, CountedKind.ORDER, CountedKind.CALL, Outcome, Satisfaction
_SATISFIED = (S.VERY_SATISFIED, S.SATISFIED, S.FAIR)
_RATED = (*_SATISFIED, S.DISSATISFIED, S.VERY_DISSATISFIED)
_CLOSED = _in("outcome", O.ANSWERED, O.CONFIRMED, O.SILENT, O.EXPLAINED)
_HANDLED = _in("outcome", O.CONFIRMED, O.SILENT, O.EXPLAINED)  # by a department: these are called back
_NOT_TAKEN_BACK = _not("status", AssignmentStatus.RETURNED, AssignmentStatus.RECALLED)
MEASURES: Mapping[str, Measure] = {
    m.code: m
    for m in (
        #       code               of  on the day of   where
        # every call, text and visit; it stays counted where it was taken, whatever becomes of its ticket
        Measure("calls",           C,  "at",           ()),
        # what they were about: tickets that carry a matter of their own
        Measure("matters",         T,  "created_at",   (_not("status", TicketStatus.VOID, TicketStatus.MERGED),)),
        Measure("entered",         T,  "created_at",   ()),
        Measure("accepted",        T,  "created_at",   (_not("status", TicketStatus.VOID),)),
        Measure("answered",        T,  "created_at",   (_in("outcome", O.ANSWERED),)),
        Measure("merged",          T,  "created_at",   (_in("outcome", O.MERGED),)),
        Measure("declined",        T,  "created_at",   (_in("outcome", O.DECLINED),)),
        Measure("left",            T,  "ended_at",     (_set("ended_at"),)),
        Measure("absorbed",        T,  "ended_at",     (_in("outcome", O.MERGED),)),
        Measure("open",            T,  None,           (_in("status", *OPEN),)),
        Measure("shelved",         T,  None,           (_in("status", TicketStatus.SHELVED),)),
        Measure("closed",          T,  "ended_at",     (_CLOSED,)),
        Measure("reopened",        T,  "ended_at",     (_CLOSED, Condition("reopens", Op.OVER, 0))),
        Measure("visited",         T,  "ended_at",     (_HANDLED,)),
        Measure("reached",         T,  "ended_at",     (_HANDLED, _in("satisfaction_final", *_RATED))),
        Measure("solved",          T,  "ended_at",     (_in("outcome", O.CONFIRMED), _in("satisfaction_final", *_RATED))),
        Measure("rated_first",     T,  "ended_at",     (_CLOSED, _in("satisfaction_first", *_RATED))),
        Measure("pleased_first",   T,  "ended_at",     (_CLOSED, _in("satisfaction_first", *_SATISFIED))),
        Measure("rated_final",     T,  "ended_at",     (_CLOSED, _in("satisfaction_final", *_RATED))),
        Measure("pleased_final",   T,  "ended_at",     (_CLOSED, _in("satisfaction_final", *_SATISFIED))),
        Measure("handled",         T,  "ended_at",     (_HANDLED,)),
        Measure("handled_minutes", T,  "ended_at",     (_HANDLED,), sums_minutes=True),
        Measure("dispatched",      A,  "issued_at",    ()),
        Measure("returned",        A,  "issued_at",    (_in("status", AssignmentStatus.RETURNED),)),
        Measure("refused",         A,  "issued_at",    (_not("status", AssignmentStatus.RETURNED), Condition("refused", Op.OVER, 0))),
        Measure("signed",          A,  "issued_at",    (_set("accepted_at"), _set("accept_by"))),
        # an order that nobody signs is signed by the clock at its limit: that is not before it
        Measure("signed_in_time",  A,  "issued_at",    (Condition("accepted_at", Op.BEFORE, "accept_by"), Condition("signed_at", Op.BEFORE, "accept_by"))),
        Measure("met",             A,  "due_at",       (_NOT_TAKEN_BACK, Condition("reported_at", Op.BY, "due_at"))),
        Measure("missed",          A,  "due_at",       (_NOT_TAKEN_BACK, Condition("reported_at", Op.AFTER, "due_at"))),
        Measure("running",         A,  "due_at",       (_in("status", *LIVE), _unset("reported_at"))),
        Measure("contacted",       A,  "due_at",       (_NOT_TAKEN_BACK, _set("reported_at"), Condition("contacted_at", Op.BY, "due_at"))),
        Measure("contacted_running", A, "due_at",      (_in("status", *LIVE), _unset("reported_at"), Condition("contacted_at", Op.BY, "due_at"))),
    )
}  # fmt: skip
_BY_KIND = {of: tuple(m for m in MEASURES.values() if m.of is of) for of in CountedKind}
# what was due on a day and still runs: judged once the day is over, by another name
OVERDUE_NAMES = {"running": "overdue", "contacted_running": "contacted_overdue"}

# what an order is judged by, of the measures that judge one: its limit, and what had to be done by then
LIMITS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("signed", "signed_in_time"), ("accept_by", "signed_at")),
    **dict.fromkeys(("met", "missed", "running", "overdue"), ("due_at", "reported_at")),
    **dict.fromkeys(("contacted", "contacted_running", "contacted_overdue"), ("due_at", "contacted_at")),
}


@dataclass(frozen=True, slots=True)
class CountedParts:
    """What is counted by one of these measures, and by none of those. All are of one kind, on the day of one moment."""

    any_of: tuple[str, ...]
    none_of: tuple[str, ...] = ()


_DUE = ("met", "missed", "overdue")
FAILED_PREFIX = "failed."
# by figure: what is counted below the line and not above it, or, where less is better, above it
FAILURES: Mapping[str, CountedParts] = {
    "first_call": CountedParts(("accepted",), ("answered",)),
    "signed_in_time": CountedParts(("signed",), ("signed_in_time",)),
    "on_time": CountedParts(("missed", "overdue")),
    "response": CountedParts(_DUE, ("contacted", "contacted_overdue")),
    "call_back": CountedParts(("visited",), ("reached",)),
    "solution": CountedParts(("reached",), ("solved",)),
    "satisfaction_first": CountedParts(("rated_first",), ("pleased_first",)),
    "satisfaction_final": CountedParts(("rated_final",), ("pleased_final",)),
    "return_dispatcher": CountedParts(("returned",)),
    "return_department": CountedParts(("refused",)),
    "repeat": CountedParts(("merged",)),
    "reopen": CountedParts(("reopened",)),
}
COUNTED_CODES = (*MEASURES, *OVERDUE_NAMES.values(), *(f"{FAILED_PREFIX}{figure}" for figure in FAILURES))


def counted_parts(code: str) -> CountedParts:
    """What a code of COUNTED_CODES counts: a measure, or the failures of a figure (`failed.on_time`)."""
    return FAILURES[code.removeprefix(FAILED_PREFIX)] if code.startswith(FAILED_PREFIX) else CountedParts((code,))


def kind_of(code: str) -> CountedKind:
    """What a code of COUNTED_CODES counts the rows of."""
    first = counted_parts(code).any_of[0]
    return MEASURES[next((running for running, late in OVERDUE_NAMES.items() if late == first), first)].of


def limit_of(code: str) -> tuple[str, str] | None:
    """The fields of an order that a code of COUNTED_CODES judges: its limit, and when that was kept. None: it judges
    no order by a limit."""
    if code == f"{FAILED_PREFIX}response":  # counted among what was due; what was not done by then is the contact
        return LIMITS["contacted"]
    return LIMITS.get(counted_parts(code).any_of[0])


DIMENSIONS = ("department", "category", "area", "channel")
TOTAL_DIMENSION = "house"  # the dimension of everything together
DURATION_PREFIX = "took:"  # and the minutes, rounded: how many took so long
HOUR_PREFIX = "hour:"  # and the hour of the day: how many came in then
Cell = tuple[str, datetime | None, str, str, str, str]  # measure, moment, department, category, area, channel
Delta = tuple[str, datetime | None, str, str, str, str, int]


def meets_conditions(row: Any, where: Iterable[Condition]) -> bool:
    """Whether a ticket or an order passes every test."""
    for test in where:  # noqa: SIM110 - a generator would cost more than the tests
        if not _TESTS[test.op](getattr(row, test.field), row, test.value):
            return False
    return True


def _both(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any, Any], bool]:
    """A test of two moments of the row. False where one is not set."""

    def test(value: Any, row: Any, name: Any) -> bool:
        other = getattr(row, name)
        return value is not None and other is not None and compare(value, other)

    return test


# by operation: whether the value of a field, of this row, passes with the condition's value
_TESTS: Mapping[Op, Callable[[Any, Any, Any], bool]] = {
    Op.IN: lambda value, row, words: value in words,
    Op.NOT_IN: lambda value, row, words: value not in words,
    Op.SET: lambda value, row, _: value is not None,
    Op.UNSET: lambda value, row, _: value is None,
    Op.OVER: lambda value, row, number: bool(value > number),
    Op.BEFORE: _both(operator.lt),
    Op.BY: _both(operator.le),
    Op.AFTER: _both(operator.gt),
}


def responsible_order(orders: Iterable[Any]) -> Any | None:
    """The order a ticket is counted under: the lead's last that was neither returned nor recalled."""
    leads = [a for a in orders if a.part == Part.LEAD and a.status in HELD]
    return max(leads, key=lambda a: (a.issued_at, a.id), default=None)


def count_measures(ticket: Any, orders: Sequence[Any]) -> Counter[Cell]:
    """What a ticket and its orders count for, as they stand. Rows of the database will do as well as the shapes."""
    cell_counts = Counter[Cell]()
    lead = responsible_order(orders)
    holder = lead.department if lead else ""
    rest = (ticket.category or "", ticket.area or "", str(ticket.channel))
    for of, rows in ((CountedKind.TICKET, (ticket,)), (CountedKind.ORDER, orders)):
        for row in rows:
            department = holder if of is CountedKind.TICKET else row.department
            for measure in _BY_KIND[of]:
                at = getattr(row, measure.at) if measure.at else None
                if (at is None and measure.at) or not meets_conditions(row, measure.where):
                    continue
                cell_counts[(measure.code, at, department, *rest)] += _worth(measure, row, at)
                if measure.code == "handled":
                    cell_counts[(f"{DURATION_PREFIX}{round_minutes(_minutes(row, at))}", at, department, *rest)] += 1
    return cell_counts


def count_calls(calls: Iterable[Any]) -> Counter[Cell]:
    """What calls count for: once each, under no department, for whose matter it becomes is not known yet. Rows of the
    database will do as well as the shapes."""
    return Counter(("calls", call.at, "", call.category or "", call.area or "", str(call.channel)) for call in calls)


def _worth(measure: Measure, row: Any, at: datetime | None) -> int:
    return _minutes(row, at) if measure.sums_minutes else 1


def _minutes(ticket: Any, at: datetime | None) -> int:
    """Whole minutes from the first call to the end, by the calendar."""
    return int((at - ticket.created_at).total_seconds() // 60) if at is not None else 0


def round_minutes(minutes: int) -> int:
    """To two significant figures: the precision of medians and percentiles."""
    unit: int = 10 ** max(0, len(str(minutes)) - 2)
    return (minutes + unit // 2) // unit * unit


def call_deltas(calls: Iterable[Any], moved_from: Any = None) -> list[Delta]:
    """How the measures move by calls that come in. `moved_from`: the call as it was counted, where it is none that
    comes in, but moves here."""
    counts = Counter(count_calls(calls))
    if moved_from is not None:
        counts.subtract(count_calls([moved_from]))
    return [(*cell, n) for cell, n in counts.items() if n]


def measure_changes(before: Facts | None, after: Facts) -> list[Delta]:
    """How the measures move by a change: cells and by how much. Empty for most changes."""
    if before is not None and _is_uncounted_change(before, after):
        return []
    moved = count_measures(after.ticket, after.assignments)
    if before is not None:
        moved.subtract(count_measures(before.ticket, before.assignments))
    return [(*cell, n) for cell, n in moved.items() if n]


_COUNTED_BY = ("status", "department", "category", "area", "channel", *dict.fromkeys(
    name for m in _BY_KIND[CountedKind.TICKET] for name in (m.at, *(test.field for test in m.where)) if name
))  # fmt: skip


def _is_uncounted_change(before: Facts, after: Facts) -> bool:
    """Whether a change touches nothing that is counted: an urge, a comment, an escalation."""
    same = len(before.assignments) == len(after.assignments) and all(
        a is b for a, b in zip(before.assignments, after.assignments, strict=True)
    )
    return same and all(getattr(before.ticket, f) == getattr(after.ticket, f) for f in _COUNTED_BY)


def rollup_keys(day: str, department: str, category: str, area: str, channel: str) -> tuple[tuple[str, str, str], ...]:
    """Where a cell is added up: (dimension, day, code), alone, for each department by the other three,
    and for each area by the other two."""
    return (
        (TOTAL_DIMENSION, day, ""),
        ("department", day, department),
        ("category", day, category),
        ("area", day, area),
        ("channel", day, channel),
        ("department/category", day, f"{department}/{category}"),
        ("department/area", day, f"{department}/{area}"),
        ("department/channel", day, f"{department}/{channel}"),
        ("area/category", day, f"{area}/{category}"),
        ("area/channel", day, f"{area}/{channel}"),
    )

"""The clock that ends next, and how bad things are: the one answer that boards, lists and tickets show and sort by."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hotline.organisation.model.vocabulary import Metric
from hotline.tickets.model.ticket import Clock
from hotline.tickets.model.vocabulary import Colour
from hotline.tickets.sla.colours import COLOURS_ASCENDING, DEPARTMENT_METRICS, colour_of

# its end closes a matter that was answered: nobody has to be quicker than it
_NO_DEADLINES = frozenset({Metric.SILENCE})
# of two that end together, the department's own is named, and the resident's last
_LATER_NAMED = (Metric.RESOLVE,)


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A clock that has not stopped, as it looks now. `ends_at`: what its colour is measured by."""

    metric: Metric
    assignment: str | None
    ends_at: datetime
    colour: Colour
    paused: bool = False


@dataclass(frozen=True, slots=True)
class NextClock:
    """The clock that ends next. `colour`: the worst of them all, as a board counts it."""

    metric: Metric
    assignment: str | None
    ends_at: datetime
    colour: Colour
    running: bool


def running_clocks(clocks: Iterable[Clock], now: datetime) -> list[RunningClock]:
    """Those of these clocks that have not stopped."""
    return [
        RunningClock(c.metric, c.assignment, c.limit_at, colour_of(c, now), c.paused_at is not None)
        for c in clocks
        if c.stopped_at is None and c.limit_at is not None
    ]


def next_clock(clocks: Iterable[RunningClock]) -> NextClock | None:
    """The clock that ends first of those that run; where none runs, of those that stand still. None: there is none."""
    known = [c for c in clocks if c.metric not in _NO_DEADLINES]
    running = [c for c in known if not c.paused]
    first = min(running or known, key=lambda c: (c.ends_at, c.metric in _LATER_NAMED), default=None)
    if first is None:
        return None
    worst = max((c.colour for c in known), key=COLOURS_ASCENDING.index)
    return NextClock(first.metric, first.assignment, first.ends_at, worst, bool(running))


def next_of_order(clocks: Iterable[RunningClock], order: str) -> NextClock | None:
    """The same of what a department owes by one order."""
    return next_clock(c for c in clocks if c.assignment == order and c.metric in DEPARTMENT_METRICS)


def order_ends_at(clocks: Iterable[Clock], order: str) -> datetime | None:
    """When the next clock of an order ends: its place in the department's queue. None: none of its clocks runs."""
    ends = (
        c.limit_at
        for c in clocks
        if c.assignment == order and c.metric in DEPARTMENT_METRICS and c.stopped_at is None and c.paused_at is None
    )
    return min((at for at in ends if at is not None), default=None)

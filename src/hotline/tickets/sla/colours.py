"""The colour of a clock, an order or a ticket: how much of the limit is used."""

from collections.abc import Iterable
from datetime import datetime

from hotline.organisation.model.items import parse_step
from hotline.organisation.model.vocabulary import Metric
from hotline.tickets.model.ticket import Clock
from hotline.tickets.model.vocabulary import Colour


def has_breached(clock: Clock, now: datetime) -> bool:
    """Whether its limit was missed, or is being missed now."""
    if clock.breached_at is not None or clock.next_level is None or clock.limit_at is None:
        return clock.breached_at is not None
    return now > clock.limit_at


def colour_of(clock: Clock, now: datetime) -> Colour:
    """How a clock looks on a board: grey while it stands still or has stopped, red behind its end, else the colour of
    the last step that fired."""
    if has_breached(clock, now):
        return Colour.RED
    if clock.stopped_at is not None or clock.paused_at is not None:
        return Colour.GREY
    step_number = next((details["place"] for what, _, details in clock.marks if what == "ring"), 0)
    steps = clock.terms["steps"]
    return Colour(parse_step(steps[min(step_number, len(steps)) - 1]).level) if step_number else Colour.GREEN


COLOURS_ASCENDING = tuple(Colour)
DEPARTMENT_METRICS = (
    Metric.ACCEPT,
    Metric.CONTACT,
    Metric.REPORT,
)  # what a department owes; a ruling or an audit is owed to it


def order_colour(clocks: Iterable[Clock], now: datetime) -> Colour:
    """How an order looks: as the worst of its OWN clocks that have not stopped. An order nobody signs for in time is
    late, however much time is left to solve it."""
    running = (c for c in clocks if c.metric in DEPARTMENT_METRICS and c.stopped_at is None)
    return max((colour_of(c, now) for c in running), key=COLOURS_ASCENDING.index, default=Colour.GREY)

"""Which counters a change moves, and by how much."""

from collections import Counter

from hotline.tickets.model.ticket import Command, Facts
from hotline.tickets.model.vocabulary import (
    LIVE,
    Action,
)

A = Action


def return_charges(facts: Facts, command: Command) -> dict[tuple[str, str, str], int]:
    """An approved return is the dispatcher's error, a refused one the department's: kept apart for the figures."""
    order = facts.order(command.assignment or "")
    if order is None or command.action not in (A.APPROVE_RETURN, A.REFUSE_RETURN):
        return {}
    if command.action is A.REFUSE_RETURN:
        return {("charged", order.department, "return_refused"): 1}
    return {("charged", (order.route or order.issued_by or "")[:40], "return_approved"): 1}


def counter_deltas(before: Facts | None, after: Facts) -> dict[tuple[str, str, str], int]:
    """How the counters of open work move: tickets by area and state, orders by department and state."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for facts, sign in ((before, -1), (after, 1)):
        if facts is None:
            continue
        counts[("ticket", facts.ticket.area or "", facts.ticket.status)] += sign
        for order in facts.assignments:
            counts[("assignment", order.department, order.status)] += sign
            if order.performer:
                counts[("performing", order.performer, order.status)] += sign
    # a cached queue of a department is read again when this stamp moves; an urge moves it too
    before_live = {o.id for o in before.assignments if o.status in LIVE} if before else set()
    for order in after.assignments:
        if order.status in LIVE or order.id in before_live:
            for holder in (order.department, order.performer):
                if holder:
                    counts[("queue", holder, "stamp")] += 1
    return {key: n for key, n in counts.items() if n}

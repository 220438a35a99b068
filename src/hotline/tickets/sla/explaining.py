"""Why a limit ends when it does, step by step."""

from datetime import datetime
from fractions import Fraction

from hotline.organisation.model.items import Span
from hotline.organisation.model.working_time import WorkingTime, because
from hotline.text.reasons import Because
from hotline.tickets.model.ticket import Clock
from hotline.tickets.sla.timers import read_instant, read_marks

_SAID = {
    "start": "started",
    "issue": "the order was issued: it is due with the resident's clock, which no shuffling resets",
    "pause": "stood still",
    "resume": "went on; what had passed stays counted",
    "hold": "reported: its end is reached unless the report is sent back",
    "run_on": "sent back: it runs on as if it had never stood",
    "stop": "stopped",
    "extend": "an approved extension moved this order's clock and the promised date; the resident's own end stays",
    "promise": "an approved extension moved the promised date; this clock's own end stays",
    "policy": "another policy applied: a longer limit counts from the start, a shorter one from that moment",
    "hurry": "urged: the next step of its ladder was brought forward",
    "ring": "a step of its ladder was told",
}


def explained(clock: Clock, reckoner: WorkingTime) -> list[Because]:
    """Why this clock is due when it is: its policy, what happened to it, and how the days were counted."""
    run = read_marks(clock.marks, reckoner)
    said = [
        Because(f"policy {clock.terms['policy']} (version {clock.terms['version']})", (str(clock.terms["source"]),))
    ]
    for what, at, told in clock.marks:
        moments = (f"{k}={v}" for k, v in told.items() if v not in (None, ""))
        said.append(Because(_SAID[what], (_local(reckoner, read_instant(at)), *moments)))
    active = run.active
    if active.is_set or run.span is None:
        return [*said, Because("due", (_local(reckoner, active.due),))]
    if active.consumed:
        days = active.whole == int(run.span.amount)
        used = f"{active.consumed} days" if days else f"{active.consumed / 3_600_000_000:.4g} hours"
        said.append(Because("used up before the present run", (used, f"of {run.span}")))
        left = max(0, active.whole - active.consumed)
        rest = Fraction(left) if days else Fraction(left, active.whole) * run.span.amount
        return [*said, *because(reckoner, active.anchor, active.due, Span(rest, run.span.unit), begun=True)]
    said += because(reckoner, active.origin, active.due, run.span)
    if run.cap is not None and active.due == run.cap:
        said.append(Because("not later than the limit above it", (_local(reckoner, run.cap),)))
    return said


def _local(reckoner: WorkingTime, moment: datetime) -> str:
    return reckoner.local(moment).isoformat(timespec="seconds")

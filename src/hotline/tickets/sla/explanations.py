"""Why a limit ends when it does, step by step."""

from fractions import Fraction

from hotline.organisation.model.items import Span
from hotline.organisation.model.working_time import WorkingTime, explain_limit
from hotline.text.reasons import Because
from hotline.tickets.model.ticket import Clock
from hotline.tickets.sla.timers import parse_instant, replay_events

_EVENT_TEXTS = {
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
    "hurry": "chased: the next step of its escalation policy was brought forward",
    "ring": "a step of its escalation policy was carried out",
}


def explain_clock(clock: Clock, working_time: WorkingTime) -> list[Because]:
    """Why this clock is due when it is: its policy, what happened to it, and how the days were counted."""
    run = replay_events(clock.marks, working_time)
    reasons = [
        Because(f"policy {clock.terms['policy']} (version {clock.terms['version']})", (str(clock.terms["source"]),))
    ]
    for what, at, details in clock.marks:
        moments = (f"{k}={v}" for k, v in details.items() if v not in (None, ""))
        reasons.append(Because(_EVENT_TEXTS[what], (working_time.format_local(parse_instant(at)), *moments)))
    active = run.active
    if active.is_set or run.span is None:
        return [*reasons, Because("due", (working_time.format_local(active.due),))]
    if active.consumed:
        days = active.whole == int(run.span.amount)
        used = f"{active.consumed} days" if days else f"{active.consumed / 3_600_000_000:.4g} hours"
        reasons.append(Because("used up before the present run", (used, f"of {run.span}")))
        left = max(0, active.whole - active.consumed)
        rest = Fraction(left) if days else Fraction(left, active.whole) * run.span.amount
        return [
            *reasons,
            *explain_limit(working_time, active.anchor, active.due, Span(rest, run.span.unit), first_day_counted=True),
        ]
    reasons += explain_limit(working_time, active.origin, active.due, run.span)
    if run.cap is not None and active.due == run.cap:
        reasons.append(Because("not later than the limit above it", (working_time.format_local(run.cap),)))
    return reasons

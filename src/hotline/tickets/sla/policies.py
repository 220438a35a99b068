"""SLA policies: which clock runs in which state, under which limit, by which calendar."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import product
from math import ceil
from typing import Any

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import ANY, EscalationPolicy, SlaPolicy, Span, parse_span
from hotline.organisation.model.vocabulary import Kind, Metric, Priority, Starts, Unit
from hotline.organisation.model.working_time import WorkingTime, calculate_limit
from hotline.tickets.model.dangers import TicketCase, case_of, categories_of_dangers
from hotline.tickets.model.ticket import Assignment, Ticket
from hotline.tickets.model.vocabulary import AssignmentStatus, Part, TicketStatus
from hotline.value_objects import replace

FURTHEST = timedelta(days=5 * 366)  # of any limit somebody sets
_MINUTES = {
    Unit.CALENDAR_HOURS: 60,
    Unit.WORKING_HOURS: 180,
    Unit.CALENDAR_DAYS: 1440,
    Unit.WORKING_DAYS: 2016,
}
_LIMITS = ("dispatch", "accept", "contact", "resolve", "call_back", "ruling", "extension", "audit")  # shorter: stricter
T, D, M = TicketStatus, AssignmentStatus, Metric
DEFAULT_ESCALATION_POLICY = EscalationPolicy(  # where no escalation policy applies
    code="plain", metrics=(), steps=("100% supervisor red",), repeat="1 working_days"
)


class Phase(StrEnum):
    """What a clock does at a state."""

    NONE = "none"  # does not run, and does not stop: it has not begun
    RUN = "run"
    PAUSE = "pause"  # time is given back
    HOLD = "hold"  # its end is reached unless the work is sent back: then it runs on as if it had never stood
    STOP = "stop"


# Where a ticket's clock runs and where it stands still; anywhere else it stops.
TICKET_CLOCKS: Mapping[Metric, Mapping[TicketStatus, Phase]] = {
    M.DISPATCH: {T.RECEIVED: Phase.RUN, T.TRIAGED: Phase.RUN, T.AWAITING_INFO: Phase.PAUSE, T.SHELVED: Phase.PAUSE},
    M.RESOLVE: {
        T.RECEIVED: Phase.RUN,
        T.TRIAGED: Phase.RUN,
        T.DISPATCHED: Phase.RUN,
        T.AWAITING_INFO: Phase.PAUSE,
        T.SHELVED: Phase.PAUSE,
    },
    M.INFO: {T.AWAITING_INFO: Phase.RUN},
    M.REVIEW: {T.SHELVED: Phase.RUN},
    M.CALL_BACK: {T.RESOLVED: Phase.RUN},
    M.SILENCE: {T.RESOLVED: Phase.RUN},
}
# The same for an assignment's clocks; all of them stand still while its ticket waits or is shelved.
ORDER_CLOCKS: Mapping[Metric, Mapping[AssignmentStatus, Phase]] = {
    M.REPORT: {D.ISSUED: Phase.RUN, D.ACCEPTED: Phase.RUN, D.RETURN_REQUESTED: Phase.RUN, D.REPORTED: Phase.HOLD},
    M.ACCEPT: {D.ISSUED: Phase.RUN},
    M.CONTACT: {D.ISSUED: Phase.RUN, D.ACCEPTED: Phase.RUN, D.RETURN_REQUESTED: Phase.RUN},
    M.RULING: {D.RETURN_REQUESTED: Phase.RUN},
    M.EXTENSION: {D.ISSUED: Phase.RUN, D.ACCEPTED: Phase.RUN, D.RETURN_REQUESTED: Phase.RUN},
    M.AUDIT: {D.REPORTED: Phase.RUN},
}
# the same of every state, anywhere else included
_TICKET_PHASES = {metric: {s: row.get(s, Phase.STOP) for s in T} for metric, row in TICKET_CLOCKS.items()}
_ORDER_PHASES = {metric: {s: row.get(s, Phase.STOP) for s in D} for metric, row in ORDER_CLOCKS.items()}
_BEFORE_DISPATCH = frozenset({T.RECEIVED, T.TRIAGED})
_PAUSING_STATUSES = frozenset({T.AWAITING_INFO, T.SHELVED})
RESTARTED_BY_CALL_BACK = frozenset({M.CALL_BACK, M.SILENCE})
STARTING_WITH_SUBJECT = frozenset(
    {M.DISPATCH, M.RESOLVE, M.ACCEPT, M.CONTACT}
)  # found missing, they began with ticket or order
RECLASSIFIED = frozenset({M.DISPATCH, M.RESOLVE, M.REPORT, M.ACCEPT, M.CONTACT})  # follow a new priority or category


def phase_of_ticket(metric: Metric, ticket: Ticket, policy: SlaPolicy) -> Phase:
    """What a ticket's clock does now."""
    if ticket.status in _BEFORE_DISPATCH and metric is M.RESOLVE and policy.starts is Starts.DISPATCHED:
        return Phase.NONE  # begins with the first dispatch; one that runs already runs on
    return _TICKET_PHASES[metric][ticket.status]


def phase_of_order(metric: Metric, order: Assignment, ticket: Ticket) -> Phase:
    """What an assignment's clock does now."""
    if order.asked_due_at is None and metric is M.EXTENSION:
        return Phase.STOP
    if metric is M.CONTACT and (order.part is not Part.LEAD or order.contacted_at is not None):
        return Phase.STOP
    phase = _ORDER_PHASES[metric][order.status]
    if ticket.status in _PAUSING_STATUSES and phase is Phase.RUN:
        return Phase.PAUSE
    return phase


def is_accepted_by_clock(order: Assignment) -> bool:
    """Whether an emergency's order was accepted by the clock alone: then its limit for acceptance runs on, red, until
    somebody of the department shows that they have it. One that was no emergency yet begins it anew."""
    return order.status is D.ACCEPTED and order.priority is Priority.EMERGENCY and order.signed_at is None


# --- what a clock runs under


def policy_for(
    directory: Directory, kind: Kind, priority: Priority, category: str | None, area: str | None
) -> SlaPolicy | None:
    """The most specific policy: priority before category before area before kind. None: the directory is empty."""
    cases = product(
        (priority, ANY), (*directory.category_path(category), ANY), (*directory.area_path(area), ANY), (kind, ANY)
    )
    return next((directory.policies_by_case[case] for case in cases if case in directory.policies_by_case), None)


def policy_of_case(directory: Directory, case: TicketCase) -> SlaPolicy | None:
    """The policy of a case: of its own category and of those of its dangers the one that is signed for soonest,
    with the shortest of all for each limit, so that no danger waits longer because another was told with it."""
    if not case.dangers:
        return policy_for(directory, case.kind, case.priority, case.category, case.area)
    categories = (case.category, *categories_of_dangers(directory, case.dangers, case.category))
    found = [policy_for(directory, case.kind, case.priority, code, case.area) for code in categories]
    policies = [policy for policy in found if policy is not None]
    if not policies:
        return None
    first = min(policies, key=lambda policy: (_minutes(policy.accept), _minutes(policy.resolve)))
    shortest = {name: min((getattr(policy, name) for policy in policies), key=_minutes) for name in _LIMITS}
    if any(policy.redo is not None for policy in policies):  # else half of the shortest limit
        redos = (policy.redo or str(_half(parse_span(policy.resolve))) for policy in policies)
        shortest["redo"] = min(redos, key=_minutes)
    shorter = {name: span for name, span in shortest.items() if span != getattr(first, name)}
    return replace(first, **shorter) if shorter else first


def _minutes(span: str) -> Fraction:
    """How long a limit is, to compare it with others. Working time is counted as it passes in a week: about three hours
    for one, and seven days for five."""
    parsed = parse_span(span)
    return parsed.amount * _MINUTES[parsed.unit]


def working_time_of(directory: Directory, calendar: str | None) -> WorkingTime | None:
    """That calendar ready to count with, else the organisation's. None: there is none."""
    code = calendar if calendar in directory.calendars else directory.home.calendar if directory.home else None
    return directory.working_times.get(code) if code is not None else None


def escalation_policy_for(directory: Directory, metric: Metric, priority: Priority) -> EscalationPolicy:
    """The escalation policy of that metric: one for the priority before one for any."""
    policies = directory.escalation_policies_by_case
    return policies.get((metric, priority)) or policies.get((metric, ANY)) or DEFAULT_ESCALATION_POLICY


def terms_of(directory: Directory, metric: Metric, policy: SlaPolicy, priority: Priority) -> Mapping[str, Any]:
    """What a clock started now runs under; kept with it, so that a later edit changes no promise already made."""
    escalation_policy = escalation_policy_for(directory, metric, priority)
    return {
        "policy": policy.code,
        "version": directory.versions.get(("policies", policy.code), directory.version),
        "source": policy.source,
        "source_en": policy.source_en,
        "ladder": escalation_policy.code,
        "ladder_version": directory.versions.get(("ladders", escalation_policy.code), directory.version),
        "steps": list(escalation_policy.steps),
        "repeat": escalation_policy.repeat,
    }


def span_for(metric: Metric, policy: SlaPolicy, ticket: Ticket) -> Span:
    """The limit a clock of this metric gets: a reopened matter has the policy's `redo`, else half the first limit."""
    if metric in (M.RESOLVE, M.REPORT):
        if ticket.reopens and policy.redo is not None:
            return parse_span(policy.redo)
        span = parse_span(policy.resolve)
        if not ticket.reopens:
            return span
        return _half(span)
    return parse_span(getattr(policy, metric))


def _half(span: Span) -> Span:
    """In whole days, or whole minutes."""
    half = span.amount / 2
    if span.unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS):
        return Span(Fraction(ceil(half)), span.unit)
    return Span(Fraction(ceil(half * 60), 60), span.unit)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an order issued now would get, and the policy that says so."""

    accept_by: datetime
    due_at: datetime
    policy: str
    provisional: bool


def limits_for(directory: Directory, case: TicketCase, now: datetime) -> Limits | None:
    """The limits of a matter taken in and dispatched now. None: the directory is empty."""
    policy = policy_of_case(directory, case)
    working_time = working_time_of(directory, policy.calendar) if policy else None
    if policy is None or working_time is None:
        return None
    closes = calculate_limit(working_time, now, parse_span(policy.resolve))
    accept = calculate_limit(working_time, now, parse_span(policy.accept))
    return Limits(min(accept.due_at, closes.due_at), closes.due_at, policy.code, closes.provisional)


def limit_if_reopened(directory: Directory, ticket: Ticket, now: datetime) -> datetime | None:
    """When the limit of a matter ends that is reopened now. None: the directory is empty."""
    policy = policy_of_case(directory, case_of(ticket))
    working_time = working_time_of(directory, policy.calendar) if policy else None
    if policy is None or working_time is None:
        return None
    span = span_for(M.RESOLVE, policy, replace(ticket, reopens=ticket.reopens + 1))
    return calculate_limit(working_time, now, span).due_at


def outer_limit(policy: SlaPolicy, working_time: WorkingTime, outer_due_at: datetime, now: datetime) -> datetime:
    """Ours ends the policy's margin before another hotline's deadline; where that has passed, with it."""
    ours = working_time.workdays_before(outer_due_at, policy.outer_margin)
    return ours if ours > now else outer_due_at

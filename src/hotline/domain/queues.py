"""Whose turn it is: the queue an open matter stands in, and who owns it. No open ticket is ever nobody's."""

from dataclasses import dataclass
from datetime import datetime

from .ticket import Facts
from .vocabulary import AssignmentStatus, Metric, Role, TicketStatus

T, D, M = TicketStatus, AssignmentStatus, Metric


@dataclass(frozen=True, slots=True)
class Waiting:
    """A named queue and its owner: a role of the hotline, or a department (and the person who took the order).
    `until`: when the clock of that wait ends."""

    queue: str
    role: Role | None = None
    department: str | None = None
    person: str | None = None
    until: datetime | None = None


def waits_for(facts: Facts) -> Waiting | None:
    """Who must act next. None: the matter has ended."""

    def until(metric: Metric, assignment: str | None = None) -> datetime | None:
        found = (c for c in facts.clocks if c.metric is metric and c.assignment == assignment)
        return next((c.limit_at for c in found), None)

    match facts.ticket.status:
        case T.RECEIVED | T.TRIAGED:
            home = facts.directory.home if facts.directory else None
            return Waiting("dispatch", Role.DISPATCHER, home.fallback if home else None, until=until(M.DISPATCH))
        case T.AWAITING_INFO:
            return Waiting("information", Role.OPERATOR, until=until(M.INFO))
        case T.RESOLVED:
            return Waiting("call_back", Role.OPERATOR, until=until(M.CALL_BACK))
        case T.SHELVED:
            return Waiting("shelf", Role.SUPERVISOR, until=facts.ticket.review_at)
        case T.DISPATCHED:
            lead = facts.lead()
            if lead is None:
                return Waiting("dispatch", Role.DISPATCHER)
            if lead.status is D.RETURN_REQUESTED:
                return Waiting("rulings", Role.DISPATCHER, until=until(M.RULING, lead.id))
            if lead.status is D.REPORTED:
                return Waiting("review", Role.DISPATCHER, until=until(M.AUDIT, lead.id))
            return Waiting("department", None, lead.department, lead.assignee, lead.due_at)
        case _:
            return None

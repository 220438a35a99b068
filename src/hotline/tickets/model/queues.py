"""The queue each open ticket stands in, and its owner. Every open ticket has an owner."""

from dataclasses import dataclass
from datetime import datetime

from hotline.organisation.model.actors import Role
from hotline.organisation.model.vocabulary import Metric
from hotline.tickets.model.ticket import Facts
from hotline.tickets.model.vocabulary import AssignmentStatus, Queue, TicketStatus

T, D, M = TicketStatus, AssignmentStatus, Metric


@dataclass(frozen=True, slots=True)
class Worklist:
    """What the hotline itself must act on next: the state that waits, the clock of that wait, whose work it is."""

    status: TicketStatus
    metric: Metric
    role: Role


# a caller must be asked, a resident called back, a shelved matter looked at again
WORKLISTS = {
    Queue.INFORMATION: Worklist(T.AWAITING_INFO, M.INFO, Role.OPERATOR),
    Queue.CALL_BACK: Worklist(T.RESOLVED, M.CALL_BACK, Role.OPERATOR),
    Queue.SHELF: Worklist(T.SHELVED, M.REVIEW, Role.SUPERVISOR),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A named queue and its owner: a role of the hotline, or a department (and the person who took the order).
    `until`: when the clock of that wait ends."""

    queue: Queue
    role: Role | None = None
    department: str | None = None
    person: str | None = None
    until: datetime | None = None


def current_wait(facts: Facts) -> Waiting | None:
    """Who must act next. None: the matter has ended."""

    def clock_end(metric: Metric, assignment: str | None = None) -> datetime | None:
        found = (c for c in facts.clocks if c.metric is metric and c.assignment == assignment)
        return next((c.limit_at for c in found), None)

    for queue, work in WORKLISTS.items():
        if facts.ticket.status is work.status:
            stands = facts.ticket.review_at if queue is Queue.SHELF else clock_end(work.metric)
            return Waiting(queue, work.role, until=stands)
    match facts.ticket.status:
        case T.RECEIVED | T.TRIAGED:
            home = facts.directory.home if facts.directory else None
            return Waiting(
                Queue.DISPATCH, Role.DISPATCHER, home.fallback if home else None, until=clock_end(M.DISPATCH)
            )
        case T.DISPATCHED:
            lead = facts.lead()
            if lead is None:
                return Waiting(Queue.DISPATCH, Role.DISPATCHER)
            if lead.status is D.RETURN_REQUESTED:
                return Waiting(Queue.RULINGS, Role.DISPATCHER, until=clock_end(M.RULING, lead.id))
            if lead.status is D.REPORTED:
                return Waiting(Queue.REVIEW, Role.DISPATCHER, until=clock_end(M.AUDIT, lead.id))
            return Waiting(Queue.DEPARTMENT, None, lead.department, lead.assignee, lead.due_at)
        case _:
            return None

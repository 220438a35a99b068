"""The dispatcher's queue with what each ticket is proposed to; how much waits in it; and who could take one ticket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hotline.database.engine import Database
from hotline.database.prepared import Row
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.duty import members_on_duty
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.model.vocabulary import Kind, Priority
from hotline.tickets.act import load_visible_ticket
from hotline.tickets.context import Services
from hotline.tickets.model.dangers import case_of
from hotline.tickets.model.proposals import DepartmentProposal, WaitingTicket, propose_departments
from hotline.tickets.model.routing import is_unmanned
from hotline.tickets.model.ticket import Facts
from hotline.tickets.model.vocabulary import LIVE, TicketStatus
from hotline.tickets.sla.policies import Limits, limits_for
from hotline.tickets.store import counters, dispatch_queue
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.store.dispatch_queue import QueueFilters, QueueOrder, QueuePlace

DUE_SOON = timedelta(minutes=15)
MAX_COUNTED = 500  # of each waiting state; beyond it counts say "at least"
MAX_LOOKED_THROUGH = 1000  # rows a page reads to find those that are unsure
Proposals = Mapping[str, Sequence[DepartmentProposal]]


@dataclass(frozen=True, slots=True)
class QueueQuestion:
    """What of the queue is asked for. `unsure`: only what has no proposal that may be sent unseen."""

    filters: QueueFilters
    order: QueueOrder
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Rows of the queue, their proposals by number, and the row after which the next page begins (None: it ends)."""

    rows: Sequence[Row]
    proposals: Proposals
    last: Row | None


def waiting_ticket(row: Any) -> WaitingTicket:
    """What of a row of the queue decides where it may go."""
    return WaitingTicket(
        TicketStatus(row.status),
        row.category,
        Kind(row.kind),
        row.area,
        Priority(row.priority),
        tuple(row.flags),
        row.advice,
        tuple(row.returned_by),
    )


async def _propose_for_rows(
    db: Database, directory: Directory, rows: Sequence[Row], now: datetime
) -> dict[str, list[DepartmentProposal]]:
    # what has an order that ended was sorted before; of the rest none is read
    orders = await ticket_facts.load_orders(db, [row.number for row in rows if row.status == TicketStatus.TRIAGED])
    return {
        row.number: propose_departments(directory, waiting_ticket(row), orders.get(row.number, ()), now) for row in rows
    }


def is_unsure(proposals: Sequence[DepartmentProposal]) -> bool:
    """Whether somebody must look before this is sent."""
    return not proposals or not proposals[0].sure


async def load_queue_page(
    services: Services, actor: Actor, question: QueueQuestion, after: QueuePlace | None, limit: int, now: datetime
) -> QueuePage:
    """A page of the queue. What is unsure is decided by rules and stands in no column: its pages look through as many
    rows as need be, at most MAX_LOOKED_THROUGH, and may be short."""
    directory = await services.directory.now(now)
    scope, filters, order = scope_of(actor), question.filters, question.order
    found, proposals, looked_through = list[Row](), dict[str, list[DepartmentProposal]](), 0
    while True:
        rows = await dispatch_queue.load_dispatch_queue(services.db, scope, filters, order, after, limit + 1)
        more, rows = len(rows) > limit, rows[:limit]
        looked_through += len(rows)
        made = await _propose_for_rows(services.db, directory, rows, now)
        for row in rows:
            if question.unsure and not is_unsure(made[row.number]):
                continue
            found.append(row)
            proposals[row.number] = made[row.number]
            if len(found) == limit:
                is_last = row is rows[-1] and not more
                return QueuePage(found, proposals, None if is_last else row)
        if not more:
            return QueuePage(found, proposals, None)
        if looked_through >= MAX_LOOKED_THROUGH:
            return QueuePage(found, proposals, rows[-1])
        after = place_of(rows[-1], order)


def place_of(row: Row, order: QueueOrder) -> QueuePlace:
    """The place of a row in its order."""
    return QueuePlace(row.place, row.number, row.rank if order is QueueOrder.URGENCY else 0)


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How much waits, and what of it must not wait. `complete` false: more waits than was looked through, and all but
    `waiting` are at least so many."""

    waiting: int
    emergency: int
    due_soon: int
    returned: int
    complete: bool


async def count_queue(services: Services, actor: Actor, now: datetime) -> QueueCounts:
    """The counts of the queue. `waiting` is of the counters; the others are counted over at most MAX_COUNTED rows of
    each state, so that their cost is bounded. What is unsure is decided by rules, row by row: it is counted by no
    query, and a page of it tells how much there is."""
    held = await counters.load_counts(services.db, "ticket", actor.areas)
    waiting = sum(held.get(status, 0) for status in (TicketStatus.RECEIVED, TicketStatus.TRIAGED))
    found = await dispatch_queue.count_dispatch_queue(services.db, scope_of(actor), now + DUE_SOON, MAX_COUNTED)
    return QueueCounts(
        waiting=max(waiting, found["waiting"]),
        emergency=found["emergency"],
        due_soon=found["due_soon"],
        returned=found["returned"],
        complete=waiting <= found["waiting"],
    )


@dataclass(frozen=True, slots=True)
class DepartmentCandidate:
    """A department that could take a ticket: how much it has in hand, who is on duty, and the limits it would get."""

    proposal: DepartmentProposal
    load: int
    on_duty: tuple[str, ...]
    unmanned: bool
    limits: Limits | None


async def load_department_candidates(
    services: Services, actor: Actor, number: str, now: datetime
) -> tuple[Facts, list[DepartmentCandidate]]:
    """The ticket, and at most three departments that could take it, the best first; none of them gave it back. Raises
    Refused(NOT_FOUND) where the ticket is not there or not theirs to see."""
    facts = await load_visible_ticket(services, number, actor)
    directory, ticket = await services.directory.now(now), facts.ticket
    loads = await counters.load_open_by_place(services.db, "assignment", LIVE)
    return facts, [
        DepartmentCandidate(
            proposal,
            loads.get(proposal.department, 0),
            tuple(turn.member.name for turn in members_on_duty(directory, proposal.department, now)),
            is_unmanned(directory, proposal.department, now),
            limits_for(directory, case_of(ticket, proposal.category), now),
        )
        for proposal in propose_departments(directory, ticket_of_facts(facts), facts.assignments, now)
    ]


def ticket_of_facts(facts: Facts) -> WaitingTicket:
    """The same of a ticket that was read whole."""
    t = facts.ticket
    return WaitingTicket(t.status, t.category, t.kind, t.area, t.priority, t.flags, t.advice, t.returned_by)

"""Orders of people and departments that are gone: released to their department's queue, or recalled to the
dispatcher."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import structlog

from hotline.database.prepared import Row
from hotline.delivery.alarms import add_alarm
from hotline.locales import bilingual
from hotline.organisation.model.actors import RULES
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Priority
from hotline.tickets.act import act_as_clock
from hotline.tickets.context import Services
from hotline.tickets.model.departures import (
    Assignee,
    Departure,
    departure_command,
    find_departure,
    handover_command,
)
from hotline.tickets.model.ticket import Assignment
from hotline.tickets.model.vocabulary import LIVE, Action, Part
from hotline.tickets.store import departures as store
from hotline.tickets.store import facts as ticket_facts

BATCH = 200  # orders looked at together
log = structlog.get_logger("hotline.departures")


async def release_departed(services: Services, now: datetime, limit: int = BATCH) -> int:
    """Release or recall the orders that somebody has who is gone, at most `limit` of them; how many. Each is one change
    of its ticket, by role `clock`. Several workers may do so at once: the second finds a stale version."""
    directory = await services.directory.now(now)
    done = 0
    for holding, _ in await load_departed(services, directory, now):
        if done >= limit:
            break
        orders = await store.load_orders_held(services.db, holding, limit - done)
        for number, ids in _by_ticket(orders).items():
            for order in ids:
                done += await _release(services, directory, number, order, now)
    return done


async def load_departed(
    services: Services, directory: Directory, now: datetime, assignee: str | None = None
) -> list[tuple[Row, Departure]]:
    """The unreported orders that somebody has who is gone, counted together (department, performer, assignee, n), and
    who that is. `assignee`: of that one alone. None of a system without a directory."""
    if directory.home is None:
        return []
    holdings = await store.load_holdings(services.db, assignee)
    assignees = await store.load_assignees(services.db, sorted({h.assignee for h in holdings if h.assignee}), now)
    found = ((holding, find_departure(holding, directory, assignees)) for holding in holdings)
    return [(holding, departure) for holding, departure in found if departure is not None]


def _by_ticket(orders: Iterable[Row]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in orders:
        found.setdefault(row.number, []).append(row.id)
    return found


async def _release(services: Services, directory: Directory, number: str, order_id: str, now: datetime) -> bool:
    """Decided on what stands now: between the look and this, the order may have been given to somebody else."""
    try:
        facts = (await ticket_facts.load_facts_by_number(services.db, [number], directory)).get(number)
        order = facts.order(order_id) if facts else None
        if facts is None or order is None or order.status not in LIVE:
            return False
        assignees: Mapping[str, Assignee] = {}
        if order.assignee is not None:
            assignees = await store.load_assignees(services.db, [order.assignee], now)
        departure = find_departure(order, directory, assignees)
        if departure is None:
            return False
        command = departure_command(departure, order.id, facts.ticket.version)
        if command.action is Action.RECALL and order.part is Part.LEAD and facts.ticket.priority is Priority.EMERGENCY:
            told = bilingual("alarm.emergency_recalled", number=number)
            # before the recall: told too early, if it fails, rather than not at all
            await services.db.transact(lambda c: add_alarm(c, f"recalled.{number}", told, now))
        key = f"departure:{order.id}:{facts.ticket.version}"
        refusal = await act_as_clock(services, facts, [command], key, now)
        if refusal is not None:
            log.info("departure.refused", order=order.id, code=refusal.code, why=refusal.detail)
            return False
        log.info("departure.given_back", order=order.id, action=command.action, reason=departure.reason)
        if command.action is Action.RECALL:
            await _hand_over(services, directory, order, departure, now)
    except Exception as fault:  # one faulty ticket must not stop the others
        log.error("departure.fault", number=number, kind=type(fault).__name__, exc_info=fault)
        return False
    return True


async def _hand_over(
    services: Services, directory: Directory, order: Assignment, departure: Departure, now: datetime
) -> None:
    """A recalled ticket goes on to the department's successor, by role `rules`. If this fails it stays with the
    dispatcher, who was told of the recall."""
    facts = (await ticket_facts.load_facts_by_number(services.db, [order.number], directory)).get(order.number)
    command = handover_command(departure, order, facts, directory) if facts is not None else None
    if facts is None or command is None:
        return
    refusal = await act_as_clock(services, facts, [command], f"handover:{order.id}", now, RULES)
    if refusal is not None:
        log.warning("departure.not_handed_over", order=order.id, code=refusal.code, why=refusal.detail)


class HeldOrders:
    """How many orders go back, for whoever retires a department or closes an account."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def count_of_department(self, code: str) -> int:
        """The unreported orders that a department has or performs."""
        return await store.count_orders_of_department(self._services.db, code)

    async def count_of_route(self, code: str) -> int:
        """The unreported orders that a row of the dispatch catalogue sent."""
        return (await store.count_orders_by_route(self._services.db)).get(code, 0)

    async def count_departed(self, person: str, now: datetime) -> int:
        """The orders of a person that go back, as the account stands now."""
        directory = await self._services.directory.now(now)
        return sum(holding.n for holding, _ in await load_departed(self._services, directory, now, person))

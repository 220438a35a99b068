"""A ticket as its resident is told of it: nothing of a result while its approval can be undone."""

from datetime import datetime

from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Facts
from hotline.tickets.model.undo import columns_before, orders_before, undone_line
from hotline.tickets.model.vocabulary import Action, TicketStatus
from hotline.tickets.released_photos import approval_may_be_undone
from hotline.tickets.store.last_change import with_last_change
from hotline.value_objects import replace


async def load_as_told(services: Services, facts: Facts, now: datetime) -> Facts:
    """The ticket as it was before the approval of its result, as long as that may be undone; else as it is."""
    if not approval_may_be_undone(services, facts, now):
        return facts
    last = (await with_last_change(services.db, facts, now)).last
    line = undone_line(last.entries) if last is not None else None
    if last is None or line is None or line.action is not Action.ACCEPT_REPORT:
        return facts
    ticket = replace(facts.ticket, **{**columns_before(line), "status": TicketStatus.DISPATCHED})
    return replace(facts, ticket=ticket, assignments=tuple(orders_before(facts, last, line, now)))

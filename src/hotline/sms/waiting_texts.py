"""Texts to a ticket's caller that wait for the end of the quiet hours, or for the number's next share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hotline.database.columns import InCodes, in_words
from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery, Row
from hotline.delivery.model import MessageStatus
from hotline.delivery.tables import outbox as o
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.sms.held_texts import waiting_partition
from hotline.sms.model.status import TextWait
from hotline.sms.send_plan import PlannedText, plan_for_residents, quiet_hours_end
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Facts
from hotline.tickets.store import facts as ticket_facts

MOST_WAITING = 50  # of one ticket that are shown


@dataclass(frozen=True, slots=True)
class WaitingText:
    """A text as it would be sent now; why it waits, and until when at least (UTC)."""

    text: PlannedText
    created_at: datetime
    wait: TextWait
    until: datetime


_WAITING = PreparedQuery(
    sa.select(*o.c)
    .where(
        InCodes(o.c.partition, "partitions"),
        in_words(o.c.status, (MessageStatus.QUEUED, MessageStatus.LEASED)),
        o.c.kind == sa.literal_column("'resident'"),
        in_words(o.c.last_error, TextWait),
    )
    .order_by(o.c.created_at, o.c.id)
    .limit(MOST_WAITING)
)


async def load_waiting_texts(services: Services, facts: Facts, now: datetime) -> Sequence[WaitingText]:
    """What the caller of this ticket has not been sent yet, oldest first."""
    directory = await services.directory.now(now)
    found = []
    for row in await _load_rows(services.db, facts.ticket.number):
        wait = TextWait(row.last_error)
        quiet = quiet_hours_end(services, directory, now) if wait is TextWait.QUIET_HOURS else None
        about = facts if row.number == facts.ticket.number else await _load_facts(services.db, row.number)
        texts = await plan_for_residents(services, directory, row, about) if about is not None else []
        found += [WaitingText(text, row.created_at, wait, quiet or row.next_at) for text in texts if text.held is None]
    return found


async def _load_facts(db: Database, number: str) -> Facts | None:
    """Of the ticket that this one was merged into: what it tells goes to the callers of both."""
    return await ticket_facts.load_facts(db, SYSTEM_SCOPE, number)


async def _load_rows(db: Database, number: str) -> Sequence[Row]:
    return await db.rows(_WAITING, partitions=[f"ticket:{number}", waiting_partition(f"ticket:{number}")])

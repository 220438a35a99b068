"""Retention of tickets, their files and their callers: personal data of what ended long ago is taken out, figures stay.
By default nothing of it is."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from hotline.audit.redactions import RedactedTicket
from hotline.database.personal_data import Subject, erase_rows
from hotline.jobs import BATCH, RetentionPeriod, RetentionRule
from hotline.organisation.model.actors import RULES
from hotline.privacy import store
from hotline.privacy.erasing import RETENTION, delete_files, erase_ticket
from hotline.runtime.personal_nouns import PersonalNouns
from hotline.text.personal import ErasedPerson
from hotline.tickets.context import Services
from hotline.tickets.guards import REOPEN_DAYS
from hotline.tickets.model.erasure import TicketShare

_TICKETS = 20  # erased in one step
_PART_OF_TICKET = frozenset({"contacts", "orders"})
_KEPT = RetentionPeriod(None, REOPEN_DAYS + 1, "retention.why.reopened")
_NOBODY = ErasedPerson("", "")  # whoever called: the caller's id stays, so that calls are counted as one caller's


async def _erase_tickets(services: Services, before: datetime) -> int:
    now = services.clock()
    past = await services.db.snapshot(lambda c: store.load_past_tickets(c, before, _TICKETS))
    nouns = [noun for noun in services.part(PersonalNouns).nouns if noun.noun in _PART_OF_TICKET]
    for row in past:
        subject = Subject(_NOBODY, None, whole=(row.number,))
        for noun in nouns:
            await services.db.transact(partial(erase_rows, noun=noun, subject=subject))
        redacted = RedactedTicket(row.number, True, RETENTION, RULES.id)
        await erase_ticket(services, redacted, TicketShare.WHOLE, _NOBODY, now)
    return len(past)


async def _count_tickets(services: Services, before: datetime) -> int:
    return await services.db.snapshot(lambda c: store.count_past_tickets(c, before))


async def _delete_files(services: Services, before: datetime) -> int:
    gone: list[str] = []

    def delete(c: sa.Connection) -> set[str]:
        gone[:] = store.delete_past_files(c, before, BATCH)
        return store.unused_files(c, gone)

    await delete_files(services, await services.db.transact(delete))
    return len(gone)


async def _count_files(services: Services, before: datetime) -> int:
    return await services.db.snapshot(lambda c: store.count_past_files(c, before))


async def _delete_callers(services: Services, before: datetime) -> int:
    return await services.db.transact(lambda c: store.delete_past_callers(c, before, BATCH))


async def _count_callers(services: Services, before: datetime) -> int:
    return await services.db.snapshot(lambda c: store.count_past_callers(c, before))


def retention() -> Sequence[RetentionRule[Services]]:
    return (
        RetentionRule("tickets", _erase_tickets, repeats=True, period=_KEPT, count=_count_tickets),
        RetentionRule("attachments", _delete_files, repeats=True, period=_KEPT, count=_count_files),
        RetentionRule("callers", _delete_callers, repeats=True, period=_KEPT, count=_count_callers),
    )

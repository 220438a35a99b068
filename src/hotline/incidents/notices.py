"""Whom an incident tells: the officer on duty once, and at its end every caller once; those again where it is opened
anew."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from hotline.delivery import store as outbox_store
from hotline.delivery.model import Message
from hotline.incidents import member_store, store
from hotline.incidents.members import load_ticket
from hotline.incidents.model.incident import Incident
from hotline.incidents.model.vocabulary import IncidentState
from hotline.organisation.model.actors import ActorKind
from hotline.organisation.model.vocabulary import Priority
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services
from hotline.tickets.model.vocabulary import Action
from hotline.tickets.sla.escalation import duty_lines


async def announce(services: Services, incident: Incident, now: datetime) -> bool:
    """Tell the officer on duty of the department that has the order; an emergency was told when it came in."""
    facts = await load_ticket(services, incident.parent or "")
    if facts is None or incident.announced_at is not None:
        return False
    directory = await services.directory.now(now)
    messages: list[Message] = []
    if facts.ticket.priority is not Priority.EMERGENCY:
        order = facts.lead()
        fallback = directory.home.fallback if directory.home is not None else None
        lines = duty_lines(directory, (order.performer or order.department) if order is not None else fallback, now)
        line, officer = next(iter(lines.items()))
        payload = {
            "action": "incident",
            "incident": incident.code,
            "callers": incident.callers,
            "assignment": order.id if order is not None else None,
            "department": order.department if order is not None else None,
            **officer,
        }
        messages = [Message(f"{incident.code}.duty", "duty", facts.ticket.number, line, payload, now)]

    def write(c: sa.Connection) -> bool:
        if not store.update_worker_columns(c, incident.code, incident.version, {"announced_at": now}):
            return False
        if messages:
            outbox_store.add_messages(c, messages)
        return True

    return await services.db.transact(write)


async def tell_callers(services: Services, incident: Incident, now: datetime) -> int:
    """The final word to everybody who called about it, each phone once; how many. They are told in batches; one that
    was interrupted is told again, and each message is kept once by its id."""
    told = 0
    if incident.state is IncidentState.OVER:
        english = await store.load_english_final_word(services.db, incident)
        told = await _tell_each(services, incident, lambda number: _final_word(incident, english, number, now))
    if incident.told_at is None:
        await services.db.transact(
            lambda c: store.update_worker_columns(c, incident.code, incident.version, {"told_at": now})
        )
    return told


async def tell_reopened(services: Services, incident: Incident, now: datetime) -> None:
    """That the matter is in hand again, to those who had its final word, where somebody reopened the incident: once for
    each time. Where its parent was reopened, that step tells them."""
    for change in await store.load_state_changes(services.db, incident):
        if change.state_from == IncidentState.OVER and change.by_kind != ActorKind.RULES:
            await _tell_each(services, incident, partial(_reopened, incident, change.seq, now=now))


async def _tell_each(services: Services, incident: Incident, write: Callable[[TicketNumber], Message]) -> int:
    told, after = 0, ""
    while True:
        recipients = await member_store.load_recipients(services.db, incident.code, incident.parent, after)
        if messages := [write(recipient.number) for recipient in recipients]:
            told += await services.db.transact(partial(_add_messages, messages=messages))
        if len(recipients) < member_store.RECIPIENT_BATCH:
            return told
        after = recipients[-1].number


def _reopened(incident: Incident, seq: int, number: TicketNumber, *, now: datetime) -> Message:
    payload = {"action": Action.MERGE, "incident": incident.code, "reopened": True, "merged": 0}
    return Message(f"{incident.code}.again{seq}.{number}", "resident", number, f"ticket:{number}", payload, now)


def _add_messages(c: sa.Connection, messages: Sequence[Message]) -> int:
    return outbox_store.add_messages(c, messages)


def _final_word(incident: Incident, english: str | None, number: TicketNumber, now: datetime) -> Message:
    payload = {"action": Action.MERGE, "incident": incident.code, "final_word": incident.final_word, "merged": 0}
    if english is not None:
        payload["final_word_en"] = english
    payload["ended_at"] = (incident.ended_at or now).isoformat()
    end = f"{incident.ended_at or now:%y%m%d%H%M%S}"  # an incident that was reopened ends again
    return Message(f"{incident.code}.over{end}.{number}", "resident", number, f"ticket:{number}", payload, now)

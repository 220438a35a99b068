"""Whom an incident tells: the officer on duty once, and at its end every caller once."""

from datetime import datetime

import sqlalchemy as sa

from hotline.delivery import store as outbox_store
from hotline.delivery.model import Message
from hotline.incidents import store
from hotline.incidents.members import load_ticket
from hotline.incidents.model.incident import Incident
from hotline.incidents.model.vocabulary import IncidentState
from hotline.organisation.model.vocabulary import Priority
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
    """The final word to everybody who called about it, each phone once; how many."""
    recipients = []
    if incident.state is IncidentState.OVER:
        recipients = await store.load_recipients(services.db, incident.code, incident.parent)
    messages = [
        Message(
            f"{incident.code}.over.{recipient.number}",
            "resident",
            recipient.number,
            f"ticket:{recipient.number}",
            {"action": Action.MERGE, "incident": incident.code, "final_word": incident.final_word, "merged": 0},
            now,
        )
        for recipient in recipients
    ]

    def write(c: sa.Connection) -> int:
        if not store.update_worker_columns(c, incident.code, incident.version, {"told_at": now}):
            return 0
        return outbox_store.add_messages(c, messages) if messages else 0

    return await services.db.transact(write)

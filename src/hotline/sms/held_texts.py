"""Texts that waited for a number's next share: what came of the matter meanwhile may have made them untrue, as later
messages to the same receiver do not wait behind them."""

from hotline.database.prepared import Row
from hotline.sms import store as sms_store
from hotline.sms.model.templates import still_fits
from hotline.tickets.context import Services
from hotline.tickets.model.intake import IncidentStanding
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.vocabulary import left_flag

_HELD = "~"  # ends the partition of what waits
OUTDATED = "no longer true when the number had its next share"


def waiting_partition(partition: str) -> str:
    """Where a message waits for the number's next share: what comes after it to the same receiver does not wait."""
    return partition if partition.endswith(_HELD) else f"{partition}{_HELD}"[:60]


async def is_outdated(services: Services, message: Row, template: str, own: Ticket, receiver: str) -> bool:
    """Whether a message to a caller is not true any more. `own`: the caller's ticket, with the status of the one that
    the message is about, where it was merged into that. A step of a ticket is outdated only where its message waited
    for the number's next share; the end of an incident also where it waited for the morning."""
    if message.payload.get("final_word") is not None:
        return await _is_end_outdated(services, message, own)
    if message.payload.get("reopened"):  # it may have ended again while it waited for the morning
        standing = await _standing(services, message)
        return standing is not None and standing.ended_at is not None
    # its partition alone says that it waited: `last_error` says why the newest try failed
    if not message.partition.endswith(_HELD):
        return False
    if not still_fits(template, message.payload.get("status"), own.status):
        return True
    step = _step(message.id, message.number)
    if step is None:
        return False
    told = await sms_store.load_told_texts(services.db, own.number, receiver)
    return any((_step(told_id, message.number) or 0) > step for told_id in told)


async def is_nothing_new(services: Services, message: Row, template: str, receiver: str, number: str) -> bool:
    """Whether a text tells its receiver nothing new of an incident: who calls again is told once that it is known, and
    for whom it never ended it is not open again."""
    incident = str(message.payload.get("incident"))
    if template == "incident_joined":
        return await sms_store.was_told_to_have_joined(services.db, incident, receiver, number)
    if template == "incident_reopened":
        return not await sms_store.was_told_final_word(services.db, incident, receiver)
    return False


async def _is_end_outdated(services: Services, message: Row, own: Ticket) -> bool:
    """Whether a ticket was taken out of its incident since that ended, or the incident was reopened."""
    incident = message.payload["incident"]
    if own.incident != incident and left_flag(incident) in own.flags:
        return True
    standing = await _standing(services, message)
    if standing is None:
        return False
    ended = message.payload.get("ended_at")  # the word of an earlier end may be that of the next one
    again = ended is not None and (standing.ended_at is None or standing.ended_at.isoformat() != ended)
    return again or standing.final_word != message.payload["final_word"]


async def _standing(services: Services, message: Row) -> IncidentStanding | None:
    incidents = services.open_incidents
    return await incidents.standing(message.payload["incident"]) if incidents is not None else None


def _step(message_id: str, number: str) -> int | None:
    """Which step of the ticket a message tells of; None: of none."""
    of, _, rest = message_id.partition(".")
    step = rest.partition(".")[0]
    return int(step) if of == number and step.isdecimal() else None

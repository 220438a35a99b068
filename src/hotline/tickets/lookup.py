"""What a resident may know of a ticket: how it stands, against its number and query code. No personal data."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.locales import text
from hotline.locales.labels import Label, public_action, public_status
from hotline.organisation.model.directory import Directory, Named, zone_of
from hotline.organisation.model.scopes import EVERYTHING
from hotline.organisation.service.accounts import subject, too_many_attempts
from hotline.refusals import Refused
from hotline.text.numbering import read_number
from hotline.tickets.act import UNKNOWN
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Facts
from hotline.tickets.model.visibility import PUBLIC_ACTIONS
from hotline.tickets.model.vocabulary import CODE_LENGTH, Action, TicketStatus
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.store import history
from hotline.web import throttle_store
from hotline.web.addresses import counted_as
from hotline.web.throttling import Limit, next_attempt_at

# Wrong codes. One in a million is right. An address has 5 tries an hour for a ticket, and 30 times for all. For
# one ticket, from all addresses: after 100 wrong codes in a day only from addresses that sent no wrong one yet, once
# each; after 5,000 one each quarter of an hour. So n addresses find a ticket's code on one day with a chance of 100 + n
# in a million, and of 1 in 190 at most; what they see then is its state, and no personal data. Nobody locks a resident
# out without 5,000 addresses, and never from where the code was right before.
FROM_PLACE = Limit(5, timedelta(hours=1))
FROM_ADDRESS = Limit(30, timedelta(hours=1), slowest=timedelta(minutes=1))
OF_TICKET = Limit(5000, timedelta(days=1), slowest=timedelta(minutes=15))
CLEAN_ALONE = 100  # wrong codes for a ticket within a day, after which one from an address is enough
KNOWN = timedelta(days=30)  # how long a place is known after the last right code


@dataclass(frozen=True, slots=True)
class PublicStep:
    """A step of a ticket, as a resident may see it."""

    at: datetime
    action: Action
    label: Label


@dataclass(frozen=True, slots=True)
class PublicTicket:
    """A ticket as a resident may see it: no name, no phone number, no address, nothing of the narrative."""

    number: str
    status: TicketStatus
    label: Label
    category: Named | None
    department: Named | None
    created_at: datetime
    updated_at: datetime
    promised_at: datetime | None
    closed_at: datetime | None
    reply: str | None
    right_channel: str | None
    merged_into: str | None
    steps: tuple[PublicStep, ...]


def query_code(secret: bytes, number: str) -> str:
    """Six digits that follow from the number and the server's secret: sent with it, and never kept."""
    digest = hmac.digest(secret, b"query code" + number.encode(), "sha256")
    return str(int.from_bytes(digest[:8]) % 10**CODE_LENGTH).zfill(CODE_LENGTH)


async def code_matches(services: Services, number: str, code: str | None, asker: str, now: datetime) -> bool:
    """Whether the code is the ticket's; wrong ones are counted for the ticket and for the asker: `address:` and an
    address as limits count it, or `sms:` and a phone number. Raises Refused where there were too many."""
    right = code is not None and hmac.compare_digest(code.encode(), query_code(services.secret, number).encode())
    place, whole = subject(services, "ticket-place", number, asker), subject(services, "ticket", number)
    from_address = subject(services, "asker", asker)

    def count(c: sa.Connection) -> datetime:
        known = bool(throttle_store.known(c, {place}, now - KNOWN))
        limits = {place: FROM_PLACE, **({} if known else {from_address: FROM_ADDRESS, whole: OF_TICKET})}
        held = throttle_store.tallies(c, limits, now, fresh=not right)
        moment = max(next_attempt_at(limit, held.get(name), now) for name, limit in limits.items())
        here, total = held.get(place), held.get(whole)
        many = total is not None and total.count >= CLEAN_ALONE and total.within(OF_TICKET.window, now)
        if many and here is not None and here.count:
            moment = max(moment, here.last_at + OF_TICKET.window)
        if moment <= now and right:
            throttle_store.clear(c, {place})
            throttle_store.note(c, {place}, now)
        elif moment <= now:
            throttle_store.count(c, limits, held, now)
        return moment

    moment = await services.db.transact(count)
    if moment > now:
        raise Refused(too_many_attempts(moment, now, "codes"))
    return right


async def look_up(services: Services, number: str, code: str, address: str | None, now: datetime) -> PublicTicket:
    """A ticket as its resident may see it. Raises Refused: 404 for a wrong number, a wrong code and a confidential
    matter alike."""
    read = read_number(number)
    asker = f"address:{counted_as(address)}"
    right = await code_matches(services, read or number[:20], code if read else None, asker, now)
    facts = await ticket_facts.facts(services.db, EVERYTHING, read) if right and read else None
    if facts is None or facts.ticket.confidential or facts.ticket.status is TicketStatus.VOID:
        raise Refused(UNKNOWN)
    directory = await services.directory.now(now)
    steps = await history.public_steps(services.db, facts.ticket.number)
    return shown_to_resident(directory, facts, steps)


def shown_to_resident(directory: Directory, facts: Facts, steps: Any = ()) -> PublicTicket:
    """The state, who acts, by when, and our answer."""
    ticket = facts.ticket
    done = ticket.status in (TicketStatus.CLOSED, TicketStatus.RESOLVED)
    return PublicTicket(
        number=ticket.number,
        status=ticket.status,
        label=Label(*public_status(ticket.status)),
        category=directory.name_of("categories", ticket.category),
        department=directory.name_of("departments", ticket.department),
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        promised_at=ticket.promised_at,
        closed_at=ticket.closed_at,
        reply=ticket.public_reply if done else None,
        right_channel=ticket.channel_told if ticket.status is TicketStatus.DECLINED else None,
        merged_into=ticket.parent,
        steps=tuple(
            PublicStep(s.at, s.action, Label(*public_action(Action(s.action))))
            for s in steps
            if s.action in PUBLIC_ACTIONS
        ),
    )


def progress_of(directory: Directory, facts: Facts, language: str) -> dict[str, str]:
    """The same in the words of a text."""
    ticket, place = facts.ticket, 0 if language == "zh" else 1
    department = directory.departments.get(ticket.department or "")
    by = "" if department is None else (department.name, department.name_en)[place]
    said: dict[str, str] = {
        "number": ticket.number,
        "status": public_status(ticket.status)[place],
        "department": "",
        "promised": "",
    }
    if by and ticket.status is TicketStatus.DISPATCHED:
        said["department"] = text("letter_part.department", language, department=by)
    if ticket.promised_at is not None and ticket.status in (TicketStatus.TRIAGED, TicketStatus.DISPATCHED):
        when = said_time(directory, ticket.promised_at, language)
        said["promised"] = text("letter_part.promised", language, promised=when)
    if ticket.status in (TicketStatus.RESOLVED, TicketStatus.CLOSED) and ticket.public_reply:
        said["promised"] = text("letter_part.reply", language, reply=ticket.public_reply)
    return said


def said_time(directory: Directory, moment: datetime, language: str) -> str:
    """A moment as people say it, in the organisation's zone."""
    local = moment.astimezone(zone_of(directory))
    if (local.hour, local.minute) == (0, 0):  # the end of a day is that day's
        return text("moment.day_end", language, moment=local - timedelta(days=1))
    return text("moment.time", language, moment=local)

"""Takes personal data out: of one ticket, of all that a person has a part in, of the files on the disk."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from hotline.audit.redactions import RedactedTicket, redact_lines
from hotline.database.personal_data import Subject, count_erasable, erase_rows
from hotline.locales import translate_pair
from hotline.organisation.model.actors import RULES, Actor
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.privacy.store import load_open_tickets, unused_files
from hotline.refusals import Code, Refusal, Refused
from hotline.runtime.personal_nouns import PersonalNouns
from hotline.security_log.store import SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed
from hotline.storage.files import delete_aside, set_aside
from hotline.text.personal import ErasedPerson
from hotline.tickets.act import act_as_clock
from hotline.tickets.context import Services
from hotline.tickets.lifecycle import STALE_VERSION
from hotline.tickets.model.erasure import TicketShare, erased_columns, erased_line
from hotline.tickets.model.ticket import Command
from hotline.tickets.model.vocabulary import ERASED, Action, Field
from hotline.tickets.store import facts as ticket_facts
from hotline.value_objects import replace

REQUEST, RETENTION = "request", "retention"
_TRIES = 10


@dataclass(frozen=True, slots=True)
class PlannedErasure:
    """What an erasure would change: rows by noun, tickets by how much of them is the person's, and the open ones, for
    which it is refused. `spooled`: records that wait outside the database."""

    rows: Mapping[str, int]
    tickets: Mapping[TicketShare, tuple[str, ...]]
    open: tuple[str, ...]
    spooled: int


async def plan_erasure(services: Services, subject: Subject) -> PlannedErasure:
    """What erasing a person would change; nothing is changed."""
    nouns = services.part(PersonalNouns).nouns

    def count(c: sa.Connection) -> tuple[dict[str, int], list[str]]:
        return {noun.noun: count_erasable(c, noun, subject) for noun in nouns}, load_open_tickets(c, subject)

    rows, still_open = await services.db.snapshot(count)
    return PlannedErasure(
        {noun: count for noun, count in rows.items() if count},
        {TicketShare.WHOLE: subject.whole, TicketShare.OPENED: subject.opened, TicketShare.JOINED: subject.joined},
        tuple(still_open),
        count_spooled(services, subject.person),
    )


def count_spooled(services: Services, person: ErasedPerson) -> int:
    """How many records that wait in the spool name a person."""
    records = services.spool.records() if services.spool is not None else ()
    return sum(person.scrub(dict(record)) != record for record in records)


async def erase_person(
    services: Services, subject: Subject, now: datetime, by: Actor, *, also_open: bool = False
) -> dict[str, int]:
    """Erase a person; how many rows of each noun. Broken off, it goes on when it is asked again. Raises Refused where
    tickets of theirs are open, or records wait in the spool."""
    planned = await plan_erasure(services, subject)
    if planned.open and not also_open:
        raise Refused(
            Refusal(
                Code.NOT_NOW, "matters of this person are being worked on", errors=(("open", ", ".join(planned.open)),)
            )
        )
    if planned.spooled:
        raise Refused(Refusal(Code.NOT_NOW, "records of this person wait in the spool: let them be brought in first"))
    counts: dict[str, int] = {"lines": 0, "tickets": 0}
    for share, numbers in planned.tickets.items():
        for number in numbers:
            redacted = RedactedTicket(number, share is TicketShare.WHOLE, REQUEST, by.id)
            lines = await erase_ticket(services, redacted, share, subject.person, now, told=subject.told)
            counts["lines"] += lines
            counts["tickets"] += lines > 0
    nouns, about = services.part(PersonalNouns).nouns, ("caller", subject.person.id)
    event = SecurityEvent(Deed.PRIVACY_ERASED, by, now, about, counts)

    def erase(c: sa.Connection) -> set[str]:
        hashes: set[str] = set()
        for noun in nouns:
            rows = erase_rows(c, noun, subject)
            if rows:
                counts[noun.noun] = len(rows)
            if noun.file is not None:
                hashes |= {noun.file(row) for row in rows}
        record_deed(c, replace(event, details=dict(counts)))
        return unused_files(c, hashes)

    await delete_files(services, await services.db.transact(erase))
    return counts


async def delete_files(services: Services, hashes: Collection[str]) -> None:
    """Delete stored files that no ticket has any more, and what an earlier deletion that was broken off left. What was
    attached anew meanwhile stays."""
    if not hashes:
        return
    gone = set(hashes) | await asyncio.to_thread(set_aside, services.files, hashes)
    unused = await services.db.snapshot(lambda c: unused_files(c, gone))
    await asyncio.to_thread(delete_aside, services.files, gone, gone - unused)


async def erase_ticket(
    services: Services,
    redacted: RedactedTicket,
    share: TicketShare,
    person: ErasedPerson,
    now: datetime,
    *,
    told: Collection[str] = (),
) -> int:
    """Take a person out of one ticket: of its lines, and by the one door of its own row; how many lines and rows. The
    lines first: a ticket whose row still names its caller is found again."""

    def redact(c: sa.Connection, *, recorded: bool) -> int:
        erase = partial(erased_line, share=share, person=person, told=told)
        return redact_lines(c, services.secret, redacted, erase, now, recorded=recorded)

    changed = await services.db.transact(lambda c: redact(c, recorded=False))
    key = f"retention.reason.{redacted.ground}"
    for _ in range(_TRIES):
        facts = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, redacted.number)
        if facts is None:
            return changed
        columns = erased_columns(facts.ticket, share, person)
        if not columns and not changed:
            break
        fields = {Field.REASON: " ".join(translate_pair(key)), ERASED: columns}
        command = Command(Action.ERASE, facts.ticket.version, fields)
        once = f"erase.{redacted.number}.{facts.ticket.version}"
        facts = replace(facts, directory=await services.directory.now(now))
        refusal = await act_as_clock(services, facts, [command], once, now, RULES)
        if refusal is None:
            changed += 1
            break
        if refusal is not STALE_VERSION:
            raise Refused(refusal)
    else:
        raise Refused(STALE_VERSION)
    # what was written in between
    return changed + await services.db.transact(lambda c: redact(c, recorded=redacted.whole))

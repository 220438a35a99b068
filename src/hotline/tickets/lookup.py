"""The public look-up: the state of a ticket, by its number and query code. It returns no personal data."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.locales import translate, translate_pair
from hotline.locales.labels import Label, public_action, public_status
from hotline.organisation.model.directory import Directory, Named, zone_of
from hotline.organisation.model.names import name_in
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.model.vocabulary import Metric
from hotline.organisation.service.accounts import throttle_subject, too_many_attempts
from hotline.refusals import Refused
from hotline.server_secret import accepted_secrets, keyed_digest
from hotline.text.numbering import parse_number
from hotline.tickets.act import TICKET_NOT_FOUND
from hotline.tickets.as_told import load_as_told
from hotline.tickets.context import Services
from hotline.tickets.model.intake import IncidentStanding
from hotline.tickets.model.ticket import Facts, Ticket, is_lead_unsigned
from hotline.tickets.model.undo import standing_steps
from hotline.tickets.model.visibility import PUBLIC_ACTIONS
from hotline.tickets.model.vocabulary import CODE_LENGTH, OPEN, Action, AttachmentPurpose, TicketStatus
from hotline.tickets.released_photos import PublicPhoto, load_released_photos
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.store import history
from hotline.value_objects import replace
from hotline.web import throttle_store
from hotline.web.addresses import network_key, rate_limit_key
from hotline.web.throttling import AttemptLimit, next_attempt_at

# Wrong codes. One in a million is right. An address has 5 tries an hour for a ticket, and 30 times for all. For
# one ticket, from all places where its code was never right: after 100 wrong codes in a day each address has one; after
# 5,000 each network of neighbouring addresses has one. So n networks find a ticket's code on one day with a chance of
# 5,000 + n in a million; what they see then is its state, and no personal data. Whoever asks from a network that sent
# no wrong code is always heard, and so is whoever asks from where the code was right before: nobody is locked out by
# others, however many these are.
PER_REQUESTER_AND_TICKET = AttemptLimit(5, timedelta(hours=1))
PER_REQUESTER = AttemptLimit(30, timedelta(hours=1), max_delay=timedelta(minutes=1))
PER_TICKET = AttemptLimit(100, timedelta(days=1))  # counted; beyond it one from an address, and refused by itself never
PER_NETWORK = AttemptLimit(1, timedelta(days=1))  # beyond WIDE_AFTER_FAILURES
_HAN = range(0x3400, 0xA000)  # code points of Chinese characters
WIDE_AFTER_FAILURES = 5000  # wrong codes for a ticket within a day, after which one from a network is enough
KNOWN_PLACE_LIFETIME = timedelta(days=30)  # how long a place is known after the last right code


@dataclass(frozen=True, slots=True)
class PublicStep:
    """A step of a ticket, as a resident may see it."""

    at: datetime
    action: Action
    label: Label


@dataclass(frozen=True, slots=True)
class PublicIncident:
    """The incident that a ticket belongs to, as a resident may see it. `final_word`: what those were told whose tickets
    were merged in it; `told`: how it stands, in the words of the dispatcher who contained it."""

    code: str
    state: str
    label: Label
    final_word: str | None
    told: str | None = None


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
    incident: PublicIncident | None
    steps: tuple[PublicStep, ...]
    photos: tuple[PublicPhoto, ...] = ()


def query_code(secret: bytes, number: str) -> str:
    """Six digits that follow from the number and the server's secret: sent with it, and never kept."""
    digest = keyed_digest(secret, b"query code" + number.encode())
    return str(int.from_bytes(digest[:8]) % 10**CODE_LENGTH).zfill(CODE_LENGTH)


@dataclass(frozen=True, slots=True)
class Requester:
    """Who sends a code, as limits count them. `place`: `address:` and an address, or `sms:` and a phone number;
    `network`: the addresses around it; `device`: what the client says it is known by."""

    place: str
    network: str
    device: str | None = None

    @classmethod
    def at(cls, address: str | None, device: str | None = None) -> "Requester":
        return cls(f"address:{rate_limit_key(address)}", f"network:{network_key(address)}", device)

    @classmethod
    def by_text(cls, phone: str) -> "Requester":
        return cls(f"sms:{phone}", f"sms:{phone}")


async def check_query_code(
    services: Services, number: str, code: str | None, requester: Requester, now: datetime
) -> bool:
    """Whether the code is the ticket's; wrong ones are counted for the ticket and for who asks. Raises Refused where
    there were too many."""
    is_correct = code is not None and any(
        [
            hmac.compare_digest(code.encode(), query_code(each, number).encode())
            for each in accepted_secrets(services.secret)
        ]
    )

    def subject(*parts: str) -> str:
        return throttle_subject(services, *parts)

    address_place = subject("ticket-place", number, requester.place)
    device = requester.device
    device_place = subject("ticket-place", number, "device", device) if device is not None else address_place
    ticket, network = subject("ticket", number), subject("ticket-network", number, requester.network)
    anywhere = subject("asker", requester.place)
    places = {address_place, device_place}

    def count(c: sa.Connection) -> datetime:
        known = throttle_store.load_known_places(c, places, now - KNOWN_PLACE_LIFETIME)
        place = device_place if device_place in known else address_place
        refusing = (
            {place: PER_REQUESTER_AND_TICKET} if known else {place: PER_REQUESTER_AND_TICKET, anywhere: PER_REQUESTER}
        )
        limits = refusing if known else {**refusing, ticket: PER_TICKET, network: PER_NETWORK}
        held = throttle_store.lock_tallies(c, limits, now, create_missing=not is_correct)
        moment = max(next_attempt_at(limit, held.get(name), now) for name, limit in refusing.items())
        total = held.get(ticket)
        if total is not None and total.within(PER_TICKET.window, now):
            for name, most in ((place, PER_TICKET.tries), (network, WIDE_AFTER_FAILURES)):
                tried = held.get(name)
                if total.count >= most and tried is not None and tried.count:
                    moment = max(moment, tried.last_at + PER_TICKET.window)
        if moment <= now and is_correct:
            throttle_store.clear_failures(c, places)
            throttle_store.store_known_places(c, places, now)
        elif moment <= now:
            throttle_store.add_failure(c, limits, held, now)
        return moment

    accepted_at = await services.db.transact(count)
    if accepted_at > now:
        raise Refused(too_many_attempts(accepted_at, now, "codes"))
    return is_correct


async def load_by_code(services: Services, number: str, code: str, requester: Requester, now: datetime) -> Facts:
    """The ticket of whoever holds its query code. Raises Refused: 404 for a wrong number, a wrong code and a
    confidential matter alike."""
    read = parse_number(number)
    right = await check_query_code(services, read or number[:20], code if read else None, requester, now)
    facts = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, read) if right and read else None
    if facts is None or facts.ticket.confidential or facts.ticket.status is TicketStatus.VOID:
        raise Refused(TICKET_NOT_FOUND)
    return await load_as_told(services, facts, now)


async def load_public_ticket(
    services: Services, number: str, code: str, requester: Requester, now: datetime
) -> PublicTicket:
    """A ticket as its resident may see it. Raises Refused as `load_by_code` does."""
    facts = await load_by_code(services, number, code, requester, now)
    directory = await services.directory.now(now)
    steps = await load_public_steps(services, facts.ticket)
    photos = await load_released_photos(services, facts, now)
    carried = await load_carried_answer(services, facts.ticket)
    return replace(render_public_ticket(directory, facts, carried, steps), photos=public_photos(photos))


async def load_public_steps(services: Services, ticket: Ticket) -> list[Any]:
    """The steps of a ticket that its resident sees, first to last, without those that were undone, or can be undone and
    are not told yet."""
    steps = standing_steps(await history.load_public_steps(services.db, ticket.number))
    resolved = TicketStatus.RESOLVED
    is_told = ticket.status is resolved or not steps or steps[-1].status_to != resolved
    return steps if is_told else steps[:-1]


def public_photos(rows: Iterable[Any]) -> tuple[PublicPhoto, ...]:
    return tuple(PublicPhoto(row.id, AttachmentPurpose(row.purpose), row.at) for row in rows)


@dataclass(frozen=True, slots=True)
class CarriedAnswer:
    """What may answer a ticket beside its own reply: the ticket that carries its matter, where it was merged, with the
    numbers of those between, and how its incident stands."""

    carrier: Ticket | None = None
    standing: IncidentStanding | None = None
    chain: tuple[str, ...] = ()
    unsigned: bool = False  # the carrier's department has not signed for it

    def stage_of(self, ticket: Ticket) -> Ticket:
        """The ticket whose stage, department and promise its caller is told: of a merged one that of its carrier,
        unless that is confidential."""
        told = ticket.status is TicketStatus.MERGED and self.carrier is not None and not self.carrier.confidential
        return self.carrier if told and self.carrier is not None else ticket

    def reply_to(self, ticket: Ticket, language: str | None = None) -> str | None:
        """The answer as its caller is told it: the ticket's own, or of a merged one that of its carrier, unless that is
        confidential; else the final word of the incident, in this language (None: as it was written). None: there is
        none yet."""
        carrier = ticket if self.carrier is None or self.carrier.confidential else self.carrier
        reply = carrier.public_reply if carrier.status in (TicketStatus.CLOSED, TicketStatus.RESOLVED) else None
        if reply or self.standing is None or not self.answers(ticket):
            return reply
        final_word = self.standing.final_word
        if language is None:
            return final_word
        return choose_final_word(final_word, self.standing.final_word_en, language)

    def answers(self, ticket: Ticket) -> bool:
        """Whether the end of its incident is the end of the matter: of a merged ticket and of the one they are merged
        into. A ticket of the incident with a matter of its own, as a danger, has an answer of its own."""
        parent = self.standing.parent if self.standing is not None else None
        return parent is not None and (
            parent == ticket.number or (ticket.status is TicketStatus.MERGED and parent in self.chain)
        )


UNSIGNED = "unsigned"  # in place of a state, of a matter that nobody of its department has signed for
NO_CARRIED_ANSWER = CarriedAnswer()


def choose_final_word(final_word: str | None, english: str | None, language: str) -> str | None:
    """The final word of an incident for somebody who reads this language. One that was written in the other
    alone follows a sentence that says the same in theirs."""
    if final_word is None or (english is not None and language == "en"):
        return english
    is_theirs = english is not None or any(ord(c) in _HAN for c in final_word) == (language != "en")
    return final_word if is_theirs else " ".join((translate("incident_say.solved", language), final_word))


async def load_carried_answer(services: Services, ticket: Ticket) -> CarriedAnswer:
    """What may answer this ticket beside its own reply."""
    carrier: Facts | None = None
    standing: IncidentStanding | None = None
    chain: tuple[str, ...] = ()
    if ticket.parent is not None:
        chain = (ticket.parent, *await ticket_facts.load_parent_chain(services.db, ticket.parent))
        carrier = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, chain[-1])
        carrier = carrier and await load_as_told(services, carrier, services.clock())
    if ticket.incident is not None and services.open_incidents is not None:
        standing = await services.open_incidents.standing(ticket.incident)
    unsigned = carrier is not None and is_lead_unsigned(carrier)
    return CarriedAnswer(None if carrier is None else carrier.ticket, standing, chain, unsigned)


def _stage_word(facts: Facts, carried: CarriedAnswer) -> str:
    """How the matter stands, as its resident is told: its state, or that nobody of the department has signed for it."""
    stage = carried.stage_of(facts.ticket)
    unsigned = is_lead_unsigned(facts) if stage is facts.ticket else carried.unsigned
    return UNSIGNED if unsigned else stage.status


def promise_of(facts: Facts, stage: Ticket) -> datetime | None:
    """By when its resident was told that it is done. Of a matter that was reopened, until a department has it again, by
    when the limit ends that began with that."""
    if stage is not facts.ticket or stage.promised_at is not None or not stage.reopens:
        return stage.promised_at
    limit = next((clock for clock in facts.clocks if clock.metric is Metric.RESOLVE), None)
    return limit.limit_at if limit is not None and stage.status in OPEN else None


def render_public_ticket(
    directory: Directory, facts: Facts, carried: CarriedAnswer = NO_CARRIED_ANSWER, steps: Any = ()
) -> PublicTicket:
    """The state, who acts, by when, and our answer; of a merged ticket those of the one that carries its matter."""
    ticket, stage = facts.ticket, carried.stage_of(facts.ticket)
    return PublicTicket(
        number=ticket.number,
        status=ticket.status,
        label=Label(*public_status(_stage_word(facts, carried))),
        category=directory.optional_item_name("categories", ticket.category),
        department=directory.optional_item_name("departments", stage.department),
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        promised_at=promise_of(facts, stage),
        closed_at=ticket.closed_at,
        reply=carried.reply_to(ticket),
        right_channel=ticket.channel_told if ticket.status is TicketStatus.DECLINED else None,
        merged_into=ticket.parent,
        incident=_render_incident(carried, ticket),
        steps=tuple(
            PublicStep(s.at, s.action, Label(*public_action(Action(s.action))))
            for s in steps
            if s.action in PUBLIC_ACTIONS
        ),
    )


def _render_incident(carried: CarriedAnswer, ticket: Ticket) -> PublicIncident | None:
    standing = carried.standing
    if standing is None:
        return None
    label = Label(*translate_pair(f"incident_state.{standing.state}"))
    final_word = standing.final_word if carried.answers(ticket) else None
    told = standing.told if carried.answers(ticket) else None
    return PublicIncident(standing.code, standing.state, label, final_word, told)


def progress_fields(
    directory: Directory, facts: Facts, language: str, carried: CarriedAnswer = NO_CARRIED_ANSWER
) -> dict[str, str]:
    """The same in the words of a text."""
    ticket = carried.stage_of(facts.ticket)
    department = directory.departments.get(ticket.department or "")
    by = "" if department is None else name_in(department, language)
    values: dict[str, str] = {
        "number": facts.ticket.number,
        "status": translate(f"public_status.{_stage_word(facts, carried)}", language),
        "department": "",
        "promised": "",
    }
    if by and ticket.status is TicketStatus.DISPATCHED:
        values["department"] = translate("message_part.department", language, department=by)
    promised_at = promise_of(facts, ticket)
    if promised_at is not None and ticket.status in (TicketStatus.TRIAGED, TicketStatus.DISPATCHED):
        when = format_moment(directory, promised_at, language)
        values["promised"] = translate("message_part.promised", language, promised=when)
    if reply := carried.reply_to(facts.ticket, language):
        values["promised"] = translate("message_part.reply", language, reply=reply)
    return values


def format_moment(directory: Directory, moment: datetime, language: str) -> str:
    """A moment as people say it, in the organisation's zone."""
    local = moment.astimezone(zone_of(directory))
    if (local.hour, local.minute) == (0, 0):  # the end of a day is that day's
        return translate("moment.day_end", language, moment=local - timedelta(days=1))
    return translate("moment.time", language, moment=local)

"""Splits a ticket that tells of several matters: it keeps one, the others become tickets of the same caller."""

from typing import Any
from uuid import uuid4

from hotline.database.deadlines import database_deadline
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Refusal
from hotline.text.numbering import parse_number
from hotline.text.phones import ParsedPhone
from hotline.tickets.act import Additions, RenderReply, RuleStep, act
from hotline.tickets.context import Services
from hotline.tickets.intake import with_open_incident
from hotline.tickets.lifecycle import decide
from hotline.tickets.model.address import ticket_parts
from hotline.tickets.model.intake import IncomingCall, IntakeRequest, opened, read_anew
from hotline.tickets.model.ticket import Change, Command, Ticket
from hotline.tickets.model.vocabulary import READ_ANEW, SPLIT_INTO, Field, TicketStatus
from hotline.tickets.reading_anew import advise_on, is_made_title
from hotline.tickets.store import facts as ticket_facts
from hotline.triage.model.places.parts import PART_NAMES, AddressParts
from hotline.value_objects import replace
from hotline.web.idempotency import ActionResult

F = Field


async def split_ticket(
    services: Services, number: str, command: Command, request: WriteRequest, render: RenderReply
) -> ActionResult:
    """Apply a split: its `narrative` stays in the ticket, each of its `matters` becomes a new one, triaged and
    dispatched as a call is. All of it is committed at once, or nothing. Raises Refused as `act` does."""
    async with database_deadline(services.deadlines.write):
        read = parse_number(number)
        facts = await ticket_facts.load_facts(services.db, scope_of(request.actor), read) if read else None
    if facts is None or isinstance(decide(facts, command, request.actor, request.now), Refusal):
        async with database_deadline(services.deadlines.write, writes=True):
            return await act(services, number, command, request, render)  # a repeat is given its first answer
    ticket = facts.ticket
    changes = [await _split_off(services, ticket, text, request) for text in command.fields[F.MATTERS]]
    fields = {**command.fields, SPLIT_INTO: tuple(change.after.ticket.number for change in changes)}
    columns, further = await _read_anew(services, ticket, str(command.fields[F.NARRATIVE]), request)
    additions = Additions(split_off=tuple(changes), further=further)
    async with database_deadline(services.deadlines.write, writes=True):
        command = replace(command, fields={**fields, READ_ANEW: columns})
        return await act(services, number, command, request, render, additions)


async def _read_anew(
    services: Services, ticket: Ticket, stays: str, request: WriteRequest
) -> tuple[dict[str, Any], tuple[RuleStep, ...]]:
    """What the sentence that stays makes of the ticket: its columns, and where nobody has sorted it yet how far the
    rules lead it, as they would have at intake."""
    directory = await services.directory.now(request.now)
    kept = await advise_on(services, ticket, stays)
    taken = replace(_intake_request(ticket, stays), area=ticket.area, address=ticket.address, lat=ticket.lat)
    taken = replace(taken, lon=ticket.lon, address_parts=_given_parts(ticket))
    anew, further = read_anew(_incoming(ticket, taken, request), ticket.number, kept, directory)
    columns: dict[str, Any] = {"advice": anew.advice}
    told = await advise_on(services, ticket, ticket.narrative)
    if is_made_title(directory, ticket, told):  # nobody chose another
        columns["title"] = anew.title
    if ticket.status is not TicketStatus.RECEIVED or ticket.triaged_at is not None:
        return columns, ()
    return columns | {name: getattr(anew, name) for name in ("kind", "priority", *PART_NAMES)}, further


def _given_parts(ticket: Ticket) -> AddressParts:
    """The parts of the address that somebody entered, not those that the whole text told."""
    hints = ticket.advice.get("hints") or {}
    return AddressParts(**{name: hints.get(name) for name in PART_NAMES})


async def _split_off(services: Services, origin: Ticket, text: str, request: WriteRequest) -> Change:
    """The new ticket that tells of this. Where its words name no other place, it is where the ticket is."""
    directory = await services.directory.now(request.now)
    advice = await advise_on(services, origin, text)
    taken = _intake_request(origin, text)
    if advice.area is None or advice.area in directory.area_path(origin.area):
        taken = replace(
            taken,
            area=origin.area,
            address=origin.address,
            address_parts=ticket_parts(origin),
            lat=origin.lat,
            lon=origin.lon,
        )
    incoming = _incoming(origin, taken, request)
    async with database_deadline(services.deadlines.write):
        if origin.outer_number is None:  # another hotline's order belongs to no incident by itself
            incoming = await with_open_incident(services, incoming, advice)
        number = await services.numbers.take()
    return opened(incoming, number, advice, directory)


def _intake_request(origin: Ticket, text: str) -> IntakeRequest:
    """What the caller told in these words."""
    return IntakeRequest(
        channel=origin.channel,
        narrative=text,
        phone=origin.phone,
        name=origin.caller_name,
        contact=origin.contact,
        confidential=True if origin.confidential else None,
        reply_wanted=origin.reply_wanted,
        outer_system=origin.outer_system,
        outer_due_at=origin.outer_due_at,
    )


def _incoming(origin: Ticket, taken: IntakeRequest, request: WriteRequest) -> IncomingCall:
    who = ParsedPhone(origin.phone, origin.phone, origin.caller is not None)
    return IncomingCall(taken, who, origin.caller, str(uuid4()), request.actor, request.now, origin=origin)

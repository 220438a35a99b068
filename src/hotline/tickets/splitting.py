"""Splits a ticket that tells of several matters: it keeps one, the others become tickets of the same caller."""

from uuid import uuid4

from hotline.database.deadlines import database_deadline
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.model.vocabulary import LIVE_CHANNELS
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Refusal
from hotline.text.numbering import parse_number
from hotline.text.phones import ParsedPhone
from hotline.tickets.act import Additions, RenderReply, act
from hotline.tickets.context import Services
from hotline.tickets.intake import with_open_incident
from hotline.tickets.lifecycle import decide
from hotline.tickets.model.address import ticket_parts
from hotline.tickets.model.intake import IncomingCall, IntakeRequest, opened
from hotline.tickets.model.ticket import Change, Command, Ticket
from hotline.tickets.model.vocabulary import SPLIT_INTO, Field
from hotline.tickets.store import facts as ticket_facts
from hotline.triage.model.advice import Advice
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import build_lexicon
from hotline.triage.model.titles import make_title
from hotline.value_objects import replace
from hotline.web.idempotency import ActionResult

F = Field


async def split_ticket(
    services: Services, number: str, command: Command, request: WriteRequest, render: RenderReply
) -> ActionResult:
    """Apply a split: its `narrative` stays in the ticket, each of its `matters` becomes a new one, triaged and
    dispatched as a call is. All of it is committed at once, or nothing. Raises Refused as `act` does."""
    async with database_deadline(services.deadlines.write, writes=True):
        read = parse_number(number)
        facts = await ticket_facts.load_facts(services.db, scope_of(request.actor), read) if read else None
        if facts is None or isinstance(decide(facts, command, request.actor, request.now), Refusal):
            return await act(services, number, command, request, render)  # a repeat is given its first answer
        directory = await services.directory.now(request.now)
        ticket, stays = facts.ticket, str(command.fields[F.NARRATIVE])
        told, kept = await _advise(services, ticket, ticket.narrative), await _advise(services, ticket, stays)
        changes = [await _split_off(services, ticket, text, request) for text in command.fields[F.MATTERS]]
        fields = {**command.fields, SPLIT_INTO: tuple(change.after.ticket.number for change in changes)}
        if ticket.title == make_title(directory, told, ticket.narrative, ticket.address):  # nobody chose another
            fields[F.TITLE] = make_title(directory, kept, stays, ticket.address)
        return await act(
            services, number, replace(command, fields=fields), request, render, Additions(split_off=tuple(changes))
        )


async def _split_off(services: Services, origin: Ticket, text: str, request: WriteRequest) -> Change:
    """The new ticket that tells of this. Where its words name no other place, it is where the ticket is."""
    actor, now = request.actor, request.now
    directory = await services.directory.now(now)
    advice = await _advise(services, origin, text)
    here = advice.area is None or advice.area in directory.area_path(origin.area)
    taken = IntakeRequest(
        channel=origin.channel,
        narrative=text,
        phone=origin.phone,
        name=origin.caller_name,
        contact=origin.contact,
        confidential=True if origin.confidential else None,
        reply_wanted=origin.reply_wanted,
    )
    if here:
        taken = replace(
            taken,
            area=origin.area,
            address=origin.address,
            address_parts=ticket_parts(origin),
            lat=origin.lat,
            lon=origin.lon,
        )
    who = ParsedPhone(origin.phone, origin.phone, origin.caller is not None)
    incoming = IncomingCall(taken, who, origin.caller, str(uuid4()), actor, now, origin=origin)
    incoming = await with_open_incident(services, incoming, advice)
    return opened(incoming, await services.numbers.take(), advice, directory)


async def _advise(services: Services, origin: Ticket, text: str) -> Advice:
    return await services.offload.run(
        len(text),
        advise,
        services.directory.derived(build_lexicon),
        text,
        None,
        origin.area,
        written=origin.channel not in LIVE_CHANNELS,
        form_opinion=services.form_opinion,
    )

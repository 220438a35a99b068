"""Takes the last step of a ticket back. A call that had joined it becomes a ticket of its own: no call is lost."""

from hotline.database.deadlines import database_deadline
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Refusal
from hotline.text.numbering import parse_number
from hotline.text.phones import ParsedPhone
from hotline.tickets.act import Additions, RenderReply, act
from hotline.tickets.context import Services
from hotline.tickets.intake import advise_on_call, with_open_incident
from hotline.tickets.lifecycle import decide
from hotline.tickets.model.intake import IncomingCall, opened
from hotline.tickets.model.joined_call import request_of
from hotline.tickets.model.ticket import Call, Change, Command, Facts, call_of_ticket
from hotline.tickets.model.undo import undone_line
from hotline.tickets.model.vocabulary import OPENED, Action
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.store.last_change import load_joined_call, with_last_change
from hotline.value_objects import replace
from hotline.web.idempotency import ActionResult


async def undo_last_step(
    services: Services, number: str, command: Command, request: WriteRequest, render: RenderReply
) -> ActionResult:
    """Apply an undo. All of it is committed at once, or nothing. Raises Refused as `act` does."""
    additions = None
    async with database_deadline(services.deadlines.write):
        facts = await _load(services, number, request)
        joined = await _joined_call(services, facts, command, request)
    if facts is not None and joined is not None:
        new = await _opened_by(services, joined, request)
        command = replace(command, fields={**command.fields, OPENED: new.after.ticket.number})
        additions = Additions(split_off=(new,))
    async with database_deadline(services.deadlines.write, writes=True):
        return await act(services, number, command, request, render, additions)


async def _load(services: Services, number: str, request: WriteRequest) -> Facts | None:
    read = parse_number(number)
    facts = await ticket_facts.load_facts(services.db, scope_of(request.actor), read) if read else None
    return None if facts is None else await with_last_change(services.db, facts, request.now)


async def _joined_call(services: Services, facts: Facts | None, command: Command, request: WriteRequest) -> Call | None:
    """The call whose joining is to be undone, if it may be. None: it is another step, or `act` says why not."""
    line = undone_line(facts.last.entries) if facts is not None and facts.last is not None else None
    if facts is None or line is None or line.action is not Action.ADD_CALL:
        return None
    if isinstance(decide(facts, command, request.actor, request.now), Refusal):
        return None
    return await load_joined_call(services.db, line)


async def _opened_by(services: Services, call: Call, request: WriteRequest) -> Change:
    """The ticket that the call opens, as it would have if it had joined no other."""
    directory = await services.directory.now(request.now)
    who = ParsedPhone(call.phone, call.raw_phone, call.caller is not None)
    incoming = IncomingCall(request_of(call), who, call.caller, call.id, request.actor, request.now)
    advice = await advise_on_call(services, incoming)
    async with database_deadline(services.deadlines.write):
        incoming = await with_open_incident(services, incoming, advice)
        number = await services.numbers.take()
    change = opened(incoming, number, advice, directory)
    moved = call_of_ticket(replace(call, number=number), change.after.ticket)
    return replace(change, calls=(moved,), moved_from=call)

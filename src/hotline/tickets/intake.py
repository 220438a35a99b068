"""Taking a call in: what it needs is looked up, `model/intake` says what comes of it, and that is made durable."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

from hotline.database.deadlines import within
from hotline.database.engine import IntegrityFault, Replayed
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.scopes import EVERYTHING
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.text.numbering import Number, read_number
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import caller_id
from hotline.tickets.act import Additions, act, written_answer
from hotline.tickets.context import Services
from hotline.tickets.model.intake import IncomingCall, IntakeRequest, contact_of, opened, refusal_of
from hotline.tickets.model.ticket import Call, Change, Command, Facts
from hotline.tickets.model.visibility import intake_scope
from hotline.tickets.model.vocabulary import Action, Field
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.write_plan import plan_of
from hotline.triage.model import advise, lexicon_of
from hotline.value_objects import replace
from hotline.web.idempotency import ActionResult, replayed, replayed_or_refused

F = Field
Show = Callable[[Facts, Call], str]  # renders the reply, before COMMIT, so that it is kept with the change
TAKEN_BEFORE = Refusal(
    Code.CONFLICT, "this outer order was taken in before", errors=(("outer.number", "taken in before"),)
)
NO_SUCH_TICKET = Refusal(Code.INVALID, "no such ticket", errors=(("attach_to", "no such ticket"),))


async def take_call(services: Services, taken: IntakeRequest, request: WriteRequest, show: Show) -> ActionResult:
    """Take a call in, durably. The request's scope: what `attach_to` may name, where that was decided by more than who
    asks. Raises Refused with every field that is wrong, and CommitUnknown where the database did not answer within the
    deadline: the call may be taken in yet, and a repeat under the same key is."""
    async with within(services.deadlines.write, writes=True):
        return await _take_in(services, taken, request, show)


def number_shown(facts: Facts, *_: Any) -> str:
    """The ticket's number as the whole reply: for a gateway, which is shown no more."""
    return str(facts.ticket.number)


async def _take_in(services: Services, taken: IntakeRequest, request: WriteRequest, show: Show) -> ActionResult:
    actor, now = request.actor, request.now
    directory = await services.directory.now(now)
    if refusal := refusal_of(taken, directory, actor, now):
        return await replayed_or_refused(services.db, request.key, refusal)
    who = parse_phone(taken.phone, services.region, services.area_code)
    caller = caller_id(who.phone, services.secret) if who.phone and who.caller else None
    incoming = IncomingCall(taken, who, caller, str(uuid4()), actor, now)
    if taken.attach_to is not None:
        return await _join(services, incoming, request, show)
    if taken.outer_number is not None and await ticket_facts.has_outer(
        services.db, taken.outer_system or "", taken.outer_number
    ):
        return await replayed_or_refused(services.db, request.key, TAKEN_BEFORE)
    change = await services.completed(await _opened(services, incoming, directory), now)
    answer = written_answer(request, 201, show(change.after, change.calls[0]), change.after)
    # a call whose outcome was unknown is asked for again by the spool: it must learn which ticket it became
    keeping = answer if request.key.keep_body else replace(answer, body=str(change.after.ticket.number))
    try:
        outcome = await services.journal.commit(plan_of(change, keeping), priority=True)
    except IntegrityFault as fault:
        if taken.outer_number is None:
            raise
        raise Refused(TAKEN_BEFORE) from fault  # it came in by another line at the same moment
    if isinstance(outcome, Replayed):
        return replayed(outcome.answer, request.key)
    return ActionResult(answer, replayed=False, number=change.after.ticket.number)


async def _opened(services: Services, incoming: IncomingCall, directory: Directory) -> Change:
    taken = incoming.taken
    lexicon, size = services.directory.made_of(lexicon_of), len(taken.narrative) + len(taken.address or "")
    advice = await services.offload.run(size, advise, lexicon, taken.narrative, taken.address)
    return opened(incoming, await services.numbers.take(), advice, directory)


async def _join(services: Services, incoming: IncomingCall, request: WriteRequest, show: Show) -> ActionResult:
    """The call belongs to an open ticket: counted there, its words kept. What lies outside the scope is refused as what
    does not exist is."""
    scope = request.scope or intake_scope(request.actor)
    number = read_number(incoming.taken.attach_to or "")
    if number is None and scope.creator is None:  # a machine is not told which of its guesses are well formed
        rule = "not a ticket number: check the digits"
        raise Refused(Refusal(Code.INVALID, "that is no ticket number", errors=(("attach_to", rule),)))
    for _ in range(5):  # nobody sent a version: a colleague's change in between is no reason to lose a call
        facts = await ticket_facts.facts(services.db, scope, number or Number(""))
        if facts is not None and facts.ticket.parent is not None:  # merged since: the call belongs to the parent
            number = (await ticket_facts.chain_of(services.db, facts.ticket.number))[-1]
            whole = await ticket_facts.facts(services.db, scope, number)
            if whole is None and scope.creator is not None:  # they may tell it more, and learn no more of it
                show = partial(_of_own, show, facts)
                scope = EVERYTHING
                whole = await ticket_facts.facts(services.db, scope, number)
            facts = whole
        if facts is None or number is None:
            return await replayed_or_refused(services.db, request.key, NO_SUCH_TICKET)
        hidden = bool(incoming.taken.confidential) or facts.ticket.confidential
        call, caller = contact_of(incoming, number, confidential=hidden)
        command = Command(Action.ADD_CALL, facts.ticket.version, {F.TEXT: incoming.taken.narrative})
        scoped = replace(request, scope=scope)
        try:
            return await act(
                services, number, command, scoped, partial(_shown, show, call), Additions(call=call, caller=caller)
            )
        except Refused as refused:
            if refused.refusal.code is not Code.STALE:
                raise
    raise Refused(Refusal(Code.OVERLOADED, "the ticket changes too fast just now; nothing was written, try again"))


def _shown(show: Show, call: Call, after: Facts) -> str:
    return show(after, call)


def _of_own(show: Show, own: Facts, _: Facts, call: Call) -> str:
    """The reply about the sender's own ticket, where the call was joined to another that carries its matter."""
    return show(own, call)

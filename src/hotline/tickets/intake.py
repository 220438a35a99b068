"""Takes a call in: reads what it needs, lets `model/intake` decide, and commits the result."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from hotline.database.deadlines import database_deadline
from hotline.database.engine import IntegrityFault, Replayed
from hotline.delivery.model import Message
from hotline.locales import bilingual, translate_pair
from hotline.organisation.model.actors import ActorKind
from hotline.organisation.model.scopes import SYSTEM_SCOPE, scope_of
from hotline.organisation.model.vocabulary import LIVE_CHANNELS
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.server_secret import digest_key
from hotline.text.numbering import TicketNumber, parse_number
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import caller_id
from hotline.tickets.act import Additions, act, build_stored_answer
from hotline.tickets.context import Services
from hotline.tickets.duplicates import Duplicate, SoughtMatter, find_duplicates
from hotline.tickets.model.address import ToldPlace, told_place_fields
from hotline.tickets.model.dangers import dangers_in_hand, dangers_of
from hotline.tickets.model.intake import (
    DESK_ROLES,
    IncomingCall,
    IntakeRequest,
    contact_of,
    dangers_left,
    opened,
    refusal_of,
)
from hotline.tickets.model.joined_call import taken_down
from hotline.tickets.model.ticket import Call, Command, Facts
from hotline.tickets.model.undo import hold_messages
from hotline.tickets.model.visibility import can_search_by_caller, intake_scope
from hotline.tickets.model.vocabulary import Action, Field
from hotline.tickets.reading_anew import is_place_read
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.write_plan import build_write_plan
from hotline.triage.model.advice import PLACE_QUESTION, Advice
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import build_lexicon
from hotline.triage.model.places.parts import spoken_parts
from hotline.triage.model.same_matter import profile_of_advice
from hotline.value_objects import replace
from hotline.web.idempotency import ActionResult, replay_answer, replayed_or_refused

F = Field
R = TypeVar("R")
log = structlog.get_logger("hotline.intake")
HELP_WITHIN = 0.5  # seconds
# renders the reply, with the tickets that the new one may repeat, before COMMIT, so that it is kept with the change
RenderReply = Callable[[Facts, Call, Sequence[Duplicate]], str]
DUPLICATE_OUTER_ORDER = Refusal(
    Code.CONFLICT, "this outer order was taken in before", errors=(("outer.number", "taken in before"),)
)
NO_SUCH_TICKET = Refusal(Code.INVALID, "no such ticket", errors=(("attach_to", "no such ticket"),))


async def take_call(
    services: Services, intake_request: IntakeRequest, request: WriteRequest, render: RenderReply
) -> ActionResult:
    """Take a call in, durably. The request's scope: what `attach_to` may name, where that was decided by more than who
    asks. Raises Refused with every field that is wrong, and CommitUnknown where the database did not answer within the
    deadline: the call may be taken in yet, and a repeat under the same key is."""
    async with database_deadline(services.deadlines.write, writes=True):
        return await _take_call(services, intake_request, request, render)


def number_shown(facts: Facts, *_: Any) -> str:
    """The ticket's number as the whole reply: for a gateway, which is shown no more."""
    return str(facts.ticket.number)


async def _take_call(
    services: Services, intake_request: IntakeRequest, request: WriteRequest, render: RenderReply
) -> ActionResult:
    actor, now = request.actor, request.now
    directory = await services.directory.now(now)
    if refusal := refusal_of(intake_request, directory, actor, now):
        return await replayed_or_refused(services.db, request.key, refusal)
    parsed_phone = parse_phone(intake_request.phone, services.region, services.area_code)
    caller = caller_id(parsed_phone.phone, services.secret) if parsed_phone.phone and parsed_phone.caller else None
    incoming = IncomingCall(intake_request, parsed_phone, caller, str(uuid4()), actor, now)
    incoming = await _with_named_ticket(services, incoming, request)
    intake_request = incoming.intake_request
    advice = await advise_on_call(services, incoming)
    if intake_request.attach_to is not None and not await _adds_danger(services, incoming, request, advice):
        return await _join_open_ticket(services, incoming, request, render, advice)
    if intake_request.outer_number is not None:
        own, incoming = await _with_outer_order(services, incoming, request)
        if own is not None:
            return await replayed_or_refused(services.db, request.key, own)
    incoming = await with_open_incident(services, incoming, advice)
    offered = await _find_offered(services, incoming, advice)
    change = opened(incoming, await services.numbers.take(), advice, directory)
    change = await services.apply_before_commit(hold_messages(change, actor, services.hold), now)
    answer = build_stored_answer(request, 201, render(change.after, change.calls[0], offered), change.after)
    # a call whose outcome was unknown is asked for again by the spool: it must learn which ticket it became
    keeping = answer if request.key.keep_body else replace(answer, body=str(change.after.ticket.number))
    try:
        outcome = await services.journal.commit(
            build_write_plan(change, keeping, digest_key(services.secret)), priority=True
        )
    except IntegrityFault as fault:
        sent = incoming.intake_request
        if sent.outer_number is None or await _find_outer_order(services, sent) is None:
            raise
        log.info("intake.outer_order_twice", kind=type(fault).__name__)
        return await _take_call(services, intake_request, request, render)  # by another line at the same moment
    if isinstance(outcome, Replayed):
        return replay_answer(outcome.answer, request.key)
    return ActionResult(answer, replayed=False, number=change.after.ticket.number)


async def _with_named_ticket(services: Services, incoming: IncomingCall, request: WriteRequest) -> IncomingCall:
    """A machine adds to what it opened itself. Whatever other number it names, its words open a ticket that names that
    one, for an operator to merge: the answer is the same whether there is such a ticket or not."""
    scope, named = request.scope or intake_scope(request.actor), incoming.intake_request.attach_to
    if named is None or scope.creator is None:
        return incoming
    number = parse_number(named)
    if await ticket_facts.load_facts(services.db, scope, number or TicketNumber("")) is not None:
        return incoming
    return replace(incoming, intake_request=replace(incoming.intake_request, attach_to=None), named=number)


async def _find_outer_order(services: Services, sent: IntakeRequest) -> str | None:
    system, number = sent.outer_system or "", sent.outer_number or ""
    return await ticket_facts.load_number_by_outer(services.db, system, number)


async def _with_outer_order(
    services: Services, incoming: IncomingCall, request: WriteRequest
) -> tuple[Refusal | None, IncomingCall]:
    """A refusal where another hotline's order came in before and its ticket is the sender's to see. Where it is not,
    the words open a ticket without that number, which names the other one for the desk: the answer is that of any new
    ticket, so that nobody learns by trying which orders there are."""
    sent = incoming.intake_request
    number = await _find_outer_order(services, sent)
    if number is None:
        return None, incoming
    scope, named = request.scope or intake_scope(request.actor), TicketNumber(number)
    if await ticket_facts.load_facts(services.db, scope, named) is not None:
        return DUPLICATE_OUTER_ORDER, incoming
    return None, replace(incoming, intake_request=replace(sent, outer_system=None, outer_number=None), named=named)


async def advise_on_call(services: Services, incoming: IncomingCall) -> Advice:
    """The advice on a call, with the place that was taken down beside its words."""
    intake_request = incoming.intake_request
    spoken = (spoken_parts(intake_request.address_parts), intake_request.address)
    address = " ".join(filter(None, spoken)) or None
    lexicon, size = services.directory.derived(build_lexicon), len(intake_request.narrative) + len(address or "")
    near = intake_request.area or incoming.by.home_area
    written = intake_request.channel not in LIVE_CHANNELS
    advice = await services.offload.run(
        size,
        advise,
        lexicon,
        intake_request.narrative,
        address,
        near,
        written=written,
        form_opinion=services.form_opinion,
    )
    known = intake_request.area is not None or intake_request.lat is not None
    return advice.with_place_question(translate_pair(PLACE_QUESTION), known=known)


async def with_open_incident(services: Services, incoming: IncomingCall, advice: Advice) -> IncomingCall:
    """The call with the open incident that it is about, if there is one."""
    taken = incoming.intake_request
    if services.open_incidents is None or taken.at_once is not None or taken.outer_number is not None:
        return incoming
    found = await _helped(services.open_incidents.match(taken, advice, incoming.at), None)
    return incoming if found is None else replace(incoming, incident=found)


async def _helped(work: Awaitable[R], otherwise: R) -> R:
    """What helps the operator and must never cost the caller: late or at fault, it is left out and logged."""
    try:
        async with asyncio.timeout(HELP_WITHIN):
            return await work
    except Exception:
        log.warning("intake.help_failed", exc_info=True)
        return otherwise


async def _find_offered(services: Services, incoming: IncomingCall, advice: Advice) -> Sequence[Duplicate]:
    """Tickets that this call may repeat, for whoever can still decide: a gateway is shown no advice, a call that is
    answered at once is over, and one of an incident has found its like."""
    taken, actor = incoming.intake_request, incoming.by
    known = incoming.incident is not None and incoming.incident.ended_at is None
    if not can_search_by_caller(actor) or taken.at_once is not None or known:
        return ()
    profile = profile_of_advice(advice, taken.narrative, area=taken.area, category=taken.category)
    sought = SoughtMatter(profile, incoming.caller)
    return await _helped(find_duplicates(services, sought, scope_of(actor), incoming.at), ())


async def _adds_danger(services: Services, incoming: IncomingCall, request: WriteRequest, advice: Advice) -> bool:
    """Whether somebody who is not at the desk adds a danger to a ticket that does not know of it: joined to that, it
    would alert nobody, so it opens one of its own."""
    number = parse_number(incoming.intake_request.attach_to or "")
    if number is None or incoming.by.roles & DESK_ROLES:
        return False
    dangers = set[str](dangers_left(advice, incoming.intake_request, incoming.by))
    if not dangers:
        return False
    facts = await ticket_facts.load_facts(services.db, request.scope or intake_scope(incoming.by), number)
    return facts is not None and not dangers <= set(dangers_in_hand(facts.ticket))


def _alarm_of_joined(call: Call, facts: Facts, dangers: set[str], incoming: IncomingCall) -> tuple[Message, ...]:
    """A call that is added to a ticket starts nothing by itself: a danger that the ticket does not know of alarms the
    operators, and so does any that a resident adds without speaking to somebody."""
    alone, now = incoming.by.kind is ActorKind.RESIDENT, incoming.at
    if not dangers or (dangers <= set(dangers_of(facts.ticket)) and not alone):
        return ()
    number = facts.ticket.number
    payload = bilingual("alarm.danger_in_call", number=number)
    return (Message(f"al.{call.id}", "alarm", number, "role:operator", dict(payload), now),)


async def _join_open_ticket(
    services: Services, incoming: IncomingCall, request: WriteRequest, render: RenderReply, advice: Advice
) -> ActionResult:
    """The call belongs to an open ticket: counted there, its words kept. What lies outside the scope is refused as what
    does not exist is."""
    scope = request.scope or intake_scope(request.actor)
    dangers = set[str](dangers_left(advice, incoming.intake_request, incoming.by))
    number = parse_number(incoming.intake_request.attach_to or "")
    if number is None:
        rule = "not a ticket number: check the digits"
        raise Refused(Refusal(Code.INVALID, "that is no ticket number", errors=(("attach_to", rule),)))
    for _ in range(5):  # a call carries no version: after a change in between it is added all the same
        facts = await ticket_facts.load_facts(services.db, scope, number or TicketNumber(""))
        if facts is not None and facts.ticket.parent is not None:  # merged since: the call belongs to the parent
            number = (await ticket_facts.load_parent_chain(services.db, facts.ticket.number))[-1]
            visible = await ticket_facts.load_facts(services.db, scope, number)
            if visible is None and scope.creator is not None:  # they may add to it, but not see it
                render = partial(_render_own_ticket, render, facts)
                scope = SYSTEM_SCOPE
                visible = await ticket_facts.load_facts(services.db, scope, number)
            facts = visible
        if facts is None or number is None:
            return await replayed_or_refused(services.db, request.key, NO_SUCH_TICKET)
        hidden = bool(incoming.intake_request.confidential) or facts.ticket.confidential
        call, caller = contact_of(incoming, number, confidential=hidden)
        call = replace(call, taken_down=taken_down(incoming.intake_request))
        said = "\n".join((incoming.intake_request.narrative, *incoming.intake_request.notes))
        command = Command(
            Action.ADD_CALL,
            facts.ticket.version,
            {F.TEXT: said, **await _told_fields(services, facts, incoming, call, advice)},
        )
        scoped = replace(request, scope=scope)
        try:
            return await act(
                services,
                number,
                command,
                scoped,
                partial(_render_with_call, render, call),
                Additions(call=call, caller=caller, messages=_alarm_of_joined(call, facts, dangers, incoming)),
            )
        except Refused as refused:
            if refused.refusal.code is not Code.STALE:
                raise
    raise Refused(Refusal(Code.OVERLOADED, "the ticket changes too fast just now; nothing was written, try again"))


async def _told_fields(
    services: Services, facts: Facts, incoming: IncomingCall, call: Call, advice: Advice
) -> dict[Any, Any]:
    """What whoever the ticket belongs to tells of it later: a number, and the place."""
    sent = incoming.intake_request
    if not sent.by_caller:
        return {}
    directory = await services.directory.now(incoming.at)
    told = ToldPlace(sent.narrative, sent.area, sent.address)
    was_read = sent.area is not None and await is_place_read(services, facts.ticket)
    place = told_place_fields(directory, facts.ticket, told, advice, was_read=was_read)
    return {**({F.PHONE: call.phone} if call.phone else {}), **place}


def _render_with_call(render: RenderReply, call: Call, after: Facts) -> str:
    return render(after, call, ())


def _render_own_ticket(render: RenderReply, own: Facts, _: Facts, call: Call, __: Sequence[Duplicate]) -> str:
    """The reply about the sender's own ticket, where the call was joined to another that carries its matter."""
    return render(own, call, ())

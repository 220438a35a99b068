"""A danger that a resident tells with a step on the page of their ticket: it has an emergency ticket of its own, one
for all that is told of the same danger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from hotline.delivery.payloads import item_key
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.model.vocabulary import Channel
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refused
from hotline.tickets.context import Services
from hotline.tickets.intake import number_shown, take_call
from hotline.tickets.lookup import query_code
from hotline.tickets.model.address import has_exact_place
from hotline.tickets.model.dangers import dangers_in_hand
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.model.ticket import Facts
from hotline.tickets.model.vocabulary import OPEN
from hotline.tickets.spool_intake import parse_answer_number
from hotline.tickets.store import facts as ticket_facts
from hotline.web.idempotency import RequestKey, load_earlier_answer

SENT_AGAIN_WITHIN = timedelta(minutes=10)  # in which the same words are the same form


@dataclass(frozen=True, slots=True)
class DangerTicket:
    """The ticket of a danger. `code`: for the look-up, None where it cannot be looked up."""

    number: str
    code: str | None
    asks_phone: bool = False  # nobody could call back
    asks_place: bool = False  # nobody who is sent would know where to go


def new_dangers(facts: Facts, dangers: Sequence[str]) -> tuple[str, ...]:
    """Those of these dangers that are not acted on by the ticket: it does not know of them, was found to have none, or
    has ended."""
    known = dangers_in_hand(facts.ticket)
    return tuple(danger for danger in dangers if danger not in known)


def _opening_key(facts: Facts, dangers: Sequence[str]) -> RequestKey:
    name = item_key("resident danger", facts.ticket.number, "".join(sorted(dangers)))
    return RequestKey(f"resident:{facts.ticket.number}", name, "resident danger")


async def has_danger_ticket(services: Services, facts: Facts, dangers: Sequence[str]) -> bool:
    """Whether what is told of these dangers goes to a ticket that is open, and rings nobody anew."""
    return await _open_danger_ticket(services, _opening_key(facts, dangers), dangers) is not None


async def _open_danger_ticket(services: Services, opening: RequestKey, dangers: Sequence[str]) -> Facts | None:
    """The ticket of these dangers, while it is open and acts on them."""
    earlier = await load_earlier_answer(services, opening)
    number = parse_answer_number(earlier.answer.body) if earlier is not None else None
    found = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, number) if number is not None else None
    if found is None or found.ticket.status not in OPEN or new_dangers(found, dangers):  # nobody acts on it
        return None
    return found


async def take_danger(
    services: Services, facts: Facts, words: str, dangers: Sequence[str], request: WriteRequest
) -> DangerTicket | None:
    """Open the ticket of these dangers, or add the words to the one that was opened for them; that alarms the
    operators. Once for the request's key. None: its ticket is not to be found."""
    opening = _opening_key(facts, dangers)
    again = RequestKey(opening.owner, item_key("resident danger", request.key.key), "resident danger")
    known = await _open_danger_ticket(services, opening, dangers)
    ended = known is None and await load_earlier_answer(services, opening) is not None
    target = known or facts
    is_repeat = known is not None and known.ticket.narrative == words
    if known is None or not is_repeat or request.now - known.ticket.created_at > SENT_AGAIN_WITHIN:
        taken = IntakeRequest(
            Channel.WEB,
            words,
            phone=facts.ticket.phone,
            reply_wanted=False,
            area=facts.ticket.area,
            attach_to=target.ticket.number,
        )
        key = opening if known is None and not ended else again
        try:
            done = await take_call(services, taken, replace(request, key=key), number_shown)
        except Refused as refused:
            if refused.refusal.code not in (Code.NOT_NOW, Code.INVALID):
                raise
            return None
        number = parse_answer_number(done.answer.body)
        if done.replayed and key is opening:  # by another form at the same moment
            return await take_danger(services, facts, words, dangers, request)
        found = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, number) if number is not None else None
        if found is None:
            return None
        target = found
    code = None if target.ticket.confidential else query_code(services.secret, target.ticket.number)
    directory = await services.directory.now(request.now)
    asks_place = not has_exact_place(directory, target.ticket)
    return DangerTicket(target.ticket.number, code, target.ticket.phone is None, asks_place)

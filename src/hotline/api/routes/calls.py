"""Taking calls, and seeing who rings."""

from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import Response

from hotline.api.deps import Asking, may
from hotline.api.schemas.calls import CallIn, LookupIn
from hotline.api.schemas.shown import CallerCard, TakenOut, call_shown, dumped, ticket_shown
from hotline.db import callers
from hotline.domain.privacy import scope_of
from hotline.domain.ticket import Call, Facts
from hotline.domain.vocabulary import Code, Role
from hotline.services.intake import take_call
from hotline.services.phones import heard

from .answers import POST, done_reply, refusals, reply

router = APIRouter(prefix="/v1", tags=["intake"])
OPEN_AT_MOST, HISTORY = 50, 20


@router.post(
    "/calls",
    operation_id="take_call",
    status_code=201,
    response_model=TakenOut,
    responses=refusals(*POST, Code.INCOMPLETE),
)
async def take_a_call(
    body: CallIn,
    ask: Annotated[Asking, may("calls.take", Role.OPERATOR, Role.DISPATCHER, Role.GATEWAY)],
) -> Response:
    """Take a call, text or visit in. Opens a ticket and triages, routes and dispatches it as far as the rules are sure;
    or joins an open ticket (`attach_to`); or settles the matter while the caller is on the line (`at_once`).

    All but `channel` and `narrative` may be absent. Hints win over advice; advice is still given."""
    directory = await ask.house.directory.now(ask.now)

    def show(facts: Facts, call: Call) -> str:
        return dumped(
            {"call": call_shown(call, ask.actor, facts), "ticket": ticket_shown(facts, ask.actor, directory, ask.now)}
        )

    return done_reply(await take_call(ask.house, body.taken(), ask.actor, await ask.asked_whole(), show, ask.now))


@router.post(
    "/callers/lookup",
    operation_id="look_up_caller",
    response_model=CallerCard,
    responses=refusals(Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def look_up_caller(
    body: LookupIn,
    ask: Annotated[Asking, may("callers.look_up", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR)],
) -> Response:
    """Who is calling: `known` (one name is on record for the number), `maybe` (several people use it, or none gave a
    name),
    `unknown` or `withheld`; with open tickets and history. A POST, so that no phone number stands in a URL."""
    directory = await ask.house.directory.now(ask.now)
    who = heard(body.phone, ask.house.region, ask.house.area_code)
    if who.phone is None:
        return reply({"match": "withheld", "phone": None, "caller": None, "names": [], "open": [], "history": []})
    card = await callers.card(ask.house.db, who.phone) if who.caller else None
    if card is None:
        return reply({"match": "unknown", "phone": who.phone, "caller": None, "names": [], "open": [], "history": []})
    scope = scope_of(ask.actor)
    names = await callers.names_of(ask.house.db, scope, card.id)
    running = await callers.tickets_of(ask.house.db, scope, card.id, OPEN_AT_MOST, still_open=True)
    ended = await callers.tickets_of(ask.house.db, scope, card.id, HISTORY, still_open=False)
    if scope.areas is not None and not (names or running or ended):  # known elsewhere is not known here
        return reply({"match": "unknown", "phone": who.phone, "caller": None, "names": [], "open": [], "history": []})

    def shown(row: Any) -> dict[str, Any]:
        return {
            **row._asdict(),
            "category": directory.name_of("categories", row.category),
            "area": directory.name_of("areas", row.area),
        }

    name = names[0].caller_name if names else None
    return reply(
        {
            "match": "known" if len(names) == 1 else "maybe",
            "phone": who.phone,
            "caller": {"id": card.id, "name": name, "note": card.note, "seen_at": card.seen_at},
            "names": [{"name": n.caller_name, "calls": n.n} for n in names],
            "open": [shown(row) for row in running],
            "history": [shown(row) for row in ended],
        }
    )

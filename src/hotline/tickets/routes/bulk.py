"""One action for many tickets: a path for each, beside the paths of single tickets."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.locales.labels import label_pair
from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model.actors import PERSON_ROLES
from hotline.refusals import Code, Refusal, Refused
from hotline.text.numbering import parse_number
from hotline.tickets.bulk import act_on_many
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.lifecycle import TICKET_MOVES
from hotline.tickets.model.ticket import Facts
from hotline.tickets.model.vocabulary import Action
from hotline.tickets.schemas.bulk import BULK_BODIES, BulkResults, render_results, render_step, steps_of
from hotline.tickets.schemas.tickets import render_ticket
from hotline.web.field_types import Strict
from hotline.web.responses import POST_REFUSALS, action_reply, refusal_responses

router = APIRouter(prefix="/v1/tickets/bulk", tags=["tickets"], route_class=AuthenticatedRoute)
_HELP = (
    "For up to 100 tickets, each with the version you saw: every ticket is acted on by itself and has a result of its "
    "own, as its own request would be answered. A repeat with the same Idempotency-Key gets the same results."
)


def _add_bulk_route(action: Action, body_type: type[Strict]) -> None:
    roles = sorted({role for m in TICKET_MOVES if m.action is action for role in m.by if role in PERSON_ROLES})

    async def act_on_tickets(
        body: body_type,  # type: ignore[valid-type]
        context: Annotated[TicketContext, require_roles(f"tickets.{action}", *roles)],
    ) -> Response:
        items = [steps_of(action, item) for item in body.items]  # type: ignore[attr-defined]
        _refuse_repeats([item.number for item in items])
        directory = await context.services.directory.now(context.now)

        def show(facts: Facts) -> str:
            shown = render_ticket(facts, context.actor, directory, context.now)
            return render_step(facts, getattr(shown, "undo_until", None))

        in_turn = action is Action.MERGE  # all of them change the ticket they go into
        request = await context.write_request()
        return action_reply(await act_on_many(context.services, items, request, show, render_results, in_turn=in_turn))

    zh, en = label_pair(action)
    act_on_tickets.__doc__ = f"{en} ({zh}). {_HELP}"
    router.post(
        f"/{action}",
        operation_id=f"bulk_{action}",
        response_model=BulkResults,
        responses=refusal_responses(*POST_REFUSALS),
        summary=f"{en} · {zh}",
    )(act_on_tickets)


def _refuse_repeats(numbers: list[str]) -> None:
    counts = Counter(parse_number(number) or number for number in numbers)
    repeated = [place for place, number in enumerate(numbers) if counts[parse_number(number) or number] > 1]
    if repeated:
        errors = tuple((f"items.{place}.number", "each ticket once") for place in repeated[:20])
        raise Refused(Refusal(Code.INVALID, "a ticket stands there twice", errors=errors))


for _action, _shape in BULK_BODIES.items():
    _add_bulk_route(_action, _shape)

"""Routes that look for tickets which a call, or another ticket, may repeat."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, NumberPath, require_roles
from hotline.organisation.model.actors import GRANTABLE_ROLES, Role
from hotline.organisation.model.scopes import scope_of
from hotline.refusals import Code, Refusal, Refused
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import caller_id
from hotline.tickets.act import load_visible_ticket
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.duplicates import SoughtMatter, comparable_caller, find_duplicates, find_duplicates_of
from hotline.tickets.model.codes import unknown_codes
from hotline.tickets.model.visibility import intake_scope
from hotline.tickets.model.vocabulary import Field
from hotline.tickets.schemas.duplicates import DuplicatesAsk, DuplicatesExplained, render_explained_duplicates
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import build_lexicon
from hotline.triage.model.same_matter import profile_of_advice
from hotline.web.responses import READ_REFUSALS, json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["intake"], route_class=AuthenticatedRoute)


@router.post(
    "/explain/duplicates",
    operation_id="explain_duplicates",
    response_model=DuplicatesExplained,
    responses=refusal_responses(Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def explain_duplicates(
    body: DuplicatesAsk, context: Annotated[TicketContext, require_roles("tickets.duplicates", *GRANTABLE_ROLES)]
) -> Response:
    """Which tickets this call may repeat, by place, category, symptoms and words; with the caller's own ahead. Ask
    before `POST /v1/calls`: `attach_to` adds the call to one of them. Only tickets within your scope are found, open or
    ended within two days, and no confidential one. `same_caller` is false where you do not see callers. Nothing is
    written."""
    services, actor = context.services, context.actor
    directory = await services.directory.now(context.now)
    if errors := unknown_codes(directory, {Field.CATEGORY: body.category, Field.AREA: body.area}):
        raise Refused(Refusal(Code.INVALID, "the question names what the directory does not have", errors=errors))
    size, lexicon = len(body.narrative) + len(body.address or ""), services.directory.derived(build_lexicon)
    near = body.area or actor.home_area
    advice = await services.offload.run(size, advise, lexicon, body.narrative, body.address, near)
    who = parse_phone(body.phone, services.region, services.area_code)
    caller = caller_id(who.phone, services.secret) if who.phone and who.caller else None
    profile = profile_of_advice(advice, body.narrative, area=body.area, category=body.category)
    sought = SoughtMatter(profile, comparable_caller(caller, actor))
    found = await find_duplicates(services, sought, intake_scope(actor), context.now)
    return json_reply(render_explained_duplicates(found))


@router.get(
    "/tickets/{number}/duplicates",
    operation_id="list_duplicates",
    response_model=DuplicatesExplained,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_duplicates(
    number: NumberPath,
    context: Annotated[
        TicketContext,
        require_roles("tickets.duplicates.read", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR),
    ],
) -> Response:
    """Which other tickets may be about the same matter as this one: those that `POST /v1/explain/duplicates` finds and,
    where the extra `meaning` is installed, those that the worker found by their meaning. The action `merge` joins two
    of them."""
    facts = await load_visible_ticket(context.services, number, context.actor)
    found = await find_duplicates_of(context.services, facts.ticket, scope_of(context.actor), context.now)
    return json_reply(render_explained_duplicates(found))

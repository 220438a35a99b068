"""Dry runs of triage, routing and deadlines, and the lifecycle as data."""

from fractions import Fraction
from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import Response

from hotline.locales import translate_pair
from hotline.locales.labels import Label
from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model import duty
from hotline.organisation.model.actors import GRANTABLE_ROLES, PERSON_ROLES
from hotline.organisation.model.directory import ITEM_TYPES, Directory
from hotline.organisation.model.items import Span
from hotline.organisation.model.vocabulary import LIVE_CHANNELS, Unit
from hotline.organisation.model.working_time import calculate_limit, explain_limit
from hotline.organisation.routes.directory import Noun
from hotline.refusals import Code, Refusal, Refused
from hotline.replies import ABSENT
from hotline.text.reasons import Because
from hotline.tickets import diagram
from hotline.tickets.act import load_visible_ticket
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.dangers import TicketCase
from hotline.tickets.model.routing import choose_route
from hotline.tickets.schemas.actions import action_schemas
from hotline.tickets.schemas.advice import (
    CategoryShare,
    DangerQuestion,
    SuggestedMatter,
    render_parts,
    render_place,
)
from hotline.tickets.schemas.explain import (
    DeadlineAsk,
    DeadlineExplained,
    LimitResult,
    RoutingAsk,
    RoutingExplained,
    RoutingResult,
    TriageAsk,
    TriageExplained,
    TriageResult,
)
from hotline.tickets.schemas.opinions import ModelOpinion
from hotline.tickets.schemas.sla import render_clock, visible_clocks
from hotline.tickets.sla import explanations
from hotline.tickets.sla.policies import limits_for, working_time_of
from hotline.tickets.store import history
from hotline.triage.model.advice import PLACE_QUESTION
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import build_lexicon
from hotline.triage.model.titles import make_title
from hotline.web.responses import READ_REFUSALS, json_reply, pack_reply, refusal_responses

Reader = Annotated[TicketContext, require_roles("directory.read", *GRANTABLE_ROLES)]
router = APIRouter(prefix="/v1", tags=["directory"], route_class=AuthenticatedRoute)


@router.get(
    "/lifecycle", operation_id="read_lifecycle", response_model=diagram.Lifecycle, responses=refusal_responses()
)
async def read_lifecycle(context: Reader) -> Response:
    """The state machines of ticket and assignment as data: states, actions, roles, required fields, in Chinese and
    English. `schemas` has the JSON Schema of each action's body; `x-refers` names the noun of the directory that a
    field's codes belong to."""
    return pack_reply(context.request, json_reply(diagram.lifecycle_document(action_schemas())), is_repeated=True)


@router.post(
    "/explain/triage",
    operation_id="explain_triage",
    response_model=TriageExplained,
    responses=refusal_responses(Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def explain_triage(body: TriageAsk, context: Reader) -> Response:
    """What triage would suggest for this text, and by which rules. Nothing is written."""
    directory = await context.services.directory.now(context.now)
    if body.area is not None and body.area not in directory.areas:
        raise Refused(Refusal(Code.INVALID, "the directory has no such area", errors=(("area", "unknown"),)))
    near, written = body.area or context.actor.home_area, body.channel not in LIVE_CHANNELS
    size, lexicon = len(body.narrative) + len(body.address or ""), context.services.directory.derived(build_lexicon)
    advice = await context.services.offload.run(
        size,
        advise,
        lexicon,
        body.narrative,
        body.address,
        near,
        written=written,
        form_opinion=context.services.form_opinion,
    )
    advice = advice.with_place_question(translate_pair(PLACE_QUESTION), known=body.area is not None)
    result = TriageResult(
        kind=advice.kind,
        priority=advice.priority,
        category=advice.category,
        area=advice.area,
        dangers=advice.dangers,
        confidence=round(advice.confidence, 2),
        sure=directory.home is not None and advice.is_sure(directory.home.sure_at),
        others=tuple(CategoryShare(code, round(share, 2)) for code, share in advice.others),
        tell=tuple(Label(*words) for words in advice.tell),
        location=render_parts(advice.location),
        places=tuple(map(render_place, advice.places)),
        ask=tuple(DangerQuestion(*question) for question in advice.questions()),
        symptoms=advice.symptoms,
        matters=tuple(SuggestedMatter(matter.text, matter.category, matter.symptom) for matter in advice.matters),
        title=make_title(directory, advice, body.narrative, body.address),
        model=ModelOpinion(**advice.opinion.as_dict()) if advice.opinion is not None else ABSENT,
    )
    return json_reply(TriageExplained(result, advice.because))


@router.post(
    "/explain/routing",
    operation_id="explain_routing",
    response_model=RoutingExplained,
    responses=refusal_responses(Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def explain_routing(body: RoutingAsk, context: Reader) -> Response:
    """Which departments the catalogue would choose, by which entry, and which entries lost to it. With `dangers`, also
    who must act on each of them. Nothing is written."""
    directory = await context.services.directory.now(context.now)
    errors = [(name, "unknown") for name, code, noun in _given_codes(directory, body) if code not in noun]
    if errors:
        raise Refused(
            Refusal(Code.INVALID, "the question names what the directory does not have", errors=tuple(errors))
        )
    at = body.at or context.now
    routed = choose_route(directory, body.category, body.kind, body.area, at, body.dangers)
    case = TicketCase(body.kind, body.priority, body.category, body.area, tuple(body.dangers))
    if routed is None:
        return json_reply(RoutingExplained(None, (Because("the directory is empty", ()),)))
    limits = limits_for(directory, case, at)
    counts = working_time_of(directory, None)
    result = RoutingResult(
        lead=routed.lead,
        assists=routed.assists,
        performer=routed.performer,
        route=routed.route,
        sure=routed.sure,
        passed=routed.passed,
        due_at=limits.due_at if limits else None,
        accept_by=limits.accept_by if limits else None,
        policy=limits.policy if limits else None,
        provisional=limits.provisional if limits else None,
        working_hours=bool(counts and counts.is_working(at)),
        on_duty=tuple(t.member.name for t in duty.officers_to_call(directory, routed.performer or routed.lead, at)),
    )
    return json_reply(RoutingExplained(result, routed.because))


@router.post(
    "/explain/deadline",
    operation_id="explain_deadline",
    response_model=DeadlineExplained,
    responses=refusal_responses(*READ_REFUSALS, Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def explain_deadline(body: DeadlineAsk, context: Reader) -> Response:
    """How a deadline is counted, step by step: for a ticket's clock (`ticket`, and `clock` as its id or its metric), or
    for a limit by itself (`start`, `amount`, `unit` and, if not the organisation's, `calendar`). Nothing is written."""
    directory = await context.services.directory.now(context.now)
    if body.ticket is not None:
        return await _explain_clock(body, context, directory)
    errors = [(f, "required, or name a ticket") for f in ("start", "amount", "unit") if getattr(body, f) is None]
    if body.calendar is not None and body.calendar not in directory.calendars:
        errors.append(("calendar", "unknown: not in the directory's calendars"))
    if body.clock is not None:
        errors.append(("clock", "only with a ticket"))
    working_time = working_time_of(directory, body.calendar)
    if not errors and working_time is None:
        errors.append(("calendar", "the organisation has none yet"))
    if errors or body.start is None or body.amount is None or body.unit is None or working_time is None:
        raise Refused(Refusal(Code.INVALID, "the limit cannot be counted", errors=tuple(errors)))
    span = Span(Fraction(str(body.amount)), body.unit)
    if body.unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS) and span.amount.denominator != 1:
        raise Refused(Refusal(Code.INVALID, "the limit cannot be counted", errors=(("amount", "whole days"),)))
    days = int(body.amount)  # ten thousand working days take a tenth of a second
    try:
        limit = await context.services.offload.run(days, calculate_limit, working_time, body.start, span)
    except ValueError as fault:
        raise Refused(Refusal(Code.INVALID, str(fault), errors=(("amount", "lies too far ahead"),))) from None
    why = await context.services.offload.run(days, explain_limit, working_time, body.start, limit.due_at, span)
    result = LimitResult(working_time.to_local(limit.due_at), limit.provisional, working_time.calendar.code)
    return json_reply(DeadlineExplained(result, tuple(why)))


async def _explain_clock(body: DeadlineAsk, context: TicketContext, directory: Directory) -> Response:
    if not context.actor.roles & PERSON_ROLES:
        raise Refused(Refusal(Code.NOT_FOUND, "no such ticket"))
    given = [f for f in ("start", "amount", "unit", "calendar") if getattr(body, f) is not None]
    if given:
        errors = tuple((f, "not with a ticket") for f in given)
        raise Refused(Refusal(Code.INVALID, "a ticket's clock or a limit by itself, not both", errors=errors))
    facts = await load_visible_ticket(context.services, body.ticket or "", context.actor)
    wanted = body.clock or "resolve"
    seen_clocks = visible_clocks(
        await history.load_clocks(context.services.db, facts.ticket.number), facts, context.actor
    )
    found = [c for c in seen_clocks if wanted in (c.id, c.metric)]
    if not found:
        has = ", ".join(dict.fromkeys(c.metric for c in seen_clocks)) or "none"
        raise Refused(Refusal(Code.NOT_FOUND, f"the ticket has no such clock; it has {has}"))
    clock = found[-1]
    counts = working_time_of(directory, clock.calendar)
    why = explanations.explain_clock(clock, counts) if counts else []
    return json_reply(DeadlineExplained(render_clock(clock, context.now), tuple(why)))


def _given_codes(directory: Directory, body: RoutingAsk) -> list[tuple[str, str, Any]]:
    pairs = (("category", body.category, directory.categories), ("area", body.area, directory.areas))
    return [(name, code, noun) for name, code, noun in pairs if code is not None]


assert set(Noun.__args__) == set(ITEM_TYPES)  # type: ignore[attr-defined] # noqa: S101 - the path's words are the directory's nouns

"""The route of the model that learns from decisions."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.learning.schemas import ModelOut, render_model
from hotline.learning.service import load_overview
from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model.actors import Role
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.dependencies import TicketContext
from hotline.web.responses import READ_REFUSALS, json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["figures"], route_class=AuthenticatedRoute)
Reviewer = Annotated[TicketContext, require_roles("model.read", Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)]


@router.get(
    "/triage/model",
    operation_id="read_triage_model",
    response_model=ModelOut,
    responses=refusal_responses(*READ_REFUSALS),
)
async def read_triage_model(context: Reviewer) -> Response:
    """The model that learns from persons' decisions: the version in use and whether it acts, its figures for each
    category, calibration, confusion, the last check for drift, and the newest decisions that were not what it said.
    For those who see the whole organisation."""
    if context.actor.areas is not None:
        raise Refused(Refusal(Code.NOT_FOUND, "the model is of the whole organisation"))
    return json_reply(render_model(await load_overview(context.services)))

"""What an operator says, asks and does about each danger."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.locales import text_keys
from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model.actors import GRANTABLE_ROLES
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Danger
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.calling import phone_of_service
from hotline.tickets.schemas.dangers import DangerGuidance, DangerGuidancePage, render_service, written_forms
from hotline.triage.model.guidance import NAMING_ORDER, SERVICES
from hotline.web.responses import json_reply, pack_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["directory"], route_class=AuthenticatedRoute)


@router.get("/dangers", operation_id="list_dangers", response_model=DangerGuidancePage, responses=refusal_responses())
async def list_dangers(
    context: Annotated[TicketContext, require_roles("directory.read", *GRANTABLE_ROLES)],
) -> Response:
    """What an operator does about each danger that triage may find, while the caller is on the line: what to say, what
    to ask, whom to have called. In the order in which several of one matter are named: what threatens everybody there
    before what has happened to somebody."""
    directory = await context.services.directory.now(context.now)

    items = (_guidance(directory, danger, context.now) for danger in NAMING_ORDER)
    return pack_reply(context.request, json_reply(DangerGuidancePage(tuple(items))), is_repeated=True)


def _guidance(directory: Directory, danger: Danger, now: datetime) -> DangerGuidance:
    return DangerGuidance(
        danger,
        written_forms(f"danger_say.{danger}"),
        tuple(map(written_forms, text_keys(f"danger_ask.{danger}."))),
        tuple(render_service(service, phone_of_service(directory, service, now)) for service in SERVICES[danger]),
    )

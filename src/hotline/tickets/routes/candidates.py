"""Route for the people who could take an order of a department."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, directory_for_department, require_roles
from hotline.organisation.model.actors import PERSON_ROLES
from hotline.organisation.schemas.duty import CandidateOut, CandidatePage
from hotline.tickets import workload
from hotline.tickets.dependencies import TicketContext
from hotline.web.responses import READ_REFUSALS, json_reply, refusal_responses

Reader = Annotated[TicketContext, require_roles("duty.read", *PERSON_ROLES)]
router = APIRouter(prefix="/v1/departments", tags=["duty"], route_class=AuthenticatedRoute)


@router.get(
    "/{code}/candidates",
    operation_id="list_candidates",
    response_model=CandidatePage,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_candidates(code: CodePath, context: Reader) -> Response:
    """People of the department who could take an assignment now: those on duty first, then the least loaded. The first
    is the recommendation; use `assign` or `claim`."""
    directory = await directory_for_department(context, code)
    found = await workload.load_candidates(context.services.db, directory, code, context.now)
    return json_reply(
        CandidatePage(tuple(CandidateOut(**asdict(c), recommended=n == 0) for n, c in enumerate(found)), None)
    )

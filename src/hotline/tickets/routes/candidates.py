"""Who could take an order of a department."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, department_seen, may
from hotline.organisation.model.actors import PEOPLE
from hotline.organisation.schemas.duty import CandidateOut, CandidatePage
from hotline.tickets import workload
from hotline.tickets.dependencies import TicketContext
from hotline.web.responses import READ, refusals, reply

Reader = Annotated[TicketContext, may("duty.read", *PEOPLE)]
router = APIRouter(prefix="/v1/departments", tags=["duty"], route_class=AuthenticatedRoute)


@router.get(
    "/{code}/candidates", operation_id="list_candidates", response_model=CandidatePage, responses=refusals(*READ)
)
async def list_candidates(code: CodePath, context: Reader) -> Response:
    """People of the department who could take an assignment now: those on duty first, then the least loaded. The first
    is the recommendation; use `assign` or `claim`."""
    directory = await department_seen(context, code)
    found = await workload.candidates(context.services.db, directory, code, context.now)
    return reply(CandidatePage(tuple(CandidateOut(**asdict(c), recommended=n == 0) for n, c in enumerate(found)), None))

"""The security log over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.audit.schemas import SecurityLogPage, security_event_reply
from hotline.organisation.dependencies import AuthenticatedRoute, StaffContext, require_roles
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import is_organisation_wide
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log import store
from hotline.security_log.vocabulary import Deed
from hotline.web.field_types import Moment, PlainLine
from hotline.web.paging import Cursor, Limit, PagedQuery
from hotline.web.responses import json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["audit"], route_class=AuthenticatedRoute)
LogReader = Annotated[StaffContext, require_roles("security_log.read", Role.AUDITOR, Role.ADMIN)]


@router.get(
    "/security-log",
    operation_id="read_security_log",
    response_model=SecurityLogPage,
    responses=refusal_responses(),
)
async def read_security_log(
    context: LogReader,
    by: Annotated[PlainLine | None, Query(max_length=60, description="Who did it: the id of a person or key")] = None,
    about: Annotated[PlainLine | None, Query(max_length=80, description="To whom or what: an id or code")] = None,
    deed: Deed | None = None,
    since: Annotated[Moment | None, Query(description="From this moment on")] = None,
    before: Annotated[Moment | None, Query(description="Before this moment")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Who did what about access and data, newest first: log-ins good and bad, refusals, look-ups of callers, changes of
    people, keys and the directory, exports. For auditors and administrators of the whole organisation."""
    if not is_organisation_wide(context.actor):
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "the security log covers the whole organisation"))
    services = context.services
    wanted = store.LogFilter(by, about, deed, since, before)
    query = PagedQuery(services.secret, ["security-log", wanted.given()], limit)
    place = query.position(cursor)
    rows = await store.load_page(services.db, wanted, int(place[0]) if place else None, limit + 1)
    page, following = query.cut(rows, lambda row: [row.position])
    return json_reply(SecurityLogPage(tuple(map(security_event_reply, page)), following))

"""Tokens of duty calendars: listed, made, renewed, revoked."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.organisation.context import OrganisationServices
from hotline.organisation.dependencies import (
    AuthenticatedRoute,
    CodePath,
    StaffContext,
    directory_for_department,
    require_roles,
)
from hotline.organisation.model.actors import Role
from hotline.organisation.routes.duty import Planner, feed_address, require_planner
from hotline.organisation.schemas.duty_feeds import FeedIn, FeedList, FeedMade, feed_reply, made_reply
from hotline.organisation.service import duty_feeds
from hotline.organisation.service.duty_feeds import MadeFeed, Render
from hotline.organisation.store.duty_feeds import FeedName
from hotline.refusals import Code
from hotline.web.responses import POST_REFUSALS, READ_REFUSALS, action_reply, json_reply, refusal_responses
from hotline.web.schemas import dump_json

router = APIRouter(prefix="/v1/departments", tags=["duty"], route_class=AuthenticatedRoute)
FeedReader = Annotated[
    StaffContext,
    require_roles("duty.feeds", Role.SUPERVISOR, Role.DISPATCHER, Role.ADMIN, Role.HANDLER, Role.AUDITOR),
]


def _renders(services: OrganisationServices, department: str) -> Render:
    def render(made: MadeFeed) -> str:
        return dump_json(made_reply(made, feed_address(services, department, made.token)))

    return render


@router.get(
    "/{code}/duty/feeds",
    operation_id="list_duty_feeds",
    response_model=FeedList,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_duty_feeds(code: CodePath, context: FeedReader) -> Response:
    """The tokens that open the department's duty calendar, with their last use: the shared one that the department's
    duty shows to all who read it, and named ones."""
    if Role.AUDITOR in context.actor.roles:
        await directory_for_department(context, code)
    else:
        await require_planner(context, code)
    found = await duty_feeds.load_feeds(context.services, code)
    return json_reply(FeedList(tuple(map(feed_reply, found))))


@router.post(
    "/{code}/duty/feeds",
    operation_id="add_duty_feed",
    response_model=FeedMade,
    status_code=201,
    responses=refusal_responses(*POST_REFUSALS, Code.CONFLICT),
)
async def add_duty_feed(code: CodePath, body: FeedIn, context: Planner) -> Response:
    """Make a token for one calendar program. It is in this reply only; a repeat with the same Idempotency-Key gets the
    same one."""
    await require_planner(context, code)
    request = await context.write_request()
    return action_reply(
        await duty_feeds.add_feed_once(context.services, code, body.name, request, _renders(context.services, code))
    )


@router.post(
    "/{code}/duty/feeds/{feed}/renew",
    operation_id="renew_duty_feed",
    response_model=FeedMade,
    status_code=201,
    responses=refusal_responses(*POST_REFUSALS),
)
async def renew_duty_feed(code: CodePath, feed: CodePath, context: Planner) -> Response:
    """Replace a token, by its id or `shared`: the one before opens nothing from now on. A shared one that was revoked
    is opened anew."""
    await require_planner(context, code)
    request = await context.write_request()
    return action_reply(
        await duty_feeds.renew_feed_once(
            context.services, FeedName(code, feed), request, _renders(context.services, code)
        )
    )


@router.delete(
    "/{code}/duty/feeds/{feed}",
    operation_id="revoke_duty_feed",
    status_code=204,
    responses=refusal_responses(*READ_REFUSALS),
)
async def revoke_duty_feed(code: CodePath, feed: CodePath, context: Planner) -> Response:
    """Revoke a token, by its id or `shared`: the calendar answers it 404 from now on, in every process."""
    await require_planner(context, code)
    await duty_feeds.revoke_feed(context.services, FeedName(code, feed), await context.write_request())
    return Response(status_code=204)

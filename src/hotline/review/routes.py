"""Routes for review: inbound items that wait for a person, and outgoing messages with their state."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.database.prepared import Row
from hotline.inbound.model import InboundStatus
from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, require_roles
from hotline.organisation.model.actors import Role
from hotline.organisation.model.scopes import scope_of
from hotline.refusals import Code, Refusal, Refused
from hotline.review import store as review_store
from hotline.review.schemas import (
    Dismissal,
    InboundOut,
    InboundPage,
    InboundWhole,
    TakeUp,
    inbound_detail_reply,
    inbound_reply,
)
from hotline.review.service import Corrections, dismiss, take_up
from hotline.tickets.dependencies import TicketContext
from hotline.web.field_types import PlainLine
from hotline.web.paging import Limit
from hotline.web.responses import POST_REFUSALS, READ_REFUSALS, action_reply, json_reply, refusal_responses
from hotline.web.schemas import dump_json

router = APIRouter(prefix="/v1", tags=["channels"], route_class=AuthenticatedRoute)
Desk = Annotated[TicketContext, require_roles("inbound.handle", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR)]
TextReader = Annotated[
    TicketContext, require_roles("texts.read", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR)
]
After = Annotated[PlainLine, Query(max_length=40, description="`next` of the page before")]


def _render_item(row: Row) -> str:
    return dump_json(inbound_reply(row))


@router.get("/inbound", operation_id="list_inbound", response_model=InboundPage, responses=refusal_responses())
async def list_inbound(
    context: Desk, status: InboundStatus = InboundStatus.ODD, after: After = "", limit: Limit = 50
) -> Response:
    """Inbound messages in a state, oldest first; those that are `odd` wait for a person."""
    rows = await review_store.load_items(context.services.db, scope_of(context.actor), status, after, limit)
    return json_reply(InboundPage(tuple(map(inbound_reply, rows)), rows[-1].id if len(rows) == limit else None))


@router.get(
    "/inbound/{item}",
    operation_id="read_inbound",
    response_model=InboundWhole,
    responses=refusal_responses(*READ_REFUSALS),
)
async def read_inbound(item: CodePath, context: Desk) -> Response:
    """One inbound message with everything that arrived (`raw`); for a confidential ticket without it and without the
    sender."""
    row = await review_store.load_item(context.services.db, scope_of(context.actor), item)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such item"))
    return json_reply(inbound_detail_reply(row))


@router.post(
    "/inbound/{item}/take",
    operation_id="take_up_inbound",
    response_model=InboundOut,
    status_code=201,
    responses=refusal_responses(*POST_REFUSALS, Code.NOT_NOW),
)
async def take_up_inbound(item: CodePath, body: TakeUp, context: Desk) -> Response:
    """Make a ticket of an inbound message, or add it to an open one. Its sender becomes the caller, if known."""
    corrections = Corrections(body.narrative, body.attach_to, body.category, body.area)
    return action_reply(await take_up(context.services, item, corrections, await context.write_request(), _render_item))


@router.post(
    "/inbound/{item}/dismiss",
    operation_id="dismiss_inbound",
    response_model=InboundOut,
    responses=refusal_responses(*POST_REFUSALS, Code.NOT_NOW),
)
async def dismiss_inbound(item: CodePath, body: Dismissal, context: Desk) -> Response:
    """Close an inbound message without a ticket. The reason is kept."""
    return action_reply(await dismiss(context.services, item, body.reason, await context.write_request(), _render_item))

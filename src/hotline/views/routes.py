"""Routes of saved views."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, require_roles
from hotline.organisation.model.actors import PERSON_ROLES
from hotline.tickets.dependencies import TicketContext
from hotline.views import service
from hotline.views.schemas import (
    ViewChange,
    ViewIn,
    ViewOut,
    ViewPage,
    ViewPageName,
    dump_view,
    query_document,
    render_view,
)
from hotline.web.responses import (
    POST_REFUSALS,
    READ_REFUSALS,
    WRITE_REFUSALS,
    action_reply,
    etag_responses,
    json_reply,
    refusal_responses,
)

router = APIRouter(prefix="/v1/views", tags=["views"], route_class=AuthenticatedRoute)
Staff = Annotated[TicketContext, require_roles("views.use", *PERSON_ROLES)]


@router.get("", operation_id="list_views", response_model=ViewPage, responses=refusal_responses())
async def list_views(
    context: Staff, page: Annotated[ViewPageName, Query(description="The list they are of")]
) -> Response:
    """Your saved views of a list, then those that colleagues share. A view holds filters alone: what it shows is within
    your own scope."""
    rows = await service.load_views(context.services, context.actor, page)
    return json_reply(ViewPage(tuple(render_view(row._asdict(), context.actor) for row in rows), None))


@router.post(
    "",
    operation_id="save_view",
    response_model=ViewOut,
    status_code=201,
    responses={**etag_responses(201), **refusal_responses(*POST_REFUSALS)},
)
async def save_view(body: ViewIn, context: Staff) -> Response:
    """Save a view. At most a hundred for each person."""
    values = {"page": body.page, "name": body.name, "query": query_document(body.query), "shared": body.shared}
    request = await context.write_request()
    return action_reply(
        await service.save_view(context.services, values, request, lambda row: dump_view(row, context.actor))
    )


@router.get(
    "/{view}",
    operation_id="read_view",
    response_model=ViewOut,
    responses={**etag_responses(200), **refusal_responses(*READ_REFUSALS)},
)
async def read_view(view: CodePath, context: Staff) -> Response:
    """One view: your own, or one that is shared, as a link to it names it."""
    row = await service.load_view(context.services, context.actor, view)
    return json_reply(render_view(row._asdict(), context.actor), version=row.version)


@router.patch(
    "/{view}", operation_id="change_view", response_model=ViewOut, responses=refusal_responses(*WRITE_REFUSALS)
)
async def change_view(view: CodePath, body: ViewChange, context: Staff) -> Response:
    """Rename a view, change its filters, or share it; your own alone."""
    values: dict[str, Any] = {
        name: value for name in body.model_fields_set if (value := getattr(body, name)) is not None
    }
    if body.query is not None:
        values["query"] = query_document(body.query)
    row = await service.change_view(context.services, context.actor, view, context.version(), values, context.now)
    return json_reply(render_view(row._asdict(), context.actor), version=row.version)


@router.delete("/{view}", operation_id="delete_view", status_code=204, responses=refusal_responses(*READ_REFUSALS))
async def delete_view(view: CodePath, context: Staff) -> Response:
    """Delete a view of your own; whoever used it by its link finds it no more."""
    await service.delete_view(context.services, context.actor, view)
    return Response(status_code=204)

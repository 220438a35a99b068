"""Route for residents: the state of a ticket, by its number and query code."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, NumberPath, allow_anonymous, require_roles
from hotline.organisation.model.actors import Role
from hotline.refusals import Code
from hotline.storage.picture_metadata import CLEANED_TYPES
from hotline.tickets.act import load_visible_ticket
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.lookup import PublicTicket, Requester, load_by_code, load_public_ticket, query_code
from hotline.tickets.released_photos import read_released_photo
from hotline.tickets.schemas.lookup import CodeOut, PhotoLookupIn, TicketLookupIn
from hotline.web.forwarded import client_address
from hotline.web.responses import READ_REFUSALS, json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["public"], route_class=AuthenticatedRoute)


@router.post(
    "/lookup",
    operation_id="look_up_ticket",
    response_model=PublicTicket,
    responses=refusal_responses(*READ_REFUSALS, Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def look_up_ticket(
    body: TicketLookupIn, context: Annotated[TicketContext, allow_anonymous("tickets.look_up")]
) -> Response:
    """A ticket's state, department, deadline and answer, without personal data. The query code was given with the
    number, by text or by the operator. An address may send five wrong codes an hour for a ticket, and thirty for all
    tickets; `Retry-After` of a 429 says when the next is accepted. Where the code was right before, from the same
    address or with the same `device`, tries of others count for nothing. A POST, so that no code is in a URL."""
    requester = Requester.at(client_address(context.request), body.device)
    return json_reply(await load_public_ticket(context.services, body.number, body.plain_code, requester, context.now))


@router.post(
    "/lookup/photo",
    operation_id="look_up_photo",
    response_class=Response,
    responses={
        200: {
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in CLEANED_TYPES},
            "description": "The picture",
        },
        **refusal_responses(*READ_REFUSALS, Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
    },
)
async def look_up_photo(
    body: PhotoLookupIn, context: Annotated[TicketContext, allow_anonymous("tickets.look_up")]
) -> Response:
    """A photo of a ticket's `photos`, for whoever holds its query code, with the limits of the look-up: the place
    before or after the work, without what the file says about place, time and device."""
    code, requester = body.plain_code, Requester.at(client_address(context.request), body.device)
    facts = await load_by_code(context.services, body.number, code, requester, context.now)
    picture = await read_released_photo(context.services, facts, body.photo, context.now)
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(picture.data, headers=headers, media_type=picture.media_type)


@router.get(
    "/tickets/{number}/query-code",
    operation_id="read_query_code",
    response_model=CodeOut,
    responses=refusal_responses(*READ_REFUSALS),
)
async def read_query_code(
    number: NumberPath,
    context: Annotated[
        TicketContext, require_roles("tickets.read_code", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR)
    ],
) -> Response:
    """The query code of a ticket, for a caller who has lost it and whom you recognise."""
    facts = await load_visible_ticket(context.services, number, context.actor)
    found = facts.ticket.number
    return json_reply(CodeOut(found, query_code(context.services.secret, found)))

"""Route that finds tickets by what must not stand in an address."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model.actors import PERSON_ROLES
from hotline.organisation.model.scopes import scope_of
from hotline.refusals import Code
from hotline.security_log.store import SecurityEvent
from hotline.security_log.vocabulary import Deed
from hotline.text.personal import holds_long_number
from hotline.text.phones import caller_id
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.routes.listed import listed_briefs
from hotline.tickets.schemas.briefs import TicketPage
from hotline.tickets.schemas.filters import FILTER_MOMENTS, PRESENT_MOMENTS, SearchIn
from hotline.tickets.search import ticket_search
from hotline.tickets.store import lists
from hotline.web.paging import PagedQuery
from hotline.web.responses import json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["tickets"], route_class=AuthenticatedRoute)


@router.post(
    "/search",
    operation_id="search_tickets",
    response_model=TicketPage,
    responses=refusal_responses(Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def search_tickets(
    body: SearchIn, context: Annotated[TicketContext, require_roles("tickets.read", *PERSON_ROLES)]
) -> Response:
    """Tickets within your scope by number, by phone number in any form, by the caller's name, or by words of title,
    narrative and address; newest first. Callers of confidential tickets are not found. A search for a number is in the
    security log, without it. A POST, so that no personal data is in a URL."""
    directory = await context.services.directory.now(context.now)
    search = ticket_search(context.services, body.q)
    filters = body.filters.given(directory, context.now)
    key = [
        "search",
        body.q,
        {k: v for k, v in filters.items() if k not in PRESENT_MOMENTS},
        body.filters.overdue,
        body.filters.accept_overdue,
    ]
    query = PagedQuery(context.services.secret, [*key, context.actor.id], body.limit)
    wanted = {k: datetime.fromisoformat(v) if k in FILTER_MOMENTS else v for k, v in filters.items()} | {"text": search}
    rows = await lists.load_tickets(
        context.services.db, scope_of(context.actor), wanted, query.keyset(body.cursor), lists.NEWEST_FIRST
    )
    if search.phone is not None or holds_long_number(body.q):
        found = ("caller", caller_id(search.phone, context.services.secret)) if rows and search.phone else None
        details = {"match": "search", "tickets": min(len(rows), body.limit)}
        event = SecurityEvent(Deed.CALLER_LOOKED_UP, context.actor, context.now, found, details)
        await context.services.security_log.record(event)
    page, more = query.cut(rows, lambda row: [row.created_at, row.number])
    return json_reply(TicketPage(await listed_briefs(context, page, directory, clocks=body.clocks), more))

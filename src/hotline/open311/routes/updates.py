"""Steps of requests: /servicerequestupdates, and what a client says of a request."""

from datetime import timedelta

from hotline.open311 import service as open311_service
from hotline.open311 import store as open311_store
from hotline.open311.model import format_whole_second, update_status_word
from hotline.open311.routes.forms import store_files
from hotline.open311.routes.queries import window
from hotline.open311.routes.request import Open311Error, Open311Request
from hotline.open311.schemas import Open311UpdateOut, Open311UpdateReceipt
from hotline.open311.serializer import ListDocument
from hotline.open311.service_requests import step_description
from hotline.organisation.model.actors import Actor
from hotline.tickets.model.vocabulary import Action, TicketStatus

MOST = 20_000  # a client asks for a day: what is cut off it would never ask for again
BACK = timedelta(hours=24)


async def updates(request: Open311Request) -> ListDocument:
    period = window(request.query, ("start_date", "end_date"), request.now, BACK)
    if period is None:
        raise Open311Error(400, "start_date and end_date")
    rows = await open311_store.load_updates(request.services.db, request.view, *period, MOST)
    steps = [
        Open311UpdateOut(
            update_id=f"{r.number}.{r.seq}",
            service_request_id=r.number,
            status=update_status_word(TicketStatus(r.status_to), Action(r.action), r.satisfaction_final),
            updated_datetime=format_whole_second(r.at),
            description=step_description(r, own=request.is_own(r)),
            media_url=None,
        )
        for r in rows
    ]
    return ListDocument("service_request_updates", "request_update", steps)


async def update(request: Open311Request, actor: Actor) -> ListDocument:
    """What a client says of a request."""
    kept = await open311_service.submit_update(
        request.services, request.body, await store_files(request), actor, request.now
    )
    return ListDocument("service_request_updates", "request_update", [Open311UpdateReceipt(kept)])

"""The dispatcher's work: the queue, its counts, the departments that could take a ticket, and many tickets at once."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import StringConstraints
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, NumberPath, require_roles
from hotline.organisation.model.actors import Role
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.dispatching import (
    DUE_SOON,
    QueueQuestion,
    count_queue,
    load_department_candidates,
    load_queue_page,
    place_of,
)
from hotline.tickets.schemas.dispatching import (
    CandidateDepartments,
    DispatchPage,
    QueueCountsOut,
    render_candidates,
    render_dispatch_brief,
    render_queue_counts,
)
from hotline.tickets.store.assignments import load_running_clocks
from hotline.tickets.store.dispatch_queue import QueueFilters, QueueOrder, QueuePlace
from hotline.tickets.store.lists import load_narratives
from hotline.web.paging import Cursor, Limit, decode_cursor, encode_cursor, parse_moment
from hotline.web.responses import READ_REFUSALS, json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["boards"], route_class=AuthenticatedRoute)
Desk = Annotated[
    TicketContext, require_roles("queues.dispatch", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR)
]
Codes = list[Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]]


@router.get("/queue", operation_id="read_dispatch_queue", response_model=DispatchPage, responses=refusal_responses())
async def read_dispatch_queue(
    context: Desk,
    area: Annotated[Codes | None, Query(max_length=50, description="The areas and all below them")] = None,
    category: Annotated[Codes | None, Query(max_length=50, description="The categories and all below them")] = None,
    priority: Priority | None = None,
    kind: Kind | None = None,
    channel: Channel | None = None,
    due_soon: Annotated[bool, Query(description="Must be dispatched within 15 minutes, or is late")] = False,
    returned: Annotated[bool, Query(description="What a department gave back")] = False,
    unsure: Annotated[bool, Query(description="Without a proposal that is certain enough; pages may be short")] = False,
    hours: Annotated[int | None, Query(ge=1, le=8784, description="Taken in within so many hours")] = None,
    sort: QueueOrder = QueueOrder.URGENCY,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The dispatcher's queue: tickets without a department, each with the departments it is proposed to and why;
    emergencies first, then longest waiting, unless `sort` says otherwise."""
    services, now = context.services, context.now
    directory = await services.directory.now(now)
    areas, categories = directory.area_subtrees, directory.category_subtrees
    values: dict[str, Any] = {
        "area": area and sorted({c for code in area for c in areas.get(code, {code})}),
        "category": category and sorted({c for code in category for c in categories.get(code, {code})}),
        "priority": priority,
        "kind": kind,
        "channel": channel,
        "due_before": now + DUE_SOON if due_soon else None,
        "created_from": now - timedelta(hours=hours) if hours else None,
    }
    filters = QueueFilters({name: value for name, value in values.items() if value is not None}, returned)
    key = ["waiting", area, category, priority, kind, channel, due_soon, returned, unsure, hours, sort]
    place = decode_cursor(services.secret, key, cursor)
    after = QueuePlace(parse_moment(place[0]), place[1], place[2]) if place else None
    question = QueueQuestion(filters, sort, unsure)
    page = await load_queue_page(services, context.actor, question, after, limit, now)
    more = None
    if page.last is not None:
        last = place_of(page.last, sort)
        more = encode_cursor(services.secret, key, [last.at, last.number, last.rank])
    clocks = await load_running_clocks(services.db, [row.number for row in page.rows], now)
    said = await load_narratives(services.db, [row.number for row in page.rows])
    items = tuple(
        render_dispatch_brief(
            row, page.proposals[row.number], clocks.get(row.number, ()), said.get(row.number), directory, now
        )
        for row in page.rows
    )
    return json_reply(DispatchPage(items, more))


@router.get("/queue/counts", operation_id="count_dispatch_queue", response_model=QueueCountsOut,
            responses=refusal_responses())  # fmt: skip
async def count_dispatch_queue(context: Desk) -> Response:
    """How much of the dispatcher's queue is urgent, late, returned or unsure, within your areas."""
    return json_reply(render_queue_counts(await count_queue(context.services, context.actor, context.now)))


@router.get(
    "/tickets/{number}/departments",
    operation_id="list_department_candidates",
    response_model=CandidateDepartments,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_department_candidates(number: NumberPath, context: Desk) -> Response:
    """At most three departments that could take the ticket, the best first: why, their open orders, who is on duty, and
    the limits they would get. None of them gave it back."""
    directory = await context.services.directory.now(context.now)
    facts, found = await load_department_candidates(context.services, context.actor, number, context.now)
    return json_reply(render_candidates(found, facts.ticket.returned_by, facts.ticket.version, directory))

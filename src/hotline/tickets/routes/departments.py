"""A department's work: the queue in order, the board in numbers."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.database.prepared import Row
from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, directory_for_department, require_roles
from hotline.organisation.model.actors import AREA_WIDE_ROLES, PERSON_ROLES, Role
from hotline.organisation.model.scopes import scope_of
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.vocabulary import OPEN, AssignmentStatus, Colour, Queue, TicketStatus
from hotline.tickets.schemas.queues import (
    BoardOut,
    HouseBoard,
    OrderPage,
    QueuedOrder,
    WorkPage,
    render_order_line,
    render_queued_order,
    render_work,
)
from hotline.tickets.store import assignments, counters, lists
from hotline.web.paging import Cursor, Limit, PageCache, PagedQuery, decode_cursor, encode_cursor, parse_moment
from hotline.web.responses import READ_REFUSALS, json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["boards"], route_class=AuthenticatedRoute)
Reader = Annotated[TicketContext, require_roles("queues.read", *PERSON_ROLES)]
PAGE_TAG = {
    "ETag": {"description": "Of this page: send it as `If-None-Match`", "schema": {"type": "string"}},
}
_BEFORE_FIRST = (-1, datetime(1970, 1, 1, tzinfo=UTC), "")


@router.get(
    "/departments/{code}/queue",
    operation_id="read_queue",
    response_model=OrderPage,
    responses={
        200: {"headers": PAGE_TAG},
        304: {"description": "Unchanged", "headers": PAGE_TAG},
        **refusal_responses(*READ_REFUSALS),
    },
)
async def read_queue(
    code: CodePath,
    context: Reader,
    performing: Annotated[
        bool, Query(description="The orders it performs for others, instead of those it answers for")
    ] = False,
    colours: Annotated[
        bool, Query(description="With each order its `colour`: how its clock looks now, as the board counts it")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The department's open assignments: emergencies first, then soonest due. Send the ETag back as `If-None-Match`
    when polling: an unchanged queue is answered 304."""
    services, actor, now = context.services, context.actor, context.now
    directory = await directory_for_department(context, code)
    query = ["queue", code, performing]  # not bound to the asker: the right to see is checked on every page
    place = decode_cursor(services.secret, query, cursor)
    page_key = (code, performing, limit, cursor, scope_of(actor), directory.version)
    pages: PageCache = context.request.app.state.pages
    stamp, page = -1, None
    # a colour changes with the clock's escalation, which the queue's stamp knows nothing of: such a page is made anew
    if not colours and pages.has(page_key) and context.request.headers.get("cache-control") != "no-cache":
        stamp = await counters.load_queue_stamp(services.db, code)
        page = pages.get(page_key, stamp, now)
    if page is None:
        after = (place[0], parse_moment(place[1]), place[2]) if place else _BEFORE_FIRST
        rows = await assignments.load_open_orders(
            services.db, scope_of(actor), code, after, limit + 1, performing=performing
        )
        stamp = rows[0]["stamp"] if rows else await counters.load_queue_stamp(services.db, code)
        last = rows[limit - 1] if len(rows) > limit else None
        more = encode_cursor(services.secret, query, [last["rank"], last["sort_at"], last["id"]]) if last else None
        clocks = (
            await assignments.load_running_clocks(services.db, [row["number"] for row in rows[:limit]], now)
            if colours
            else {}
        )
        said = await lists.load_narratives(services.db, [row["number"] for row in rows[:limit]]) if colours else {}
        items = tuple(
            render_queued_order(
                row, directory, now, clocks.get(row["number"], ()) if colours else None, said.get(row["number"])
            )
            for row in rows[:limit]
        )
        page = orjson.dumps(OrderPage(items, more))
        if rows and not colours:  # an empty page has no stamp of its own instant
            pages.put(page_key, stamp, _next_due(items, now), page)
    tag = f'"{hashlib.sha256(page).hexdigest()[:20]}"'
    if context.request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(page, headers={"ETag": tag}, media_type="application/json")


def _next_due(items: Sequence[QueuedOrder], now: datetime) -> datetime:
    """When the first of these runs over its limit, at most an hour on."""
    found: Iterable[Any] = (i.due_at for i in items if i.due_at is not None)
    dues = (datetime.fromisoformat(d) if isinstance(d, str) else d for d in found)  # SQLite gives it as text
    return min((d for d in dues if d > now), default=now + timedelta(hours=1))


@router.get(
    "/departments/{code}/board",
    operation_id="read_board",
    response_model=BoardOut,
    responses=refusal_responses(*READ_REFUSALS),
)
async def read_board(code: CodePath, context: Reader) -> Response:
    """The open assignments of the department and all below it: how many are in each state and in each colour of their
    clocks, which has waited longest, what is due next. The cost depends on the open work only."""
    directory = await directory_for_department(context, code)
    below, scope = directory.department_subtrees.get(code, frozenset({code})), scope_of(context.actor)
    held = await assignments.load_open_work(context.services.db, scope, below, context.now)
    counts, colours = _sum_by(held["counts"], "status"), _sum_by(held["counts"], "looks")
    performing = _sum_by(held["performing"], "status")
    board = BoardOut(
        department=directory.named("departments", code),
        counts={AssignmentStatus(status): n for status, n in counts.items()},
        colours={colour: colours.get(colour, 0) for colour in assignments.COLOURS},
        states=_count_by_status_and_colour(held["counts"]),
        open=sum(counts.values()),
        oldest=next((render_order_line(r) for r in held["oldest"]), None),
        due_next=tuple(map(render_order_line, held["due_next"])),
        performing={AssignmentStatus(status): n for status, n in performing.items()},
        performing_open=sum(performing.values()),
        at=context.now,
    )
    return json_reply(board)


def _sum_by(rows: Sequence[Row], name: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for row in rows:
        found[getattr(row, name)] += row.n
    return dict(found)


def _count_by_status_and_colour(rows: Sequence[Row]) -> dict[AssignmentStatus, dict[Colour, int]]:
    """State -> colour -> how many."""
    found: dict[AssignmentStatus, Counter[Colour]] = {}
    for row in rows:
        found.setdefault(AssignmentStatus(row.status), Counter())[Colour(row.looks)] += row.n
    return {status: dict(colours) for status, colours in found.items()}


@router.get("/board", operation_id="read_house_board", response_model=HouseBoard, responses=refusal_responses())
async def read_house_board(
    context: Annotated[TicketContext, require_roles("boards.read", *AREA_WIDE_ROLES)],
) -> Response:
    """The number of tickets in each state within your areas, from counters."""
    held = await counters.load_counts(context.services.db, "ticket", context.actor.areas)
    counts = {TicketStatus(status): n for status, n in held.items()}
    return json_reply(HouseBoard(counts, sum(n for status, n in counts.items() if status in OPEN)))


@router.get("/worklists/{queue}", operation_id="read_worklist", response_model=WorkPage, responses=refusal_responses())
async def read_worklist(
    queue: Literal[Queue.INFORMATION, Queue.CALL_BACK, Queue.SHELF],
    context: Annotated[
        TicketContext, require_roles("worklists.read", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR)
    ],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Work of the hotline itself: callers to ask for information, residents to call back, deferred tickets to review.
    Most urgent first; `until` is the deadline, `call_backs` the number of unanswered attempts."""
    services = context.services
    directory = await services.directory.now(context.now)
    query = PagedQuery(services.secret, ["worklist", queue], limit)
    place = query.position(cursor)
    after = (parse_moment(place[0]), place[1]) if place else _BEFORE_FIRST[1:]
    rows = await lists.load_worklist(services.db, scope_of(context.actor), queue, after, limit + 1)
    page, more = query.cut(rows, lambda row: [row.place, row.number])
    said = await lists.load_narratives(services.db, [row.number for row in page])
    items = tuple(render_work(row, directory, said.get(row.number), context.now) for row in page)
    return json_reply(WorkPage(items, more))

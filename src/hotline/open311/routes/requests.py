"""Requests: /requests, /requests/{id}, and a new one."""

from collections.abc import Sequence

from hotline.database.prepared import Row
from hotline.open311 import service as open311_service
from hotline.open311 import store as open311_store
from hotline.open311.routes.forms import store_files
from hotline.open311.routes.queries import DAYS, commas, whole, window
from hotline.open311.routes.request import Open311Error, Open311Request
from hotline.open311.schemas import Open311Accepted, Open311Notice, Open311RequestOut, Open311Token
from hotline.open311.serializer import ListDocument
from hotline.open311.service_requests import extended, no_number_notice, render_request
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.vocabulary import Intake

MOST = 1000  # of a page


async def requests(request: Open311Request) -> ListDocument:
    rows = await found(request)
    return ListDocument("service_requests", "request", await _render_requests(request, rows))


async def request(open311_request: Open311Request, id: str) -> ListDocument:  # noqa: A002
    rows = await open311_store.load_requests_by_number(open311_request.services.db, open311_request.view, [id])
    if not rows:
        raise Open311Error(404, "service_request_id: no such request")
    return ListDocument("service_requests", "request", await _render_requests(open311_request, rows))


async def report(request: Open311Request, actor: Actor) -> ListDocument:
    """A new request."""
    done = await open311_service.submit_report(
        request.services, request.body, await store_files(request), actor, request.now
    )
    answer: Open311Accepted | Open311Token | Open311Notice
    if done.intake is Intake.BATCH:
        answer = Open311Token(done.token or "")
    elif done.intake is Intake.BLACKBOX:
        answer = Open311Notice(no_number_notice())
    else:
        answer = Open311Accepted(done.number or "", None, None)
    return ListDocument("service_requests", "request", [answer])


async def found(request: Open311Request, limit: int | None = None, offset: int = 0) -> Sequence[Row]:
    """The requests a client asked for: a page of them, or `limit` behind `offset`."""
    query = request.query
    if "service_request_id" in query:  # overrides all other arguments
        ids = commas(query["service_request_id"])[:MOST]
        return await open311_store.load_requests_by_number(request.services.db, request.view, ids) if ids else []
    updated = window(query, ("updated_after", "updated_before"), request.now, None)
    requested = window(query, ("start_date", "end_date"), request.now, None if updated else DAYS)
    states = commas(query.get("status", "open,closed"))
    if not set(states) <= {"open", "closed"}:
        raise Open311Error(400, "status: open, closed, or both")
    services = commas(query.get("service_code", ""))[:MOST]
    size = min(max(whole(query, "page_size", MOST), 1), MOST)
    page = max(whole(query, "page", 1), 1)
    if limit is not None:
        size, page = limit, 1
    state = states[0] if len(set(states)) == 1 else ""
    first = offset or min((page - 1) * size, 1_000_000)
    wanted = open311_store.RequestFilter(requested, updated, services, state)
    return await open311_store.load_requests(request.services.db, request.view, wanted, size, first)


async def _render_requests(request: Open311Request, rows: Sequence[Row]) -> list[Open311RequestOut]:
    notes: dict[str, list[Row]] = {}
    more = request.query.get("extensions") == "true"
    if more and rows:
        for note in await open311_store.load_notes(request.services.db, [r.number for r in rows]):
            notes.setdefault(note.number, []).append(note)
    parents = sorted({r.parent for r in rows if r.parent})
    public = (
        {r.number for r in await open311_store.load_requests_by_number(request.services.db, request.view, parents)}
        if parents
        else set()
    )
    plain = [(row, render_request(request.directory, row, public, is_own=request.is_own(row))) for row in rows]
    if not more:
        return [reply for _, reply in plain]
    return [extended(reply, row, notes.get(row.number, []), own=request.is_own(row)) for row, reply in plain]

"""Oversight: decisions that wait, the audit log, earlier answers."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model.actors import ActorKind, Role
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.store import people
from hotline.reporting.schemas.boards import (
    AuditAuthors,
    AuditPage,
    CatalogueRows,
    EarlierAnswer,
    EarlierAnswers,
    Rulings,
    render_audit_author,
    render_audit_entry,
    render_catalogue_row,
    render_ruling,
)
from hotline.reporting.store import oversight
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.vocabulary import Action
from hotline.tickets.store.assignments import load_running_clocks
from hotline.web.field_types import CodeWord, Moment, PlainLine, PublicWords
from hotline.web.paging import Cursor, Limit, PagedQuery, parse_moment
from hotline.web.responses import json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["boards"], route_class=AuthenticatedRoute)
MOST_AUTHORS = 2_000  # of people, and of keys


@router.get("/rulings", operation_id="list_rulings", response_model=Rulings, responses=refusal_responses())
async def list_rulings(
    context: Annotated[TicketContext, require_roles("rulings.read", Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR)],
    limit: Limit = 100,
) -> Response:
    """Assignments that wait for a decision: returns and extensions requested, results to review; emergencies first."""
    directory = await context.services.directory.now(context.now)
    rows = await oversight.load_rulings(context.services.db, scope_of(context.actor), limit)
    clocks = await load_running_clocks(context.services.db, [row.number for row in rows], context.now)
    return json_reply(Rulings(tuple(render_ruling(row, clocks.get(row.number, ()), directory) for row in rows)))


@router.get("/audit", operation_id="read_audit", response_model=AuditPage, responses=refusal_responses())
async def read_audit(
    context: Annotated[TicketContext, require_roles("audit.read", Role.AUDITOR, Role.SUPERVISOR, Role.ADMIN)],
    before: Moment | None = None,
    since: Annotated[Moment | None, Query(description="Not before this moment")] = None,
    kind: Annotated[ActorKind | None, Query(description="The kind of whoever did it")] = None,
    action: Annotated[Action | None, Query(description="What was done")] = None,
    person: Annotated[PlainLine | None, Query(max_length=60, description="The id of whoever did it")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Who did what to which ticket, for which department and why, newest first, within your areas. Changes of people,
    keys, the directory, webhooks and robots are in the security log."""
    asked = since and since.isoformat()
    query = PagedQuery(context.services.secret, ["audit", person, *(x for x in (kind, action, asked) if x)], limit)
    place = query.position(cursor)
    after = (parse_moment(place[0]), str(place[1]), int(place[2])) if place else None
    wanted = oversight.AuditQuery(before or context.now + timedelta(minutes=1), since, person, kind, action)
    rows = await oversight.load_audit_entries(context.services.db, scope_of(context.actor), wanted, after, limit + 1)
    page, more = query.cut(rows, lambda row: [row.at, row.number, row.seq])
    directory = await context.services.directory.now(context.now)
    return json_reply(AuditPage(tuple(render_audit_entry(row, directory) for row in page), more))


@router.get(
    "/audit-authors", operation_id="list_audit_authors", response_model=AuditAuthors, responses=refusal_responses()
)
async def list_audit_authors(
    context: Annotated[TicketContext, require_roles("audit.read", Role.AUDITOR, Role.SUPERVISOR, Role.ADMIN)],
) -> Response:
    """The people and the keys whose deeds the audit log can be asked for: those of your areas, and those who work in
    every area."""
    services, actor = context.services, context.actor
    directory = await services.directory.now(context.now)
    rows = [(ActorKind.PERSON, row) for row in await people.load_people(services.db, "", MOST_AUTHORS)]
    rows += [(ActorKind.KEY, row) for row in await people.load_keys(services.db, "", MOST_AUTHORS)]
    items = tuple(
        render_audit_author(kind, row, directory)
        for kind, row in rows
        if actor.areas is None or row.area is None or row.area in actor.areas
    )
    return json_reply(AuditAuthors(items))


@router.get(
    "/earlier-answers",
    operation_id="find_earlier_answers",
    response_model=EarlierAnswers,
    responses=refusal_responses(),
)
async def find_earlier_answers(
    context: Annotated[
        TicketContext,
        require_roles("answers.read", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR),
    ],
    q: Annotated[str, Query(max_length=60), PublicWords] = "",
    category: CodeWord | None = None,
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
) -> Response:
    """Earlier answers to similar tickets: public replies of tickets that were answered or confirmed as solved, newest
    first. Confidential ones are left out."""
    directory = await context.services.directory.now(context.now)
    rows = await oversight.load_earlier_answers(context.services.db, scope_of(context.actor), q, category, limit)
    items = tuple(
        EarlierAnswer(
            r.number, r.title, directory.optional_item_name("categories", r.category), r.public_reply, r.closed_at
        )
        for r in rows
    )
    return json_reply(EarlierAnswers(items))


@router.get(
    "/catalogue-rows", operation_id="read_catalogue_rows", response_model=CatalogueRows, responses=refusal_responses()
)
async def read_catalogue_rows(
    context: Annotated[
        TicketContext, require_roles("catalogue.read", Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)
    ],
    days: Annotated[int, Query(ge=1, le=366)] = 30,
) -> Response:
    """Results of the dispatch catalogue: for each entry how many assignments it chose and how many were returned;
    without an entry, a person chose."""
    directory = await context.services.directory.now(context.now)
    rows = await oversight.load_catalogue_rows(
        context.services.db, scope_of(context.actor), context.now - timedelta(days=days), context.now
    )
    ordered = sorted(rows, key=lambda r: (-r.n, r.route or ""))
    return json_reply(CatalogueRows(tuple(render_catalogue_row(row, directory) for row in ordered)))

"""Oversight: the wallboard, the map, decisions that wait, the audit log, earlier answers."""

from collections import Counter
from datetime import datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model.actors import AREA_WIDE_ROLES, Role
from hotline.organisation.model.directory import zone_of
from hotline.organisation.model.scopes import scope_of
from hotline.reporting.schemas.boards import (
    AreaOpen,
    AuditPage,
    CatalogueRows,
    DepartmentOpen,
    Dots,
    EarlierAnswer,
    EarlierAnswers,
    Rulings,
    Today,
    WallOut,
    render_audit_entry,
    render_catalogue_row,
    render_dot,
    render_ruling,
)
from hotline.reporting.service.figures import FigureQuery, load_figures, load_hourly_counts
from hotline.reporting.store import oversight
from hotline.telephony.service import load_call_centre_figures
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.vocabulary import OPEN, Colour, TicketStatus
from hotline.tickets.store import counters
from hotline.tickets.store.assignments import COLOURS, load_running_clocks
from hotline.web.field_types import CodeWord, Moment, PlainLine, PublicWords
from hotline.web.paging import Cursor, Limit, PagedQuery, parse_moment
from hotline.web.responses import json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["boards"], route_class=AuthenticatedRoute)
WallContext = Annotated[TicketContext, require_roles("wall.read", *AREA_WIDE_ROLES)]
LOST = timedelta(hours=4)  # a call that lasts longer is taken for one whose end was not reported


@router.get("/wall", operation_id="read_wall", response_model=WallOut, responses=refusal_responses())
async def read_wall(context: WallContext) -> Response:
    """The state of the hotline on one screen, within your areas: open work by state, by the colour of its clocks, by
    department and by area; calls now (for those who see the whole organisation); today's figures; what came in by
    hour over the last seven days."""
    services, actor, now = context.services, context.actor, context.now
    directory, scope = await services.directory.now(now), scope_of(actor)
    zone = zone_of(directory)
    held = await counters.load_counts(services.db, "ticket", actor.areas)
    counts = {TicketStatus(status): n for status, n in held.items()}
    units: dict[str, Counter[Colour]] = {}
    for row in await oversight.load_open_by_colour(services.db, scope, now):
        units.setdefault(row.department, Counter())[Colour(row.looks)] += row.n
    today = now.astimezone(zone).date()
    midnight = datetime.combine(today, time(), zone)
    report = await load_figures(services, actor, FigureQuery(today, today), now)
    places = await counters.load_open_by_place(services.db, "ticket", OPEN)
    unrestricted = actor.areas is None
    [total] = report.groups or (None,)
    wall = WallOut(
        at=now,
        counts=counts,
        open=sum(n for status, n in counts.items() if status in OPEN),
        colours={c: sum(found[c] for found in units.values()) for c in COLOURS},
        departments=tuple(
            DepartmentOpen(directory.optional_item_name("departments", code), found.total(), dict(found))
            for code, found in sorted(units.items(), key=lambda u: (-u[1][Colour.RED], -u[1].total(), u[0]))
        ),
        areas=tuple(
            AreaOpen(directory.optional_item_name("areas", place), n)
            for place, n in sorted(places.items(), key=lambda p: (-p[1], p[0]))
            if actor.areas is None or place in actor.areas
        ),
        calls=await oversight.load_live_calls(services.db, now - LOST) if unrestricted else {},
        today=Today(
            counts=total.counts if total else {},
            shares=total.shares if total else {},
            acd=await load_call_centre_figures(services, midnight, now + timedelta(minutes=1), None, 15, 5)
            if unrestricted
            else None,
        ),
        hours=await load_hourly_counts(services, actor, now),
    )
    return json_reply(wall)


@router.get("/map", operation_id="read_map", response_model=Dots, responses=refusal_responses())
async def read_map(
    context: Annotated[TicketContext, require_roles("map.read", *AREA_WIDE_ROLES, Role.HANDLER)],
) -> Response:
    """Open tickets with coordinates, as GeoJSON points: number, title, priority, state. No caller."""
    rows = await oversight.load_map_tickets(context.services.db, scope_of(context.actor))
    return json_reply(Dots("FeatureCollection", tuple(render_dot(row, context.now) for row in rows)))


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
    person: Annotated[PlainLine | None, Query(max_length=60, description="The id of whoever did it")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Who did what to which ticket, newest first, within your areas. Reasons and texts are in the timelines."""
    query = PagedQuery(context.services.secret, ["audit", person], limit)
    place = query.position(cursor)
    after = (parse_moment(place[0]), str(place[1]), int(place[2])) if place else None
    until = before or context.now + timedelta(minutes=1)
    rows = await oversight.load_audit_entries(
        context.services.db, scope_of(context.actor), until, person, after, limit + 1
    )
    page, more = query.cut(rows, lambda row: [row.at, row.number, row.seq])
    return json_reply(AuditPage(tuple(map(render_audit_entry, page)), more))


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

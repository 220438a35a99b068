"""Oversight: the wallboard, the map, decisions that wait, the audit log, earlier answers."""

from collections import Counter
from datetime import datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, may
from hotline.organisation.model.actors import WHOLE, Role
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
    audit_shown,
    catalogue_row,
    dot_shown,
    ruling_shown,
)
from hotline.reporting.service.figures import FigureQuery, figures, hours
from hotline.reporting.store import oversight
from hotline.telephony.service import figures as acd
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.vocabulary import OPEN, Colour, TicketStatus
from hotline.tickets.store import counters
from hotline.tickets.store.assignments import COLOURS
from hotline.web.field_types import CodeWord, Moment, Plain
from hotline.web.paging import Cursor, Limit, moment, opened, sealed
from hotline.web.responses import refusals, reply

router = APIRouter(prefix="/v1", tags=["boards"], route_class=AuthenticatedRoute)
Watcher = Annotated[TicketContext, may("wall.read", *WHOLE)]
LOST = timedelta(hours=4)  # a call that lasts longer is taken for one whose end was not reported


@router.get("/wall", operation_id="read_wall", response_model=WallOut, responses=refusals())
async def read_wall(context: Watcher) -> Response:
    """The state of the hotline on one screen, within your areas: open work by state, by the colour of its clocks, by
    department and by area; calls now (for those who see the whole organisation); today's figures; what came in by
    hour over the last seven days."""
    services, actor, now = context.services, context.actor, context.now
    directory, scope = await services.directory.now(now), scope_of(actor)
    zone = zone_of(directory)
    held = await counters.counted(services.db, "ticket", actor.areas)
    counts = {TicketStatus(status): n for status, n in held.items()}
    units: dict[str, Counter[Colour]] = {}
    for row in await oversight.boards(services.db, scope, now):
        units.setdefault(row.department, Counter())[Colour(row.looks)] += row.n
    today = now.astimezone(zone).date()
    midnight = datetime.combine(today, time(), zone)
    told = await figures(services, actor, FigureQuery(today, today), now)
    places = await counters.open_by_place(services.db, "ticket", OPEN)
    whole = actor.areas is None
    [total] = told.groups or (None,)
    wall = WallOut(
        at=now,
        counts=counts,
        open=sum(n for status, n in counts.items() if status in OPEN),
        colours={c: sum(found[c] for found in units.values()) for c in COLOURS},
        departments=tuple(
            DepartmentOpen(directory.name_of("departments", code), found.total(), dict(found))
            for code, found in sorted(units.items(), key=lambda u: (-u[1][Colour.RED], -u[1].total(), u[0]))
        ),
        areas=tuple(
            AreaOpen(directory.name_of("areas", place), n)
            for place, n in sorted(places.items(), key=lambda p: (-p[1], p[0]))
            if actor.areas is None or place in actor.areas
        ),
        calls=await oversight.live_calls(services.db, now - LOST) if whole else {},
        today=Today(
            counts=total.counts if total else {},
            shares=total.shares if total else {},
            acd=await acd(services, midnight, now + timedelta(minutes=1), None, 15, 5) if whole else None,
        ),
        hours=await hours(services, actor, now),
    )
    return reply(wall)


@router.get("/map", operation_id="read_map", response_model=Dots, responses=refusals())
async def read_map(context: Annotated[TicketContext, may("map.read", *WHOLE, Role.HANDLER)]) -> Response:
    """Open tickets with coordinates, as GeoJSON points: number, title, priority, state. No caller."""
    rows = await oversight.dots(context.services.db, scope_of(context.actor))
    return reply(Dots("FeatureCollection", tuple(dot_shown(row, context.now) for row in rows)))


@router.get("/rulings", operation_id="list_rulings", response_model=Rulings, responses=refusals())
async def list_rulings(
    context: Annotated[TicketContext, may("rulings.read", Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR)],
    limit: Limit = 100,
) -> Response:
    """Assignments that wait for a decision: returns and extensions requested, results to review; emergencies first."""
    directory = await context.services.directory.now(context.now)
    rows = await oversight.rulings(context.services.db, scope_of(context.actor), limit)
    return reply(Rulings(tuple(ruling_shown(row, directory) for row in rows)))


@router.get("/audit", operation_id="read_audit", response_model=AuditPage, responses=refusals())
async def read_audit(
    context: Annotated[TicketContext, may("audit.read", Role.AUDITOR, Role.SUPERVISOR, Role.ADMIN)],
    before: Moment | None = None,
    person: Annotated[Plain | None, Query(max_length=60, description="The id of whoever did it")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Who did what to which ticket, newest first, within your areas. Reasons and texts are in the timelines."""
    secret, question = context.services.secret, ["audit", person]
    place = opened(secret, question, cursor)
    after = (moment(place[0]), str(place[1]), int(place[2])) if place else None
    until = before or context.now + timedelta(minutes=1)
    rows = await oversight.audit(context.services.db, scope_of(context.actor), until, person, after, limit + 1)
    page = rows[:limit]
    more = sealed(secret, question, [page[-1].at, page[-1].number, page[-1].seq]) if len(rows) > limit else None
    return reply(AuditPage(tuple(map(audit_shown, page)), more))


@router.get(
    "/earlier-answers", operation_id="find_earlier_answers", response_model=EarlierAnswers, responses=refusals()
)
async def find_earlier_answers(
    context: Annotated[TicketContext, may("answers.read", Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR)],
    q: Annotated[str, Query(max_length=60)] = "",
    category: CodeWord | None = None,
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
) -> Response:
    """Earlier answers to similar tickets: public replies of tickets that were answered or confirmed as solved, newest
    first. Confidential ones are left out."""
    directory = await context.services.directory.now(context.now)
    rows = await oversight.earlier_answers(context.services.db, scope_of(context.actor), q, category, limit)
    items = tuple(
        EarlierAnswer(r.number, r.title, directory.name_of("categories", r.category), r.public_reply, r.closed_at)
        for r in rows
    )
    return reply(EarlierAnswers(items))


@router.get("/catalogue-rows", operation_id="read_catalogue_rows", response_model=CatalogueRows, responses=refusals())
async def read_catalogue_rows(
    context: Annotated[
        TicketContext, may("catalogue.read", Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)
    ],
    days: Annotated[int, Query(ge=1, le=366)] = 30,
) -> Response:
    """Results of the dispatch catalogue: for each entry how many assignments it chose and how many were returned;
    without an entry, a person chose."""
    directory = await context.services.directory.now(context.now)
    rows = await oversight.catalogue_rows(
        context.services.db, scope_of(context.actor), context.now - timedelta(days=days), context.now
    )
    ordered = sorted(rows, key=lambda r: (-r.n, r.route or ""))
    return reply(CatalogueRows(tuple(catalogue_row(row, directory) for row in ordered)))

"""The wallboard and the map."""

from collections import Counter
from datetime import datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.delivery.model import GatewayKind
from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model.actors import AREA_WIDE_ROLES, Role
from hotline.organisation.model.directory import zone_of
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.store.outlines import load_outlines
from hotline.refusals import Code, Refusal, Refused
from hotline.reporting.schemas.wall import (
    AreaOpen,
    Dots,
    OutlinePage,
    Today,
    WallOut,
    render_communities,
    render_departments,
    render_dot,
    render_emergencies,
    render_outlines,
    render_places,
    render_wall_duty,
    render_wall_entries,
    total_colours,
)
from hotline.reporting.service.figures import load_hourly_counts
from hotline.reporting.service.wall import duty_lines, load_wall_state
from hotline.reporting.store import oversight
from hotline.telephony.service import load_call_centre_figures
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.vocabulary import OPEN, Colour, TicketStatus
from hotline.tickets.store import counters
from hotline.web.field_types import CodeWord
from hotline.web.responses import READ_REFUSALS, json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["boards"], route_class=AuthenticatedRoute)
WallContext = Annotated[TicketContext, require_roles("wall.read", *AREA_WIDE_ROLES)]
MapContext = Annotated[TicketContext, require_roles("map.read", *AREA_WIDE_ROLES, Role.HANDLER)]
LOST = timedelta(hours=4)  # a call that lasts longer is taken for one whose end was not reported
MOST_SHAPES = 20_000  # outlines of one reply


@router.get("/wall", operation_id="read_wall", response_model=WallOut, responses=refusal_responses())
async def read_wall(context: WallContext) -> Response:
    """The state of the hotline on one screen, within your areas: open work by state, by the colour of its clocks, by
    department and by area; emergencies, who is on duty, places and the last events; calls now (for those who see the
    whole organisation); today's figures; what came in by hour over the last seven days."""
    services, actor, now = context.services, context.actor, context.now
    directory, scope = await services.directory.now(now), scope_of(actor)
    zone = zone_of(directory)
    state = await load_wall_state(services, actor, now)
    held = await counters.load_counts(services.db, "ticket", actor.areas)
    counts = {TicketStatus(status): n for status, n in held.items()}
    units: dict[str, Counter[Colour]] = {}
    for row in await oversight.load_open_by_colour(services.db, scope, now):
        units.setdefault(row.department, Counter())[Colour(row.looks)] += row.n
    today = now.astimezone(zone).date()
    midnight = datetime.combine(today, time(), zone)
    places = await counters.load_open_by_place(services.db, "ticket", OPEN)
    unrestricted = actor.areas is None
    [total] = state.today.groups or (None,)
    gateways = await services.gateways.now(now)
    has_exchange = any(g.active and g.kind is GatewayKind.VOICE for g in gateways.values())
    wall = WallOut(
        at=now,
        counts=counts,
        open=sum(n for status, n in counts.items() if status in OPEN),
        colours=total_colours(units),
        departments=render_departments(units, directory),
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
            if unrestricted and has_exchange
            else None,
        ),
        exchange=has_exchange,
        hours=await load_hourly_counts(services, actor, now),
        tiles=state.tiles,
        waiting_since=state.waiting_since,
        emergencies=render_emergencies(state.emergencies, directory),
        emergency_count=state.emergency_count,
        duty=render_wall_duty(duty_lines(directory, now), directory),
        communities=render_communities(state.places, directory, actor.areas),
        places=render_places(state.places, directory),
        entries=render_wall_entries(state.entries, directory),
    )
    return json_reply(wall)


@router.get("/map", operation_id="read_map", response_model=Dots, responses=refusal_responses())
async def read_map(context: MapContext) -> Response:
    """Open tickets as GeoJSON points, at their own coordinates or those of their place: number, title, priority, state.
    No caller."""
    rows = await oversight.load_map_tickets(context.services.db, scope_of(context.actor))
    directory = await context.services.directory.now(context.now)
    dots = (render_dot(row, directory, context.now) for row in rows)
    return json_reply(Dots("FeatureCollection", tuple(dot for dot in dots if dot is not None)))


@router.get(
    "/map/outlines",
    operation_id="read_map_outlines",
    response_model=OutlinePage,
    responses=refusal_responses(*READ_REFUSALS),
)
async def read_map_outlines(
    context: MapContext,
    area: Annotated[CodeWord | None, Query(description="What lies within it; absent: everything")] = None,
) -> Response:
    """The outlines of the map as GeoJSON, those of one area and all below it, or all: ground, roads, water, buildings
    and names, as `hotline outlines import` brought them. At most 20,000."""
    directory, seen = await context.services.directory.now(context.now), context.actor.areas
    if area is not None and area not in directory.areas:
        raise Refused(Refusal(Code.NOT_FOUND, "no such area"))
    wanted = directory.area_subtrees.get(area) if area is not None else None
    if seen is not None:
        around = frozenset(code for code, below in directory.area_subtrees.items() if below & seen)
        wanted = around if wanted is None else around & wanted
    return json_reply(render_outlines(await load_outlines(context.services.db, wanted, MOST_SHAPES), directory))

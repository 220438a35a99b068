"""Replies of the wallboard and the map. No name, number or word of a resident is in them, but for titles on the map."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from hotline.organisation.model.directory import Directory, Named
from hotline.organisation.model.outlines import Outline, OutlineKind
from hotline.organisation.model.vocabulary import Danger, Priority
from hotline.replies import reply_type
from hotline.reporting.model import Share
from hotline.reporting.service.figures import HourlyCounts
from hotline.reporting.service.wall import DutyLine, PlaceState, WallTile, community_of, open_by_view
from hotline.telephony.service import CallCentreFigures
from hotline.telephony.vocabulary import VoiceState
from hotline.tickets.model.dangers import named_dangers
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, Colour, TicketStatus
from hotline.tickets.schemas.briefs import is_lead_unsigned
from hotline.tickets.store.assignments import COLOURS


@reply_type()
class DepartmentOpen:
    """A department's open assignments by the colour of their clocks."""

    department: Named | None
    open: int
    colours: dict[Colour, int]


@reply_type()
class AreaOpen:
    area: Named | None
    open: int


@reply_type()
class Today:
    """The figures of today, of the same moment as the tiles. `acd`: for those who see every area, where an exchange is
    connected."""

    counts: dict[str, int]
    shares: dict[str, Share]
    acd: CallCentreFigures | None


@reply_type()
class EmergencyLine:
    """An emergency that somebody has to act on: where, what, whose. `dangers`: all of them, as people are told of them.
    `lead`: where the lead's order stands."""

    number: str
    area: Named | None
    category: Named | None
    dangers: tuple[Danger, ...]
    department: Named | None
    lead: AssignmentStatus | None
    unsigned: Annotated[bool, Field(description="Its lead's order is signed for by nobody, or by the clock alone")]
    since: datetime
    due_at: datetime | None


@reply_type()
class WallMember:
    name: str
    phone: str | None


@reply_type()
class WallDuty:
    """Who is on duty for a department. No member: its rosters leave a gap now."""

    department: Named
    members: tuple[WallMember, ...]


@reply_type()
class WallPlace:
    """A place with open tickets. `looks`: as its worst one: green, yellow, red or emergency. Coordinates: of the place,
    or of the nearest one around it that has any."""

    area: Named
    community: str | None
    lat: float | None
    lon: float | None
    open: int
    emergencies: int
    looks: str


@reply_type()
class WallEntry:
    """Something that happened, without its texts and persons."""

    number: str
    at: datetime
    action: Action
    area: Named | None
    category: Named | None
    dangers: tuple[Danger, ...]
    department: Named | None
    priority: Priority


@reply_type()
class WallOut:
    """The state of the hotline on one screen. Tiles, emergencies, places and entries are of one moment."""

    at: datetime
    counts: dict[TicketStatus, int]
    open: int
    colours: dict[Colour, int]
    departments: tuple[DepartmentOpen, ...]
    areas: tuple[AreaOpen, ...]
    calls: Annotated[dict[VoiceState, int], Field(description="Calls now; empty for who sees some areas alone")]
    today: Today
    exchange: Annotated[bool, Field(description="A telephone exchange is connected; without one no call is known")]
    hours: tuple[HourlyCounts, ...]
    tiles: Annotated[
        tuple[WallTile, ...],
        Field(description="Counts of tickets, each with the filters of `GET /v1/tickets` that list them"),
    ]
    waiting_since: Annotated[datetime | None, Field(description="When the oldest came in that waits to be dispatched")]
    emergencies: tuple[EmergencyLine, ...]
    emergency_count: int
    duty: tuple[WallDuty, ...]
    communities: tuple[AreaOpen, ...]
    places: tuple[WallPlace, ...]
    entries: tuple[WallEntry, ...]


def render_departments(units: Mapping[str, Counter[Colour]], directory: Directory) -> tuple[DepartmentOpen, ...]:
    """Departments with the most that is late first."""
    ordered = sorted(units.items(), key=lambda u: (-u[1][Colour.RED], -u[1].total(), u[0]))
    return tuple(
        DepartmentOpen(directory.optional_item_name("departments", code), found.total(), dict(found))
        for code, found in ordered
    )


def total_colours(units: Mapping[str, Counter[Colour]]) -> dict[Colour, int]:
    return {c: sum(found[c] for found in units.values()) for c in COLOURS}


def render_emergencies(rows: Sequence[Any], directory: Directory) -> tuple[EmergencyLine, ...]:
    return tuple(
        EmergencyLine(
            r.number,
            directory.optional_item_name("areas", r.area),
            directory.optional_item_name("categories", r.category),
            named_dangers(r),
            directory.optional_item_name("departments", r.department),
            r.lead_at,
            is_lead_unsigned(r),
            r.created_at,
            r.due_at,
        )
        for r in rows
    )


def render_wall_duty(lines: Sequence[DutyLine], directory: Directory) -> tuple[WallDuty, ...]:
    found = []
    for line in lines:
        department = directory.optional_item_name("departments", line.department)
        if department is not None:
            members = tuple(WallMember(t.member.name, t.member.phone) for t in line.members)
            found.append(WallDuty(department, members))
    return tuple(found)


def render_places(places: Sequence[PlaceState], directory: Directory) -> tuple[WallPlace, ...]:
    found = []
    for place in places:
        area = directory.optional_item_name("areas", place.area)
        if area is not None:
            lat, lon = coordinates_of(directory, place.area) or (None, None)
            community = community_of(directory, place.area)
            found.append(WallPlace(area, community, lat, lon, place.open, place.emergencies, place.looks))
    return tuple(found)


def coordinates_of(directory: Directory, area: str | None) -> tuple[float, float] | None:
    """Latitude and longitude of a place, else of the nearest one around it that has them."""
    seen: set[str] = set()
    while area is not None and area in directory.areas and area not in seen:
        item = directory.areas[area]
        if item.lat is not None and item.lon is not None:
            return item.lat, item.lon
        seen.add(area)
        area = item.parent
    return None


def render_communities(
    places: Sequence[PlaceState], directory: Directory, seen: frozenset[str] | None
) -> tuple[AreaOpen, ...]:
    """The communities within these areas (None: all), those with the most open tickets first."""
    counts = open_by_view(directory, places)
    shown = [
        a.code
        for a in directory.areas.values()
        if a.active and a.level == "community" and (seen is None or directory.area_subtrees[a.code] & seen)
    ]
    ordered = sorted(shown, key=lambda code: (-counts[code], directory.areas[code].name))
    return tuple(AreaOpen(directory.optional_item_name("areas", code), counts[code]) for code in ordered)


def render_wall_entries(rows: Sequence[Any], directory: Directory) -> tuple[WallEntry, ...]:
    return tuple(
        WallEntry(
            r.number,
            r.at,
            r.action,
            directory.optional_item_name("areas", r.area),
            directory.optional_item_name("categories", r.category),
            named_dangers(r),
            directory.optional_item_name("departments", r.department),
            r.priority,
        )
        for r in rows
    )


@reply_type()
class Point:
    type: Literal["Point"]
    coordinates: Annotated[tuple[float, ...], Field(min_length=2, max_length=2, description="Longitude, latitude")]


@reply_type()
class DotTicket:
    number: str
    title: str
    priority: Priority
    status: TicketStatus
    category: str | None
    area: str | None
    late: bool
    exact: Annotated[bool, Field(description="The ticket's own coordinates; else those of its place")]


@reply_type()
class Dot:
    type: Literal["Feature"]
    geometry: Point
    properties: DotTicket


@reply_type()
class Dots:
    """Open tickets with coordinates, as GeoJSON."""

    type: Literal["FeatureCollection"]
    features: tuple[Dot, ...]


def render_dot(row: Any, directory: Directory, now: datetime) -> Dot | None:
    """The map's feature of a row; None: neither it nor its place has coordinates."""
    own = row.lat is not None and row.lon is not None
    place = (row.lat, row.lon) if own else coordinates_of(directory, row.area)
    if place is None:
        return None
    late = row.due_at is not None and row.due_at < now
    ticket = DotTicket(row.number, row.title, row.priority, row.status, row.category, row.area, late, own)
    return Dot("Feature", Point("Point", (place[1], place[0])), ticket)


@reply_type()
class OutlineShape:
    type: Literal["Point", "LineString", "Polygon", "MultiPolygon"]
    coordinates: Annotated[tuple[Any, ...], Field(description="As in GeoJSON: longitude, latitude (WGS84)")]


@reply_type()
class OutlineProperties:
    code: str
    kind: OutlineKind
    area: Named | None
    name: str | None
    name_en: str | None


@reply_type()
class OutlineFeature:
    type: Literal["Feature"]
    geometry: OutlineShape
    properties: OutlineProperties


@reply_type()
class OutlinePage:
    """Outlines of the map, as GeoJSON."""

    type: Literal["FeatureCollection"]
    features: tuple[OutlineFeature, ...]


def render_outlines(outlines: Sequence[Outline], directory: Directory) -> OutlinePage:
    """Those of areas that are closed are left out."""
    found = []
    for each in outlines:
        item = directory.areas.get(each.area) if each.area is not None else None
        if item is not None and not item.active:
            continue
        shape = OutlineShape(each.geometry["type"], tuple(each.geometry["coordinates"]))
        area = directory.optional_item_name("areas", each.area) if item is not None else None
        found.append(
            OutlineFeature("Feature", shape, OutlineProperties(each.code, each.kind, area, each.name, each.name_en))
        )
    return OutlinePage("FeatureCollection", tuple(found))

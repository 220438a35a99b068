"""The wallboard: every count of one moment, and the list of tickets behind each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.database.prepared import Row
from hotline.organisation.model import duty
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.directory import Directory, zone_of
from hotline.organisation.model.scopes import Scope, scope_of
from hotline.organisation.model.vocabulary import Priority
from hotline.reporting.service.figures import FigureQuery, Figures, read_figures
from hotline.reporting.store import wall as store
from hotline.tickets.context import Services
from hotline.tickets.model.vocabulary import Colour, TicketStatus

EVENTS_FOR = timedelta(hours=24)  # the last events of a day
_LOOKS = ("green", "yellow", "red", "emergency")  # of a place, from the least to the most urgent


@dataclass(frozen=True, slots=True)
class WallTile:
    """A number on the wall: how many tickets there are in the list of `filters`, which are those of `GET /v1/tickets`,
    moments as text. How many orders were in time stands in the figures of today: a ticket may have several."""

    code: str
    count: int
    filters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlaceState:
    """A place with open tickets. `looks`: how its worst one looks (green, yellow, red, emergency)."""

    area: str
    open: int
    emergencies: int
    looks: str


@dataclass(frozen=True, slots=True)
class WallState:
    """What the wall shows of one moment."""

    tiles: tuple[WallTile, ...]
    emergencies: Sequence[Row]
    emergency_count: int
    places: tuple[PlaceState, ...]
    entries: Sequence[Row]
    waiting_since: datetime | None
    today: Figures  # of the day, as the page of figures has them


def tile_filters(now: datetime, today: datetime) -> dict[str, dict[str, Any]]:
    """The filters of the list behind each tile, as `GET /v1/tickets` takes them; those of a state alone are together
    all that is open. `today`: when the day began."""
    counted = {"counted_from": today, "counted_before": today + timedelta(days=1)}
    return {
        "emergency": {"priority": Priority.EMERGENCY, "status": list(store.RUNNING)},
        "red": {"colour": [Colour.RED]},
        "yellow": {"colour": sorted([Colour.YELLOW, Colour.BLUE])},
        "waiting": {"status": sorted([TicketStatus.RECEIVED, TicketStatus.TRIAGED])},
        "in_hand": {"status": [TicketStatus.DISPATCHED]},
        "paused": {"status": sorted([TicketStatus.AWAITING_INFO, TicketStatus.SHELVED])},
        "call_back": {"status": [TicketStatus.RESOLVED]},
        "matters": {"counted": "matters", **counted},
        "closed": {"counted": "closed", **counted},
        "met": {"counted": "met", **counted},
        "missed": {"counted": "missed", **counted},
    }


def _as_parameters(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in filters.items()}


async def load_wall_state(services: Services, actor: Actor, now: datetime) -> WallState:
    """The counts and lists of the wall, all of one snapshot of the database."""
    directory = await services.directory.now(now)
    zone = zone_of(directory)
    today = datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)
    asked = tile_filters(now, today)
    moments = {"colour": {"colour_at": now}, "counted": {"counted_today": today}}
    scope = scope_of(actor)
    day = FigureQuery(now.astimezone(zone).date(), now.astimezone(zone).date())

    def read(c: sa.Connection) -> WallState:
        tiles = []
        for code, filters in asked.items():
            more = {k: v for name, given in moments.items() if name in filters for k, v in given.items()}
            tiles.append(WallTile(code, store.count_list(c, scope, {**filters, **more}), _as_parameters(filters)))
        return WallState(
            tiles=tuple(tiles),
            emergencies=store.read_emergencies(c, scope),
            emergency_count=tiles[0].count,
            places=_read_places(c, scope, now),
            entries=store.read_last_entries(c, scope, now, now - EVENTS_FOR),
            waiting_since=store.read_oldest_waiting(c, scope),
            today=read_figures(c, directory, actor, day, now),
        )

    return await services.db.snapshot(read)


def _read_places(c: sa.Connection, scope: Scope, now: datetime) -> tuple[PlaceState, ...]:
    colours: dict[str, set[Colour]] = {}
    for row in store.read_place_colours(c, scope, now):
        colours.setdefault(row.area, set()).add(Colour(row.looks))
    return tuple(
        PlaceState(row.area, int(row.open), int(row.emergencies), place_looks(row, colours.get(row.area, frozenset())))
        for row in store.read_places(c, scope)
    )


def place_looks(row: Any, colours: set[Colour] | frozenset[Colour]) -> str:
    """How a place looks: as the worst of its open tickets."""
    if row.emergencies:
        return "emergency"
    if Colour.RED in colours:
        return "red"
    return "yellow" if row.urgent or colours & {Colour.YELLOW, Colour.BLUE} else "green"


@dataclass(frozen=True, slots=True)
class DutyLine:
    """Who is on duty for a department now; nobody where its rosters leave a gap."""

    department: str
    members: tuple[duty.Turn, ...]


def duty_lines(directory: Directory, now: datetime) -> list[DutyLine]:
    """Every department that keeps a roster: the organisation's own first, then by name."""
    home = directory.home.fallback if directory.home else None
    kept = {r.department for r in directory.rosters.values() if r.active and r.department in directory.departments}
    ordered = sorted(kept, key=lambda code: (code != home, directory.departments[code].name))
    return [DutyLine(code, tuple(duty.members_on_duty(directory, code, now))) for code in ordered]


def open_by_view(directory: Directory, places: Sequence[PlaceState]) -> Counter[str]:
    """Open tickets by community: those of every place within it."""
    found: Counter[str] = Counter()
    for place in places:
        community = community_of(directory, place.area)
        if community is not None:
            found[community] += place.open
    return found


def community_of(directory: Directory, area: str | None) -> str | None:
    """The community that a place lies in, itself included; None: it lies in none."""
    seen: set[str] = set()
    while area is not None and area in directory.areas and area not in seen:
        if directory.areas[area].level == "community":
            return area
        seen.add(area)
        area = directory.areas[area].parent
    return None

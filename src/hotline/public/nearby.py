"""What is known already around a place: incidents that are going on, and open matters of the same kind that were
published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.incidents.cache import IncidentCache
from hotline.incidents.model.vocabulary import IncidentState
from hotline.open311.model import published_choices
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Area
from hotline.organisation.model.vocabulary import Danger, Kind
from hotline.public import store
from hotline.public.model import ResidentReport
from hotline.tickets.context import Services
from hotline.triage.model.advice import Advice

NAMING_SOMEBODY = frozenset({Kind.REPORT, Kind.COMPLAINT})
DANGERS_OF_A_PERSON = frozenset({Danger.VIOLENCE, Danger.MISSING, Danger.SELF_HARM, Danger.MEDICAL, Danger.UNREST})


async def load_open_published(services: Services, directory: Directory, numbers: Sequence[str]) -> Sequence[Any]:
    """Those of these tickets that are open and published."""
    published = list(published_choices(directory))
    return await store.load_open_matters(services.db, published, numbers) if published else ()


async def load_nearby(
    services: Services, directory: Directory, report: ResidentReport, advice: Advice
) -> Sequence[Any]:
    """Open published matters of the kind of this report, around its place, newest first."""
    published, kinds = list(published_choices(directory)), kinds_of(directory, advice)
    areas = areas_around(directory, report.place or advice.area)
    if not published or not kinds or not areas:
        return ()
    return await store.load_open_matters_near(services.db, published, areas, kinds)


def kinds_of(directory: Directory, advice: Advice) -> list[str]:
    """The category of the report, and the next best ones."""
    codes = filter(None, (advice.category, *(code for code, _ in advice.others[:2])))
    return [code for code in dict.fromkeys(codes) if code in directory.categories]


def areas_around(directory: Directory, place: str | None) -> list[str]:
    """All areas of the neighbourhood that a place lies in: what its parent embraces. Without a place: everywhere."""
    home = directory.home.area if directory.home is not None else None
    area: Area | None = directory.areas.get(place or home or "")
    if area is None:
        return []
    around = area.parent if place is not None and area.parent is not None else area.code
    return sorted(directory.area_subtrees.get(around, frozenset({around})))


async def _carriers(services: Services, numbers: Sequence[str]) -> Sequence[Any]:
    return await store.load_carriers(services.db, numbers) if numbers else ()


def is_of_everybody(carrier: Any) -> bool:
    """Whether the ticket that carries an incident tells of a thing that all share, and of no person."""
    return (
        not carrier.confidential
        and carrier.kind not in NAMING_SOMEBODY
        and not {flag.removeprefix("danger:") for flag in carrier.flags} & DANGERS_OF_A_PERSON
    )


@dataclass(frozen=True, slots=True)
class NeighbourhoodIncident:
    """An incident as anybody may read it: its state, what, where, since when, how many called. `told`: what the
    dispatcher told as it was contained."""

    code: str
    state: str
    category: str
    area: str | None
    since: datetime
    callers: int
    told: str | None


async def load_known_incidents(
    services: Services, directory: Directory, now: datetime
) -> tuple[NeighbourhoodIncident, ...]:
    """The incidents that are going on, the widest first. What many told of a common facility is public by its kind;
    what is confidential, names somebody (a tip-off, a complaint) or is about a person's harm is never shown."""
    known = [each for each in await services.part(IncidentCache).now(now) if each.incident.ended_at is None]
    told_by = {row.number: row for row in await _carriers(services, [each.parent for each in known])}
    shown = []
    for each in sorted(known, key=lambda each: (-each.incident.callers, each.incident.code)):
        incident, carrier = each.incident, told_by.get(each.parent)
        if any(directory.categories[code].confidential for code in directory.category_path(incident.category)):
            continue
        if carrier is None or not is_of_everybody(carrier):
            continue
        told = None
        if incident.state is IncidentState.CONTAINED and services.open_incidents is not None:
            standing = await services.open_incidents.standing(incident.code)
            told = standing.told if standing is not None else None
        area = incident.reach or incident.area
        shown.append(
            NeighbourhoodIncident(
                incident.code, incident.state, incident.category, area, incident.first_call_at, incident.callers, told
            )
        )
    return tuple(shown)

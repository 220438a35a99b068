"""Building, unit, floor and room of a ticket's address: what the caller's hint and the narrative say of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import AreaLevel
from hotline.tickets.model.dangers import dangers_of
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.vocabulary import Field
from hotline.triage.model.advice import Advice
from hotline.triage.model.places.cues import HAS_GONE
from hotline.triage.model.places.parts import NO_PARTS, PART_NAMES, AddressParts

ADDRESS_PARTS = (Field.BUILDING, Field.UNIT, Field.FLOOR, Field.ROOM)
# what a ticket is found by
INDEXED_COLUMNS = frozenset({"title", "narrative", "address", "phone", "caller_name", "contact", *PART_NAMES})


def ticket_parts(ticket: Ticket) -> AddressParts:
    return AddressParts(ticket.building, ticket.unit, ticket.floor, ticket.room)


def choose_parts(given: AddressParts, advised: AddressParts, is_here: bool) -> AddressParts:
    """The given parts, and what the text says of the others where it speaks of the same place
    (`is_here`) and building."""
    if not is_here or (given.building and advised.building and given.building != advised.building):
        advised = NO_PARTS
    return AddressParts(**{name: getattr(given, name) or getattr(advised, name) for name in PART_NAMES})


def is_same_place(directory: Directory, area: str | None, advised: str | None) -> bool:
    """Whether one of the two areas is the other or lies in it. An area that is not known contradicts nothing."""
    return (
        area is None or advised is None or area in directory.area_path(advised) or advised in directory.area_path(area)
    )


class Placed(Protocol):
    """What of a ticket or a report says where it is."""

    @property
    def area(self) -> str | None: ...
    @property
    def building(self) -> str | None: ...
    @property
    def address(self) -> str | None: ...
    @property
    def lat(self) -> float | None: ...


def has_exact_place(directory: Directory, placed: Placed) -> bool:
    """Whether somebody who is sent would know where to go: to a building, to a point on the map, or to what was said of
    the place."""
    return bool(placed.building or placed.address) or placed.lat is not None or is_building(directory, placed.area)


def is_building(directory: Directory, code: str | None) -> bool:
    area = directory.areas.get(code or "")
    return area is not None and area.level is AreaLevel.BUILDING


@dataclass(frozen=True, slots=True)
class ToldPlace:
    """Where a caller says later that it is. `area`, `address`: given beside the words; `answers`: the words answer a
    question of the desk."""

    words: str
    area: str | None = None
    address: str | None = None
    answers: bool = False


def told_place_fields(
    directory: Directory, ticket: Ticket, told: ToldPlace, advice: Advice, *, was_read: bool
) -> dict[Field, str]:
    """The place that the caller told later, as the fields of the step that brings it. A building that was chosen
    stands in place of one that was read in the first words (`was_read`); anything else is taken only where the ticket
    has no place. Words alone move a ticket where they answer the desk or name the danger beside the place, and never
    where they say where somebody has gone to. `advice`: on the words."""
    chosen, has_gone = is_building(directory, told.area), HAS_GONE.search(told.words) is not None
    if has_exact_place(directory, ticket) and not (chosen and was_read and told.area != ticket.area):
        return {}
    if not (told.area or told.address) and not _words_place(ticket, told, advice):
        return {}
    area = told.area if chosen or has_gone else advice.area or told.area
    parts = choose_parts(NO_PARTS, advice.location, not has_gone and is_same_place(directory, area, advice.area))
    found = {Field.AREA: area if area != ticket.area else None, Field.ADDRESS: told.address}
    found |= {part: getattr(parts, part) for part in ADDRESS_PARTS}
    return {name: value for name, value in found.items() if value}


def _words_place(ticket: Ticket, told: ToldPlace, advice: Advice) -> bool:
    if not dangers_of(ticket) or HAS_GONE.search(told.words):
        return False
    return told.answers or bool(advice.dangers)


def part_columns(before: Ticket, given: Mapping[Any, Any], directory: Directory | None) -> dict[str, str | None]:
    """The parts an action sets; an empty one clears it. Where the matter is moved to another area, the parts that it
    does not name are those of the area it left, and go."""
    columns = {str(part): given[part] or None for part in ADDRESS_PARTS if given.get(part) is not None}
    area = given.get(Field.AREA)
    if area is None or area == before.area or before.area is None:
        return columns
    if directory is not None and before.area in directory.area_path(area):  # made precise
        return columns
    return {**dict.fromkeys(PART_NAMES), **columns}

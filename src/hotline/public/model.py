"""What residents send and are told: rules without I/O and without a clock."""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Area
from hotline.organisation.model.vocabulary import AreaLevel, Channel
from hotline.tickets.model.intake import IntakeRequest

LONGEST_WORDS = 4000
LONGEST_LINE = 120
MOST_PHOTOS = 3
MOST_LISTED = 300  # places in a list; a larger district is written down instead
NARROWEST = 0.0005  # degrees of a map: one building by itself is not drawn as wide as a town

NOT_LISTED = "-"  # chosen in the list of buildings by whoever is in none of them

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class ResidentReport:
    """What a resident wrote into the form. `place`: the code of an area from the list; `where`: the place in their own
    words; `hidden`: who they are is not told to those who do the work."""

    words: str
    place: str | None = None
    where: str | None = None
    lat: float | None = None
    lon: float | None = None
    name: str | None = None
    phone: str | None = None
    reply: bool = False
    hidden: bool = False

    @property
    def said(self) -> str:
        """All that tells what the matter is and where."""
        return "\n".join(part for part in (self.words, self.where) if part)

    def to_intake_request(self, directory: Directory) -> IntakeRequest:
        """The report for intake. A place that is not in the directory (any more) is no reason to lose it."""
        area = directory.areas.get(self.place or "")
        known = area is not None and area.active
        return IntakeRequest(
            Channel.WEB,
            self.words,
            phone=self.phone,
            name=self.name,
            confidential=True if self.hidden else None,
            reply_wanted=self.reply and self.phone is not None,
            area=self.place if known else None,
            address=self.where if known or self.where else self.place,
            lat=self.lat,
            lon=self.lon,
        )


def read_report(form: Mapping[str, str]) -> ResidentReport:
    """The report of a form, its texts without control characters. What cannot be read of a detail is left out."""
    words = _text(form.get("words", ""))[:LONGEST_WORDS].strip()
    lat, lon = _degrees(form.get("lat"), 90), _degrees(form.get("lon"), 180)
    return ResidentReport(
        words,
        place=place if (place := _line(form.get("place"))) != NOT_LISTED else None,
        where=_line(form.get("where")),
        lat=lat if lon is not None else None,
        lon=lon if lat is not None else None,
        name=_line(form.get("name")),
        phone=_line(form.get("phone")),
        reply=form.get("reply") == "1",
        hidden=form.get("hidden") == "1",
    )


def _text(text: str) -> str:
    return "".join(c for c in map(_spaced, text.replace("\r\n", "\n")) if c.isprintable() or c == "\n")


def _spaced(c: str) -> str:
    """A Chinese keyboard types a wide space: without it two numbers became one."""
    return " " if c == "\t" or unicodedata.category(c) == "Zs" else c


def _line(text: str | None) -> str | None:
    return (
        " ".join("".join(c if c.isprintable() else " " for c in (text or "")[:LONGEST_WORDS]).split())[:LONGEST_LINE]
        or None
    )


def _degrees(text: str | None, most: int) -> float | None:
    try:
        value = float((text or "")[:24])
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= most else None


@dataclass(frozen=True, slots=True)
class PlaceGroup:
    """Areas to choose from, under the one they lie in."""

    within: str
    places: tuple[Area, ...]


def listed_places(directory: Directory) -> tuple[PlaceGroup, ...]:
    """The buildings to choose from, in the order of their numbers, by the community or estate they lie in. Empty where
    there are too many for a list."""
    inside = (
        directory.area_subtrees.get(directory.home.area, frozenset())
        if directory.home and directory.home.area
        else None
    )
    found = (
        a
        for a in directory.areas.values()
        if a.active and a.level is AreaLevel.BUILDING and (inside is None or a.code in inside)
    )
    buildings = list(islice(found, MOST_LISTED + 1))
    if len(buildings) > MOST_LISTED:
        return ()
    groups: dict[str, list[Area]] = {}
    for area in buildings:
        groups.setdefault(_group_of(directory, area), []).append(area)
    return tuple(PlaceGroup(code, tuple(sorted(places, key=by_number))) for code, places in sorted(groups.items()))


def _group_of(directory: Directory, area: Area) -> str:
    path = directory.area_path(area.code)
    levels = (AreaLevel.ESTATE, AreaLevel.COMMUNITY)
    return next((code for code in path if directory.areas[code].level in levels), path[-1] if path else area.code)


def by_number(area: Area) -> tuple[tuple[int, str | int], ...]:
    """A key that sorts 2 before 10."""
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in _DIGITS.split(area.name) if part)


@dataclass(frozen=True, slots=True)
class MapPoint:
    """A place on the map, in hundredths of its width and height, and where it lies (WGS84). `label`: its number."""

    code: str
    label: str
    x: float
    y: float
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class PlaceMap:
    """A map of places that have coordinates. A point of the drawing lies at lat = top + y × down, lon = left + x ×
    across. `height`: of the drawing, where its width is 100."""

    points: tuple[MapPoint, ...]
    top: float
    left: float
    down: float
    across: float
    height: float


def draw_map(places: Sequence[Area]) -> PlaceMap | None:
    """The places that have coordinates; None: there are none."""
    known = [(a, a.lat, a.lon) for a in places if a.lat is not None and a.lon is not None]
    if not known:
        return None
    lats, lons = [lat for _, lat, _ in known], [lon for _, _, lon in known]
    middle = (min(lats) + max(lats)) / 2
    narrow = max(math.cos(math.radians(middle)), 0.01)
    wide = max(max(lons) - min(lons), NARROWEST) * 1.2
    high = max(max(lats) - min(lats), NARROWEST) * 1.2
    height = min(max(100 * high / (wide * narrow), 40.0), 120.0)
    top, left = middle + high / 2, (min(lons) + max(lons)) / 2 - wide / 2
    down, across = -high / height, wide / 100
    points = tuple(
        MapPoint(
            area.code,
            next(reversed(_DIGITS.findall(area.name)), area.name[:3]),
            round((lon - left) / across, 2),
            round((lat - top) / down, 2),
            lat,
            lon,
        )
        for area, lat, lon in known
    )
    return PlaceMap(points, top, left, down, across, round(height, 2))


# --- proof of work


@dataclass(frozen=True, slots=True)
class Load:
    """How many challenges were given out within the minute: in all by this process, and to this address."""

    all: int
    own: int


BUSY_FROM, EAGER_FROM = 60, 6  # challenges a minute; each doubling beyond makes the work twice as much
MOST_HARDER = 5  # doublings; an old phone must come to an end


def bits_of_work(base: int, load: Load) -> int:
    """How many leading zero bits a solution has to have."""
    return base + min(_doublings(load.all, BUSY_FROM) + _doublings(load.own, EAGER_FROM), MOST_HARDER)


def _doublings(count: int, start: int) -> int:
    return max(0, math.floor(math.log2(count / start)) + 1) if count >= start else 0


def zero_bits(digest: bytes) -> int:
    """How many bits of a digest are zero before the first that is one."""
    return len(digest) * 8 - int.from_bytes(digest).bit_length()


# --- what is told of a deadline


@dataclass(frozen=True, slots=True)
class Lateness:
    """How much too late: so many days, hours or minutes (the catalogue's word), the largest that is whole."""

    unit: str
    amount: int


def late_by(promised: datetime | None, now: datetime) -> Lateness | None:
    """None: not late, or nothing was promised."""
    if promised is None or now <= promised:
        return None
    late = now - promised
    for unit, span in (("days", timedelta(days=1)), ("hours", timedelta(hours=1))):
        if late >= span:
            return Lateness(unit, late // span)
    return Lateness("minutes", max(1, late // timedelta(minutes=1)))


@dataclass(frozen=True, slots=True)
class PublicSettings:
    """`frames`: the origins whose pages may show the form. `work`: zero bits of a proof of work. `reports`: an hour
    from one address, with a proof of work; `plain_reports`: without one."""

    frames: tuple[str, ...] = ()
    work: int = 16
    reports: int = 120
    plain_reports: int = 12

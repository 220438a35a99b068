"""Outlines of the map: GeoJSON features (RFC 7946) with a code, a kind and, where they show one, an area. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

MOST_OUTLINES = 50_000
MOST_POINTS = 2_000  # of one outline
LONGEST_CODE, LONGEST_NAME = 60, 40
Point = tuple[float, float]  # longitude, latitude (WGS84)


class OutlineKind(StrEnum):
    """What an outline shows; later ones are drawn over earlier ones."""

    LAND = "land"  # the ground of a community
    GREEN = "green"
    WATER = "water"
    ROAD = "road"
    PLACE = "place"  # a square, a market, a school
    BUILDING = "building"
    LABEL = "label"  # a name at a point


_DEPTHS = {"Point": 0, "LineString": 1, "Polygon": 2, "MultiPolygon": 3}  # how deep a geometry's points lie
_GEOMETRIES = {OutlineKind.LABEL: ("Point",), OutlineKind.ROAD: ("LineString", "Polygon", "MultiPolygon")}
_SURFACES = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, slots=True)
class Outline:
    """One drawn thing. `area`: the place it shows, whose name it then has; else its own `name`, if any. `geometry`: as
    in GeoJSON."""

    code: str
    kind: OutlineKind
    area: str | None
    name: str | None
    name_en: str | None
    geometry: Mapping[str, Any]


class OutlineErrors(Exception):
    """What is wrong with a file: (place, rule)."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


def parse_outlines(document: Any, areas: Collection[str]) -> list[Outline]:
    """The outlines of a GeoJSON FeatureCollection. Raises OutlineErrors naming each feature that cannot be used."""
    features = document.get("features") if isinstance(document, Mapping) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        raise OutlineErrors([("file", "a GeoJSON FeatureCollection")])
    if len(features) > MOST_OUTLINES:
        raise OutlineErrors([("file", f"at most {MOST_OUTLINES} features")])
    found: dict[str, Outline] = {}
    errors: list[tuple[str, str]] = []
    for place, feature in enumerate(features, start=1):
        where = f"feature {place}"
        try:
            outline = _parse_feature(feature)
            if outline.area is not None and outline.area not in areas:
                raise ValueError("area: not in the directory's areas")
            if outline.code in found:
                raise ValueError("code: stands there twice")
            found[outline.code] = outline
        except ValueError as fault:
            errors.append((where, str(fault)))
    if errors:
        raise OutlineErrors(errors)
    return list(found.values())


def _parse_feature(feature: Any) -> Outline:
    if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
        raise ValueError("a GeoJSON Feature")
    properties, geometry = feature.get("properties"), feature.get("geometry")
    if not isinstance(properties, Mapping) or not isinstance(geometry, Mapping):
        raise ValueError("properties and geometry are objects")
    area = _text(properties, "area", LONGEST_CODE)
    code = _text(properties, "code", LONGEST_CODE) or area
    if code is None:
        raise ValueError("code: a text of its own for each feature")
    kind = properties.get("kind", OutlineKind.BUILDING)
    if kind not in set(OutlineKind):
        raise ValueError(f"kind: one of {', '.join(OutlineKind)}")
    of = geometry.get("type")
    allowed = _GEOMETRIES.get(OutlineKind(kind), _SURFACES)
    if of not in allowed:
        raise ValueError(f"geometry: of a {kind}, {' or '.join(allowed)}")
    shape = {"type": of, "coordinates": geometry.get("coordinates")}
    _check_points(shape)
    name, name_en = _text(properties, "name", LONGEST_NAME), _text(properties, "name_en", LONGEST_NAME)
    return Outline(code, OutlineKind(kind), area, name, name_en, shape)


def _text(properties: Mapping[str, Any], name: str, longest: int) -> str | None:
    value = properties.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > longest or not value.isprintable():
        raise ValueError(f"{name}: a text of at most {longest} characters")
    return value.strip()


def _check_points(geometry: Mapping[str, Any]) -> None:
    count = 0
    for point in _walk(geometry["coordinates"], _DEPTHS[geometry["type"]]):
        count += 1
        if count > MOST_POINTS:
            raise ValueError(f"geometry: at most {MOST_POINTS} points")
        if not (isinstance(point, list) and len(point) in (2, 3) and all(map(_is_number, point))):
            raise ValueError("geometry: points are [longitude, latitude]")
        if not (-180 <= point[0] <= 180 and -90 <= point[1] <= 90):
            raise ValueError("geometry: longitude from -180 to 180, latitude from -90 to 90 (WGS84)")
    if not count:
        raise ValueError("geometry: at least one point")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _walk(coordinates: Any, depth: int) -> Iterator[Any]:
    if depth == 0:
        yield coordinates
        return
    if not isinstance(coordinates, list):
        raise ValueError("geometry: coordinates as in GeoJSON")
    for each in coordinates:
        yield from _walk(each, depth - 1)


def middle_of(outline: Outline) -> Point:
    """The middle of the box around it."""
    points = list(_walk(outline.geometry["coordinates"], _DEPTHS[outline.geometry["type"]]))
    wide, high = [p[0] for p in points], [p[1] for p in points]
    return (min(wide) + max(wide)) / 2, (min(high) + max(high)) / 2


@dataclass(frozen=True, slots=True)
class OutlineChanges:
    """How many outlines an import adds, changes, removes and leaves."""

    added: int
    changed: int
    removed: int
    same: int


def compare_outlines(before: Collection[Outline], after: Collection[Outline]) -> OutlineChanges:
    """What an import that replaces all outlines would do."""
    old, new = {o.code: o for o in before}, {o.code: o for o in after}
    both = old.keys() & new.keys()
    changed = sum(old[code] != new[code] for code in both)
    return OutlineChanges(len(new.keys() - old.keys()), changed, len(old.keys() - new.keys()), len(both) - changed)

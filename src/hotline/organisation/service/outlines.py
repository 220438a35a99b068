"""Replacing the outlines of the map."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.outlines import (
    MOST_OUTLINES,
    Outline,
    OutlineChanges,
    OutlineErrors,
    OutlineKind,
    compare_outlines,
    middle_of,
    parse_outlines,
)
from hotline.organisation.store.outlines import load_outlines, replace_outlines
from hotline.refusals import Code, Refusal, Refused
from hotline.text.strict_json import parse_strict_json

SEED_FILE = "outlines.geojson"
MOST_ERRORS = 20  # named of one file


async def import_outlines(
    services: OrganisationServices, document: Any, now: datetime, *, save: bool
) -> OutlineChanges:
    """Replace all outlines by those of a GeoJSON document, all or nothing; `save` False: only say what would change.
    Raises Refused naming the features that cannot be used."""
    directory = await services.directory.now(now)
    try:
        outlines = parse_outlines(document, directory.areas)
    except OutlineErrors as wrong:
        errors = tuple(wrong.errors[:MOST_ERRORS])
        raise Refused(Refusal(Code.INVALID, "the outlines cannot be used", errors=errors)) from None
    changes = compare_outlines(await load_outlines(services.db, None, MOST_OUTLINES), outlines)
    if save:
        placed = _with_parts(outlines, directory)
        await services.db.transact(lambda c: replace_outlines(c, placed))
    return changes


async def seed_outlines(services: OrganisationServices, folder: Path, now: datetime) -> OutlineChanges | None:
    """The outlines of a seed's folder; None: it brings none, and those that are there stay."""
    path = folder / SEED_FILE
    if not path.exists():
        return None
    return await import_outlines(services, parse_strict_json(path.read_bytes()), now, save=True)


def _with_parts(outlines: Sequence[Outline], directory: Directory) -> list[tuple[Outline, str | None]]:
    """Each with the area it lies in: its own, else that of the ground around its middle."""
    grounds = [(each.area, _box(each)) for each in outlines if each.kind is OutlineKind.LAND and each.area]
    return [(each, each.area or _area_at(middle_of(each), grounds)) for each in outlines]


def _box(outline: Outline) -> tuple[float, float, float, float]:
    def points(value: Any) -> Iterable[Any]:
        if isinstance(value[0], int | float):
            yield value
        else:
            for each in value:
                yield from points(each)

    found = list(points(outline.geometry["coordinates"]))
    wide, high = [p[0] for p in found], [p[1] for p in found]
    return min(wide), min(high), max(wide), max(high)


def _area_at(point: tuple[float, float], grounds: Sequence[tuple[str, Any]]) -> str | None:
    return next(
        (
            area
            for area, (west, south, east, north) in grounds
            if west <= point[0] <= east and south <= point[1] <= north
        ),
        None,
    )

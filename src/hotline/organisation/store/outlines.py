"""The outlines of the map."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes
from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery
from hotline.organisation.model.outlines import Outline, OutlineKind
from hotline.organisation.tables import outline as o

_ROWS = 500  # in one statement
_COLUMNS = (o.c.code, o.c.kind, o.c.area, o.c.name, o.c.name_en, o.c.geometry)
_ALL = PreparedQuery(sa.select(*_COLUMNS).order_by(o.c.code).limit(sa.bindparam("limit", type_=sa.Integer)))
_OF_AREAS = PreparedQuery(
    sa.select(*_COLUMNS)
    .where(InCodes(sa.func.coalesce(o.c.part, sa.literal_column("''")), "areas"))
    .order_by(o.c.code)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


def _outline(row: Any) -> Outline:
    return Outline(row.code, OutlineKind(row.kind), row.area, row.name, row.name_en, row.geometry)


async def load_outlines(db: Database, areas: Collection[str] | None, limit: int) -> Sequence[Outline]:
    """Outlines in order of their codes; `areas`: those that show one of these, or lie within one."""
    if areas is None:
        return [_outline(row) for row in await db.rows(_ALL, limit=limit)]
    return [_outline(row) for row in await db.rows(_OF_AREAS, areas=sorted(areas), limit=limit)]


def replace_outlines(c: sa.Connection, outlines: Sequence[tuple[Outline, str | None]]) -> None:
    """Replace every outline by these, each with the area it lies in."""
    c.execute(sa.delete(o))
    for place in range(0, len(outlines), _ROWS):
        rows = [
            {
                "code": each.code,
                "kind": each.kind,
                "area": each.area,
                "part": part,
                "name": each.name,
                "name_en": each.name_en,
                "geometry": dict(each.geometry),
            }
            for each, part in outlines[place : place + _ROWS]
        ]
        c.execute(sa.insert(o), rows)

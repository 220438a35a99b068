"""Queries of saved views. A view is read by its owner and, where it is shared, by colleagues."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery, Row
from hotline.views.tables import saved_view as v

MAX_LISTED = 200
_MINE = v.c.owner == sa.bindparam("owner", type_=sa.String)
_VISIBLE = sa.or_(_MINE, sa.and_(v.c.shared.is_(True), sa.bindparam("colleague", type_=sa.Boolean).is_(True)))
_LISTED = PreparedQuery(
    sa.select(*v.c)
    .where(v.c.page == sa.bindparam("page", type_=sa.String), _VISIBLE)
    .order_by(sa.case((_MINE, 0), else_=1), v.c.name, v.c.id)
    .limit(MAX_LISTED)
)
_ONE = PreparedQuery(sa.select(*v.c).where(v.c.id == sa.bindparam("id", type_=sa.String), _VISIBLE))


async def load_views(db: Database, owner: str, page: str, *, colleague: bool) -> Sequence[Row]:
    """The views of a page: the owner's own first; `colleague`: with those that others share."""
    return await db.rows(_LISTED, owner=owner, page=page, colleague=colleague)


async def load_view(db: Database, owner: str, id: str, *, colleague: bool) -> Row | None:  # noqa: A002
    """One of them. None: not there, or not theirs to see."""
    return await fetch_first(db, _ONE, owner=owner, id=id, colleague=colleague)


def count_views(c: sa.Connection, owner: str) -> int:
    """How many this person has; each of them is written rarely."""
    return int(c.execute(sa.select(sa.func.count()).select_from(v).where(v.c.owner == owner)).scalar() or 0)


def insert_view(c: sa.Connection, row: Mapping[str, Any]) -> None:
    c.execute(sa.insert(v).values(**row))


def update_view(c: sa.Connection, id: str, version: int, values: Mapping[str, Any]) -> bool:  # noqa: A002
    """Set columns if the view stands at this version."""
    where = (v.c.id == id, v.c.version == version)
    return c.execute(sa.update(v).where(*where).values(**values, version=v.c.version + 1)).rowcount == 1


def delete_view(c: sa.Connection, id: str) -> bool:  # noqa: A002
    return c.execute(sa.delete(v).where(v.c.id == id)).rowcount == 1

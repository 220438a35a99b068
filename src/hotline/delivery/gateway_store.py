"""Queries of gateways: their settings and weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery, Row
from hotline.delivery.tables import gateway as g

_ALL = PreparedQuery(sa.select(*g.c).order_by(g.c.name))


async def load_gateways(db: Database) -> Sequence[Row]:
    """Every gateway, in order of name."""
    return await db.rows(_ALL)


def insert_gateway(c: sa.Connection, row: Mapping[str, Any]) -> None:
    """A new one. IntegrityError where the name is taken."""
    c.execute(sa.insert(g).values(**row))


def update_gateway(c: sa.Connection, name: str, values: Mapping[str, Any], version: int | None = None) -> bool:
    """Set columns; with `version`, only if it still stands there. False: it does not, or there is none."""
    where = [g.c.name == name] + ([g.c.version == version] if version is not None else [])
    return c.execute(sa.update(g).where(*where).values(**values, version=g.c.version + 1)).rowcount == 1


def delete_gateway(c: sa.Connection, name: str) -> bool:
    return c.execute(sa.delete(g).where(g.c.name == name)).rowcount == 1


def lock_sending_gateways(c: sa.Connection) -> Sequence[Row]:
    """The gateways that send, their rows locked until the weights are set, so that no other worker changes them
    meanwhile."""
    return c.execute(sa.select(*g.c).where(g.c.sends, g.c.active).order_by(g.c.name).with_for_update()).all()

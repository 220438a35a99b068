"""Queries of subscriptions."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes
from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery, Row
from hotline.delivery.tables import attempt
from hotline.delivery.tables import outbox as o
from hotline.webhooks.tables import subscription as s

_ALL = PreparedQuery(sa.select(*s.c).order_by(s.c.created_at, s.c.id))


def partitions_of(subscription: str) -> list[str]:
    """Where its deliveries stand in the outbox: events in their order, and tests, which wait for no event."""
    return [f"subscription:{subscription}", f"subscription-test:{subscription}"]


async def load_subscriptions(db: Database) -> Sequence[Row]:
    """Every subscription, oldest first."""
    return await db.rows(_ALL)


_DELIVERIES = PreparedQuery(
    sa.select(*o.c)
    .where(InCodes(o.c.partition, "partitions"), o.c.kind == sa.literal_column("'webhook'"))
    .where(o.c.id > sa.bindparam("after", type_=sa.String))
    .order_by(o.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def deliveries(db: Database, subscription: str, after: str, limit: int) -> Sequence[Row]:
    """The deliveries of one subscription, in order of id."""
    return await db.rows(_DELIVERIES, partitions=partitions_of(subscription), after=after, limit=limit)


_NEWEST = PreparedQuery(
    sa.select(*o.c)
    .where(InCodes(o.c.partition, "partitions"), o.c.kind == sa.literal_column("'webhook'"))
    .order_by(o.c.created_at.desc(), o.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def newest_deliveries(db: Database, subscription: str, limit: int) -> Sequence[Row]:
    """The deliveries of one subscription that were made last, the newest first."""
    return await db.rows(_NEWEST, partitions=partitions_of(subscription), limit=limit)


_TRIES = PreparedQuery(sa.select(*attempt.c).where(InCodes(attempt.c.message, "messages")).order_by(attempt.c.n))


async def last_tries(db: Database, messages: Sequence[str]) -> Mapping[str, Row]:
    """The last try of each of these messages, by its id."""
    return {row.message: row for row in await db.rows(_TRIES, messages=list(messages))}


def insert_subscription(c: sa.Connection, row: Mapping[str, Any]) -> None:
    c.execute(sa.insert(s).values(**row))


def update_subscription(c: sa.Connection, id: str, values: Mapping[str, Any], version: int | None = None) -> bool:  # noqa: A002
    """Set columns; with `version`, only if it still stands there."""
    where = [s.c.id == id] + ([s.c.version == version] if version is not None else [])
    return c.execute(sa.update(s).where(*where).values(**values, version=s.c.version + 1)).rowcount == 1


def delete_subscription(c: sa.Connection, id: str) -> bool:  # noqa: A002
    return c.execute(sa.delete(s).where(s.c.id == id)).rowcount == 1

"""The delivery log: each attempt to send a message, once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.engine import Database
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery, Row
from hotline.delivery.model import MessageStatus
from hotline.delivery.tables import attempt, outbox

FINAL_STATUSES = (MessageStatus.SENT, MessageStatus.DEAD, MessageStatus.DROPPED, MessageStatus.EXPIRED)


def log_attempts(c: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Tries, each once."""
    if rows:
        insert_ignoring_duplicates(c, attempt, rows)


_TRIES = PreparedQuery(
    sa.select(*attempt.c).where(attempt.c.message == sa.bindparam("id", type_=sa.String)).order_by(attempt.c.n)
)


async def load_attempts(db: Database, id: str) -> Sequence[Row]:  # noqa: A002
    """Every try of a message, in order."""
    return await db.rows(_TRIES, id=id)


def delete_old_attempts(c: sa.Connection, before: datetime, limit: int) -> int:
    """Delete old tries, at most `limit`, with the messages that were sent by them, and those of the same ticket that
    were told with them; how many."""
    old = sa.select(attempt.c.message, attempt.c.n).where(attempt.c.at < sa.bindparam("before", before, type_=Instant))
    old_rows = c.execute(old.limit(limit)).all()
    for row in old_rows:
        c.execute(sa.delete(attempt).where(attempt.c.message == row.message, attempt.c.n == row.n))
    over = sa.and_(outbox.c.status.in_(FINAL_STATUSES), outbox.c.created_at < before)
    for message in {row.message for row in old_rows}:
        c.execute(sa.delete(outbox).where(outbox.c.id == message, over))
    for ticket in {row.message.partition(".")[0] for row in old_rows}:
        c.execute(sa.delete(outbox).where(outbox.c.id > f"{ticket}.", outbox.c.id < f"{ticket}/", over))
    return len(old_rows)


_TRIED = PreparedQuery(
    sa.select(
        attempt.c.way,
        sa.func.count().label("tries"),
        sa.func.sum(sa.case((attempt.c.good.is_(False), 1), else_=0)).label("errors"),
    )
    .where(attempt.c.at > sa.bindparam("since", type_=Instant))
    .group_by(attempt.c.way)
)


async def load_attempt_counts(db: Database, since: datetime) -> Sequence[Row]:
    """Tries by way since then: way, tries, errors."""
    return await db.rows(_TRIED, since=since)

"""Stored answers by Idempotency-Key."""

from datetime import datetime

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery
from hotline.database.tables import answer as w
from hotline.database.write_plan import StoredAnswer

_STORED_ANSWER = PreparedQuery(
    sa.select(*w.c).where(
        w.c.owner == sa.bindparam("owner", type_=sa.String), w.c.key == sa.bindparam("key", type_=sa.String)
    )
)


async def load_stored_answer(db: Database, owner: str, key: str) -> StoredAnswer | None:
    """The earlier answer to this key of this owner."""
    row = await fetch_first(db, _STORED_ANSWER, owner=owner, key=key)
    return row and StoredAnswer(row.owner, row.key, row.fingerprint, row.status, row.body, row.at, row.etag)


def store_answer(connection: sa.Connection, answer: StoredAnswer) -> None:
    """Keep an answer inside an administrative transaction; a key used before raises IntegrityError."""
    connection.execute(
        sa.insert(w).values(
            owner=answer.owner,
            key=answer.key,
            fingerprint=answer.fingerprint,
            status=answer.status,
            etag=answer.etag,
            body=answer.body,
            at=answer.at,
        )
    )


def delete_old_answers(connection: sa.Connection, before: datetime, limit: int) -> int:
    """Delete answers older than `before`, at most `limit`; how many."""
    old = sa.select(w.c.owner, w.c.key).where(w.c.at < sa.bindparam("before", before, type_=Instant)).limit(limit)
    doomed = connection.execute(old).all()
    for row in doomed:
        connection.execute(sa.delete(w).where(w.c.owner == row.owner, w.c.key == row.key))
    return len(doomed)

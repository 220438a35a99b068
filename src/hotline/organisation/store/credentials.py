"""Queries of all valid credentials, as keyed hashes, for the cache that is used while the database is unavailable."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.tables import api_key as k
from hotline.organisation.tables import person as p
from hotline.organisation.tables import session as s

MAX_CREDENTIALS = 20_000  # of each kind
_NOW = sa.bindparam("now", type_=Instant)
_KEYS = PreparedQuery(
    sa.select(k.c.hash, k.c.id, k.c.name, k.c.roles, k.c.department, k.c.area, k.c.expires_at)
    .where(k.c.revoked_at.is_(None), sa.or_(k.c.expires_at.is_(None), k.c.expires_at > _NOW))
    .limit(MAX_CREDENTIALS)
)
_SESSIONS = PreparedQuery(
    sa.select(s.c.hash, p.c.id, p.c.name, p.c.roles, p.c.department, p.c.area, s.c.expires_at)
    .select_from(s.join(p, p.c.id == s.c.person))
    .where(
        p.c.active.is_(True),
        s.c.expires_at > _NOW,
        s.c.stage == SessionStage.ACTIVE,
        sa.func.coalesce(s.c.seen_at, s.c.created_at) > sa.bindparam("seen_after", type_=Instant),
    )
    .limit(MAX_CREDENTIALS)
)


async def load_valid_keys(db: Database, now: datetime) -> Sequence[Row]:
    """Keys of machines: hash, id, name, roles, department, area, expires_at."""
    return await db.rows(_KEYS, now=now)


async def load_valid_sessions(db: Database, now: datetime, seen_after: datetime) -> Sequence[Row]:
    """Active sessions of people who may log in: the same columns, id and name of the person."""
    return await db.rows(_SESSIONS, now=now, seen_after=seen_after)

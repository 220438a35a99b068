"""Sessions of people who are logged in. Only hashes of their tokens are stored."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant
from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.store.people import bump_access_version
from hotline.organisation.tables import api_key as k
from hotline.organisation.tables import person as p
from hotline.organisation.tables import push_device as d
from hotline.organisation.tables import session as s
from hotline.server_secret import lookup_variants

ID_LENGTH = 16  # of the hash: what a session is called in lists
MOST_LISTED = 200
_SESSION_COLUMNS = (s.c.stage, s.c.created_at, s.c.seen_at, s.c.expires_at)
_PERSON = ("id", "login", "name", "roles", "department", "area", "first_password_until")
_BY_HASH = PreparedQuery(
    sa.select(*(p.c[name] for name in _PERSON), s.c.method, *_SESSION_COLUMNS)
    .select_from(s.join(p, p.c.id == s.c.person))
    .where(s.c.hash == sa.bindparam("hash", type_=sa.String), p.c.active.is_(True))
)
_ACTIVE_BY_HASHES = PreparedQuery(
    sa.select(s.c.hash.label("credential"), p.c.id, p.c.name, p.c.roles, p.c.department, p.c.area, *_SESSION_COLUMNS)
    .select_from(s.join(p, p.c.id == s.c.person))
    .where(InCodes(s.c.hash, "hashes"), p.c.active.is_(True), s.c.stage == SessionStage.ACTIVE)
)
_OF_PERSON = PreparedQuery(
    sa.select(s.c.hash, s.c.method, s.c.device, s.c.address, *_SESSION_COLUMNS)
    .where(s.c.person == sa.bindparam("person", type_=sa.String), s.c.expires_at > sa.bindparam("now", type_=Instant))
    .order_by(s.c.created_at.desc(), s.c.hash)
    .limit(MOST_LISTED)
)


async def load_session_person(db: Database, hashed: str) -> Row | None:
    """The active person a session belongs to, and its method, stage and times."""
    return await fetch_first(db, _BY_HASH, hash=hashed)


async def load_session_people(db: Database, hashes: Sequence[str]) -> Sequence[Row]:
    """The active people these sessions belong to, `credential` being the session's hash; none of a session that is
    pending."""
    return await db.rows(_ACTIVE_BY_HASHES, hashes=list(hashes))


async def load_sessions_of(db: Database, person: str, now: datetime) -> Sequence[Row]:
    """A person's sessions that have not expired, the newest first."""
    return await db.rows(_OF_PERSON, person=person, now=now)


def add_session(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    connection.execute(sa.insert(s).values(**row))


def set_stage(
    connection: sa.Connection, hashed: str, stage: SessionStage, expires_at: datetime, method: str | None = None
) -> bool:
    """True: the session is there and has come to this stage."""
    values = {"stage": stage, "expires_at": expires_at, **({"method": method} if method else {})}
    return connection.execute(sa.update(s).where(s.c.hash == hashed).values(**values)).rowcount == 1


def rename_session(
    connection: sa.Connection, old: str, new: str, stage: SessionStage, expires_at: datetime, method: str
) -> bool:
    """The session that waits for its second factor has another token, given by its hash, and comes to this stage.
    False: it has ended, or waits no longer."""
    values = {"hash": new, "stage": stage, "expires_at": expires_at, "method": method}
    waiting = sa.update(s).where(s.c.hash == old, s.c.stage == SessionStage.PENDING_FACTOR)
    renamed = connection.execute(waiting.values(**values)).rowcount == 1
    if renamed:
        _move_devices(connection, old, new)
    return renamed


def finish_stage(connection: sa.Connection, hashed: str, stage: SessionStage, expires_at: datetime) -> None:
    """The session is active from now on, if it is at this stage."""
    pending = sa.update(s).where(s.c.hash == hashed, s.c.stage == stage)
    connection.execute(pending.values(stage=SessionStage.ACTIVE, expires_at=expires_at))


def load_people_of(connection: sa.Connection, hashes: Sequence[str]) -> list[str]:
    """The person of each of these sessions that is there."""
    return list(connection.execute(sa.select(s.c.person).where(s.c.hash.in_(hashes))).scalars())


def end_session(connection: sa.Connection, hashed: str) -> int:
    """How many were ended: one or none."""
    return _end(connection, s.c.hash == hashed)


def replace_session(connection: sa.Connection, before: str, new: str, person: str) -> None:
    """End the session that a client had before; of its push devices those of the same person stay, by the new one."""
    _move_devices(connection, before, new, person)
    end_session(connection, before)
    _delete_devices(connection, d.c.session.in_(lookup_variants(before)))


def _move_devices(connection: sa.Connection, old: str, new: str, person: str | None = None) -> None:
    moved = sa.update(d).where(d.c.session.in_(lookup_variants(old)))
    connection.execute((moved if person is None else moved.where(d.c.person == person)).values(session=new))


def delete_devices_of(connection: sa.Connection, person: str, keep: str | None = None) -> int:
    """The push devices of a person, but for those of the session whose hash is `keep`; how many."""
    kept = () if keep is None else (sa.or_(d.c.session.is_(None), d.c.session.not_in(lookup_variants(keep))),)
    return _delete_devices(connection, d.c.person == person, *kept)


def _delete_devices(connection: sa.Connection, *which: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.delete(d).where(*which)).rowcount


def end_session_of(connection: sa.Connection, person: str, session: str) -> int:
    """End the session of that person which lists call so; how many: one or none."""
    return _end(connection, s.c.person == person, sa.func.substr(s.c.hash, 1, ID_LENGTH) == session)


def end_sessions_of(connection: sa.Connection, person: str, keep: str | None = None) -> int:
    """Log a person out everywhere, but for the session whose hash is `keep`; how many sessions ended. Their push
    devices go too, also those of sessions that ran out."""
    delete_devices_of(connection, person, keep)
    kept = (s.c.hash != keep,) if keep is not None else ()
    return _end(connection, s.c.person == person, *kept)


def _end(connection: sa.Connection, *which: sa.ColumnElement[bool]) -> int:
    """Whoever is logged out is told of dangers no more by the browser of that session; one that runs out by itself
    leaves its push device."""
    ended = connection.execute(sa.delete(s).where(*which).returning(s.c.hash)).scalars().all()
    if ended:
        _delete_devices(connection, d.c.session.in_(ended))
        bump_access_version(connection)
    return len(ended)


def delete_expired_sessions(connection: sa.Connection, now: datetime, seen_before: datetime) -> int:
    """Delete sessions that have expired or were last used before `seen_before`; how many."""
    moment = sa.func.coalesce(s.c.seen_at, s.c.created_at)
    over = sa.or_(
        s.c.expires_at < sa.bindparam("now", now, type_=Instant),
        moment < sa.bindparam("seen_before", seen_before, type_=Instant),
    )
    return connection.execute(sa.delete(s).where(over)).rowcount


def write_last_use(
    connection: sa.Connection, sessions: Collection[tuple[str, datetime]], keys: Collection[tuple[str, datetime]]
) -> None:
    """When sessions (by hash) and keys (by id) were used last. A moment before the one stored changes nothing."""
    for of, column, seen in ((s.c.hash, s.c.seen_at, sessions), (k.c.id, k.c.last_used_at, keys)):
        if seen:
            newer = sa.or_(column.is_(None), column < sa.bindparam("moment", type_=Instant))
            statement = sa.update(of.table).where(of == sa.bindparam("which"), newer)
            statement = statement.values({column.name: sa.bindparam("moment", type_=Instant)})
            connection.execute(statement, [{"which": which, "moment": moment} for which, moment in sorted(seen)])

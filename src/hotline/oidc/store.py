"""Identity providers, identities and the sessions that began there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery, Row
from hotline.oidc.tables import identity as i
from hotline.oidc.tables import identity_provider as p
from hotline.oidc.tables import provider_session as s

_PROVIDERS = PreparedQuery(sa.select(*p.c).order_by(p.c.code))
_IDENTITY = PreparedQuery(
    sa.select(i.c.person).where(
        i.c.issuer == sa.bindparam("issuer", type_=sa.String), i.c.subject == sa.bindparam("subject", type_=sa.String)
    )
)
_LINKED = PreparedQuery(sa.select(i.c.person).distinct())
_OF_PERSON = PreparedQuery(sa.select(i.c.subject).where(i.c.person == sa.bindparam("person", type_=sa.String)).limit(1))
_SESSION = PreparedQuery(sa.select(*s.c).where(s.c.session == sa.bindparam("session", type_=sa.String)))


async def load_providers(db: Database) -> Sequence[Row]:
    """All identity providers, by code: code, body, secret (sealed), changed_at."""
    return await db.rows(_PROVIDERS)


async def load_identity(db: Database, issuer: str, subject: str) -> str | None:
    """The person that is this subject at this issuer."""
    row = await fetch_first(db, _IDENTITY, issuer=issuer, subject=subject)
    return str(row.person) if row else None


async def load_linked_people(db: Database) -> set[str]:
    """Who logs in at an identity provider: ids of people."""
    return {row.person for row in await db.rows(_LINKED)}


async def has_identity(db: Database, person: str) -> bool:
    """Whether a person is somebody at an identity provider, at one that was removed, too."""
    return await fetch_first(db, _OF_PERSON, person=person) is not None


async def load_session(db: Database, session: str) -> Row | None:
    """Where a session began. None: not at an identity provider."""
    return await fetch_first(db, _SESSION, session=session)


def store_provider(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Add a provider, or put these values in the place of its old ones."""
    insert_ignoring_duplicates(connection, p, [row])
    values = {name: value for name, value in row.items() if name != "code"}
    connection.execute(sa.update(p).where(p.c.code == row["code"]).values(**values))


def delete_provider(connection: sa.Connection, code: str) -> bool:
    return connection.execute(sa.delete(p).where(p.c.code == code)).rowcount == 1


def add_identity(connection: sa.Connection, issuer: str, subject: str, person: str, now: datetime) -> None:
    """An identity that is there already raises IntegrityError."""
    row = {"issuer": issuer, "subject": subject, "person": person, "created_at": now, "last_at": now}
    connection.execute(sa.insert(i).values(**row))


def note_log_in(connection: sa.Connection, issuer: str, subject: str, now: datetime) -> None:
    connection.execute(sa.update(i).where(i.c.issuer == issuer, i.c.subject == subject).values(last_at=now))


def delete_identity(connection: sa.Connection, issuer: str, subject: str) -> str | None:
    """Whose it was. None: nobody's."""
    forget = sa.delete(i).where(i.c.issuer == issuer, i.c.subject == subject).returning(i.c.person)
    return connection.execute(forget).scalar()


def rename_session(connection: sa.Connection, old: str, new: str) -> None:
    """A session that began at a provider has another token from now on; both by their hashes."""
    connection.execute(sa.update(s).where(s.c.session == old).values(session=new))


def add_session(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    connection.execute(sa.insert(s).values(**row))


def take_sessions(connection: sa.Connection, provider: str, subject: str | None, sid: str | None) -> list[str]:
    """The sessions of that subject, or of that session of the provider, which are forgotten here: their hashes. A
    session whose ID token named none counts as that one of its subject. None of both: all of the provider."""
    which = [s.c.provider == provider]
    if subject is not None:
        which.append(s.c.subject == subject)
    if sid is not None:
        unnamed = sa.and_(s.c.sid.is_(None), sa.true() if subject is not None else sa.false())
        which.append(sa.or_(s.c.sid == sid, unnamed))
    return list(connection.execute(sa.delete(s).where(*which).returning(s.c.session)).scalars())


def delete_session(connection: sa.Connection, session: str) -> None:
    connection.execute(sa.delete(s).where(s.c.session == session))


def delete_expired_sessions(connection: sa.Connection, now: datetime) -> int:
    return connection.execute(sa.delete(s).where(s.c.expires_at < sa.bindparam("now", now, type_=Instant))).rowcount

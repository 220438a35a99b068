"""Second factors, recovery codes and answered challenges."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Instant, ListContains
from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery, Row
from hotline.organisation.model.second_factors import FactorKind
from hotline.organisation.tables import person as p
from hotline.organisation.tables import recovery_code as r
from hotline.organisation.tables import second_factor as f
from hotline.organisation.tables import used_challenge as u

_PERSON = sa.bindparam("person", type_=sa.String)
_CONFIRMED = PreparedQuery(
    sa.select(*f.c).where(f.c.person == _PERSON, f.c.confirmed_at.is_not(None)).order_by(f.c.created_at, f.c.id)
)
_ONE = PreparedQuery(sa.select(*f.c).where(f.c.id == sa.bindparam("id", type_=sa.String), f.c.person == _PERSON))
_BY_CREDENTIAL = PreparedQuery(
    sa.select(*f.c)
    .select_from(f.join(p, p.c.id == f.c.person))
    .where(f.c.credential == sa.bindparam("credential", type_=sa.String), p.c.active.is_(True))
)
_CODES_LEFT = PreparedQuery(
    sa.select(sa.func.count().label("n")).select_from(r).where(r.c.person == _PERSON, r.c.used_at.is_(None))
)
_COUNTS = PreparedQuery(
    sa.select(p.c.login, sa.func.count().label("n"))
    .select_from(f.join(p, p.c.id == f.c.person))
    .where(f.c.confirmed_at.is_not(None))
    .group_by(p.c.login)
    .order_by(p.c.login)
)
_UNPROTECTED = PreparedQuery(
    sa.select(p.c.id, p.c.login)
    .where(
        p.c.active.is_(True),
        ListContains(p.c.roles, "role"),
        ~sa.exists().where(f.c.person == p.c.id, f.c.confirmed_at.is_not(None)),
    )
    .order_by(p.c.login)
)


async def load_factors(db: Database, person: str) -> Sequence[Row]:
    """A person's factors that were confirmed, the oldest first."""
    return await db.rows(_CONFIRMED, person=person)


async def load_factor(db: Database, person: str, factor: str) -> Row | None:
    """One of a person's factors, confirmed or not."""
    return await fetch_first(db, _ONE, person=person, id=factor)


async def load_passkey(db: Database, credential: str) -> Row | None:
    """The passkey of that id, if the account it belongs to is open."""
    return await fetch_first(db, _BY_CREDENTIAL, credential=credential)


async def count_recovery_codes(db: Database, person: str) -> int:
    """How many of a person's recovery codes are not used."""
    row = await fetch_first(db, _CODES_LEFT, person=person)
    return int(row.n) if row else 0


async def load_factor_counts(db: Database) -> dict[str, int]:
    """Who has factors: log-in -> how many."""
    return {row.login: int(row.n) for row in await db.rows(_COUNTS)}


async def load_unprotected(db: Database, role: str) -> dict[str, str]:
    """Who can log in, holds this role and has no factor: id -> log-in."""
    return {row.id: row.login for row in await db.rows(_UNPROTECTED, role=role)}


def lock_factors(connection: sa.Connection, person: str) -> None:
    """Until COMMIT nobody else changes this person's factors: what is counted stays as it was counted."""
    connection.execute(sa.select(p.c.id).where(p.c.id == person).with_for_update())


def add_factor(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """A passkey that is there already raises IntegrityError."""
    connection.execute(sa.insert(f).values(**row))


def count_factors(connection: sa.Connection, person: str) -> int:
    """How many factors a person has, confirmed ones alone; seen from this transaction."""
    counted = sa.select(sa.func.count()).select_from(f).where(f.c.person == person, f.c.confirmed_at.is_not(None))
    return int(connection.execute(counted).scalar_one())


def delete_unconfirmed(connection: sa.Connection, person: str) -> None:
    connection.execute(sa.delete(f).where(f.c.person == person, f.c.confirmed_at.is_(None)))


def confirm_factor(connection: sa.Connection, factor: str, step: int, now: datetime) -> bool:
    """True: it was not confirmed before, and is now."""
    waiting = sa.update(f).where(f.c.id == factor, f.c.confirmed_at.is_(None))
    return connection.execute(waiting.values(confirmed_at=now, last_used_at=now, counter=step)).rowcount == 1


def use_step(connection: sa.Connection, factor: str, step: int, now: datetime) -> bool:
    """True: no code of this step or a later one was used before."""
    unused = sa.update(f).where(f.c.id == factor, f.c.kind == FactorKind.TOTP, f.c.counter < step)
    return connection.execute(unused.values(counter=step, last_used_at=now)).rowcount == 1


def use_passkey(connection: sa.Connection, factor: str, count: int, now: datetime) -> bool:
    """True: the passkey is still there, and its count has not gone back."""
    known = sa.update(f).where(f.c.id == factor, f.c.kind == FactorKind.PASSKEY, f.c.counter <= count)
    return connection.execute(known.values(counter=count, last_used_at=now)).rowcount == 1


def delete_factor(connection: sa.Connection, person: str, factor: str) -> str | None:
    """The kind of the factor that is gone. None: there was none of a person's of that id."""
    gone = sa.delete(f).where(f.c.id == factor, f.c.person == person).returning(f.c.kind)
    return connection.execute(gone).scalar()


def delete_factors(connection: sa.Connection, person: str) -> int:
    """Delete all factors and recovery codes of a person; how many factors had been confirmed."""
    count = count_factors(connection, person)
    connection.execute(sa.delete(f).where(f.c.person == person))
    delete_recovery_codes(connection, person)
    return count


def delete_recovery_codes(connection: sa.Connection, person: str) -> None:
    connection.execute(sa.delete(r).where(r.c.person == person))


def add_recovery_codes(connection: sa.Connection, person: str, hashes: Iterable[str], now: datetime) -> None:
    connection.execute(sa.insert(r), [{"hash": h, "person": person, "created_at": now} for h in hashes])


def use_recovery_code(connection: sa.Connection, person: str, hashed: str, now: datetime) -> bool:
    """True: it is a code of the person's, and was not used before."""
    unused = sa.update(r).where(r.c.hash == hashed, r.c.person == person, r.c.used_at.is_(None))
    return connection.execute(unused.values(used_at=now)).rowcount == 1


def use_challenge(connection: sa.Connection, hashed: str, expires: datetime) -> None:
    """A challenge that was answered before raises IntegrityError."""
    connection.execute(sa.insert(u).values(hash=hashed, expires_at=expires))


def delete_expired_challenges(connection: sa.Connection, now: datetime) -> int:
    """Delete challenges that have expired; how many."""
    return connection.execute(sa.delete(u).where(u.c.expires_at < sa.bindparam("now", now, type_=Instant))).rowcount


def delete_stale_factors(connection: sa.Connection, before: datetime) -> int:
    """Delete what was begun before and never confirmed; how many."""
    stale = sa.delete(f).where(
        f.c.confirmed_at.is_(None), f.c.created_at < sa.bindparam("before", before, type_=Instant)
    )
    return connection.execute(stale).rowcount

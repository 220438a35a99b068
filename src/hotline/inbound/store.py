"""Queries of pushed items: stored once by the provider's own id, processed in order for each sender."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import Instant, in_words
from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.leases import MAX_CLOCK_AHEAD, database_time, is_free
from hotline.database.prepared import PreparedQuery, Row
from hotline.inbound.model import Effect
from hotline.inbound.model import InboundKind as K
from hotline.inbound.model import InboundStatus as S
from hotline.inbound.tables import inbound as i

LEASE = timedelta(seconds=30)
_WAITING = (S.KEPT, S.LEASED)


def insert_items(c: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what was pushed; what we have already is left as it is."""
    for at in range(0, len(rows), 500):
        insert_ignoring_duplicates(c, i, sorted(rows[at : at + 500], key=lambda r: (r["gateway"], r["kind"], r["key"])))


def claim(c: sa.Connection, now: datetime, token: str, limit: int) -> Sequence[Row]:
    """The next items to process, leased for LEASE by the database's clock: dangers first, then the oldest; one at a
    time for each partition."""
    database_now = database_time(c)
    earlier = i.alias("earlier")
    first = ~(
        sa.select(sa.literal(1))
        .select_from(earlier)
        .where(earlier.c.partition == i.c.partition, in_words(earlier.c.status, _WAITING), earlier.c.id < i.c.id)
        .exists()
    )
    free = sa.or_(i.c.status == S.KEPT, is_free(i.c.lease_until, database_now, LEASE))
    due = (
        sa.select(i.c.id)
        .where(in_words(i.c.status, _WAITING), i.c.next_at <= max(now, database_now), free)
        # a part of a long text waits for the others without blocking them; a danger is processed at once
        .where(sa.or_(first, i.c.kind == K.PART, i.c.urgent))
        .order_by(i.c.urgent.desc(), i.c.next_at, i.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    take = (
        sa.update(i)
        .where(i.c.id.in_(due.scalar_subquery()))
        .values(status=S.LEASED, lease_token=token, lease_until=database_now + LEASE, attempts=i.c.attempts + 1)
    )
    return c.execute(take.returning(*i.c)).all()


def finish(c: sa.Connection, id: str, token: str, values: Mapping[str, Any]) -> bool:  # noqa: A002
    """Write the outcome of an item. False: another worker holds it now."""
    mine = sa.update(i).where(i.c.id == id, i.c.lease_token == token)
    return c.execute(mine.values(**values, lease_token=None, lease_until=None)).rowcount == 1


def correct_future_due(c: sa.Connection) -> int:
    """What was kept by a process whose clock is ahead is due now, not when the true time gets there; how many."""
    at = database_time(c)
    ahead = sa.and_(i.c.status == S.KEPT, i.c.received_at > at + MAX_CLOCK_AHEAD, i.c.next_at > at + MAX_CLOCK_AHEAD)
    return c.execute(sa.update(i).where(ahead).values(next_at=at)).rowcount


def reschedule(c: sa.Connection, id: str, token: str, next_at: datetime, reason: str) -> None:  # noqa: A002
    c.execute(
        sa.update(i)
        .where(i.c.id == id, i.c.lease_token == token)
        .values(status=S.KEPT, next_at=next_at, why=reason[:500], lease_token=None, lease_until=None)
    )


def load_parts(c: sa.Connection, partition: str) -> Sequence[Row]:
    """All parts of one long text that have come, in order; done ones too."""
    group = sa.select(*i.c).where(i.c.partition == partition, i.c.kind == K.PART)
    return c.execute(group.order_by(i.c.id).with_for_update()).all()  # two workers must not join it in two ways


def count_known(c: sa.Connection, keys: Sequence[tuple[str, str, str]]) -> int:
    """How many of these (gateway, kind, key) are here."""
    columns = sa.tuple_(i.c.gateway, i.c.kind, i.c.key)
    found = 0
    for at in range(0, len(keys), 200):
        some = list(keys[at : at + 200])
        found += c.execute(sa.select(sa.func.count()).select_from(i).where(columns.in_(some))).scalar_one()
    return found


def load_item_id(c: sa.Connection, gateway: str, kind: K, key: str) -> str | None:
    """The id under which this was kept."""
    found = sa.select(i.c.id).where(i.c.gateway == gateway, i.c.kind == kind, i.c.key == key)
    return c.execute(found).scalar()


def update_item(
    c: sa.Connection,
    id: str,  # noqa: A002
    values: Mapping[str, Any],
    allowed_statuses: Sequence[S] | None = None,
) -> bool:
    """Write to one row, whichever worker holds it; `allowed_statuses` while it stands in one of these states."""
    where = [i.c.id == id] + ([i.c.status.in_(list(allowed_statuses))] if allowed_statuses else [])
    return c.execute(sa.update(i).where(*where).values(**values)).rowcount == 1


_ONE = PreparedQuery(sa.select(*i.c).where(i.c.id == sa.bindparam("id", type_=sa.String)))
_KEYED = PreparedQuery(
    sa.select(*i.c).where(
        i.c.gateway == sa.bindparam("gateway", type_=sa.String),
        i.c.kind == sa.bindparam("kind", type_=sa.String),
        i.c.key == sa.bindparam("key", type_=sa.String),
    )
)
_TEXTS_LATELY = sa.select(sa.func.count().label("n")).where(
    i.c.sender == sa.bindparam("sender", type_=i.c.sender.type),
    i.c.received_at > sa.bindparam("since", type_=Instant),
    i.c.id <= sa.bindparam("upto", type_=sa.String),
    i.c.kind == K.TEXT,
)
_LATELY = PreparedQuery(_TEXTS_LATELY)
_OPTED_LATELY = PreparedQuery(_TEXTS_LATELY.where(in_words(i.c.effect, (Effect.OPTED_OUT, Effect.OPTED_IN))))
_OLDEST = PreparedQuery(
    sa.select(sa.func.min(i.c.next_at).label("at"), sa.func.count().label("n")).where(
        in_words(i.c.status, _WAITING), i.c.next_at <= sa.bindparam("now", type_=Instant)
    )
)
_ODD = PreparedQuery(
    sa.select(sa.func.count().label("n")).select_from(
        sa.select(i.c.id).where(i.c.status == S.ODD).limit(1000).subquery()
    )
)


async def load_item(db: Database, id: str) -> Row | None:  # noqa: A002
    return await fetch_first(db, _ONE, id=id)


async def load_item_by_key(db: Database, gateway: str, kind: str, key: str) -> Row | None:
    return await fetch_first(db, _KEYED, gateway=gateway, kind=kind, key=key)


async def count_recent_texts(db: Database, sender: str, since: datetime, last_id: str) -> int:
    """How many texts of this sender came since then, up to the one of that id."""
    row = await fetch_first(db, _LATELY, sender=sender, since=since, upto=last_id)
    return int(row.n) if row else 0


async def has_opted_recently(db: Database, sender: str, since: datetime, last_id: str) -> bool:
    """Whether this sender opted out or in since then, up to the text of that id."""
    row = await fetch_first(db, _OPTED_LATELY, sender=sender, since=since, upto=last_id)
    return row is not None and row.n > 0


async def load_waiting_summary(db: Database, now: datetime) -> Row | None:
    """When the oldest unprocessed item was due (`at`), and how many are (`n`)."""
    return await fetch_first(db, _OLDEST, now=now)


async def count_items_for_review(db: Database) -> int:
    """How many wait for review, up to 1,000."""
    row = await fetch_first(db, _ODD)
    return int(row.n) if row else 0


def count_old_items(c: sa.Connection, before_id: str) -> int:
    """How many items of ids below `before_id` are processed or dismissed."""
    old = sa.and_(i.c.status.in_((S.DONE, S.DISMISSED)), i.c.id < before_id)
    return int(c.execute(sa.select(sa.func.count()).select_from(i).where(old)).scalar_one())


def delete_old_items(c: sa.Connection, before_id: str, limit: int) -> int:
    """Delete processed and dismissed items of ids below `before_id`; how many. Items that wait for review stay."""
    gone = 0
    for status in (S.DONE, S.DISMISSED):
        old = sa.select(i.c.id).where(i.c.status == status, i.c.id < before_id).order_by(i.c.id).limit(limit)
        gone += c.execute(sa.delete(i).where(i.c.id.in_(old))).rowcount
    return gone

"""Queries of learning."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant
from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.leases import database_time, is_free
from hotline.database.prepared import PreparedQuery, Row
from hotline.learning.model.labels import DECISIONS, TriageLabel
from hotline.learning.tables import learning_state as s
from hotline.learning.tables import model_check as k
from hotline.learning.tables import model_use as u
from hotline.learning.tables import model_version as v
from hotline.learning.tables import triage_label as lb
from hotline.tickets.model.undo import UNDOABLE
from hotline.tickets.model.vocabulary import HELD, Action, Part
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import ticket as t
from hotline.tickets.tables import timeline as tl

ONE = "triage"  # the key of the one row of learning_state
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)  # before every entry
_limit, _since = sa.bindparam("limit", type_=sa.Integer), sa.bindparam("since", type_=Instant)
_until = sa.bindparam("until", type_=Instant)

_ENTRIES = PreparedQuery(
    sa.select(tl.c.at, tl.c.number, tl.c.seq)
    .where(tl.c.at > _since, tl.c.at <= _until)
    .order_by(tl.c.at, tl.c.number, tl.c.seq)
    .limit(_limit)
)


async def load_entries(db: Database, since: datetime, until: datetime, limit: int) -> Sequence[Row]:
    """Moment, ticket and place of the entries of all timelines after `since`, oldest first."""
    return await db.rows(_ENTRIES, since=since, until=until, limit=limit)


_number, _seq = sa.bindparam("number", type_=sa.String), sa.bindparam("seq", type_=sa.Integer)
_REST = PreparedQuery(
    sa.select(tl.c.at, tl.c.number, tl.c.seq)
    .where(tl.c.at == _since, sa.or_(tl.c.number > _number, sa.and_(tl.c.number == _number, tl.c.seq > _seq)))
    .order_by(tl.c.number, tl.c.seq)
    .limit(_limit)
)


async def load_entries_of_moment(db: Database, last: Row, limit: int) -> Sequence[Row]:
    """The entries that follow `last` in the order of `load_entries` and have the same moment."""
    return await db.rows(_REST, since=last.at, number=last.number, seq=last.seq, limit=limit)


_TICKETS = PreparedQuery(
    sa.select(t.c.number, t.c.status, t.c.category, t.c.kind, t.c.ended_at, t.c.advice).where(
        InCodes(t.c.number, "numbers")
    )
)
_DECISIONS = PreparedQuery(
    sa.select(tl.c.number, tl.c.at, tl.c.by_kind, tl.c.by_id, tl.c.action, tl.c.status_to, tl.c.changes)
    .where(InCodes(tl.c.number, "numbers"), InCodes(tl.c.action, "actions"))
    .order_by(tl.c.number, tl.c.seq)
)
_LEADS = PreparedQuery(
    sa.select(a.c.number, a.c.department)
    .where(InCodes(a.c.number, "numbers"), a.c.part == Part.LEAD, InCodes(a.c.status, "held"))
    .order_by(a.c.number, a.c.issued_at, a.c.id)
)


async def load_decided(db: Database, numbers: Sequence[str]) -> tuple[Sequence[Row], Sequence[Row], Mapping[str, str]]:
    """Tickets, the decisions in their timelines in order with what undid them, and the department of each one's last
    lead order that was neither returned nor recalled."""
    tickets = await db.rows(_TICKETS, numbers=numbers)
    decisions = await db.rows(_DECISIONS, numbers=numbers, actions=sorted({*DECISIONS, *UNDOABLE, Action.UNDO}))
    leads = await db.rows(_LEADS, numbers=numbers, held=sorted(HELD))
    return tickets, decisions, {row.number: row.department for row in leads}


_DECIDED = ("number", "category", "kind", "department", "by_id", "strong")


def write_labels(c: sa.Connection, numbers: Sequence[str], labels: Sequence[TriageLabel], now: datetime) -> None:
    """Replace the labels of these tickets. What was decided as before is no new decision: it keeps its `noted_at`."""
    columns = [lb.c[name] for name in (*_DECIDED, "noted_at")]
    before = c.execute(sa.select(*columns).where(lb.c.number.in_(numbers)))
    noted = {tuple(getattr(row, name) for name in _DECIDED): row.noted_at for row in before}
    c.execute(sa.delete(lb).where(lb.c.number.in_(numbers)))
    rows = []
    for label in labels:
        row = asdict(label)
        row["by_id"] = row.pop("by")
        rows.append({**row, "noted_at": noted.get(tuple(row[name] for name in _DECIDED), now)})
    if rows:
        insert_ignoring_duplicates(c, lb, rows)


_STATE = PreparedQuery(sa.select(*s.c).where(s.c.id == ONE))


async def load_state(db: Database) -> Row | None:
    """How far the worker has come. None: it has not begun."""
    return await fetch_first(db, _STATE)


def write_state(c: sa.Connection, values: Mapping[str, Any]) -> None:
    """Set columns of the one row."""
    if c.execute(sa.update(s).where(s.c.id == ONE).values(**values)).rowcount == 0:
        insert_ignoring_duplicates(c, s, [{"id": ONE, "read_to": BEGINNING, **values}])


def take_lease(c: sa.Connection, token: str, length: timedelta) -> bool:
    """Whether this process may train or review now: one at a time."""
    insert_ignoring_duplicates(c, s, [{"id": ONE, "read_to": BEGINNING}])
    now = database_time(c)
    free = is_free(s.c.lease_until, now, length)
    values = {"lease_until": now + length, "lease_token": token}
    return c.execute(sa.update(s).where(s.c.id == ONE, free).values(**values)).rowcount == 1


def release_lease(c: sa.Connection, token: str, values: Mapping[str, Any]) -> None:
    """Let go, and set columns."""
    c.execute(
        sa.update(s).where(s.c.id == ONE, s.c.lease_token == token).values(lease_until=None, lease_token=None, **values)
    )


_NEWLY_NOTED = PreparedQuery(
    sa.select(sa.func.count().label("n")).select_from(
        sa.select(lb.c.number).where(lb.c.strong, lb.c.noted_at > _since).limit(_limit).subquery()
    )
)


async def count_new_labels(db: Database, since: datetime, limit: int) -> int:
    """Strong labels that were read after `since`, up to `limit`."""
    return int((await db.rows(_NEWLY_NOTED, since=since, limit=limit))[0].n)


_LABELLED = PreparedQuery(
    sa.select(*lb.c, t.c.narrative)
    .join(t, t.c.number == lb.c.number)
    .order_by(lb.c.strong.desc(), lb.c.at.desc(), lb.c.number.desc())
    .limit(_limit)
)


async def load_labelled(db: Database, limit: int) -> Sequence[Row]:
    """The newest strong labels, and the newest weak ones for what is left of `limit`, with their narratives; oldest
    first."""
    return sorted(await db.rows(_LABELLED, limit=limit), key=lambda row: (row.at, row.number))


_NARRATIVES = PreparedQuery(
    sa.select(t.c.narrative)
    .where(t.c.created_at > _since)
    .order_by(t.c.created_at.desc(), t.c.number.desc())
    .limit(_limit)
)


async def load_narratives(db: Database, since: datetime, limit: int) -> Sequence[str]:
    """The newest narratives after `since`."""
    return [row.narrative for row in await db.rows(_NARRATIVES, since=since, limit=limit)]


_JUDGED = PreparedQuery(
    sa.select(*lb.c)
    .where(lb.c.at > _since, lb.c.version.is_not(None))
    .order_by(lb.c.at.desc(), lb.c.number.desc())
    .limit(_limit)
)


async def load_judged(db: Database, since: datetime, limit: int) -> Sequence[Row]:
    """The newest labels after `since` of texts on which a model had an opinion, oldest first."""
    return list(reversed(await db.rows(_JUDGED, since=since, limit=limit)))


_SINCE = PreparedQuery(
    sa.select(*lb.c).where(lb.c.at > _since).order_by(lb.c.at.desc(), lb.c.number.desc()).limit(_limit)
)


async def load_labels(db: Database, since: datetime, limit: int) -> Sequence[Row]:
    """The newest labels after `since`, oldest first."""
    return list(reversed(await db.rows(_SINCE, since=since, limit=limit)))


_DISAGREEMENTS = PreparedQuery(
    sa.select(*lb.c)
    .where(lb.c.strong, lb.c.guess.is_not(None), lb.c.guess != lb.c.category)
    .order_by(lb.c.at.desc(), lb.c.number.desc())
    .limit(_limit)
)


async def load_disagreements(db: Database, limit: int) -> Sequence[Row]:
    """The newest labels by persons that are not what the model said at intake, newest first."""
    return await db.rows(_DISAGREEMENTS, limit=limit)


_COUNTS = PreparedQuery(
    sa.select(sa.func.count().label("labels"), sa.func.sum(sa.cast(lb.c.strong, sa.Integer)).label("strong"))
)


async def count_labels(db: Database) -> tuple[int, int]:
    """All labels, and the strong ones."""
    row = (await db.rows(_COUNTS))[0]
    return int(row.labels), int(row.strong or 0)


_PLAIN = [column for column in v.c if column.name != "arrays"]
_VERSIONS = PreparedQuery(sa.select(*_PLAIN).order_by(v.c.version.desc()).limit(_limit))
_VERSION = PreparedQuery(sa.select(*_PLAIN).where(v.c.version == sa.bindparam("version", type_=sa.Integer)))
_ARRAYS = PreparedQuery(sa.select(v.c.arrays).where(v.c.version == sa.bindparam("version", type_=sa.Integer)))


async def load_versions(db: Database, limit: int) -> Sequence[Row]:
    """The newest versions, newest first, without their arrays."""
    return await db.rows(_VERSIONS, limit=limit)


async def load_version(db: Database, version: int) -> Row | None:
    """One version without its arrays."""
    return await fetch_first(db, _VERSION, version=version)


async def load_arrays(db: Database, version: int) -> bytes:
    """The arrays of a version that is there."""
    return bytes((await db.rows(_ARRAYS, version=version))[0].arrays)


def insert_version(c: sa.Connection, row: Mapping[str, Any]) -> int:
    """Add a version under the next number."""
    number = int(c.execute(sa.select(sa.func.coalesce(sa.func.max(v.c.version), 0))).scalar_one()) + 1
    c.execute(sa.insert(v).values(version=number, **row))
    return number


_USES = PreparedQuery(sa.select(*u.c).order_by(u.c.id.desc()).limit(_limit))


async def load_uses(db: Database, limit: int) -> Sequence[Row]:
    """Which version was in use, newest first: the first row holds now."""
    return await db.rows(_USES, limit=limit)


def insert_use(c: sa.Connection, row: Mapping[str, Any]) -> None:
    """Put a version into use, whichever is in use now: what a person decides."""
    c.execute(sa.select(s.c.id).where(s.c.id == ONE).with_for_update())  # one after the other
    c.execute(sa.insert(u).values(**row))


def insert_next_use(c: sa.Connection, row: Mapping[str, Any], last: Row | None) -> bool:
    """Put a version into use if the last use is still the one that was read (None: there was none). False: somebody
    has put another into use meanwhile, and nothing was written."""
    c.execute(sa.select(s.c.id).where(s.c.id == ONE).with_for_update())
    newest = c.execute(sa.select(sa.func.max(u.c.id))).scalar_one()
    if newest != (last.id if last is not None else None):
        return False
    c.execute(sa.insert(u).values(**row))
    return True


_CHECKS = PreparedQuery(sa.select(*k.c).order_by(k.c.at.desc()).limit(_limit))


async def load_checks(db: Database, limit: int) -> Sequence[Row]:
    """The newest weekly checks, newest first."""
    return await db.rows(_CHECKS, limit=limit)


def insert_check(c: sa.Connection, row: Mapping[str, Any]) -> None:
    c.execute(sa.insert(k).values(**row))


def delete_old_versions(c: sa.Connection, before: datetime, unused_before: datetime, limit: int) -> int:
    """Delete versions with their uses and checks: those made before `before`, and of those that were never in use those
    made before `unused_before`; the one in use stays. How many there were."""
    in_use = sa.select(u.c.version).order_by(u.c.id.desc()).limit(1).scalar_subquery()
    unused = sa.and_(v.c.made_at < unused_before, v.c.version.not_in(sa.select(u.c.version)))
    of_age = sa.or_(v.c.made_at < before, unused)
    old = sa.select(v.c.version).where(of_age, v.c.version != sa.func.coalesce(in_use, 0)).limit(limit)
    versions = list(c.execute(old).scalars())
    for table in (u, k, v):
        c.execute(sa.delete(table).where(table.c.version.in_(versions)))
    return len(versions)

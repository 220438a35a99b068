"""Rows of the security log: added to its chain, and read by who, what and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any, Protocol

import sqlalchemy as sa

from hotline.database.columns import Instant, format_instant, sealing_of
from hotline.database.engine import Database
from hotline.database.hash_chain import GENESIS, chain_hash
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery, Row
from hotline.security_log.client import current_client_address
from hotline.security_log.tables import chain_head as h
from hotline.security_log.tables import security_log as s
from hotline.security_log.vocabulary import Deed, EventOutcome

LAST = 2**62
CHAIN = "security_log"
CHAINED = tuple(c.name for c in s.columns if c.name != "hash")  # what a row's hash covers, in this order
CHECKPOINTS = "checkpoints"
_HEAD = sa.select(h.c.position, h.c.hash).where(h.c.name == sa.bindparam("name")).with_for_update()
_SHOWN = tuple(c for c in s.columns if c.name != "hash")
_BATCH = PreparedQuery(
    sa.select(*s.columns)
    .where(s.c.position > sa.bindparam("after", type_=sa.BigInteger))
    .order_by(s.c.position)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ADD = sa.insert(s)
_MOVE = (
    sa.update(h)
    .where(h.c.name == sa.bindparam("chain"))
    .values(position=sa.bindparam("last"), hash=sa.bindparam("last_hash"))
)


class Identity(Protocol):
    """Whoever did it: an actor, for one."""

    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Principal:
    """An identity where no actor is at hand. `kind`: person, key, clock, system or nobody."""

    kind: str
    id: str
    name: str


NOBODY = Principal("nobody", "nobody", "nobody")  # whoever has not logged in
SYSTEM = Principal("system", "system", "system")  # the worker, of its own accord


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One row. Made before its transaction, in the request: it takes the client's address from there.

    `about`: a kind (an EventSubject, or a noun of the directory) and an id. `details`:
    words, codes, numbers and lists of them by name; never a phone number, a secret, or what somebody wrote."""

    deed: Deed
    by: Identity
    at: datetime
    about: tuple[str, str] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    outcome: EventOutcome = EventOutcome.DONE
    address: str | None = field(default_factory=current_client_address)


def lock_head(connection: sa.Connection, chain: str) -> tuple[int, str]:
    """The last position of a chain and its hash, locked until COMMIT."""
    head = connection.execute(_HEAD, {"name": chain}).first()
    if head is None:
        insert_ignoring_duplicates(connection, h, [{"name": chain, "position": 0, "hash": GENESIS}])
        head = connection.execute(_HEAD, {"name": chain}).one()
    return int(head.position), str(head.hash)


def move_head(connection: sa.Connection, chain: str, position: int, last_hash: str) -> None:
    """Set the end of a chain that is locked."""
    connection.execute(_MOVE, {"chain": chain, "last": position, "last_hash": last_hash})


def record_deeds(connection: sa.Connection, events: Sequence[SecurityEvent]) -> None:
    """Add events to the log, in the caller's transaction. Call it as the last thing in there: the end of the chain is
    locked until COMMIT."""
    if not events:
        return
    position, before = lock_head(connection, CHAIN)
    rows, key = [], sealing_of(connection.dialect).digest_key
    for event in events:
        position += 1
        row = _row(event, position)
        before = row["hash"] = chain_hash(key, before, chained_values(row))
        rows.append(row)
    connection.execute(_ADD, rows)
    move_head(connection, CHAIN, position, before)


def chained_values(row: Mapping[str, Any]) -> list[Any]:
    """What the hash of a row covers."""
    return [format_instant(row[name]) if name == "at" else row[name] for name in CHAINED]


def record_deed(connection: sa.Connection, event: SecurityEvent) -> None:
    """The same for one event."""
    record_deeds(connection, (event,))


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What of the log is asked for; None: all. `by`: who did it; `about`: to whom or what; both by id."""

    by: str | None = None
    about: str | None = None
    deed: Deed | None = None
    since: datetime | None = None
    before: datetime | None = None

    def given(self) -> dict[str, Any]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


_CONDITIONS: Mapping[str, sa.ColumnElement[bool]] = {
    "by": s.c.by_id == sa.bindparam("by", type_=sa.String),
    "about": s.c.about == sa.bindparam("about", type_=sa.String),
    "deed": s.c.deed == sa.bindparam("deed", type_=sa.String),
    "since": s.c.at >= sa.bindparam("since", type_=Instant),
    "before": s.c.at < sa.bindparam("before", type_=Instant),
}


@cache  # once for each combination of filters
def _page_query(filters: tuple[str, ...]) -> PreparedQuery:
    behind = s.c.position < sa.bindparam("behind", type_=sa.BigInteger)
    return PreparedQuery(
        sa.select(*_SHOWN)
        .where(behind, *(_CONDITIONS[name] for name in filters))
        .order_by(s.c.position.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


async def load_page(db: Database, wanted: LogFilter, behind: int | None, limit: int) -> Sequence[Row]:
    """Rows of the log, newest first, before the position `behind` (None: from the newest on)."""
    given = wanted.given()
    return await db.rows(_page_query(tuple(given)), behind=behind or LAST, limit=limit, **given)


async def load_after(db: Database, position: int, limit: int) -> Sequence[Row]:
    """Rows behind a position, in order."""
    return await db.rows(_BATCH, after=position, limit=limit)


def _row(event: SecurityEvent, position: int) -> dict[str, Any]:
    kind, about = event.about or (None, None)
    return {
        "position": position,
        "at": event.at,
        "deed": event.deed.value,
        "outcome": event.outcome.value,
        "by_kind": str(event.by.kind)[:16],
        "by_id": event.by.id[:60],
        "by_name": event.by.name,
        "address": event.address and event.address[:45],
        "about_kind": kind and kind[:16],
        "about": about and about[:80],
        "details": dict(event.details),
    }

"""The interface of both database engines, and the errors they raise. Code above this package does not depend on which
engine runs."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from hotline.database.prepared import BatchQuery, PreparedQuery, Row
from hotline.database.write_plan import StoredAnswer, WritePlan
from hotline.refusals import Code, Refusal, Refused

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Committed:
    answer: StoredAnswer


@dataclass(frozen=True, slots=True)
class Replayed:
    """The key was used before; this is what was answered then."""

    answer: StoredAnswer


@dataclass(frozen=True, slots=True)
class Stale:
    """A version moved on; nothing was written."""


Outcome = Committed | Replayed | Stale


class Database(Protocol):
    """One of the two engines."""

    dialect: sa.Dialect
    batchers: int
    round_trips: int  # so far
    has_single_writer: bool  # one writer: what it inserts is in commit order

    async def rows(self, query: PreparedQuery, /, **values: Any) -> list[Row]:
        """Ask outside any transaction."""

    async def rows_of_each(
        self, query: BatchQuery, requests: Sequence[Mapping[str, Any]], /, **shared: Any
    ) -> list[list[Row]]:
        """Ask for several requests at once, in one round trip: the rows of each, in their order."""

    async def row_dicts(self, query: PreparedQuery, /, **values: Any) -> list[dict[str, Any]]:
        """The same, as dicts ready for JSON: documents are left as the text they are, moments as the engine keeps
        them."""

    async def transact(self, work: Callable[[sa.Connection], R]) -> R:
        """Run `work(connection)` in one transaction; return after COMMIT. For the rare administrative writes."""

    async def snapshot(self, work: Callable[[sa.Connection], R]) -> R:
        """Run `work(connection)` on one unchanging snapshot of the database. It only reads and blocks no writer. For
        full scans."""

    async def migrate(self, work: Callable[[sa.Connection], R]) -> R:
        """Like `transact`, for schema changes."""

    async def write(self, plans: Sequence[WritePlan]) -> list[Outcome]:
        """One transaction for all plans, one outcome each, after COMMIT. No key of an answer and no key of a guard may
        stand in two of them."""

    async def reserve(self, name: str, count: int, first: int) -> int:
        """Take `count` numbers of a sequence that begins at `first`; the first of them."""

    async def time(self) -> datetime:
        """What the database's own clock says."""

    async def durability(self) -> list[tuple[str, str, bool]]:
        """The settings that decide whether a commit survives a power cut: name, value, whether it is safe."""

    async def plain_wire(self) -> str | None:
        """The database's address where it is reached over a network without TLS, else None."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class DatabaseUnavailable(Refused):
    """The database cannot be reached or is busy beyond its limits; nothing was written."""

    def __init__(self, why: str) -> None:
        super().__init__(Refusal(Code.UNAVAILABLE, why))


class DatabaseFull(Refused):
    """No room on the disk; nothing was written."""

    def __init__(self) -> None:
        super().__init__(Refusal(Code.STORAGE_FULL, "the database has no room left"))


class IntegrityFault(Exception):
    """The change violates a unique or foreign key; nothing was written."""


class CommitUnknown(Refused):
    """The connection broke during COMMIT, so it is unknown whether the write was stored. A repeat with the same key is
    safe."""

    def __init__(self) -> None:
        super().__init__(Refusal(Code.OUTCOME_UNKNOWN, "the outcome is unknown; repeat with the same Idempotency-Key"))


_COMMITTED: ContextVar[list[bool] | None] = ContextVar("committed", default=None)


def reset_commit_flag() -> None:
    """Begin anew to note whether this request has committed anything."""
    _COMMITTED.set([])


def note_commit() -> None:
    """A write of this request is durable."""
    noted = _COMMITTED.get()
    if noted is not None and not noted:
        noted.append(True)


def has_committed() -> bool:
    """Whether this request has committed something since `reset_commit_flag`. A failure after that must not be reported
    as "not applied"."""
    return bool(_COMMITTED.get())


async def fetch_first(db: Database, query: PreparedQuery, /, **values: Any) -> Row | None:
    """The first row, or None."""
    found = await db.rows(query, **values)
    return found[0] if found else None

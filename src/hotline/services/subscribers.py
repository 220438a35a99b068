"""The subscriptions at hand: who is told of events."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hotline.db import subscriptions as kept
from hotline.db.database import Away, Database
from hotline.db.question import Row
from hotline.domain.directory import Directory
from hotline.domain.events import Wanted, events_of
from hotline.domain.ticket import Change

from .directory import DirectoryAtHand
from .sealing import unseal

LOOK_AGAIN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber, ready for use. `secrets`: (whsec_…, until when; None: for good)."""

    id: str
    name: str
    url: str
    form: str
    wanted: Wanted
    department: str | None
    area: str | None
    secrets: tuple[tuple[str, str | None], ...]
    active: bool
    disabled: str | None
    version: int
    created_at: datetime

    def living(self, now: datetime) -> list[str]:
        """The secrets that sign now, newest first."""
        return [s for s, until in reversed(self.secrets) if until is None or datetime.fromisoformat(until) > now]


class Subscribers:
    """The subscriptions at hand, a second old at most."""

    def __init__(self, db: Database, secret: bytes, directory: DirectoryAtHand) -> None:
        self._db, self._secret, self._directory = db, secret, directory
        self._found: list[Subscription] = []
        self._looked: datetime | None = None

    async def now(self, now: datetime) -> Sequence[Subscription]:
        if self._looked is None or abs(now - self._looked) >= LOOK_AGAIN:
            try:
                rows = await kept.every(self._db)
            except Away:
                if self._looked is None:
                    raise
                return self._found
            directory = await self._directory.now(now)
            self._found = [_read(self._secret, directory, row) for row in rows]
            self._looked = now
        return self._found

    def forget(self) -> None:
        self._looked = None

    async def announced(self, change: Change, now: datetime) -> Change:
        """The change with its events, where anybody subscribes at all."""
        if not any(s.active for s in await self.now(now)):
            return change
        return replace(change, messages=(*change.messages, *events_of(change, now)))


def _read(secret: bytes, directory: Directory, row: Row) -> Subscription:
    return Subscription(
        row.id, row.name, row.url, row.form,
        Wanted(
            tuple(row.events),
            directory.below.get(row.department, frozenset({row.department})) if row.department else None,
            directory.areas_below.get(row.area, frozenset({row.area})) if row.area else None,
            row.outer_system,
        ),
        row.department, row.area, tuple(map(tuple, unseal(secret, f"subscription {row.id}", row.sealed))), row.active,
        row.disabled, row.version, row.created_at,
    )  # fmt: skip

"""The subscriptions at hand: who is told of events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hotline.database.cache import CachedTable
from hotline.database.deadlines import Deadlines
from hotline.database.engine import Database
from hotline.database.prepared import Row
from hotline.organisation.model.directory import Directory
from hotline.organisation.service.directory import DirectoryCache
from hotline.secrets.secret_box import unseal
from hotline.tickets.model.ticket import Change
from hotline.value_objects import replace
from hotline.webhooks import store as subscription_store
from hotline.webhooks.model import EventFilter, events_of


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber, ready for use. `secrets`: (whsec_…, until when; None: for good)."""

    id: str
    name: str
    url: str
    form: str
    wanted: EventFilter
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


class SubscriptionCache(CachedTable[Sequence[Subscription]]):
    """The subscriptions of this process."""

    def __init__(
        self, db: Database, secret: bytes, directory: DirectoryCache, deadlines: Deadlines | None = None
    ) -> None:
        super().__init__(self._every, deadlines)
        self._db, self._secret, self._directory = db, secret, directory

    async def _every(self, now: datetime) -> Sequence[Subscription]:
        rows = await subscription_store.every(self._db)
        directory = await self._directory.now(now)
        return [_read(self._secret, directory, row) for row in rows]

    async def announced(self, change: Change, now: datetime) -> Change:
        """The change with its events, where anybody subscribes at all."""
        if not any(s.active for s in await self.now(now)):
            return change
        return replace(change, messages=(*change.messages, *events_of(change, now)))


def _read(secret: bytes, directory: Directory, row: Row) -> Subscription:
    return Subscription(
        row.id, row.name, row.url, row.form,
        EventFilter(
            tuple(row.events),
            directory.below.get(row.department, frozenset({row.department})) if row.department else None,
            directory.areas_below.get(row.area, frozenset({row.area})) if row.area else None,
            row.outer_system,
        ),
        row.department, row.area, tuple(map(tuple, unseal(secret, f"subscription {row.id}", row.sealed))), row.active,
        row.disabled, row.version, row.created_at,
    )  # fmt: skip

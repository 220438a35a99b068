"""The cached subscriptions: who is sent which events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hotline.database.cache import CachedTable
from hotline.database.deadlines import Deadlines
from hotline.database.engine import Database
from hotline.database.prepared import Row
from hotline.organisation.model.directory import Directory
from hotline.organisation.service.directory import DirectoryCache
from hotline.secrets.secret_box import SealedColumn, unseal
from hotline.tickets.model.ticket import Change
from hotline.value_objects import replace
from hotline.webhooks import store as subscription_store
from hotline.webhooks.model import EventFilter, event_messages
from hotline.webhooks.tables import subscription

SEALED = (SealedColumn(subscription, "sealed", lambda row: f"subscription {row['id']}"),)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber, ready for use. `secrets`: (whsec_…, until when; None: for good)."""

    id: str
    name: str
    url: str
    form: str
    event_filter: EventFilter
    department: str | None
    area: str | None
    secrets: tuple[tuple[str, str | None], ...]
    active: bool
    disabled: str | None
    version: int
    created_at: datetime

    def active_secrets(self, now: datetime) -> list[str]:
        """The secrets that sign now, newest first."""
        return [s for s, until in reversed(self.secrets) if until is None or datetime.fromisoformat(until) > now]


class SubscriptionCache(CachedTable[Sequence[Subscription]]):
    """The subscriptions of this process."""

    def __init__(
        self, db: Database, secret: bytes, directory: DirectoryCache, deadlines: Deadlines | None = None
    ) -> None:
        super().__init__(self._load, deadlines)
        self._db, self._secret, self._directory = db, secret, directory

    async def _load(self, now: datetime) -> Sequence[Subscription]:
        rows = await subscription_store.load_subscriptions(self._db)
        directory = await self._directory.now(now)
        return [_subscription_from_row(self._secret, directory, row) for row in rows]

    async def with_event_messages(self, change: Change, now: datetime) -> Change:
        """The change with its events, where anybody subscribes at all."""
        if not any(s.active for s in await self.now(now)):
            return change
        return replace(change, messages=(*change.messages, *event_messages(change, now)))


def _subscription_from_row(secret: bytes, directory: Directory, row: Row) -> Subscription:
    return Subscription(
        row.id, row.name, row.url, row.form,
        EventFilter(
            tuple(row.events),
            directory.department_subtrees.get(row.department, frozenset({row.department})) if row.department else None,
            directory.area_subtrees.get(row.area, frozenset({row.area})) if row.area else None,
            row.outer_system,
        ),
        row.department, row.area, tuple(map(tuple, unseal(secret, f"subscription {row.id}", row.sealed))), row.active,
        row.disabled, row.version, row.created_at,
    )  # fmt: skip

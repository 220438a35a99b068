"""When sessions, keys and calendar tokens were used last: noted in the process, and written down for many at once."""

from datetime import datetime

from hotline.database.engine import Database
from hotline.organisation.model.actors import ActorKind
from hotline.organisation.model.sessions import SEEN_EVERY
from hotline.organisation.service.credentials import Credential
from hotline.organisation.store import duty_feeds, sessions
from hotline.organisation.store.duty_feeds import FeedName

_MOST = 20_000  # noted between one writing down and the next


class LastUse:
    """Last uses that are not in the database yet. A request only notes them: no read becomes a write."""

    def __init__(self) -> None:
        self._noted: dict[Credential, datetime] = {}
        self._feeds: dict[FeedName, datetime] = {}

    def note(self, credential: Credential, stored: datetime | None, now: datetime) -> None:
        """The credential was used now. `stored`: the last use that the database knows."""
        if (stored is None or now - stored >= SEEN_EVERY) and len(self._noted) < _MOST:
            self._noted[credential] = now

    def note_feed(self, feed: FeedName, stored: datetime | None, now: datetime) -> None:
        """The same of a token of a duty calendar."""
        if (stored is None or now - stored >= SEEN_EVERY) and len(self._feeds) < _MOST:
            self._feeds[feed] = now

    async def write(self, db: Database) -> int:
        """Write down what was noted; how many. Raises DatabaseUnavailable; it is then noted still."""
        noted, feeds = dict(self._noted), dict(self._feeds)
        if feeds:
            await db.transact(lambda c: duty_feeds.write_last_use(c, feeds))
            self._feeds = {feed: at for feed, at in self._feeds.items() if feeds.get(feed) != at}
        if noted:
            used = {kind: [(c.id, at) for c, at in noted.items() if c.kind is kind] for kind in ActorKind}
            await db.transact(lambda c: sessions.write_last_use(c, used[ActorKind.PERSON], used[ActorKind.KEY]))
            self._noted = {c: at for c, at in self._noted.items() if noted.get(c) != at}
        return len(noted) + len(feeds)

"""The cached credentials: those that were valid when the database answered last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hotline.database.engine import Database
from hotline.database.prepared import Row
from hotline.organisation.model.actors import ActorKind
from hotline.organisation.model.sessions import AccountRules
from hotline.organisation.store import credentials
from hotline.server_secret import lookup_variants

MAX_AGE = timedelta(hours=12)  # one shift: what was valid before may have been revoked since


@dataclass(frozen=True, slots=True)
class CachedCredential:
    """A key, or a session of a person. `row`: hash, id, name, roles, department, area, expires_at."""

    kind: ActorKind
    row: Row


class CredentialCache:
    """Keyed hashes, never the credentials themselves. Only for taking something in for later."""

    def __init__(self) -> None:
        self._cached: Mapping[str, CachedCredential] = {}
        self._at: datetime | None = None

    async def refresh(self, db: Database, now: datetime, rules: AccountRules) -> None:
        """Read all valid credentials again. Raises DatabaseUnavailable; the cached ones then stay."""
        found = {r.hash: CachedCredential(ActorKind.KEY, r) for r in await credentials.load_valid_keys(db, now)}
        for r in await credentials.load_valid_sessions(db, now, now - rules.session_idle):
            found[r.hash] = CachedCredential(ActorKind.PERSON, r)
        self._cached, self._at = found, now

    def find(self, hashed: str, now: datetime) -> CachedCredential | None:
        """The credential of that hash. None: it was not valid then, has expired since, or that is too long ago."""
        if self._at is None or now - self._at >= MAX_AGE:
            return None
        found = next((self._cached[form] for form in lookup_variants(hashed) if form in self._cached), None)
        expired = found is not None and found.row.expires_at is not None and found.row.expires_at <= now
        return None if expired else found

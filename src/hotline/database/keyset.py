"""One page of a list that is read by key: how many rows, and behind which."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class KeysetPage:
    """At most `limit` rows, behind the row with this moment and this key (None: from the first one on)."""

    limit: int
    after: tuple[datetime, str] | None = None

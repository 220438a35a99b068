"""One page of a list that is paged by key: its size, and the key it begins after."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class KeysetPage:
    """At most `limit` rows, behind the row with this moment and this key (None: from the first one on)."""

    limit: int
    after: tuple[datetime, str] | None = None

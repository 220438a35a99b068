"""References made before anything is written: they sort by the time they were made."""

import secrets
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

_SEQUENCE = count(secrets.randbits(11))  # keeps those of one millisecond in the order they were made


def reference_time(reference: str) -> datetime:
    """When a reference was made, to the millisecond."""
    return datetime.fromtimestamp((UUID(reference).int >> 80) / 1000, UTC)


def new_reference(now: datetime) -> str:
    """A UUID of version 7 (RFC 9562): milliseconds, a counter, then chance."""
    stamp = int(now.timestamp() * 1000) & (1 << 48) - 1
    value = stamp << 80 | 7 << 76 | (next(_SEQUENCE) & 0xFFF) << 64 | 2 << 62 | secrets.randbits(62)
    return str(UUID(int=value))

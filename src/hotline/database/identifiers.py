"""References made before anything is written: they sort by the time they were made."""

import secrets
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

_SEQUENCE = count(secrets.randbits(31))  # keeps those of one millisecond in the order they were made


def reference_time(reference: str) -> datetime:
    """When a reference was made, to the millisecond."""
    return datetime.fromtimestamp((UUID(reference).int >> 80) / 1000, UTC)


def new_reference(now: datetime) -> str:
    """A UUID of version 7 (RFC 9562): milliseconds, a counter of 32 bits, then chance. A shorter counter would begin
    anew within one request now and then, and its references be out of order."""
    stamp = int(now.timestamp() * 1000) & (1 << 48) - 1
    number = next(_SEQUENCE) & 0xFFFF_FFFF
    value = stamp << 80 | 7 << 76 | number >> 20 << 64 | 2 << 62 | (number & 0xF_FFFF) << 42 | secrets.randbits(42)
    return str(UUID(int=value))

"""What a ceremony of several steps needs at its end, sealed and carried by the browser in between: so that strangers
write nothing to the database, and nobody else's answer fits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hotline.refusals import Refused
from hotline.secrets.secret_box import seal, unseal


class UnusableState(Exception):
    """It was not made here, or for another ceremony or person, or too long ago."""


def seal_state(secret: bytes, ceremony: str, bound: Sequence[str | None], kept: Sequence[str], until: datetime) -> str:
    """What travels. `bound`: what the ceremony is for, and for whom; `kept`: what its end needs; `until`: when it
    expires."""
    return seal(secret, ceremony, [list(bound), list(kept), until.timestamp()])


def open_state(secret: bytes, ceremony: str, bound: Sequence[str | None], sealed: str, now: datetime) -> list[Any]:
    """What was kept. Raises UnusableState."""
    try:
        sealed_for, kept, until = unseal(secret, ceremony, sealed)
    except (Refused, ValueError, TypeError):
        raise UnusableState from None
    if sealed_for != list(bound) or until <= now.timestamp():
        raise UnusableState
    return list(kept)

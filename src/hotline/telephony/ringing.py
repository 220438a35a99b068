"""At whose telephones a call rings now. The exchange says so in its events; a call has no agent until one answers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hotline.database.prepared import Row
from hotline.telephony import store as call_store
from hotline.telephony.vocabulary import VoiceState
from hotline.tickets.context import Services

RINGS_AT_MOST = timedelta(minutes=15)  # since the exchange last said that it rings there
TOLD_FOR = timedelta(minutes=1)  # that a call rings no longer


async def load_rung_calls(services: Services, login: str, after: datetime | None, now: datetime) -> Sequence[Row]:
    """The calls that ring at this login's telephone, or rang there and were taken by another or given up. `after`:
    those alone that moved since then."""
    span = call_store.RingSpan(
        rang_after=now - RINGS_AT_MOST,
        ringing_moved_after=after or now - timedelta(days=1),
        moved_after=max(after or now - TOLD_FOR, now - TOLD_FOR),
    )
    return [row for row in await call_store.load_rung_calls(services.db, login, span) if row.agent != login]


def is_taken(row: Any, login: str) -> bool:
    """Whether somebody else answered it."""
    return bool(row.state == VoiceState.ANSWERED and row.agent != login)

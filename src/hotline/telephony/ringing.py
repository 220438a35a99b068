"""At whose telephones a call rings now. The exchange says so in its events; a call has no agent until one answers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hotline.database.prepared import Row
from hotline.telephony import store as call_store
from hotline.telephony.push_state import CallPushState
from hotline.telephony.vocabulary import VoiceState
from hotline.tickets.context import Services

TOLD_FOR = timedelta(minutes=1)  # that a call rings no longer
LOOKED_BACK = timedelta(days=1)  # for a call that rings still, where no answer came before


async def load_rung_calls(services: Services, login: str, after: datetime | None, now: datetime) -> Sequence[Row]:
    """The calls that ring at this login's telephone, or rang there and were taken by another or given up. `after`:
    those alone that moved since then."""
    span = call_store.RingSpan(
        rang_after=now - call_store.RINGS_AT_MOST,
        ringing_moved_after=after or now - LOOKED_BACK,
        moved_after=max(after or now - TOLD_FOR, now - TOLD_FOR),
    )
    return [row for row in await call_store.load_rung_calls(services.db, login, span) if row.agent != login]


def is_taken(row: Any, login: str) -> bool:
    """Whether somebody else answered it."""
    return bool(row.state == VoiceState.ANSWERED and row.agent != login)


async def has_moved(services: Services, login: str, after: datetime | None, now: datetime) -> bool:
    """Whether a call on this login's line may have moved since then: read for all lines at once, in memory for each."""
    moved = (await services.part(CallPushState).last_moves(services.db, now)).get(login)
    return moved is not None and moved > (after or now - LOOKED_BACK)

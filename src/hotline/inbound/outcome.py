"""The outcome of an item that was pushed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from hotline.delivery.model import Message
from hotline.inbound.model import Effect, InboundStatus
from hotline.refusals import Code

# with these codes another try may succeed: the database is unavailable, full or busy
LATER = frozenset({Code.OVERLOADED, Code.UNAVAILABLE, Code.OUTCOME_UNKNOWN, Code.STORAGE_FULL})
TransactionWrite = Callable[[sa.Connection], None]


@dataclass(frozen=True, slots=True)
class InboundOutcome:
    """The outcome of an item. `writes` runs in the same transaction."""

    status: InboundStatus
    effect: Effect = Effect.NONE
    number: str | None = None
    why: str | None = None
    messages: Sequence[Message] = ()
    writes: Sequence[TransactionWrite] = ()
    set: Mapping[str, Any] = field(default_factory=dict)


def needs_review(why: str, number: str | None = None, messages: Sequence[Message] = ()) -> InboundOutcome:
    return InboundOutcome(InboundStatus.ODD, why=why, number=number, messages=messages)

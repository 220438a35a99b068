"""An outgoing message, where it stands, and what runs a gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hotline.text.numbering import Number


class MessageStatus(StrEnum):
    """The state of an outgoing message."""

    QUEUED = "queued"
    LEASED = "leased"
    SENT = "sent"
    DEAD = "dead"
    EXPIRED = "expired"
    DROPPED = "dropped"  # given up by hand, with a reason


class GatewayKind(StrEnum):
    """What comes through a gateway."""

    SMS = "sms"
    VOICE = "voice"
    ORDERS = "orders"  # another hotline hands its orders over


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell the world, handed over after COMMIT by a worker. `partition` keeps the order per receiver."""

    id: str
    kind: str
    number: Number
    partition: str
    payload: Mapping[str, Any]
    next_at: datetime

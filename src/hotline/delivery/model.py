"""An outgoing message, where it stands, which way it can leave, and what runs a gateway."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from hotline.text.numbering import TicketNumber

# how long the messages of a step wait that can be undone: ten seconds for its undoing, and as long as it may take to be
# written
HOLD = timedelta(seconds=15)


class MessageStatus(StrEnum):
    """The state of an outgoing message."""

    QUEUED = "queued"
    LEASED = "leased"
    SENT = "sent"
    DEAD = "dead"
    EXPIRED = "expired"
    DROPPED = "dropped"  # given up by hand, with a reason


class GatewayKind(StrEnum):
    """What a gateway is for."""

    SMS = "sms"
    VOICE = "voice"
    ORDERS = "orders"  # another hotline hands its orders over
    ROBOT = "robot"  # tells a chat group what it is sent


@dataclass(frozen=True, slots=True)
class Message:
    """A message to send after COMMIT by a worker. `partition` keeps the order per receiver."""

    id: str
    kind: str
    number: TicketNumber
    partition: str
    payload: Mapping[str, Any]
    next_at: datetime


@dataclass(frozen=True, slots=True)
class AvailableChannels:
    """What this worker can hand over: texts by SMS gateways, messages to the notice address, events to subscribers."""

    texts: bool = False
    notices: bool = False
    hooks: bool = False


class Way(StrEnum):
    """Which messages of a kind can be handed over."""

    ALL = "all"
    TO_OFFICERS = "to_officers"
    NONE = "none"


WayOf = Callable[[str], Way]


def everywhere(kind: str) -> Way:
    """Every way is open."""
    return Way.ALL


def by_notice(reach: AvailableChannels) -> Way:
    """The way of a kind that only the notice address takes."""
    return Way.ALL if reach.notices else Way.NONE


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a kind of message is tried, and the seconds before each further try. `final`: a refusal other than 410
    Gone ends it, too."""

    tries: int
    waits: Sequence[float]  # seconds; the last one again for further tries
    final: bool = True

    def wait(self, attempts: int) -> float:
        """Seconds before the next try, after so many."""
        return self.waits[min(attempts, len(self.waits)) - 1]


NOTICE_RETRIES = RetryPolicy(8, (5, 30, 120, 600, 1800, 3600, 7200))  # about three and a half hours

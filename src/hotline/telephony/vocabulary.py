"""Where a call on the exchange stands, and how it ended."""

from enum import StrEnum


class VoiceState(StrEnum):
    """The state of a call on the exchange."""

    OFFERED = "offered"
    ANSWERED = "answered"
    ENDED = "ended"


class VoiceOutcome(StrEnum):
    """How a call ended."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"  # the caller hung up while waiting
    MISSED = "missed"  # not answered: busy, no answer, timed out
    REJECTED = "rejected"


class Direction(StrEnum):
    """Direction of a call."""

    IN = "in"
    OUT = "out"


class ReturnCall(StrEnum):
    """The state of a return call."""

    OPEN = "open"
    DONE = "done"

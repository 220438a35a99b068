"""Where a call on the exchange stands, and how it ended."""

from enum import StrEnum


class VoiceState(StrEnum):
    """Where a call on the exchange stands."""

    OFFERED = "offered"
    ANSWERED = "answered"
    ENDED = "ended"


class VoiceOutcome(StrEnum):
    """How it ended."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"  # the caller hung up while waiting
    MISSED = "missed"  # nobody took it: busy, no answer, timed out
    REJECTED = "rejected"


class Direction(StrEnum):
    """Who rang whom."""

    IN = "in"
    OUT = "out"


class ReturnCall(StrEnum):
    """Where the promise to ring somebody back stands."""

    OPEN = "open"
    DONE = "done"

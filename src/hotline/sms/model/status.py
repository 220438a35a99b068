"""Where a text to a resident stands, and which report may follow which."""

from enum import StrEnum


class TextStatus(StrEnum):
    """Where a text of ours stands. `DELIVERY_RANK` says which may follow which."""

    CREATED = "created"
    BUFFERED = "buffered"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    REJECTED = "rejected"
    TECHNICAL_FAILURE = "technical_failure"
    STOPPED = "stopped"  # the number is on the stop list
    CAPPED = "capped"  # too many to this number
    WITHHELD = "withheld"  # a confidential caller's, or no recipient


class TextWait(StrEnum):
    """Why a text has not been handed over yet."""

    QUIET_HOURS = "quiet_hours"
    CAP = "cap"  # the number has had its share for now


DELIVERY_RANK = {
    TextStatus.CREATED: 0,
    TextStatus.BUFFERED: 1,
    TextStatus.SENT: 2,
    TextStatus.TECHNICAL_FAILURE: 3,
    TextStatus.UNDELIVERED: 4,
    TextStatus.EXPIRED: 4,
    TextStatus.REJECTED: 4,
    TextStatus.STOPPED: 4,
    TextStatus.CAPPED: 4,
    TextStatus.WITHHELD: 4,
    TextStatus.DELIVERED: 5,  # the handset has it: no later word takes that back
}

"""A pushed item: its kind, its state and its outcome."""

from enum import StrEnum


class InboundKind(StrEnum):
    """Kinds of inbound message."""

    TEXT = "text"
    PART = "part"  # of a long text, before it is whole
    REPORT = "report"  # what became of a text of ours
    UPDATE = "update"  # on a ticket, by an Open311 client
    REQUEST = "request"  # an Open311 request of a batch service
    BODY = "body"  # authentic, and not to be read


class InboundStatus(StrEnum):
    """The state of an inbound message."""

    KEPT = "kept"
    LEASED = "leased"
    DONE = "done"
    ODD = "odd"  # for an operator to look at
    DISMISSED = "dismissed"


class Effect(StrEnum):
    """The effect of an inbound message."""

    OPENED = "opened"
    JOINED = "joined"
    TOLD = "told"  # what was missing
    RATED = "rated"
    REOPENED = "reopened"
    ASKED = "asked"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    NOTED = "noted"
    MERGED = "merged"  # a part, into its whole text
    REPORTED = "reported"
    NONE = "none"

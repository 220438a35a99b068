"""What reports cover, and where an exported file stands."""

from enum import StrEnum


class Period(StrEnum):
    """What a report covers."""

    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"


class ExportKind(StrEnum):
    """What a file holds."""

    TICKETS = "tickets"
    TIMELINE = "timeline"


class ExportForm(StrEnum):
    """How a file is written."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"
    OPEN311 = "open311"  # the bulk form of GeoReport v2 requests, CSV


class ExportStatus(StrEnum):
    """Where a file stands."""

    WAITING = "waiting"
    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"  # its time is over

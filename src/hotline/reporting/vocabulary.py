"""Words of reports and exports."""

from enum import StrEnum


class Period(StrEnum):
    """The period of a report."""

    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"


class ExportKind(StrEnum):
    """What an export holds."""

    TICKETS = "tickets"
    TIMELINE = "timeline"


class ExportForm(StrEnum):
    """File format of an export."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"
    OPEN311 = "open311"  # the bulk form of GeoReport v2 requests, CSV


class ExportStatus(StrEnum):
    """Progress of an export."""

    WAITING = "waiting"
    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"  # its time is over

"""The filters of a list of tickets, where they are sent in a body: of searches and exports."""

from datetime import UTC, datetime, time
from typing import Annotated, Any

from pydantic import Field

from hotline.database.page_size import MAX_PAGE_SIZE
from hotline.organisation.model.directory import Directory, zone_of
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.tickets.model.measures import COUNTED_CODES
from hotline.tickets.model.vocabulary import Colour, TicketStatus
from hotline.web.field_types import CodeWord, Moment, Strict
from hotline.web.paging import MAX_CURSOR

EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)
COUNTED_PATTERN = f"^({'|'.join(COUNTED_CODES).replace('.', '[.]')})$"
COUNTED_HELP = (
    "What a measure of the figures' catalogue counts, or the failures of a figure (`failed.on_time`), from "
    "`counted_from` until `counted_before`; `department` is then the one it is counted for"
)
COLOUR_HELP = "Has a running order that looks so on its department's board"
ACCEPT_OVERDUE_HELP = "true: with a department, and an order of it is past its limit to be signed for"
# they follow the clock, whatever was asked
PRESENT_MOMENTS = frozenset({"overdue", "accept_overdue", "colour_at", "counted_today"})
FILTER_MOMENTS = PRESENT_MOMENTS | {"created_from", "created_before", "counted_from", "counted_before"}
SearchText = Annotated[str, Field(min_length=1, max_length=100)]


def counted_filters(
    code: str | None, first: datetime | None, before: datetime | None, directory: Directory, now: datetime
) -> dict[str, Any]:
    """The filters of what is counted: none without a code."""
    if code is None:
        return {}
    zone = zone_of(directory)
    today = datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)
    return {
        "counted": code,
        "counted_from": first or EARLIEST,
        "counted_before": before or LATEST,
        "counted_today": today,
    }


class TicketFilters(Strict):
    """The filters of `GET /v1/tickets`."""

    model_config = {
        "extra": "forbid",
        "json_schema_extra": {"examples": [{"status": ["triaged"], "department": ["water"], "overdue": True}]},
    }

    status: list[TicketStatus] | None = Field(None, min_length=1, max_length=20)
    department: list[CodeWord] | None = Field(None, min_length=1, max_length=50)
    category: list[CodeWord] | None = Field(None, min_length=1, max_length=50)
    area: list[CodeWord] | None = Field(None, min_length=1, max_length=50)
    priority: Priority | None = None
    kind: Kind | None = None
    channel: Channel | None = None
    overdue: bool = False
    accept_overdue: bool = Field(False, description=ACCEPT_OVERDUE_HELP)
    created_from: Moment | None = None
    created_before: Moment | None = None
    colour: list[Colour] | None = Field(None, min_length=1, max_length=5, description=COLOUR_HELP)
    counted: str | None = Field(None, pattern=COUNTED_PATTERN, description=COUNTED_HELP)
    counted_from: Moment | None = None
    counted_before: Moment | None = None

    def given(self, directory: Directory, now: datetime) -> dict[str, Any]:
        """As the queries read them, moments as text."""
        below = {
            "department": directory.department_subtrees, "category": directory.category_subtrees,
            "area": directory.area_subtrees
        }  # fmt: skip
        found: dict[str, Any] = {
            name: sorted({c for code in codes for c in trees.get(code, {code})})
            for name, trees in below.items()
            if (codes := getattr(self, name))
        }
        plain = {"status": self.status and sorted(self.status), "priority": self.priority, "kind": self.kind,
                 "channel": self.channel, "overdue": now.isoformat() if self.overdue else None,
                 "accept_overdue": now.isoformat() if self.accept_overdue else None,
                 "created_from": self.created_from and self.created_from.isoformat(),
                 "created_before": self.created_before and self.created_before.isoformat(),
                 "colour": self.colour and sorted(self.colour),
                 "colour_at": now.isoformat() if self.colour else None}  # fmt: skip
        counted = counted_filters(self.counted, self.counted_from, self.counted_before, directory, now)
        plain |= {name: v.isoformat() if isinstance(v, datetime) else v for name, v in counted.items()}
        return found | {name: value for name, value in plain.items() if value is not None}


class SearchIn(Strict):
    """What is looked for: a ticket's number, a phone number however it is written, a caller's name, words of title,
    narrative or address."""

    q: SearchText
    filters: TicketFilters = Field(default_factory=lambda: TicketFilters.model_validate({}))
    clocks: Annotated[bool, Field(description="With each ticket its `next_clock`")] = False
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)] = 50
    cursor: Annotated[str, Field(max_length=MAX_CURSOR)] | None = None
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"q": "138 0013 8000"}, {"q": "lift"}]}}

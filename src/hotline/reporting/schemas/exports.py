"""What is asked for when a list is taken out."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.reporting.vocabulary import ExportForm, ExportKind
from hotline.tickets.model.vocabulary import TicketStatus
from hotline.web.field_types import CodeWord, Moment, Strict


class Filters(Strict):
    """The filters of `GET /v1/tickets`."""

    status: list[TicketStatus] | None = Field(None, min_length=1, max_length=20)
    department: list[CodeWord] | None = Field(None, min_length=1, max_length=50)
    category: list[CodeWord] | None = Field(None, min_length=1, max_length=50)
    area: list[CodeWord] | None = Field(None, min_length=1, max_length=50)
    priority: Priority | None = None
    kind: Kind | None = None
    channel: Channel | None = None
    overdue: bool = False
    created_from: Moment | None = None
    created_before: Moment | None = None
    q: Annotated[str, Field(min_length=1, max_length=100)] | None = None

    def given(self, directory: Directory, now: datetime) -> dict[str, Any]:
        """As the queries read them."""
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
                 "channel": self.channel, "text": self.q, "overdue": now.isoformat() if self.overdue else None,
                 "created_from": self.created_from and self.created_from.isoformat(),
                 "created_before": self.created_before and self.created_before.isoformat()}  # fmt: skip
        return found | {name: value for name, value in plain.items() if value is not None}


class ExportIn(Strict):
    kind: ExportKind = ExportKind.TICKETS
    form: ExportForm = ExportForm.CSV
    filters: Filters = Field(default_factory=lambda: Filters.model_validate({}))
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {"examples": [{"form": "xlsx", "filters": {"status": ["closed"], "channel": "phone"}}]},
    }

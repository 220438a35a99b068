"""What is asked for when a list is taken out."""

from datetime import datetime
from typing import Any

from pydantic import Field

from hotline.organisation.model.directory import Directory
from hotline.reporting.vocabulary import ExportForm, ExportKind
from hotline.tickets.schemas.filters import SearchText, TicketFilters
from hotline.web.field_types import Strict


class Filters(TicketFilters):
    """The filters of `GET /v1/tickets`."""

    q: SearchText | None = None

    def given(self, directory: Directory, now: datetime) -> dict[str, Any]:
        """As the queries read them, moments as text."""
        return super().given(directory, now) | ({} if self.q is None else {"text": self.q})


class ExportIn(Strict):
    kind: ExportKind = ExportKind.TICKETS
    form: ExportForm = ExportForm.CSV
    filters: Filters = Field(default_factory=lambda: Filters.model_validate({}))
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {"examples": [{"form": "xlsx", "filters": {"status": ["closed"], "channel": "phone"}}]},
    }

"""A year's holiday notice as it is sent, and what it would change."""

from typing import Annotated

from pydantic import Field

from hotline.organisation.model.holidays import (
    CalendarChange,
    HolidayNotice,
    days_of_notice,
    partial_notice_warning,
)
from hotline.organisation.model.items import Calendar
from hotline.organisation.service.notice_files import LARGEST_NOTICE
from hotline.replies import reply_type
from hotline.web.field_types import PlainLine, Strict


class NoticeIn(Strict):
    file: Annotated[PlainLine, Field(min_length=1, max_length=120, description="The name of the file")]
    content: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LARGEST_NOTICE // 3 * 4,
            description="The file in base64: JSON as of holiday-cn, iCalendar, or CSV with date, name, kind",
        ),
    ]
    year: Annotated[int, Field(ge=1990, le=2190)] | None = Field(
        None, description="The year of the notice; of a file with several years, the one that is taken"
    )
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [{"file": "2027.csv", "content": "ZGF0ZSxuYW1lLGtpbmQKMjAyNy0wMS0wMSzlhYPml6YscmVzdAo="}]
        },
    }


@reply_type()
class DayChange:
    """A day that would change. `true`: worked; `false`: off; null: as the week has it."""

    date: str
    name: str
    was: bool | None
    becomes: bool | None


@reply_type()
class NoticePreview:
    """What a notice would change; nothing is written. To import it, `PUT` the calendar with the version."""

    year: int
    days: Annotated[int, Field(description="How many the notice has")]
    added: tuple[DayChange, ...]
    removed: tuple[DayChange, ...]
    changed: tuple[DayChange, ...]
    kept: Annotated[tuple[str, ...], Field(description="Days that the next year's notice gave, and which stay")]
    is_partial: Annotated[bool, Field(description="It has fewer days than a year's notice has, or than the one before")]
    days_before: Annotated[int, Field(description="How many days of this notice's year the calendar has now")]
    calendar: Annotated[Calendar, Field(description="The calendar as it would be")]


def notice_preview(before: Calendar, after: Calendar, notice: HolidayNotice, found: CalendarChange) -> NoticePreview:
    """The reply for a notice that was read."""

    def shown(days: tuple[tuple[str, bool | None, bool | None], ...]) -> tuple[DayChange, ...]:
        return tuple(
            DayChange(day, after.names.get(day, before.names.get(day, "")), was, becomes) for day, was, becomes in days
        )

    return NoticePreview(
        year=notice.year,
        days=len(notice.days),
        added=shown(found.added),
        removed=shown(found.removed),
        changed=shown(found.changed),
        kept=found.kept,
        is_partial=partial_notice_warning(before, notice) is not None,
        days_before=len(days_of_notice(before, notice.year)),
        calendar=after,
    )

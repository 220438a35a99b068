"""The organisation as data: an item of the directory is the reply as it stands, under its own schema."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from hotline.organisation.model.items import (
    Area,
    Calendar,
    Category,
    DangerFrame,
    Department,
    EscalationPolicy,
    Hazard,
    IncidentRule,
    Organisation,
    Roster,
    Route,
    SlaPolicy,
    Symptom,
    WordList,
    Words,
)
from hotline.replies import reply_type

DirectoryItem: TypeAlias = (
    Organisation
    | Calendar
    | Department
    | Area
    | Category
    | SlaPolicy
    | EscalationPolicy
    | Roster
    | Words
    | WordList
    | Hazard
    | Symptom
    | DangerFrame
    | IncidentRule
    | Route
)


@reply_type()
class ItemPage:
    items: tuple[DirectoryItem, ...]
    next: str | None
    sounds: Annotated[
        Mapping[str, tuple[str, ...]] | None,
        Field(description="Where it was asked for: code -> the name's whole pinyin, and the first letters of it"),
    ] = None


@reply_type()
class RetiredOut:
    """A deactivated item, as it stays readable; `item` null: it was removed."""

    code: str
    retired: bool
    item: DirectoryItem | None
    held: Annotated[
        int | None,
        Field(
            description="Of a department: how many running orders it has, which go back to the dispatcher. Of a route: "
            "how many it sent that still run; these stay where they are. Null for the other nouns"
        ),
    ]


@reply_type()
class ChangedBy:
    id: str
    name: str


@reply_type()
class DirectoryChange:
    """One change of one item. `before` null: it was new; `after` null: it was removed."""

    version: int
    noun: str
    code: str
    before: Annotated[Mapping[str, Any] | None, Field(description="The item as it was then, by the schema of its time")]
    after: Annotated[Mapping[str, Any] | None, Field(description="The item as it became")]
    at: datetime
    by: ChangedBy


@reply_type()
class LogPage:
    items: tuple[DirectoryChange, ...]
    next: str | None


def directory_change_reply(row: Any) -> DirectoryChange:
    """A row of the directory's log."""
    by = ChangedBy(row.by_id, row.by_name)
    return DirectoryChange(row.version, row.noun, row.code, row.before, row.after, row.at, by)

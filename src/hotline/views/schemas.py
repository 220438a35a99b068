"""Schemas of saved views."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from hotline.organisation.model.actors import Actor
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.replies import reply_type
from hotline.tickets.model.vocabulary import Colour, TicketStatus
from hotline.tickets.schemas.filters import COLOUR_HELP, COUNTED_HELP, COUNTED_PATTERN
from hotline.web.field_types import CodeWord, Line, Moment, Strict
from hotline.web.schemas import LEFT_OUT, dump_json

ViewPageName = Literal["dispatch", "tickets"]
Codes = Annotated[list[CodeWord], Field(min_length=1, max_length=50)]
ViewName = Annotated[Line, StringConstraints(max_length=40)]


class ViewQuery(Strict):
    """Filters and order of a list, as the list itself takes them. Words that are looked for are not kept: they may name
    somebody."""

    tab: Literal["waiting", "emergency", "due_soon", "returned", "unsure"] | None = None
    status: Annotated[list[TicketStatus], Field(min_length=1, max_length=20)] | None = None
    department: Codes | None = None
    category: Codes | None = None
    area: Codes | None = None
    priority: Priority | None = None
    kind: Kind | None = None
    channel: Channel | None = None
    overdue: bool = False
    accept_overdue: bool = False
    hours: Annotated[int, Field(ge=1, le=8784, description="Taken in within so many hours")] | None = None
    created_from: Moment | None = None
    created_before: Moment | None = None
    colour: Annotated[list[Colour], Field(min_length=1, max_length=5, description=COLOUR_HELP)] | None = None
    counted: Annotated[str, StringConstraints(pattern=COUNTED_PATTERN), Field(description=COUNTED_HELP)] | None = None
    counted_from: Moment | None = None
    counted_before: Moment | None = None
    sort: Annotated[str, StringConstraints(max_length=20, pattern=r"^-?[a-z_]+$")] | None = None


class ViewIn(Strict):
    page: ViewPageName
    name: ViewName
    query: ViewQuery
    shared: Annotated[bool, Field(description="Colleagues find it in their list, too")] = False
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [
                {"page": "dispatch", "name": "Morning shift", "query": {"area": ["rq"], "sort": "due"}, "shared": True}
            ]
        },
    }


class ViewChange(Strict):
    """What is not sent stays."""

    name: Annotated[ViewName | None, LEFT_OUT] = None
    query: Annotated[ViewQuery | None, LEFT_OUT] = None
    shared: Annotated[bool | None, LEFT_OUT] = None
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"shared": True}]}}


@reply_type()
class ViewOut:
    """A saved view. `mine`: it is yours, and yours to change."""

    id: str
    page: str
    name: str
    query: Mapping[str, Any]
    shared: bool
    mine: bool
    owner: Annotated[str, Field(description="The name of whoever saved it")]
    version: int
    created_at: datetime
    changed_at: datetime


@reply_type()
class ViewPage:
    items: tuple[ViewOut, ...]
    next: str | None


def query_document(query: ViewQuery) -> dict[str, Any]:
    """As it is kept: what was chosen, and no more."""
    return query.model_dump(mode="json", exclude_defaults=True)


def render_view(row: Mapping[str, Any], actor: Actor) -> ViewOut:
    plain = ("id", "page", "name", "query", "shared", "version", "created_at", "changed_at")
    values = {name: row[name] for name in plain}
    return ViewOut(**values, mine=row["owner"] == actor.id, owner=row["owner_name"])


def dump_view(row: Mapping[str, Any], actor: Actor) -> str:
    return dump_json(render_view(row, actor))

"""The lines of a ticket's timeline as replies show them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from hotline.organisation.model.actors import ActorKind
from hotline.replies import reply_type
from hotline.tickets.model.visibility import VisibleEntry
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, TicketStatus
from hotline.tickets.schemas.tickets import OrderResult

# what a field may have been; a moment is a text here
ChangedValue: TypeAlias = str | float | bool | list[str] | OrderResult | None


@reply_type()
class EntryAuthor:
    kind: ActorKind
    id: str
    name: str


@reply_type(from_="from")
class EntryOut:
    """One timeline entry."""

    seq: int
    at: datetime
    by: EntryAuthor
    action: Action
    from_: TicketStatus | AssignmentStatus | None
    to: TicketStatus | AssignmentStatus | None
    assignment: str | None
    reason: str | None
    changes: Annotated[
        Mapping[str, Annotated[Sequence[ChangedValue], Field(min_length=2, max_length=2)]],
        Field(description="By field: what it was, and what it became"),
    ]


@reply_type()
class EntryPage:
    items: tuple[EntryOut, ...]
    next: str | None


def render_entry(row: Any, visible: VisibleEntry) -> EntryOut:
    """One line of the timeline, as far as `visible_entry` lets it be seen."""
    return EntryOut(
        seq=row.seq,
        at=row.at,
        by=EntryAuthor(row.by_kind, visible.by_id, visible.by_name),
        action=row.action,
        from_=row.status_from,
        to=row.status_to,
        assignment=row.assignment,
        reason=visible.reason,
        changes=visible.changes,
    )

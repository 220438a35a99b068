"""Photos of a ticket that its resident may see: those a department released with its result, once that was approved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from hotline.refusals import Code, Refusal, Refused
from hotline.storage.cleaning import read_cleaned
from hotline.storage.picture_metadata import CLEANED_TYPES
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Assignment, Facts
from hotline.tickets.model.undo import is_held
from hotline.tickets.model.vocabulary import AssignmentStatus, AttachmentPurpose, Part, TicketStatus
from hotline.tickets.store import history

_RELEASED = frozenset({AttachmentPurpose.BEFORE, AttachmentPurpose.AFTER})
_ANSWERED = frozenset({TicketStatus.RESOLVED, TicketStatus.CLOSED})
NO_PHOTO = Refusal(Code.NOT_FOUND, "no such photo")


class PhotoRow(Protocol):
    @property
    def media_type(self) -> str: ...
    @property
    def purpose(self) -> str: ...


@dataclass(frozen=True, slots=True)
class PublicPhoto:
    """A photo for the resident: the place before the work or after it."""

    id: str
    purpose: AttachmentPurpose
    at: datetime


@dataclass(frozen=True, slots=True)
class PictureBytes:
    data: bytes
    media_type: str
    sha256: str  # of the file as it was attached


def can_be_released(row: PhotoRow) -> bool:
    """Whether a resident may be shown a file at all: a picture of the work, of which the rest can be removed."""
    return row.media_type in CLEANED_TYPES and row.purpose in _RELEASED


def released_ids(facts: Facts) -> frozenset[str]:
    """The photos released with the result that answers the ticket; none while it is not answered."""
    last = _answering_order(facts)
    return frozenset((last.result or {}).get("photos") or ()) if last is not None else frozenset()


def _answering_order(facts: Facts) -> Assignment | None:
    if facts.ticket.status not in _ANSWERED:
        return None
    done = [a for a in facts.assignments if a.part is Part.LEAD and a.status is AssignmentStatus.DONE and a.result]
    return max(done, key=_reported_at, default=None)


def approval_may_be_undone(services: Services, facts: Facts, now: datetime) -> bool:
    """Whether the approval of the result may be undone still: until then its resident is told nothing of it."""
    order = _answering_order(facts)
    accepted_at = order.closed_at if order is not None else None
    return accepted_at is not None and now < accepted_at + services.hold and is_held(facts.ticket)


def _reported_at(order: Assignment) -> datetime:
    return order.reported_at or order.issued_at


async def load_released_photos(services: Services, facts: Facts, now: datetime) -> Sequence[Any]:
    """The rows of the photos that the resident of this ticket may see, those before the work first; files that were
    found infected, or are not scanned yet, are not among them. None while the approval of the result may be undone."""
    released = released_ids(facts)
    if not released or approval_may_be_undone(services, facts, now):
        return ()
    rows = await history.load_attachments(services.db, facts.ticket.number)
    found = [row for row in rows if row.id in released and can_be_released(row)]
    scans = await services.file_scanner.states([row.sha256 for row in found])
    shown = [row for row in found if scans.get(row.sha256, "clean") == "clean"]
    return sorted(shown, key=lambda row: (row.purpose == AttachmentPurpose.AFTER, row.at))


async def read_released_photo(services: Services, facts: Facts, photo: str, now: datetime) -> PictureBytes:
    """The picture, without place, time and device. Raises Refused where the resident may not see it."""
    row = next((r for r in await load_released_photos(services, facts, now) if r.id == photo), None)
    if row is None:
        raise Refused(NO_PHOTO)
    try:
        data = await read_cleaned(services.files, row.sha256, row.media_type)
    except (FileNotFoundError, ValueError) as fault:
        raise Refused(NO_PHOTO) from fault
    return PictureBytes(data, row.media_type, row.sha256)

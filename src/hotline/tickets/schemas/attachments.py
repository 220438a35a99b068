"""Files of a ticket as replies show them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.organisation.model.actors import ActorKind
from hotline.replies import reply_type
from hotline.tickets.model.ticket import Attachment
from hotline.tickets.model.vocabulary import AttachmentPurpose


@reply_type()
class AttachmentOut:
    """A file: its type was read from its bytes, `sha256` is of them. `scan`: waiting, clean, infected or failed (the
    scanner could not judge it); only a clean file is handed out. null: files are not scanned for viruses.
    `for_resident`: whoever holds the ticket's query code sees it with the answer. `by_kind` and `by_name` say who
    attached it; a resident has no name here, and the id `resident`."""

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    at: datetime
    by: str
    scan: str | None = None
    purpose: AttachmentPurpose = AttachmentPurpose.EVIDENCE
    for_resident: bool = False
    by_kind: ActorKind | None = None
    by_name: str | None = None


@reply_type()
class AttachmentPage:
    items: tuple[AttachmentOut, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class FileAuthor:
    """Who attached a file, as the ticket's history calls them."""

    kind: ActorKind
    name: str


def render_attachment(
    file: Attachment | Any, author: FileAuthor | None, scan: str | None = None, *, for_resident: bool = False
) -> AttachmentOut:
    """A file, as it was attached or as a row, with what its scan says. `author` None: nobody knows."""
    by_resident = author is not None and author.kind is ActorKind.RESIDENT
    return AttachmentOut(
        file.id,
        file.name,
        file.media_type,
        file.size,
        file.sha256,
        file.at,
        "resident" if by_resident else file.by_id,  # the id of a resident is the id of the caller
        scan,
        AttachmentPurpose(file.purpose),
        for_resident,
        author.kind if author is not None else None,
        None if author is None or by_resident else author.name,
    )

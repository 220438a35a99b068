"""Files of a ticket as replies show them."""

from datetime import datetime
from typing import Any

from hotline.replies import reply_type
from hotline.tickets.model.ticket import Attachment
from hotline.tickets.model.vocabulary import AttachmentPurpose


@reply_type()
class AttachmentOut:
    """A file: its type was read from its bytes, `sha256` is of them. `scan`: waiting, clean, infected or failed (the
    scanner could not judge it); only a clean file is handed out. null: files are not scanned for viruses.
    `for_resident`: whoever holds the ticket's query code sees it with the answer."""

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


@reply_type()
class AttachmentPage:
    items: tuple[AttachmentOut, ...]
    next: str | None


def render_attachment(file: Attachment | Any, scan: str | None = None, *, for_resident: bool = False) -> AttachmentOut:
    """A file, as it was attached or as a row, with what its scan says."""
    purpose = AttachmentPurpose(file.purpose)
    return AttachmentOut(
        file.id, file.name, file.media_type, file.size, file.sha256, file.at, file.by_id, scan, purpose, for_resident
    )

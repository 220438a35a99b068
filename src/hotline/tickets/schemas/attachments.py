"""Files of a ticket as replies show them."""

from datetime import datetime
from typing import Any

from hotline.replies import reply_type
from hotline.tickets.model.ticket import Attachment


@reply_type()
class AttachmentOut:
    """A file: its type was read from its bytes, `sha256` is of them."""

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    at: datetime
    by: str


@reply_type()
class AttachmentPage:
    items: tuple[AttachmentOut, ...]
    next: str | None


def render_attachment(file: Attachment | Any) -> AttachmentOut:
    """A file, as it was attached or as a row."""
    return AttachmentOut(file.id, file.name, file.media_type, file.size, file.sha256, file.at, file.by_id)

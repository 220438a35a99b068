"""What another hotline is answered."""

from hotline.replies import reply_type
from hotline.web.schemas import ErrorOut


@reply_type()
class KnownOrder:
    """An order that was received before."""

    accepted: bool
    known: bool


@reply_type()
class AcceptedOrder(KnownOrder):
    """An order of another hotline, and its ticket: `work_no` is the ticket's number."""

    work_no: str
    unread: tuple[ErrorOut, ...]

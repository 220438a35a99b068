"""What another hotline is answered."""

from hotline.replies import reply_type
from hotline.web.schemas import ErrorOut


@reply_type()
class KnownOrder:
    """An order that was taken in before."""

    accepted: bool
    known: bool


@reply_type()
class AcceptedOrder(KnownOrder):
    """An order that was taken in: `work_no` is our ticket's number."""

    work_no: str
    unread: tuple[ErrorOut, ...]

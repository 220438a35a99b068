"""What of a ticket anybody may read. Nothing is public unless an administrator chose category and channel; no words are
unless somebody wrote them for the public. Both can be taken back."""

import math
from collections.abc import Mapping

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Category
from hotline.organisation.model.vocabulary import Kind
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.vocabulary import TicketStatus

NEVER_PUBLIC = frozenset({TicketStatus.VOID})  # beside confidential matters and reports of wrongdoing
_METRES_OF_DEGREE = 111_320  # of latitude; of longitude at the equator
_SHORTEST_NUMBER = 6  # digits of a caller's number that give it away


def is_publishable(ticket: Ticket, categories: Mapping[str, Category]) -> bool:
    """Whether category and channel of a ticket are published, and nothing about it forbids it."""
    category = categories.get(ticket.category or "")
    if category is None or category.confidential or ticket.channel not in category.public_channels:
        return False
    return not ticket.confidential and ticket.kind is not Kind.REPORT and ticket.status not in NEVER_PUBLIC


def may_publish(ticket: Ticket, directory: Directory | None) -> bool:
    """Whether a text may be published with a ticket. Without a directory nothing forbids it but the ticket itself."""
    if directory is None:
        return not ticket.confidential and ticket.kind is not Kind.REPORT
    return is_publishable(ticket, directory.categories)


def is_public(ticket: Ticket, directory: Directory | None) -> bool:
    """Whether there is something to take back."""
    return ticket.public_text is not None or (not ticket.unpublished and may_publish(ticket, directory))


def tells_who_called(ticket: Ticket, text: str) -> bool:
    """Whether a text holds the name or the number of the ticket's caller."""
    name, digits = (ticket.caller_name or "").strip(), "".join(c for c in text if c.isdigit())
    number = "".join(c for c in ticket.phone or "" if c.isdigit())
    national = number[2:] if number.startswith("86") else number
    named = len(name) > 1 and name in text
    return named or (len(national) >= _SHORTEST_NUMBER and national in digits)


def round_place(lat: float, lon: float, metres: int) -> tuple[float, float]:
    """The middle of the square that a place lies in, of a fixed grid of squares so many metres wide: the same for all
    places of a square, so that many reports of one place tell no more of it than one."""
    high = metres / _METRES_OF_DEGREE
    middle = min(max((math.floor(lat / high) + 0.5) * high, -90.0), 90.0)
    wide = high / max(math.cos(math.radians(middle)), 0.01)
    across = min(max((math.floor(lon / wide) + 0.5) * wide, -180.0), 180.0)
    return round(middle, 5), round(across, 5)

"""What a resident may know of a ticket: how it stands, against its number and query code. No personal data."""

import hmac
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hotline.db import lookups, tickets
from hotline.domain.directory import Directory
from hotline.domain.numbering import read_number
from hotline.domain.privacy import EVERYTHING
from hotline.domain.texting import CODE_LENGTH
from hotline.domain.ticket import Facts, Refusal, Refused
from hotline.domain.vocabulary import Action, Code, TicketStatus
from hotline.domain.wording import PUBLIC_ACTION, PUBLIC_STATUS

from .act import UNKNOWN
from .house import House

MOST_OF_TICKET, MOST_FROM_ADDRESS = 5, 30  # wrong codes within FORGIVEN
FORGIVEN = timedelta(hours=1)
TOO_MANY = Refusal(Code.TOO_MANY, "too many wrong codes: try again in an hour")
_PUBLIC = frozenset(PUBLIC_ACTION)


def query_code(secret: bytes, number: str) -> str:
    """Six digits that follow from the number and the house's secret: sent with it, and never kept."""
    digest = hmac.digest(secret, b"query code" + number.encode(), "sha256")
    return str(int.from_bytes(digest[:8]) % 10**CODE_LENGTH).zfill(CODE_LENGTH)


async def code_matches(house: House, number: str, code: str | None, asker: str, now: datetime) -> bool:
    """Whether the code is the ticket's; wrong ones are counted for the ticket and for the asker. Raises Refused where
    there were too many."""
    subjects = ((f"ticket:{number}", MOST_OF_TICKET), (asker[:100], MOST_FROM_ADDRESS))
    right = code is not None and hmac.compare_digest(code.encode(), query_code(house.secret, number).encode())

    def count(c: sa.Connection) -> bool:
        blocked = any(lookups.failures(c, s, now - FORGIVEN) >= most for s, most in subjects)
        if not right and not blocked:
            for subject, _ in subjects:
                lookups.failed(c, subject, now, now - FORGIVEN)
        return blocked

    if await house.db.transact(count):
        raise Refused(TOO_MANY)
    return right


async def look_up(house: House, number: str, code: str, address: str, now: datetime) -> dict[str, Any]:
    """A ticket as its resident may see it. Raises Refused: 404 for a wrong number, a wrong code and a confidential
    matter alike."""
    read = read_number(number)
    right = await code_matches(house, read or number[:20], code if read else None, f"address:{address}", now)
    facts = await tickets.facts(house.db, EVERYTHING, read) if right and read else None
    if facts is None or facts.ticket.confidential or facts.ticket.status is TicketStatus.VOID:
        raise Refused(UNKNOWN)
    directory = await house.directory.now(now)
    steps = await tickets.public_steps(house.db, facts.ticket.number)
    return shown_to_resident(directory, facts, steps)


def shown_to_resident(directory: Directory, facts: Facts, steps: Any = ()) -> dict[str, Any]:
    """No name, no number, no address, no word of the narrative: the state, who acts, by when, and our answer."""
    ticket = facts.ticket
    zh, en = PUBLIC_STATUS[ticket.status]
    done = ticket.status in (TicketStatus.CLOSED, TicketStatus.RESOLVED)
    return {
        "number": ticket.number,
        "status": ticket.status,
        "label": {"zh": zh, "en": en},
        "category": directory.name_of("categories", ticket.category),
        "department": directory.name_of("departments", ticket.department),
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "promised_at": ticket.promised_at,
        "closed_at": ticket.closed_at,
        "reply": ticket.public_reply if done else None,
        "right_channel": ticket.channel_told if ticket.status is TicketStatus.DECLINED else None,
        "merged_into": ticket.parent,
        "steps": [
            {
                "at": s.at,
                "action": s.action,
                "label": dict(zip(("zh", "en"), PUBLIC_ACTION[Action(s.action)], strict=True)),
            }
            for s in steps
            if s.action in _PUBLIC
        ],
    }


def progress_of(directory: Directory, facts: Facts, language: str) -> dict[str, str]:
    """The same in the words of a text."""
    ticket, place = facts.ticket, 0 if language == "zh" else 1
    department = directory.departments.get(ticket.department or "")
    by = "" if department is None else (department.name, department.name_en)[place]
    said: dict[str, str] = {
        "number": ticket.number,
        "status": PUBLIC_STATUS[ticket.status][place],
        "department": "",
        "promised": "",
    }
    if by and ticket.status is TicketStatus.DISPATCHED:
        said["department"] = (f"承办：{by}。", f"With: {by}. ")[place]
    if ticket.promised_at is not None and ticket.status in (TicketStatus.TRIAGED, TicketStatus.DISPATCHED):
        when = said_time(directory, ticket.promised_at, language)
        said["promised"] = (f"承诺{when}前答复。", f"Answer by {when}.")[place]
    if ticket.status in (TicketStatus.RESOLVED, TicketStatus.CLOSED) and ticket.public_reply:
        said["promised"] = (f"答复：{ticket.public_reply}", f"Answer: {ticket.public_reply}")[place]
    return said


def zone_of(directory: Directory) -> ZoneInfo:
    """The house's own time zone."""
    calendar = directory.calendars.get(directory.home.calendar) if directory.home else None
    return ZoneInfo(calendar.zone if calendar else "Asia/Shanghai")


def said_time(directory: Directory, moment: datetime, language: str) -> str:
    """A moment as people say it, in the house's zone."""
    local = moment.astimezone(zone_of(directory))
    if (local.hour, local.minute) == (0, 0):  # the end of a day is that day's
        day = local - timedelta(days=1)
        return f"{day.month}月{day.day}日24:00" if language == "zh" else f"{day:%d %b} 24:00"
    return f"{local.month}月{local.day}日{local:%H:%M}" if language == "zh" else f"{local:%d %b %H:%M}"

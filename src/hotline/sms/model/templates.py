"""Templates of texts: which text follows which step, when it may be sent, and its greatest length. A text holds only
what its resident may know: no other person's name, and no department's internal notes."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hotline.organisation.model.vocabulary import Channel, Priority
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.vocabulary import Action, Satisfaction, TicketStatus

A = Action
_ENDED = frozenset(
    {TicketStatus.CLOSED, TicketStatus.DECLINED, TicketStatus.VOID, TicketStatus.WITHDRAWN, TicketStatus.MERGED}
)
_LANDLINE = re.compile(r"\+86(?!1[3-9])")

_TEMPLATE_BY_ACTION: Mapping[Action, str] = {
    A.DISPATCH: "dispatched",
    A.REQUEST_INFO: "info",
    A.APPROVE_EXTENSION: "extended",
    A.ANSWER: "answered",
    A.EXPLAIN: "explained",
    A.REOPEN: "reopened",
    A.DECLINE: "declined",
    A.SHELVE: "shelved",
    A.MERGE: "merged",
}
QUIET_HOURS_EXEMPT = frozenset(  # these answer what the resident did a moment ago: they are awake
    {
        "received",
        "received_dispatched",
        "emergency",
        "joined",
        "incident_joined",
        "incident_after_end",
        "progress",
        "progress_none",
        "opted_out",
        "opted_in",
        "help",
    }
)
OFFICER_TEMPLATES = frozenset({"duty", "escalation"})  # they are paid to be woken
KEYWORD_REPLIES = ("help", "opted_out", "opted_in", "progress_none")  # to a keyword, about no ticket
STOP_LIST_EXEMPT = frozenset({"opted_out", "opted_in"})  # the stop list does not stop what is said of itself
COUNT_EXEMPT = (  # answers they asked for
    "joined", "incident_after_end", "progress", "progress_none", "help", "opted_out", "opted_in",
)  # fmt: skip
# they need the first to answer; the others they asked for a moment ago
CAP_EXEMPT = STOP_LIST_EXEMPT | {"solved", "reopened", "info"} | frozenset(COUNT_EXEMPT)
# what becomes of a person's own request: above the cap it waits, and is not lost
RECEIPTS = frozenset({"received", "received_dispatched"})
HELD_ABOVE_CAP = RECEIPTS | frozenset(
    {
        "incident_joined",
        "incident_over",
        "incident_reopened",
        "answered",
        "explained",
        "declined",
        "closed",
    }
)

QUIET_FROM, QUIET_TO = time(22, 0), time(8, 0)
MAX_IN_TEN_MINUTES, MAX_IN_A_DAY = 4, 12  # texts to one number, emergencies apart
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("|^€{}[]~\\")
MAX_TEXT_LENGTH = 500  # characters of one text of ours: eight parts


def template_for(action: Action, ticket: Ticket, *, at_opening: bool, may_ask_rating: bool) -> str | None:
    """The template sent to the caller after a step; None: nothing is sent. `at_opening`: the step happened when the ticket was
    opened; `may_ask_rating`: whether a rating may be asked for."""
    if action is A.RECEIVE:
        if ticket.status in _ENDED:
            return None  # settled while they were on the line
        if ticket.priority is Priority.EMERGENCY:
            return "emergency"
        return "received_dispatched" if ticket.department is not None and ticket.promised_at else "received"
    if action is A.DISPATCH and at_opening:
        return None  # said together with the receipt
    if action is A.CONFIRM:  # else they were called just now, or gave no rating
        is_rated = ticket.satisfaction_final not in (None, Satisfaction.NO_ANSWER)
        return "closed" if ticket.channel is Channel.SMS and is_rated else None
    if action is A.ACCEPT_REPORT:  # closed or reopened meanwhile: there is nothing to ask any more
        return "solved" if may_ask_rating and ticket.status is TicketStatus.RESOLVED else "answered"
    return _TEMPLATE_BY_ACTION.get(action)


def incident_template(payload: Mapping[str, Any]) -> str | None:
    """The template of what an incident tells its callers; None: the message is of a ticket's own step."""
    if payload.get("incident") is None:
        return None
    if payload.get("reopened"):
        return "incident_reopened"
    return "incident_over" if payload.get("final_word") is not None else "incident_joined"


def still_fits(template: str, then: str | None, now: TicketStatus) -> bool:
    """Whether what a step made of a ticket is still so. `then`: its status after the step; None: not told, so it is."""
    if template in RECEIPTS:  # the rating question was not held back, and says more
        return now is not TicketStatus.RESOLVED
    return then in (None, now) or (then == TicketStatus.RESOLVED and now is TicketStatus.CLOSED)


def withheld_reason(ticket: Ticket) -> str | None:
    """Why a caller is not written to; None: they are."""
    if ticket.confidential:  # their number and their matter go to no provider: an operator calls them
        return "confidential"
    if not ticket.reply_wanted and ticket.priority is not Priority.EMERGENCY:
        return "no reply wanted"
    return "a landline takes no texts" if _LANDLINE.match(ticket.phone or "") else None


@dataclass(frozen=True, slots=True)
class ComposedText:
    """A text ready to go: how many parts it takes, and in which alphabet."""

    body: str
    parts: int
    ucs2: bool


def compose_text(text: str, values: Mapping[str, str]) -> ComposedText:
    """Fill a text in. What is filled in is one line, and is shortened before the text gets longer than
    MAX_TEXT_LENGTH."""
    one_line_values = {name: _single_line(value) for name, value in values.items()}
    body = _filled(text, one_line_values)
    while len(body) > MAX_TEXT_LENGTH:
        longest = max(one_line_values, key=lambda n: len(one_line_values[n]))
        if len(one_line_values[longest]) < 8:
            body = body[: MAX_TEXT_LENGTH - 1] + "…"
            break
        one_line_values[longest] = (
            one_line_values[longest][
                : max(4, len(one_line_values[longest]) - (len(body) - MAX_TEXT_LENGTH) - 1)
            ].rstrip("…")
            + "…"
        )
        body = _filled(text, one_line_values)
    parts, ucs2 = count_parts(body)
    return ComposedText(body, parts, ucs2)


def _filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its values; where one is empty, without the second of the spaces around it."""
    return text.format_map(_EmptyForMissing(values)).replace("  ", " ")


class _EmptyForMissing(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def _single_line(value: str) -> str:
    return " ".join("".join(c for c in value if unicodedata.category(c) not in ("Cc", "Cf") or c in "\n\t").split())


def count_parts(body: str) -> tuple[int, bool]:
    """How many SMS a text takes, and whether it needs UCS-2: 160 then 153 septets, else 70 then 67 units of 16 bits."""
    if all(c in _GSM or c in _GSM_EXTENDED for c in body):
        size, one, each, ucs2 = sum(2 if c in _GSM_EXTENDED else 1 for c in body), 160, 153, False
    else:
        size, one, each, ucs2 = len(body.encode("utf-16-be")) // 2, 70, 67, True
    return (1 if size <= one else -(-size // each)), ucs2


def quiet_until(now: datetime, zone: ZoneInfo, start: time = QUIET_FROM, end: time = QUIET_TO) -> datetime | None:
    """When the quiet hours that run now are over. None: they do not run."""
    local = now.astimezone(zone)
    if start == end:
        return None
    inside = start <= local.time() or local.time() < end if start > end else start <= local.time() < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1) if local.time() >= end else local.date()
    return datetime.combine(day, end, zone).astimezone(now.tzinfo)


def is_capped(last_ten_minutes: int, last_day: int) -> bool:
    """Whether a number has had its share: how many texts it got in the last ten minutes, and in the last 24 hours."""
    return last_ten_minutes >= MAX_IN_TEN_MINUTES or last_day >= MAX_IN_A_DAY

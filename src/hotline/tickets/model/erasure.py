"""What an erasure makes of a ticket and of the lines of its timeline: personal data goes, figures stay."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from hotline.text.personal import ERASED_TEXT, ErasedPerson
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.visibility import EntryRow
from hotline.tickets.model.vocabulary import (
    ERASED,
    ESCALATION_LEVEL,
    INCIDENT_STATE,
    OPENED,
    UNDONE,
    Action,
    DeclineReason,
    DepartureReason,
    Fault,
    ReturnReason,
    VoidReason,
)

ERASED_NAME = "resident"  # in place of the name of a resident who wrote
_CODES = frozenset(
    str(code) for words in (DeclineReason, DepartureReason, Fault, ReturnReason, VoidReason) for code in words
)
_SYSTEM_KINDS = frozenset({"rules", "clock"})  # their reasons are the program's own words
_TEXTS = ("title", "narrative", "public_reply", "internal_result", "channel_told")
_CALLERS = ("phone", "caller_name", "contact", "address", "floor", "room", "lat", "lon")
_OWN_KEYS = frozenset({*_TEXTS[:2], *_CALLERS, "caller"})
# of the changes of a line: codes, figures and moments; what is not named here is personal
_KEPT_CHANGES = frozenset({
    "status", "kind", "channel", "category", "priority", "confidential", "reply_wanted", "area", "building", "unit",
    "department", "parent", "incident", "outer_system", "outer_due_at", "due_at", "promised_at", "review_at", "cost",
    "funding", "reason_code", "satisfaction_first", "satisfaction_final", "supervised", "escalated", "flags", "urges",
    "calls", "call_backs", "returns", "extensions", "reopens", "attachments", "returned_by", "ruled", "triaged_at",
    "closed_at", "ended_at", "outcome", "unpublished", "reached", "solved", "target", "clock", "issued",
    INCIDENT_STATE, ESCALATION_LEVEL, ERASED, UNDONE, OPENED,
})  # fmt: skip
_ORDER_TEXTS = frozenset({"assignment.return_basis", "assignment.result"})
_KEPT_RESULT = frozenset({"solved", "cost", "funding", "photos"})


class TicketShare(StrEnum):
    """How much of a ticket is a person's."""

    WHOLE = "whole"  # nobody else called about it
    OPENED = "opened"  # theirs, and others called about it too
    JOINED = "joined"  # another's: they called about it, or are named in it


def erased_columns(before: Ticket, share: TicketShare, person: ErasedPerson) -> dict[str, Any]:
    """The columns of a ticket that an erasure changes. Empty: none of them held anything of the person."""
    columns: dict[str, Any] = {}
    if share is TicketShare.JOINED:
        columns = {name: person.scrub(getattr(before, name)) for name in (*_TEXTS, "address")}
    else:
        columns = dict.fromkeys(_CALLERS) | {"title": ERASED_TEXT, "narrative": ERASED_TEXT}
        if before.caller is not None:
            columns["caller"] = person.pseudonym if before.caller == person.id else before.caller
        replies = _TEXTS[2:]
        if share is TicketShare.WHOLE:
            columns |= {name: None if getattr(before, name) is None else ERASED_TEXT for name in replies}
        else:
            columns |= {name: person.scrub(getattr(before, name)) for name in replies}
        columns |= {"public_text": None, "unpublished": True}
    return {name: value for name, value in columns.items() if value != getattr(before, name)}


def erased_line(line: EntryRow, share: TicketShare, person: ErasedPerson, told: Collection[str]) -> dict[str, Any]:
    """The columns of a line that an erasure changes. `told`: of a ticket that others called about, what this person
    told in their own calls."""
    own = line.by_id == person.id
    columns: dict[str, Any] = {
        "reason": _erased_reason(line, share, person, own=own or line.reason in told),
        "changes": {name: _erased_change(name, pair, share, person) for name, pair in line.changes.items()},
    }
    if own:
        columns |= {"by_id": person.pseudonym, "by_name": ERASED_NAME}
    return {name: value for name, value in columns.items() if value != getattr(line, name)}


def _erased_reason(line: EntryRow, share: TicketShare, person: ErasedPerson, *, own: bool) -> str | None:
    reason = line.reason
    if reason is None or line.action == Action.ERASE:
        return reason
    if line.by_kind in _SYSTEM_KINDS or (share is not TicketShare.WHOLE and not own):
        return str(person.scrub(reason))
    code, colon, _ = reason.partition(": ")
    if code in _CODES:
        return f"{code}: {ERASED_TEXT}" if colon else code
    return ERASED_TEXT


def _erased_change(name: str, pair: Any, share: TicketShare, person: ErasedPerson) -> Any:
    if share is TicketShare.JOINED or (share is TicketShare.OPENED and name not in _OWN_KEYS):
        return person.scrub(pair)
    if name in _KEPT_CHANGES or (name.startswith("assignment.") and name not in _ORDER_TEXTS):
        return pair
    if name == "assignment.result":
        return [erased_result(each) for each in pair]
    return [None if each is None else ERASED_TEXT for each in pair]


def erased_result(result: Any) -> Any:
    """The result of an order without its texts."""
    if not isinstance(result, Mapping):
        return result
    return {name: value if name in _KEPT_RESULT else ERASED_TEXT for name, value in result.items()}

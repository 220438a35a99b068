"""What tickets hold of their callers."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hotline.database.personal_data import Changes, PersonalNoun, Subject, among, is_phone
from hotline.text.personal import ERASED_TEXT
from hotline.tickets.model.erasure import erased_result
from hotline.tickets.tables import assignment, attachment, call, caller, ticket, timeline

_SHOWN_OF_OTHERS = ("number", "status", "kind", "category", "area", "created_at", "closed_at")
_INNER = frozenset({"head", "chained", "version", "entries", "advice", "created_by", "caller", "image", "hash"})


def _show_caller(_: Subject, row: Any) -> Mapping[str, Any]:
    return {"phone": row.phone, "name": row.name, "note": row.note, "seen_at": row.seen_at}


def _show_ticket(subject: Subject, row: Any) -> Mapping[str, Any]:
    """Of a ticket of somebody else: that it is there, and how it stands."""
    if row.number in subject.joined:
        return {name: getattr(row, name) for name in _SHOWN_OF_OTHERS}
    return {name: value for name, value in row._mapping.items() if name not in _INNER and value not in (None, [], {})}


def _show_line(subject: Subject, row: Any) -> Mapping[str, Any] | None:
    """A line with what was said of the matter, not with who of the staff wrote it. Of tickets that others called about
    too: what this person told, and where they are named."""
    own = row.by_id == subject.person.id or row.reason in subject.told
    named = subject.scrubbed(row, "reason", "changes")
    if row.number not in subject.whole and not (own or named):
        return None
    shown = {name: getattr(row, name) for name in ("number", "seq", "at", "by_kind", "action", "reason")}
    return {**shown, "changes": dict(row.changes)} if row.number in subject.whole and row.changes else shown


def _is_own_call(subject: Subject, row: Any) -> bool:
    if row.number in subject.whole:
        return True
    return row.caller == subject.person.id or (subject.phone is not None and row.phone == subject.phone)


def _show_call(subject: Subject, row: Any) -> Mapping[str, Any] | None:
    if not _is_own_call(subject, row):
        return None
    names = (
        "number",
        "channel",
        "at",
        "narrative",
        "phone",
        "raw_phone",
        "caller_name",
        "area",
        "category",
        "taken_down",
    )
    return {name: getattr(row, name) for name in names if getattr(row, name) is not None}


def _erase_call(subject: Subject, row: Any) -> Changes:
    if not _is_own_call(subject, row):
        return subject.scrubbed(row, "narrative", "raw_phone", "caller_name", "taken_down")
    return {
        "narrative": ERASED_TEXT,
        "phone": None,
        "raw_phone": None,
        "caller_name": None,
        "taken_down": None,
        "caller": subject.person.pseudonym if row.caller == subject.person.id else row.caller,
    }


def _erase_order(subject: Subject, row: Any) -> Changes:
    if row.number not in subject.whole:
        return subject.scrubbed(row, "return_basis", "result")
    erased = {"return_basis": row.return_basis and ERASED_TEXT, "result": erased_result(row.result)}
    return {name: value for name, value in erased.items() if value != getattr(row, name)}


def _is_own_file(subject: Subject, row: Any) -> bool:
    return row.number in subject.whole or row.by_id == subject.person.id


def _show_file(subject: Subject, row: Any) -> Mapping[str, Any] | None:
    if not _is_own_file(subject, row):
        return None
    return {name: getattr(row, name) for name in ("id", "number", "name", "media_type", "size", "at")}


def _erase_file(subject: Subject, row: Any) -> Changes:
    return None if _is_own_file(subject, row) else {}


def _of_ticket(table: sa.Table) -> Any:
    return lambda subject: among(table.c.number, subject.tickets)


CALLER = PersonalNoun(
    "callers", caller, lambda s: caller.c.id == s.person.id, lambda s, row: None, _show_caller, "seen_at", "callers"
)
TICKET = PersonalNoun("tickets", ticket, _of_ticket(ticket), lambda s, row: {}, _show_ticket, "ended_at", "tickets")
LINES = PersonalNoun("timelines", timeline, _of_ticket(timeline), lambda s, row: {}, _show_line, None, "tickets")


def personal() -> Sequence[PersonalNoun]:
    """Tickets and their lines are erased by the one door and by redactions: their rows are only shown here."""
    return (
        TICKET,
        LINES,
        PersonalNoun(
            "contacts",
            call,
            lambda s: sa.or_(call.c.caller == s.person.id, is_phone(call.c.phone, s), among(call.c.number, s.tickets)),
            _erase_call,
            _show_call,
            None,
            "tickets",
        ),
        PersonalNoun("orders", assignment, _of_ticket(assignment), _erase_order, lambda s, row: None),
        PersonalNoun(
            "attachments",
            attachment,
            _of_ticket(attachment),
            _erase_file,
            _show_file,
            "at",
            "attachments",
            lambda row: str(row.sha256),
        ),
        CALLER,
    )

"""What was pushed by or about a person, and what waits or waited to be sent to them."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hotline.database.personal_data import Changes, PersonalNoun, Subject, among, is_phone
from hotline.delivery.model import MessageStatus
from hotline.delivery.tables import attempt, outbox
from hotline.inbound.model import InboundStatus
from hotline.inbound.tables import inbound
from hotline.text.personal import ERASED_TEXT

_WAITING = frozenset({MessageStatus.QUEUED, MessageStatus.LEASED})
_ENDED = frozenset({InboundStatus.DONE, InboundStatus.DISMISSED})


def _pushed(subject: Subject) -> sa.ColumnElement[bool]:
    return sa.or_(is_phone(inbound.c.sender, subject), among(inbound.c.number, subject.whole))


def _erase_pushed(_: Subject, row: Any) -> Changes:
    closed = {} if row.status in _ENDED else {"status": InboundStatus.DISMISSED}
    return {"sender": None, "text": ERASED_TEXT, "raw": "", "details": {}, "partition": "erased", "why": None, **closed}


def _show_pushed(_: Subject, row: Any) -> Mapping[str, Any]:
    names = ("kind", "sender", "receiver", "text", "received_at", "status", "effect", "number")
    return {name: getattr(row, name) for name in names if getattr(row, name) is not None}


def _sent(subject: Subject) -> sa.ColumnElement[bool]:
    """Messages about their tickets, and replies to what they wrote."""
    replies = [sa.select(sa.literal(prefix) + inbound.c.id).where(_pushed(subject)) for prefix in ("re.", "al.")]
    return sa.or_(among(outbox.c.number, subject.tickets), *(outbox.c.id.in_(each) for each in replies))


def _erase_message(subject: Subject, row: Any) -> Changes:
    if row.number and row.number not in subject.whole:
        return subject.scrubbed(row, "payload", "last_error")
    if row.status in _WAITING:
        return {"payload": {}, "status": MessageStatus.DROPPED, "lease_until": None, "lease_token": None}
    return {"payload": {}, "last_error": None} if row.payload or row.last_error else {}


def _tries(subject: Subject) -> sa.ColumnElement[bool]:
    return attempt.c.message.in_(sa.select(outbox.c.id).where(_sent(subject)))


def _erase_try(_: Subject, row: Any) -> Changes:
    return {"said": ""} if row.said else {}


def personal() -> Sequence[PersonalNoun]:
    """Tries and messages before the texts by which they are found."""
    return (
        PersonalNoun("tries", attempt, _tries, _erase_try, lambda s, row: None, "at", "tries"),
        PersonalNoun("messages", outbox, _sent, _erase_message, lambda s, row: None, "created_at", "tries"),
        PersonalNoun("texts_received", inbound, _pushed, _erase_pushed, _show_pushed, "received_at", "inbound"),
    )

"""What the exchange told of those who called."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hotline.database.personal_data import Changes, PersonalNoun, Subject, among, is_phone
from hotline.telephony.tables import return_call, voice_call, voice_event
from hotline.telephony.vocabulary import ReturnCall

_NAMES = frozenset({"phone", "raw_phone", "recording", "recording_expires_at"})


def _calls(subject: Subject) -> sa.ColumnElement[bool]:
    v = voice_call.c
    return sa.or_(is_phone(v.phone, subject), is_phone(v.raw_phone, subject), among(v.number, subject.whole))


def _events(subject: Subject) -> sa.ColumnElement[bool]:
    v, e = voice_call.c, voice_event.c
    return sa.exists().where(v.pbx == e.pbx, v.reference == e.reference, _calls(subject))


def _erase_call(_: Subject, row: Any) -> Changes:
    return {name: None for name in _NAMES if getattr(row, name) is not None}


def _show_call(_: Subject, row: Any) -> Mapping[str, Any]:
    names = ("direction", "phone", "line", "outcome", "offered_at", "answered_at", "ended_at", "number", "recording")
    return {name: getattr(row, name) for name in names if getattr(row, name) is not None}


def _erase_return_call(_: Subject, row: Any) -> Changes:
    closed = {} if row.status == ReturnCall.DONE else {"status": ReturnCall.DONE, "done_at": row.last_at}
    return {"phone": "", **closed}


def _show_return_call(_: Subject, row: Any) -> Mapping[str, Any]:
    names = ("phone", "missed", "status", "at", "last_at", "tries", "done_at", "outcome", "number")
    return {name: getattr(row, name) for name in names if getattr(row, name) is not None}


def personal() -> Sequence[PersonalNoun]:
    """Events before the calls by which they are found."""
    return (
        PersonalNoun("call_events", voice_event, _events, lambda s, row: None, lambda s, row: None, "at", "events"),
        PersonalNoun("calls", voice_call, _calls, _erase_call, _show_call, "offered_at", "calls"),
        PersonalNoun(
            "return_calls",
            return_call,
            lambda s: is_phone(return_call.c.phone, s),
            _erase_return_call,
            _show_return_call,
            "last_at",
            "calls",
        ),
    )

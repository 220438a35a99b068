"""What texts hold of those who got them."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hotline.database.personal_data import Changes, PersonalNoun, Subject, among, is_phone
from hotline.sms.store import stop_token
from hotline.sms.tables import stop_list, text_out
from hotline.text.personal import ERASED_TEXT


def _erase_text(subject: Subject, row: Any) -> Changes:
    if subject.phone is not None and row.receiver == subject.phone:
        return {"receiver": "", "body": ERASED_TEXT}
    if row.number in subject.whole and row.body != ERASED_TEXT:
        return {"body": ERASED_TEXT}
    return subject.scrubbed(row, "body")


def _show_text(subject: Subject, row: Any) -> Mapping[str, Any] | None:
    if row.receiver != subject.phone:
        return None
    names = ("number", "receiver", "body", "language", "status", "created_at", "sent_at", "line")
    return {name: getattr(row, name) for name in names if getattr(row, name) is not None}


def _erase_stop(subject: Subject, row: Any) -> Changes:
    """It still stops texts, and no longer tells to which number."""
    return {"phone": stop_token(subject.phone or "")}


def personal() -> Sequence[PersonalNoun]:
    return (
        PersonalNoun(
            "texts_sent",
            text_out,
            lambda s: sa.or_(is_phone(text_out.c.receiver, s), among(text_out.c.number, s.tickets)),
            _erase_text,
            _show_text,
            "created_at",
            "texts",
        ),
        PersonalNoun("opt_outs", stop_list, lambda s: is_phone(stop_list.c.phone, s), _erase_stop),
    )

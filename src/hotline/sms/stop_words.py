"""Who asks for no more texts, or for texts again; and how many texts of one number are answered within an hour."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from hotline.database.engine import Database
from hotline.inbound import store as inbound_store
from hotline.inbound.outcome import TransactionWrite
from hotline.sms import store as sms_store
from hotline.sms.model.requests import MAX_TEXTS_PER_HOUR, Intent

_HOUR = timedelta(hours=1)
TOO_MANY = f"more than {MAX_TEXTS_PER_HOUR} texts from this number within an hour"


async def is_above_hourly_limit(db: Database, phone: str, text_id: str, now: datetime) -> bool:
    """Whether this number sent too many texts within an hour, with the text of that id."""
    return await inbound_store.count_recent_texts(db, phone, now - _HOUR, text_id) > MAX_TEXTS_PER_HOUR


async def has_opted_within_hour(db: Database, phone: str, text_id: str, now: datetime) -> bool:
    """Whether this number asked for no more texts, or for texts again, before the text of that id."""
    return await inbound_store.has_opted_recently(db, phone, now - _HOUR, text_id)


def stop_list_change(intent: Intent, phone: str, now: datetime) -> TransactionWrite:
    """What OPT_OUT or OPT_IN does to the stop list."""

    def change(c: sa.Connection) -> None:
        if intent is Intent.OPT_OUT:
            sms_store.add_to_stop_list(c, phone, now, "sms")
        else:
            sms_store.remove_from_stop_list(c, phone)

    return change

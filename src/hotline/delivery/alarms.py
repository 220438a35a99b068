"""Alarms: messages to operators that something needs their attention."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from hotline.delivery import store
from hotline.delivery.model import Message
from hotline.text.numbering import TicketNumber


def add_alarm(c: sa.Connection, topic: str, texts: Mapping[str, str], now: datetime) -> None:
    """Tell operators, once an hour for each `topic`. `texts`: as `locales.bilingual` gives it."""
    store.add_messages(
        c, [Message(f"{topic}.{now:%Y%m%d%H}", "alarm", TicketNumber(""), "role:operator", dict(texts), now)]
    )

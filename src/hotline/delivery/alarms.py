"""Telling operators that something needs them."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from hotline.delivery import store
from hotline.delivery.model import Message
from hotline.text.numbering import Number


def alarm(c: sa.Connection, what: str, said: Mapping[str, str], now: datetime) -> None:
    """Tell operators, once an hour for each `what`. `said`: as `locales.bilingual` gives it."""
    store.add_once(c, [Message(f"{what}.{now:%Y%m%d%H}", "alarm", Number(""), "role:operator", dict(said), now)])

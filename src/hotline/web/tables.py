"""Tables of failed attempts, counted so that a limit holds over several processes."""

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.metadata import table

C, S, I = sa.Column, sa.String, sa.Integer
lookup_failure = table(
    "lookup_failure", "Read by older versions alone: `throttle` has taken its place.",
    C("subject", S(100), primary_key=True),
    C("count", I, nullable=False),
    C("last_at", Instant, nullable=False),
)  # fmt: skip

throttle = table(
    "throttle", "Wrong passwords and query codes, counted here so that a limit holds over several processes.",
    C("subject", S(80), primary_key=True, doc="What is counted, and a keyed hash of whom"),
    C("count", I, nullable=False),
    C("began_at", Instant, nullable=False),
    C("last_at", Instant, nullable=False),
    sa.Index(None, "last_at"),
)  # fmt: skip

known_place = table(
    "known_place", "Devices and addresses from which a log-in or a query code was right lately.",
    C("place", S(64), primary_key=True, doc="A keyed hash of both"),
    C("last_at", Instant, nullable=False),
    sa.Index(None, "last_at"),
)  # fmt: skip

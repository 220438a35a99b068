"""Tables of failed attempts, counted so that a limit holds over several processes."""

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.metadata import metadata

C, S, I = sa.Column, sa.String, sa.Integer
lookup_failure = sa.Table(  # read by older versions alone: `throttle` has taken its place
    "lookup_failure", metadata,
    C("subject", S(100), primary_key=True),
    C("count", I, nullable=False),
    C("last_at", Instant, nullable=False),
)  # fmt: skip

throttle = sa.Table(  # wrong passwords and query codes, counted here so that a limit holds over several processes
    "throttle", metadata,
    C("subject", S(80), primary_key=True),  # what is counted, and a keyed hash of whom
    C("count", I, nullable=False),
    C("began_at", Instant, nullable=False),
    C("last_at", Instant, nullable=False),
    sa.Index(None, "last_at"),
)  # fmt: skip

known_place = sa.Table(  # a device or an address from which a log-in or a query code was right lately
    "known_place", metadata,
    C("place", S(64), primary_key=True),  # a keyed hash of both
    C("last_at", Instant, nullable=False),
    sa.Index(None, "last_at"),
)  # fmt: skip

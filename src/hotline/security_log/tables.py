"""Tables of the security log and of the heads of chains."""

import sqlalchemy as sa

from hotline.database.columns import Document, Instant
from hotline.database.metadata import table

C, S = sa.Column, sa.String
security_log = table(
    "security_log", "Who did what about access and data, and from where. Rows are added, never changed.",
    C("position", sa.BigInteger, primary_key=True, autoincrement=False, doc="From 1, without gaps"),
    C("at", Instant, nullable=False),
    C("deed", S(32), nullable=False, doc="No CHECK, so that a new word does not build this table anew"),
    C("outcome", S(8), nullable=False),
    C("by_kind", S(16), nullable=False),
    C("by_id", S(60), nullable=False),
    C("by_name", sa.Text, nullable=False),
    C("address", S(45)),
    C("about_kind", S(16), doc="person, key, ticket, caller, export, a noun of the directory"),
    C("about", S(80)),
    C("details", Document, nullable=False, doc="Plain data without personal text"),
    C("hash", S(64), nullable=False, doc="SHA-256 of the hash of the row before and of all other columns"),
    sa.Index("ix_security_log_by_id_position", "by_id", "position"),
    sa.Index("ix_security_log_about_position", "about", "position"),
    sa.Index("ix_security_log_deed_position", "deed", "position"),
    sa.Index("ix_security_log_at", "at"),
)  # fmt: skip

chain_head = table(
    "chain_head", "The last row of each chain that has one row after the other.",
    C("name", S(20), primary_key=True),
    C("position", sa.BigInteger, nullable=False),
    C("hash", S(64), nullable=False),
)  # fmt: skip

log_shipment = table(
    "log_shipment", "How far the security log was sent to each destination, and which worker sends now.",
    C("destination", S(10), primary_key=True),
    C("position", sa.BigInteger, nullable=False, doc="The last row that has arrived"),
    C("lease_until", Instant),
    C("lease_token", S(36)),
)  # fmt: skip

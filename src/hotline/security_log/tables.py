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
    C("about_kind", S(16), doc="person, key, ticket, caller, export, provider, a noun of the directory"),
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

checkpoint = table(
    "audit_checkpoint", "Signed states of all chains: which tickets changed, how each ended, and the end of the security log.",
    C("number", sa.BigInteger, primary_key=True, autoincrement=False, doc="From 1, without gaps"),
    C("at", Instant, nullable=False),
    C("event", sa.BigInteger, nullable=False, doc="The newest event that was looked at"),
    C("log_position", sa.BigInteger, nullable=False),
    C("log_hash", S(64), nullable=False),
    C("tickets", sa.Integer, nullable=False, doc="How many changed since the checkpoint before"),
    C("heads", S(64), nullable=False, doc="SHA-256 of their numbers, last lines and hashes"),
    C("through", S(14), doc="Up to which ticket a look at all of them has come; absent: it has seen all"),
    C("closed", sa.Boolean, nullable=False, doc="Whether lines without a hash were chained no longer"),
    C("hash", S(64), nullable=False, doc="SHA-256 of the hash of the checkpoint before and of the columns above"),
    C("key", S(64), nullable=False, doc="The public key, hexadecimal"),
    C("signature", S(128), nullable=False, doc="Ed25519 over `hash`, hexadecimal"),
)  # fmt: skip

checkpoint_head = table(
    "checkpoint_head", "How the chain of a ticket ended at a checkpoint, where it had changed since the one before.",
    C("checkpoint", sa.BigInteger, primary_key=True, autoincrement=False),
    C("number", S(14), primary_key=True),
    C("seq", sa.Integer, nullable=False),
    C("hash", S(64), nullable=False),
    sa.Index("ix_checkpoint_head_number", "number", "checkpoint"),
)  # fmt: skip

audit_key = table(
    "audit_key", "The keys that sign checkpoints.",
    C("public", S(64), primary_key=True, doc="Ed25519, hexadecimal"),
    C("sealed", sa.Text, nullable=False),
    C("made_at", Instant, nullable=False),
)  # fmt: skip

chain_opening = table(
    "chain_opening", "While the newest row has not ended, lines without a hash are chained. It ends when all have one, after a day.",
    C("id", sa.Integer, primary_key=True, autoincrement=False, doc="1: the migration; more: opened anew"),
    C("at", Instant, nullable=False),
    C("ended_at", Instant),
    C("log_position", sa.BigInteger, nullable=False, doc="The row of the security log that tells who opened it; 0: the migration"),
)  # fmt: skip

log_shipment = table(
    "log_shipment", "How far the security log was sent to each destination, and which worker sends now.",
    C("destination", S(10), primary_key=True),
    C("position", sa.BigInteger, nullable=False, doc="The last row that has arrived"),
    C("lease_until", Instant),
    C("lease_token", S(36)),
)  # fmt: skip

redaction = table(
    "redaction", "What was taken out of timelines on request or in time, one row for each ticket each time; signed.",
    C("position", sa.BigInteger, primary_key=True, autoincrement=False, doc="From 1, without gaps"),
    C("at", Instant, nullable=False),
    C("ticket", S(14), nullable=False),
    C("whole", sa.Boolean, nullable=False, doc="All personal data of the ticket was taken out"),
    C("ground", S(10), nullable=False, doc="request, retention"),
    C("by_id", S(60), nullable=False),
    C("lines", Document, nullable=False, doc="For each line: its number, the fields, the hash of what stood there and of what stands there now"),
    C("hash", S(64), nullable=False, doc="SHA-256 of the hash of the row before and of the columns above"),
    C("key", S(64), nullable=False, doc="The public key, hexadecimal"),
    C("signature", S(128), nullable=False, doc="Ed25519 over `hash`, hexadecimal"),
    sa.Index("ix_redaction_ticket", "ticket", "position"),
)  # fmt: skip

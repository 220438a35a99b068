"""Tables of the database itself: answers kept under an Idempotency-Key, sequences, keys of the server,
which code may run on the schema."""

import sqlalchemy as sa

from hotline.database.columns import Document, Instant, PackedText
from hotline.database.metadata import table

C, S = sa.Column, sa.String
ANSWER_CONTEXT = "answer.body"
answer = table(
    "answer", "What was answered to an Idempotency-Key, written in the same transaction as its effect.",
    C("owner", S(60), primary_key=True),
    C("key", S(255), primary_key=True),
    C("fingerprint", S(64), nullable=False),
    C("status", sa.SmallInteger, nullable=False),
    C("etag", S(20)),
    C("body", PackedText(ANSWER_CONTEXT), nullable=False),
    C("at", Instant, nullable=False, index=True),
)  # fmt: skip

sequence = table(
    "sequence", "Named counters, such as the next ticket number; a process takes a block of numbers at a time.",
    C("name", S(20), primary_key=True),
    C("next", sa.BigInteger, nullable=False),
)  # fmt: skip

schema_compatibility = table(
    "schema_compatibility", "One row: the oldest revision whose code may run on this schema.",
    C("id", sa.Integer, primary_key=True, autoincrement=False),
    C("oldest_code", S(32), nullable=False),
)  # fmt: skip

stored_key = table(
    "stored_key", "Keys of the server, sealed with its secret.",
    C("name", S(20), primary_key=True, doc="`lookup`: keys of the hashes by which callers, API keys and sessions are found, the one in use first; `digests`: of chains and of kept requests"),
    C("sealed", sa.Text, nullable=False),
    C("created_at", Instant, nullable=False),
)  # fmt: skip

running_process = table(
    "running_process", "Processes that serve or work, and the look-up keys they know; each notes itself every minute.",
    C("id", S(32), primary_key=True),
    C("lookups", Document, nullable=False, doc="Ids of the keys, the one it writes with first"),
    C("seen_at", Instant, nullable=False),
)  # fmt: skip

sealing_progress = table(
    "sealing_progress", "Tables whose older rows are still to be sealed; a row goes when its table is done, the one named `finish` when all is.",
    C("name", S(40), primary_key=True),
    C("after", Document, nullable=False, doc="The key of the last row that was sealed"),
)  # fmt: skip

retention_period = table(
    "retention_period", "How long a noun is kept, where an administrator chose otherwise than by default.",
    C("noun", S(40), primary_key=True),
    C("days", sa.Integer, doc="NULL: without end"),
    C("changed_at", Instant, nullable=False),
    C("changed_by", S(60), nullable=False),
)  # fmt: skip

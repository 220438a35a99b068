"""Tables of outgoing messages, attempts to send them, and gateways."""

import sqlalchemy as sa

from hotline.database.columns import Document, Instant, SealedDocument, SealedText, words_check
from hotline.database.metadata import table
from hotline.delivery.model import GatewayKind, MessageStatus

C, S, I = sa.Column, sa.String, sa.Integer
_TO_OFFICERS = sa.text("status IN ('leased', 'queued') AND substr(partition, 1, 5) = 'duty:'")
outbox = table(
    "outbox", "Messages to hand over after COMMIT, each under a lease while a worker sends it.",
    C("id", S(40), primary_key=True),
    C("kind", S(20), nullable=False),
    C("number", S(14), nullable=False),
    C("partition", S(60), nullable=False),
    C("payload", SealedDocument("outbox.payload"), nullable=False),
    C("status", S(10), nullable=False),
    C("attempts", I, nullable=False),
    C("max_attempts", I, nullable=False),
    C("created_at", Instant, nullable=False),
    C("next_at", Instant, nullable=False),
    C("lease_until", Instant),
    C("lease_token", S(36)),
    C("last_error", sa.Text),
    words_check("status", MessageStatus),
    sa.Index("ix_outbox_partition_created_at_id", "partition", "created_at", "id",
             sqlite_where=sa.text("status IN ('leased', 'queued')"), postgresql_where=sa.text("status IN ('leased', 'queued')")),
    # the delivery log of one subscriber
    sa.Index("ix_outbox_hooked", "partition", "id", sqlite_where=sa.text("kind = 'webhook'"), postgresql_where=sa.text("kind = 'webhook'")),
    sa.Index("ix_outbox_hooked_created", "partition", "created_at", "id", sqlite_where=sa.text("kind = 'webhook'"),
             postgresql_where=sa.text("kind = 'webhook'")),
    # the log of robots
    sa.Index("ix_outbox_robots", "created_at", "id", sqlite_where=sa.text("kind = 'robot'"), postgresql_where=sa.text("kind = 'robot'")),
    # by kind: a claim skips the kinds that cannot be handed over now
    sa.Index("ix_outbox_kind_next_at_id", "kind", "next_at", "id",
             sqlite_where=sa.text("status IN ('leased', 'queued')"), postgresql_where=sa.text("status IN ('leased', 'queued')")),
    sa.Index("ix_outbox_officers", "kind", "next_at", "id", sqlite_where=_TO_OFFICERS, postgresql_where=_TO_OFFICERS),
)  # fmt: skip

gateway = table(
    "gateway", "Providers we speak with; their secrets are sealed with the server's own.",
    C("name", S(40), primary_key=True),
    C("kind", S(8), nullable=False),
    C("provider", S(40), nullable=False, doc="A name in the registry: packages of others may offer more"),
    C("settings", Document, nullable=False),
    C("sealed", sa.Text, nullable=False),
    C("active", sa.Boolean, nullable=False),
    C("sends", sa.Boolean, nullable=False),
    C("weight", I, nullable=False),
    C("resting", I, nullable=False, doc="Where the weight drifts back to"),
    C("shifted_at", Instant),
    C("version", I, nullable=False),
    C("created_at", Instant, nullable=False),
    C("created_by", S(60), nullable=False),
    words_check("kind", GatewayKind),
)  # fmt: skip

attempt = table(
    "attempt", "One try of one message: the delivery log, and what the weights of gateways go by.",
    C("message", S(40), primary_key=True),
    C("n", I, primary_key=True, autoincrement=False),
    C("way", S(60), nullable=False),
    C("at", Instant, nullable=False),
    C("ms", I, nullable=False),
    C("good", sa.Boolean, nullable=False),
    C("said", SealedText("attempt.said"), nullable=False),
    C("answer_status", I, doc="The HTTP status of the answer, where one came"),
    C("answer_bytes", I, doc="The size of its body"),
    sa.Index("ix_attempt_way_at", "way", "at"),
    sa.Index("ix_attempt_at", "at"),
)  # fmt: skip

"""The table of what was pushed: stored before it is acknowledged, processed from there."""

import sqlalchemy as sa

from hotline.database.columns import Instant, SealedDocument, SealedKey, SealedText, words_check
from hotline.database.metadata import table
from hotline.inbound.model import InboundKind, InboundStatus

C, S, I = sa.Column, sa.String, sa.Integer
_WAITS = sa.text("status IN ('kept', 'leased')")
inbound = table(
    "inbound", "All that was pushed to us: stored before it is acknowledged, processed from here.",
    C("id", S(36), primary_key=True),
    C("gateway", S(60), nullable=False),
    C("kind", S(8), nullable=False),
    C("key", S(80), nullable=False, doc="The provider's own id, or a hash where it sends none"),
    C("sender", SealedKey("phone")),
    C("receiver", S(60)),
    C("text", SealedText("inbound.text"), nullable=False),
    C("raw", SealedText("inbound.raw"), nullable=False),
    C("details", SealedDocument("inbound.details"), nullable=False),
    C("sent_at", Instant),
    C("received_at", Instant, nullable=False),
    C("urgent", sa.Boolean, nullable=False, doc="A danger word stands in it: it goes first"),
    C("partition", SealedKey("inbound.partition"), nullable=False, doc="What must be processed one after the other"),
    C("status", S(10), nullable=False),
    C("effect", S(12)),
    C("number", S(14)),
    C("why", SealedText("inbound.why")),
    C("attempts", I, nullable=False),
    C("next_at", Instant, nullable=False),
    C("lease_until", Instant),
    C("lease_token", S(36)),
    C("handled_by", S(60)),
    words_check("kind", InboundKind), words_check("status", InboundStatus),
    sa.UniqueConstraint("gateway", "kind", "key"),
    sa.Index("ix_inbound_due", "urgent", "next_at", "id", sqlite_where=_WAITS, postgresql_where=_WAITS),
    sa.Index("ix_inbound_partition_id", "partition", "id", sqlite_where=_WAITS, postgresql_where=_WAITS),
    sa.Index("ix_inbound_status_id", "status", "id"),
    sa.Index("ix_inbound_sender_received_at", "sender", "received_at"),
    sa.Index("ix_inbound_number", "number", sqlite_where=sa.text("number IS NOT NULL"), postgresql_where=sa.text("number IS NOT NULL")),
    sa.Index("ix_inbound_received_at", "received_at"),
)  # fmt: skip

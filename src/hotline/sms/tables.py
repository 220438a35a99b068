"""Tables of texts to residents and of numbers that must get none."""

import sqlalchemy as sa

from hotline.database.columns import Instant, SealedKey, SealedText, words_check
from hotline.database.metadata import table
from hotline.sms.model.status import TextStatus

C, S, I = sa.Column, sa.String, sa.Integer
text_out = table(
    "text_out", "Texts of ours; the id is the outbox's, and the provider's client reference.",
    C("id", S(40), primary_key=True),
    C("number", S(14), nullable=False),
    C("receiver", SealedKey("phone"), nullable=False),
    C("template", S(24), nullable=False),
    C("language", S(7), nullable=False, doc="zh, zh-Hant or en"),
    C("body", SealedText("text_out.body"), nullable=False),
    C("parts", I, nullable=False),
    C("status", S(20), nullable=False),
    C("status_at", Instant, nullable=False),
    C("created_at", Instant, nullable=False),
    C("sent_at", Instant),
    C("gateway", S(40)),
    C("line", S(60), doc="The number it was sent from: a reply comes back there"),
    C("provider_id", S(80)),
    C("attempts", I, nullable=False),
    C("error", sa.Text),
    words_check("status", TextStatus),
    sa.Index("ix_text_out_receiver_created_at", "receiver", "created_at"),
    sa.Index("ix_text_out_number", "number"),
    sa.Index("ix_text_out_gateway_provider_id", "gateway", "provider_id",
             sqlite_where=sa.text("provider_id IS NOT NULL"), postgresql_where=sa.text("provider_id IS NOT NULL")),
    sa.Index("ix_text_out_status_created_at", "status", "created_at"),
)  # fmt: skip

stop_list = table(
    "stop_list", "Phone numbers that get no texts, because their owner said so.",
    C("phone", SealedKey("phone"), primary_key=True),
    C("at", Instant, nullable=False),
    C("by_id", S(60), nullable=False),
)  # fmt: skip

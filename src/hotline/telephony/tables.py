"""Tables of calls on the exchange, their events, and the calls to be returned."""

import sqlalchemy as sa

from hotline.database.columns import Instant, SealedDocument, SealedKey, words_check
from hotline.database.metadata import table
from hotline.telephony.vocabulary import Direction, ReturnCall, VoiceOutcome, VoiceState

C, S, I = sa.Column, sa.String, sa.Integer
voice_call = table(
    "voice_call", "A call on the exchange, whatever became of it.",
    C("id", S(36), primary_key=True),
    C("pbx", S(40), nullable=False),
    C("reference", S(80), nullable=False, doc="The exchange's own id of the whole call"),
    C("direction", S(4), nullable=False),
    C("phone", SealedKey("phone")),
    C("raw_phone", SealedKey("phone")),
    C("line", S(60)),
    C("queue", S(60)),
    C("agent", S(60)),
    C("state", S(10), nullable=False),
    C("outcome", S(10)),
    C("cause", S(40)),
    C("offered_at", Instant, nullable=False),
    C("queued_at", Instant),
    C("answered_at", Instant),
    C("ended_at", Instant),
    C("moved_at", Instant, nullable=False),
    C("wait_ms", sa.BigInteger, doc="Until it was answered, or until the caller gave up"),
    C("talk_ms", sa.BigInteger),
    C("number", S(14)),
    C("recording", SealedDocument("voice_call.recording")),
    C("recording_expires_at", Instant),
    C("end_due_at", Instant, doc="When it counts as over if nothing else is heard of it; none: not yet known, or it has ended"),
    C("time_unknown", sa.Boolean, doc="A time of its events could not be read"),
    words_check("direction", Direction), words_check("state", VoiceState), words_check("outcome", VoiceOutcome),
    sa.UniqueConstraint("pbx", "reference"),
    sa.Index("ix_voice_call_offered_at", "offered_at"),
    sa.Index("ix_voice_call_agent_moved_at", "agent", "moved_at"),
    sa.Index("ix_voice_call_phone", "phone"),
    sa.Index("ix_voice_call_raw_phone", "raw_phone", sqlite_where=sa.text("phone IS NULL"), postgresql_where=sa.text("phone IS NULL")),
    sa.Index("ix_voice_call_end_due_at", "end_due_at", sqlite_where=sa.text("state <> 'ended'"), postgresql_where=sa.text("state <> 'ended'")),
    sa.Index("ix_voice_call_recording_expires_at", "recording_expires_at", sqlite_where=sa.text("recording_expires_at IS NOT NULL"), postgresql_where=sa.text("recording_expires_at IS NOT NULL")),
)  # fmt: skip

voice_event = table(
    "voice_event", "Events of the exchange, each once, in whatever order they come.",
    C("pbx", S(40), primary_key=True),
    C("key", S(80), primary_key=True),
    C("reference", S(80), nullable=False),
    C("body", SealedDocument("voice_event.body"), nullable=False),
    C("at", Instant, nullable=False),
    sa.Index("ix_voice_event_pbx_reference", "pbx", "reference"),
    sa.Index("ix_voice_event_at", "at"),
)  # fmt: skip

voice_ring = table(
    "voice_ring", "At whose telephones a call rings, as the exchange says.",
    C("call", S(36), primary_key=True),
    C("agent", S(60), primary_key=True, doc="Their log-in here, else their name on the exchange"),
    C("rang_at", Instant, nullable=False, doc="When the exchange last said so"),
    sa.Index("ix_voice_ring_agent", "agent"),
    sa.Index("ix_voice_ring_rang_at", "rang_at"),
)  # fmt: skip

return_call = table(
    "return_call", "Return calls: callers whose call nobody answered.",
    C("id", S(36), primary_key=True),
    C("phone", SealedKey("phone"), nullable=False, doc="One that cannot be read: as the exchange gave it"),
    C("queue", S(60)),
    C("missed", I, nullable=False),
    C("status", S(8), nullable=False),
    C("at", Instant, nullable=False),
    C("last_at", Instant, nullable=False),
    C("tries", I, nullable=False),
    C("done_at", Instant),
    C("done_by", S(60)),
    C("outcome", S(40)),
    C("number", S(14)),
    words_check("status", ReturnCall),
    sa.Index("uq_return_call_open", "phone", unique=True, sqlite_where=sa.text("status = 'open'"), postgresql_where=sa.text("status = 'open'")),
    sa.Index("ix_return_call_status_at", "status", "at"),
    sa.Index("ix_return_call_phone", "phone"),
)  # fmt: skip

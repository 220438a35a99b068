"""The whole schema, one page. Times are UTC; codes are the directory's; a number is a ticket's, check digit
included."""

import sqlalchemy as sa

from hotline.domain.vocabulary import (
    Action,
    ActorKind,
    AssignmentStatus,
    Channel,
    Direction,
    ExportForm,
    ExportKind,
    ExportStatus,
    GatewayKind,
    InboundKind,
    InboundStatus,
    Kind,
    Level,
    MessageStatus,
    Metric,
    Outcome,
    Part,
    Period,
    Priority,
    ReturnCall,
    Satisfaction,
    TextStatus,
    TicketStatus,
    VoiceOutcome,
    VoiceState,
)

from .columns import Document, Instant, SearchIndex, one_of

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
C, S, I = sa.Column, sa.String, sa.Integer

caller = sa.Table(
    "caller", metadata,
    C("id", S(36), primary_key=True),  # follows from the number
    C("phone", S(20), nullable=False, unique=True),
    C("name", sa.Text),
    C("note", sa.Text),
    C("seen_at", Instant, nullable=False),
)  # fmt: skip

ticket = sa.Table(
    "ticket", metadata,
    C("number", S(14), primary_key=True),
    C("status", S(16), nullable=False),
    C("kind", S(16), nullable=False),
    C("channel", S(16), nullable=False),
    C("title", sa.Text, nullable=False),
    C("narrative", sa.Text, nullable=False),
    C("category", S(40)),
    C("priority", S(16), nullable=False),
    C("caller", S(36)),
    C("phone", S(20)),
    C("caller_name", sa.Text),
    C("contact", sa.Text),
    C("confidential", sa.Boolean, nullable=False),
    C("reply_wanted", sa.Boolean, nullable=False),
    C("area", S(40)),
    C("address", sa.Text),
    C("lat", sa.Float),
    C("lon", sa.Float),
    C("department", S(40)),
    C("parent", S(14), sa.ForeignKey("ticket.number")),
    C("outer_system", S(40)),
    C("outer_number", S(80)),
    C("outer_due_at", Instant),
    C("due_at", Instant),
    C("promised_at", Instant),
    C("review_at", Instant),
    C("public_reply", sa.Text),
    C("internal_result", sa.Text),
    C("cost", sa.Float),
    C("funding", S(20)),
    C("reason_code", S(40)),
    C("channel_told", sa.Text),
    C("satisfaction_first", S(20)),
    C("satisfaction_final", S(20)),
    C("supervised", S(8)),
    C("escalated", S(8)),
    C("flags", Document, nullable=False),
    C("urges", I, nullable=False),
    C("calls", I, nullable=False),
    C("call_backs", I, nullable=False),
    C("returns", I, nullable=False),
    C("extensions", I, nullable=False),
    C("reopens", I, nullable=False),
    C("attachments", I, nullable=False),
    C("returned_by", Document, nullable=False),
    C("ruled", Document, nullable=False),
    C("advice", Document, nullable=False),
    C("created_by", S(60)),
    C("created_at", Instant, nullable=False),
    C("updated_at", Instant, nullable=False),
    C("closed_at", Instant),
    C("triaged_at", Instant),
    C("ended_at", Instant),
    C("outcome", S(12)),
    C("entries", I, nullable=False),
    C("version", I, nullable=False),
    one_of("status", TicketStatus), one_of("kind", Kind), one_of("channel", Channel), one_of("priority", Priority),
    one_of("satisfaction_first", Satisfaction), one_of("satisfaction_final", Satisfaction),
    one_of("supervised", Level), one_of("escalated", Level), one_of("outcome", Outcome),
    sa.Index("ix_ticket_ended_at_number", "ended_at", "number",
             sqlite_where=sa.text("ended_at IS NOT NULL"), postgresql_where=sa.text("ended_at IS NOT NULL")),
    sa.Index("ix_ticket_created_at_number", "created_at", "number"),
    sa.Index("ix_ticket_status_created_at_number", "status", "created_at", "number"),
    sa.Index("ix_ticket_area_created_at_number", "area", "created_at", "number"),
    sa.Index("ix_ticket_caller_created_at", "caller", "created_at"),
    sa.Index("ix_ticket_parent", "parent", sqlite_where=sa.text("parent IS NOT NULL"), postgresql_where=sa.text("parent IS NOT NULL")),
    sa.Index("uq_ticket_outer_system_outer_number", "outer_system", "outer_number", unique=True,
             sqlite_where=sa.text("outer_number IS NOT NULL"), postgresql_where=sa.text("outer_number IS NOT NULL")),
)  # fmt: skip

# made by the migrations: the two databases have no form of it in common
TICKET_WORDS = SearchIndex("ticket_words", "number")

_LIVE = sa.text("closed_at IS NULL")
assignment = sa.Table(
    "assignment", metadata,
    C("id", S(20), primary_key=True),
    C("number", S(14), sa.ForeignKey("ticket.number"), nullable=False, index=True),
    C("department", S(40), nullable=False),
    C("performer", S(40)),
    C("assignee", S(60)),
    C("part", S(8), nullable=False),
    C("status", S(20), nullable=False),
    C("route", S(40)),
    C("priority", S(16), nullable=False),
    C("rank", sa.SmallInteger, nullable=False),  # 0 emergency … 2 normal: the queue's first key
    C("sort_at", Instant, nullable=False),  # due_at, or issued_at where nothing is due: the queue's second key
    C("issued_at", Instant, nullable=False),
    C("due_at", Instant),
    C("first_due_at", Instant),
    C("accept_by", Instant),
    C("accepted_at", Instant),
    C("contacted_at", Instant),
    C("reported_at", Instant),
    C("closed_at", Instant),
    C("ruled", sa.Boolean, nullable=False),
    C("overdue", sa.Boolean, nullable=False),
    C("return_reason", S(40)),
    C("return_basis", sa.Text),
    C("suggested", S(40)),
    C("asked_due_at", Instant),
    C("extensions", I, nullable=False),
    C("redos", I, nullable=False),
    C("refused", I, nullable=False, server_default="0"),
    C("issued_by", S(60)),
    C("result", Document),
    one_of("part", Part), one_of("status", AssignmentStatus), one_of("priority", Priority),
    sa.Index("ix_assignment_queue", "department", "rank", "sort_at", "id", sqlite_where=_LIVE, postgresql_where=_LIVE),
    sa.Index("ix_assignment_performing", "performer", "rank", "sort_at", "id", sqlite_where=_LIVE, postgresql_where=_LIVE),
    sa.Index("ix_assignment_department_number", "department", "number"),
    sa.Index("ix_assignment_issued_at_id", "issued_at", "id"),
    sa.Index("ix_assignment_due_at_id", "due_at", "id", sqlite_where=sa.text("due_at IS NOT NULL"), postgresql_where=sa.text("due_at IS NOT NULL")),
    sa.Index("ix_assignment_assignee", "assignee", sqlite_where=_LIVE, postgresql_where=_LIVE),
    sa.Index("ix_assignment_performer_number", "performer", "number",
             sqlite_where=sa.text("performer IS NOT NULL"), postgresql_where=sa.text("performer IS NOT NULL")),
)  # fmt: skip

clock = sa.Table(  # every column behind `marks` follows from them; by number, so that a ticket's clocks lie together
    "clock", metadata,
    C("number", S(14), sa.ForeignKey("ticket.number"), primary_key=True),
    C("id", S(48), primary_key=True),
    C("assignment", S(20)),
    C("metric", S(12), nullable=False),
    C("terms", Document, nullable=False),
    C("marks", Document, nullable=False),
    C("calendar", S(40), nullable=False),
    C("calendar_version", I, nullable=False),
    C("started_at", Instant, nullable=False),
    C("due_at", Instant),
    C("first_due_at", Instant),
    C("limit_at", Instant),
    C("paused_at", Instant),
    C("consumed", sa.BigInteger, nullable=False),
    C("stopped_at", Instant),
    C("breached_at", Instant),
    C("provisional", sa.Boolean, nullable=False),
    C("level", I, nullable=False),
    C("next_level", I),
    C("next_step", I),
    C("next_at", Instant),
    C("lease_until", Instant),
    C("lease_token", S(36)),
    one_of("metric", Metric),
    sa.Index("ix_clock_due", "next_at", "id", sqlite_where=sa.text("next_at IS NOT NULL"), postgresql_where=sa.text("next_at IS NOT NULL")),
    # a clock that runs and has no next step: there must be none, and to see that must cost nothing
    sa.Index("ix_clock_stuck", "number",
             sqlite_where=sa.text("next_at IS NULL AND stopped_at IS NULL AND paused_at IS NULL AND metric <> 'report'"),
             postgresql_where=sa.text("next_at IS NULL AND stopped_at IS NULL AND paused_at IS NULL AND metric <> 'report'")),
    sa.Index("ix_clock_calendar", "calendar", "calendar_version",
             sqlite_where=sa.text("stopped_at IS NULL"), postgresql_where=sa.text("stopped_at IS NULL")),
)  # fmt: skip

escalation = sa.Table(  # once for each clock and level: the key says so
    "escalation", metadata,
    C("clock", S(48), primary_key=True),
    C("level", I, primary_key=True, autoincrement=False),
    C("number", S(14), sa.ForeignKey("ticket.number"), nullable=False, index=True),
    C("assignment", S(20)),
    C("metric", S(12), nullable=False),
    C("colour", S(8), nullable=False),
    C("told", Document, nullable=False),
    C("due_at", Instant, nullable=False),
    C("at", Instant, nullable=False),
    C("late", sa.Boolean, nullable=False),
    one_of("metric", Metric), one_of("colour", Level),
)  # fmt: skip

timeline = sa.Table(
    "timeline", metadata,
    C("number", S(14), sa.ForeignKey("ticket.number"), primary_key=True),
    C("seq", I, primary_key=True),
    C("at", Instant, nullable=False),
    C("by_kind", S(10), nullable=False),
    C("by_id", S(60), nullable=False),
    C("by_name", sa.Text, nullable=False),
    C("action", S(24), nullable=False),
    C("status_from", S(20)),
    C("status_to", S(20)),
    C("assignment", S(20)),
    C("reason", sa.Text),
    C("changes", Document, nullable=False),
    one_of("by_kind", ActorKind), one_of("action", Action),
    # what happened to tickets between two moments: the updates that Open311 clients ask for
    sa.Index("ix_timeline_at", "at", "number", "seq"),
)  # fmt: skip

call = sa.Table(
    "call", metadata,
    C("id", S(36), primary_key=True),
    C("number", S(14), sa.ForeignKey("ticket.number"), nullable=False, index=True),
    C("channel", S(16), nullable=False),
    C("at", Instant, nullable=False),
    C("narrative", sa.Text, nullable=False),
    C("taken_by", S(60), nullable=False),
    C("caller", S(36)),
    C("phone", S(20)),
    C("raw_phone", sa.Text),
    C("caller_name", sa.Text),
    C("confidential", sa.Boolean, nullable=False),
    one_of("channel", Channel),
    sa.Index("ix_call_caller_at", "caller", "at"),
)  # fmt: skip

_TO_OFFICERS = sa.text("status IN ('leased', 'queued') AND substr(partition, 1, 5) = 'duty:'")
outbox = sa.Table(
    "outbox", metadata,
    C("id", S(40), primary_key=True),
    C("kind", S(20), nullable=False),
    C("number", S(14), nullable=False),
    C("partition", S(60), nullable=False),
    C("payload", Document, nullable=False),
    C("status", S(10), nullable=False),
    C("attempts", I, nullable=False),
    C("max_attempts", I, nullable=False),
    C("created_at", Instant, nullable=False),
    C("next_at", Instant, nullable=False),
    C("lease_until", Instant),
    C("lease_token", S(36)),
    C("last_error", sa.Text),
    one_of("status", MessageStatus),
    sa.Index("ix_outbox_partition_created_at_id", "partition", "created_at", "id",
             sqlite_where=sa.text("status IN ('leased', 'queued')"), postgresql_where=sa.text("status IN ('leased', 'queued')")),
    # the delivery log of one subscriber
    sa.Index("ix_outbox_hooked", "partition", "id", sqlite_where=sa.text("kind = 'webhook'"), postgresql_where=sa.text("kind = 'webhook'")),
    # by kind: what nobody can hand over now must not be looked at when what can be is looked for
    sa.Index("ix_outbox_kind_next_at_id", "kind", "next_at", "id",
             sqlite_where=sa.text("status IN ('leased', 'queued')"), postgresql_where=sa.text("status IN ('leased', 'queued')")),
    sa.Index("ix_outbox_officers", "kind", "next_at", "id", sqlite_where=_TO_OFFICERS, postgresql_where=_TO_OFFICERS),
)  # fmt: skip

attachment = sa.Table(
    "attachment", metadata,
    C("id", S(36), primary_key=True),
    C("number", S(14), sa.ForeignKey("ticket.number"), nullable=False, index=True),
    C("sha256", S(64), nullable=False),
    C("name", sa.Text, nullable=False),
    C("media_type", S(80), nullable=False),
    C("size", sa.BigInteger, nullable=False),
    C("at", Instant, nullable=False),
    C("by_id", S(60), nullable=False),
)  # fmt: skip

answer = sa.Table(  # what was answered to an Idempotency-Key, in the same transaction as its effect
    "answer", metadata,
    C("owner", S(60), primary_key=True),
    C("key", S(255), primary_key=True),
    C("fingerprint", S(64), nullable=False),
    C("status", sa.SmallInteger, nullable=False),
    C("etag", S(20)),
    C("body", sa.Text, nullable=False),
    C("at", Instant, nullable=False, index=True),
)  # fmt: skip

counter = sa.Table(  # open work without COUNT; `shard` keeps parallel writers off each other's row
    "counter", metadata,
    C("noun", S(12), primary_key=True),
    C("place", S(40), primary_key=True),
    C("status", S(20), primary_key=True),
    C("shard", sa.SmallInteger, primary_key=True),
    C("n", sa.BigInteger, nullable=False),
)  # fmt: skip

sequence = sa.Table(
    "sequence", metadata,
    C("name", S(20), primary_key=True),
    C("next", sa.BigInteger, nullable=False),
)  # fmt: skip

schema_compatibility = sa.Table(  # one row: the oldest revision whose code may run on this schema
    "schema_compatibility", metadata,
    C("id", sa.Integer, primary_key=True, autoincrement=False),
    C("oldest_code", S(32), nullable=False),
)  # fmt: skip

directory = sa.Table(  # the organisation as data: every noun's items, whole and validated together
    "directory", metadata,
    C("noun", S(16), primary_key=True),
    C("code", S(40), primary_key=True),
    C("body", Document, nullable=False),
    C("version", I, nullable=False),
)  # fmt: skip

directory_log = sa.Table(  # one row for each change ever made to it; the highest version is the directory's
    "directory_log", metadata,
    C("version", I, primary_key=True, autoincrement=False),
    C("place", I, primary_key=True, autoincrement=False),
    C("noun", S(16), nullable=False),
    C("code", S(40), nullable=False),
    C("before", Document),
    C("after", Document),
    C("at", Instant, nullable=False),
    C("by_id", S(60), nullable=False),
    C("by_name", sa.Text, nullable=False),
)  # fmt: skip

person = sa.Table(
    "person", metadata,
    C("id", S(36), primary_key=True),
    C("login", S(60), nullable=False, unique=True),
    C("name", sa.Text, nullable=False),
    C("password", sa.Text, nullable=False),
    C("roles", Document, nullable=False),
    C("department", S(40)),
    C("area", S(40)),
    C("active", sa.Boolean, nullable=False),
    C("version", I, nullable=False),
    C("created_at", Instant, nullable=False),
)  # fmt: skip

session = sa.Table(  # a person's log-in; only the hash of its token is kept
    "session", metadata,
    C("hash", S(64), primary_key=True),
    C("person", S(36), sa.ForeignKey("person.id"), nullable=False, index=True),
    C("created_at", Instant, nullable=False),
    C("expires_at", Instant, nullable=False, index=True),
)  # fmt: skip

api_key = sa.Table(
    "api_key", metadata,
    C("id", S(16), primary_key=True),
    C("name", sa.Text, nullable=False),
    C("hash", S(64), nullable=False),
    C("roles", Document, nullable=False),
    C("department", S(40)),
    C("area", S(40)),
    C("created_at", Instant, nullable=False),
    C("created_by", S(60), nullable=False),
    C("expires_at", Instant),
    C("revoked_at", Instant),
)  # fmt: skip

login_failure = sa.Table(  # read by older versions alone: `throttle` has taken its place
    "login_failure", metadata,
    C("subject", S(100), primary_key=True),  # login:<name> or address:<ip>
    C("count", I, nullable=False),
    C("last_at", Instant, nullable=False),
)  # fmt: skip

gateway = sa.Table(  # a provider we speak with; its secrets are sealed with the house's own
    "gateway", metadata,
    C("name", S(40), primary_key=True),
    C("kind", S(8), nullable=False),
    C("provider", S(40), nullable=False),  # a name in the registry: packages of others may offer more
    C("settings", Document, nullable=False),
    C("sealed", sa.Text, nullable=False),
    C("active", sa.Boolean, nullable=False),
    C("sends", sa.Boolean, nullable=False),
    C("weight", I, nullable=False),
    C("resting", I, nullable=False),  # where the weight drifts back to
    C("shifted_at", Instant),
    C("version", I, nullable=False),
    C("created_at", Instant, nullable=False),
    C("created_by", S(60), nullable=False),
    one_of("kind", GatewayKind),
)  # fmt: skip

_WAITS = sa.text("status IN ('kept', 'leased')")
inbound = sa.Table(  # all that was pushed to us: kept before it is answered, worked off from here
    "inbound", metadata,
    C("id", S(36), primary_key=True),
    C("gateway", S(60), nullable=False),
    C("kind", S(8), nullable=False),
    C("key", S(80), nullable=False),  # the provider's own id, or a hash where it sends none
    C("sender", S(60)),
    C("receiver", S(60)),
    C("text", sa.Text, nullable=False),
    C("raw", sa.Text, nullable=False),
    C("details", Document, nullable=False),
    C("sent_at", Instant),
    C("received_at", Instant, nullable=False),
    C("urgent", sa.Boolean, nullable=False),  # a danger word stands in it: it goes first
    C("partition", S(100), nullable=False),  # what must be worked off one after the other
    C("status", S(10), nullable=False),
    C("effect", S(12)),
    C("number", S(14)),
    C("why", sa.Text),
    C("attempts", I, nullable=False),
    C("next_at", Instant, nullable=False),
    C("lease_until", Instant),
    C("lease_token", S(36)),
    C("handled_by", S(60)),
    one_of("kind", InboundKind), one_of("status", InboundStatus),
    sa.UniqueConstraint("gateway", "kind", "key"),
    sa.Index("ix_inbound_due", "urgent", "next_at", "id", sqlite_where=_WAITS, postgresql_where=_WAITS),
    sa.Index("ix_inbound_partition_id", "partition", "id", sqlite_where=_WAITS, postgresql_where=_WAITS),
    sa.Index("ix_inbound_status_id", "status", "id"),
    sa.Index("ix_inbound_sender_received_at", "sender", "received_at"),
    sa.Index("ix_inbound_number", "number", sqlite_where=sa.text("number IS NOT NULL"), postgresql_where=sa.text("number IS NOT NULL")),
    sa.Index("ix_inbound_received_at", "received_at"),
)  # fmt: skip

text_out = sa.Table(  # a text of ours; its id is the outbox's, and the provider's client reference
    "text_out", metadata,
    C("id", S(40), primary_key=True),
    C("number", S(14), nullable=False),
    C("receiver", S(20), nullable=False),
    C("template", S(24), nullable=False),
    C("language", S(2), nullable=False),
    C("body", sa.Text, nullable=False),
    C("parts", I, nullable=False),
    C("status", S(20), nullable=False),
    C("status_at", Instant, nullable=False),
    C("created_at", Instant, nullable=False),
    C("sent_at", Instant),
    C("gateway", S(40)),
    C("line", S(60)),  # the number it was sent from: a reply comes back there
    C("provider_id", S(80)),
    C("attempts", I, nullable=False),
    C("error", sa.Text),
    one_of("status", TextStatus),
    sa.Index("ix_text_out_receiver_created_at", "receiver", "created_at"),
    sa.Index("ix_text_out_number", "number"),
    sa.Index("ix_text_out_gateway_provider_id", "gateway", "provider_id",
             sqlite_where=sa.text("provider_id IS NOT NULL"), postgresql_where=sa.text("provider_id IS NOT NULL")),
    sa.Index("ix_text_out_status_created_at", "status", "created_at"),
)  # fmt: skip

attempt = sa.Table(  # one try of one message: the delivery log, and what the weights go by
    "attempt", metadata,
    C("message", S(40), primary_key=True),
    C("n", I, primary_key=True, autoincrement=False),
    C("way", S(60), nullable=False),
    C("at", Instant, nullable=False),
    C("ms", I, nullable=False),
    C("good", sa.Boolean, nullable=False),
    C("said", sa.Text, nullable=False),
    sa.Index("ix_attempt_way_at", "way", "at"),
    sa.Index("ix_attempt_at", "at"),
)  # fmt: skip

stop_list = sa.Table(
    "stop_list", metadata,
    C("phone", S(20), primary_key=True),
    C("at", Instant, nullable=False),
    C("by_id", S(60), nullable=False),
)  # fmt: skip

subscription = sa.Table(  # who is told of events, where; secrets sealed
    "subscription", metadata,
    C("id", S(36), primary_key=True),
    C("name", sa.Text, nullable=False),
    C("url", sa.Text, nullable=False),
    C("form", S(16), nullable=False),
    C("events", Document, nullable=False),
    C("department", S(40)),
    C("area", S(40)),
    C("outer_system", S(40)),
    C("sealed", sa.Text, nullable=False),
    C("active", sa.Boolean, nullable=False),
    C("disabled", sa.Text),
    C("version", I, nullable=False),
    C("created_at", Instant, nullable=False),
    C("created_by", S(60), nullable=False),
)  # fmt: skip

voice_call = sa.Table(  # a call on the exchange, whatever became of it
    "voice_call", metadata,
    C("id", S(36), primary_key=True),
    C("pbx", S(40), nullable=False),
    C("reference", S(80), nullable=False),  # the exchange's own id of the whole call
    C("direction", S(4), nullable=False),
    C("phone", S(20)),
    C("raw_phone", S(60)),
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
    C("wait_ms", sa.BigInteger),  # until it was answered, or until the caller gave up
    C("talk_ms", sa.BigInteger),
    C("number", S(14)),
    C("recording", Document),
    C("recording_expires_at", Instant),
    C("end_due_at", Instant),  # when it counts as over if nothing else is heard of it; none: not yet known, or it has ended
    C("time_unknown", sa.Boolean),  # a time of its events could not be read
    one_of("direction", Direction), one_of("state", VoiceState), one_of("outcome", VoiceOutcome),
    sa.UniqueConstraint("pbx", "reference"),
    sa.Index("ix_voice_call_offered_at", "offered_at"),
    sa.Index("ix_voice_call_agent_moved_at", "agent", "moved_at"),
    sa.Index("ix_voice_call_phone", "phone"),
    sa.Index("ix_voice_call_raw_phone", "raw_phone", sqlite_where=sa.text("phone IS NULL"), postgresql_where=sa.text("phone IS NULL")),
    sa.Index("ix_voice_call_end_due_at", "end_due_at", sqlite_where=sa.text("state <> 'ended'"), postgresql_where=sa.text("state <> 'ended'")),
    sa.Index("ix_voice_call_recording_expires_at", "recording_expires_at", sqlite_where=sa.text("recording_expires_at IS NOT NULL"), postgresql_where=sa.text("recording_expires_at IS NOT NULL")),
)  # fmt: skip

voice_event = sa.Table(  # each event once, in whatever order they come
    "voice_event", metadata,
    C("pbx", S(40), primary_key=True),
    C("key", S(80), primary_key=True),
    C("reference", S(80), nullable=False),
    C("body", Document, nullable=False),
    C("at", Instant, nullable=False),
    sa.Index("ix_voice_event_pbx_reference", "pbx", "reference"),
    sa.Index("ix_voice_event_at", "at"),
)  # fmt: skip

return_call = sa.Table(  # somebody rang and spoke to nobody: they are rung back
    "return_call", metadata,
    C("id", S(36), primary_key=True),
    C("phone", S(60), nullable=False),  # one that cannot be read: as the exchange gave it
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
    one_of("status", ReturnCall),
    sa.Index("uq_return_call_open", "phone", unique=True, sqlite_where=sa.text("status = 'open'"), postgresql_where=sa.text("status = 'open'")),
    sa.Index("ix_return_call_status_at", "status", "at"),
    sa.Index("ix_return_call_phone", "phone"),
)  # fmt: skip

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
event = sa.Table(  # a line of a timeline on its way to the boards; `position` is its place in the stream, in commit order
    "event", metadata,
    C("id", SERIAL, primary_key=True, autoincrement=True),
    C("position", sa.BigInteger),  # NULL: committed, and not yet placed
    C("number", S(14), nullable=False),
    C("seq", I, nullable=False),
    C("at", Instant, nullable=False),
    C("area", S(40)),
    C("holders", Document, nullable=False),
    C("body", Document, nullable=False),
    C("figures", Document, nullable=False),
    sa.Index("uq_event_position", "position", unique=True),
    sa.Index("ix_event_waiting", "id", sqlite_where=sa.text("position IS NULL"), postgresql_where=sa.text("position IS NULL")),
)  # fmt: skip

rollup = sa.Table(  # the measures of one day, for one code of a dimension; day "" holds what is so now, not on a day
    "rollup", metadata,
    C("dimension", S(24), primary_key=True),
    C("day", S(10), primary_key=True),
    C("code", S(90), primary_key=True),
    C("counts", Document, nullable=False),
)  # fmt: skip

report = sa.Table(  # the figures of a period, as they were when it had ended
    "report", metadata,
    C("period", S(8), primary_key=True),  # day, week, month
    C("first", S(10), primary_key=True),  # its first day
    C("body", Document, nullable=False),
    C("made_at", Instant, nullable=False),
    one_of("period", Period),
)  # fmt: skip

export = sa.Table(  # a list somebody asked for as a file, and what became of it
    "export", metadata,
    C("id", S(36), primary_key=True),
    C("kind", S(12), nullable=False),
    C("form", S(10), nullable=False),
    C("filters", Document, nullable=False),
    C("actor", Document, nullable=False),  # who asked, with the view they had: the file is made within it
    C("owner", S(60), nullable=False),
    C("status", S(10), nullable=False),
    C("rows", I, nullable=False),
    C("error", sa.Text),
    C("created_at", Instant, nullable=False),
    C("ended_at", Instant),
    C("downloads", I, nullable=False),
    C("attempts", I, nullable=False),
    C("lease_until", Instant),
    C("lease_token", S(36)),
    one_of("kind", ExportKind), one_of("form", ExportForm), one_of("status", ExportStatus),
    sa.Index("ix_export_owner_created_at", "owner", "created_at"),
    sa.Index("ix_export_due", "created_at", sqlite_where=sa.text("status IN ('making', 'waiting')"), postgresql_where=sa.text("status IN ('making', 'waiting')")),
)  # fmt: skip

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

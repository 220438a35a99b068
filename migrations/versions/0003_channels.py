"""Channels: gateways, what they pushed to us and what we sent, subscriptions, calls on the exchange, call-backs owed."""

import sqlalchemy as sa
from alembic import op

from hotline.database import columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


OLD_STATUSES = ("queued", "leased", "sent", "dead", "expired")


def _statuses(words: tuple[str, ...]) -> None:
    """The words of outbox.status: SQLite builds the table anew, PostgreSQL reads it once to see that they hold."""
    listed = ", ".join(repr(w) for w in words)
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("outbox", recreate="always") as batch:
            batch.drop_constraint(op.f("ck_outbox_status_word"), type_="check")
            batch.create_check_constraint(op.f("ck_outbox_status_word"), f"status IN ({listed})")
        return
    op.drop_constraint(op.f("ck_outbox_status_word"), "outbox", type_="check")
    op.execute(f"ALTER TABLE outbox ADD CONSTRAINT ck_outbox_status_word CHECK (status IN ({listed})) NOT VALID")
    op.execute("ALTER TABLE outbox VALIDATE CONSTRAINT ck_outbox_status_word")


def upgrade() -> None:
    _statuses((*OLD_STATUSES, "dropped"))
    hooked = sa.text("kind = 'webhook'")
    op.create_index(op.f("ix_outbox_hooked"), "outbox", ["partition", "id"], sqlite_where=hooked, postgresql_where=hooked)
    op.create_index(op.f("ix_timeline_at"), "timeline", ["at", "number", "seq"])
    op.create_table(
        "gateway",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("settings", columns.Document(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("sends", sa.Boolean(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("resting", sa.Integer(), nullable=False),
        sa.Column("shifted_at", columns.Instant(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("created_by", sa.String(length=60), nullable=False),
        sa.CheckConstraint("provider IN ('kannel', 'twilio', 'vonage', 'aliyun', 'tencent', 'huawei', 'infobip', 'aws', 'generic', 'cti', 'asterisk', 'freeswitch', 'threecx', 'twilio_voice', 'hotline_12345')", name=op.f("ck_gateway_provider_word")),
        sa.CheckConstraint("kind IN ('sms', 'voice', 'orders')", name=op.f("ck_gateway_kind_word")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_gateway")),
    )
    op.create_table(
        "inbound",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("gateway", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("sender", sa.String(length=60), nullable=True),
        sa.Column("receiver", sa.String(length=60), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("details", columns.Document(), nullable=False),
        sa.Column("sent_at", columns.Instant(), nullable=True),
        sa.Column("received_at", columns.Instant(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("partition", sa.String(length=100), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("effect", sa.String(length=12), nullable=True),
        sa.Column("number", sa.String(length=14), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", columns.Instant(), nullable=False),
        sa.Column("lease_until", columns.Instant(), nullable=True),
        sa.Column("lease_token", sa.String(length=36), nullable=True),
        sa.Column("handled_by", sa.String(length=60), nullable=True),
        sa.CheckConstraint("status IN ('kept', 'leased', 'done', 'odd', 'dismissed')", name=op.f("ck_inbound_status_word")),
        sa.CheckConstraint("kind IN ('text', 'part', 'report', 'update', 'request', 'body')", name=op.f("ck_inbound_kind_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("gateway", "kind", "key", name=op.f("uq_inbound_gateway_kind_key")),
    )
    op.create_index(op.f("ix_inbound_due"), "inbound", ["urgent", "next_at", "id"], sqlite_where=sa.text("status IN ('kept', 'leased')"), postgresql_where=sa.text("status IN ('kept', 'leased')"))
    op.create_index(op.f("ix_inbound_number"), "inbound", ["number"], sqlite_where=sa.text("number IS NOT NULL"), postgresql_where=sa.text("number IS NOT NULL"))
    op.create_index(op.f("ix_inbound_partition_id"), "inbound", ["partition", "id"], sqlite_where=sa.text("status IN ('kept', 'leased')"), postgresql_where=sa.text("status IN ('kept', 'leased')"))
    op.create_index(op.f("ix_inbound_received_at"), "inbound", ["received_at"])
    op.create_index(op.f("ix_inbound_sender_received_at"), "inbound", ["sender", "received_at"])
    op.create_index(op.f("ix_inbound_status_id"), "inbound", ["status", "id"])
    op.create_table(
        "text_out",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=14), nullable=False),
        sa.Column("receiver", sa.String(length=20), nullable=False),
        sa.Column("template", sa.String(length=24), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("status_at", columns.Instant(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("sent_at", columns.Instant(), nullable=True),
        sa.Column("gateway", sa.String(length=40), nullable=True),
        sa.Column("line", sa.String(length=60), nullable=True),
        sa.Column("provider_id", sa.String(length=80), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('created', 'buffered', 'sent', 'delivered', 'undelivered', 'expired', 'rejected', 'technical_failure', 'stopped', 'capped', 'withheld')", name=op.f("ck_text_out_status_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_out")),
    )
    op.create_index(op.f("ix_text_out_gateway_provider_id"), "text_out", ["gateway", "provider_id"], sqlite_where=sa.text("provider_id IS NOT NULL"), postgresql_where=sa.text("provider_id IS NOT NULL"))
    op.create_index(op.f("ix_text_out_number"), "text_out", ["number"])
    op.create_index(op.f("ix_text_out_receiver_created_at"), "text_out", ["receiver", "created_at"])
    op.create_index(op.f("ix_text_out_status_created_at"), "text_out", ["status", "created_at"])
    op.create_table(
        "attempt",
        sa.Column("message", sa.String(length=40), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("way", sa.String(length=60), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("ms", sa.Integer(), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message", "n", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_at"), "attempt", ["at"])
    op.create_index(op.f("ix_attempt_way_at"), "attempt", ["way", "at"])
    op.create_table(
        "stop_list",
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("by_id", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_stop_list")),
    )
    op.create_table(
        "subscription",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("form", sa.String(length=16), nullable=False),
        sa.Column("events", columns.Document(), nullable=False),
        sa.Column("department", sa.String(length=40), nullable=True),
        sa.Column("area", sa.String(length=40), nullable=True),
        sa.Column("outer_system", sa.String(length=40), nullable=True),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("created_by", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
    )
    op.create_table(
        "voice_call",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("pbx", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("direction", sa.String(length=4), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("raw_phone", sa.String(length=60), nullable=True),
        sa.Column("line", sa.String(length=60), nullable=True),
        sa.Column("queue", sa.String(length=60), nullable=True),
        sa.Column("agent", sa.String(length=60), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.Column("offered_at", columns.Instant(), nullable=False),
        sa.Column("queued_at", columns.Instant(), nullable=True),
        sa.Column("answered_at", columns.Instant(), nullable=True),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("moved_at", columns.Instant(), nullable=False),
        sa.Column("wait_ms", sa.BigInteger(), nullable=True),
        sa.Column("talk_ms", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.String(length=14), nullable=True),
        sa.Column("recording", columns.Document(), nullable=True),
        sa.Column("recording_expires_at", columns.Instant(), nullable=True),
        sa.CheckConstraint("state IN ('offered', 'answered', 'ended')", name=op.f("ck_voice_call_state_word")),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_voice_call_direction_word")),
        sa.CheckConstraint("outcome IN ('answered', 'abandoned', 'missed', 'rejected')", name=op.f("ck_voice_call_outcome_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_call")),
        sa.UniqueConstraint("pbx", "reference", name=op.f("uq_voice_call_pbx_reference")),
    )
    op.create_index(op.f("ix_voice_call_agent_moved_at"), "voice_call", ["agent", "moved_at"])
    op.create_index(op.f("ix_voice_call_offered_at"), "voice_call", ["offered_at"])
    op.create_index(op.f("ix_voice_call_phone"), "voice_call", ["phone"])
    op.create_index(op.f("ix_voice_call_recording_expires_at"), "voice_call", ["recording_expires_at"], sqlite_where=sa.text("recording_expires_at IS NOT NULL"), postgresql_where=sa.text("recording_expires_at IS NOT NULL"))
    op.create_table(
        "voice_event",
        sa.Column("pbx", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("body", columns.Document(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("pbx", "key", name=op.f("pk_voice_event")),
    )
    op.create_index(op.f("ix_voice_event_at"), "voice_event", ["at"])
    op.create_index(op.f("ix_voice_event_pbx_reference"), "voice_event", ["pbx", "reference"])
    op.create_table(
        "return_call",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("queue", sa.String(length=60), nullable=True),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("last_at", columns.Instant(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done_at", columns.Instant(), nullable=True),
        sa.Column("done_by", sa.String(length=60), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("number", sa.String(length=14), nullable=True),
        sa.CheckConstraint("status IN ('open', 'done')", name=op.f("ck_return_call_status_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_call")),
    )
    op.create_index(op.f("ix_return_call_phone"), "return_call", ["phone"])
    op.create_index(op.f("ix_return_call_status_at"), "return_call", ["status", "at"])
    op.create_index(op.f("uq_return_call_open"), "return_call", ["phone"], unique=True, sqlite_where=sa.text("status = 'open'"), postgresql_where=sa.text("status = 'open'"))
    op.create_table(
        "lookup_failure",
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_lookup_failure")),
    )


def downgrade() -> None:
    op.drop_table("lookup_failure")
    op.drop_table("return_call")
    op.drop_table("voice_event")
    op.drop_table("voice_call")
    op.drop_table("subscription")
    op.drop_table("stop_list")
    op.drop_table("attempt")
    op.drop_table("text_out")
    op.drop_table("inbound")
    op.drop_table("gateway")
    op.drop_index(op.f("ix_timeline_at"), "timeline")
    op.drop_index(op.f("ix_outbox_hooked"), "outbox")
    replaced = op.get_bind().exec_driver_sql("UPDATE outbox SET status = 'dead' WHERE status = 'dropped'")
    op.get_context().config.attributes["lost_values"]["outbox.status"] += replaced.rowcount
    op.execute("DELETE FROM outbox WHERE kind IN ('text', 'event', 'webhook', 'alarm')")  # the older code knows no way for them
    _statuses(OLD_STATUSES)
    _strip_categories()


directory = sa.table("directory", sa.column("noun"), sa.column("code"), sa.column("body", columns.Document()))


def _strip_categories() -> None:
    """Of what this code adds to a category, the older knows nothing."""
    bind = op.get_bind()
    for code, body in bind.execute(sa.select(directory.c.code, directory.c.body).where(directory.c.noun == "categories")).all():
        older = {k: v for k, v in body.items() if k not in ("attributes", "intake")}
        if older != body:
            bind.execute(sa.update(directory).where(directory.c.noun == "categories", directory.c.code == code).values(body=older))

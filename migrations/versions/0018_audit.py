"""The security log, the chain of each timeline, and signed checkpoints of all chains.

New tables, and columns that may be empty: neither database rewrites its rows for them. Older code
goes on beside them and writes lines without a hash, which the worker chains for at least a day after
`chain_opening.at`, like those that stand here already; so `oldest_code` stays as it is. The way down forgets the log, hashes and checkpoints.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Document, Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "security_log",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("deed", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("by_kind", sa.String(16), nullable=False),
        sa.Column("by_id", sa.String(60), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("address", sa.String(45)),
        sa.Column("about_kind", sa.String(16)),
        sa.Column("about", sa.String(80)),
        sa.Column("details", Document(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_security_log")),
    )
    op.create_index(op.f("ix_security_log_by_id_position"), "security_log", ["by_id", "position"])
    op.create_index(op.f("ix_security_log_about_position"), "security_log", ["about", "position"])
    op.create_index(op.f("ix_security_log_deed_position"), "security_log", ["deed", "position"])
    op.create_index(op.f("ix_security_log_at"), "security_log", ["at"])
    op.create_table(
        "chain_head",
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chain_head")),
    )
    op.create_table(
        "log_shipment",
        sa.Column("destination", sa.String(10), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", Instant()),
        sa.Column("lease_token", sa.String(36)),
        sa.PrimaryKeyConstraint("destination", name=op.f("pk_log_shipment")),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("log_position", sa.BigInteger(), nullable=False),
        sa.Column("log_hash", sa.String(64), nullable=False),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.Column("heads", sa.String(64), nullable=False),
        sa.Column("through", sa.String(14)),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_checkpoint")),
    )
    op.create_table(
        "checkpoint_head",
        sa.Column("checkpoint", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(14), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("checkpoint", "number", name=op.f("pk_checkpoint_head")),
    )
    op.create_index(op.f("ix_checkpoint_head_number"), "checkpoint_head", ["number", "checkpoint"])
    op.create_table(
        "audit_key",
        sa.Column("public", sa.String(64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("public", name=op.f("pk_audit_key")),
    )
    opening = op.create_table(
        "chain_opening",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("ended_at", Instant()),
        sa.Column("log_position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_opening")),
    )
    op.bulk_insert(opening, [{"id": 1, "at": datetime.now(UTC), "log_position": 0}])
    op.add_column("timeline", sa.Column("image", sa.String(64)))
    op.add_column("timeline", sa.Column("hash", sa.String(64)))
    op.add_column("ticket", sa.Column("head", sa.String(64)))
    op.add_column("ticket", sa.Column("chained", sa.Integer()))


def downgrade() -> None:
    for table, column in (("ticket", "chained"), ("ticket", "head"), ("timeline", "hash"), ("timeline", "image")):
        op.drop_column(table, column)
    for table in ("chain_opening", "audit_key", "checkpoint_head", "audit_checkpoint"):
        op.drop_table(table)
    op.drop_table("log_shipment")
    op.drop_table("chain_head")
    op.drop_table("security_log")

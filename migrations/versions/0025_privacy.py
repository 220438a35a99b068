"""Redactions of timelines, and how long nouns are kept.

New tables only: older code goes on beside them, and calls a redacted line tampered with. The way down forgets which
lines were redacted, so that `hotline audit verify` finds them wrong from then on.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Document, Instant

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "redaction",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("ticket", sa.String(14), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("ground", sa.String(10), nullable=False),
        sa.Column("by_id", sa.String(60), nullable=False),
        sa.Column("lines", Document(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_redaction")),
    )
    op.create_index("ix_redaction_ticket", "redaction", ["ticket", "position"])
    op.create_table(
        "retention_period",
        sa.Column("noun", sa.String(40), nullable=False),
        sa.Column("days", sa.Integer()),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("changed_by", sa.String(60), nullable=False),
        sa.PrimaryKeyConstraint("noun", name=op.f("pk_retention_period")),
    )


def downgrade() -> None:
    op.drop_table("retention_period")
    op.drop_table("redaction")

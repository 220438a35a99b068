"""Calls that never end: when a call counts as over if nothing else is heard of it, and whether its times are known."""

import sqlalchemy as sa
from alembic import op

from hotline.database import columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("voice_call", sa.Column("end_due_at", columns.Instant(), nullable=True))
    op.add_column("voice_call", sa.Column("time_unknown", sa.Boolean(), nullable=True))
    still_open = sa.text("state <> 'ended'")  # the worker finds out when those without a time are due
    op.create_index(
        op.f("ix_voice_call_end_due_at"), "voice_call", ["end_due_at"], sqlite_where=still_open, postgresql_where=still_open
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_voice_call_end_due_at"), "voice_call")
    op.execute("ALTER TABLE voice_call DROP COLUMN time_unknown")
    op.execute("ALTER TABLE voice_call DROP COLUMN end_due_at")

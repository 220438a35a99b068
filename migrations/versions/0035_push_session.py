"""Browsers that are told by Web Push go with the log-in they were added in; the log of robots is found by an index;
processes note by which look-up keys they find rows.

A column that may be empty and its index: neither database rewrites a row, and older code goes on. A browser that was added
before belongs to no log-in until its owner opens a page on it; it goes when all of theirs are ended. The way down forgets
which log-in it was, and the look-up keys that were dropped, by which alone what a forgotten process wrote could still be
found: both are counted as lost. Processes note themselves anew. The index is partial and blocks writes to the outbox of
PostgreSQL while it reads it once.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Document, Instant

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("push_device", sa.Column("session", sa.String(64), nullable=True))
    op.create_index(op.f("ix_push_device_session"), "push_device", ["session"])
    op.create_table(
        "running_process",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("lookups", Document(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_running_process")),
    )
    where = sa.text("kind = 'robot'")
    op.create_index(
        op.f("ix_outbox_robots"), "outbox", ["created_at", "id"], sqlite_where=where, postgresql_where=where
    )


def downgrade() -> None:
    dropped = op.get_bind().execute(sa.text("SELECT count(*) FROM stored_key WHERE name LIKE 'lookup_dropped%'"))
    op.get_context().config.attributes["lost_values"]["stored_key.sealed"] += dropped.scalar_one()
    op.execute("DELETE FROM stored_key WHERE name LIKE 'lookup_dropped%' OR name = 'lookup_progress'")
    op.drop_table("running_process")
    op.drop_index(op.f("ix_outbox_robots"), table_name="outbox")
    op.drop_index(op.f("ix_push_device_session"), table_name="push_device")
    op.drop_column("push_device", "session")

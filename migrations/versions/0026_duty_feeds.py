"""Named tokens of duty calendars, and when the shared ones were used last.

A new table and a column that may be empty: neither database rewrites a row, and older code goes on. It opens a calendar
by the shared token even where that was revoked, until every process is replaced. The way down forgets the named ones.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Instant

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("duty_feed", sa.Column("last_used_at", Instant(), nullable=True))
    op.create_table(
        "feed_token",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("department", sa.String(40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", sa.String(60), nullable=False),
        sa.Column("last_used_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_token")),
    )
    op.create_index(op.f("ix_feed_token_department"), "feed_token", ["department"])


def downgrade() -> None:
    op.drop_index(op.f("ix_feed_token_department"), table_name="feed_token")
    op.drop_table("feed_token")
    op.drop_column("duty_feed", "last_used_at")

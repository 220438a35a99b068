"""What was written of a ticket for the public, and whether it was taken back.

A column that may be empty and one with a default: neither database rewrites its rows for them, and older code goes on:
it publishes no words, but shows what was taken back until every process is replaced. What is public by category and
channel stays public. The way down forgets the texts; the timeline keeps them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ticket", sa.Column("public_text", sa.Text(), nullable=True))
    op.add_column("ticket", sa.Column("unpublished", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("ticket", "unpublished")
    op.drop_column("ticket", "public_text")

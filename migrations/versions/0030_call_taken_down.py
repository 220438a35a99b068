"""What was taken down beside the words of a call that joined an open ticket: its place, how to reach the caller, and
whether they want a reply.

A column without a value in older rows: neither database rewrites them for it, and older code goes on. The way down
forgets it; a call whose joining is undone afterwards takes the place of the ticket it had joined.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database import columns

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call", sa.Column("taken_down", columns.Document(), nullable=True))


def downgrade() -> None:
    op.drop_column("call", "taken_down")

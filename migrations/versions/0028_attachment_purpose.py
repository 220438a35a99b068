"""What a file of a ticket shows: the place before the work, the place after it, or something else.

A column with a default: neither database rewrites its rows for it, and older code goes on. What was attached before shows
something else. The way down forgets the purposes; which photos a resident sees stands in the results of the orders.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attachment", sa.Column("purpose", sa.String(12), nullable=False, server_default="evidence"))


def downgrade() -> None:
    op.drop_column("attachment", "purpose")

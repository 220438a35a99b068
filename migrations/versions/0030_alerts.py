"""Alerts: emergencies that wait are found by an index.

Neither database rewrites a row, and older code goes on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

WAITING = "priority = 'emergency' AND status IN ('awaiting_info', 'dispatched', 'received', 'triaged')"


def upgrade() -> None:
    op.create_index(
        op.f("ix_ticket_alert"), "ticket", ["status", "created_at", "number"],
        sqlite_where=sa.text(WAITING), postgresql_where=sa.text(WAITING),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index(op.f("ix_ticket_alert"), table_name="ticket")

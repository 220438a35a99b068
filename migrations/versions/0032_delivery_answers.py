"""What receivers answered, and the newest deliveries of a subscription.

Two columns without a value for older tries, and an index: neither database rewrites a row, and older code goes on. The way
down forgets the status and the size of answers.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None
_HOOKED = sa.text("kind = 'webhook'")


def upgrade() -> None:
    op.add_column("attempt", sa.Column("answer_status", sa.Integer()))
    op.add_column("attempt", sa.Column("answer_bytes", sa.Integer()))
    op.create_index(
        "ix_outbox_hooked_created",
        "outbox",
        ["partition", "created_at", "id"],
        sqlite_where=_HOOKED,
        postgresql_where=_HOOKED,
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_hooked_created", table_name="outbox")
    op.drop_column("attempt", "answer_bytes")
    op.drop_column("attempt", "answer_status")

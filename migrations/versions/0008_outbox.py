"""The outbox is claimed by kind: what nobody can hand over no longer stands in the way of what can be."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

RUNNING = "status IN ('leased', 'queued')"
TO_OFFICERS = f"{RUNNING} AND substr(partition, 1, 5) = 'duty:'"


def upgrade() -> None:
    for name, there in (("ix_outbox_kind_next_at_id", RUNNING), ("ix_outbox_officers", TO_OFFICERS)):
        columns = ["kind", "next_at", "id"]
        op.create_index(op.f(name), "outbox", columns, sqlite_where=sa.text(there), postgresql_where=sa.text(there))
    op.drop_index(op.f("ix_outbox_due"), "outbox")


def downgrade() -> None:
    there = sa.text(RUNNING)
    op.create_index(op.f("ix_outbox_due"), "outbox", ["next_at", "id"], sqlite_where=there, postgresql_where=there)
    op.drop_index(op.f("ix_outbox_officers"), "outbox")
    op.drop_index(op.f("ix_outbox_kind_next_at_id"), "outbox")

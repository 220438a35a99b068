"""Throttles: wrong passwords and query codes counted for each place they come from, and the places that are known."""

import sqlalchemy as sa
from alembic import op

from hotline.database import columns

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "throttle",
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("began_at", columns.Instant(), nullable=False),
        sa.Column("last_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_throttle")),
    )
    op.create_index(op.f("ix_throttle_last_at"), "throttle", ["last_at"])
    op.create_table(
        "known_place",
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("last_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_known_place")),
    )
    op.create_index(op.f("ix_known_place_last_at"), "known_place", ["last_at"])


def downgrade() -> None:
    op.drop_table("known_place")
    op.drop_table("throttle")

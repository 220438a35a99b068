"""Proofs of work that were used by residents' reports.

A new table: neither database rewrites a row, and older code goes on. The way down forgets which challenges were used; they
expire within minutes.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Instant

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spent_proof",
        sa.Column("challenge", sa.String(32), nullable=False),
        sa.Column("used_for", sa.String(64), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_spent_proof")),
    )
    op.create_index(op.f("ix_spent_proof_expires_at"), "spent_proof", ["expires_at"])


def downgrade() -> None:
    op.drop_table("spent_proof")

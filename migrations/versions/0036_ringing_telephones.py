"""At whose telephones a call rings: kept by agent as the exchange says so.

It holds the last hour alone, so nothing is filled in on the way up and nothing is lost on the way down.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Instant

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "voice_ring",
        sa.Column("call", sa.String(36), nullable=False),
        sa.Column("agent", sa.String(60), nullable=False),
        sa.Column("rang_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("call", "agent", name=op.f("pk_voice_ring")),
    )
    op.create_index(op.f("ix_voice_ring_agent"), "voice_ring", ["agent"])
    op.create_index(op.f("ix_voice_ring_rang_at"), "voice_ring", ["rang_at"])


def downgrade() -> None:
    op.drop_table("voice_ring")

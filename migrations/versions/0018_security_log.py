"""The security log, and the heads of chains.

New tables only: older code goes on beside them and writes no deeds, so `oldest_code` stays as it is. The way down
forgets the log.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Document, Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "security_log",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("deed", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("by_kind", sa.String(16), nullable=False),
        sa.Column("by_id", sa.String(60), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("address", sa.String(45)),
        sa.Column("about_kind", sa.String(16)),
        sa.Column("about", sa.String(80)),
        sa.Column("details", Document(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_security_log")),
    )
    op.create_index(op.f("ix_security_log_by_id_position"), "security_log", ["by_id", "position"])
    op.create_index(op.f("ix_security_log_about_position"), "security_log", ["about", "position"])
    op.create_index(op.f("ix_security_log_deed_position"), "security_log", ["deed", "position"])
    op.create_index(op.f("ix_security_log_at"), "security_log", ["at"])
    op.create_table(
        "chain_head",
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chain_head")),
    )
    op.create_table(
        "log_shipment",
        sa.Column("destination", sa.String(10), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", Instant()),
        sa.Column("lease_token", sa.String(36)),
        sa.PrimaryKeyConstraint("destination", name=op.f("pk_log_shipment")),
    )


def downgrade() -> None:
    op.drop_table("log_shipment")
    op.drop_table("chain_head")
    op.drop_table("security_log")

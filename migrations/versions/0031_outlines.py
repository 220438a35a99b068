"""Outlines of the map.

A new table: neither database rewrites a row, and older code goes on. The way down forgets the outlines, which are imported
from a file.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Document

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outline",
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("area", sa.String(60)),
        sa.Column("part", sa.String(60)),
        sa.Column("name", sa.String(40)),
        sa.Column("name_en", sa.String(40)),
        sa.Column("geometry", Document(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('building', 'green', 'label', 'land', 'place', 'road', 'water')", name=op.f("ck_outline_kind_word")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_outline")),
    )
    op.create_index(op.f("ix_outline_part"), "outline", ["part"])


def downgrade() -> None:
    op.drop_table("outline")

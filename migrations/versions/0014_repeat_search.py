"""Tickets are searched for repeats by meaning after they were taken in; what is found is offered to the desk.

Nothing of older tables changes, so `oldest_code` stays as it is. The way down forgets the offers.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database import columns

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FOUND = sa.text("other IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "repeat_search",
        sa.Column("number", sa.String(length=14), nullable=False),
        sa.Column("other", sa.String(length=14), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["ticket.number"], name=op.f("fk_repeat_search_number_ticket")),
        sa.ForeignKeyConstraint(["other"], ["ticket.number"], name=op.f("fk_repeat_search_other_ticket")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_repeat_search")),
    )
    op.create_index(
        op.f("ix_repeat_search_other"), "repeat_search", ["other"], sqlite_where=FOUND, postgresql_where=FOUND
    )
    op.create_index(op.f("ix_repeat_search_at"), "repeat_search", ["at"])


def downgrade() -> None:
    op.drop_table("repeat_search")

"""Which code may run on this schema: an older process that starts anew during an upgrade finds the answer here.

A migration that older code can live with leaves the row alone. One that it cannot (a column or table taken away, a word
it does not know, a column without a default) sets `oldest_code` to its own revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    made = op.create_table(
        "schema_compatibility",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("oldest_code", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schema_compatibility")),
    )
    op.bulk_insert(made, [{"id": 1, "oldest_code": revision}])


def downgrade() -> None:
    op.drop_table("schema_compatibility")

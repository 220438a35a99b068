"""The language of a text may be traditional Chinese: `zh-Hant` beside `zh` and `en`.

The way down calls these texts Chinese; their words stay as they were sent.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":  # SQLite does not hold a text to its length
        op.alter_column("text_out", "language", type_=sa.String(7), existing_type=sa.String(2), existing_nullable=False)


def downgrade() -> None:
    op.execute("UPDATE text_out SET language = 'zh' WHERE language = 'zh-Hant'")
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("text_out", "language", type_=sa.String(2), existing_type=sa.String(7), existing_nullable=False)

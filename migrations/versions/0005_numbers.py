"""Numbers that cannot be read: kept as they were written, whatever their length, and rung back."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UNREAD = sa.text("phone IS NULL")


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":  # SQLite does not hold a text to its length
        op.alter_column("call", "raw_phone", type_=sa.Text(), existing_type=sa.String(60), existing_nullable=True)
        op.alter_column("return_call", "phone", type_=sa.String(60), existing_type=sa.String(20), existing_nullable=False)
    op.create_index(
        op.f("ix_voice_call_raw_phone"), "voice_call", ["raw_phone"], sqlite_where=UNREAD, postgresql_where=UNREAD
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_voice_call_raw_phone"), table_name="voice_call")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DELETE FROM return_call WHERE length(phone) > 20")
        op.alter_column("return_call", "phone", type_=sa.String(20), existing_type=sa.String(60), existing_nullable=False)
        op.alter_column(
            "call", "raw_phone", type_=sa.String(60), existing_type=sa.Text(), existing_nullable=True,
            postgresql_using="left(raw_phone, 60)",
        )

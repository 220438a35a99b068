"""Personal data is sealed: phone numbers, names, what callers told and what was answered them.

The columns hold text of any length from now on; PostgreSQL writes no row anew for that, SQLite does not mind. The rows
that stand are sealed behind this migration, a batch in each transaction (`hotline migrate` does so to the end, and goes
on where it was stopped; no process serves the database before that). Older code would show what is sealed and find no caller, so it may not run any more. The way
down writes everything in plain.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from hotline.database.sealing_rows import FINISH, unseal_table

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# the columns that had a limit
WIDENED = {
    "caller": ("phone",), "ticket": ("phone", "floor", "room"), "call": ("phone",), "inbound": ("sender", "partition"),
    "text_out": ("receiver",), "stop_list": ("phone",), "voice_call": ("phone", "raw_phone"), "return_call": ("phone",),
}  # fmt: skip
SEALED = (
    "answer", "assignment", "attachment", "attempt", "call", "caller", "export", "inbound", "incident",
    "incident_entry", "outbox", "return_call", "stop_list", "text_out", "ticket", "timeline", "voice_call",
    "voice_event",
)  # fmt: skip
TEXT_PARTITION = "partition LIKE 'text:%' AND status NOT IN ('queued', 'leased')"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name, columns in WIDENED.items():
            changes = ", ".join(f'ALTER COLUMN "{column}" TYPE text' for column in columns)
            op.execute(f"ALTER TABLE {name} {changes}")
    made = op.create_table(
        "sealing_progress",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("after", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sealing_progress")),
    )
    nothing: Any = [] if op.get_bind().dialect.name == "postgresql" else "[]"
    waiting = [name for name in SEALED if op.get_bind().execute(sa.text(f"SELECT 1 FROM {name} LIMIT 1")).first()]
    if waiting:
        op.bulk_insert(made, [{"name": name, "after": nothing} for name in (*waiting, FINISH)])
    # the receiver's number stood in it; what waits to be sent keeps its order, and is gone in hours
    op.execute(f"UPDATE outbox SET partition = 'text:' || id WHERE {TEXT_PARTITION}")
    op.execute("UPDATE schema_compatibility SET oldest_code = '0024'")


def downgrade() -> None:
    for name in SEALED:
        unseal_table(op.get_bind(), name)
    op.drop_table("sealing_progress")
    op.execute("UPDATE schema_compatibility SET oldest_code = '0009'")

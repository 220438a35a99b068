"""Sessions with a stage, a device and a last use; first passwords that end; last use and rotation of keys; addresses of
duty calendars that can be made anew.

Columns that may be empty or have a default, and a new table: older code goes on beside it. It writes sessions that are
active, as every session was, and passwords that are their owner's own. Its sessions do not end by idleness before new
code looks at them: an empty last use counts from the log-in. The way down ends the sessions that lack a step, so that
older code does not take them for whole, and lets first passwords stand.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Instant

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

CHECK = "ck_session_stage_word"
STAGES = "'active', 'pending_factor', 'pending_password'"


def upgrade() -> None:
    op.add_column("person", sa.Column("first_password_until", Instant(), nullable=True))
    op.add_column("session", sa.Column("stage", sa.String(20), nullable=False, server_default="active"))
    op.add_column("session", sa.Column("method", sa.String(40), nullable=False, server_default="password"))
    op.add_column("session", sa.Column("device", sa.String(60), nullable=False, server_default=""))
    op.add_column("session", sa.Column("address", sa.String(45), nullable=True))
    op.add_column("session", sa.Column("seen_at", Instant(), nullable=True))
    op.add_column("api_key", sa.Column("last_used_at", Instant(), nullable=True))
    op.add_column("api_key", sa.Column("replaces", sa.String(16), nullable=True))
    op.create_table(
        "duty_feed",
        sa.Column("department", sa.String(40), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("changed_by", sa.String(60), nullable=False),
        sa.PrimaryKeyConstraint("department", name=op.f("pk_duty_feed")),
    )
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("session", recreate="always") as batch:
            batch.create_check_constraint(op.f(CHECK), f"stage IN ({STAGES})")
        return
    op.create_check_constraint(op.f(CHECK), "session", f"stage IN ({STAGES})")


def downgrade() -> None:
    op.execute("DELETE FROM session WHERE stage <> 'active'")
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("session", recreate="always") as batch:
            batch.drop_constraint(op.f(CHECK), type_="check")
    else:
        op.drop_constraint(op.f(CHECK), "session", type_="check")
    op.drop_table("duty_feed")
    op.drop_column("api_key", "replaces")
    op.drop_column("api_key", "last_used_at")
    for name in ("seen_at", "address", "device", "method", "stage"):
        op.drop_column("session", name)
    op.drop_column("person", "first_password_until")

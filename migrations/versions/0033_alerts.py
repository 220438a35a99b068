"""Alerts: emergencies that wait are found by an index; a gateway may be the robot of a chat group;
browsers that are told by Web Push.

Older code reads every gateway and knows no robot, so one is added when every process runs the new code. The way down removes
robots and browsers.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Instant

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

WAITING = "priority = 'emergency' AND status IN ('awaiting_info', 'dispatched', 'received', 'triaged')"

CHECK = "ck_gateway_kind_word"
OLD, NEW = "kind IN ('sms', 'voice', 'orders')", "kind IN ('sms', 'voice', 'orders', 'robot')"


def _check_kinds(words: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("gateway", recreate="always") as batch:
            batch.drop_constraint(op.f(CHECK), type_="check")
            batch.create_check_constraint(op.f(CHECK), words)
        return
    op.drop_constraint(op.f(CHECK), "gateway", type_="check")
    op.create_check_constraint(op.f(CHECK), "gateway", words)


def upgrade() -> None:
    _check_kinds(NEW)
    op.create_table(
        "push_device",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("person", sa.String(36), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("device", sa.String(60), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_push_device_person_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_device")),
    )
    op.create_index(op.f("ix_push_device_person"), "push_device", ["person"])
    op.create_index(
        op.f("ix_ticket_alert"), "ticket", ["status", "created_at", "number"],
        sqlite_where=sa.text(WAITING), postgresql_where=sa.text(WAITING),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("push_device")
    op.execute("DELETE FROM stored_key WHERE name = 'vapid'")
    op.execute("DELETE FROM gateway WHERE kind = 'robot'")
    _check_kinds(OLD)
    op.drop_index(op.f("ix_ticket_alert"), table_name="ticket")

"""Boards: how a ticket ended, the stream of events, the rollups of the figures, reports and exports."""

import sqlalchemy as sa
from alembic import op

from hotline.database import columns

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OUTCOMES = "outcome IN ('answered', 'confirmed', 'silent', 'explained', 'declined', 'merged', 'withdrawn', 'void')"


def _how_they_ended() -> None:
    """From the last line of each timeline that ended the ticket."""
    op.execute(
        """UPDATE ticket SET
 ended_at = coalesce(closed_at, (SELECT max(e.at) FROM timeline e WHERE e.number = ticket.number
   AND e.action IN ('decline', 'void', 'withdraw', 'merge')), updated_at),
 outcome = CASE status WHEN 'declined' THEN 'declined' WHEN 'merged' THEN 'merged' WHEN 'withdrawn' THEN 'withdrawn'
   WHEN 'void' THEN 'void' ELSE coalesce((SELECT CASE WHEN e.action = 'answer' THEN 'answered' WHEN e.action = 'explain' THEN 'explained'
   WHEN e.by_kind = 'clock' THEN 'silent' ELSE 'confirmed' END FROM timeline e WHERE e.number = ticket.number
   AND e.action IN ('answer', 'confirm', 'explain') ORDER BY e.seq DESC LIMIT 1), 'confirmed') END
 WHERE status IN ('closed', 'declined', 'merged', 'withdrawn', 'void')"""
    )


def upgrade() -> None:
    lite = op.get_bind().dialect.name == "sqlite"
    op.add_column("ticket", sa.Column("ended_at", columns.Instant(), nullable=True))
    if lite:  # with its CHECK, so that the table need not be built anew
        op.execute(f"ALTER TABLE ticket ADD COLUMN outcome VARCHAR(12) CONSTRAINT ck_ticket_outcome_word CHECK ({OUTCOMES})")
    else:
        op.add_column("ticket", sa.Column("outcome", sa.String(length=12), nullable=True))
        op.execute(f"ALTER TABLE ticket ADD CONSTRAINT ck_ticket_outcome_word CHECK ({OUTCOMES}) NOT VALID")
        op.execute("ALTER TABLE ticket VALIDATE CONSTRAINT ck_ticket_outcome_word")
    _how_they_ended()
    for table, column, key in (("ticket", "ended_at", "number"), ("assignment", "due_at", "id")):
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(op.f(f"ix_{table}_{column}_{key}"), table, [column, key], sqlite_where=there, postgresql_where=there)
    op.create_index(op.f("ix_assignment_issued_at_id"), "assignment", ["issued_at", "id"])
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.String(length=14), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("area", sa.String(length=40), nullable=True),
        sa.Column("holders", columns.Document(), nullable=False),
        sa.Column("body", columns.Document(), nullable=False),
        sa.Column("figures", columns.Document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index(op.f("uq_event_position"), "event", ["position"], unique=True)
    unplaced = sa.text("position IS NULL")
    op.create_index(op.f("ix_event_waiting"), "event", ["id"], sqlite_where=unplaced, postgresql_where=unplaced)
    op.create_table(
        "rollup",
        sa.Column("dimension", sa.String(length=24), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=90), nullable=False),
        sa.Column("counts", columns.Document(), nullable=False),
        sa.PrimaryKeyConstraint("dimension", "day", "code", name=op.f("pk_rollup")),
    )
    op.create_table(
        "report",
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("first", sa.String(length=10), nullable=False),
        sa.Column("body", columns.Document(), nullable=False),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.CheckConstraint("period IN ('day', 'week', 'month')", name=op.f("ck_report_period_word")),
        sa.PrimaryKeyConstraint("period", "first", name=op.f("pk_report")),
    )
    op.create_table(
        "export",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("form", sa.String(length=10), nullable=False),
        sa.Column("filters", columns.Document(), nullable=False),
        sa.Column("actor", columns.Document(), nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", columns.Instant(), nullable=True),
        sa.Column("lease_token", sa.String(length=36), nullable=True),
        sa.CheckConstraint("kind IN ('tickets', 'timeline')", name=op.f("ck_export_kind_word")),
        sa.CheckConstraint("form IN ('csv', 'xlsx', 'jsonl', 'open311')", name=op.f("ck_export_form_word")),
        sa.CheckConstraint("status IN ('waiting', 'making', 'ready', 'failed', 'gone')", name=op.f("ck_export_status_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export")),
    )
    op.create_index(op.f("ix_export_owner_created_at"), "export", ["owner", "created_at"])
    due = sa.text("status IN ('making', 'waiting')")
    op.create_index(op.f("ix_export_due"), "export", ["created_at"], sqlite_where=due, postgresql_where=due)


def downgrade() -> None:
    op.drop_table("export")
    op.drop_table("report")
    op.drop_table("rollup")
    op.drop_table("event")
    op.drop_index(op.f("ix_assignment_issued_at_id"), "assignment")
    op.drop_index(op.f("ix_assignment_due_at_id"), "assignment")
    op.drop_index(op.f("ix_ticket_ended_at_number"), "ticket")
    op.execute("ALTER TABLE ticket DROP COLUMN outcome")
    op.execute("ALTER TABLE ticket DROP COLUMN ended_at")

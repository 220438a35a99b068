"""Incidents: many calls about one matter, handled as one.

Two tables and one column of tickets that may be empty: neither database rewrites the rows of tickets for it, and older
code goes on, so `oldest_code` stays as it is. The way down forgets which tickets belonged to an incident; tickets that
were merged stay merged.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Document, Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

STATES = "'proposed', 'open', 'contained', 'over', 'dismissed'"
KINDS = "'person', 'key', 'resident', 'rules', 'clock'"


def upgrade() -> None:
    op.add_column("ticket", sa.Column("incident", sa.String(length=8), nullable=True))
    op.create_index(
        "ix_ticket_incident",
        "ticket",
        ["incident"],
        sqlite_where=sa.text("incident IS NOT NULL"),
        postgresql_where=sa.text("incident IS NOT NULL"),
    )
    op.create_table(
        "incident",
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("symptom", sa.String(length=40)),
        sa.Column("area", sa.String(length=40)),
        sa.Column("reach", sa.String(length=40)),
        sa.Column("parent", sa.String(length=14)),
        sa.Column("moves", Document(), nullable=False),
        sa.Column("wording", Document(), nullable=False),
        sa.Column("final_word", sa.Text()),
        sa.Column("first_call_at", Instant(), nullable=False),
        sa.Column("last_call_at", Instant(), nullable=False),
        sa.Column("callers", sa.Integer(), nullable=False),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant()),
        sa.Column("announced_at", Instant()),
        sa.Column("told_at", Instant()),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_incident_state_word")),
        sa.ForeignKeyConstraint(["parent"], ["ticket.number"], name=op.f("fk_incident_parent_ticket")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_incident")),
    )
    op.create_index("ix_incident_state_created_at", "incident", ["state", "created_at"])
    op.create_table(
        "incident_entry",
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by_kind", sa.String(length=10), nullable=False),
        sa.Column("by_id", sa.String(length=60), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("state_from", sa.String(length=12)),
        sa.Column("state_to", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("changes", Document(), nullable=False),
        sa.CheckConstraint(f"by_kind IN ({KINDS})", name=op.f("ck_incident_entry_by_kind_word")),
        sa.ForeignKeyConstraint(["code"], ["incident.code"], name=op.f("fk_incident_entry_code_incident")),
        sa.PrimaryKeyConstraint("code", "seq", name=op.f("pk_incident_entry")),
    )


def downgrade() -> None:
    op.drop_table("incident_entry")
    op.drop_index("ix_incident_state_created_at", table_name="incident")
    op.drop_table("incident")
    op.drop_index("ix_ticket_incident", table_name="ticket")
    op.drop_column("ticket", "incident")

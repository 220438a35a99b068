"""Labels from decisions, versions of the triage model, which was in use when, and weekly checks.

New tables only: older code goes on beside them. The way down forgets what was learned; tickets keep the opinion that
was recorded in their advice.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Document, Instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "triage_label",
        sa.Column("number", sa.String(14), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by_id", sa.String(60), nullable=False),
        sa.Column("strong", sa.Boolean(), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("department", sa.String(40)),
        sa.Column("department_strong", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer()),
        sa.Column("guess", sa.String(40)),
        sa.Column("confidence", sa.Float()),
        sa.Column("sure", sa.Boolean(), nullable=False),
        sa.Column("noted_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["ticket.number"], name=op.f("fk_triage_label_number_ticket")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_triage_label")),
    )
    op.create_index(op.f("ix_triage_label_at"), "triage_label", ["at", "number"])
    strong = sa.text("strong")
    op.create_index(
        op.f("ix_triage_label_noted_at"), "triage_label", ["noted_at"], sqlite_where=strong, postgresql_where=strong
    )
    op.create_table(
        "model_version",
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("directory_version", sa.Integer(), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("labels", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("figures", Document(), nullable=False),
        sa.Column("arrays", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_model_version")),
    )
    op.create_table(
        "model_use",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by_id", sa.String(60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('shadow', 'acting')", name=op.f("ck_model_use_state_word")),
        sa.ForeignKeyConstraint(
            ["version"], ["model_version.version"], name=op.f("fk_model_use_version_model_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_use")),
    )
    op.create_table(
        "model_check",
        sa.Column("at", Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("figures", Document(), nullable=False),
        sa.Column("alarms", Document(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version"], ["model_version.version"], name=op.f("fk_model_check_version_model_version")
        ),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_model_check")),
    )
    op.create_table(
        "learning_state",
        sa.Column("id", sa.String(8), nullable=False),
        sa.Column("read_to", Instant(), nullable=False),
        sa.Column("trained_at", Instant()),
        sa.Column("lease_until", Instant()),
        sa.Column("lease_token", sa.String(36)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning_state")),
    )


def downgrade() -> None:
    for name in ("learning_state", "model_check", "model_use", "model_version", "triage_label"):
        op.drop_table(name)

"""Identity providers, who is who there, and the sessions they began.

New tables only: older code goes on beside them. The way down forgets the providers; people who came from there stay,
and an administrator can give them a password.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Document, Instant

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity_provider",
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("body", Document(), nullable=False),
        sa.Column("secret", sa.Text()),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_identity_provider")),
    )
    op.create_table(
        "identity",
        sa.Column("issuer", sa.String(400), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("person", sa.String(36), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_identity_person_person")),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_identity")),
    )
    op.create_index(op.f("ix_identity_person"), "identity", ["person"])
    op.create_table(
        "provider_session",
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("sid", sa.String(255)),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_provider_session")),
    )
    op.create_index(op.f("ix_provider_session_expires_at"), "provider_session", ["expires_at"])
    op.create_index("ix_provider_session_subject", "provider_session", ["provider", "subject"])


def downgrade() -> None:
    for name in ("provider_session", "identity", "identity_provider"):
        op.drop_table(name)

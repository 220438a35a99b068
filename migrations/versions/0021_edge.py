"""Keys of the server, sealed with its secret, and what the virus scanner found in files.

Two new tables. Older code does not read them and goes on, so `oldest_code` stays as it is; it does not know that an
infected file is withheld. The way down forgets both, and takes from sealed values the id of the secret that sealed
them, which older code does not expect: it must have that secret. Where the secret was replaced it is refused: older
code would find no caller and no key without the stored ones.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import sealing_of

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

STATES = ("waiting", "clean", "infected", "failed")
SEALED = (
    ("gateway", "sealed"),
    ("subscription", "sealed"),
    ("answer", "body"),
    ("second_factor", "secret"),
    ("audit_key", "sealed"),
)


def upgrade() -> None:
    op.create_table(
        "stored_key",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stored_key")),
    )
    words = ", ".join(f"'{state}'" for state in STATES)
    op.create_table(
        "file_scan",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("found", sa.String(length=200), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"state IN ({words})", name=op.f("ck_file_scan_state_word")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_file_scan")),
    )
    op.create_index(
        op.f("ix_file_scan_next_at"),
        "file_scan",
        ["next_at"],
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )


def downgrade() -> None:
    for table, column in SEALED:
        # eight hexadecimal digits and a point stand before base64; no JSON begins so
        op.execute(
            f"UPDATE {table} SET {column} = substr({column}, 10) WHERE substr({column}, 9, 1) = '.'"
            f" AND {column} NOT LIKE '{{%' AND {column} NOT LIKE '[%'"
        )
    op.drop_table("file_scan")
    if not sealing_of(op.get_bind().dialect).is_first_secret:
        stored = op.get_bind().execute(sa.text("SELECT count(*) FROM stored_key")).scalar_one()
        op.get_context().config.attributes["lost_values"]["stored_key.sealed"] += stored
    op.drop_table("stored_key")

"""Incidents of one unit of a building, and incidents that were merged into another.

Two columns that may be empty, a number, and one more word of a state: the table of incidents is small, so that SQLite
may build it anew. `noted` says up to which line of an incident's timeline that of its parent tells. Older code does not
know the word, and may go on until an incident is merged. The way down ends merged incidents as dismissed ones and
forgets into which they went, and to which unit they belong.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

CHECK = "ck_incident_state_word"
OLD_STATES = "'proposed', 'open', 'contained', 'over', 'dismissed'"
STATES = f"{OLD_STATES}, 'merged'"
COLUMNS = (("unit", 20), ("merged_into", 8))


def _replace_check(states: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("incident", recreate="always") as batch:
            batch.drop_constraint(op.f(CHECK), type_="check")
            batch.create_check_constraint(op.f(CHECK), f"state IN ({states})")
        return
    op.drop_constraint(op.f(CHECK), "incident", type_="check")
    op.execute(f"ALTER TABLE incident ADD CONSTRAINT {CHECK} CHECK (state IN ({states})) NOT VALID")
    op.execute(f"ALTER TABLE incident VALIDATE CONSTRAINT {CHECK}")


def upgrade() -> None:
    for name, length in COLUMNS:
        op.add_column("incident", sa.Column(name, sa.String(length=length), nullable=True))
    op.add_column("incident", sa.Column("noted", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE incident SET noted = entries")  # what has happened until now is told already, or is old
    _replace_check(STATES)


def downgrade() -> None:
    rewritten = op.get_bind().exec_driver_sql("UPDATE incident SET state = 'dismissed' WHERE state = 'merged'")
    op.get_context().config.attributes["lost_values"]["incident.state"] += rewritten.rowcount
    _replace_check(OLD_STATES)
    for name in ("noted", *(name for name, _ in COLUMNS)):
        op.drop_column("incident", name)

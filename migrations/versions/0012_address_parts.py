"""A ticket knows building, unit, floor and room of its address, each as it is written on the door.

Four columns that may be empty: neither database rewrites its rows for them, and older code goes on, so `oldest_code`
stays as it is. Tickets that were taken in before have none. The way down forgets them; address and narrative stay.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

PARTS = ("building", "unit", "floor", "room")


def upgrade() -> None:
    for part in PARTS:
        op.add_column("ticket", sa.Column(part, sa.String(length=20), nullable=True))


def downgrade() -> None:
    for part in PARTS:
        op.drop_column("ticket", part)

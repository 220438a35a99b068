"""A call keeps the area and category its ticket had when it was taken: calls are counted there, apart from matters.

Calls that were taken before get those their tickets have now. The rollups are marked as missing, so that the worker
builds them anew with the new measures; until then the old ones are shown. Older code goes on: it writes calls without
the two columns, and figures without calls, so that `hotline figures rebuild` is due when its last process has ended.
The way down drops both columns; they follow from the tickets.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

PLACES = ("area", "category")
INDEX = "ix_call_at_id"
BATCH = 5000  # calls that one statement fills
REBUILD = "UPDATE rollup SET counts = '{}' WHERE dimension = 'folded'"


def fill_places(connection: sa.Connection, batch: int = BATCH) -> int:
    """Give calls the area and category of their tickets, in order of their ids; how many statements filled them."""
    bound = sa.text("SELECT id FROM call WHERE id > :after ORDER BY id LIMIT 1 OFFSET :skipped")
    fill = (
        "UPDATE call SET area = t.area, category = t.category FROM ticket t"
        " WHERE t.number = call.number AND call.id > :after"
    )
    after, statements = "", 0
    while True:
        last = connection.execute(bound, {"after": after, "skipped": batch - 1}).scalar()
        statements += 1
        if last is None:  # fewer than a batch are left
            connection.execute(sa.text(fill), {"after": after})
            return statements
        connection.execute(sa.text(f"{fill} AND call.id <= :last"), {"after": after, "last": last})
        after = last


def upgrade() -> None:
    for name in PLACES:
        op.add_column("call", sa.Column(name, sa.String(length=40), nullable=True))
    fill_places(op.get_bind())
    op.create_index(INDEX, "call", ["at", "id"])
    op.execute(REBUILD)


def downgrade() -> None:
    op.drop_index(INDEX, "call")
    for name in PLACES:
        op.drop_column("call", name)
    op.execute(REBUILD)

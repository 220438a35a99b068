"""When somebody of its department has signed for an order: what the clock accepts in their place is signed by nobody.

Filled in from the timeline: the first step by which a person or a key showed that they have it, and that was not taken
back. An order that was accepted before there was such a line, and not by the clock, was signed for as it was accepted.
Nothing is lost on the way down: all of it follows from the timeline.
"""

import sqlalchemy as sa
from alembic import op

from hotline.database.columns import Instant

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_SIGNED = """
UPDATE assignment SET signed_at = (
  SELECT min(timeline.at) FROM timeline
  WHERE timeline.number = assignment.number AND timeline.assignment = assignment.id
    AND timeline.action IN ('accept', 'claim', 'contact_caller', 'report', 'request_extension', 'request_return')
    AND timeline.by_kind IN ('person', 'key')
    AND NOT (timeline.action = 'report' AND EXISTS (
      SELECT 1 FROM timeline undone
      WHERE undone.number = timeline.number AND undone.action = 'undo' AND undone.status_to = 'accepted'
        AND undone.seq = (
          SELECT min(later.seq) FROM timeline later
          WHERE later.number = timeline.number AND later.assignment = timeline.assignment
            AND later.seq > timeline.seq))))
"""
_TAKEN_OVER = """
UPDATE assignment SET signed_at = accepted_at
WHERE signed_at IS NULL AND accepted_at IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM timeline
  WHERE timeline.number = assignment.number AND timeline.assignment = assignment.id AND timeline.action = 'auto_accept')
"""


def upgrade() -> None:
    op.add_column("assignment", sa.Column("signed_at", Instant(), nullable=True))
    op.execute(_SIGNED)
    op.execute(_TAKEN_OVER)


def downgrade() -> None:
    op.drop_column("assignment", "signed_at")

"""The table of devices that are told of dangers by Web Push."""

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.metadata import table

C, S = sa.Column, sa.String
push_device = table(
    "push_device", "Browsers of staff that are told of dangers by Web Push; address and keys are sealed.",
    C("id", S(40), primary_key=True, doc="Follows from its address, which nobody can guess"),
    C("person", S(36), sa.ForeignKey("person.id"), nullable=False, index=True),
    C("sealed", sa.Text, nullable=False),
    C("device", S(60), nullable=False, doc="Browser and system"),
    C("language", S(10), nullable=False),
    C("created_at", Instant, nullable=False),
)  # fmt: skip

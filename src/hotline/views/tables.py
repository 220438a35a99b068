"""The table of saved views."""

import sqlalchemy as sa

from hotline.database.columns import Document, Instant
from hotline.database.metadata import table

C, S = sa.Column, sa.String
saved_view = table(
    "saved_view", "Filters and order of a list under a name; what they show is always within the reader's scope.",
    C("id", S(36), primary_key=True),
    C("page", S(16), nullable=False, doc="The list it is of"),
    C("name", sa.Text, nullable=False),
    C("query", Document, nullable=False, doc="Filters by codes and words of vocabularies; no words that are searched for"),
    C("shared", sa.Boolean, nullable=False, doc="Colleagues may use it"),
    C("owner", S(60), nullable=False),
    C("owner_name", sa.Text, nullable=False),
    C("version", sa.Integer, nullable=False),
    C("created_at", Instant, nullable=False),
    C("changed_at", Instant, nullable=False),
    sa.Index("ix_saved_view_owner", "owner", "page"),
    sa.Index("ix_saved_view_shared", "page", "name", sqlite_where=sa.text("shared"), postgresql_where=sa.text("shared")),
)  # fmt: skip

"""The table of subscriptions."""

import sqlalchemy as sa

from hotline.database.columns import Document, Instant
from hotline.database.metadata import table

C, S, I = sa.Column, sa.String, sa.Integer
subscription = table(
    "subscription", "Webhook subscriptions: URL, types of events and scope; secrets are encrypted.",
    C("id", S(36), primary_key=True),
    C("name", sa.Text, nullable=False),
    C("url", sa.Text, nullable=False),
    C("form", S(16), nullable=False),
    C("events", Document, nullable=False),
    C("department", S(40)),
    C("area", S(40)),
    C("outer_system", S(40)),
    C("sealed", sa.Text, nullable=False),
    C("active", sa.Boolean, nullable=False),
    C("disabled", sa.Text),
    C("version", I, nullable=False),
    C("created_at", Instant, nullable=False),
    C("created_by", S(60), nullable=False),
)  # fmt: skip

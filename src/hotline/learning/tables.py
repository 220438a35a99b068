"""Tables of learning: labels, versions of the model, which of them was in use when, and weekly checks."""

import sqlalchemy as sa

from hotline.database.columns import Document, Instant, words_check
from hotline.database.metadata import table
from hotline.learning.vocabulary import ModelState

C, S, I = sa.Column, sa.String, sa.Integer
triage_label = table(
    "triage_label", "What was decided about a ticket's text, and the model's opinion at intake; read from timelines.",
    C("number", S(14), sa.ForeignKey("ticket.number"), primary_key=True),
    C("at", Instant, nullable=False, doc="When it was decided"),
    C("by_id", S(60), nullable=False, doc="Who decided; empty for an untouched close"),
    C("strong", sa.Boolean, nullable=False),
    C("category", S(40), nullable=False),
    C("kind", S(16), nullable=False),
    C("department", S(40)),
    C("department_strong", sa.Boolean, nullable=False),
    C("version", I),
    C("guess", S(40), doc="The category the model named; none where it abstained"),
    C("confidence", sa.Float),
    C("sure", sa.Boolean, nullable=False),
    C("noted_at", Instant, nullable=False),
    sa.Index("ix_triage_label_at", "at", "number"),
    sa.Index("ix_triage_label_noted_at", "noted_at", sqlite_where=sa.text("strong"), postgresql_where=sa.text("strong")),
)  # fmt: skip

model_version = table(
    "model_version", "Versions of the triage model. Rows are added, never changed.",
    C("version", I, primary_key=True, autoincrement=False),
    C("made_at", Instant, nullable=False),
    C("hash", S(64), nullable=False, doc="SHA-256 of `arrays`, in hex"),
    C("directory_version", I, nullable=False),
    C("first_at", Instant, nullable=False, doc="Of the labels it was fitted on and judged by"),
    C("last_at", Instant, nullable=False),
    C("labels", I, nullable=False),
    C("passed", sa.Boolean, nullable=False, doc="It was no worse than the version then in use"),
    C("figures", Document, nullable=False),
    C("arrays", sa.LargeBinary, nullable=False),
)  # fmt: skip

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
model_use = table(
    "model_use", "Which version was put into use when; the last row holds now. Rows are added, never changed.",
    C("id", SERIAL, primary_key=True, autoincrement=True),
    C("version", I, sa.ForeignKey("model_version.version"), nullable=False),
    C("state", S(8), nullable=False),
    C("held", sa.Boolean, nullable=False, doc="New versions wait for a person, as after a rollback"),
    C("at", Instant, nullable=False),
    C("by_id", S(60), nullable=False),
    C("reason", sa.Text, nullable=False),
    words_check("state", ModelState),
)  # fmt: skip

model_check = table(
    "model_check", "Weekly comparisons of the version in use with what came in.",
    C("at", Instant, primary_key=True),
    C("version", I, sa.ForeignKey("model_version.version"), nullable=False),
    C("figures", Document, nullable=False),
    C("alarms", Document, nullable=False),
)  # fmt: skip

learning_state = table(
    "learning_state", "How far the worker has come; one row.",
    C("id", S(8), primary_key=True),
    C("read_to", Instant, nullable=False, doc="Timelines were read up to here"),
    C("trained_at", Instant),
    C("lease_until", Instant),
    C("lease_token", S(36)),
)  # fmt: skip

"""Tables of rollups, reports and exports."""

import sqlalchemy as sa

from hotline.database.columns import Document, Instant, SealedDocument, words_check
from hotline.database.metadata import table
from hotline.reporting.vocabulary import ExportForm, ExportKind, ExportStatus, Period

C, S, I = sa.Column, sa.String, sa.Integer
rollup = table(
    "rollup", 'The measures of one day for one code of a dimension; day "" holds what is so now, not on a day.',
    C("dimension", S(24), primary_key=True),
    C("day", S(10), primary_key=True),
    C("code", S(90), primary_key=True),
    C("counts", Document, nullable=False),
)  # fmt: skip

report = table(
    "report", "The figures of a period, as they were when it had ended.",
    C("period", S(8), primary_key=True, doc="Day, week, month"),
    C("first", S(10), primary_key=True, doc="Its first day"),
    C("body", Document, nullable=False),
    C("made_at", Instant, nullable=False),
    words_check("period", Period),
)  # fmt: skip

export = table(
    "export", "Requested exports: filters, state, and the file that was written.",
    C("id", S(36), primary_key=True),
    C("kind", S(12), nullable=False),
    C("form", S(10), nullable=False),
    C("filters", SealedDocument("export.filters"), nullable=False),
    C("actor", Document, nullable=False, doc="Who asked, with the view they had: the file is made within it"),
    C("owner", S(60), nullable=False),
    C("status", S(10), nullable=False),
    C("rows", I, nullable=False),
    C("error", sa.Text),
    C("created_at", Instant, nullable=False),
    C("ended_at", Instant),
    C("downloads", I, nullable=False),
    C("attempts", I, nullable=False),
    C("lease_until", Instant),
    C("lease_token", S(36)),
    words_check("kind", ExportKind), words_check("form", ExportForm), words_check("status", ExportStatus),
    sa.Index("ix_export_owner_created_at", "owner", "created_at"),
    sa.Index("ix_export_due", "created_at", sqlite_where=sa.text("status IN ('making', 'waiting')"), postgresql_where=sa.text("status IN ('making', 'waiting')")),
)  # fmt: skip

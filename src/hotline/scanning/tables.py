"""The table of scanned files."""

import sqlalchemy as sa

from hotline.database.columns import Instant, words_check
from hotline.database.metadata import table
from hotline.scanning.model import ScanState

C, S = sa.Column, sa.String
file_scan = table(
    "file_scan", "What the virus scanner found in files, by the hash of their bytes.",
    C("sha256", S(64), primary_key=True),
    C("state", S(10), nullable=False),
    C("found", S(200), doc="The signature of an infected file, or why a scan failed"),
    C("attempts", sa.Integer, nullable=False),
    C("next_at", Instant, doc="When a waiting file is scanned, or tried again"),
    C("created_at", Instant, nullable=False),
    C("scanned_at", Instant),
    words_check("state", ScanState),
    sa.Index(None, "next_at", sqlite_where=sa.text("next_at IS NOT NULL"),
             postgresql_where=sa.text("next_at IS NOT NULL")),
)  # fmt: skip

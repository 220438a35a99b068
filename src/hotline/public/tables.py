"""Table of the proofs of work that were used."""

import sqlalchemy as sa

from hotline.database.columns import Instant
from hotline.database.metadata import table

C, S = sa.Column, sa.String
spent_proof = table(
    "spent_proof", "Proofs of work that were used, until their challenges expire: each counts once.",
    C("challenge", S(32), primary_key=True, doc="The random part of the challenge"),
    C("used_for", S(64), nullable=False, doc="A hash of the report it was used for: a repeat of that may use it again"),
    C("expires_at", Instant, nullable=False),
    sa.Index(None, "expires_at"),
)  # fmt: skip

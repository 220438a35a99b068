"""What requested exports hold of a person: what was searched for. Their files are deleted in time."""

from collections.abc import Sequence

import sqlalchemy as sa

from hotline.database.personal_data import PersonalNoun
from hotline.reporting.tables import export


def personal() -> Sequence[PersonalNoun]:
    return (
        PersonalNoun(
            "exports",
            export,
            lambda s: sa.true(),
            lambda s, row: s.scrubbed(row, "filters"),
            lambda s, row: None,
            "created_at",
            "exports",
        ),
    )

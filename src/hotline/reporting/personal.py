"""What requested exports hold of a person: what was searched for. Their files are deleted in time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from hotline.database.personal_data import Changes, PersonalNoun, Subject
from hotline.reporting.tables import export
from hotline.text.personal import ERASED_TEXT


def _erase_filters(subject: Subject, row: Any) -> Changes:
    """What was asked for by number, or by a whole name: a name may be a word of another question."""
    person = subject.person
    kept = replace(person, names=()).scrub(row.filters)
    kept = {name: ERASED_TEXT if value in person.names else value for name, value in kept.items()}
    return {} if kept == dict(row.filters) else {"filters": kept}


def personal() -> Sequence[PersonalNoun]:
    return (
        PersonalNoun(
            "exports",
            export,
            lambda s: sa.true(),
            _erase_filters,
            lambda s, row: None,
            "created_at",
            "exports",
        ),
    )

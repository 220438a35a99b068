"""What kept answers hold of a person: their requests' replies, for as long as a request may be repeated."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from hotline.database.personal_data import Changes, PersonalNoun, Subject
from hotline.database.tables import answer
from hotline.text.personal import replace_person

_KEPT = frozenset({"id", "number", "version", "status", "at"})


def _erase_answer(subject: Subject, row: Any) -> Changes:
    """A repeated request is still known as one, and is answered without what was personal. Answers about nothing of
    theirs stay: a name may be a word."""
    person = subject.person
    of_tickets = any(number in row.body for number in subject.tickets)
    about = of_tickets or replace_person(row.body, person.numbers, (), "") != row.body
    if not (about and row.body.startswith(("{", "["))):
        return {}
    told = orjson.loads(row.body)
    kept = _without_texts(told) if any(number in row.body for number in subject.whole) else told
    kept = person.scrub(kept)
    return {} if kept == told else {"body": orjson.dumps(kept).decode()}


def _without_texts(told: Any) -> Any:
    if not isinstance(told, Mapping):
        return told
    nested = told.get("ticket")
    kept = {name: value for name, value in told.items() if name in _KEPT and not isinstance(value, Mapping | list)}
    return kept if nested is None else {**kept, "ticket": _without_texts(nested)}


def personal() -> Sequence[PersonalNoun]:
    """All answers are read: they name nobody in a column."""
    return (PersonalNoun("answers", answer, lambda s: sa.true(), _erase_answer, lambda s, row: None, "at", "answers"),)

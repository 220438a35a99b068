"""What incidents hold of those who called about them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hotline.database.personal_data import Changes, PersonalNoun, Subject, among
from hotline.incidents.tables import incident, incident_entry
from hotline.tickets.tables import ticket


def _codes(subject: Subject) -> sa.Select[Any]:
    return sa.select(ticket.c.incident).where(among(ticket.c.number, subject.tickets), ticket.c.incident.is_not(None))


def _erase_incident(subject: Subject, row: Any) -> Changes:
    """The words by which its calls are known go where they are a part of the person's name or number."""
    known = (*subject.person.names, *subject.person.numbers)
    weights = row.wording.get("weights", {})
    kept = {word: weight for word, weight in weights.items() if not any(word in each for each in known)}
    wording = {"wording": {**row.wording, "weights": kept}} if len(kept) < len(weights) else {}
    return {**wording, **subject.scrubbed(row, "final_word")}


def personal() -> Sequence[PersonalNoun]:
    return (
        PersonalNoun(
            "incidents", incident, lambda s: incident.c.code.in_(_codes(s)), _erase_incident, lambda s, row: None
        ),
        PersonalNoun(
            "incident_lines",
            incident_entry,
            lambda s: incident_entry.c.code.in_(_codes(s)),
            lambda s, row: s.scrubbed(row, "reason", "changes"),
            lambda s, row: None,
        ),
    )

"""One narrative that tells of several matters, parted into them."""

import re
from dataclasses import dataclass

from hotline.text.normalisation import fold_text
from hotline.triage.model.lexicon import Lexicon
from hotline.triage.model.matching import Reading
from hotline.triage.model.symptoms import find_symptoms

_CLAUSE = re.compile(r"[^。！？!?；;，,\n]+[。！？!?；;，,\n]*")
MOST_MATTERS = 5


@dataclass(frozen=True, slots=True)
class Matter:
    """One of several matters: the clauses that belong to it, its category and symptom (codes)."""

    text: str
    category: str
    symptom: str


def split_matters(lexicon: Lexicon, narrative: str) -> tuple[Matter, ...]:
    """The matters of a narrative, in its order; none where it tells of one alone.

    A clause belongs to the matter whose symptom it names; one that names none belongs to the matter before it. Two
    symptoms of one category are one matter."""
    matters: list[Matter] = []
    waiting = ""  # clauses in front of the first matter
    for clause in _CLAUSE.findall(narrative):
        symptom = next((found.symptom for found in find_symptoms(Reading(lexicon.patterns, fold_text(clause)))), None)
        if symptom is None:
            if matters:
                matters[-1] = _extended(matters[-1], clause)
            else:
                waiting += clause
            continue
        known = next((n for n, matter in enumerate(matters) if matter.category == symptom.category), None)
        if known is None:
            matters.append(Matter(waiting + clause, symptom.category, symptom.code))
            waiting = ""
        else:
            matters[known] = _extended(matters[known], clause)
    return tuple(matters[:MOST_MATTERS]) if len(matters) > 1 else ()


def _extended(matter: Matter, clause: str) -> Matter:
    return Matter(matter.text + clause, matter.category, matter.symptom)

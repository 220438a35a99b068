"""One narrative that tells of several matters, parted into them."""

import re
from bisect import bisect_right
from collections.abc import Sequence

from hotline.triage.model.advice import Matter
from hotline.triage.model.symptoms import SymptomFinding

_CLAUSE = re.compile(r"[^。！？!?；;，,\n]+[。！？!?；;，,\n]*")
MOST_MATTERS = 5


def split_matters(narrative: str, folded: str, symptoms: Sequence[SymptomFinding]) -> tuple[Matter, ...]:
    """The matters of a narrative, in its order; none where it tells of one alone, or where its clauses are not those of
    its folded form.

    A clause belongs to the matter whose symptom it names first; one that names none belongs to the matter before it.
    Two symptoms of one category are one matter."""
    if len({finding.symptom.category for finding in symptoms}) < 2:
        return ()
    clauses = _CLAUSE.findall(narrative)
    starts = [clause.start() for clause in _CLAUSE.finditer(folded)]
    if len(clauses) != len(starts):
        return ()
    named: dict[int, SymptomFinding] = {}
    for finding in symptoms:
        named.setdefault(bisect_right(starts, finding.place) - 1, finding)
    matters: list[Matter] = []
    waiting = ""  # clauses in front of the first matter
    for number, clause in enumerate(clauses):
        found = named.get(number)
        if found is None:
            if matters:
                matters[-1] = _extended(matters[-1], clause)
            else:
                waiting += clause
            continue
        symptom = found.symptom
        known = next((n for n, matter in enumerate(matters) if matter.category == symptom.category), None)
        if known is None:
            matters.append(Matter(waiting + clause, symptom.category, symptom.code))
            waiting = ""
        else:
            matters[known] = _extended(matters[known], clause)
    return tuple(matters[:MOST_MATTERS]) if len(matters) > 1 else ()


def _extended(matter: Matter, clause: str) -> Matter:
    return Matter(matter.text + clause, matter.category, matter.symptom)

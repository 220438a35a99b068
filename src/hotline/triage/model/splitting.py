"""One narrative that tells of several matters, parted into them."""

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hotline.text.word_finder import WordFinder
from hotline.triage.model.advice import Matter
from hotline.triage.model.symptoms import SymptomFinding

MOST_MATTERS = 5
_BETWEEN = 2  # characters that may stand between two words side by side
_MARK = re.compile(r"[。！？!?；;，,\n]+|\.(?=\s|$)")


@dataclass(frozen=True, slots=True)
class _Clause:
    """A part of the narrative with the symptom it names, if it names one."""

    text: str
    found: SymptomFinding | None


class MatterSplitter:
    """Parts narratives at marks and, where both sides tell of a matter, at connectives. `connectives`: folded."""

    def __init__(self, connectives: Collection[str] = ()) -> None:
        self._finder = WordFinder(connectives)

    def split(self, narrative: str, folded: str, symptoms: Sequence[SymptomFinding]) -> tuple[Matter, ...]:
        """The matters of a narrative, in its order; none where it tells of one alone, or where its clauses are not
        those of its folded form.

        A clause belongs to the matter whose symptom it names first; one that names none belongs to the matter before
        it. Two symptoms of one category are one matter."""
        if len({finding.symptom.category for finding in symptoms}) < 2:
            return ()
        marks, folded_marks = _after_marks(narrative), _after_marks(folded)
        if len(marks) != len(folded_marks):
            return ()
        starts, folded_starts = self._with_connectives(narrative, folded, marks, folded_marks)
        if len(narrative) == len(folded) and starts == folded_starts:
            starts = folded_starts = sorted({*starts, *_side_by_side(folded, symptoms)})
        parts = [narrative[a:b] for a, b in zip(starts, [*starts[1:], len(narrative)], strict=True)]
        folded_parts = [folded[a:b] for a, b in zip(folded_starts, [*folded_starts[1:], len(folded)], strict=True)]
        named: dict[int, SymptomFinding] = {}
        for finding in symptoms:
            begun = bisect_right(folded_starts, finding.place) - 1
            # its first word may stand in a clause before: "at the gate, and the gate does not open"
            whole = (n for n in range(begun, len(folded_parts)) if _says_all(folded_parts[n], finding))
            named.setdefault(next(whole, begun), finding)
        clauses: list[_Clause] = []
        hard = set(folded_marks)
        for number, text in enumerate(parts):
            found = named.get(number)
            joined = folded_starts[number] not in hard and clauses
            # behind a connective only what is said whole is another matter: of "the noise and dust of a drill" the
            # second half is none
            if joined and (found is None or not _says_all(folded_parts[number], found)):
                before = clauses.pop()
                clauses.append(_Clause(before.text + text, before.found or found))
            else:
                clauses.append(_Clause(text, found))
        return _matters_of(clauses, symptoms)

    def _with_connectives(
        self, narrative: str, folded: str, marks: list[int], folded_marks: list[int]
    ) -> tuple[list[int], list[int]]:
        """Where clauses start in both forms. A connective that one form alone shows parts neither."""
        words, folded_words = self._connectives(narrative), self._connectives(folded)
        if len(words) != len(folded_words):
            return marks, folded_marks
        starts, folded_starts = sorted({*marks, *words}), sorted({*folded_marks, *folded_words})
        return (starts, folded_starts) if len(starts) == len(folded_starts) else (marks, folded_marks)

    def _connectives(self, text: str) -> list[int]:
        """Where connectives start; two that follow each other are one."""
        lowered = text.lower()
        if len(lowered) != len(text):
            return []
        found: list[int] = []
        end = -1
        for start, stop in sorted(span for spans in self._finder.find(lowered).values() for span in spans):
            if start >= end and (end < 0 or lowered[end:start].strip()):
                found.append(start)
            end = max(end, stop)
        return found


def _says_all(clause: str, finding: SymptomFinding) -> bool:
    return all(word in clause for word in finding.words)


def _after_marks(text: str) -> list[int]:
    """Where the clauses between marks start."""
    return [0, *(end for mark in _MARK.finditer(text) if (end := mark.end()) < len(text))]


def _side_by_side(folded: str, symptoms: Sequence[SymptomFinding]) -> list[int]:
    """Where a matter is said in one piece right behind the one before, without a mark between them: "no water no
    power"."""
    found: list[int] = []
    for before, finding in pairwise(symptoms):
        said, next_said = "".join(before.words), "".join(finding.words)
        end = before.place + len(said)
        if (
            before.symptom.category != finding.symptom.category
            and 0 <= finding.place - end <= _BETWEEN
            and folded.startswith(said, before.place)
            and folded.startswith(next_said, finding.place)
            and not _MARK.search(folded[end : finding.place])
        ):
            found.append(finding.place)
    return found


def _is_twin(finding: SymptomFinding, twin: SymptomFinding) -> bool:
    """Whether the same words name two: "water and power are off"; "no water or power"."""
    whole = finding.words == twin.words or (len(finding.words) == 1 and finding.words == twin.words[:1])
    return finding.place == twin.place and whole


def _matters_of(clauses: Sequence[_Clause], symptoms: Sequence[SymptomFinding]) -> tuple[Matter, ...]:
    matters: dict[str, Matter] = {}
    waiting = last = ""  # clauses in front of the first matter; the category of the one before
    for clause in clauses:
        if clause.found is None:
            if last:
                matters[last] = _extended(matters[last], clause.text)
            else:
                waiting += clause.text
            continue
        symptom = clause.found.symptom
        last = symptom.category
        if last in matters:
            matters[last] = _extended(matters[last], clause.text)
        else:
            text, waiting = waiting + clause.text, ""
            matters[last] = Matter(text, symptom.category, symptom.code)
            for twin in symptoms:
                code = twin.symptom.category
                if code not in matters and _is_twin(clause.found, twin):
                    matters[code] = Matter(text, code, twin.symptom.code)
    return tuple(matters.values())[:MOST_MATTERS] if len(matters) > 1 else ()


def _extended(matter: Matter, clause: str) -> Matter:
    return Matter(matter.text + clause, matter.category, matter.symptom)

"""One narrative that tells of several matters, parted into them."""

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import islice, pairwise

from hotline.text.normalisation import narrow_marks
from hotline.text.word_finder import WordFinder
from hotline.triage.model.advice import Matter
from hotline.triage.model.symptoms import SymptomFinding

MOST_MATTERS = 5
_BETWEEN = 2  # characters that may stand between two words side by side
_MARK = re.compile(r"[。！？!?；;，,\n]+|\.(?=\s|$)")


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
        folded_marks = _after_marks(folded)
        if narrow_marks(narrative).lower() == folded:  # as most narratives: both have the same clauses
            starts = folded_starts = sorted({*folded_marks, *self._connectives(folded)})
        else:
            marks = _after_marks(narrative)
            if len(marks) != len(folded_marks):
                return ()
            starts, folded_starts = self._with_connectives(narrative, folded, marks, folded_marks)
        if len(narrative) == len(folded) and starts == folded_starts:
            starts = folded_starts = sorted({*starts, *_side_by_side(folded, symptoms)})
        ends = [*folded_starts[1:], len(folded)]
        named: dict[int, SymptomFinding] = {}  # by the number of the clause
        for finding in symptoms:
            begun = bisect_right(folded_starts, finding.place) - 1
            # its first word may stand in a clause before: "at the gate, and the gate does not open"
            whole = (n for n in range(begun, len(ends)) if _says_all(folded, folded_starts[n], ends[n], finding))
            named.setdefault(next(whole, begun), finding)
        clauses: list[tuple[int, SymptomFinding | None]] = []  # where each starts in the narrative, what it names
        hard = set(folded_marks)
        for number, (start, folded_start) in enumerate(zip(starts, folded_starts, strict=True)):
            found = named.get(number)
            # behind a connective only what is said whole is another matter: of "the noise and dust of a drill" the
            # second half is none
            if folded_start in hard or not clauses or (found and _says_all(folded, folded_start, ends[number], found)):
                clauses.append((start, found))
            elif found and clauses[-1][1] is None:
                clauses[-1] = clauses[-1][0], found
        return _matters_of(narrative, clauses, symptoms)

    def _with_connectives(
        self, narrative: str, folded: str, marks: list[int], folded_marks: list[int]
    ) -> tuple[list[int], list[int]]:
        """Where clauses start in both forms. A connective that one form alone shows parts neither."""
        folded_words = self._connectives(folded)
        if not folded_words:
            return marks, folded_marks
        words = self._connectives(narrative)
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
        for start, stop in sorted([span for spans in self._finder.find(lowered).values() for span in spans]):
            if start >= end and (end < 0 or lowered[end:start].strip()):
                found.append(start)
            end = max(end, stop)
        return found


def _says_all(folded: str, start: int, end: int, finding: SymptomFinding) -> bool:
    return all([folded.find(word, start, end) >= 0 for word in finding.words])


def _after_marks(text: str) -> list[int]:
    """Where the clauses between marks start."""
    return [0, *[end for mark in _MARK.finditer(text) if (end := mark.end()) < len(text)]]


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


def _matters_of(
    narrative: str, clauses: Sequence[tuple[int, SymptomFinding | None]], symptoms: Sequence[SymptomFinding]
) -> tuple[Matter, ...]:
    """`clauses`: where each starts, and what it names."""
    ends = [*[start for start, _ in clauses[1:]], len(narrative)]
    named = [(start, end, found) for (start, found), end in zip(clauses, ends, strict=True) if found is not None]
    # what stands in front of the first matter belongs to it, as what follows a matter does
    starts = [0, *[start for start, _, _ in named[1:]], len(narrative)]
    told: dict[str, tuple[str, list[str]]] = {}  # by category, in the order of the text: symptom, what is said of it
    for (start, next_start), (_, end, found) in zip(pairwise(starts), named, strict=True):
        symptom = found.symptom
        if symptom.category in told:
            told[symptom.category][1].append(narrative[start:next_start])
            continue
        told[symptom.category] = symptom.code, [narrative[start:next_start]]
        for twin in symptoms:
            code = twin.symptom.category
            if code not in told and _is_twin(found, twin):
                told[code] = twin.symptom.code, [narrative[start:end]]
    if len(told) < 2:
        return ()
    first = islice(told.items(), MOST_MATTERS)
    return tuple([Matter("".join(texts), category, symptom) for category, (symptom, texts) in first])

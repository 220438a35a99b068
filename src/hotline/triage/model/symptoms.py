"""What a text says is wrong, by the symptoms of the directory."""

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass

from hotline.organisation.model.items import Symptom
from hotline.organisation.model.vocabulary import Operator
from hotline.text.word_finder import Span
from hotline.triage.model.danger.judging import is_said
from hotline.triage.model.matching import Reading


@dataclass(frozen=True, slots=True)
class SymptomFinding:
    """A symptom, the words that say it, and where the first of them stands."""

    symptom: Symptom
    words: tuple[str, ...]
    place: int


def find_symptoms(reading: Reading, apart_from: Collection[int] = ()) -> list[SymptomFinding]:
    """Every symptom that a text names and does not deny, in the order of the text. `apart_from`: clauses in which none
    is looked for, and whose words make nothing else of those of others."""
    found: dict[str, SymptomFinding] = {}
    told = _negations_told(reading)
    for pattern in reading.candidates:
        symptom = pattern.item
        if not isinstance(symptom, Symptom) or symptom.code in found:
            continue
        for hit in reading.hits_of(pattern):
            if apart_from and all(reading.clause(start) in apart_from for start, _ in hit.spans):
                continue
            parts = zip(hit.spans, pattern.groups, strict=True)
            whole = not any([reading.is_part_of_another(*part) for part in parts])
            if whole and is_said(reading, hit, told, apart_from):
                words = tuple(dict.fromkeys([reading.text[start:end] for start, end in sorted(hit.spans)]))
                found[symptom.code] = SymptomFinding(symptom, words, hit.start)
                break
    return sorted(found.values(), key=lambda finding: finding.place)


def _negations_told(reading: Reading) -> frozenset[Span]:
    """The negations that are part of a word that says a symptom by itself: the "no" of "no water"."""
    negations = reading.operator(Operator.NEGATION)
    told: set[Span] = set()
    for pattern in reading.candidates if negations else ():
        if len(pattern.groups) == 1 and isinstance(pattern.item, Symptom):
            for start, end in reading.spans(pattern.groups[0]):
                for at in range(bisect_left(negations, (start, 0)), bisect_left(negations, (end, 0))):
                    if negations[at][1] <= end:
                        told.add(negations[at])
    return frozenset(told)

"""What a text says is wrong, by the symptoms of the directory."""

from dataclasses import dataclass

from hotline.organisation.model.items import Symptom
from hotline.triage.model.danger.judging import is_said
from hotline.triage.model.matching import Reading


@dataclass(frozen=True, slots=True)
class SymptomFinding:
    """A symptom, the words that say it, and where the first of them stands."""

    symptom: Symptom
    words: tuple[str, ...]
    place: int


def find_symptoms(reading: Reading) -> list[SymptomFinding]:
    """Every symptom that a text names and does not deny, in the order of the text."""
    found: dict[str, SymptomFinding] = {}
    told = [hit.spans[0] for hit in reading.hits if len(hit.spans) == 1 and isinstance(hit.pattern.item, Symptom)]
    for hit in reading.hits:
        symptom = hit.pattern.item
        if not isinstance(symptom, Symptom) or symptom.code in found:
            continue
        parts = zip(hit.spans, hit.pattern.groups, strict=True)
        if not any(reading.is_part_of_another(span, group) for span, group in parts) and is_said(reading, hit, told):
            words = tuple(dict.fromkeys(reading.text[start:end] for start, end in sorted(hit.spans)))
            found[symptom.code] = SymptomFinding(symptom, words, hit.start)
    return sorted(found.values(), key=lambda finding: finding.place)

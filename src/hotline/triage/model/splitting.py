"""One narrative that tells of several matters, parted into them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hotline.text.normalisation import fold_text
from hotline.triage.model.lexicon import Lexicon
from hotline.triage.model.matching import Reading
from hotline.triage.model.symptoms import find_symptoms

_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]*")
# a new matter often begins behind a comma with one of these
_NEXT_MATTER = re.compile(
    r"(?<=[，,、 ])(?=另外|还有|还想|再就是|再有|再一个|其次|第二|第三|顺便|同时也|另一个|also |another |second|besides )",
    re.I,
)
MOST_MATTERS = 5


@dataclass(frozen=True, slots=True)
class Matter:
    """One of several matters: the sentences that belong to it, its category and symptom (codes)."""

    text: str
    category: str
    symptom: str


def split_matters(lexicon: Lexicon, narrative: str) -> tuple[Matter, ...]:
    """The matters of a narrative, in its order; none where it tells of one alone.

    A sentence belongs to the matter whose symptom it names; one that names none belongs to the matter before it. Two
    symptoms of one category are one matter."""
    matters: list[Matter] = []
    waiting = ""  # sentences in front of the first matter
    for sentence in _sentences(narrative):
        symptom = next((found.symptom for found in find_symptoms(Reading(lexicon.patterns, fold_text(sentence)))), None)
        if symptom is None:
            if matters:
                matters[-1] = _extended(matters[-1], sentence)
            else:
                waiting += sentence
            continue
        known = next((n for n, matter in enumerate(matters) if matter.category == symptom.category), None)
        if known is None:
            matters.append(Matter(waiting + sentence, symptom.category, symptom.code))
            waiting = ""
        else:
            matters[known] = _extended(matters[known], sentence)
    return tuple(matters[:MOST_MATTERS]) if len(matters) > 1 else ()


def _sentences(narrative: str) -> Iterable[str]:
    for sentence in _SENTENCE.findall(narrative):
        yield from (part for part in _NEXT_MATTER.split(sentence) if part.strip())


def _extended(matter: Matter, sentence: str) -> Matter:
    return Matter(matter.text + sentence, matter.category, matter.symptom)

"""Whether a text asks: how, where, when, how much; or how a matter of some past time goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Kind, Operator
from hotline.triage.model.danger.judging import EARLIER
from hotline.triage.model.matching import Reading
from hotline.triage.model.symptoms import SymptomFinding

REPROACH_LIST = "reproach"  # the word list of what makes no question of a word that asks, directly behind it
_ERRAND_WITHIN = 5  # characters behind the word that asks
_DO = ("办", "整", "弄", "搞")  # behind a word that asks: what is to be done
_HAPPENED = ("了", "咗")  # in front of that: about something that has happened, and is told


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What a text asks by. `errand`: it asks how to do business with an office, whatever else it names; `progress`: how
    a past matter goes on."""

    words: tuple[str, ...] = ()
    errand: bool = False
    progress: bool = False


NO_ENQUIRY = Enquiry()


def read_enquiry(reading: Reading, directory: Directory) -> Enquiry:
    """NO_ENQUIRY: it asks nothing. "Why has nobody come yet" asks nothing either, nor does "what shall I do" behind
    what has happened."""
    text, progress = reading.text, reading.operator(Operator.PROGRESS)
    if progress and (reading.operator(Operator.PAST) or any(word in text for word in EARLIER)):
        return Enquiry(tuple(text[start:end] for start, end in progress), progress=True)
    reproach = directory.word_lists.get(REPROACH_LIST)
    behind = reproach.words if reproach is not None else ()
    asking = [
        (start, end)
        for start, end in dict(reading.operator(Operator.ASKING)).items()  # of two words that begin there the longer
        if not text.startswith(behind, end)
        and not (text.startswith(_DO, end) and any(word in text[:start] for word in _HAPPENED))
    ]
    if not asking:
        return NO_ENQUIRY
    errands = reading.operator(Operator.ERRAND)
    errand = any(end <= at <= end + _ERRAND_WITHIN for _, end in asking for at, _ in errands)
    return Enquiry(tuple(dict.fromkeys(text[start:end] for start, end in asking)), errand=errand)


def tells_fault(directory: Directory, symptoms: Sequence[SymptomFinding]) -> bool:
    """Whether something is told to be wrong, which the question is about."""
    return any(directory.categories[found.symptom.category].kind is not Kind.ENQUIRY for found in symptoms)

"""Whether a text asks: how, where, when, how much; or how a matter of some past time goes on."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Kind, Operator
from hotline.text.word_finder import Span
from hotline.triage.model.follow_up import clauses_asked_about, read_follow_up
from hotline.triage.model.matching import Reading
from hotline.triage.model.symptoms import SymptomFinding, find_symptoms

REPROACH_LIST = "reproach"  # the word list of what makes no question of a word that asks, directly behind it
_ERRAND_WITHIN = 5  # characters behind the word that asks
_OWN_TOPIC = 2  # units behind an errand that say what it is about
_DO = ("办", "整", "弄", "搞")  # behind a word that asks: what is to be done
_HAPPENED = ("了", "咗")  # in front of that: about something that has happened, and is told


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What a text asks by. `progress`: how a past matter goes on. `about`: the clauses whose faults the question is
    about, where it is one of business: how a past matter goes on, or how something is done at an office. `ongoing`: the
    past matter is told to go on still."""

    words: tuple[str, ...] = ()
    about: frozenset[int] = frozenset()
    progress: bool = False
    ongoing: bool = False


NO_ENQUIRY = Enquiry()


def read_enquiry(reading: Reading, directory: Directory) -> Enquiry:
    """NO_ENQUIRY: it asks nothing. "Why has nobody come yet" asks nothing either, nor does "what shall I do" behind
    what has happened."""
    text = reading.text
    if reading.operator(Operator.PROGRESS):
        reading.measure()
        follow_up = read_follow_up(reading)
        if about := clauses_asked_about(reading, follow_up):
            words = tuple(text[start:end] for start, end in follow_up.questions)
            return Enquiry(words, about, progress=True, ongoing=bool(follow_up.ongoing))
    reproach = directory.word_lists.get(REPROACH_LIST)
    behind = reproach.words if reproach is not None else ()
    happened = min((at for word in _HAPPENED if (at := text.find(word)) >= 0), default=len(text))
    asking = [
        (start, end)
        for start, end in dict(reading.operator(Operator.ASKING)).items()  # of two words that begin there the longer
        if not text.startswith(behind, end) and not (text.startswith(_DO, end) and happened < start)
    ]
    if not asking:
        return NO_ENQUIRY
    return Enquiry(tuple(dict.fromkeys(text[start:end] for start, end in asking)), _about_errands(reading, asking))


def _about_errands(reading: Reading, asking: Collection[Span]) -> frozenset[int]:
    """The clauses of questions how something is done at an office; with the one in front, where such a question begins
    its clause and names nothing of its own: "the card is broken, where do I renew it"."""
    about: set[int] = set()
    errands = reading.operator(Operator.ERRAND)
    for start, end in asking:
        for errand in errands[bisect_left(errands, (end,)) : bisect_left(errands, (end + _ERRAND_WITHIN + 1,))]:
            reading.measure()
            clause = reading.clause(start)
            about.add(clause)
            behind = min(len(reading.text), max(errand[1], bisect_right(reading.clause_numbers, clause)))
            begins = start == 0 or reading.clause(start - 1) != clause
            same = start > 0 and reading.sentences[start - 1] == reading.sentences[start]
            if begins and same and reading.units_between(errand[1], behind) < _OWN_TOPIC:
                about.add(clause - 1)
    return frozenset(about)


def find_told(
    reading: Reading, directory: Directory, symptoms: Sequence[SymptomFinding], enquiry: Enquiry
) -> Sequence[SymptomFinding]:
    """The symptoms of a text without what it only asks about beside a fault of the same sentence: in "the lamp is
    broken, and how do I pay the fee" the question is no second matter, but answered on the line."""
    if not enquiry.words or enquiry.progress or len(symptoms) < 2:
        return symptoms
    beside = find_symptoms(reading, enquiry.about) if enquiry.about else symptoms
    faults = [f for f in beside if directory.categories[f.symptom.category].kind is not Kind.ENQUIRY]
    reading.measure()
    told = {reading.sentences[fault.place] for fault in faults}
    return [f for f in symptoms if f in faults or reading.sentences[f.place] not in told]


def tells_fault(reading: Reading, directory: Directory, enquiry: Enquiry, symptoms: Sequence[SymptomFinding]) -> bool:
    """Whether something is told to be wrong beside what the question is about. `symptoms`: of the whole text."""
    categories = directory.categories
    told = find_symptoms(reading, enquiry.about) if enquiry.about else symptoms
    return enquiry.ongoing or any(
        categories[code].active and categories[code].kind is not Kind.ENQUIRY
        for code in (found.symptom.category for found in told)
    )

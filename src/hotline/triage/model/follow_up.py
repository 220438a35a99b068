"""Whether a text asks how a matter of some past time goes on, and whether it tells that the matter goes on still."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from hotline.organisation.model.vocabulary import Operator
from hotline.text.normalisation import is_latin
from hotline.text.word_finder import Span
from hotline.triage.model.matching import Reading

# a word that ends so asks only where the clause ends behind it: 处理没有, but not 处理没有人来
_TAGS = ("没有", "没得", "没", "冇")
_END = re.compile(r"[有得]?[啊呀呢哦嘛吗哈哟喔哇噻呐咯了]*(?!\w)")
_WINDOW = 160  # characters around a question in which a past time is looked for
_NEAR = 2  # clauses of one sentence between a past time and the question
_RELATIVE = ("还", "仍", "又", "仲", "依然", "越来越", "still", "keeps")  # goes on, rather than now


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The questions of a text how a matter goes on, and the words that tell that it goes on still."""

    questions: tuple[Span, ...] = ()
    ongoing: tuple[Span, ...] = ()


NO_FOLLOW_UP = FollowUp()


def read_follow_up(reading: Reading) -> FollowUp:
    """NO_FOLLOW_UP: it asks nothing of the kind."""
    return reading.once(_read)


def _read(reading: Reading) -> FollowUp:
    questions = tuple(span for span in reading.operator(Operator.PROGRESS) if _ends_clause(reading.text, span))
    if not questions:
        return NO_FOLLOW_UP
    past = past_times(reading)
    pleas = set(reading.operator(Operator.PLEA))
    signs = {*reading.operator(Operator.PRESENT), *reading.operator(Operator.NOW)} - pleas
    ongoing = [span for span in signs if not _belongs_to_question(reading, span, questions)]
    ongoing += [span for span in pleas if not _overlaps(span, questions)]
    # what is perceived, or cannot be done, may be told of the past as well; English has a tense for it
    ongoing += [
        span
        for span in reading.all_spans(Operator.ONGOING)
        if (is_latin(reading.text[span[0]]) or not governing(reading, span, past, questions))
        and not _belongs_to_question(reading, span, questions)
    ]
    return FollowUp(questions, tuple(sorted(ongoing)))


def past_times(reading: Reading) -> list[Span]:
    """Words of a past time, with those for which what was told may go on still: last night. In order."""
    return reading.once(_past_times)


def _past_times(reading: Reading) -> list[Span]:
    return sorted([*reading.operator(Operator.PAST), *reading.operator(Operator.EARLIER)])


def governing(reading: Reading, span: Span, times: Sequence[Span], questions: Sequence[Span]) -> bool:
    """Whether one of the times stands in front of the span in its clause, and no question between them. Both in order:
    the nearest decides."""
    place = bisect_left(times, (span[0] + 1,)) - 1
    while place >= 0 and times[place][1] > span[0]:
        place -= 1
    if place < 0 or reading.clause(times[place][0]) != reading.clause(span[0]):
        return False
    behind = bisect_left(questions, (times[place][1],))
    return not (behind < len(questions) and questions[behind][1] <= span[0])


def clauses_asked_about(reading: Reading, follow_up: FollowUp) -> frozenset[int]:
    """The clauses of the questions about a past matter, and those that tell its time. None: no time is told near."""
    found: set[int] = set()
    times = past_times(reading)
    for question in follow_up.questions:
        asked = reading.clause(question[0])
        begin, end = (bisect_left(times, (at,)) for at in (question[0] - _WINDOW, question[0] + _WINDOW))
        for time in times[begin:end]:
            told = reading.clause(time[0])
            one_sentence = reading.sentences[time[0]] == reading.sentences[question[0]]
            if 0 <= asked - told <= (_NEAR if one_sentence else 1):
                found |= {asked, told}
    return frozenset(found)


def _ends_clause(text: str, span: Span) -> bool:
    start, end = span
    return not text.endswith(_TAGS, start, end) or _END.match(text, end) is not None


def _belongs_to_question(reading: Reading, span: Span, questions: Sequence[Span]) -> bool:
    """Whether a word tells when something is asked: what came of it today, is there still no answer."""
    if _overlaps(span, questions):
        return True
    word = reading.text[span[0] : span[1]]
    if word in reading.words_of(Operator.ONGOING):
        return False
    behind = bisect_left(questions, (span[1],))
    if behind == len(questions) or reading.clause(questions[behind][0]) != reading.clause(span[0]):
        return False
    return questions[behind][0] == span[1] or not word.startswith(_RELATIVE)


def _overlaps(span: Span, questions: Sequence[Span]) -> bool:
    """Whether a word is a part of a question, or holds one."""
    place = bisect_left(questions, (span[1],)) - 1
    return place >= 0 and questions[place][1] > span[0]

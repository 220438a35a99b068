"""Whether a hit is told of a past time, and what a question how it goes on leaves open."""

import re
from collections.abc import Iterable

from hotline.organisation.model.vocabulary import Danger, Operator
from hotline.text.normalisation import is_latin
from hotline.text.word_finder import Span
from hotline.triage.model.danger.questions import Questions
from hotline.triage.model.follow_up import governing

_NOT_PAST_FORMS = frozenset(("过来", "过去", "过程", "过敏", "过后", "过马", "过河", "过街", "过路", "过道"))
_BEFORE, _BEHIND = 24, 24  # characters around an English event in which its form is looked for
_PROGRESSIVE = re.compile(r"(?:\b(?:is|are|am|keeps?)|['’](?:s|re|m)) (?:[a-z]{2,9} ){0,2}?([a-z]{2,14}ing)\b")
_GOES_ON = re.compile(r"\b(?:again|now|still|right this)\b")
_TURNS = re.compile(r"\b(?:and|but|then|so)\b|[,;]")  # between what was and what is
_DISPOSAL, _DISPOSAL_REACH = frozenset("把将遭被畀俾"), 8  # in front of whom it happens to; then the verb
_RELATIVE = frozenset({"正在", "又", "还在", "仍在", "仍然", "还没", "越来越", "刚刚", "just", "still", "keeps"})


class Times(Questions):
    """What stands around a hit, and when it was."""

    danger: Danger | None = None

    def is_past(self) -> bool:
        """Whether it was at another time, and is not told to go on or to happen again."""
        return self._is_told_as_past() and not self._goes_on()

    def _is_told_as_past(self) -> bool:
        """The last word of time in front of the event decides; in English also one behind it. A question how a matter
        goes on ends what was told of its time."""
        latin = is_latin(self.text[self.event[0]])
        first = next(iter(self.follow_up.questions), None)  # if any stands in front, the first does
        if (
            first is not None
            and first[1] <= self.event[0]
            and not (latin and self.clause_of(first) == self.event_clause)
        ):
            past = [span for span in self.in_sentence(Operator.PAST) if self.clause_of(span) == self.event_clause]
            return bool(past) and (latin or self._governed_by(past))
        past = [span for span in self.in_sentence(Operator.PAST) + self.dates() if self._tells_time(span)]
        ends = [span for span in self.present if not self._is_within(span, past)]
        ends += self.in_sentence(Operator.TURN) + self.in_sentence(Operator.DONE)  # what is over ends its story
        marks = sorted([(span[0], True) for span in past] + [(span[0], False) for span in ends])
        before = [over for offset, over in marks if offset < self.event[1]]
        return before[-1] if before else latin and any(self.clause_of(s) == self.event_clause for s in past)

    def _goes_on(self, signs: Iterable[Operator] = (Operator.AGAIN, Operator.PRESENT, Operator.NOW)) -> bool:
        """Whether the event itself is told as going on: "he is kicking the door again"; or a clause behind it tells
        that it happens again: 昨晚有人砸门,今天又来砸了."""
        text, ends = self.text, self.in_sentence(Operator.PAST) + self.dates()
        if is_latin(text[self.event[0]]):
            begin, end = max(0, self.start - _BEFORE), min(len(text), self.end + _BEHIND)
            told = max((span[1] for span in ends if span[1] <= self.end), default=begin)
            return any(
                form.start(1) < self.end
                and form.end() > self.start
                and (_TURNS.search(text, told, form.start()) or _GOES_ON.search(text, form.start(), end))
                for form in _PROGRESSIVE.finditer(text, begin, end)
            )
        verb = text[self.event[0]]
        return any(
            self.event[1] <= span[0]
            and 0 < self.clause_of(span) - self.event_clause <= 2
            and (
                verb in text[span[1] : span[1] + (_DISPOSAL_REACH if text[span[1] : span[1] + 1] in _DISPOSAL else 4)]
                or (self.danger is Danger.VIOLENCE and text.startswith(("来了", "来咯", "嚟"), span[1]))
            )
            for name in signs
            for span in self.in_sentence(name)
        )

    def _tells_time(self, span: Span) -> bool:
        """Not where it is an attribute in another clause: "last year's report"."""
        return self.text[span[1] : span[1] + 1] != "的" or self.clause_of(span) == self.event_clause

    def _is_within(self, span: Span, past: Iterable[Span]) -> bool:
        """Whether a word of the present stands in what is told of the past: "that day he was just ..."."""
        return self.text[span[0] : span[1]] in _RELATIVE and any(self.governs(other, span, 4) for other in past)

    def is_followed_up(self) -> bool:
        """Whether the text asks how the event goes on, and leaves open whether it does: told of last night it may be
        over; told of a past time it is, but for words that say that it goes on."""
        follow_up = self.follow_up
        if not follow_up.questions:
            return False
        if self.is_past():
            return bool(follow_up.ongoing)
        return not follow_up.ongoing and self._governed_by(self.reading.operator(Operator.EARLIER))

    def _governed_by(self, times: list[Span]) -> bool:
        return governing(self.reading, self.event, times, self.follow_up.questions)

    def has_past_form(self) -> bool:
        ends = [end for _, end in self.hit.spans[:2]]
        formed = any(self.text[e : e + 1] == "过" and self.text[e : e + 2] not in _NOT_PAST_FORMS for e in ends)
        return formed and not self._goes_on((Operator.AGAIN,))

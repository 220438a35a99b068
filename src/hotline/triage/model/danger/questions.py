"""Whether a hit is only asked about: how something is done, or a question that is answered with no."""

import re

from hotline.organisation.model.vocabulary import Operator
from hotline.text.word_finder import Span
from hotline.triage.model.danger.surroundings import Surroundings

# asks what to do. It is about a case when something in front of it says that it is so: 着火了怎么办, not 着火怎么办
_WHAT_NOW = (
    "怎么办", "咋个办", "咋办", "咋整", "咋个整", "点算", "怎么处理", "咋个处理", "打哪个电话",
    "找哪个", "找谁",
)  # fmt: skip
_ERRAND_WITHIN = 5  # characters behind the word that asks
_ASKED_WITHIN = 40  # characters behind the word for one's own place
_CLAUSE_MARKS = ",.!?;。、\n"
_TOLD_BEFORE = 12  # characters in front of a hit that may say whose case it is
_CASE_SIGNS = (
    *"了咯咗喇紧正在我这那都还没很好", "有人", "有个", "一个", "得满", "得直", "得一", "有几", "几个",
    "里面", "里头", "全是", "一直", "得很",
)  # fmt: skip
# from the end of a hit on: the end of a question, and a no that stands alone
_LONGEST_ENDING = 10  # characters, with the mark
_ANSWERED_NO = re.compile(
    r"[^,.!?;。、\n]{0,8}?[吗么没嘛不]?\?\s*(?:没有|没得|没|莫得|冇|不是|no|nope|not)(?=[,.!;。、\n]|$)"
)
# in a question about one's own place that what was heard of another leads to
_ASKS_OF_OWN = re.compile(
    r"(\w)[不唔冇没]\1|(?:吗|么|没有|没得|没|冇|不)\s*(?=[,.!?;。、\n]|$)|\?|几时|什么时候|有没有|有没得|有冇|哪个|谁"
    r"|(?:^|[,.;!?]|\band|\bso)\s*(?:does|do|did|is|are|was|were|can|could|should|when|has|have|will|who)\b"
)
# in such a question: somebody can still be saved, or what for is asked
_ACTS = (
    "跑", "撤", "疏散", "躲", "逃", "关窗", "救", "送", "报警", "帮", "灭火器", "消防车", "绳", "梯子", "担架", "血清",
    "保安", "evacuate", "leave", "get out", "save", "rescue", "help", "extinguisher", "rope", "ladder", "stretcher",
    "ambulance",
)  # fmt: skip
_HAPPENED = re.compile(r"[了咗咯](?!没|吗|不)")
# whose danger is one's own, wherever it is
_ONES_OWN = re.compile(
    r"我[妈爸老儿女娃婆公奶爷哥姐弟妹阿屋家]|my (?:mum|mom|mother|dad|father|son|daughter|wife|husband)\b"
)


class Questions(Surroundings):
    """What stands around a hit, and whether it asks."""

    def is_question(self) -> bool:
        cases = self.around(Operator.CASE)
        specific = (
            self.about_person
            or (self.has_result() and not self.in_sentence(Operator.GENERIC))
            or any(self.first_clause <= self.clause_of(span) <= self.last_clause for span in cases)
        )
        if specific or self.is_live():
            return False
        asked = [
            span
            for span in self.in_sentence(Operator.HOWTO)
            if not any(start <= span[0] < end for start, end in self.near(self.follow_up.questions))
            and (
                self.clause_of(span) == self.event_clause
                or (abs(self.clause_of(span) - self.event_clause) == 1 and not self._asks_for_errand(span))
            )
        ]
        return any(not self._asks_about_case(span) for span in asked)

    def _asks_for_errand(self, span: Span) -> bool:
        """Whether a question is how something is done at an office, and about nothing told beside it."""
        return any(span[1] <= start <= span[1] + _ERRAND_WITHIN for start, _ in self.around(Operator.ERRAND))

    def _asks_about_case(self, span: Span) -> bool:
        told = self.text[max(0, self.start - _TOLD_BEFORE) : max(self.end + 2, span[0])]
        return self.text.startswith(_WHAT_NOW, span[0]) and any(sign in told for sign in _CASE_SIGNS)

    def is_asked_and_answered(self) -> bool:
        """Whether the sentence is a question that the next word answers with no: "is anybody hurt? No, nobody"."""
        asked = self.text.find("?", self.end, self.end + _LONGEST_ENDING) >= 0  # ten times as quick as to match
        return asked and _ANSWERED_NO.match(self.text, self.end) is not None

    def leads_to_question_of_own(self) -> bool:
        """Whether what was heard of another place, or was there once, only leads to a question about the speaker's own:
        "another estate had a fire, has our garage been checked". Not where anything of it is perceived here."""
        if not self.reading.operator(Operator.ELSEWHERE) or self.reading.operator(Operator.PLEA):
            return False
        heard = [
            span
            for span in self.around(Operator.ELSEWHERE)
            if span[0] < self.event[1] and 0 <= self.reading.clause(self.start) - self.clause_of(span) <= 1
        ]
        if not heard or not self._is_hearsay(heard[0]):
            return False
        own = [
            span
            for span in self.around(Operator.OWN)
            if any(0 < self.clause_of(span) - self.clause_of(other) <= 3 for other in heard) and span[0] > self.start
        ]
        if not own or _ONES_OWN.search(self.text, max(0, heard[0][0] - _TOLD_BEFORE), self.end):
            return False
        begin = max(self.text.rfind(mark, heard[0][0], own[0][0]) for mark in _CLAUSE_MARKS)
        asked = self.text[max(0, begin) : own[0][0] + _ASKED_WITHIN]
        happens = any(span[0] > begin for span in (*self.in_sentence(Operator.NOW), *self.present)) or any(
            span[0] >= self.event[1] for span in self.reading.all_spans(Operator.ONGOING)[-1:]
        )
        if happens or _HAPPENED.search(asked.lstrip(_CLAUSE_MARKS).partition(",")[0]):
            return False
        return not any(word in asked for word in _ACTS) and _ASKS_OF_OWN.search(asked) is not None

    def _is_hearsay(self, heard: Span) -> bool:
        """Whether the words for another place, or others in front of the event, say that one has only heard of it, or
        a past time is told."""
        hearsay = self.near(self.reading.all_spans(Operator.HEARSAY))
        past = (*self.in_sentence(Operator.PAST), *self.dates())
        return any(span[0] < self.event[1] and self._is_told_with(span, heard) for span in hearsay) or any(
            self.clause_of(span) <= self.event_clause for span in past
        )

    def _is_told_with(self, span: Span, heard: Span) -> bool:
        return -1 <= self.clause_of(heard) - self.clause_of(span) <= 1

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
            span for span in self.in_sentence(Operator.HOWTO) if abs(self.clause_of(span) - self.event_clause) <= 1
        ]
        return any(not self._asks_about_case(span) for span in asked)

    def _asks_about_case(self, span: Span) -> bool:
        told = self.text[max(0, self.start - _TOLD_BEFORE) : max(self.end + 2, span[0])]
        return self.text.startswith(_WHAT_NOW, span[0]) and any(sign in told for sign in _CASE_SIGNS)

    def is_asked_and_answered(self) -> bool:
        """Whether the sentence is a question that the next word answers with no: "is anybody hurt? No, nobody"."""
        asked = self.text.find("?", self.end, self.end + _LONGEST_ENDING) >= 0  # ten times as quick as to match
        return asked and _ANSWERED_NO.match(self.text, self.end) is not None

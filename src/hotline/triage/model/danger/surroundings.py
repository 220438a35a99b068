"""What stands around one hit: operators in its clause, its sentence and near it."""

import re
from bisect import bisect_left
from collections.abc import Sequence

from hotline.organisation.model.vocabulary import Operator
from hotline.text.word_finder import Span
from hotline.triage.model.computed import computed_once
from hotline.triage.model.follow_up import FollowUp, read_follow_up
from hotline.triage.model.matching import Hit, Reading

DATE = re.compile(r"(?<!\d)(?:19|20)\d\d年|\d月(?:\d\d?[日号]|[初底份])|\b(?:in|since|of) (?:19|20)\d\d\b")
_RESULT = frozenset("了咯咗着紧起")  # directly behind a verb: it has happened, or goes on
_WHILE = ("的时候", "时候", "时突然", "时有", "时忽然")  # behind a film or a drill: when it happened, no part of it
_STAGED = frozenset({"演练", "演习", "彩排", "排练"})  # in which dangers are played, but no illness
_ERRANDS = (
    "想问", "想办", "想申请", "想咨询", "想开", "想撤", "想查", "想要个", "想改", "想迁", "想知道", "想了解", "来问",
    "来办", "是来", "打电话问", "打电话是", "来咨询", "来申请", "来撤",
)  # fmt: skip
QUOTES = ("《", "“", "「", "『", '"')
_QUOTED = r"[“「『\"][^”」』\"\n]{1,20}[”」』\"]"
_BUSINESS_BEHIND = (
    r"(?=的?(?![是人在])\w{0,3}[店馆铺吧坊牌剧歌片班展摊粉面](?![员主长里老])| (?:shop|restaurant|bar|band|show)\b)"
)
# a title, or a name in quotation marks: behind a verb that only names, or in front of the business that bears it. To
# call is to shout as well: “…” behind it is a name in front of a business alone, and where it is no cry
_NAMES = re.compile(
    r"(?P<title>《[^》]{1,20}》)"
    rf"|(?P<named>(?:叫做|叫作|名叫|取名|起名|店名(?:叫|是|为)?|招牌是|\bnamed) ?{_QUOTED})"
    rf"|(?<![喊说讲道写问发]){_QUOTED}{_BUSINESS_BEHIND}"
)
# behind the business: a name or a shout; in front of it: a name, though it read as a cry
_PERHAPS_NAMED = re.compile(
    rf"(?:(?<=[店馆铺吧摊厅])叫|\b(?:shop|restaurant|bar|pub|cafe|place|stall) called) ?{_QUOTED}"
    rf"|(?P<borne>(?:叫做|叫作|名叫|取名|起名|店名(?:叫|是|为)?|招牌是|\bnamed) ?{_QUOTED}"
    rf"|(?<![喊说讲道写问发叫]){_QUOTED}{_BUSINESS_BEHIND})"
)
_CRY = re.compile(r"[,!?]|[了啦啊呀咯喽][”」』\"]$|\b(?:he|she|they|i|we|him|her|somebody|someone|is|has|are)\b")
_WINDOW = 80  # characters; a text without any full stop is not one sentence
_SHORT_SENTENCE = 40  # units


class Surroundings:
    """A hit, its event (what happens, rather than to whom), and what stands around them."""

    def __init__(self, reading: Reading, hit: Hit) -> None:
        self.reading, self.hit, self.text = reading, hit, reading.text
        self.start, self.end = hit.start, hit.end
        if self.end - self.start > _WINDOW:  # two words that may stand anywhere
            self.start, self.end = self.event

    @computed_once
    def event(self) -> Span:
        persons = self.reading.persons
        return max((span for span in self.hit.spans[:2] if span not in persons), default=self.hit.event)

    @computed_once
    def sentence(self) -> int:
        return self.reading.sentences[self.event[0]]

    @computed_once
    def first_clause(self) -> int:
        return self.reading.clause(self.start)

    @computed_once
    def last_clause(self) -> int:
        return self.reading.clause(self.end - 1)

    @computed_once
    def event_clause(self) -> int:
        return self.reading.clause(self.event[0])

    @computed_once
    def follow_up(self) -> FollowUp:
        return read_follow_up(self.reading)

    @computed_once
    def about_person(self) -> bool:
        return not self.reading.persons.isdisjoint(self.hit.spans)

    @computed_once
    def present(self) -> list[Span]:
        """What says that it is now, but for the day on which somebody comes about an errand: 今天想问."""
        text = self.text
        return [s for s in self.in_sentence(Operator.PRESENT) if not text.startswith(_ERRANDS, s[1])]

    def in_sentence(self, name: Operator) -> list[Span]:
        sentences = self.reading.sentences
        return [span for span in self.around(name) if sentences[span[0]] == self.sentence]

    def around(self, name: Operator) -> Sequence[Span]:
        """What stands at most `_WINDOW` characters away."""
        return self.near(self.reading.operator(name))

    def near(self, spans: Sequence[Span]) -> Sequence[Span]:
        if not spans:
            return spans
        return spans[bisect_left(spans, (self.start - _WINDOW, 0)) : bisect_left(spans, (self.end + _WINDOW, 0))]

    def stands_before(self, name: Operator, reach: int, at: Span | None = None) -> bool:
        """Whether it stands in front of the event, or of `at`, in its clause, at most `reach` units away."""
        at = at or self.event
        return any(self.governs(span, at, reach) for span in self.around(name))

    def governs(self, span: Span, at: Span, reach: int) -> bool:
        """Whether a span ends in front of another one in its clause, at most `reach` units away."""
        reading, begins = self.reading, at[0]
        return (
            span[1] <= begins
            and reading.units[begins] - reading.units[span[1]] <= reach
            and reading.clause_numbers[span[0]] == reading.clause_numbers[begins]
        )

    def clause_of(self, span: Span) -> int:
        return self.reading.clause(span[0])

    def dates(self) -> list[Span]:
        """Dates near the hit: who tells of an emergency gives none."""
        begin, end = max(0, self.start - _WINDOW), self.end + _WINDOW
        sentences = self.reading.sentences
        found = [match.span() for match in DATE.finditer(self.text, begin, end)]
        return [span for span in found if sentences[span[0]] == self.sentence]

    def is_named(self) -> bool:
        """Whether a part of the event belongs to a title or a name in quotation marks."""
        return self._stands_in(_NAMES)

    def is_perhaps_named(self) -> bool:
        """Whether it belongs to what a business is called, or what somebody there called out."""
        return self._stands_in(_PERHAPS_NAMED)

    def _stands_in(self, names: re.Pattern[str]) -> bool:
        if not any(mark in self.text for mark in QUOTES):
            return False
        begin, end = max(0, self.start - _WINDOW), self.end + _WINDOW
        found = [name.span() for name in names.finditer(self.text, begin, end) if self._only_names(name)]
        return any(s <= span[0] and span[1] <= e for span in self.hit.spans[:2] for s, e in found)

    def _only_names(self, found: re.Match[str]) -> bool:
        """Whether no help is called for behind a name, and it is no cry itself."""
        pleas = self.around(Operator.PLEA)
        kinds = found.groupdict()
        if kinds.get("borne"):
            return True  # asked about
        if kinds.get("title") or any(start >= found.end() for start, _ in pleas):
            return bool(kinds.get("title"))
        cries = _CRY.search(found[0]) or any(found.start() <= s and e <= found.end() for s, e in pleas)
        return bool(kinds.get("named")) or not cries

    def only_tells_when(self, span: Span, *, medical: bool) -> bool:
        """Whether a film or a drill at the span was only going on when it happened, or is what somebody was at."""
        if self.text.startswith(_WHILE, span[1]):
            return medical or self.text[span[0] : span[1]] not in _STAGED
        watcher = span[1] + 1
        return self.text[span[1] : watcher] == "的" and any(s == watcher and e - s > 1 for s, e in self.reading.persons)

    def is_said_to_follow(self) -> bool:
        """Whether somebody says what will follow: "he says that if anybody comes near"."""
        said = [span for span in self.in_sentence(Operator.TELLS) if span not in self.hit.spans]
        return any(
            span[1] <= self.event[0] and any(0 <= span[0] - other[1] <= 2 for other in said)
            for span in self.in_sentence(Operator.HYPOTHESIS)
        )

    def has_cue(self) -> bool:
        return any(
            span not in self.hit.spans
            for name in (Operator.PERSON, Operator.NOW, Operator.PRESENT)
            for span in self.in_sentence(name)
        )

    def has_result(self) -> bool:
        """Whether a verb of the hit says that it has happened, or goes on."""
        return any(self.text[end - 1] in _RESULT or self.text[end : end + 1] in _RESULT for _, end in self.hit.spans)

    def is_live(self) -> bool:
        """Whether the text calls for help, or says near the hit that it is now."""
        return bool(self.reading.operator(Operator.PLEA)) or any(
            self.first_clause - 1 <= self.clause_of(span) <= self.last_clause + 1 for span in self.present
        )

    def is_live_nearby(self) -> bool:
        """Whether its own clauses say that it is now, or call for help."""
        return any(
            self.first_clause <= self.clause_of(span) <= self.last_clause
            for name in (Operator.NOW, Operator.PRESENT, Operator.PLEA)
            for span in self.in_sentence(name)
        )

    def is_close(self) -> bool:
        """Whether all of the hit stands in one clause or one short sentence."""
        sentences = self.reading.sentences
        begin, end = bisect_left(sentences, self.sentence), bisect_left(sentences, self.sentence + 1)
        short = self.reading.units_between(begin, end - 1) <= _SHORT_SENTENCE
        return short or len({self.clause_of(span) for span in self.hit.spans}) == 1

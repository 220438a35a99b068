"""Finds the patterns of a lexicon in a folded text.

Positions are offsets into the folded text. Clauses part at commas and connectors, sentences at full stops; a pattern
may cross one clause border and no sentence border."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from hotline.organisation.model.vocabulary import Operator
from hotline.text.gap_patterns import Gap
from hotline.text.word_finder import Span
from hotline.triage.model.computed import computed_once
from hotline.triage.model.patterns import OPERATOR_BITS, OPERATOR_MASK, CompiledPattern, PatternLexicon
from hotline.triage.model.segments import CONNECTORS, measure_text

_TOPIC_UNITS = 5
_SHORT_TEXT = 80  # characters; of letters rather than words, so that of Latin script units count too
_SHORT_UNITS = 32


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern, and where each of its groups stands. What happens stands in the first two; the third and later ones
    only bear it out."""

    pattern: CompiledPattern
    spans: tuple[Span, ...]

    @property
    def start(self) -> int:
        return min(self.spans[:2])[0]

    @property
    def end(self) -> int:
        spans = self.spans
        return spans[0][1] if len(spans) == 1 else max(spans[0][1], spans[1][1])

    @property
    def event(self) -> Span:
        """Of the first two groups the one that stands last."""
        return max(self.spans[:2])


T = TypeVar("T")


class Reading:
    """One text and what of the lexicon stands in it. What is not asked for is not worked out."""

    def __init__(self, lexicon: PatternLexicon, text: str) -> None:
        self.text, self._lexicon = text, lexicon
        self._found = lexicon.words.find(text)
        self.words = frozenset(self._found)
        self._spans: dict[int, list[Span]] = {}
        self.units: list[int] = []
        self.sentences: list[int] = []
        self.clause_numbers: list[int] = []
        self._words_of: dict[Operator, frozenset[str]] = {}
        self._all_spans: dict[Operator, list[Span]] = {}
        self._made: dict[Callable[[Reading], object], object] = {}

    def has(self, group: int) -> bool:
        """Whether a word of the group stands in the text."""
        return group in self._by_group

    @computed_once
    def _by_group(self) -> dict[int, list[str]]:
        """The words of the text that belong to a group, by its number."""
        groups_of, found = self._lexicon.groups_of, dict[int, list[str]]()
        for word in self._found:
            for group in groups_of.get(word, ()):
                if group in found:
                    found[group].append(word)
                else:
                    found[group] = [word]
        return found

    def is_parted(self, start: int, end: int) -> bool:
        """Whether a word that begins a further matter stands there."""
        group = self._lexicon.connectives
        if group is None:
            return False
        spans = self.spans(group)
        place = bisect_left(spans, (start,))
        return place < len(spans) and spans[place][0] < end

    def spans(self, group: int) -> list[Span]:
        """Where a group stands, in order: without words that are part of a mask and, for operators, of another word.
        The list is the reading's own."""
        known = self._spans.get(group)
        if known is None:
            known = self._spans[group] = self._find_spans(group)
        return known

    def _find_spans(self, group: int) -> list[Span]:
        lexicon, found = self._lexicon, self._found
        words = self._by_group.get(group)
        if words is None:
            return _NOWHERE
        if len(words) == 1:
            (word,) = words
            spans = found[word]
            is_operator = word in lexicon.operator_words
        else:
            spans = sorted([span for word in words for span in found[word]])
            is_operator = not lexicon.operator_words.isdisjoint(words)
        covers = self._covers if is_operator else _NO_COVERS if group in lexicon.unmasked else self._masks
        return [span for span in spans if not covers.hide(span)] if covers.spans else spans

    @computed_once
    def _masks(self) -> "_Covers":
        group = self._lexicon.operators.get(Operator.MASK)
        return _Covers(self._places(self._by_group.get(group, ()))) if group is not None else _NO_COVERS

    @computed_once
    def _covers(self) -> "_Covers":
        """Of words that take away an operator they overlap."""
        return _Covers([*self._masks.spans, *self._places(self.words & self._lexicon.danger_words)])

    @computed_once
    def _whole_things(self) -> "_Covers":
        return _Covers(self._places(self.words & self._lexicon.whole_words))

    def _places(self, words: Iterable[str]) -> list[Span]:
        """Where these words of the text stand."""
        return [span for word in words for span in self._found[word]]

    def is_part_of_another(self, span: Span, group: int) -> bool:
        """Whether the name of a whole thing that is not of the group contains the span."""
        things = self._whole_things
        if not things.spans:
            return False
        wholes = things.around(span)
        groups_of = self._lexicon.groups_of
        return any(group not in groups_of.get(self.text[start:end], ()) for start, end in wholes)

    @computed_once
    def persons(self) -> frozenset[Span]:
        return frozenset(self.operator(Operator.PERSON))

    def operator(self, name: Operator) -> list[Span]:
        group = self._lexicon.operators.get(name) if self.may_have(name) else None
        return self.spans(group) if group is not None else _NOWHERE

    def may_have(self, name: Operator) -> bool:
        """Whether a word of an operator stands in the text; it may be masked, or a part of another word."""
        return self._operators >> OPERATOR_BITS[name] & 1 == 1

    @computed_once
    def _marks(self) -> int:
        return self._lexicon.index.marks_of(self.words)

    @computed_once
    def _operators(self) -> int:
        """The bits of those of which a word stands in the text: a few of forty."""
        return self._marks & OPERATOR_MASK

    def words_of(self, name: Operator) -> frozenset[str]:
        """The words of an operator that stand in the text."""
        found = self._words_of.get(name)
        if found is None:
            group = self._lexicon.operators.get(name)
            found = frozenset(self._by_group.get(group, ())) if group is not None else frozenset()
            self._words_of[name] = found
        return found

    def all_spans(self, name: Operator) -> list[Span]:
        """Where an operator stands, in order, also as a part of other words. Not to be changed in place."""
        found = self._all_spans.get(name)
        if found is None:
            found = self._all_spans[name] = sorted(self._places(self.words_of(name)))
        return found

    def once(self, make: Callable[["Reading"], T]) -> T:
        """What a function makes of this text, made once: it is asked for at every hit."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast(T, self._made[make])

    @property
    def hits(self) -> list[Hit]:
        """Every pattern that is there, for each place where its first group stands."""
        return [hit for pattern in self.candidates for hit in self.hits_of(pattern)]

    @computed_once
    def candidates(self) -> list[CompiledPattern]:
        """The patterns whose groups are there, by their numbers: a few of more than a thousand."""
        lexicon = self._lexicon
        return [lexicon.patterns[number] for number in lexicon.index.find_candidates(self._marks)]

    def hits_of(self, pattern: CompiledPattern) -> Iterator[Hit]:
        """Where a pattern is there, for each place where its first group stands."""
        spans = self.spans(pattern.groups[0])
        if spans:
            self.measure()
        for first in spans:
            chain = self._chain(first, pattern)
            if chain is not None:
                yield Hit(pattern, chain)

    def measure(self) -> None:
        """Count units, clauses and sentences, once: they are asked for by offset."""
        if self.units:
            return
        connectors = [span for word in CONNECTORS if word in self._found for span in self._found[word]]
        self.units, self.clause_numbers, self.sentences = measure_text(self.text, connectors)

    def clause(self, offset: int) -> int:
        """The number of the clause at an offset; grows with every clause and sentence."""
        return self.clause_numbers[offset]

    def units_between(self, start: int, end: int) -> int:
        return self.units[end] - self.units[start]

    def _chain(self, first: Span, pattern: CompiledPattern) -> tuple[Span, ...] | None:
        """The nearest spans of all groups that hang together with one of the first. A group is looked for when those
        before it are there."""
        chain: tuple[Span, ...] = (first,)
        start, end = first
        for place, gap in enumerate(pattern.gaps, 1):
            options = self.spans(pattern.groups[place])
            if not options:
                return None
            if gap.anywhere:
                span = next((option for option in options if option not in chain), None)
            else:
                span = self._next(start, end, options, gap)
            if span is None:
                return None
            chain += (span,)
            start, end = min(start, span[0]), max(end, span[1])
        return chain

    def _next(self, start: int, end: int, options: Sequence[Span], gap: Gap) -> Span | None:
        """The nearest option within the gap, behind what is matched (from start to end) before in front of it."""
        units, most = self.units, gap.units
        for at in range(bisect_left(options, (end, 0)), len(options)):
            begins = options[at][0]
            if units[begins] - units[end] > most:
                break
            if self._joined(end, begins):
                return options[at]
        if gap.either:
            for at in range(bisect_left(options, (start, 0)) - 1, -1, -1):
                ends = options[at][1]
                if ends > start:
                    continue
                if units[start] - units[ends] > most:
                    break
                if self._joined(ends, start):
                    return options[at]
        return None

    def _joined(self, end: int, start: int) -> bool:
        """Whether a pattern may go on from `end` at `start`: in the same clause, or over one border. In a text of many
        clauses one side must be so short that it is a topic or an afterthought ("the lift, somebody is inside")."""
        if self.sentences[end] != self.sentences[start]:
            return False
        borders = self.clause_numbers[start] - self.clause_numbers[end]
        if borders == 0 or len(self.text) <= _SHORT_TEXT or self.units[-1] <= _SHORT_UNITS:
            return borders <= 1
        return borders == 1 and min(self._clause_units(end), self._clause_units(start)) <= _TOPIC_UNITS

    def _clause_units(self, offset: int) -> int:
        """How long the clause at an offset is."""
        first, last = (
            bisect_left(self.clause_numbers, self.clause(offset)),
            bisect_right(self.clause_numbers, self.clause(offset)),
        )
        return self.units_between(first, last - 1)


class _Covers:
    """Words of a text that hide, or contain, what they overlap."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.spans = sorted(spans)
        self._longest = max([end - start for start, end in self.spans], default=0)

    def hide(self, span: Span) -> bool:
        """Whether a longer one overlaps the span, or one as long begins before it."""
        start, end = span
        for at in range(bisect_left(self.spans, (end, 0)) - 1, -1, -1):
            s, e = self.spans[at]
            if s <= start - self._longest:
                return False
            if e > start and (e - s, -s) > (end - start, -start):
                return True
        return False

    def around(self, span: Span) -> list[Span]:
        """Those that contain the span and are longer."""
        start, end = span
        behind = bisect_left(self.spans, (start + 1, 0))
        before = bisect_left(self.spans, (start - self._longest, 0), 0, behind)
        return [(s, e) for s, e in self.spans[before:behind] if e >= end and e - s > end - start]


_NO_COVERS = _Covers()
_NOWHERE: list[Span] = []

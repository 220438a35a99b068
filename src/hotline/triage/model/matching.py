"""Finds the patterns of a lexicon in a folded text.

Positions are offsets into the folded text. Clauses part at commas and connectors, sentences at full stops; a pattern
may cross one clause border and no sentence border."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import accumulate
from operator import or_

from hotline.organisation.model.vocabulary import Operator
from hotline.text.gap_patterns import Gap
from hotline.text.word_finder import Span
from hotline.triage.model.patterns import CompiledPattern, PatternLexicon

_SENTENCE_END = re.compile(r"[。!?;…\n]|\.(?= |$)")
_CLAUSE_END = re.compile(r"[,、:]")
_CONNECTOR = re.compile(
    "但是|不过|结果|可是|然后|另外|而且|后来|还有就是|只是| but | and now ",
)
_LAST_MARK = "\u3002"  # characters above it are a unit each; below it stand letters, whose words are a unit each
_LATIN_WORD = re.compile(r"[^\W\u3003-\U0010ffff](?:[^\W\u3003-\U0010ffff]|')*")
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

    def has(self, group: int) -> bool:
        """Whether a word of the group stands in the text."""
        return not self.words.isdisjoint(self._lexicon.groups[group])

    def is_parted(self, start: int, end: int) -> bool:
        """Whether a word that begins a further matter stands there."""
        group = self._lexicon.connectives
        return group is not None and any(start <= at < end for at, _ in self.spans(group))

    def spans(self, group: int) -> list[Span]:
        """Where a group stands, in order: without words that are part of a mask and, for operators, of another word."""
        known = self._spans.get(group)
        if known is None:
            known = self._spans[group] = self._find_spans(group)
        return known

    def _find_spans(self, group: int) -> list[Span]:
        lexicon, found = self._lexicon, self._found
        words = self.words & lexicon.groups[group]
        if not words:
            return []
        spans = [span for word in words for span in found[word]]
        if not words.isdisjoint(lexicon.operator_words):
            covers = self._covers
        else:
            covers = [] if group in lexicon.unmasked else self._masks
        if covers:
            spans = [span for span in spans if not _is_covered(covers, span, lexicon.longest)]
        if len(spans) > 1:
            spans.sort()
        return spans

    @cached_property
    def _masks(self) -> list[Span]:
        group = self._lexicon.operators.get(Operator.MASK)
        return sorted(self._places(self._lexicon.groups[group])) if group is not None else []

    @cached_property
    def _covers(self) -> list[Span]:
        """Of words that take away an operator they overlap."""
        return sorted(self._masks + self._places(self._lexicon.danger_words))

    @cached_property
    def _whole_things(self) -> list[Span]:
        return sorted(self._places(self._lexicon.whole_words))

    def _places(self, words: frozenset[str]) -> list[Span]:
        return [span for word in self.words & words for span in self._found[word]]

    def is_part_of_another(self, span: Span, group: int) -> bool:
        """Whether the name of a whole thing that is not of the group contains the span."""
        start, end = span
        covers, words = self._whole_things, self._lexicon.groups[group]
        for at in range(bisect_right(covers, (start, 1 << 30)) - 1, -1, -1):
            s, e = covers[at]
            if s <= start - self._lexicon.longest:
                return False
            if e >= end and e - s > end - start and self.text[s:e] not in words:
                return True
        return False

    @cached_property
    def persons(self) -> frozenset[Span]:
        return frozenset(self.operator(Operator.PERSON))

    def operator(self, name: Operator) -> list[Span]:
        group = self._lexicon.operators.get(name)
        return self.spans(group) if group is not None else []

    @cached_property
    def hits(self) -> list[Hit]:
        """Every pattern that is there, for each place where its first group stands."""
        hits: list[Hit] = []
        for pattern in self._find_candidates():
            for first in self.spans(pattern.groups[0]):
                if not self.units:
                    self._measure()
                chain = self._chain(first, pattern)
                if chain is not None:
                    hits.append(Hit(pattern, chain))
        return hits

    def _find_candidates(self) -> Iterator[CompiledPattern]:
        """The patterns whose groups are there, by their numbers."""
        lexicon = self._lexicon
        there = (1 << len(lexicon.patterns)) - 1
        for rank in lexicon.ranks:
            there &= reduce(or_, map(rank.patterns.__getitem__, self.words & rank.words), rank.without)
        while there:
            number = (there & -there).bit_length() - 1
            there ^= 1 << number
            yield lexicon.patterns[number]

    def _measure(self) -> None:
        """Count units, sentences and clauses up to every offset."""
        text, mark = self.text, _LAST_MARK
        units = [0, *[character > mark for character in text]]
        for word in _LATIN_WORD.finditer(text):
            units[word.end()] = 1
        ends = [found.end() for found in _SENTENCE_END.finditer(text)]
        borders = {found.end() for found in _CLAUSE_END.finditer(text)}
        # one border, also directly behind a comma
        borders.update(found.start() for found in _CONNECTOR.finditer(text))
        self.units = list(accumulate(units))
        self.sentences = _count_up_to(ends, len(text))
        self.clause_numbers = _count_up_to(sorted([*ends, *borders]), len(text))

    def clause(self, offset: int) -> int:
        """The number of the clause at an offset; grows with every clause and sentence."""
        return self.clause_numbers[offset]

    def units_between(self, start: int, end: int) -> int:
        return self.units[end] - self.units[start]

    def _chain(self, first: Span, pattern: CompiledPattern) -> tuple[Span, ...] | None:
        """The nearest spans of all groups that hang together with one of the first. A group is looked for when those
        before it are there."""
        spans = [first]
        for gap, group in zip(pattern.gaps, pattern.groups[1:], strict=True):
            span = self._next(spans, self.spans(group), gap)
            if span is None:
                return None
            spans.append(span)
        return tuple(spans)

    def _next(self, spans: Sequence[Span], options: Sequence[Span], gap: Gap) -> Span | None:
        """The nearest option within the gap, behind what is matched before in front of it."""
        if gap.anywhere:
            return next((option for option in options if option not in spans), None)
        if len(spans) == 1:
            start, end = spans[0]
        else:
            start, end = min(s for s, _ in spans), max(e for _, e in spans)
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


def _count_up_to(offsets: Sequence[int], length: int) -> list[int]:
    """How many of the ascending offsets lie at or before each offset of a text."""
    counts: list[int] = []
    for number, offset in enumerate(offsets):
        counts += [number] * (offset - len(counts))
    return counts + [len(offsets)] * (length + 1 - len(counts))


def _is_covered(spans: Sequence[Span], span: Span, longest: int) -> bool:
    """Whether a longer one of the sorted spans overlaps it, or one as long begins before it."""
    start, end = span
    for at in range(bisect_right(spans, (end - 1, 1 << 30)) - 1, -1, -1):
        s, e = spans[at]
        if s <= start - longest:
            return False
        if e > start and (e - s, -s) > (end - start, -start):
            return True
    return False

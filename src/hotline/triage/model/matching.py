"""Finds the patterns of a lexicon in a folded text.

Positions are offsets into the folded text. Clauses part at commas and connectors, sentences at full stops; a pattern
may cross one clause border and no sentence border."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import add

from hotline.organisation.model.vocabulary import Operator
from hotline.text.gap_patterns import Gap
from hotline.triage.model.patterns import CompiledPattern, PatternLexicon

Span = tuple[int, int]  # from, to (exclusive)

_SENTENCE_END = re.compile(r"[。!?;…\n]|\.(?= |$)")
_CLAUSE_END = re.compile(r"[,、:]")
_CONNECTOR = re.compile(
    "但是|不过|结果|可是|然后|另外|而且|后来|还有就是|只是| but | and now ",
)
_LATIN_WORD = re.compile(r"[a-z0-9']+")
_WIDE_MARKS = frozenset("。…、")
_TOPIC_UNITS = 5
_SHORT_TEXT = 80  # characters
_LONGEST_WORD = 24  # no word that covers another is longer


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern, and where each of its groups stands. What happens stands in the first two; the third and later ones
    only bear it out."""

    pattern: CompiledPattern
    spans: tuple[Span, ...]

    @property
    def start(self) -> int:
        return min(begin for begin, _ in self.spans[:2])

    @property
    def end(self) -> int:
        return max(end for _, end in self.spans[:2])

    @property
    def event(self) -> Span:
        """Of the first two groups the one that stands last."""
        return max(self.spans[:2])


class Reading:
    """One text and what of the lexicon stands in it. What is not asked for is not worked out."""

    def __init__(self, lexicon: PatternLexicon, text: str) -> None:
        found = lexicon.words.find(text)
        self.text, self._lexicon, self._found = text, lexicon, found
        self._words = _words_by_group(lexicon, found)
        self._spans: dict[int, list[Span]] = {}
        self.units: list[int] = []
        self.sentences: list[int] = []
        self.clauses: list[int] = []

    def spans(self, group: int) -> list[Span]:
        """Where a group stands, in order: without words that are part of a mask and, for operators, of another word."""
        known = self._spans.get(group)
        if known is not None:
            return known
        words = self._words.get(group)
        if not words:
            return []
        found, operators = self._found, self._lexicon.operator_words
        spans: list[Span] = []
        for word in words:
            over = self._covers if word in operators else self._masks
            length = len(word)
            for place in found[word]:
                span = (place, place + length)
                if not over or not _is_covered(over, span):
                    spans.append(span)
        spans.sort()
        self._spans[group] = spans
        return spans

    @cached_property
    def _masks(self) -> list[Span]:
        return sorted(self._places(self._words.get(self._lexicon.operators.get(Operator.MASK, -1), ())))

    @cached_property
    def _covers(self) -> list[Span]:
        """Of words that take away an operator they overlap."""
        return sorted(self._masks + self._places(self._lexicon.danger_words.intersection(self._found)))

    @cached_property
    def _symptom_spans(self) -> list[Span]:
        return sorted(self._places(self._lexicon.symptom_words.intersection(self._found)))

    def _places(self, words: Iterable[str]) -> list[Span]:
        return [(place, place + len(word)) for word in words for place in self._found[word]]

    def is_part_of_another(self, span: Span, group: int) -> bool:
        """Whether a longer word that is not of the group contains the span: the road of a road lamp is no road."""
        start, end = span
        covers, groups = self._symptom_spans, self._lexicon.groups_by_word
        for at in range(bisect_right(covers, (start, 1 << 30)) - 1, -1, -1):
            s, e = covers[at]
            if s <= start - _LONGEST_WORD:
                return False
            if e >= end and e - s > end - start and group not in groups[self.text[s:e]]:
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
        words, by_group = self._words, self._lexicon.by_group
        patterns = [
            pattern
            for group in words
            if group in by_group
            for pattern in by_group[group]
            if pattern.needs.issubset(words)
        ]
        if not patterns:
            return []
        self._measure()
        return [
            Hit(pattern, chain)
            for pattern in patterns
            for first in self.spans(pattern.groups[0])
            if (chain := self._chain(pattern, first))
        ]

    def _measure(self) -> None:
        """Count units, sentences and clauses up to every offset."""
        text = self.text
        units = [0, *(1 if c > "\x7f" and c not in _WIDE_MARKS else 0 for c in text)]
        sentences, clauses = [0] * (len(text) + 1), [0] * (len(text) + 1)
        for found in _LATIN_WORD.finditer(text):
            units[found.end()] = 1
        for found in _SENTENCE_END.finditer(text):
            sentences[found.end()] += 1
        for found in _CLAUSE_END.finditer(text):
            clauses[found.end()] += 1
        for found in _CONNECTOR.finditer(text):
            clauses[found.start()] += 1
        self.units = list(accumulate(units))
        self.sentences = list(accumulate(sentences))
        self.clauses = list(accumulate(clauses))

    def clause(self, offset: int) -> int:
        """The number of the clause at an offset; grows with every clause and sentence."""
        return self.sentences[offset] + self.clauses[offset]

    def units_between(self, start: int, end: int) -> int:
        return self.units[end] - self.units[start]

    def _chain(self, pattern: CompiledPattern, first: Span) -> tuple[Span, ...] | None:
        spans = [first]
        for group, gap in zip(pattern.groups[1:], pattern.gaps, strict=True):
            span = self._next(spans, self.spans(group), gap)
            if span is None:
                return None
            spans.append(span)
        return tuple(spans)

    def _next(self, spans: Sequence[Span], options: Sequence[Span], gap: Gap) -> Span | None:
        """The nearest option within the gap, behind what is matched before in front of it."""
        if gap.anywhere:
            return next((option for option in options if option not in spans), None)
        start, end = min(s for s, _ in spans), max(e for _, e in spans)
        for at in range(bisect_left(options, (end, 0)), len(options)):
            option = options[at]
            if self.units_between(end, option[0]) > gap.units:
                break
            if self._joined(end, option[0]):
                return option
        if gap.either:
            for at in range(bisect_left(options, (start, 0)) - 1, -1, -1):
                option = options[at]
                if option[1] > start:
                    continue
                if self.units_between(option[1], start) > gap.units:
                    break
                if self._joined(option[1], start):
                    return option
        return None

    def _joined(self, end: int, start: int) -> bool:
        """Whether a pattern may go on from `end` at `start`: in the same clause, or over one border. In a text of many
        clauses one side must be so short that it is a topic or an afterthought ("the lift, somebody is inside")."""
        if self.sentences[end] != self.sentences[start]:
            return False
        borders = self.clauses[start] - self.clauses[end]
        if borders == 0 or len(self.text) <= _SHORT_TEXT:
            return borders <= 1
        return borders == 1 and min(self._clause_units(end), self._clause_units(start)) <= _TOPIC_UNITS

    def _clause_units(self, offset: int) -> int:
        """How long the clause at an offset is."""
        first, last = (
            bisect_left(self._clause_numbers, self.clause(offset)),
            bisect_right(self._clause_numbers, self.clause(offset)),
        )
        return self.units_between(first, last - 1)

    @cached_property
    def _clause_numbers(self) -> list[int]:
        return list(map(add, self.sentences, self.clauses))


def _words_by_group(lexicon: PatternLexicon, found: Iterable[str]) -> dict[int, list[str]]:
    words: dict[int, list[str]] = {}
    for word in found:
        for group in lexicon.groups_by_word[word]:
            if group in words:
                words[group].append(word)
            else:
                words[group] = [word]
    return words


def _is_covered(spans: Sequence[Span], span: Span) -> bool:
    """Whether a longer one of the sorted spans overlaps it, or one as long begins before it."""
    start, end = span
    for at in range(bisect_right(spans, (end - 1, 1 << 30)) - 1, -1, -1):
        s, e = spans[at]
        if s <= start - _LONGEST_WORD:
            return False
        if e > start and (e - s, -s) > (end - start, -start):
            return True
    return False

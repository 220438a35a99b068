"""Finds the patterns of a lexicon in a folded text.

Positions are offsets into the folded text. Clauses part at commas and connectors, sentences at full stops; a pattern
may cross one clause border and no sentence border."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import accumulate
from operator import or_

from hotline.organisation.model.vocabulary import Operator
from hotline.text.gap_patterns import Gap
from hotline.triage.model.patterns import CompiledPattern, PatternLexicon

Span = tuple[int, int]  # from, to (exclusive)

_SENTENCE_END = re.compile(r"[。!?;…\n]|\.(?= |$)")
_CLAUSE_END = re.compile(r"[,、:]")
_CONNECTOR = re.compile(
    "但是|不过|结果|可是|然后|另外|而且|后来|还有就是|只是| but | and now ",
)
_LAST_MARK = "\u3002"  # characters above it are a unit each; below it stand letters, whose words are a unit each
_LATIN_WORD = re.compile(r"[^\W\u3003-\U0010ffff](?:[^\W\u3003-\U0010ffff]|')*")
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
        self.text, self._lexicon = text, lexicon
        self._measure()
        self._spans: dict[int, list[Span]] = {}
        self._found: dict[str, list[Span]] = {}
        found, bits_by_word, numbers = self._found, lexicon.bits_by_word, self._clause_numbers
        by_clause = [0] * (numbers[-1] + 1)
        for word, start, end in lexicon.words.places(text):
            by_clause[numbers[start]] |= bits_by_word[word]
            if word in found:
                found[word].append((start, end))
            else:
                found[word] = [(start, end)]
        self._words = frozenset(found)
        self._groups_by_clause = by_clause
        self._groups = reduce(or_, by_clause)

    def has(self, group: int) -> bool:
        """Whether a word of the group stands in the text."""
        return bool(self._groups >> group & 1)

    def spans(self, group: int) -> list[Span]:
        """Where a group stands, in order: without words that are part of a mask and, for operators, of another word."""
        known = self._spans.get(group)
        if known is None:
            words = self._words & self._lexicon.groups[group]
            known = [span for word in words for span in self._uncovered(word, group)]
            if len(words) > 1:
                known.sort()
            self._spans[group] = known
        return known

    def _uncovered(self, word: str, group: int) -> list[Span]:
        spans = self._found[word]
        if word in self._lexicon.operator_words:
            over = self._covers
        elif self._masks and group not in self._lexicon.unmasked:
            over = self._masks
        else:
            return spans
        return [span for span in spans if not _is_covered(over, span)]

    @cached_property
    def _masks(self) -> list[Span]:
        group = self._lexicon.operators.get(Operator.MASK)
        return sorted(self._places(self._lexicon.groups[group])) if group is not None and self.has(group) else []

    @cached_property
    def _covers(self) -> list[Span]:
        """Of words that take away an operator they overlap."""
        return sorted(self._masks + self._places(self._lexicon.danger_words))

    @cached_property
    def _whole_things(self) -> list[Span]:
        return sorted(self._places(self._lexicon.whole_words))

    def _places(self, words: frozenset[str]) -> list[Span]:
        return [span for word in self._words & words for span in self._found[word]]

    def is_part_of_another(self, span: Span, group: int) -> bool:
        """Whether the name of a whole thing that is not of the group contains the span."""
        start, end = span
        covers, bits = self._whole_things, self._lexicon.bits_by_word
        for at in range(bisect_right(covers, (start, 1 << 30)) - 1, -1, -1):
            s, e = covers[at]
            if s <= start - _LONGEST_WORD:
                return False
            if e >= end and e - s > end - start and not bits[self.text[s:e]] >> group & 1:
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
        by_word = self._lexicon.by_word
        candidates = {
            pattern.number: pattern
            for word, places in self._found.items()
            if word in by_word
            for pattern in by_word[word]
            if pattern.needs & self._groups == pattern.needs and self._stands_together(pattern, places)
        }
        patterns = [candidates[number] for number in sorted(candidates)]
        return [
            Hit(pattern, spans)
            for pattern in patterns
            for first in self.spans(pattern.groups[0])
            if (spans := self._chain(pattern, first))
        ]

    def _stands_together(self, pattern: CompiledPattern, places: Iterable[Span]) -> bool:
        """Whether all groups stand in the clauses that the pattern can reach from one of the places."""
        if pattern.reach is None:
            return True
        by_clause, needs, reach = self._groups_by_clause, pattern.needs, pattern.reach
        for place, _ in places:
            at = self._clause_numbers[place]
            if needs & reduce(or_, by_clause[max(0, at - reach) : at + reach + 1]) == needs:
                return True
        return False

    def _measure(self) -> None:
        """Count units, sentences and clauses up to every offset."""
        text = self.text
        units = [0, *map(_LAST_MARK.__lt__, text)]
        for found in _LATIN_WORD.finditer(text):
            units[found.end()] = 1
        ends = [found.end() for found in _SENTENCE_END.finditer(text)]
        borders = {found.end() for found in _CLAUSE_END.finditer(text)}
        # one border, also directly behind a comma
        borders.update(found.start() for found in _CONNECTOR.finditer(text))
        self.units = list(accumulate(units))
        self.sentences = _count_up_to(ends, len(text))
        self.clauses = _count_up_to(sorted(borders), len(text))
        self._clause_numbers = _count_up_to(sorted([*ends, *borders]), len(text))

    def clause(self, offset: int) -> int:
        """The number of the clause at an offset; grows with every clause and sentence."""
        return self._clause_numbers[offset]

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
        if len(spans) == 1:
            start, end = spans[0]
        else:
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


def _count_up_to(offsets: Sequence[int], length: int) -> list[int]:
    """How many of the ascending offsets lie at or before each offset of a text."""
    counts: list[int] = []
    for number, offset in enumerate(offsets):
        counts += [number] * (offset - len(counts))
    return counts + [len(offsets)] * (length + 1 - len(counts))


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

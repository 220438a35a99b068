"""The patterns of a directory (danger frames, symptoms) made ready for matching: every word folded once, words that are
wanted together in one group."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import DangerFrame, Symptom, Words
from hotline.organisation.model.vocabulary import Danger, Operator
from hotline.text.gap_patterns import Gap, Group, parse_gap_pattern
from hotline.text.normalisation import fold_text
from hotline.text.word_finder import WordFinder
from hotline.triage.model.segments import CONNECTORS

RANKS = 3  # groups of a pattern that must be there before it is looked at any closer; few have more
OPERATOR_BITS = {operator: bit for bit, operator in enumerate(Operator)}
OPERATOR_MASK = (1 << len(OPERATOR_BITS)) - 1
PatternItem = DangerFrame | Symptom
NEXT_MATTER_LIST = "next-matter"  # the word list of what begins a further matter within a sentence
JOINT_LIST = "joint"  # and of what may begin one, or go on with the same
CompiledItem = tuple[PatternItem, tuple[int, ...], tuple[Gap, ...], int | None]  # item, groups, gaps, unless


@dataclass(frozen=True, slots=True)
class CompiledPattern:
    """One pattern of an item. Groups are numbers; `gaps` has one entry less. `unless`: a group that makes it something
    else."""

    item: PatternItem
    groups: tuple[int, ...]
    gaps: tuple[Gap, ...]
    unless: int | None = None


@dataclass(frozen=True, slots=True)
class PatternIndex:
    """Which operators and patterns the words of a text may make. `marks`: by a word, a bit for each operator that has
    it, and behind these the patterns that it is the rarest group of, the bit of its number each, then, further by the
    number of patterns, those that it is the next rarest group of, and so on. `without`: the same for patterns that have
    fewer groups."""

    marks: Mapping[str, int] = field(default_factory=dict)
    without: int = 0
    count: int = 0

    def marks_of(self, words: Iterable[str]) -> int:
        """What the words of a text may make, looked up once for each of them."""
        return reduce(or_, filter(None, map(self.marks.get, words)), self.without)

    def find_candidates(self, marks: int) -> Iterator[int]:
        """The numbers of the patterns of which every group has one of the words of these marks, ascending. Of a pattern
        with many groups only the rarest `RANKS` are looked at."""
        found = marks >> len(OPERATOR_BITS)
        there = (1 << self.count) - 1
        for _ in range(RANKS):
            there &= found
            found >>= self.count
        while there:
            yield (there & -there).bit_length() - 1
            there &= there - 1


@dataclass(frozen=True)
class PatternLexicon:
    """`patterns` by their numbers; `groups_of`: the numbers of the groups that a word belongs to. Of twenty thousand
    words a text has a few dozen: from them to their groups is less to keep and to go through than 3,500 sets."""

    groups_of: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    patterns: tuple[CompiledPattern, ...] = ()
    index: PatternIndex = field(default_factory=PatternIndex)
    operators: Mapping[Operator, int] = field(default_factory=dict)
    connectives: int | None = None  # the group of words that begin a further matter within a sentence
    operator_words: frozenset[str] = frozenset()  # words that are operators alone
    danger_words: frozenset[str] = frozenset()  # of the patterns of danger frames, longer than one character
    whole_words: frozenset[str] = frozenset()  # of lists whose words name whole things
    unmasked: frozenset[int] = frozenset()  # groups of symptoms alone: phrases that merely look dangerous stay
    words: WordFinder = field(default_factory=lambda: WordFinder(()))
    longest: int = 0  # of the words, in characters


class _Groups:
    """Numbers sets of words: the same set has one number."""

    def __init__(self, lists: Mapping[str, tuple[str, ...]]) -> None:
        self.lists = lists
        self.numbers: dict[frozenset[str], int] = {}

    def number(self, words: Iterable[str]) -> int:
        return self.numbers.setdefault(frozenset({*words}), len(self.numbers))  # of a set: takes half as much memory

    def of_group(self, group: Group) -> int:
        listed = (word for name in group.lists for word in self.lists.get(name, ()))
        return self.number((*map(fold_word, group.words), *listed))


def build_pattern_lexicon(directory: Directory, other_words: Iterable[str] = ()) -> PatternLexicon:
    """The danger frames and symptoms of a directory, and its single danger words as frames of one or two groups.
    `other_words` are looked for in the same pass."""
    lists = folded_word_lists(directory)
    groups = _Groups(lists)
    items: Iterable[PatternItem] = (*directory.danger_frames.values(), *directory.symptoms.values())
    single = [_compile_words(item, item.danger, groups) for item in directory.words.values() if item.danger is not None]
    patterns = [
        CompiledPattern(item, of_groups, gaps, unless)
        for item, of_groups, gaps, unless in (
            *(compiled for item in items for compiled in _compile_item(item, groups)),
            *single,
        )
    ]
    content = frozenset(word for words in groups.numbers for word in words)
    operators = {operator: groups.number(lists[operator]) for operator in Operator if lists.get(operator)}
    connectives = groups.number(lists[NEXT_MATTER_LIST]) if lists.get(NEXT_MATTER_LIST) else None
    of_dangers = {g for pattern in patterns if isinstance(pattern.item, DangerFrame) for g in pattern.groups}
    of_symptoms = {g for pattern in patterns if isinstance(pattern.item, Symptom) for g in pattern.groups}
    words_of = tuple(groups.numbers)  # numbered in this order
    words = frozenset(word for words in (*words_of, other_words, CONNECTORS) for word in words)
    return PatternLexicon(
        groups_of=_groups_of_words(words_of),
        patterns=tuple(patterns),
        index=_index_patterns(patterns, words_of, operators),
        operators=operators,
        connectives=connectives,
        operator_words=frozenset(word for operator in operators for word in lists[operator]) - content,
        danger_words=frozenset(word for group in of_dangers for word in words_of[group] if len(word) > 1),
        whole_words=frozenset(w for item in directory.word_lists.values() if item.whole for w in lists[item.code]),
        unmasked=frozenset(of_symptoms - of_dangers),
        words=WordFinder(words),
        longest=max(map(len, words), default=0),
    )


def _groups_of_words(words_of: Sequence[frozenset[str]]) -> Mapping[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for number, words in enumerate(words_of):
        for word in words:
            found.setdefault(word, []).append(number)
    same: dict[tuple[int, ...], tuple[int, ...]] = {}  # two thirds of the words share theirs with another
    return {word: same.setdefault(numbers, numbers) for word, listed in found.items() for numbers in (tuple(listed),)}


def _index_patterns(
    patterns: Sequence[CompiledPattern], words_of: Sequence[frozenset[str]], operators: Mapping[Operator, int]
) -> PatternIndex:
    commonness = [sum(map(_commonness, words)) for words in words_of]
    ranked = [sorted(set(pattern.groups), key=commonness.__getitem__)[:RANKS] for pattern in patterns]
    bits: dict[str, list[int]] = {}
    for operator, group in operators.items():
        for word in words_of[group]:
            bits.setdefault(word, []).append(OPERATOR_BITS[operator])
    without = 0
    for number, groups in enumerate(ranked):
        for rank in range(RANKS):
            bit = len(OPERATOR_BITS) + number + rank * len(patterns)
            if rank >= len(groups):
                without |= 1 << bit
                continue
            for word in words_of[groups[rank]]:
                bits.setdefault(word, []).append(bit)
    # words of the same groups share one number, made once: it has some 300 bytes
    made: dict[tuple[int, ...], int] = {}
    for of_word in map(tuple, bits.values()):
        if of_word not in made:
            made[of_word] = reduce(or_, [1 << bit for bit in of_word])
    return PatternIndex({word: made[tuple(of_word)] for word, of_word in bits.items()}, without, len(patterns))


def _commonness(word: str) -> float:
    """How often a word may be met, in proportion to others: each further character makes it rarer."""
    return 20.0 ** -(len(word) / 3 if word.isascii() else len(word))


def fold_word(word: str) -> str:
    """A word of the directory as `fold_text` makes it; the same word is one object wherever it stands, also in the
    directory, which takes less memory and is found sooner."""
    folded = fold_text(word)
    return sys.intern(word if word == folded else folded)


def folded_word_lists(directory: Directory) -> dict[str, tuple[str, ...]]:
    """Word lists by name, folded. Phrases to ignore and words of the past (`Words`) belong to these operators."""
    lists = {code: tuple(map(fold_word, item.words)) for code, item in directory.word_lists.items()}
    for operator, wanted in ((Operator.MASK, "ignore"), (Operator.PAST, "past")):
        items = [item for item in directory.words.values() if getattr(item, wanted)]
        lists[operator] = (*lists.get(operator, ()), *(fold_word(word) for item in items for word in item.words))
    return lists


def _compile_item(item: PatternItem, groups: _Groups) -> Iterable[CompiledItem]:
    unless = groups.number(map(fold_word, item.unless)) if item.unless else None
    for text in item.patterns:
        pattern = parse_gap_pattern(text)
        yield item, tuple(map(groups.of_group, pattern.groups)), pattern.gaps, unless


def _compile_words(item: Words, danger: Danger, groups: _Groups) -> CompiledItem:
    """A rule of single danger words: one of them, and anywhere one of those that must stand near."""
    frame = DangerFrame(code=item.code, danger=danger, patterns=(), category=item.category)
    numbers = tuple(groups.number(map(fold_word, words)) for words in (item.words, item.near) if words)
    return frame, numbers, (Gap(0, anywhere=True),) * (len(numbers) - 1), None

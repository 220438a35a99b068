"""The patterns of a directory (danger frames, symptoms) made ready for matching: every word folded once, words that are
wanted together in one group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import DangerFrame, Symptom, Words
from hotline.organisation.model.vocabulary import Danger, Operator
from hotline.text.gap_patterns import Gap, Group, parse_gap_pattern
from hotline.text.normalisation import fold_text
from hotline.text.word_finder import WordFinder

PatternItem = DangerFrame | Symptom
CompiledItem = tuple[PatternItem, tuple[int, ...], tuple[Gap, ...], int | None]  # item, groups, gaps, unless


@dataclass(frozen=True, slots=True)
class CompiledPattern:
    """One pattern of an item. Groups are numbers; `gaps` has one entry less. `unless`: a group that makes it something
    else."""

    number: int
    item: PatternItem
    groups: tuple[int, ...]
    gaps: tuple[Gap, ...]
    unless: int | None = None


@dataclass(frozen=True)
class PatternLexicon:
    """`groups`: the words of each group. `by_anchor`: each pattern under the words of its rarest group, with the other
    groups that it needs, a bit each. `bits_by_word`: the bits of the needed groups that a word belongs to, for every
    word that is looked for."""

    groups: tuple[frozenset[str], ...] = ()
    bits_by_word: Mapping[str, int] = field(default_factory=dict)
    by_anchor: Mapping[str, tuple[tuple[int, CompiledPattern], ...]] = field(default_factory=dict)
    anchors: frozenset[str] = frozenset()  # the words of `by_anchor`
    operators: Mapping[Operator, int] = field(default_factory=dict)
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
        return self.numbers.setdefault(frozenset(words), len(self.numbers))

    def of_group(self, group: Group) -> int:
        listed = (word for name in group.lists for word in self.lists.get(name, ()))
        return self.number((*map(fold_text, group.words), *listed))


def build_pattern_lexicon(directory: Directory, other_words: Iterable[str] = ()) -> PatternLexicon:
    """The danger frames and symptoms of a directory, and its single danger words as frames of one or two groups.
    `other_words` are looked for in the same pass."""
    lists = folded_word_lists(directory)
    groups = _Groups(lists)
    items: Iterable[PatternItem] = (*directory.danger_frames.values(), *directory.symptoms.values())
    single = [_compile_words(item, item.danger, groups) for item in directory.words.values() if item.danger is not None]
    patterns = [
        CompiledPattern(
            number=number,
            item=item,
            groups=of_groups,
            gaps=gaps,
            unless=unless,
        )
        for number, (item, of_groups, gaps, unless) in enumerate(
            (*(compiled for item in items for compiled in _compile_item(item, groups)), *single)
        )
    ]
    content = frozenset(word for words in groups.numbers for word in words)
    operators = {operator: groups.number(lists[operator]) for operator in Operator if lists.get(operator)}
    of_dangers = {g for pattern in patterns if isinstance(pattern.item, DangerFrame) for g in pattern.groups}
    of_symptoms = {g for pattern in patterns if isinstance(pattern.item, Symptom) for g in pattern.groups}
    words_of = tuple(groups.numbers)  # numbered in this order
    by_anchor, bits = _index_by_anchor(patterns, words_of)
    for word in (*(word for words in words_of for word in words), *other_words):
        bits.setdefault(word, 0)
    return PatternLexicon(
        groups=words_of,
        bits_by_word=bits,
        by_anchor={word: tuple(found) for word, found in by_anchor.items()},
        anchors=frozenset(by_anchor),
        operators=operators,
        operator_words=frozenset(word for operator in operators for word in lists[operator]) - content,
        danger_words=frozenset(word for group in of_dangers for word in words_of[group] if len(word) > 1),
        whole_words=frozenset(w for item in directory.word_lists.values() if item.whole for w in lists[item.code]),
        unmasked=frozenset(of_symptoms - of_dangers),
        words=WordFinder(bits),
        longest=max(map(len, bits), default=0),
    )


def _index_by_anchor(
    patterns: Iterable[CompiledPattern], words_of: Sequence[frozenset[str]]
) -> tuple[dict[str, list[tuple[int, CompiledPattern]]], dict[str, int]]:
    """`by_anchor` and `bits_by_word` of a lexicon. Groups that no pattern needs beside its anchor have no bit: the
    fewer bits, the quicker they are compared."""
    commonness = [sum(map(_commonness, words)) for words in words_of]
    by_anchor: dict[str, list[tuple[int, CompiledPattern]]] = {}
    bit_of: dict[int, int] = {}
    for pattern in patterns:
        anchor = min(pattern.groups, key=commonness.__getitem__)
        others = set(pattern.groups) - {anchor}
        needs = sum(1 << bit_of.setdefault(group, len(bit_of)) for group in others)
        for word in words_of[anchor]:
            by_anchor.setdefault(word, []).append((needs, pattern))
    bits: dict[str, int] = {}
    for group, bit in bit_of.items():
        for word in words_of[group]:
            bits[word] = bits.get(word, 0) | 1 << bit
    return by_anchor, bits


def _commonness(word: str) -> float:
    """How often a word may be met, in proportion to others: each further character makes it rarer."""
    return 20.0 ** -(len(word) / 3 if word.isascii() else len(word))


def folded_word_lists(directory: Directory) -> dict[str, tuple[str, ...]]:
    """Word lists by name, folded. Phrases to ignore and words of the past (`Words`) belong to these operators."""
    lists = {code: tuple(map(fold_text, item.words)) for code, item in directory.word_lists.items()}
    for operator, wanted in ((Operator.MASK, "ignore"), (Operator.PAST, "past")):
        items = [item for item in directory.words.values() if getattr(item, wanted)]
        lists[operator] = (*lists.get(operator, ()), *(fold_text(word) for item in items for word in item.words))
    return lists


def _compile_item(item: PatternItem, groups: _Groups) -> Iterable[CompiledItem]:
    unless = groups.number(map(fold_text, item.unless)) if item.unless else None
    for text in item.patterns:
        pattern = parse_gap_pattern(text)
        yield item, tuple(map(groups.of_group, pattern.groups)), pattern.gaps, unless


def _compile_words(item: Words, danger: Danger, groups: _Groups) -> CompiledItem:
    """A rule of single danger words: one of them, and anywhere one of those that must stand near."""
    frame = DangerFrame(code=item.code, danger=danger, patterns=(), category=item.category)
    numbers = tuple(groups.number(map(fold_text, words)) for words in (item.words, item.near) if words)
    return frame, numbers, (Gap(0, anywhere=True),) * (len(numbers) - 1), None

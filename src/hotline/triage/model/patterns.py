"""The patterns of a directory (danger frames, symptoms) made ready for matching: every word folded once, words that are
wanted together in one group."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import DangerFrame, Symptom, Words
from hotline.organisation.model.vocabulary import Danger, Operator
from hotline.text.gap_patterns import Gap, Group, parse_gap_pattern
from hotline.text.normalisation import fold_text
from hotline.text.word_finder import WordFinder

PatternItem = DangerFrame | Symptom


@dataclass(frozen=True, slots=True)
class CompiledPattern:
    """One pattern of an item. Groups are numbers; `gaps` has one entry less. `unless`: a group that makes it something
    else."""

    item: PatternItem
    groups: tuple[int, ...]
    gaps: tuple[Gap, ...]
    needs: frozenset[int]  # its groups
    unless: int | None = None


@dataclass(frozen=True)
class PatternLexicon:
    """`by_group`: each pattern under that of its groups which has the fewest words. `groups_by_word`: words of patterns
    and of operators alike."""

    by_group: Mapping[int, tuple[CompiledPattern, ...]] = field(default_factory=dict)
    groups_by_word: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    operators: Mapping[Operator, int] = field(default_factory=dict)
    operator_words: frozenset[str] = frozenset()  # words that are operators alone
    danger_words: frozenset[str] = frozenset()  # of the patterns of danger frames, longer than one character
    symptom_words: frozenset[str] = frozenset()  # and of symptoms
    words: WordFinder = field(default_factory=lambda: WordFinder(()))


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


def build_pattern_lexicon(directory: Directory) -> PatternLexicon:
    """The danger frames and symptoms of a directory, and its single danger words as frames of one or two groups."""
    lists = folded_word_lists(directory)
    groups = _Groups(lists)
    single = [_frame_of_words(item, item.danger) for item in directory.words.values() if item.danger is not None]
    items: Iterable[PatternItem] = (*directory.danger_frames.values(), *directory.symptoms.values(), *single)
    patterns = [pattern for item in items for pattern in _compile_item(item, groups)]
    content = frozenset(word for words in groups.numbers for word in words)
    words_of = {number: words for words, number in groups.numbers.items()}
    named: dict[type, set[str]] = {DangerFrame: set(), Symptom: set()}
    for pattern in patterns:
        named[type(pattern.item)].update(word for g in pattern.groups for word in words_of[g] if len(word) > 1)
    operators = {operator: groups.number(lists[operator]) for operator in Operator if lists.get(operator)}
    groups_by_word: dict[str, list[int]] = {}
    for words, number in groups.numbers.items():
        for word in words:
            groups_by_word.setdefault(word, []).append(number)
    sizes = {number: len(words) for words, number in groups.numbers.items()}
    by_group: dict[int, list[CompiledPattern]] = {}
    for pattern in patterns:
        by_group.setdefault(min(pattern.groups, key=sizes.__getitem__), []).append(pattern)
    return PatternLexicon(
        by_group={number: tuple(found) for number, found in by_group.items()},
        groups_by_word={word: tuple(numbers) for word, numbers in groups_by_word.items()},
        operators=operators,
        operator_words=frozenset(word for operator in operators for word in lists[operator]) - content,
        danger_words=frozenset(named[DangerFrame]),
        symptom_words=frozenset(named[Symptom]),
        words=WordFinder(groups_by_word),
    )


def folded_word_lists(directory: Directory) -> dict[str, tuple[str, ...]]:
    """Word lists by name, folded. Phrases to ignore and words of the past (`Words`) belong to these operators."""
    lists = {code: tuple(map(fold_text, item.words)) for code, item in directory.word_lists.items()}
    for operator, wanted in ((Operator.MASK, "ignore"), (Operator.PAST, "past")):
        items = [item for item in directory.words.values() if getattr(item, wanted)]
        lists[operator] = (*lists.get(operator, ()), *(fold_text(word) for item in items for word in item.words))
    return lists


def _compile_item(item: PatternItem, groups: _Groups) -> Iterable[CompiledPattern]:
    unless = groups.number(map(fold_text, item.unless)) if item.unless else None
    for text in item.patterns:
        pattern = parse_gap_pattern(text)
        numbers = tuple(map(groups.of_group, pattern.groups))
        yield CompiledPattern(item, numbers, pattern.gaps, frozenset(numbers), unless)


def _frame_of_words(item: Words, danger: Danger) -> DangerFrame:
    """A rule of single danger words as a frame: one of them, and anywhere one of those that must stand near."""
    parts = [words for words in (item.words, item.near) if words]
    pattern = " * ".join("{" + " ".join(word.replace(" ", "_") for word in words) + "}" for words in parts)
    return DangerFrame(code=item.code, danger=danger, patterns=(pattern,), category=item.category)

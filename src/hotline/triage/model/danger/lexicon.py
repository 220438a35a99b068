"""A directory's danger frames made ready for matching: every word folded once, words that are wanted together in one
group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import DangerFrame, Hazard, Words
from hotline.organisation.model.vocabulary import Danger, Grade, Operator
from hotline.text.gap_patterns import Gap, Group, parse_gap_pattern
from hotline.text.normalisation import fold_text
from hotline.text.sounds import SoundFinder
from hotline.text.word_finder import WordFinder

SOUND_LIST = "sound"  # the word list of what is also looked for by its sound
ORDINARY_LIST = "ordinary"  # and of what sounds like that and is a word of its own


@dataclass(frozen=True, slots=True)
class CompiledFrame:
    """One pattern of a danger frame. Groups are numbers; `gaps` has one entry less."""

    code: str
    danger: Danger
    grade: Grade
    groups: tuple[int, ...]
    gaps: tuple[Gap, ...]
    keeps: frozenset[Operator] = frozenset()
    unless: int | None = None
    category: str | None = None
    needs: frozenset[int] = frozenset()  # its groups


@dataclass(frozen=True)
class DangerLexicon:
    """`frames_by_group`: under the group with the fewest words of each frame. `groups_by_word`: content and operators
    alike."""

    frames: tuple[CompiledFrame, ...] = ()
    frames_by_group: Mapping[int, tuple[CompiledFrame, ...]] = field(default_factory=dict)
    groups_by_word: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    operators: Mapping[Operator, int] = field(default_factory=dict)
    operator_words: frozenset[str] = frozenset()  # words that are operators alone
    hazards: Mapping[Danger, Hazard] = field(default_factory=dict)
    words: WordFinder = field(default_factory=lambda: WordFinder(()))
    sounds: SoundFinder = field(default_factory=lambda: SoundFinder((), ()))


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


def build_danger_lexicon(directory: Directory) -> DangerLexicon:
    """The frames of a directory, and its single danger words as frames of one or two groups."""
    lists = {code: tuple(map(fold_text, item.words)) for code, item in directory.word_lists.items()}
    single = list(directory.words.values())
    for operator, chosen in (
        (Operator.MASK, [w for w in single if w.ignore]),
        (Operator.PAST, [w for w in single if w.past]),
    ):
        lists[operator] = (*lists.get(operator, ()), *(fold_text(x) for w in chosen for x in w.words))
    groups = _Groups(lists)
    frames = [frame for item in directory.danger_frames.values() for frame in _compile_frame(item, groups)]
    frames += [_compile_words(item, item.danger, groups) for item in single if item.danger is not None]
    content = frozenset(word for words in groups.numbers for word in words)
    operators = {operator: groups.number(lists[operator]) for operator in Operator if lists.get(operator)}
    operator_words = frozenset(w for o in operators for w in lists[o]) - content
    groups_by_word: dict[str, list[int]] = {}
    for words, number in groups.numbers.items():
        for word in words:
            groups_by_word.setdefault(word, []).append(number)
    sizes = {number: len(words) for words, number in groups.numbers.items()}
    by_group: dict[int, list[CompiledFrame]] = {}
    for frame in frames:
        by_group.setdefault(min(frame.groups, key=sizes.__getitem__), []).append(frame)
    return DangerLexicon(
        frames=tuple(frames),
        frames_by_group={number: tuple(found) for number, found in by_group.items()},
        groups_by_word={word: tuple(numbers) for word, numbers in groups_by_word.items()},
        operators=operators,
        operator_words=operator_words,
        hazards={Danger(code): item for code, item in directory.hazards.items()},
        words=WordFinder(groups_by_word),
        sounds=SoundFinder(lists.get(SOUND_LIST, ()), lists.get(ORDINARY_LIST, ())),
    )


def _compile_frame(item: DangerFrame, groups: _Groups) -> Iterable[CompiledFrame]:
    unless = groups.number(map(fold_text, item.unless)) if item.unless else None
    for text in item.patterns:
        pattern = parse_gap_pattern(text)
        yield CompiledFrame(
            item.code,
            item.danger,
            item.grade,
            tuple(map(groups.of_group, pattern.groups)),
            pattern.gaps,
            frozenset(item.keeps),
            unless,
            item.category,
            frozenset(map(groups.of_group, pattern.groups)),
        )


def _compile_words(item: Words, danger: Danger, groups: _Groups) -> CompiledFrame:
    """A rule of single words: one of them, and one of those that must stand near."""
    wanted: Sequence[Iterable[str]] = (item.words, item.near) if item.near else (item.words,)
    numbers = tuple(groups.number(map(fold_text, words)) for words in wanted)
    gaps = (Gap(0, either=True, anywhere=True),) if item.near else ()
    return CompiledFrame(item.code, danger, Grade.ACT, numbers, gaps, category=item.category, needs=frozenset(numbers))

"""A directory made ready for reading texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Category, Hazard, Words
from hotline.organisation.model.vocabulary import Danger, Operator
from hotline.text.pinyin import PinyinReader
from hotline.text.sounds import SoundFinder
from hotline.triage.model.patterns import (
    JOINT_LIST,
    NEXT_MATTER_LIST,
    PatternLexicon,
    build_pattern_lexicon,
    fold_word,
    folded_word_lists,
)
from hotline.triage.model.places.index import PlaceIndex, build_place_index
from hotline.triage.model.splitting import MatterSplitter

SOUND_LIST = "sound"  # the word list of what is also looked for by its sound
ORDINARY_LIST = "ordinary"  # and of what sounds like that and is a word of its own

Rule = tuple[Words, tuple[str, ...], tuple[str, ...]]  # the rule, its words and those that must stand near, folded


@dataclass(frozen=True, slots=True)
class CategoryHint:
    """What a word says of categories: the active ones it hints at, and how much it weighs. A longer word is worth
    more."""

    categories: tuple[Category, ...]
    weight: float


@dataclass(frozen=True)
class Lexicon:
    """A directory made ready for matching: every word folded once, looked up by the word. Built anew when it
    changes."""

    directory: Directory
    rules: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # word -> places in `ruled`
    rule_words: frozenset[str] = frozenset()
    ruled: tuple[Rule, ...] = ()
    hints: Mapping[str, CategoryHint] = field(default_factory=dict)  # by the word
    hint_words: frozenset[str] = frozenset()
    category_paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # code -> itself and those above it
    places: PlaceIndex = field(default_factory=PlaceIndex)
    patterns: PatternLexicon = field(default_factory=PatternLexicon)
    hazards: Mapping[Danger, Hazard] = field(default_factory=dict)
    sounds: SoundFinder = field(default_factory=lambda: SoundFinder((), ()))
    pinyin: PinyinReader = field(default_factory=lambda: PinyinReader(()))
    splitter: MatterSplitter = field(default_factory=MatterSplitter)


def build_lexicon(directory: Directory) -> Lexicon:
    """Make a directory ready for `advise`."""
    rules = [w for w in directory.words.values() if w.kind is not None or w.priority is not None]
    ruled = tuple((w, tuple(map(fold_word, w.words)), tuple(map(fold_word, w.near))) for w in rules)
    by_word: dict[str, list[int]] = {}
    for place, (_, words, _) in enumerate(ruled):
        for word in words:
            by_word.setdefault(word, []).append(place)
    hints: dict[str, list[Category]] = {}
    for category in directory.categories.values():
        if category.active:
            for word in category.words:
                hints.setdefault(fold_word(word), []).append(category)
    lists = folded_word_lists(directory)
    near = [x for _, _, words in ruled for x in words]
    patterns = build_pattern_lexicon(directory, (*by_word, *hints, *near))
    return Lexicon(
        directory=directory,
        rules={word: tuple(places) for word, places in by_word.items()},
        rule_words=frozenset(by_word),
        ruled=ruled,
        hints={word: CategoryHint(tuple(found), _weight_of(word)) for word, found in hints.items()},
        hint_words=frozenset(hints),
        category_paths={code: directory.category_path(code) for code in directory.categories},
        places=build_place_index(directory),
        patterns=patterns,
        hazards={Danger(code): hazard for code, hazard in directory.hazards.items()},
        splitter=MatterSplitter((*lists.get(NEXT_MATTER_LIST, ()), *lists.get(JOINT_LIST, ()))),
        sounds=SoundFinder(lists.get(SOUND_LIST, ()), (*lists.get(ORDINARY_LIST, ()), *lists.get(Operator.MASK, ()))),
        pinyin=PinyinReader(
            lists.get(SOUND_LIST, ()),
            lambda: (*sorted(patterns.danger_words), *sorted(patterns.groups_of)),
        ),
    )


def _weight_of(word: str) -> float:
    return 1.0 + min(len(word), 8) / (2 if not word.isascii() else 6)

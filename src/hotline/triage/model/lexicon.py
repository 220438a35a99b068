"""A directory made ready for reading texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Category, Words
from hotline.text.normalisation import WordFinder, fold_text
from hotline.triage.model.places.index import PlaceIndex, build_place_index

Rule = tuple[Words, tuple[str, ...], tuple[str, ...]]  # the rule, its words and those that must stand near, folded


@dataclass(frozen=True)
class Lexicon:
    """A directory made ready for matching: every word folded once, looked up by the word. Built anew when it
    changes."""

    directory: Directory
    ignore: tuple[str, ...] = ()  # longest first
    past: frozenset[str] = frozenset()
    rules: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # word -> places in `ruled`
    ruled: tuple[Rule, ...] = ()
    categories: Mapping[str, tuple[Category, ...]] = field(default_factory=dict)  # word -> the categories it hints at
    places: PlaceIndex = field(default_factory=PlaceIndex)
    words: WordFinder = field(default_factory=lambda: WordFinder(()))


def build_lexicon(directory: Directory) -> Lexicon:
    """Make a directory ready for `advise`."""
    rules = [
        w for w in directory.words.values() if w.danger is not None or w.kind is not None or w.priority is not None
    ]
    ruled = tuple((w, tuple(map(fold_text, w.words)), tuple(map(fold_text, w.near))) for w in rules)
    by_word: dict[str, list[int]] = {}
    for place, (_, words, _) in enumerate(ruled):
        for word in words:
            by_word.setdefault(word, []).append(place)
    hints: dict[str, list[Category]] = {}
    for category in directory.categories.values():
        if category.active:
            for word in category.words:
                hints.setdefault(fold_text(word), []).append(category)
    past = frozenset(fold_text(x) for w in directory.words.values() if w.past for x in w.words)
    near = [x for _, _, words in ruled for x in words]
    return Lexicon(
        directory=directory,
        ignore=tuple(
            sorted((fold_text(x) for w in directory.words.values() if w.ignore for x in w.words), key=len, reverse=True)
        ),
        past=past,
        rules={word: tuple(places) for word, places in by_word.items()},
        ruled=ruled,
        categories={word: tuple(found) for word, found in hints.items()},
        places=build_place_index(directory),
        words=WordFinder((*by_word, *hints, *near, *past)),
    )

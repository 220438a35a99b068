"""A directory made ready for reading texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Category, Words
from hotline.text.normalisation import fold_text
from hotline.text.word_finder import WordFinder
from hotline.triage.model.danger.lexicon import DangerLexicon, build_danger_lexicon

Rule = tuple[Words, tuple[str, ...], tuple[str, ...]]  # the rule, its words and those that must stand near, folded


@dataclass(frozen=True)
class Lexicon:
    """A directory made ready for matching: every word folded once, looked up by the word. Built anew when it
    changes."""

    directory: Directory
    rules: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # word -> places in `ruled`
    ruled: tuple[Rule, ...] = ()
    categories: Mapping[str, tuple[Category, ...]] = field(default_factory=dict)  # word -> the categories it hints at
    places: Mapping[str, str] = field(default_factory=dict)  # name -> area; "" where several share it
    depth: Mapping[str, int] = field(default_factory=dict)
    words: WordFinder = field(default_factory=lambda: WordFinder(()))
    danger: DangerLexicon = field(default_factory=DangerLexicon)


def build_lexicon(directory: Directory) -> Lexicon:
    """Make a directory ready for `advise`."""
    rules = [w for w in directory.words.values() if w.kind is not None or w.priority is not None]
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
    names: dict[str, str] = {}
    for area in directory.areas.values():
        if area.active:
            for name in (area.name, area.name_en, *area.aliases):
                # a name two places share says nothing by itself
                key = fold_text(name)
                if len(key) > 1:
                    names[key] = area.code if names.get(key, area.code) == area.code else ""
    near = [x for _, _, words in ruled for x in words]
    return Lexicon(
        directory=directory,
        rules={word: tuple(places) for word, places in by_word.items()},
        ruled=ruled,
        categories={word: tuple(found) for word, found in hints.items()},
        places=names,
        depth={code: len(directory.area_path(code)) for code in directory.areas},
        words=WordFinder((*by_word, *hints, *near, *names)),
        danger=build_danger_lexicon(directory),
    )

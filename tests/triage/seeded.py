"""The shipped organisations as directories, for the pure rules: each read once in a test process."""

from collections import deque
from collections.abc import Iterable
from functools import cache
from typing import Any

from hotline.organisation.model.directory import Directory
from hotline.organisation.service.seeding import read_seed_directory
from hotline.packaged_files import packaged_folder
from hotline.triage.model import lexicon, patterns
from hotline.triage.model.lexicon import Lexicon, build_lexicon
from hotline.triage.model.patterns import PatternLexicon, build_pattern_lexicon


@cache
def seeded_directory(name: str) -> Directory:
    """The directory that `hotline seed NAME` makes."""
    return read_seed_directory(packaged_folder("seeds") / name, packaged_folder("seeds"))


@cache
def seeded_lexicon(name: str) -> Lexicon:
    """What triage knows with that directory."""
    return build_lexicon(seeded_directory(name))


PATTERN_NOUNS = ("danger_frames", "symptoms", "words", "word_lists")  # what patterns are made of
_kept: deque[tuple[Any, PatternLexicon]] = deque(maxlen=16)


def kept_pattern_lexicon(directory: Directory, other_words: Iterable[str] = ()) -> PatternLexicon:
    """The patterns of a directory, made once of the same items. Only those are handed on: what is made of another noun
    would be missing, and never be out of date."""
    nouns: dict[str, Any] = {noun: dict(getattr(directory, noun)) for noun in PATTERN_NOUNS}
    key = [*(list(items.items()) for items in nouns.values()), list(other_words)]
    for known, made in _kept:
        if known == key:
            return made
    _kept.appendleft((key, build_pattern_lexicon(Directory(0, **nouns), key[-1])))
    return _kept[0][1]


def keep_patterns() -> None:
    """From now on, in this test process: every story that changes the directory would make them anew, which takes a
    third of a second of processor and most of the story's time. Half of that is to fold and to parse the same words."""
    lexicon.build_pattern_lexicon = kept_pattern_lexicon  # type: ignore[attr-defined]
    lexicon.fold_word = patterns.fold_word = cache(patterns.fold_word)  # type: ignore[attr-defined]
    patterns.parse_gap_pattern = cache(patterns.parse_gap_pattern)  # type: ignore[attr-defined]

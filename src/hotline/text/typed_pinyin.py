"""Words by their pinyin, as it is typed without tones: what a text can be found by beside its characters."""

import re
from functools import cache
from importlib import resources
from itertools import pairwise

from hotline.text.normalisation import fold_text

_RUN = re.compile(r"[\u4e00-\u9fff]+")
_LONGEST = 6  # letters of a syllable: zhuang
_MARK = "py"  # begins a term, so that no English word is one
MOST_TERMS = 60  # of a text


@cache
def _readings() -> tuple[dict[str, str], frozenset[str]]:
    """Character -> its syllable; and all syllables."""
    by_character: dict[str, str] = {}
    text = resources.files("hotline.text").joinpath("sounds.txt").read_text("utf-8")
    for line in text.splitlines():
        syllable, characters = line.split(" ")
        by_character |= dict.fromkeys(characters, syllable)
    return by_character, frozenset(by_character.values())


def syllables(run: str) -> list[str]:
    """The syllables of Chinese characters; a character without a reading has none."""
    by_character = _readings()[0]
    return [by_character[c] for c in run if c in by_character]


def pinyin_terms(text: str | None) -> list[str]:
    """Pairs of neighbouring syllables of each run of characters."""
    found: list[str] = []
    for run in _RUN.findall(fold_text(text or "")):
        spoken = syllables(run)
        found += [f"{_MARK}{one}{two}" for one, two in pairwise(spoken)]
    return list(dict.fromkeys(found))[:MOST_TERMS]


def name_sounds(name: str) -> list[str]:
    """How a Chinese name may be typed: its whole pinyin, and the first letter of each syllable."""
    spoken = syllables(fold_text(name))
    return ["".join(spoken), "".join(one[0] for one in spoken)] if len(spoken) > 1 else []


def typed_syllables(word: str) -> list[str] | None:
    """The fewest syllables that the letters can be parted into. None: they are no pinyin."""
    letters = word.casefold().replace("'", "").replace("’", "").replace("ü", "v")
    known = _readings()[1]
    fewest: list[list[str] | None] = [[]]
    for end in range(1, min(len(letters), 60) + 1):
        best: list[str] | None = None
        for begin in range(max(0, end - _LONGEST), end):
            before, last = fewest[begin], letters[begin:end]
            if before is not None and last in known and (best is None or len(before) + 1 < len(best)):
                best = [*before, last]
        fewest.append(best)
    return fewest[-1] if 1 < len(letters) <= 60 else None


def typed_terms(word: str) -> list[str]:
    """The terms that a typed word of two syllables and more asks for; none: it is no pinyin."""
    parts = typed_syllables(word) or []
    return [f"{_MARK}{one}{two}" for one, two in pairwise(parts)]

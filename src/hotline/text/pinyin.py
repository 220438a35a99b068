"""Chinese written in pinyin without tones, as typed on a phone: "chu fang zhao huo le".

A text is read so only if every word of it is made of pinyin syllables. What it says is put together from the longest
words that are spoken like its syllables; a syllable of no word becomes its most usual character. Where nothing is
spelled exactly so, sounds count as in hotline.text.sounds."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

from hotline.text.sounds import fold_syllable

_Sounds = tuple[Sequence[str], Sequence[str]]  # the syllables of a text, as typed and folded
_LATIN_WORD = re.compile(r"[a-zü]+")
_OTHER = re.compile(r"[^\x00-\x7fü]")
_LONGEST_SYLLABLE = 6
_LONGEST_WORD = 6  # syllables
_NOT_TYPED = frozenset({"hm", "m", "n", "ng"})  # letters rather than syllables
_LEAST, _MOST = 3, 120  # syllables of a text that is read
_LONGEST_TYPED = 60  # letters without a space
# what most often stands alone
_USUAL = (
    "le了 de的 wo我 ni你 ta他 you有 zai在 ren人 li里 shang上 xia下 mei没 bu不 bei被 ba把 yao要 kuai快 lai来 qu去 "
    "dou都 hai还 shi是 jiu就 dao到 jin进 chu出 men们 ge个 hen很 hao好 da大 he河 shui水 huo火 yan烟 qi气 lou楼 "
    "fang房 che车 si死 xue血 wa娃 ma妈 ye也 zhe着 kan看 pa怕 zhong重 mao冒 dian电"
)
_USUAL_WORDS = {entry[:-1]: entry[-1] for entry in _USUAL.split()}


@dataclass(frozen=True, slots=True)
class _SpelledWords:
    """Words by their syllables; by its first syllable, how many the longest has; whether syllables are folded."""

    by_syllables: Mapping[str, str]
    longest: Mapping[str, int]
    is_folded: bool

    @classmethod
    def of(cls, by_syllables: Mapping[str, str], *, is_folded: bool) -> "_SpelledWords":
        longest: dict[str, int] = {}
        for spelling in by_syllables:
            syllables = spelling.split(" ")
            longest[syllables[0]] = max(len(syllables), longest.get(syllables[0], 0))
        return cls(by_syllables, longest, is_folded)

    def find(self, sounds: _Sounds, at: int, end: int) -> tuple[str, int]:
        """The longest word that begins there, and how many syllables it takes; else "" and 1."""
        syllables = sounds[self.is_folded]
        for length in range(min(self.longest.get(syllables[at], 0), end - at), 1, -1):
            word = self.by_syllables.get(" ".join(syllables[at : at + length]))
            if word:
                return word, length
        return "", 1


class PinyinReader:
    """Reads texts in pinyin. `first`: what is looked for before other words; it may name its reading, `着火=zhao huo`.
    `words`: makes those others, when the first such text comes."""

    def __init__(self, first: Iterable[str], words: Callable[[], Iterable[str]] = tuple) -> None:
        self._first, self._make_others = tuple(first), words

    def read(self, text: str) -> str | None:
        """The (folded) text in characters; None if it is not written in pinyin."""
        if not text or _OTHER.search(text):
            return None
        parts: list[str] = []
        end = count = 0
        for match in _LATIN_WORD.finditer(text):
            syllables = _split(match.group()) if len(match.group()) <= _LONGEST_TYPED else ()
            count += len(syllables)
            if not syllables or count > _MOST:
                return None
            parts += (text[end : match.start()].strip(" '"), *syllables)
            end = match.end()
        if count < _LEAST:
            return None
        return self._spell([*filter(None, parts), text[end:].strip()])

    def _spell(self, parts: Sequence[str]) -> str:
        first, *others = self._words
        sounds: _Sounds = (parts, [_fold(part) for part in parts])
        spelled: list[str] = []
        at = begin = 0
        while at < len(parts):
            word, length = first.find(sounds, at, len(parts))
            if word:
                spelled += (self._spell_rest(others, sounds, begin, at), word)
                begin = at + length
            at += length
        return "".join(spelled) + self._spell_rest(others, sounds, begin, len(parts))

    @staticmethod
    def _spell_rest(words: Sequence[_SpelledWords], sounds: _Sounds, at: int, end: int) -> str:
        spelled = ""
        while at < end:
            for each in words:
                word, length = each.find(sounds, at, end)
                if word:
                    break
            else:
                part = sounds[0][at]
                word = _USUAL_WORDS.get(part) or _syllables().get(part, part)[: 1 if part.isalpha() else None]
            spelled, at = spelled + word, at + length
        return spelled

    @cached_property
    def _words(self) -> tuple[_SpelledWords, ...]:
        """In the order in which they are looked for."""
        sounds = {character: s for s, characters in _syllables().items() for character in characters}
        first, others = _by_syllables(self._first, sounds), _by_syllables(self._make_others(), sounds)
        as_typed = [_SpelledWords.of(words, is_folded=False) for words in (first, others)]
        return (*as_typed, *(_SpelledWords.of(_folded(words), is_folded=True) for words in (first, others)))


def _by_syllables(entries: Iterable[str], sounds: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries:
        word, _, reading = entry.partition("=")
        syllables = reading.split() or [sounds.get(character, "") for character in word]
        if 2 <= len(word) == len(syllables) <= _LONGEST_WORD and all(syllables):
            found.setdefault(" ".join(syllables), word)
    return found


def _folded(words: Mapping[str, str]) -> dict[str, str]:
    folded: dict[str, str] = {}
    for syllables, word in words.items():
        folded.setdefault(" ".join(map(fold_syllable, syllables.split())), word)
    return folded


@lru_cache(maxsize=1)
def _syllables() -> dict[str, str]:
    """The syllables and the characters that are read so."""
    text = resources.files("hotline.text").joinpath("sounds.txt").read_text("utf-8")
    return {
        syllable: characters
        for syllable, _, characters in (line.partition(" ") for line in text.splitlines())
        if syllable not in _NOT_TYPED
    }


_fold = lru_cache(maxsize=512)(fold_syllable)  # there are some four hundred


@lru_cache(maxsize=4096)
def _split(word: str) -> tuple[str, ...]:
    """A word in the fewest syllables; none if it is not made of syllables."""
    known = _syllables()
    best: list[tuple[str, ...] | None] = [()]
    for end in range(1, len(word) + 1):
        found: tuple[str, ...] | None = None
        for start in range(max(0, end - _LONGEST_SYLLABLE), end):
            before = best[start]
            syllable = word[start:end].replace("ü", "v")
            if before is not None and syllable in known and (found is None or len(before) + 1 < len(found)):
                found = (*before, syllable)
        best.append(found)
    return best[-1] or ()

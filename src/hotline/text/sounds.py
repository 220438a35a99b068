"""Words by their sound: what speech recognition wrote with other characters that are spoken alike.

Sounds are folded as the speakers of Chengdu and their recogniser mix them up: flat and curled tongue, n and l, -n and
-ng, hu and fu, uo and e. Tones do not count. Readings: sounds.txt, which
tools/sounds.py makes from pypinyin."""

from collections.abc import Iterable
from functools import cache
from importlib import resources

from hotline.text.word_finder import WordFinder

# characters that a recogniser hardly ever writes for a noun or a verb
_FUNCTION_WORDS = frozenset("是的了不在我你他她它和都也就这那很")
_HU = {"hu": "fu", "hun": "fen", "hua": "fa", "hui": "fei", "huan": "fan", "huang": "fang"}
_CURLED = (("zh", "z"), ("ch", "c"), ("sh", "s"))
_PRIVATE = 0xE000  # the first code point of the private use area
_END_OF_IDEOGRAPHS = 0xA000
_NO_SOUND = " "


def fold_syllable(syllable: str) -> str:
    """A toneless syllable folded; `lve` and `lue` are one."""
    folded = syllable.replace("v", "u").replace("ü", "u")
    for curled, flat in _CURLED:
        if folded.startswith(curled):
            folded = flat + folded[2:]
    if folded.startswith("n") and not folded.startswith(("ni", "nu", "ne")):
        folded = "l" + folded[1:]
    folded = _HU.get(folded, folded)
    if folded.endswith("eng"):
        folded = folded[:-3] + ("ong" if folded[0] in "bpmf" else "en")
    elif folded.endswith("ing"):
        folded = folded[:-3] + "in"
    if folded.endswith("un") and folded[:-2] in ("d", "t", "l", "z", "c", "s"):
        folded = folded[:-2] + "en"
    if folded.endswith("uo"):
        folded = folded[:-2] + "o"
    elif folded in ("ge", "ke", "he"):
        folded = folded[0] + "o"
    return folded


@cache
def _signs() -> tuple[list[str], dict[str, str]]:
    """Code point -> the sign of its folded sound, one character of the private use area; and folded sound -> sign. A
    list, as it is quicker and smaller than a dictionary of 20,000 characters."""
    signs: dict[str, str] = {}
    by_character = [_NO_SOUND] * _END_OF_IDEOGRAPHS
    text = resources.files("hotline.text").joinpath("sounds.txt").read_text("utf-8")
    for line in text.splitlines():
        syllable, characters = line.split(" ")
        sign = signs.setdefault(fold_syllable(syllable), chr(_PRIVATE + len(signs)))
        for character in characters:
            by_character[ord(character)] = sign
    return by_character, signs


def _is_garbled(written: str, word: str) -> bool:
    """Whether a recogniser may have written so for the word."""
    return not any(w != c and w in _FUNCTION_WORDS for w, c in zip(written, word, strict=True))


class SoundFinder:
    """Finds words by their sound. A word may name its reading, `着火=zhao huo`; else every character has its usual one.

    `ordinary`: strings that sound like one of them and are words of their own."""

    def __init__(self, words: Iterable[str], ordinary: Iterable[str]) -> None:
        self._words: dict[str, str] = {}
        self._by_character: list[str] = []
        for entry in words:
            word, _, reading = entry.partition("=")
            by_character, by_sound = _signs()
            self._by_character = by_character
            signs = [by_sound.get(fold_syllable(s), "") for s in reading.split()] or [
                by_character[ord(c)] for c in word if ord(c) < _END_OF_IDEOGRAPHS
            ]
            if len(signs) == len(word) and all(signs) and _NO_SOUND not in signs:
                self._words.setdefault("".join(signs), word)
        self._finder = WordFinder(self._words)
        self._ordinary = WordFinder(ordinary)

    def restore(self, text: str) -> tuple[str, list[tuple[int, int]]]:
        """The text with what only sounds like one of the words written as that word, and where (from, to)."""
        found = self._finder.find(text.translate(self._by_character)) if self._words else {}
        spans = [
            (start, end, self._words[signs])
            for signs, places in found.items()
            for start, end in places
            if text[start:end] != self._words[signs] and _is_garbled(text[start:end], self._words[signs])
        ]
        if not spans:
            return text, []
        ordinary = bytearray(len(text))  # 1 where a character is part of a word of its own
        for places in self._ordinary.find(text).values():
            for start, end in places:
                ordinary[start:end] = b"\1" * (end - start)
        restored, used = list(text), list[tuple[int, int]]()
        for start, end, word in sorted(spans, key=lambda span: (span[0], -span[1])):
            if (used and start < used[-1][1]) or 1 in ordinary[start:end]:
                continue
            restored[start:end] = word
            used.append((start, end))
        return "".join(restored), used

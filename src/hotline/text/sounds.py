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
def _signs() -> tuple[str, dict[str, str]]:
    """Code point -> the sign of its folded sound, one character of the private use area; and folded sound -> sign. A
    text of signs, which has a quarter of the size of a list."""
    signs: dict[str, str] = {}
    by_character = [_NO_SOUND] * _END_OF_IDEOGRAPHS
    text = resources.files("hotline.text").joinpath("sounds.txt").read_text("utf-8")
    for line in text.splitlines():
        syllable, characters = line.split(" ")
        sign = signs.setdefault(fold_syllable(syllable), chr(_PRIVATE + len(signs)))
        for character in characters:
            by_character[ord(character)] = sign
    return "".join(by_character), signs


def _is_garbled(written: str, word: str) -> bool:
    """Whether a recogniser may have written so for the word."""
    return not any(w != c and w in _FUNCTION_WORDS for w, c in zip(written, word, strict=True))


class SoundFinder:
    """Finds words by their sound. A word may name its reading, `着火=zhao huo`; else every character has its usual one.

    `ordinary`: strings that sound like one of them and are words of their own."""

    def __init__(self, words: Iterable[str], ordinary: Iterable[str]) -> None:
        self._words: dict[str, tuple[str, ...]] = {}  # by their sound: 氯气 and 漏气, which is also read so
        self._by_character = ""
        for entry in words:
            word, _, reading = entry.partition("=")
            by_character, by_sound = _signs()
            self._by_character = by_character
            signs = [by_sound.get(fold_syllable(s), "") for s in reading.split()] or [
                by_character[ord(c)] for c in word if ord(c) < _END_OF_IDEOGRAPHS
            ]
            if len(signs) == len(word) and all(signs) and _NO_SOUND not in signs:
                sound = "".join(signs)
                self._words[sound] = tuple(dict.fromkeys((*self._words.get(sound, ()), word)))
        self._finder = WordFinder(self._words)
        self._ordinary = WordFinder(ordinary)

    def restore(self, text: str) -> list[tuple[str, list[tuple[int, int]]]]:
        """The text with what only sounds like one of the words written as that word, and where (from, to). Nothing: it
        has none. Several: a sound stands for several words, of which the first texts have the first ones."""
        found = self._finder.find(text.translate(self._by_character)) if self._words else {}
        spans = [
            (start, end, words)
            for signs, places in found.items()
            for start, end in places
            if (words := tuple([word for word in self._words[signs] if _is_garbled(text[start:end], word)]))
            and text[start:end] not in self._words[signs]
        ]
        if not spans:
            return []
        ordinary = bytearray(len(text))  # 1 where a character is part of a word of its own
        for places in self._ordinary.find(text).values():
            for start, end in places:
                ordinary[start:end] = b"\1" * (end - start)
        used = list[tuple[int, int, tuple[str, ...]]]()
        for start, end, words in sorted(spans, key=lambda span: (span[0], -span[1])):
            if not (used and start < used[-1][1]) and 1 not in ordinary[start:end]:
                used.append((start, end, words))
        most = max((len(words) for _, _, words in used), default=0)
        places = [(start, end) for start, end, _ in used]
        return [(_written(text, used, number), places) for number in range(most)]


def _written(text: str, used: Iterable[tuple[int, int, tuple[str, ...]]], number: int) -> str:
    """With the word of that number at each place, the last one where there are fewer."""
    restored = list(text)
    for start, end, words in used:
        restored[start:end] = words[min(number, len(words) - 1)]
    return "".join(restored)

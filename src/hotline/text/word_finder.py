"""Looks for many words in a text at once."""

from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick

from hotline.text.normalisation import is_latin

WordPlace = tuple[str, int, int]  # a word, where it begins and ends (exclusive)


class WordFinder:
    """An Aho-Corasick automaton over words. How long a search takes grows with the text and with what it finds, not
    with the number of words."""

    def __init__(self, words: Iterable[str]) -> None:
        unlike = set(filter(None, words))
        self._words = sorted(unlike, key=lambda word: (_has_latin_edge(word), word))
        self._first_latin = sum(not _has_latin_edge(word) for word in unlike)
        self._automaton = AhoCorasick(self._words, store_patterns=False) if unlike else None

    def places(self, text: str) -> list[WordPlace]:
        """Every word that stands in the (folded) text, in the order of their ends. An edge that is Latin counts only
        where no Latin character goes on."""
        if self._automaton is None:
            return []
        words, first_latin = self._words, self._first_latin
        return [
            (words[number], start, end)
            for number, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True)
            if number < first_latin or not _is_cut(text, start, end)
        ]

    def find(self, text: str) -> dict[str, list[int]]:
        """The words that stand in the text, each with the places where it begins, in ascending order."""
        found: dict[str, list[int]] = {}
        for word, start, _ in self.places(text):
            if word in found:
                found[word].append(start)
            else:
                found[word] = [start]
        return found


def _has_latin_edge(word: str) -> bool:
    return is_latin(word[0]) or is_latin(word[-1])


def _is_cut(text: str, start: int, end: int) -> bool:
    """Whether a Latin word goes on in front of text[start:end], or behind it."""
    before, behind = start > 0 and text[start - 1], text[end : end + 1]
    return bool(
        (before and is_latin(before) and is_latin(text[start]))
        or (behind and is_latin(behind) and is_latin(text[end - 1]))
    )

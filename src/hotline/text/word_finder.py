"""Looks for many words in a text at once."""

from collections.abc import Iterable
from string import ascii_lowercase, digits

from ahocorasick_rs import AhoCorasick

Span = tuple[int, int]  # from, to (exclusive)
_LATIN = frozenset(ascii_lowercase + digits)


class WordFinder:
    """An Aho-Corasick automaton over words. How long a search takes grows with the text and with what it finds, not
    with the number of words."""

    def __init__(self, words: Iterable[str]) -> None:
        unlike = set(filter(None, words))
        self._words = sorted(unlike, key=lambda word: (_has_latin_edge(word), word))
        self._first_latin = sum(not _has_latin_edge(word) for word in unlike)
        self._automaton = AhoCorasick(self._words, store_patterns=False) if unlike else None

    def find(self, text: str) -> dict[str, list[Span]]:
        """The words that stand in the (folded) text, each with its places in ascending order. An edge that is Latin
        counts only where no Latin character goes on."""
        found: dict[str, list[Span]] = {}
        if self._automaton is None:
            return found
        words, first_latin = self._words, self._first_latin
        try:
            places = self._automaton.find_matches_as_indexes(text, overlapping=True)
        except UnicodeEncodeError:  # a lone surrogate
            places = self._automaton.find_matches_as_indexes(text.encode("utf-8", "replace").decode(), overlapping=True)
        for number, start, end in places:
            if number >= first_latin and _is_cut(text, start, end):
                continue
            word = words[number]
            if word in found:  # a twentieth quicker than to ask for what may not be there
                found[word].append((start, end))
            else:
                found[word] = [(start, end)]
        return found


def _has_latin_edge(word: str) -> bool:
    return word[0] in _LATIN or word[-1] in _LATIN


def _is_cut(text: str, start: int, end: int) -> bool:
    """Whether a Latin word goes on in front of text[start:end], or behind it."""
    return (start > 0 and text[start] in _LATIN and text[start - 1] in _LATIN) or (
        end < len(text) and text[end] in _LATIN and text[end - 1] in _LATIN
    )

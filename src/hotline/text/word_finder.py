"""Looks for many words in a text at once."""

from collections.abc import Iterable

import ahocorasick

from hotline.text.normalisation import is_latin


class WordFinder:
    """An Aho-Corasick automaton over words. How long a search takes grows with the text and with what it finds, not
    with the number of words."""

    def __init__(self, words: Iterable[str]) -> None:
        self._automaton = ahocorasick.Automaton()
        for word in words:
            if word:
                self._automaton.add_word(word, word)
        self._empty = not len(self._automaton)
        if not self._empty:
            self._automaton.make_automaton()

    def find(self, text: str) -> dict[str, list[int]]:
        """The words that stand in the (folded) text, each with the places where it begins, in ascending order. A Latin
        word counts only as a whole word."""
        found: dict[str, list[int]] = {}
        if self._empty:
            return found
        for last, word in self._automaton.iter(text):
            place = last - len(word) + 1
            if word.isascii() and (is_latin(text[last + 1 : last + 2]) or (place > 0 and is_latin(text[place - 1]))):
                continue
            places = found.get(word)
            if places is None:
                found[word] = [place]
            else:
                places.append(place)
        return found

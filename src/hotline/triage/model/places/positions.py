"""From the folded text back to the words as they were written."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from hotline.text.normalisation import fold_characters

Span = tuple[int, int]


@lru_cache(maxsize=4096)
def _folded_length(character: str) -> int:
    return 0 if unicodedata.combining(character) else len(fold_characters(character))


def original_spans(original: str, folded: str, spans: Sequence[Span]) -> list[Span | None]:
    """Where the spans of a folded text stand in the original, in characters. None: not certain, as folding put
    characters together there."""
    if all(original[start:end] == folded[start:end] for start, end in spans) and original[:1] == folded[:1]:
        return [span if span[0] < span[1] else None for span in spans]  # nothing was left out before them
    furthest = max((end for _, end in spans), default=0)
    begun = original[:furthest]
    if begun.isascii() and not begun[:1].isspace() and begun.lower() == folded[:furthest]:
        return [span if span[0] < span[1] else None for span in spans]
    places: list[int] = []  # of each folded character, the original one
    for at, character in enumerate(original):
        if len(places) > furthest:
            break
        if character.isspace():
            if folded[len(places) : len(places) + 1] == " " and places and not original[places[-1]].isspace():
                places.append(at)
            continue
        places += [at] * _folded_length(character)
    found: list[Span | None] = []
    for start, end in spans:
        if end > len(places) or start >= end:
            found.append(None)
            continue
        span = places[start], places[end - 1] + 1
        found.append(span if fold_characters(original[span[0] : span[1]]) == folded[start:end] else None)
    return found
